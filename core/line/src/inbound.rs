//! The head of a client's request, and its key.

use std::sync::Arc;
use std::time::Instant;

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use sluice_api::error::{Error, Kind};
use sluice_config::address::ClientAddress;
use sluice_config::key::Key;
use sluice_wire::headers::{self, Kept};

use crate::ask::ClientRoute;
use crate::snapshot::Snapshot;

/// Longest request id of a client's own that is kept.
const REQUEST_ID_MAX: usize = 128;

/// Headers in which official clients put a key, in the order in which they are tried.
static KEY_HEADERS: [HeaderName; 3] = [
    HeaderName::from_static("x-api-key"),
    HeaderName::from_static("x-goog-api-key"),
    HeaderName::from_static("api-key"),
];

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
    /// Where it comes from; unknown where no server took it, as in tests.
    pub(crate) client: Option<ClientAddress>,
    /// When its head had come.
    pub(crate) started: Instant,
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

impl Inbound {
    pub(crate) fn accept(head: http::request::Parts, started: Instant) -> Self {
        let (query, query_key) = split_query(head.uri.query());
        let request_id = request_id(&head.headers);
        let client = head.extensions.get().copied();
        Self { headers: head.headers, query, query_key, kept: None, request_id, client, started }
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
    let named = KEY_HEADERS.iter().flat_map(|name| headers.get_all(name)).map(HeaderValue::as_bytes);
    for secret in named.chain(bearers).chain(query_key.map(str::as_bytes)) {
        presented = true;
        if let Some(key) = snapshot.keys.find(secret) {
            if key.expires.is_some_and(|end| end <= now) {
                return Err(Error::new(
                    Kind::Unauthenticated,
                    "this API key has expired: ask your operator for a new one",
                ));
            }
            return Ok(key);
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
