//! A disk without room: requests are served while the journal has room, refused in their dialect when it has none, and
//! nothing is lost.

use std::process::Command;
use std::sync::Arc;

use serde_json::Value;
use sluice_tests::gateway::{Gateway, key};
use sluice_tests::place::{Folder, binary};

use super::records;

/// Requests that are more than fit into the journal's files that are there.
const MANY: usize = 3_000;

/// A gateway whose process outlives a write beyond the largest size of a file.
fn gateway(folder: &Arc<Folder>) -> Gateway {
    // Long records fill the journal sooner.
    let tags: Vec<String> = (0..40).map(|number| format!("{number:0>100}")).collect();
    let config =
        format!("[[accounts]]\nname = \"s\"\nprovider = \"simulated\"\n{}", key(&format!("tags = {tags:?}")));
    let path = folder.0.join("sluice.toml");
    let text = format!(
        "store.path = {:?}\nadmin.token = \"{}\"\nserver.listen = \"127.0.0.1:0\"\n{config}",
        folder.0.join("data"),
        sluice_tests::gateway::TOKEN
    );
    std::fs::write(&path, text).unwrap();
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' XFSZ; exec \"$0\" --config \"$1\""]).arg(binary()).arg(path);
    Gateway::run(Arc::clone(folder), &mut command)
}

/// Lets files of the gateway's process grow to this size, which stands for a disk that has room for it or has none.
fn let_files_grow(gateway: &Gateway, size: &str) {
    let mut command = Command::new("prlimit");
    let status =
        command.args(["--pid", &gateway.process().to_string(), &format!("--fsize={size}:")]).status();
    assert!(status.unwrap().success());
}

fn ask(gateway: &Gateway, path: &str) -> (u16, Value) {
    let body = r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"a"}]}"#;
    let answer = gateway.post(path, body);
    (answer.status, answer.json())
}

#[test]
fn on_a_full_disk_requests_are_served_then_refused_in_their_dialect_and_none_is_lost() {
    let folder = Arc::new(Folder::new());
    let gateway = gateway(&folder);
    assert_eq!(ask(&gateway, "/v1/messages").0, 200);
    gateway.until("the first is kept", |gateway| records(gateway).len() == 1);
    let_files_grow(&gateway, "4096");
    let mut served = 1;
    let (status, refused) = loop {
        let (status, answer) = ask(&gateway, "/v1/messages");
        if status != 200 {
            break (status, answer);
        }
        served += 1;
        assert!(served < MANY, "the journal has no end");
    };
    assert!(served > 100, "the journal takes {served} only");
    assert_eq!((status, &refused["type"]), (503, &"error".into()), "{refused}");
    let says = "the gateway's store takes no records";
    assert!(refused["error"]["message"].as_str().unwrap().contains(says), "{refused}");
    let (status, refused) = ask(&gateway, "/v1/chat/completions");
    assert_eq!(status, 503);
    assert!(
        refused["type"].is_null() && refused["error"]["message"].as_str().unwrap().contains(says),
        "{refused}"
    );
    assert!(gateway.log().contains("the store takes no records"), "{}", gateway.log());

    let_files_grow(&gateway, "unlimited");
    gateway.until("it serves again", |gateway| ask(gateway, "/v1/messages").0 == 200);
    served += 1;
    let completed =
        |gateway: &Gateway| records(gateway).iter().filter(|record| record["outcome"] == "completed").count();
    assert_eq!(completed(&gateway), served);
    gateway.signal("KILL");
    drop(gateway);
    let gateway = self::gateway(&folder);
    assert_eq!(completed(&gateway), served);
}
