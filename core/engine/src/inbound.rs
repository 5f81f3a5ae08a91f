//! The client's side of a request: its head, its key, and its body within bounds.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use http::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH};
use http::{HeaderMap, HeaderName, HeaderValue};
use http_body_util::BodyExt;
use percent_encoding::percent_decode_str;
use sluice_api::{Error, Kind, Timestamp};
use sluice_wire::headers::{self, Kept};

use crate::ask::ClientRoute;
use crate::decode;
use crate::gateway::Gateway;
use crate::key::Key;
use crate::snapshot::Snapshot;
use crate::timer::in_time;

/// Longest request id of a client's own that is kept.
const REQUEST_ID_MAX: usize = 128;

/// What a body without a length is reserved in steps of.
const STEP: usize = 64 * 1024;

/// Headers in which official clients put a key, in the order in which they are tried.
const KEY_HEADERS: [&str; 3] = ["x-api-key", "x-goog-api-key", "api-key"];

/// A request's head.
pub(crate) struct Inbound {
    pub(crate) headers: HeaderMap,
    /// The query without any key.
    pub(crate) query: Option<String>,
    /// A key that came in the query.
    query_key: Option<String>,
    /// The headers, once they have gone with an attempt.
    kept: Option<Kept>,
    pub(crate) request_id: Arc<str>,
}

/// Who asks, where the body plays no part.
#[derive(Debug)]
pub struct Asking<'a> {
    headers: &'a HeaderMap,
    /// The query without any key.
    pub query: Option<String>,
    query_key: Option<String>,
    /// The request's id.
    pub request_id: Arc<str>,
}

impl<'a> Asking<'a> {
    /// Reads it from a head.
    #[must_use]
    pub fn of(headers: &'a HeaderMap, query: Option<&str>) -> Self {
        let (query, query_key) = split_query(query);
        Self { headers, query, query_key, request_id: request_id(headers) }
    }

    /// The first of the presented secrets that is a known key.
    ///
    /// # Errors
    ///
    /// 401 when there is none.
    pub fn authenticate(&self, snapshot: &Snapshot, now: Timestamp) -> Result<Arc<Key>, Error> {
        authenticate(self.headers, self.query_key.as_deref(), snapshot, now)
    }
}

/// A request body, whole.
pub(crate) struct Body {
    pub(crate) bytes: Bytes,
    _reserved: Reserved,
}

impl Inbound {
    pub(crate) fn accept(head: http::request::Parts) -> Self {
        let (query, query_key) = split_query(head.uri.query());
        let request_id = request_id(&head.headers);
        Self { headers: head.headers, query, query_key, kept: None, request_id }
    }

    /// Takes off what no upstream may see; from here on the headers are those that are relayed.
    pub(crate) fn strip(&mut self) {
        headers::relayed_up(&mut self.headers);
    }

    /// The headers that are relayed: themselves for the first attempt, made again for each further one.
    pub(crate) fn relayed(&mut self) -> HeaderMap {
        match &self.kept {
            Some(kept) => kept.headers(),
            None => {
                self.kept = Some(Kept::of(&self.headers));
                std::mem::take(&mut self.headers)
            }
        }
    }

    /// The first of the presented secrets that is a known key.
    pub(crate) fn authenticate(&self, snapshot: &Snapshot, now: Timestamp) -> Result<Arc<Key>, Error> {
        authenticate(&self.headers, self.query_key.as_deref(), snapshot, now)
    }

    /// Reads the body whole, decodes it, and holds it within `max_body` and `max_buffered`.
    pub(crate) async fn read<B>(
        &self,
        gateway: &Arc<Gateway>,
        snapshot: &Snapshot,
        mut body: B,
    ) -> Result<Body, Error>
    where
        B: http_body::Body<Data = Bytes> + Unpin,
        B::Error: std::fmt::Display,
    {
        let server = &snapshot.server;
        let max = usize::try_from(server.max_body).unwrap_or(usize::MAX);
        let told =
            self.headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
        if told.is_some_and(|length| length > max) {
            return Err(too_large(max));
        }
        let mut reserved = Reserved::new(gateway, server.max_buffered);
        reserved.grow(told.unwrap_or(0))?;
        let mut whole = BytesMut::new();
        let mut first: Option<Bytes> = None;
        while let Some(frame) = next_frame(&mut body, server.body_timeout).await? {
            let Ok(data) = frame.into_data() else { continue };
            if whole.len() + first.as_ref().map_or(0, Bytes::len) + data.len() > max {
                return Err(too_large(max));
            }
            // A body that comes in one piece is used as it is.
            match first.take() {
                None if whole.is_empty() && Some(data.len()) == told => first = Some(data),
                held => {
                    if whole.is_empty() {
                        whole.reserve(told.unwrap_or(STEP));
                    }
                    whole.extend_from_slice(&held.unwrap_or_default());
                    whole.extend_from_slice(&data);
                    reserved.grow(whole.len())?;
                }
            }
        }
        let bytes = first.unwrap_or_else(|| whole.freeze());
        let bytes = match self.headers.get(CONTENT_ENCODING) {
            None => bytes,
            Some(coding) => decode::request(coding, &bytes, max, || too_large(max))?,
        };
        reserved.grow(bytes.len())?;
        Ok(Body { bytes, _reserved: reserved })
    }
}

/// Whether a key may use a client API at all; asked before the body is read.
pub(crate) fn permit(key: &Key, route: &ClientRoute) -> Result<(), Error> {
    let family = route.api.family();
    if key.allow.contains(&family) {
        return Ok(());
    }
    Err(Error::new(Kind::Forbidden, format!("this key may not use the {family} APIs")))
}

/// The first of the presented secrets that is a known key, in the contract's order.
fn authenticate(
    headers: &HeaderMap,
    query_key: Option<&str>,
    snapshot: &Snapshot,
    now: Timestamp,
) -> Result<Arc<Key>, Error> {
    let mut presented = false;
    let bearers = headers.get_all(AUTHORIZATION).iter().filter_map(|value| bearer(value.as_bytes()));
    let named = KEY_HEADERS.iter().flat_map(|name| headers.get_all(*name)).map(HeaderValue::as_bytes);
    for secret in named.chain(bearers).chain(query_key.map(str::as_bytes)) {
        presented = true;
        if let Some(key) = snapshot.keys.find(secret) {
            if key.expires.is_some_and(|end| end <= now) {
                return Err(Error::new(
                    Kind::Unauthenticated,
                    "this API key has expired: ask your operator for a new one",
                ));
            }
            return Ok(Arc::clone(key));
        }
    }
    let message = if presented {
        "the API key is not known here: check that it is one of this gateway's own keys"
    } else {
        "no API key was sent: put one into x-api-key, x-goog-api-key, api-key, Authorization: Bearer, or ?key="
    };
    Err(Error::new(Kind::Unauthenticated, message))
}

fn bearer(value: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = value.split_at_checked(7)?;
    scheme.eq_ignore_ascii_case(b"bearer ").then(|| token.trim_ascii())
}

/// The query without `key`, and the key.
pub(crate) fn split_query(query: Option<&str>) -> (Option<String>, Option<String>) {
    let Some(query) = query else { return (None, None) };
    let mut key = None;
    let mut rest = String::with_capacity(query.len());
    for pair in query.split('&') {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        if percent_decode_str(name).eq(b"key".iter().copied()) {
            key.get_or_insert_with(|| percent_decode_str(value).decode_utf8_lossy().into_owned());
            continue;
        }
        if !rest.is_empty() {
            rest.push('&');
        }
        rest.push_str(pair);
    }
    ((!rest.is_empty()).then_some(rest), key)
}

/// The client's own request id where it is a plain one, else a new one.
#[must_use]
pub fn request_id(headers: &HeaderMap) -> Arc<str> {
    const NAME: HeaderName = HeaderName::from_static("x-request-id");
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    let own = headers.get(NAME).and_then(|value| value.to_str().ok());
    if let Some(own) = own
        && (1..=REQUEST_ID_MAX).contains(&own.len())
        && own.as_bytes().iter().all(plain)
    {
        return own.into();
    }
    let mut buffer = *b"req_00000000000000000000000000000000";
    uuid::Uuid::now_v7().simple().encode_lower(buffer.get_mut(4..).unwrap_or_default());
    std::str::from_utf8(&buffer).unwrap_or_default().into()
}

async fn next_frame<B>(body: &mut B, wait: Duration) -> Result<Option<http_body::Frame<Bytes>>, Error>
where
    B: http_body::Body<Data = Bytes> + Unpin,
    B::Error: std::fmt::Display,
{
    match in_time(Instant::now() + wait, body.frame()).await {
        Some(Some(Ok(frame))) => Ok(Some(frame)),
        Some(None) => Ok(None),
        Some(Some(Err(error))) => {
            Err(Error::bad_request(None, format!("the request body broke off or is malformed: {error}")))
        }
        None => {
            let message = format!("no piece of the request body came for {} s", wait.as_secs_f32());
            Err(Error::new(Kind::RequestTimeout, message))
        }
    }
}

fn too_large(max: usize) -> Error {
    Error::new(
        Kind::TooLarge,
        format!("the request body is larger than the {max} bytes that this gateway takes (server.max_body)"),
    )
}

/// A part of `max_buffered`, given back when dropped.
struct Reserved {
    gateway: Arc<Gateway>,
    max: u64,
    taken: u64,
}

impl Reserved {
    fn new(gateway: &Arc<Gateway>, max: u64) -> Self {
        Self { gateway: Arc::clone(gateway), max, taken: 0 }
    }

    fn grow(&mut self, to: usize) -> Result<(), Error> {
        let more = (to as u64).saturating_sub(self.taken);
        if more == 0 {
            return Ok(());
        }
        let held = self.gateway.buffered().fetch_add(more, Ordering::Relaxed);
        self.taken += more;
        if held + more > self.max {
            let message =
                "the gateway holds as many request bodies as it may (server.max_buffered): try again shortly";
            return Err(Error::new(Kind::Overloaded, message).retry_after(Duration::from_secs(1)));
        }
        Ok(())
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        self.gateway.buffered().fetch_sub(self.taken, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::{request_id, split_query};
    use http::{HeaderMap, HeaderValue};

    #[test]
    fn a_key_never_stays_in_the_query() {
        for (query, rest, key) in [
            ("key=a", None, Some("a")),
            ("alt=sse&key=a%2Fb", Some("alt=sse"), Some("a/b")),
            ("k%65y=a&beta=true", Some("beta=true"), Some("a")),
            ("key=a&key=b&x", Some("x"), Some("a")),
            ("keys=1", Some("keys=1"), None),
        ] {
            assert_eq!(
                split_query(Some(query)),
                (rest.map(str::to_owned), key.map(str::to_owned)),
                "{query}"
            );
        }
    }

    #[test]
    fn only_a_plain_request_id_of_the_client_is_kept() {
        let id = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("x-request-id", HeaderValue::from_str(text).unwrap());
            request_id(&headers)
        };
        assert_eq!(&*id("a-b_c.1"), "a-b_c.1");
        for odd in ["", "a b", "a/b", &"x".repeat(129)] {
            assert!(id(odd).starts_with("req_"), "{odd}");
        }
    }
}
