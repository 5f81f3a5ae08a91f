//! What stands on standard error: in JSON format nothing else, and never the admin token.

mod lines;

use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use serde_json::Value;
use sluice_tests::client::send;
use sluice_tests::gateway::{Folder, Gateway, key, program};

/// The lines that are no JSON, and those that are.
fn lines(log: &str) -> (Vec<&str>, Vec<Value>) {
    let mut plain = Vec::new();
    let mut parsed = Vec::new();
    for line in log.lines() {
        match serde_json::from_str(line) {
            Ok(value) => parsed.push(value),
            Err(_) => plain.push(line),
        }
    }
    (plain, parsed)
}

/// Starts a gateway that has no admin token configured.
fn start(folder: &Arc<Folder>, format: &str) -> Gateway {
    let text = format!(
        "server.listen = \"127.0.0.1:0\"\nadmin.listen = \"127.0.0.1:0\"\ntelemetry.format = \"{format}\"\n\
         [[accounts]]\nname = \"a\"\nprovider = \"simulated\"\n{}",
        key("")
    );
    std::fs::write(folder.0.join("sluice.toml"), text).unwrap();
    Gateway::run(Arc::clone(folder), &mut program(&folder.0))
}

fn admin_token(folder: &Folder) -> (Option<i32>, String, String) {
    let output = program(&folder.0).arg("admin-token").output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap().trim().to_owned();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn in_json_every_line_is_json_but_the_one_that_says_where_it_listens() {
    let folder = Arc::new(Folder::new());
    let gateway = start(&folder, "json");
    let address = gateway.address.clone();
    assert_eq!(gateway.post("/v1/messages", r#"{"model":"m","max_tokens":1,"messages":[]}"#).status, 200);
    gateway.signal("HUP");
    gateway.until("the reload is logged", |gateway| gateway.log().contains("reloaded"));
    gateway.signal("TERM");
    let (status, log) = gateway.wait();
    assert!(status.success());
    let (plain, parsed) = lines(&log);
    assert_eq!(plain, [format!("listening on http://{address}")], "{log}");
    let token = admin_token(&folder).1;
    assert!(token.starts_with("admin-") && !log.contains(&token), "the log tells the admin token");

    let up = parsed.iter().find(|line| line["message"] == "the gateway is running").unwrap();
    assert!(up["version"].is_string() && up["operators"].as_str().unwrap().starts_with("http://"), "{up}");
    assert_eq!(
        (&up["configuration"], &up["accounts"], &up["keys"], &up["store"], &up["clients"]),
        (
            &"sluice.toml".into(),
            &1.into(),
            &1.into(),
            &"embedded".into(),
            &format!("http://{address}").into()
        )
    );
}

#[test]
fn a_start_that_fails_says_why_in_the_format_that_was_asked_for() {
    let held = start(&Arc::new(Folder::new()), "text");
    let store = held.folder.0.join("sluice-data");
    for (text, variables, code) in [
        ("telemetry.format = \"json\"\nserver.lisen = 1\n".to_owned(), &[][..], 2),
        ("[server".to_owned(), &[("SLUICE_TELEMETRY__FORMAT", "json")][..], 2),
        (format!("telemetry.format = \"json\"\nstore.path = {store:?}\n"), &[][..], 1),
        (format!("telemetry.format = \"json\"\nserver.listen = \"{}\"\n", held.address), &[][..], 1),
    ] {
        let folder = Folder::new();
        std::fs::write(folder.0.join("sluice.toml"), &text).unwrap();
        let output = program(&folder.0).envs(variables.iter().copied()).output().unwrap();
        let log = String::from_utf8(output.stderr).unwrap();
        let (plain, parsed) = lines(&log);
        assert_eq!((output.status.code(), plain), (Some(code), Vec::new()), "{text}\n{log}");
        assert!(parsed.iter().any(|line| line["level"] == "ERROR"), "{log}");
    }
}

#[test]
fn a_made_admin_token_is_in_a_file_for_its_owner_alone_and_is_shown_by_a_command() {
    let folder = Arc::new(Folder::new());
    std::fs::write(folder.0.join("sluice.toml"), "").unwrap();
    let (code, shown, told) = admin_token(&folder);
    assert_eq!((code, shown.as_str()), (Some(1), ""));
    assert!(told.contains("no admin token was made"), "{told}");

    let gateway = start(&folder, "text");
    let file = folder.0.join("sluice-data/admin-token");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let (code, token, _) = admin_token(&folder);
    assert_eq!(code, Some(0));
    let bearer = format!("Bearer {token}");
    let keys = |gateway: &Gateway| {
        let log = gateway.log();
        let operators = log.split("operators on http://").nth(1).unwrap().lines().next().unwrap().to_owned();
        send(&operators, "GET", "/admin/v1/keys", &[("authorization", &bearer)], b"").status
    };
    gateway.until("the operators' address", |gateway| gateway.log().contains("operators on http://"));
    assert_eq!(keys(&gateway), 200);
    assert_eq!(gateway.log().matches(&token).count(), 1, "printed once where people read it");
    gateway.signal("TERM");
    assert!(gateway.wait().0.success());

    let again = start(&folder, "text");
    again.until("the operators' address", |gateway| gateway.log().contains("operators on http://"));
    assert_eq!((keys(&again), again.log().contains(&token)), (200, false));
}

#[test]
fn a_configured_admin_token_is_not_shown() {
    let folder = Folder::new();
    std::fs::write(folder.0.join("sluice.toml"), "\nadmin.token = \"planted-and-long-enough\"\n").unwrap();
    let (code, shown, told) = admin_token(&folder);
    assert_eq!((code, shown.as_str()), (Some(1), ""));
    assert!(told.contains("admin.token in sluice.toml:2") && !told.contains("planted"), "{told}");
}
