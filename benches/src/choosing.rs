//! Choosing one of a thousand accounts: the part of a request that grows with their number, measured by itself.

use std::fmt::Write as _;
use std::sync::Arc;

use sluice_api::dialect::{Api, Operation};
use sluice_config::read::Sources;
use sluice_config::{check, read};
use sluice_control::Control;
use sluice_control::rehearse::Rehearsal;
use sluice_line::ask::ClientRoute;

use crate::Result;
use crate::inside::Inside;
use crate::message::KEY;
use crate::scratch::Scratch;

/// Accounts to choose from.
const ACCOUNTS: usize = 1_000;

/// The longest that a choice may take, µs.
const TARGET: f64 = 20.0;

/// The schedulers.
const KINDS: [&str; 3] = ["least-loaded", "round-robin", "weighted"];

/// Measures each scheduler in this process, with the gateway's own engine and allocator.
pub(crate) async fn measure(scratch: &Scratch) -> Result<Vec<Inside>> {
    let mut all = Vec::new();
    for scheduler in KINDS {
        let gateway = gateway(scratch, scheduler).await?;
        let route = ClientRoute::body(Api::Anthropic, Operation::Generate);
        let body = br#"{"model":"claude-bench-small","max_tokens":64,"messages":[]}"#;
        let rehearsal = Rehearsal::new(&gateway, "benchmark", route, body)
            .map_err(|error| error.to_string())?
            .ok_or("the benchmark's key is missing")?;
        let name = format!("Choosing among {ACCOUNTS} accounts, {scheduler}");
        all.push(Inside::measure(name, TARGET, || {
            std::hint::black_box(rehearsal.choose().map_err(|error| error.to_string())?);
            Ok(())
        })?);
    }
    Ok(all)
}

/// A gateway that is sent nothing: accounts of several weights, all of them able to take requests.
async fn gateway(scratch: &Scratch, scheduler: &str) -> Result<Arc<Control>> {
    let store = scratch.path(&format!("choosing-{scheduler}"));
    let mut text = format!(
        "[store]\npath = {store:?}\n\n[scheduler]\nkind = \"{scheduler}\"\n\n[[keys]]\nname = \"benchmark\"\nkey = \"{KEY}\"\n"
    );
    for number in 0..ACCOUNTS {
        write!(
            text,
            "\n[[accounts]]\nname = \"account-{number}\"\nprovider = \"claude-console\"\napi_key = \"k-{number}\"\nbase_url = \"http://127.0.0.1:9\"\nweight = {}\nmodels = [\"claude-*\"]\nconcurrency = 64\n",
            number % 4 + 1
        )?;
    }
    let told = |problems: Vec<sluice_api::settings::Problem>| {
        problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    };
    let loaded = read::load_text(&text).map_err(told)?;
    let resolved = check::check(&loaded).map_err(told)?;
    Ok(Control::start(&loaded, resolved, Sources::Text(text)).await?)
}
