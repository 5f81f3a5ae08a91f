//! Listeners and routes: what a client or an operator can call, and how a connection is served and drained.

mod admin;
mod catalogue;
mod clients;
mod listen;
mod me;
mod models;
mod near;
mod operations;
mod routes;
mod tls;

use std::net::SocketAddr;
use std::sync::Arc;

use sluice_api::Secret;
use sluice_engine::Gateway;

pub use catalogue::{CLIENT_ROUTES, ClientDoc};
pub use routes::admin_openapi;

/// What the server is given beside the gateway.
#[derive(Debug)]
pub struct Options {
    /// Routes of `/docs` and `/openapi.json`.
    pub docs: axum::Router,
    /// The token of the admin API.
    pub admin_token: Secret,
}

/// What every handler has.
#[derive(Clone, Debug)]
pub(crate) struct App {
    pub(crate) gateway: Arc<Gateway>,
    pub(crate) admin_token: Secret,
}

/// Serves until `stop` is ready, then drains: no new requests, and running ones get `server.shutdown_grace` to end.
///
/// `listening` is told the addresses once connections are accepted.
///
/// # Errors
///
/// When an address can't be bound or the TLS files can't be used.
pub async fn serve(
    gateway: Arc<Gateway>,
    options: Options,
    listening: impl FnOnce(&[SocketAddr]),
    stop: impl Future<Output = ()>,
) -> std::io::Result<()> {
    let snapshot = gateway.snapshot();
    let app = App { gateway: Arc::clone(&gateway), admin_token: options.admin_token };
    let clients = routes::clients(&app);
    let operators = routes::operators(&app, options.docs);
    let mut listeners = Vec::new();
    match snapshot.server.admin_listen {
        None => listeners.push((snapshot.server.listen, routes::finish(clients.merge(operators), &app))),
        Some(apart) => {
            listeners.push((snapshot.server.listen, routes::finish(clients, &app)));
            listeners.push((apart, routes::finish(operators, &app)));
        }
    }
    listen::run(gateway, listeners, listening, stop).await
}
