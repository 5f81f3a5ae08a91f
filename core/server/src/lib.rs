//! Listeners and routes: what a client or an operator can call, and how a connection is served and drained.

mod admin;
mod answer;
mod app;
mod catalogue;
mod clients;
mod connection;
mod entrance;
mod limits;
mod listen;
mod me;
mod methods;
mod models;
mod near;
mod operations;
mod pages;
mod routes;
mod signin;

use std::net::SocketAddr;
use std::sync::Arc;

use sluice_api::plugin::pages::Listener;
use sluice_api::settings::Secret;
use sluice_control::Control;

pub(crate) use app::{App, Parts};
pub use catalogue::{Asks, CLIENT_ROUTES, ClientDoc};
use routes::Routes;
pub use routes::admin_openapi;
use sluice_signin::sessions::Sessions;

/// What the server is given beside the gateway.
#[derive(Debug)]
pub struct Options {
    /// Routes of `/docs` and `/openapi.json`.
    pub docs: axum::Router,
    /// The token of the admin API.
    pub admin_token: Secret,
}

/// Serves until it is told to stop, then drains: no new requests, and running ones get `server.shutdown_grace` to end.
/// `told_to_stop` is awaited again then: whoever says so a second time waits no longer.
///
/// `listening` is told the addresses once connections are accepted.
///
/// # Errors
///
/// When an address can't be bound.
pub async fn serve(
    control: Arc<Control>,
    options: Options,
    listening: impl FnOnce(&[SocketAddr]),
    told_to_stop: impl AsyncFnMut(),
) -> std::io::Result<()> {
    let snapshot = control.gateway().snapshot();
    let app = Arc::new(Parts {
        gateway: Arc::clone(control.gateway()),
        control: Arc::clone(&control),
        admin_token: options.admin_token,
        operators: routes::operator_routes(),
        sessions: Sessions::default(),
    });
    let clients = |listener| routes::clients(&app, listener).merge(routes::probes(&app));
    let operators = routes::operators(&app, options.docs);
    let of_clients = |router, listener| Routes {
        router: routes::finish(router, &app, listener),
        app: Some(Arc::clone(&app)),
    };
    let listeners = match snapshot.server.admin_listen {
        None => {
            let all = clients(Listener::Operators).merge(operators);
            vec![(snapshot.server.listen, of_clients(all, Listener::Operators))]
        }
        Some(apart) => {
            let operators = operators.merge(routes::probes(&app)).merge(routes::holders(&app));
            let operators = routes::finish(operators, &app, Listener::Operators);
            vec![
                (snapshot.server.listen, of_clients(clients(Listener::Clients), Listener::Clients)),
                (apart, Routes { router: operators, app: None }),
            ]
        }
    };
    let told = |addresses: &[SocketAddr]| {
        listening(addresses);
        // The operators' listener is the last one, also where it is the only one.
        if let Some(operators) = addresses.last().filter(|address| !address.ip().is_loopback()) {
            tracing::warn!(
                address = %operators,
                "the admin API, /metrics, /docs and /openapi.json can be reached from other machines: give them an address of this machine's own with admin.listen, or see that only operators reach this one"
            );
        }
    };
    listen::run(control, listeners, told, told_to_stop).await
}
