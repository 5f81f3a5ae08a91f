//! What comes of sending on a connection, and of a request whose kept connection turns out to be stale.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use sluice_api::error::Error;
use sluice_api::provider::Body;

/// How soon a connection that went stale shows it: the round trip that brings the reset. One that breaks later may have
/// taken the request, and what it has begun would be paid twice.
pub(super) const STALE_WITHIN: Duration = Duration::from_secs(1);

/// What becomes of a request whose kept connection turns out to be stale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stale {
    /// It is sent once more, from a copy.
    Again,
    /// Its sender is told, by an error that is [`unanswered`](sluice_api::error::Facts::unanswered), and sends it
    /// again: that spares a copy of each request.
    Told,
    /// It can't: this is the second time, and no kept connection is used.
    Fresh,
}

/// What came of sending by one protocol.
pub(super) enum Sent {
    Answered(Result<Response<Body>, Error>),
    /// The server speaks the other one, and this request was not taken; it is given back where there is a copy.
    SpeaksOther(Option<Request<Bytes>>),
}
