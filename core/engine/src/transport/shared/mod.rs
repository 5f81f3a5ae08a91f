//! HTTP/2: connections that carry many requests, as many connections as the requests need.
//!
//! A library's one connection for a host would bound everything at the server's number of streams, and let one client
//! that reads nothing stop all others. Here a request goes to a connection with room, else to a new one, and each
//! stream has a window of its own that is a part of its connection's: nobody waits for another's stream.

mod body;
mod connection;
mod sites;
mod upload;

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use h2::Reason;
use http::uri::Authority;
use http::{Request, Response, Version, header};
use http_body_util::BodyExt as _;
use sluice_api::{Condition, Error, Fault, Kind, Scope};

use self::body::Streamed;
use self::connection::Place;
use self::sites::Found;
use self::upload::Upload;
use super::broken::broken;
use super::dial::Dial;
use super::direct::{STALE_WITHIN, copy};
use super::{Sent, Stale};

/// Sends over connections of HTTP/2, plain or TLS.
#[derive(Clone, Debug)]
pub(super) struct Shared {
    pub(super) sites: Arc<Sites>,
    pub(super) dial: Dial,
}

pub(super) use self::sites::Sites;

/// What came of a request on one connection.
enum Tried {
    Answered(Response<sluice_api::provider::Body>),
    /// The server has not taken it.
    Untaken(Error),
    /// The server wants it over HTTP/1.1.
    WantsHttp1,
    Failed(Error),
}

impl Shared {
    /// Sends a request; gives it back where the server speaks HTTP/1.1 alone, or wants it so.
    pub(super) async fn send(&self, authority: Authority, request: Request<Bytes>, stale: Stale) -> Sent {
        let fresh = (stale == Stale::Fresh).then(Instant::now);
        let kept = copy(&request);
        match self.once(&authority, request, fresh).await {
            Tried::Untaken(_) if stale == Stale::Again => {
                let again = self.once(&authority, copy(&kept), Some(Instant::now())).await;
                again.sent(kept)
            }
            Tried::Untaken(error) if stale == Stale::Told => Sent::Answered(Err(error.unanswered())),
            tried => tried.sent(kept),
        }
    }

    async fn once(&self, authority: &Authority, request: Request<Bytes>, since: Option<Instant>) -> Tried {
        match self.sites.place(authority, &self.dial, since).await {
            Ok(Found::Place(place)) => exchange(place, authority, request).await,
            Ok(Found::SpeaksHttp1) => Tried::WantsHttp1,
            Err(error) => Tried::Failed(error),
        }
    }
}

impl Tried {
    fn sent(self, request: Request<Bytes>) -> Sent {
        match self {
            Self::Answered(response) => Sent::Answered(Ok(response)),
            Self::WantsHttp1 => Sent::SpeaksOther(request),
            Self::Untaken(error) | Self::Failed(error) => Sent::Answered(Err(error)),
        }
    }
}

async fn exchange(mut place: Place, authority: &Authority, request: Request<Bytes>) -> Tried {
    let (before, began) = (place.read(), Instant::now());
    let (head, body) = to_shared_form(request);
    let (mut sender, kept) = place.sender();
    let (response, stream) = match sender.send_request(head, body.is_empty()) {
        Ok(sent) => sent,
        // It was closing already, so that nothing of this went out.
        Err(error) => {
            place.ended();
            return Tried::Untaken(failure(&error, &place, authority));
        }
    };
    let mut response = std::pin::pin!(response);
    let mut upload = Upload::new(stream, body);
    let answered = std::future::poll_fn(|cx| {
        // An answer may come before the request is up; what is left of it goes on beside the answer.
        upload.poll(cx);
        response.as_mut().poll(cx)
    })
    .await;
    let error = match answered {
        Ok(response) => {
            let length = response.headers().get(header::CONTENT_LENGTH);
            let length = length.and_then(|length| length.to_str().ok()?.parse().ok());
            let body =
                |stream| Streamed::new(stream, upload, place, authority.clone(), length).boxed_unsync();
            return Tried::Answered(response.map(body));
        }
        Err(error) => error,
    };
    place.ended();
    let reset = if error.is_reset() && error.is_remote() { error.reason() } else { None };
    if error.is_remote() && error.reason() == Some(Reason::HTTP_1_1_REQUIRED) {
        return Tried::WantsHttp1;
    }
    // Of streams above a GOAWAY's last one the server says itself that it has not seen them, whatever its code
    // (RFC 9113, section 6.8).
    let above = error.is_go_away() && error.is_remote();
    // A connection that went stale ends without a byte, and soon.
    let stale = error.is_io() && kept && place.read() == before && began.elapsed() < STALE_WITHIN;
    let told = failure(&error, &place, authority);
    if above || stale || reset == Some(Reason::REFUSED_STREAM) {
        Tried::Untaken(told)
    } else {
        Tried::Failed(told)
    }
}

/// What a failure of a stream means. What ends a connection is one failure, however many requests were on it.
fn failure(error: &h2::Error, place: &Place, authority: &Authority) -> Error {
    let told = broken(error, authority);
    // Where h2 itself says so, it is about what this connection was sent.
    let told = if error.is_remote() && error.reason() == Some(Reason::ENHANCE_YOUR_CALM) {
        told.blame(Fault::Provider, Scope::Account).condition(Some(Condition::Overloaded))
    } else {
        told
    };
    if error.is_reset() { told } else { told.connection(place.id()) }
}

/// The request as HTTP/2 wants it: the authority in the URI, and no header of a connection.
fn to_shared_form(request: Request<Bytes>) -> (Request<()>, Bytes) {
    let (mut head, body) = request.into_parts();
    for name in [header::HOST, header::CONNECTION, header::TRANSFER_ENCODING, header::UPGRADE, header::TE] {
        head.headers.remove(name);
    }
    if !body.is_empty() && !head.headers.contains_key(header::CONTENT_LENGTH) {
        head.headers.insert(header::CONTENT_LENGTH, body.len().into());
    }
    head.version = Version::HTTP_2;
    (Request::from_parts(head, ()), body)
}

/// A server that agreed to HTTP/2 and takes no request over it.
fn takes_none(wait: std::time::Duration) -> Error {
    let message =
        format!("the upstream speaks HTTP/2, but has allowed no request on it in {} s", wait.as_secs_f32());
    Error::new(Kind::UpstreamTimeout, message)
}
