//! Running the gateway: start, signals, drain.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use sluice_api::{Problem, Secret};
use sluice_engine::Gateway;
use sluice_engine::config::{self, Given, Loaded, Resolved};
use tokio::signal::unix::{SignalKind, signal};

use crate::{FAILED, UNUSABLE, logs};

/// Where the made admin token is kept in the store.
const ADMIN: (&str, &str) = ("admin", "token");

/// Runs until it is told to stop.
pub(crate) fn serve(files: &[PathBuf]) -> ExitCode {
    let loaded = match config::load(files) {
        Ok(loaded) => loaded,
        Err(problems) => return refuse(&problems),
    };
    match config::check(&loaded) {
        Ok(resolved) => run(&loaded, resolved, Given::Files(files.to_vec()), |_| ()),
        Err(problems) => refuse(&problems),
    }
}

/// Runs with a configuration; `ready` is told where it listens.
pub(crate) fn run(
    loaded: &Loaded,
    config: Resolved,
    given: Given,
    ready: impl FnOnce(SocketAddr),
) -> ExitCode {
    let _log = logs::start(&config.telemetry);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error),
    };
    match runtime.block_on(work(loaded, config, given, ready)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&*error),
    }
}

async fn work(
    loaded: &Loaded,
    config: Resolved,
    given: Given,
    ready: impl FnOnce(SocketAddr),
) -> Result<(), Box<dyn std::error::Error>> {
    let scheme = if config.server.tls.is_some() { "https" } else { "http" };
    let configured = config.admin_token.clone();
    let gateway = Gateway::start(loaded, config, given).await?;
    let admin_token = match configured {
        Some(token) => token,
        None => kept_token(&gateway).await?,
    };
    if gateway.snapshot().accounts.is_empty() {
        tracing::warn!("no account is configured: every request is refused");
    }
    tokio::spawn(Arc::clone(&gateway).tend());
    tokio::spawn(reload_on_hangup(Arc::clone(&gateway)));
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let stop = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("draining: no new requests, running ones may end");
    };
    let options = sluice_server::Options { docs: sluice_openapi::router(), admin_token };
    let listening = |addresses: &[SocketAddr]| {
        if let Some(first) = addresses.first() {
            eprintln!("listening on {scheme}://{first}");
            ready(*first);
        }
        for operators in addresses.iter().skip(1) {
            eprintln!("operators on {scheme}://{operators}");
        }
    };
    sluice_server::serve(gateway, options, listening, stop).await?;
    Ok(())
}

/// The admin token that was made before, or a new one, which is printed this once.
async fn kept_token(gateway: &Gateway) -> Result<Secret, Box<dyn std::error::Error>> {
    let (kind, id) = ADMIN;
    if let Some((_, token)) = gateway.store().list(kind).await?.into_iter().find(|(found, _)| found == id) {
        return Ok(Secret::new(token));
    }
    let token = sluice_engine::key::new_secret()?.replace("sk-sluice-", "admin-");
    gateway.store().put(kind, id, &token).await?;
    eprintln!("admin token (made now, kept in the store, not shown again): {token}");
    Ok(Secret::new(token))
}

async fn reload_on_hangup(gateway: Arc<Gateway>) {
    let Ok(mut hangup) = signal(SignalKind::hangup()) else { return };
    while hangup.recv().await.is_some() {
        match gateway.reload().await {
            Ok(()) => tracing::info!("the configuration was reloaded"),
            Err(problems) => {
                for problem in &problems {
                    tracing::error!(%problem, "the configuration was not reloaded");
                }
            }
        }
    }
}

/// Says every problem of a configuration.
pub(crate) fn refuse(problems: &[Problem]) -> ExitCode {
    for problem in problems {
        eprintln!("{problem}");
    }
    ExitCode::from(UNUSABLE)
}

fn fail(error: &(impl std::fmt::Display + ?Sized)) -> ExitCode {
    eprintln!("sluice: {error}");
    ExitCode::from(FAILED)
}
