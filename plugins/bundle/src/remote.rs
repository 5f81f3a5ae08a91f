//! A running gateway, asked over its admin API.

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use reqwest::header::CONTENT_TYPE;
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

/// Asks, and shows the answer: as it came for programs, else as `show` puts it.
pub(crate) fn ask(at: &At, request: Request<'_>, show: impl FnOnce(&Value)) -> ExitCode {
    match asked(at, request) {
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
    let Some(token) = &at.token else {
        eprintln!(
            "sluice: an admin token is needed: --token, or SLUICE_ADMIN_TOKEN; where the configuration has none, `sluice \
             admin-token` prints the one that was made"
        );
        return Err(ExitCode::from(UNUSABLE));
    };
    call(&at.url, token, request).map_err(|message| {
        eprintln!("sluice: {message}");
        ExitCode::from(FAILED)
    })
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

/// One call on this thread: a command has nothing else to do.
fn call(url: &str, token: &str, request: Request<'_>) -> Result<Value, String> {
    let base = checked(url)?;
    let runtime = runtime::Builder::new_current_thread().enable_all().build();
    let runtime =
        runtime.map_err(|error| format!("the system gives no means to wait for an answer: {error}"))?;
    let (status, text) = runtime.block_on(answer(base, token, request))?;
    if status.is_redirection() {
        return Err(format!(
            "what answers at {url} sends its callers elsewhere ({status}): give the gateway's own URL"
        ));
    }
    let answer = match status {
        StatusCode::NO_CONTENT => Some(Value::Null),
        _ => serde_json::from_str(&text).ok(),
    };
    match answer {
        Some(answer) if status.is_success() => Ok(answer),
        Some(answer) => {
            let message = answer.pointer("/error/message").and_then(Value::as_str);
            Err(format!("the gateway answered {status}: {}", message.unwrap_or("it gave no reason")))
        }
        None => Err(format!("what answers at {url} is no Sluice gateway ({status})")),
    }
}

/// Who is trusted is the system's to say, so that a private authority of a company's works here too.
async fn answer(
    url: &str,
    token: &str,
    (method, path, body): Request<'_>,
) -> Result<(StatusCode, String), String> {
    let failed = |error: reqwest::Error| match error.is_builder() {
        true => format!("this can't be sent, the token or the URL is wrong: {}", innermost(&error)),
        false => format!("the gateway at {url} can't be reached: {}", innermost(&error)),
    };
    // A change that is sent elsewhere may come out as a question there, and look done.
    let client = Client::builder().connect_timeout(CONNECT).timeout(ANSWER).redirect(Policy::none());
    let client = client.build().map_err(failed)?;
    let mut request = client.request(method, format!("{url}/admin/v1{path}")).bearer_auth(token);
    if let Some(body) = body {
        request = request.header(CONTENT_TYPE, "application/json").body(body.to_string());
    }
    let response = request.send().await.map_err(failed)?;
    let status = response.status();
    let text = response.text().await;
    let broken = |error| format!("the answer of the gateway at {url} broke off: {}", innermost(&error));
    Ok((status, text.map_err(broken)?))
}

/// What went wrong, without the layers that it went through.
fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}
