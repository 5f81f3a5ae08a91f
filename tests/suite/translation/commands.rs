//! Command-line clients as their makers ship them do a task with a tool, on accounts of each other API.

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use sluice_tests::conversation::results;
use sluice_tests::gateway::{Gateway, KEY, key};
use sluice_tests::kits;
use sluice_tests::place::Folder;
use sluice_tests::turn::{Call, Turn};
use sluice_tests::upstream::{Request, Step, Upstream};

use super::SPEAKS;

/// What stands in a file that the model has read, and nowhere else.
const WORDS: &str = "cormorants at noon";
const TASK: &str = "Tell me what note.txt says.";

/// A client at its task.
struct Client {
    /// What it speaks.
    api: &'static str,
    /// The APIs whose models it is to work with.
    on: &'static [&'static str],
    /// Its tool that shows a file, and what that is called with for this one.
    tool: (&'static str, fn(note: &Path) -> Value),
    /// It with its task, for a gateway; its home is this folder.
    start: fn(url: &str, home: &Path) -> Command,
}

/// A model that calls a tool and tells what it says; it says a word where something else is asked, such as a title.
fn model((tool, arguments): (&str, &str), request: &Request) -> Vec<Step> {
    let body = String::from_utf8_lossy(&request.body).into_owned();
    if body.contains(WORDS) {
        return Turn::new(1, &format!("It says: {WORDS}.")).answer(request);
    }
    let mut turn = Turn::new(0, "Very well.");
    if results(&body) == 0 && body.replace(' ', "").contains(&format!("\"name\":\"{tool}\"")) {
        turn.calls.push(Call::new(0, tool, arguments));
    }
    turn.answer(request)
}

/// Lets it do its task on an account of each of these APIs.
fn works(client: &Client) {
    let mut lines = String::new();
    for (api, provider) in SPEAKS.into_iter().filter(|(api, _)| client.on.contains(api)) {
        let home = Folder::new();
        let work = home.sub("work");
        let note = work.join("note.txt");
        std::fs::write(&note, WORDS).unwrap();
        let (tool, arguments) = (client.tool.0, (client.tool.1)(&note).to_string());
        let upstream = Upstream::start(move |request| model((tool, &arguments), request));
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
        assert!(output.status.success() && said.contains(&format!("It says: {WORDS}.")), "{}", told());
        for record in gateway.admin("GET", "/requests?limit=100", "").json()["data"].as_array().unwrap() {
            let (asked, outcome) = (&record["api"], &record["outcome"]);
            assert_eq!((asked, outcome), (&json!(client.api), &json!("completed")), "{record:#}");
        }
        for request in upstream.seen() {
            let body: Value = serde_json::from_slice(&request.body).unwrap();
            lines += &format!("{}\n", json!({ "api": api, "body": body }));
        }
    }
    kits::succeeds(kits::script("valid_requests.py"), &lines);
}

fn command(_: &Path) -> Value {
    json!({ "command": "cat note.txt", "description": "Reads a note" })
}

/// Google's command-line client and its kin lose at times what a short command prints, so that they are to read a file.
fn file(note: &Path) -> Value {
    json!({ "file_path": note })
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
    works(&Client { api: "anthropic", on, tool: ("Bash", command), start });
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
    let call = |_: &Path| json!({ "cmd": "cat note.txt" });
    works(&Client { api: "openai-responses", on, tool: ("exec_command", call), start });
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
    works(&Client { api: "gemini", on, tool: ("read_file", file), start });
}

#[test]
fn qwen_code_does_a_task_on_accounts_of_each_other_api() {
    let start = |url: &str, home: &Path| {
        let mut command = kits::scripted("@qwen-code/qwen-code/cli.js", home);
        command.args(["--auth-type", "openai", "--yolo", "--model", "qwen3-coder-plus", "--prompt", TASK]);
        command.env("OPENAI_BASE_URL", format!("{url}/v1")).env("OPENAI_API_KEY", KEY);
        command
    };
    let on = &["anthropic", "openai-responses", "gemini"];
    works(&Client { api: "openai-chat", on, tool: ("read_file", file), start });
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
    works(&Client { api: "anthropic", on: &["gemini"], tool: ("bash", command), start });
}
