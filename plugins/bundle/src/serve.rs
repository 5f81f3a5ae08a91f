//! Running the gateway: start, signals, drain.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use sluice_config::read::{Loaded, Read, Sources};
use sluice_config::resolved::{LogFormat, Resolved};
use sluice_config::{check, read, warnings};
use sluice_control::{Control, Loss};
use sluice_line::gateway::Gateway;
use sluice_telemetry::Traces;
use sluice_upstream::tasks::Tasks;
use tokio::signal::unix::{SignalKind, signal};

use crate::complain::{fail, refuse, write};
use crate::logs::{self, Log};
use crate::token;

/// Runs until it is told to stop.
pub(crate) fn serve(files: &[PathBuf]) -> ExitCode {
    let loaded = match read::load(files) {
        Ok(loaded) => loaded,
        Err(problems) => return refuse(read::wanted_format(None), &problems),
    };
    match check::check(&loaded) {
        Ok(resolved) => run(&loaded, resolved, Sources::Files(files.to_vec()), |_| ()),
        Err(problems) => refuse(read::wanted_format(Some(&loaded)), &problems),
    }
}

/// Runs with a configuration; `ready` is told where it listens.
pub(crate) fn run(
    loaded: &Loaded,
    config: Resolved,
    sources: Sources,
    ready: impl FnOnce(SocketAddr),
) -> ExitCode {
    let format = config.telemetry.format;
    let log = match logs::start(&config.telemetry) {
        Ok(log) => log,
        Err(error) => return fail(format, error),
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(format, error),
    };
    match runtime.block_on(work(loaded, config, sources, &log, ready)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(format, error),
    }
}

async fn work(
    loaded: &Loaded,
    config: Resolved,
    sources: Sources,
    log: &Log,
    ready: impl FnOnce(SocketAddr),
) -> Result<(), Box<dyn std::error::Error>> {
    let scheme = if config.server.tls.is_some() { "https" } else { "http" };
    let format = config.telemetry.format;
    let configured = config.admin_token.clone();
    let store = config.store_kind.clone();
    let read = Read::of(loaded);
    let warnings = warnings(loaded, Some(&config), sluice_api::plugin::Timestamp::now());
    let traces = config.telemetry.traces.as_ref().map(|url| Traces::new(url.as_str())).transpose()?;
    let control = Control::start(loaded, config, sources).await?;
    log.serve(control.gateway());
    let traces = traces.map(|traces| trace(traces, control.gateway()));
    let admin_token = match configured {
        Some(token) => token,
        None => token::kept(control.gateway(), format).await?,
    };
    for warning in warnings {
        tracing::warn!(%warning, "the configuration has something that is surely not meant");
    }
    let keys = control.list_keys().len();
    Tasks::upkeep(Arc::clone(&control).tend());
    Tasks::upkeep(reload_on_hangup(Arc::clone(&control)));
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let told_to_stop = async move || {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    let options = sluice_server::Options { docs: sluice_openapi::router(), admin_token };
    let listening = |addresses: &[SocketAddr]| {
        let mut urls = addresses.iter().map(|address| format!("{scheme}://{address}"));
        let clients = urls.next().unwrap_or_default();
        let operators = urls.next();
        // In every format: whoever starts the gateway waits for this line.
        write(format_args!("listening on {clients}"));
        if let (Some(operators), LogFormat::Text) = (&operators, format) {
            write(format_args!("operators on {operators}"));
        }
        tracing::info!(
            version = env!("CARGO_PKG_VERSION"),
            configuration = read.sources(),
            accounts = read.accounts,
            keys,
            store,
            clients,
            operators,
            "the gateway is running"
        );
        addresses.first().copied().map(ready);
    };
    sluice_server::serve(control, options, listening, told_to_stop).await?;
    if let Some(traces) = traces {
        traces.finish().await;
    }
    Ok(())
}

/// Has traces made of a gateway's records, and sends them.
fn trace(traces: Traces, gateway: &Gateway) -> Arc<Traces> {
    let traces = Arc::new(traces);
    let (takes, counts, sends) = (Arc::clone(&traces), Arc::clone(&traces), Arc::clone(&traces));
    gateway.records().trace(move |records| takes.take(records));
    gateway.records().measures().watch_traces(move || counts.dropped());
    Tasks::upkeep(async move { sends.run().await });
    traces
}

async fn reload_on_hangup(control: Arc<Control>) {
    let Ok(mut hangup) = signal(SignalKind::hangup()) else { return };
    while hangup.recv().await.is_some() {
        // A signal can't say that a loss is meant.
        match control.reload(Loss::Refused).await {
            Ok(()) => {
                tracing::info!(target: "audit", by = "signal HUP", "an operator reloaded the configuration");
            }
            Err(problems) => {
                for problem in &problems {
                    tracing::error!(%problem, "the configuration was not reloaded");
                }
            }
        }
    }
}
