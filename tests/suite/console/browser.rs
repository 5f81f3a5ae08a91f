//! The pages in headless Chromium, over a gateway with forty days behind it and accounts in every state.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread;

use sluice_tests::client::send;
use sluice_tests::gateway::{Gateway, TOKEN, account, workspace};
use sluice_tests::place::Folder;
use sluice_tests::upstream::{Upstream, whole};

use crate::ledger::execute;

/// Requests of each time, and how many times there are; between two of them lie five days.
const TIMES: (usize, usize) = (1250, 8);

/// Who asks at once.
const CLIENTS: usize = 5;

/// What keys are called and asked by: the last one with everything that a page may stumble over.
const KEYS: [(&str, &str); 3] = [
    ("alpha", "sk-sluice-browser-alpha-0000"),
    ("half-used", "sk-sluice-browser-half-00000"),
    (HOSTILE, "sk-sluice-browser-hostile-00"),
];

/// Markup, quotes, and a mark that turns the writing around.
const HOSTILE: &str = "<img src=x onerror=alert(1)>\"'&amp;\u{202e}fdp.exe";

const MODELS: [&str; 4] = ["claude-sonnet-4-5", "claude-haiku-4-5", "claude-opus-4-5", "<b>bold</b>\"model'"];

/// Makes everything in the database five days older.
const OLDER: &str = "
    UPDATE requests SET id = id - (5 * 86400000 << 20), time = time - 5 * 86400000000000;
    UPDATE quarter_sums SET start = start - 5 * 86400;
    UPDATE hour_sums SET start = start - 5 * 86400;
    UPDATE day_sums SET start = start - 5 * 86400;
    UPDATE marks SET value = value - (5 * 86400000 << 20) WHERE name = 'last_id';
    UPDATE marks SET value = value - 5 * 86400000000000 WHERE name = 'latest';";

/// The accounts that are in trouble: the model that only they serve, and what their upstream says.
const TROUBLED: [(&str, u16, &str); 5] = [
    ("limited", 429, "retry-after: 3000\r\n"),
    ("overloaded", 503, "retry-after: 3000\r\n"),
    ("unauthorized", 401, ""),
    ("quota", 402, "retry-after: 3000\r\n"),
    ("failing", 500, ""),
];

/// A name of as many characters as there may be.
fn long() -> String {
    "long-".to_owned() + &"x".repeat(251)
}

fn config(upstream: &str, troubled: &[Upstream]) -> String {
    let mut text = "[telemetry]\nlog = \"warn\"\n[stats]\nretention_days = 60\n[scheduler]\ncooldown = { failing = \"30m\", unauthorized = \"30m\" }\n\
                    [[groups]]\nname = \"team\"\nlimits = [{ per = \"month\", cost = \"500\" }]\n"
        .to_owned();
    for (name, secret) in KEYS {
        let limit = if name == "half-used" { "limits = [{ per = \"total\", requests = 20 }]\n" } else { "" };
        text += &format!(
            "[[keys]]\nname = {}\nkey = \"{secret}\"\ngroup = \"team\"\nuser = \"u\"\n{limit}",
            quoted(name)
        );
    }
    text += &format!("[[keys]]\nname = \"{}\"\nkey = \"sk-sluice-browser-long-00000\"\n", long());
    text += &account("serving", "claude-console", upstream, "");
    text += "[[accounts]]\nname = \"switched-off\"\nprovider = \"simulated\"\nenabled = false\npools = [\"off\"]\n";
    for ((name, _, _), upstream) in TROUBLED.iter().zip(troubled) {
        text += &account(name, "claude-console", &upstream.address, &format!("pools = [\"{name}\"]\n"));
        text += &format!("[[routes]]\nmodel = \"{name}-*\"\npools = [\"{name}\"]\n");
    }
    text
}

/// A text as TOML has it: JSON's escapes are among its own.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn ask(address: &str, secret: &str, model: &str) -> u16 {
    let body = serde_json::json!({ "model": model, "max_tokens": 64, "messages": [{ "role": "user", "content": "x" }] });
    send(address, "POST", "/v1/messages", &[("x-api-key", secret)], body.to_string().as_bytes()).status
}

/// Requests of one time, by all keys and for all models.
fn fill(gateway: &Gateway) {
    thread::scope(|scope| {
        for client in 0..CLIENTS {
            scope.spawn(move || {
                for number in 0..TIMES.0 / CLIENTS {
                    let (_, secret) = if number % 3 == 0 { KEYS[2] } else { KEYS[0] };
                    assert_eq!(ask(&gateway.address, secret, MODELS[(number + client) % MODELS.len()]), 200);
                }
            });
        }
    });
}

/// A gateway that has been at work for forty days.
fn lived_in(config: &str) -> Gateway {
    let folder = Arc::new(Folder::new());
    for _ in 1..TIMES.1 {
        let gateway = Gateway::start_in(Arc::clone(&folder), config);
        fill(&gateway);
        gateway.signal("TERM");
        assert!(gateway.wait().0.success());
        execute(&folder, OLDER);
    }
    let gateway = Gateway::start_in(folder, config);
    fill(&gateway);
    gateway
}

#[test]
fn each_page_is_opened_read_and_operated() {
    let Some(python) = std::env::var_os("SLUICE_TEST_PYTHON") else {
        panic!("SLUICE_TEST_PYTHON is not set: .ci/run makes the environment with what drives a browser");
    };
    let answer = r#"{"model":"claude-sonnet-4-5","usage":{"input_tokens":1234,"output_tokens":321,"cache_read_input_tokens":50}}"#;
    let upstream = Upstream::start(move |_| whole(200, "content-type: application/json\r\n", answer));
    let troubled: Vec<Upstream> =
        TROUBLED.map(|(_, status, headers)| Upstream::start(move |_| whole(status, headers, "{}"))).into();
    let config = config(&upstream.address, &troubled);
    let mut gateway = lived_in(&config);
    let address = gateway.address.clone();
    for (name, _, _) in TROUBLED {
        for _ in 0..3 {
            let _ = ask(&address, KEYS[0].1, &format!("{name}-1"));
        }
    }
    for number in 0..11 {
        let refused = number == 10;
        let model = if refused { "limited-1" } else { MODELS[0] };
        assert_eq!(ask(&address, KEYS[1].1, model) == 200, !refused);
    }

    let mut browser = Command::new(python)
        .arg(workspace().join("tests/clients/console.py"))
        .args([&format!("http://{address}"), TOKEN, KEYS[0].1, HOSTILE, &long()])
        .arg(workspace().join("target/console"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut told = String::new();
    for line in BufReader::new(browser.stdout.take().unwrap()).lines().map_while(Result::ok) {
        if line == "restart" {
            let folder = Arc::clone(&gateway.folder);
            gateway.signal("TERM");
            assert!(gateway.wait().0.success());
            gateway = Gateway::start_in(folder, &format!("server.listen = \"{address}\"\n{config}"));
            writeln!(browser.stdin.as_mut().unwrap(), "restarted").unwrap();
        }
        told += &line;
        told.push('\n');
    }
    let output = browser.wait_with_output().unwrap();
    assert!(output.status.success(), "{told}{}\n{}", String::from_utf8_lossy(&output.stderr), gateway.log());
    assert!(told.ends_with("fine\n"), "{told}");
}
