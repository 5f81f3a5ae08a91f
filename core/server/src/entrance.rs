//! What holds for every request before its route is known: whose it is, and for which host.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;

use axum::body::{Body, Bytes, HttpBody};
use axum::response::Response;
use http::Request;
use sluice_config::address::{ClientAddress, hosts};
use sluice_config::resolved::ServerConfig;
use tower::BoxError;

use crate::answer::{answer, refuse};
use crate::routes::Routes;
use sluice_sockets::lent::{Unread, lend};
use sluice_sockets::places::Places;
use sluice_sockets::streams::paced;

/// The settings in force: asked for each connection and each request, so that a reload holds for the next ones.
#[derive(Clone)]
pub(crate) struct Settings(Arc<dyn Fn() -> Arc<ServerConfig> + Send + Sync>);

impl Settings {
    pub(crate) fn new(settings: impl Fn() -> Arc<ServerConfig> + Send + Sync + 'static) -> Self {
        Self(Arc::new(settings))
    }

    pub(crate) fn now(&self) -> Arc<ServerConfig> {
        (self.0)()
    }
}

/// Where the requests of one connection come in.
pub(crate) struct Entrance {
    pub(crate) routes: Routes,
    pub(crate) settings: Settings,
    /// The other side of the connection.
    pub(crate) peer: IpAddr,
    /// Whether its listener is reached from this machine alone.
    pub(crate) local: bool,
    pub(crate) places: Arc<Places>,
    pub(crate) unread: Arc<Unread>,
}

impl Entrance {
    /// Answers a request.
    pub(crate) async fn take<B>(self: Arc<Self>, mut request: Request<B>) -> Result<Response, Infallible>
    where
        B: HttpBody<Data = Bytes> + Unpin + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let settings = self.settings.now();
        let client = ClientAddress::of(self.peer, request.headers(), &settings.trusted_proxies);
        request.extensions_mut().insert(client);
        let (request, left) = lend(request);
        let response = match hosts::check(&request, &settings.hosts, self.local) {
            Ok(()) => answer(&self.routes, request).await?,
            Err(error) => refuse(request, &error),
        };
        if !left.read_off().await {
            self.unread.note();
        }
        Ok(response.map(|body| paced(body, Body::new)))
    }
}
