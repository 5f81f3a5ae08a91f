//! A running gateway, asked over its admin API.

use std::error::Error;
use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use reqwest::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, StatusCode, Url};
use serde_json::Value;
use tokio::runtime;

use crate::arguments::At;
use crate::list::print_json;
use crate::{FAILED, UNUSABLE};

/// Longest wait for a connection to the gateway.
const CONNECT: Duration = Duration::from_secs(10);

/// Longest wait for its whole answer.
const ANSWER: Duration = Duration::from_secs(60);

/// What is asked of the admin API: the method, the path below `/admin/v1`, the body.
pub(crate) type Request<'a> = (Method, &'a str, Option<Value>);

/// Why a question has no answer, and the exit code that says so.
struct Unanswered {
    message: String,
    code: u8,
}

impl From<String> for Unanswered {
    fn from(message: String) -> Self {
        Self { message, code: FAILED }
    }
}

impl Unanswered {
    /// What the gateway said. What it calls a bad request are arguments that it can't use.
    fn refused(url: &str, status: StatusCode, answer: Option<Value>) -> Self {
        let code = if status == StatusCode::BAD_REQUEST { UNUSABLE } else { FAILED };
        Self { message: refusal(url, status, answer), code }
    }

    fn tell(self) -> ExitCode {
        eprintln!("sluice: {}", self.message);
        ExitCode::from(self.code)
    }
}

/// Asks, and shows the answer: as it came for programs, else as `show` puts it.
pub(crate) fn ask(at: &At, request: Request<'_>, show: impl FnOnce(&Value)) -> ExitCode {
    shown(at, asked(at, request), show)
}

/// Shows an answer: as it came for programs, else as `show` puts it.
pub(crate) fn shown(at: &At, answer: Result<Value, ExitCode>, show: impl FnOnce(&Value)) -> ExitCode {
    match answer {
        Ok(answer) => {
            if at.json {
                print_json(&answer)
            } else {
                show(&answer)
            }
            ExitCode::SUCCESS
        }
        Err(code) => code,
    }
}

/// Asks; where there is no answer, what is wrong was said.
pub(crate) fn asked(at: &At, request: Request<'_>) -> Result<Value, ExitCode> {
    awaited(at, request, ANSWER)
}

/// Asks, and waits so long at most.
pub(crate) fn awaited(at: &At, request: Request<'_>, longest: Duration) -> Result<Value, ExitCode> {
    let Some(token) = token(at) else { return Err(ExitCode::from(UNUSABLE)) };
    call((&at.url, token), request, longest).map_err(Unanswered::tell)
}

/// The admin token; where there is none, that was said.
fn token(at: &At) -> Option<&str> {
    if at.token.is_none() {
        eprintln!(
            "sluice: an admin token is needed: --token, or SLUICE_ADMIN_TOKEN; where the configuration has none, `sluice \
             admin-token` prints the one that was made"
        );
    }
    at.token.as_deref()
}

/// Copies what a question is answered with to standard output, as it comes.
pub(crate) fn copied(at: &At, path: &str) -> ExitCode {
    let Some(token) = token(at) else { return ExitCode::from(UNUSABLE) };
    let copied = || -> Result<(), Unanswered> { waiting()?.block_on(copy(checked(&at.url)?, token, path)) };
    match copied() {
        Ok(()) => ExitCode::SUCCESS,
        Err(wrong) => wrong.tell(),
    }
}

async fn copy(url: &str, token: &str, path: &str) -> Result<(), Unanswered> {
    let client = client(None).map_err(|error| unsent(url, &error))?;
    let request = client.get(format!("{url}/admin/v1{path}")).bearer_auth(token);
    let mut response = request.send().await.map_err(|error| unsent(url, &error))?;
    let status = response.status();
    if !status.is_success() || !response.headers().contains_key(CONTENT_DISPOSITION) {
        let text = response.text().await.unwrap_or_default();
        return Err(Unanswered::refused(url, status, serde_json::from_str(&text).ok()));
    }
    let mut out = std::io::stdout().lock();
    while let Some(piece) = response.chunk().await.map_err(|error| broken(url, &error))? {
        // Who has closed the pipe has read enough.
        if out.write_all(&piece).is_err() {
            return Ok(());
        }
    }
    out.flush().map_err(|error| format!("not all could be written: {error}").into())
}

/// The address of a gateway, as it was given. It is not repeated where it holds a password.
fn checked(url: &str) -> Result<&str, String> {
    let url = url.trim();
    if url.contains('@') {
        return Err("a gateway's URL has no user or password: the admin token goes with --token".to_owned());
    }
    let usable = |url: &Url| {
        let is_bare = url.query().is_none() && url.fragment().is_none();
        matches!(url.scheme(), "http" | "https") && url.has_host() && is_bare
    };
    match Url::parse(url).ok().filter(usable) {
        Some(_) => Ok(url.trim_end_matches('/')),
        None => Err(format!("`{url}` is no URL of a gateway: write it like http://127.0.0.1:8080")),
    }
}

/// Means to wait on this thread: a command has nothing else to do.
fn waiting() -> Result<runtime::Runtime, String> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| format!("the system gives no means to wait for an answer: {error}"))
}

fn call((url, token): (&str, &str), request: Request<'_>, longest: Duration) -> Result<Value, Unanswered> {
    let base = checked(url)?;
    let (status, text) = waiting()?.block_on(answer((base, token), request, longest))?;
    let answer = match status {
        StatusCode::NO_CONTENT => Some(Value::Null),
        _ => serde_json::from_str(&text).ok(),
    };
    match answer {
        Some(answer) if status.is_success() => Ok(answer),
        answer => Err(Unanswered::refused(base, status, answer)),
    }
}

/// What is said of an answer that is none.
fn refusal(url: &str, status: StatusCode, answer: Option<Value>) -> String {
    if status.is_redirection() {
        return format!(
            "what answers at {url} sends its callers elsewhere ({status}): give the gateway's own URL"
        );
    }
    match answer {
        Some(answer) if !status.is_success() => {
            let message = answer.pointer("/error/message").and_then(Value::as_str);
            format!("the gateway answered {status}: {}", message.unwrap_or("it gave no reason"))
        }
        _ => format!("what answers at {url} is no Sluice gateway ({status})"),
    }
}

/// Who is trusted is the system's to say, so that a private authority of a company's works here too.
fn client(longest: Option<Duration>) -> reqwest::Result<Client> {
    // A change that is sent elsewhere may come out as a question there, and look done.
    let client = Client::builder().connect_timeout(CONNECT).redirect(Policy::none());
    match longest {
        Some(longest) => client.timeout(longest).build(),
        None => client.read_timeout(ANSWER).build(),
    }
}

fn unsent(url: &str, error: &reqwest::Error) -> String {
    match error.is_builder() {
        true => format!("this can't be sent, the token or the URL is wrong: {}", innermost(error)),
        false => format!("the gateway at {url} can't be reached: {}", innermost(error)),
    }
}

fn broken(url: &str, error: &reqwest::Error) -> String {
    format!("the answer of the gateway at {url} broke off: {}", innermost(error))
}

async fn answer(
    (url, token): (&str, &str),
    (method, path, body): Request<'_>,
    longest: Duration,
) -> Result<(StatusCode, String), String> {
    let client = client(Some(longest)).map_err(|error| unsent(url, &error))?;
    let mut request = client.request(method, format!("{url}/admin/v1{path}")).bearer_auth(token);
    if let Some(body) = body {
        request = request.header(CONTENT_TYPE, "application/json").body(body.to_string());
    }
    let response = request.send().await.map_err(|error| unsent(url, &error))?;
    let status = response.status();
    Ok((status, response.text().await.map_err(|error| broken(url, &error))?))
}

/// What went wrong, without the layers that it went through.
fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}
