//! Command-line clients as their makers ship them do a task with tools, on accounts of each other API.

use std::path::Path;
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sluice_tests::conversation::results;
use sluice_tests::gateway::{Gateway, KEY, key};
use sluice_tests::kits;
use sluice_tests::place::Folder;
use sluice_tests::turn::{Call, Turn};
use sluice_tests::upstream::{Request, Step, Upstream, whole};

use super::SPEAKS;

/// What stands in a file that the model has read, and nowhere else.
const WORDS: &str = "cormorants at noon";
/// A picture, and how it begins where it is shown to the model: as it is, or as a JPEG that was made of it.
const PICTURE: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC";
const PICTURE_BEGINS: [&str; 2] = ["iVBORw0KGgo", "/9j/2"];
const TASK: &str = "Tell me what the note and the picture say.";
const TOLD: &str = "Red, and cormorants at noon.";

/// A client at its task.
struct Client {
    /// What it speaks.
    api: &'static str,
    /// The APIs whose models it is to work with.
    on: &'static [&'static str],
    /// Its tools that show a note and a picture, and what they are called with for these.
    shows: fn(note: &Path, picture: &Path) -> [(&'static str, Value); 2],
    /// It with its task, for a gateway; its home is this folder.
    start: fn(url: &str, home: &Path) -> Command,
}

/// A model that calls tools at once and tells what they show; it says a word where something else is asked, such as a title.
fn model(calls: &[(&str, Value)], request: &Request) -> Vec<Step> {
    if counts(request) {
        return whole(200, "", "{\"input_tokens\":42}");
    }
    let body = String::from_utf8_lossy(&request.body).into_owned();
    if body.contains(WORDS) && PICTURE_BEGINS.iter().any(|words| body.contains(words)) {
        return Turn::new(1, TOLD).answer(request);
    }
    let has = |tool: &str| body.replace(' ', "").contains(&format!("\"name\":\"{tool}\""));
    let mut turn = Turn::new(0, "Very well.");
    if results(&body) == 0 && calls.iter().all(|(tool, _)| has(tool)) {
        let calls = calls.iter().enumerate();
        turn.calls.extend(calls.map(|(number, (tool, with))| Call::new(number, tool, &with.to_string())));
    }
    turn.answer(request)
}

/// Whether it asks how many tokens there are: Google's client does before it sends a picture.
fn counts(request: &Request) -> bool {
    request.line.ends_with("_tokens")
}

/// Lets it do its task on an account of each of these APIs.
fn works(client: &Client) {
    let mut lines = String::new();
    for (api, provider) in SPEAKS.into_iter().filter(|(api, _)| client.on.contains(api)) {
        let home = Folder::new();
        let work = home.sub("work");
        let [note, picture] = ["note.txt", "picture.png"].map(|name| work.join(name));
        std::fs::write(&note, WORDS).unwrap();
        std::fs::write(&picture, STANDARD.decode(PICTURE).unwrap()).unwrap();
        let calls = (client.shows)(&note, &picture);
        let upstream = Upstream::start(move |request| model(&calls, request));
        let account = upstream.account("c", provider, "pools = [\"p\"]\n");
        let route = "[[routes]]\nmodel = \"*\"\npools = [\"p\"]\n";
        let gateway = Gateway::start(&format!("{}{account}{route}", key("")));
        let output = (client.start)(&format!("http://{}", gateway.address), &home.0)
            .current_dir(&work)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let told =
            || format!("{api}: {said}\n{}\n{}", String::from_utf8_lossy(&output.stderr), gateway.log());
        assert!(output.status.success() && said.contains(TOLD), "{}", told());
        for record in gateway.admin("GET", "/requests?limit=100", "").json()["data"].as_array().unwrap() {
            let (asked, outcome) = (&record["api"], &record["outcome"]);
            assert_eq!((asked, outcome), (&json!(client.api), &json!("completed")), "{record:#}");
        }
        for request in upstream.seen().into_iter().filter(|request| !counts(request)) {
            let body: Value = serde_json::from_slice(&request.body).unwrap();
            lines += &format!("{}\n", json!({ "api": api, "body": body }));
        }
    }
    kits::succeeds(kits::script("valid_requests.py"), &lines);
}

/// A call that shows a file by its path.
fn read(tool: &'static str, file: &Path) -> (&'static str, Value) {
    (tool, json!({ "file_path": file }))
}

/// A call that has the note printed.
fn run(tool: &'static str) -> (&'static str, Value) {
    (tool, json!({ "command": "cat note.txt", "description": "Reads a note" }))
}

/// Google's client and its kin lose at times what a short command prints, so that they are to read both.
fn by_path(note: &Path, picture: &Path) -> [(&'static str, Value); 2] {
    [read("read_file", note), read("read_file", picture)]
}

#[test]
fn claude_code_does_a_task_on_accounts_of_each_other_api() {
    let start = |url: &str, home: &Path| {
        let mut command = kits::native("@anthropic-ai/claude-code-linux", "claude", home);
        command.args(["--print", TASK, "--allowedTools", "Bash", "--model", "claude-opus-5-5"]);
        command.envs([("ANTHROPIC_BASE_URL", url), ("ANTHROPIC_API_KEY", KEY)]);
        command
    };
    let on = &["openai-chat", "openai-responses", "gemini"];
    works(&Client { api: "anthropic", on, shows: |_, picture| [run("Bash"), read("Read", picture)], start });
}

#[test]
fn codex_does_a_task_on_accounts_of_each_other_api() {
    let start = |url: &str, home: &Path| {
        let config = format!(
            "model = \"gpt-5.5\"\nmodel_provider = \"sluice\"\ncheck_for_update_on_startup = false\n\
             [analytics]\nenabled = false\n[model_providers.sluice]\nname = \"Sluice\"\n\
             base_url = \"{url}/v1\"\nenv_key = \"SLUICE_KEY\"\nwire_api = \"responses\"\n"
        );
        std::fs::write(home.join("config.toml"), config).unwrap();
        let mut command = kits::native("codex-linux", "vendor/*/bin/codex", home);
        command.args(["exec", "--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox", TASK]);
        command.env("CODEX_HOME", home).env("SLUICE_KEY", KEY);
        command
    };
    let on = &["anthropic", "openai-chat", "gemini"];
    let shows = |_: &Path, picture: &Path| {
        [("exec_command", json!({ "cmd": "cat note.txt" })), ("view_image", json!({ "path": picture }))]
    };
    works(&Client { api: "openai-responses", on, shows, start });
}

#[test]
fn gemini_cli_does_a_task_on_accounts_of_each_other_api() {
    let start = |url: &str, home: &Path| {
        let settings = json!({ "security": { "auth": { "selectedType": "gemini-api-key" } },
            "privacy": { "usageStatisticsEnabled": false }, "telemetry": { "enabled": false },
            "general": { "enableAutoUpdate": false } });
        let folder = home.join(".gemini");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("settings.json"), settings.to_string()).unwrap();
        let mut command = kits::scripted("@google/gemini-cli/bundle/gemini.js", home);
        command.args(["--skip-trust", "--yolo", "--model", "gemini-3.8-flash", "--prompt", TASK]);
        command.envs([("GOOGLE_GEMINI_BASE_URL", url), ("GEMINI_API_KEY", KEY)]);
        command
    };
    let on = &["anthropic", "openai-chat", "openai-responses"];
    works(&Client { api: "gemini", on, shows: by_path, start });
}

#[test]
fn qwen_code_does_a_task_on_accounts_of_each_other_api() {
    let start = |url: &str, home: &Path| {
        let mut command = kits::scripted("@qwen-code/qwen-code/cli.js", home);
        command.args(["--auth-type", "openai", "--yolo", "--model", "qwen3-vl-plus", "--prompt", TASK]);
        command.env("OPENAI_BASE_URL", format!("{url}/v1")).env("OPENAI_API_KEY", KEY);
        command
    };
    let on = &["anthropic", "openai-responses", "gemini"];
    works(&Client { api: "openai-chat", on, shows: by_path, start });
}

#[test]
fn opencode_does_a_task_on_an_account_of_another_api() {
    let start = |url: &str, home: &Path| {
        let options = json!({ "baseURL": format!("{url}/v1"), "apiKey": KEY });
        let config = json!({ "autoupdate": false, "share": "disabled", "model": "anthropic/claude-sonnet-4-5",
            "provider": { "anthropic": { "options": options } } });
        let mut command = kits::native("opencode-linux", "bin/opencode", home);
        command.args(["run", TASK]).env("OPENCODE_CONFIG_CONTENT", config.to_string());
        command
    };
    // It starts slowly, and what it speaks is the AI SDK's.
    let shows = |_: &Path, picture: &Path| [run("bash"), ("read", json!({ "filePath": picture }))];
    works(&Client { api: "anthropic", on: &["gemini"], shows, start });
}
