//! What clients send and the upstream answers, byte by byte: requests, and answers as JSON or as events.

mod claude;
mod openai;
mod text;
mod turned;

use std::net::SocketAddr;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use nix::time::{ClockId, clock_gettime};

pub(crate) use self::claude::FAILURE;
pub(crate) use self::openai::chat_usage;
use crate::Result;
use crate::kind::{Dialect, Form, Kind};

use text::padded;

/// The client key of the run; nginx relays it as it is, Sluice replaces it by the account's.
pub(crate) const KEY: &str = "sk-sluice-benchmark-client-key-0123456789";

/// Headers beside `host`, `authorization` and `content-length`, in the manner of the official Python SDKs: all of
/// them are relayed but `accept-encoding`.
const HEADERS: &str = "accept: application/json\r\n\
    accept-encoding: gzip, deflate\r\n\
    connection: keep-alive\r\n\
    content-type: application/json\r\n\
    x-stainless-lang: python\r\n\
    x-stainless-package-version: 2.12.0\r\n\
    x-stainless-os: Linux\r\n\
    x-stainless-arch: x64\r\n\
    x-stainless-runtime: CPython\r\n\
    x-stainless-runtime-version: 3.13.1\r\n\
    x-stainless-async: async:asyncio\r\n\
    x-stainless-retry-count: 0\r\n\
    x-stainless-read-timeout: 600\r\n";

/// And what Anthropic's has beside them.
const CLAUDE_HEADERS: &str = "user-agent: Anthropic/Python 2.12.0\r\nanthropic-version: 2026-10-21\r\n";

/// And OpenAI's.
const OPENAI_HEADERS: &str = "user-agent: OpenAI/Python 2.12.0\r\n";

/// The header that names a session.
const SESSION: &str = "x-session-id: ";

/// Digits of a session's name.
const DIGITS: usize = 32;

/// A request, and the body that must come back.
#[derive(Debug)]
pub(crate) struct Exchange {
    /// Head and body.
    request: Vec<u8>,
    /// Where a new session is named in each request.
    session: Option<Session>,
    /// The answer's body, without framing; a byte that is zero stands for any.
    pub(crate) answer: Vec<u8>,
}

/// A session for each request.
#[derive(Debug)]
struct Session {
    place: Range<usize>,
    next: AtomicU64,
}

impl Exchange {
    /// One of this kind with the server at an address.
    pub(crate) fn new(kind: Kind, address: SocketAddr) -> Result<Arc<Self>> {
        let stream = matches!(kind.form(), Form::Events(..));
        let model = kind.model();
        let (path, headers, (before, after)) = match kind.dialect() {
            Dialect::Claude => ("/v1/messages", CLAUDE_HEADERS, claude::request(model, stream)),
            Dialect::Chat if kind == Kind::TurnedLong => {
                ("/v1/chat/completions", OPENAI_HEADERS, openai::conversation(model, kind.body_size()))
            }
            Dialect::Chat => ("/v1/chat/completions", OPENAI_HEADERS, openai::chat_request(model, stream)),
            Dialect::Responses => ("/v1/responses", OPENAI_HEADERS, openai::responses_request(model, stream)),
        };
        let body = padded(&before, after, kind.body_size());
        let length = body.len();
        let mut head = format!(
            "POST {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {KEY}\r\n{HEADERS}{headers}content-length: {length}\r\n"
        );
        let session = if kind == Kind::Session { Some(Session::name(&mut head)?) } else { None };
        let request = (head + "\r\n" + &body).into_bytes();
        let answer = match kind.form() {
            Form::Json(size) => json(kind, size),
            Form::Events(count, _) => events(kind, count).concat(),
        };
        Ok(Arc::new(Self { request, session, answer: answer.into_bytes() }))
    }

    /// The same with a gateway, which says the answer in the dialect that is asked in.
    pub(crate) fn through_sluice(kind: Kind, address: SocketAddr) -> Result<Arc<Self>> {
        let mut exchange = Self::new(kind, address)?;
        if let Some(own) = Arc::get_mut(&mut exchange).filter(|_| kind.dialect() != kind.speaks()) {
            let answer = match kind.form() {
                Form::Json(size) => json(kind, size),
                Form::Events(count, _) => {
                    let mut events = events(kind, count);
                    if kind.speaks() == Dialect::Chat {
                        events.insert(events.len().saturating_sub(1), chat_usage(kind.model()));
                    }
                    events.concat()
                }
            };
            own.answer = turned::answer(kind, &own.request, answer.as_bytes())?;
        }
        Ok(exchange)
    }

    /// The next request as it is sent; `own` is a place for it where no two are the same.
    pub(crate) fn request<'a>(&'a self, own: &'a mut Vec<u8>) -> &'a [u8] {
        let Some(session) = &self.session else { return &self.request };
        own.clear();
        own.extend_from_slice(&self.request);
        if let Some(place) = own.get_mut(session.place.clone()) {
            let number = session.next.fetch_add(1, Ordering::Relaxed);
            place.copy_from_slice(format!("{number:0DIGITS$x}").as_bytes());
        }
        own
    }
}

impl Session {
    /// Adds the header; names begin where the clock stands, so that no other exchange of the run has the same.
    fn name(head: &mut String) -> Result<Self> {
        head.push_str(SESSION);
        let place = head.len()..head.len() + DIGITS;
        head.push_str(&"0".repeat(DIGITS));
        head.push_str("\r\n");
        let now = std::time::Duration::from(clock_gettime(ClockId::CLOCK_MONOTONIC)?);
        Ok(Self { place, next: AtomicU64::new(now.as_nanos() as u64) })
    }
}

/// An answer as JSON of this many bytes.
pub(crate) fn json(kind: Kind, size: usize) -> String {
    claude::json(kind.model(), size)
}

/// An answer as this many events.
pub(crate) fn events(kind: Kind, count: usize) -> Vec<String> {
    match kind.speaks() {
        Dialect::Claude => claude::events(kind.model(), count),
        Dialect::Chat => openai::chat(kind.model(), count),
        Dialect::Responses => openai::responses(kind.model(), count),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exchange(kind: Kind) -> Arc<Exchange> {
        Exchange::new(kind, SocketAddr::from(([127, 0, 0, 1], 80))).unwrap()
    }

    #[test]
    fn sizes_and_counts_are_as_told() {
        for kind in Kind::ALL {
            let exchange = exchange(kind);
            let request = String::from_utf8(exchange.request.clone()).unwrap();
            let (_, body) = request.split_once("\r\n\r\n").unwrap();
            assert_eq!(body.len(), kind.body_size());
            let asked: serde_json::Value = serde_json::from_str(body).unwrap();
            assert_eq!(asked["model"], kind.model());
            let answer = String::from_utf8(exchange.answer.clone()).unwrap();
            match kind.form() {
                Form::Json(size) => {
                    assert_eq!(answer.len(), size);
                    assert_eq!(
                        serde_json::from_str::<serde_json::Value>(&answer).unwrap()["type"],
                        "message"
                    );
                }
                Form::Events(count, _) => assert_eq!(answer.matches("\n\n").count(), count),
            }
        }
    }

    #[test]
    fn every_event_is_json() {
        for kind in Kind::ALL {
            let Form::Events(count, _) = kind.form() else { continue };
            let usage = chat_usage(kind.model());
            for event in events(kind, count).iter().chain([&usage]) {
                let data = event.lines().find_map(|line| line.strip_prefix("data: ")).unwrap();
                let parsed = serde_json::from_str::<serde_json::Value>(data);
                assert!(data == "[DONE]" || parsed.is_ok(), "{data}");
            }
        }
    }

    #[test]
    fn only_sessions_change_from_request_to_request_and_never_come_twice() {
        let (mut first, mut second, mut third) = (Vec::new(), Vec::new(), Vec::new());
        let small = exchange(Kind::Small);
        assert_eq!(small.request(&mut first), small.request(&mut second));
        let (one, other) = (exchange(Kind::Session), exchange(Kind::Session));
        let requests = [one.request(&mut first), one.request(&mut second), other.request(&mut third)];
        let names = requests.map(|request| {
            let text = std::str::from_utf8(request).unwrap();
            let (_, rest) = text.split_once(SESSION).unwrap();
            let (name, rest) = rest.split_once("\r\n").unwrap();
            assert!(rest.starts_with("\r\n{"), "{rest}");
            (name.len(), name)
        });
        assert_eq!(names.map(|(length, _)| length), [DIGITS; 3]);
        assert!(names[0] != names[1] && names[1] != names[2] && names[0] != names[2], "{names:?}");
    }

    #[test]
    fn an_answer_is_the_clients_and_stands_open_where_it_changes() {
        let address = ([127, 0, 0, 1], 80).into();
        for (kind, words) in [
            (Kind::Turned, "chat.completion\""),
            (Kind::TurnedLong, "chat.completion\""),
            (Kind::TurnedBurst, "chat.completion.chunk"),
            (Kind::TurnedChat, "content_block_delta"),
        ] {
            let exchange = Exchange::through_sluice(kind, address).unwrap();
            let told = String::from_utf8(exchange.answer.clone()).unwrap();
            assert!(told.contains(words) && told.contains("\0\0\0\0"), "{told}");
        }
        let own = Exchange::through_sluice(Kind::Small, address).unwrap();
        assert!(!own.answer.contains(&0));
    }
}
