//! HTTP/2: connections that carry many requests, as many connections as the requests need.
//!
//! A library's one connection for a host would bound everything at the server's number of streams, and let one client
//! that reads nothing stop all others. Here a request goes to a connection with room, else to a new one, and each
//! stream has a window of its own that is a part of its connection's: nobody waits for another's stream.

mod body;
mod connection;
mod driver;
mod failure;
mod pauses;
mod sites;
#[cfg(test)]
mod tests;
mod upload;
mod waiting;

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use h2::Reason;
use http::uri::Authority;
use http::{HeaderMap, Request, Response, Version, header};
use http_body_util::BodyExt as _;
use sluice_api::error::Error;

use self::body::{Coming, Streamed};
use self::connection::Place;
use self::failure::failure;
use self::pauses::Pauses;
use self::sites::{Destination, Found};
use self::upload::Upload;
use super::broken::too_large;
use super::dial::{BUFFER_MAX, Dial};
use super::direct::copy;
use super::sent::{STALE_WITHIN, Sent, Stale};

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
    /// The server says that it has not taken it.
    Untaken(Error),
    /// The connection went stale, as it seems.
    Stale(Error),
    /// The server wants it over HTTP/1.1. It is given back where nothing of it was sent.
    WantsHttp1(Option<Request<Bytes>>),
    Failed(Error),
}

impl Shared {
    /// Sends a request; gives it back where the server speaks HTTP/1.1 alone, or wants it so. One that the server says
    /// it has not taken costs nothing to send again, a few times; one that a stale connection may have taken is sent
    /// again once.
    pub(super) async fn send(&self, authority: Authority, mut request: Request<Bytes>, stale: Stale) -> Sent {
        let mut pauses = Pauses::new();
        // Who is told sends it again itself, and that spares a copy.
        if stale == Stale::Told {
            let tried = self.once(&authority, request, None, &mut pauses).await;
            return match tried {
                Tried::Untaken(error) | Tried::Stale(error) => Sent::Answered(Err(error.unanswered())),
                tried => tried.sent(None),
            };
        }
        let mut since = match stale {
            Stale::Fresh => pauses.next().await,
            Stale::Again | Stale::Told => None,
        };
        let mut may_be_stale = stale == Stale::Again;
        loop {
            let kept = copy(&request);
            let fresh = match self.once(&authority, request, since, &mut pauses).await {
                Tried::Untaken(error) => pauses.next().await.ok_or(error),
                Tried::Stale(_) if std::mem::take(&mut may_be_stale) => Ok(Instant::now()),
                tried => return tried.sent(Some(kept)),
            };
            since = match fresh {
                Ok(fresh) => Some(fresh),
                Err(error) => return Sent::Answered(Err(error)),
            };
            request = kept;
        }
    }

    async fn once(
        &self,
        authority: &Authority,
        request: Request<Bytes>,
        since: Option<Instant>,
        pauses: &mut Pauses,
    ) -> Tried {
        let wanted = Destination { authority, dial: &self.dial, since, body: request.body().len() };
        match self.sites.place(wanted, pauses).await {
            Ok(Found::Place(place)) => exchange(place, authority, request).await,
            Ok(Found::SpeaksHttp1) => Tried::WantsHttp1(Some(request)),
            Err(error) => Tried::Failed(error),
        }
    }
}

impl Tried {
    /// `kept` is a copy of the request.
    fn sent(self, kept: Option<Request<Bytes>>) -> Sent {
        match self {
            Self::Answered(response) => Sent::Answered(Ok(response)),
            Self::WantsHttp1(back) => Sent::SpeaksOther(back.or(kept)),
            Self::Untaken(error) | Self::Stale(error) | Self::Failed(error) => Sent::Answered(Err(error)),
        }
    }
}

async fn exchange(mut place: Place, authority: &Authority, request: Request<Bytes>) -> Tried {
    let began = Instant::now();
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
    let number = response.stream_id();
    // An answer may come before the request is up; what is left of it goes on beside the answer.
    let upload = place.upload(stream, body);
    let error = match response.await {
        Ok(response) => {
            place.answered();
            let upload = upload.and_then(Upload::beside);
            if is_too_large(response.headers()) {
                return Tried::Failed(too_large());
            }
            let length = response.headers().get(header::CONTENT_LENGTH);
            let length = length.and_then(|length| length.to_str().ok()?.parse().ok());
            let body = |stream| {
                let coming = Coming { stream, upload, place, authority: authority.clone() };
                Streamed::new(coming, length).boxed_unsync()
            };
            return Tried::Answered(response.map(body));
        }
        Err(error) => error,
    };
    place.ended();
    let reset = if error.is_reset() && error.is_remote() { error.reason() } else { None };
    if error.is_remote() && error.reason() == Some(Reason::HTTP_1_1_REQUIRED) {
        return Tried::WantsHttp1(None);
    }
    // Of streams above a GOAWAY's last one the server says itself that it has not seen them, whatever its code
    // (RFC 9113, section 6.8).
    let above = error.is_go_away() && error.is_remote();
    // A connection that went stale ends without a frame for this stream or later ones, and soon. What comes late of
    // earlier ones, or for the connection, says nothing of this one.
    let stale = error.is_io() && kept && !place.was_heard(number) && began.elapsed() < STALE_WITHIN;
    let told = failure(&error, &place, authority);
    if above || reset == Some(Reason::REFUSED_STREAM) {
        Tried::Untaken(told)
    } else if stale {
        Tried::Stale(told)
    } else {
        Tried::Failed(told)
    }
}

/// Whether a head is longer than one may be over HTTP/1.1.
fn is_too_large(head: &HeaderMap) -> bool {
    head.iter().map(|(name, value)| name.as_str().len() + value.len()).sum::<usize>() > BUFFER_MAX
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
