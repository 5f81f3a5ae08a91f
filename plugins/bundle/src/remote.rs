//! A running gateway, asked over its admin API.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::aws_lc_rs;
use serde_json::Value;
use ureq::http::Uri;
use ureq::tls::{RootCerts, TlsConfig};

use crate::arguments::At;
use crate::list::print_json;
use crate::{FAILED, UNUSABLE};

/// Longest wait for a connection to the gateway.
const CONNECT: Duration = Duration::from_secs(10);

/// Longest wait for its whole answer.
const ANSWER: Duration = Duration::from_secs(60);

/// What is asked of the admin API: the method, the path below `/admin/v1`, the body.
pub(crate) type Request<'a> = (&'a str, &'a str, Option<Value>);

/// Asks, and shows the answer: as it came for programs, else as `show` puts it.
pub(crate) fn ask(at: &At, request: Request<'_>, show: impl FnOnce(&Value)) -> ExitCode {
    let Some(token) = &at.token else {
        eprintln!(
            "sluice: an admin token is needed: --token, or SLUICE_ADMIN_TOKEN; where the configuration has none, `sluice \
             admin-token` prints the one that was made"
        );
        return ExitCode::from(UNUSABLE);
    };
    match call(&at.url, token, request) {
        Ok(answer) => {
            if at.json {
                print_json(&answer)
            } else {
                show(&answer)
            }
            ExitCode::SUCCESS
        }
        Err(message) => {
            eprintln!("sluice: {message}");
            ExitCode::from(FAILED)
        }
    }
}

/// The address of a gateway, as it was given. It is not repeated where it holds a password.
fn checked(url: &str) -> Result<&str, String> {
    if url.contains('@') {
        return Err("a gateway's URL has no user or password: the admin token goes with --token".to_owned());
    }
    let parsed: Option<Uri> = url.parse().ok();
    let usable = |uri: &Uri| {
        let host = uri.authority().is_some_and(|authority| !authority.host().is_empty());
        host && matches!(uri.scheme_str(), Some("http" | "https")) && uri.query().is_none()
    };
    match parsed.filter(usable) {
        Some(_) => Ok(url.trim_end_matches('/')),
        None => Err(format!("`{url}` is no URL of a gateway: write it like http://127.0.0.1:8080")),
    }
}

fn call(url: &str, token: &str, (method, path, body): Request<'_>) -> Result<Value, String> {
    let uri = format!("{}/admin/v1{path}", checked(url)?);
    // Who is trusted is the system's to say, so that a private authority of a company's works here too.
    let tls = TlsConfig::builder()
        .unversioned_rustls_crypto_provider(Arc::new(aws_lc_rs::default_provider()))
        .root_certs(RootCerts::PlatformVerifier);
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .tls_config(tls.build())
        .http_status_as_error(false)
        .timeout_connect(Some(CONNECT))
        .timeout_global(Some(ANSWER))
        .build()
        .into();
    let bearer = format!("Bearer {token}");
    let sent = match (method, body) {
        ("POST", Some(body)) => agent.post(&uri).header("authorization", &bearer).send_json(body),
        ("PATCH", Some(body)) => agent.patch(&uri).header("authorization", &bearer).send_json(body),
        ("POST", None) => agent.post(&uri).header("authorization", &bearer).send_empty(),
        ("DELETE", _) => agent.delete(&uri).header("authorization", &bearer).call(),
        _ => agent.get(&uri).header("authorization", &bearer).call(),
    };
    let mut response = sent.map_err(|error| format!("the gateway at {url} can't be reached: {error}"))?;
    let status = response.status();
    let text = response
        .body_mut()
        .read_to_string()
        .map_err(|error| format!("the answer of the gateway at {url} broke off: {error}"))?;
    let answer = if text.is_empty() { Some(Value::Null) } else { serde_json::from_str(&text).ok() };
    match answer {
        Some(answer) if status.is_success() => Ok(answer),
        Some(answer) => {
            let message = answer.pointer("/error/message").and_then(Value::as_str);
            Err(format!("the gateway answered {status}: {}", message.unwrap_or("it gave no reason")))
        }
        None => Err(format!("what answers at {url} is no Sluice gateway ({status})")),
    }
}
