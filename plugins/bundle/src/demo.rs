//! A gateway to try things with: the simulated provider, a throw-away store, ready curl lines.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use sluice_config::key::new_secret;
use sluice_config::read::Sources;
use sluice_config::resolved::LogFormat;
use sluice_config::settings::plugins;
use sluice_config::{check, read};

use crate::complain::{fail, refuse};
use crate::serve::run;

/// Where it listens unless told otherwise.
const USUAL: ([u8; 4], u16) = ([127, 0, 0, 1], 8080);

/// Runs the demonstration.
pub(crate) fn demo(listen: Option<SocketAddr>) -> ExitCode {
    let listen = listen.unwrap_or_else(free);
    // Made anew each time: a page in a browser knows none of them.
    let (Ok(key), Ok(token)) =
        (new_secret(), new_secret().map(|secret| secret.replace("sk-sluice-", "admin-")))
    else {
        return fail(LogFormat::Text, "the system has no randomness to give");
    };
    let store = ThrowAway::new();
    let text = format!(
        "server.listen = \"{listen}\"\nadmin.token = \"{token}\"\nstore.path = {:?}\n\
         [[accounts]]\nname = \"simulated\"\nprovider = \"simulated\"\ndelay = \"30ms\"\n\
         [[keys]]\nname = \"demo\"\nkey = \"{key}\"\n",
        store.0
    );
    let loaded = match read::load_text(&text) {
        Ok(loaded) => loaded,
        Err(problems) => return refuse(LogFormat::Text, &problems),
    };
    match check::check(&loaded) {
        Ok(resolved) => run(&loaded, resolved, Sources::Text(text), |address| print(address, &key, &token)),
        Err(problems) => refuse(LogFormat::Text, &problems),
    }
}

/// The usual address, or a free port when it is busy.
fn free() -> SocketAddr {
    let usual = SocketAddr::from(USUAL);
    match TcpListener::bind(usual) {
        Ok(_) => usual,
        Err(_) => SocketAddr::from((USUAL.0, 0)),
    }
}

fn print(address: SocketAddr, key: &str, token: &str) {
    let base = format!("http://{address}");
    let mut text =
        format!("base URL     {base}\nAPI key      {key}\nadmin token  {token}\nSwagger UI   {base}/docs\n");
    // Another distribution may have no pages.
    if plugins::linked().iter().any(|plugin| (plugin.role, plugin.kind) == ("page", "console")) {
        text += &format!("console      {base}/console\n");
    }
    text.push('\n');
    let json = "-H 'content-type: application/json'";
    let claude = |stream: bool| {
        format!(
            "curl -sN {base}/v1/messages -H 'x-api-key: {key}' {json} -d '{{\"model\":\"claude-sonnet-5-5\",\"max_tokens\":256,\"stream\":{stream},\"messages\":[{{\"role\":\"user\",\"content\":\"Hello\"}}]}}'"
        )
    };
    let chat = |stream: bool| {
        format!(
            "curl -sN {base}/v1/chat/completions -H 'authorization: Bearer {key}' {json} -d '{{\"model\":\"gpt-5.5\",\"stream\":{stream},\"messages\":[{{\"role\":\"user\",\"content\":\"Hello\"}}]}}'"
        )
    };
    let responses = |stream: bool| {
        format!(
            "curl -sN {base}/v1/responses -H 'authorization: Bearer {key}' {json} -d '{{\"model\":\"gpt-5.5\",\"stream\":{stream},\"input\":\"Hello\"}}'"
        )
    };
    let gemini = |verb: &str| {
        format!(
            "curl -sN '{base}/v1beta/models/gemini-3.8-flash:{verb}' -H 'x-goog-api-key: {key}' {json} -d '{{\"contents\":[{{\"role\":\"user\",\"parts\":[{{\"text\":\"Hello\"}}]}}]}}'"
        )
    };
    for (title, lines) in [
        ("Claude", [claude(false), claude(true)]),
        ("OpenAI Chat Completions", [chat(false), chat(true)]),
        ("OpenAI Responses", [responses(false), responses(true)]),
        ("Gemini", [gemini("generateContent"), gemini("streamGenerateContent?alt=sse")]),
    ] {
        text.push_str(&format!("# {title}, whole and streamed\n{}\n\n", lines.join("\n")));
    }
    // In one piece, as the log is written beside it.
    print!("{text}");
}

/// A folder that goes with the process.
struct ThrowAway(PathBuf);

impl ThrowAway {
    fn new() -> Self {
        Self(std::env::temp_dir().join(format!("sluice-demo-{}", std::process::id())))
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for ThrowAway {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(self.path());
    }
}
