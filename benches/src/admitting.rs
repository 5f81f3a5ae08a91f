//! Taking from five limits, and settling: the part of a request that its limits are, measured by itself.

use std::sync::Arc;
use std::time::{Duration, Instant};

use sluice_api::limiter::{Bucket, Principal, Rule, Take, Unit, Window};
use sluice_api::plugin::Timestamp;
use sluice_api::store::{Asked, Lease, LeaseId, Owner, Store, Taken, Used};
use sluice_config::read::Sources;
use sluice_config::{check, read};
use sluice_control::Control;

use crate::Result;
use crate::inside::Inside;
use crate::message::KEY;
use crate::scratch::Scratch;

/// The longest that both may take, µs.
const TARGET: f64 = 4.0;

/// More than is ever used.
const MUCH: u64 = u64::MAX / 4;

/// Measures the embedded store of a gateway.
pub(crate) async fn measure(scratch: &Scratch) -> Result<Inside> {
    let store = scratch.path("admitting");
    let text = format!(
        "[store]\npath = {store:?}\n\n[[keys]]\nname = \"benchmark\"\nkey = \"{KEY}\"\n\n[[accounts]]\nname = \"a\"\nprovider = \"claude-console\"\napi_key = \"k\"\n"
    );
    let told = |problems: Vec<sluice_api::settings::Problem>| {
        problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    };
    let loaded = read::load_text(&text).map_err(told)?;
    let resolved = check::check(&loaded).map_err(told)?;
    let control = Control::start(&loaded, resolved, Sources::Text(text)).await?;
    let store = Arc::clone(control.gateway().store());
    let (began, wall, mut number) = (Instant::now(), Timestamp::now(), 0);
    Inside::measure(
        "Taking from five limits of key, group and account, and settling".to_owned(),
        TARGET,
        || {
            number += 2;
            // As the clock of a gateway does, which nobody sets.
            let now = || wall + began.elapsed();
            once(&*store, number, (now(), now()))
        },
    )
}

/// What one request takes and gives back, as its limiters say it.
fn once(store: &dyn Store, number: u64, (now, end): (Timestamp, Timestamp)) -> Result<()> {
    let key = || Principal::Key("benchmark".into());
    let bucket = |limiter, principal, part: &str| Bucket::new(limiter, principal).part(part.into());
    let minute = Window::Rolling(Duration::from_secs(60));
    let own = vec![
        Take::one(Bucket::new("concurrency", key()), MUCH),
        Take::within(bucket("rate", key(), "requests/60000ms"), minute, 1, MUCH),
        Take::within(bucket("rate", key(), "tokens/total"), Window::Total, 900, MUCH)
            .of(Unit::Tokens, Rule::Below),
        Take::within(
            bucket("budget", Principal::Group("group".into()), "cost/total"),
            Window::Total,
            900,
            MUCH,
        )
        .of(Unit::Cost, Rule::Below),
    ];
    let account = vec![Take::one(Bucket::new("concurrency", Principal::Account("account".into())), MUCH)];
    let lease = |number, takes| Lease::new(LeaseId::new(Owner(1), number), now, takes);
    let asked = Asked::new(vec![lease(number, own), lease(number + 1, account)]);
    let mut taking = std::pin::pin!(store.take_all(asked));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let std::task::Poll::Ready(taken) = taking.as_mut().poll(&mut context) else {
        return Err("the embedded store waits for nothing".into());
    };
    let Taken::All(leases) = taken.map_err(|error| error.to_string())? else {
        return Err("there is room".into());
    };
    leases.into_iter().for_each(|lease| store.settle(lease, Used::new(700, 700), end));
    Ok(())
}
