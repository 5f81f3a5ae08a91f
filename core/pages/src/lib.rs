//! Pages for a browser, out of the binary: the trait of plugins that bring them, as `sluice_api::plugin::pages`.

use std::fmt;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};

/// Brings pages: documents, scripts and styles that are in the binary, and nothing that depends on who asks.
///
/// What a page shows it asks of the public routes itself, like any other client, with the cookie that `/session` gives.
/// Where a plugin of this kind is linked in and [on](Pages::is_on), the server takes sign-ins. Its settings are the table
/// that is named like its kind.
pub trait Pages: fmt::Debug + Send + Sync + 'static {
    /// Whether it brings any now. Where none does, nobody can sign in.
    fn is_on(&self) -> bool;

    /// The page at a path; `None` where it is none of its own.
    ///
    /// Called for each GET and HEAD of a path that is no route, and of `/`. It must be quick and must not block: what it
    /// gives is a reference into the binary. It sets `content-type`, what caches may do, and what the page itself may do
    /// (`content-security-policy`); the server adds what holds for every page.
    fn page(&self, asked: &Asked<'_>) -> Option<Page>;
}

/// What is asked for.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Asked<'a> {
    /// The path, as it came.
    pub path: &'a str,
    /// The request's headers.
    pub headers: &'a HeaderMap,
    /// Where it came in.
    pub listener: Listener,
}

impl<'a> Asked<'a> {
    /// A path, with these headers, at this listener.
    #[must_use]
    pub const fn new(path: &'a str, headers: &'a HeaderMap, listener: Listener) -> Self {
        Self { path, headers, listener }
    }
}

/// Whom a listener is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Listener {
    /// Operators, whose routes it has; clients too, unless the operators have one of their own.
    Operators,
    /// Clients, where the operators have one of their own: nothing of theirs is here.
    Clients,
}

/// An answer to a browser.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Page {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, as it is sent.
    pub body: Bytes,
}

impl Page {
    /// An answer of these parts.
    #[must_use]
    pub const fn new(status: StatusCode, headers: HeaderMap, body: Bytes) -> Self {
        Self { status, headers, body }
    }
}
