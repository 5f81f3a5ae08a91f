//! An upstream's stream, byte by byte, as the client's own.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::StatusCode;
use sluice_api::cost::Usage;
use sluice_api::dialect::Form;
use sluice_api::error::{Error, Kind};
use sluice_neutral::answer::{Class, Event, Failure};
use sluice_neutral::dialect::{Dialect, Reader, Sent, Writer};
use sluice_neutral::order::Ordered;
use sluice_wire::sse::{self, Scanner};

use crate::elements::Elements;

/// Translates one answer's stream, of server-sent events, cut anywhere.
pub struct Stream {
    scanner: Scanner,
    told: Told,
    /// For a client that asked for an array.
    elements: Option<Elements>,
}

/// What events become.
struct Told {
    reader: Box<dyn Reader>,
    ordered: Ordered,
    out: Vec<u8>,
    failed: Option<Error>,
    /// Whether it can't go on, also after it was asked why.
    broken: bool,
}

impl Stream {
    /// Nothing has come yet.
    pub(crate) fn new(
        upstream: &dyn Dialect,
        writer: Box<dyn Writer>,
        sent: &Arc<Sent>,
        (request_id, form): (&Arc<str>, Form),
    ) -> Self {
        let ordered = Ordered::new(Arc::clone(sent), writer, Arc::clone(request_id));
        let told =
            Told { reader: upstream.stream(sent), ordered, out: Vec::new(), failed: None, broken: false };
        let elements = (form == Form::JsonArray).then(Elements::default);
        Self { scanner: Scanner::default(), told, elements }
    }

    /// Takes what came, and tells what of the client's stream that makes. Whether it can go on is told by
    /// [`Stream::failure`].
    pub fn feed(&mut self, chunk: &[u8]) -> Bytes {
        let told = &mut self.told;
        self.scanner.feed(chunk, &mut |event| told.take(event));
        if self.scanner.has_lost() {
            told.loses();
        }
        self.written()
    }

    /// Why the stream can't go on, asked once: what came can't be read.
    pub const fn failure(&mut self) -> Option<Error> {
        self.told.failed.take()
    }

    /// The body has ended in order: the end of the client's stream, where the upstream's was whole.
    #[must_use]
    pub fn finish(&mut self) -> Bytes {
        let told = &mut self.told;
        self.scanner.finish(&mut |event| told.take(event));
        if self.scanner.has_lost() {
            told.loses();
        }
        let Told { reader, ordered, out, failed, broken } = told;
        reader.end(&mut |event| {
            if !*broken && failed.is_none() {
                *failed = ordered.take(nameless(event), out).err();
            }
        });
        let whole = !*broken && failed.is_none() && ordered.ends(out);
        let written = self.written();
        match &mut self.elements {
            Some(elements) if whole => {
                let mut all = written.to_vec();
                elements.end(&mut all);
                all.into()
            }
            _ => written,
        }
    }

    /// Takes the events of an answer that came whole.
    pub(crate) fn whole(&mut self, tell: impl FnOnce(&mut dyn FnMut(Event<'_>))) -> Result<Bytes, Error> {
        let Told { ordered, out, failed, .. } = &mut self.told;
        tell(&mut |event| {
            if failed.is_none() {
                *failed = ordered.take(event, out).err();
            }
        });
        match self.told.failed.take() {
            Some(error) => Err(error),
            None => Ok(self.finish()),
        }
    }

    /// The gateway ends the answer in a failure: what the client is told of it, unless it was told an end already.
    #[must_use]
    pub fn fail(&mut self, error: &Error) -> Bytes {
        let status = status(error.kind());
        let class = Class::of(status);
        let failure = Failure { status, class, message: error.facts().message.as_str().into(), param: None };
        self.told.ordered.fail(&failure, &mut self.told.out);
        self.written()
    }

    /// Whether the client has been told that the answer is whole.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.told.ordered.is_whole()
    }

    /// Whether the answer has met a stop sequence that the upstream was not asked for: nothing more of it is needed.
    #[must_use]
    pub fn has_stopped(&self) -> bool {
        self.told.ordered.has_stopped()
    }

    /// The answer ends there, with so much used: the end of the client's stream.
    #[must_use]
    pub fn stop(&mut self, usage: Usage) -> Bytes {
        let Told { ordered, out, .. } = &mut self.told;
        ordered.stop(usage, out);
        self.finish()
    }

    /// Whether the upstream told that it failed, and the client knows it.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.told.ordered.is_over() && !self.told.ordered.is_whole()
    }

    /// Whether the upstream's answer has said anything.
    #[must_use]
    pub const fn has_said(&self) -> bool {
        self.told.ordered.has_said()
    }

    /// What keeps a silent connection alive; nothing where nothing should be sent.
    #[must_use]
    pub fn keep_alive(&self) -> &'static [u8] {
        self.told.ordered.keep_alive()
    }

    /// What was written since it was asked last.
    fn written(&mut self) -> Bytes {
        let written = std::mem::take(&mut self.told.out);
        let Some(elements) = &mut self.elements else { return written.into() };
        let mut array = Vec::with_capacity(written.len());
        elements.put(&written, &mut array);
        array.into()
    }
}

/// What an upstream tells of its failure, without the names of whose account it is.
fn nameless(event: Event<'_>) -> Event<'_> {
    match event {
        Event::Failed(failure) => Event::Failed(failure.without_names()),
        event => event,
    }
}

/// The status that a failure in an answer's midst stands for.
const fn status(kind: Kind) -> StatusCode {
    match kind {
        Kind::UpstreamTimeout => StatusCode::GATEWAY_TIMEOUT,
        Kind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        Kind::NoAccount | Kind::Overloaded | Kind::StoreUnavailable => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::BAD_GATEWAY,
    }
}

impl Told {
    /// An event was lost, unless the answer had ended before it.
    fn loses(&mut self) {
        if !self.broken && !self.ordered.is_over() {
            let message =
                "the upstream's stream has an event that is longer than can be turned into another dialect";
            (self.failed, self.broken) = (Some(Error::new(Kind::Upstream, message)), true);
        }
    }

    /// Reads one event, and writes what it makes; nothing more after a failure.
    fn take(&mut self, event: sse::Event<'_>) {
        if event.after_lost {
            self.loses();
        }
        let Self { reader, ordered, out, failed, broken } = self;
        if *broken || failed.is_some() || ordered.is_over() {
            return;
        }
        let mut within = None;
        let name = std::str::from_utf8(event.name).unwrap_or_default();
        let read = reader.event(name, event.data, &mut |event| {
            if within.is_none() {
                within = ordered.take(nameless(event), out).err();
            }
        });
        *failed = within.or(read.err());
        *broken = failed.is_some();
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream").field("ordered", &self.told.ordered).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use crate::translation::{Asking, Head, Translation};
    use sluice_api::dialect::{Api, Form, Operation};
    use sluice_neutral::dialect::Upstream;

    #[test]
    fn a_lost_event_is_noticed_whatever_comes_with_it_in_one_piece() {
        let upstream = Upstream {
            model: "m",
            provider: "openai-compatible",
            account: "a",
            operation: Operation::Generate,
            form: Form::Sse,
            max_output: None,
            include_usage: false,
        };
        let body = br#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"Go."}]}"#;
        let asking = Asking { client: Api::Anthropic, body, speaks: Api::OpenaiChat, upstream };
        let (_, translation) = Translation::of(&asking).unwrap();
        let head = Head { id: "1".to_owned(), model: "m".to_owned(), created: 0, request_id: "r".into() };
        let said = |text: &str| {
            format!("data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{text}\"}}}}]}}\n\n")
        };
        let last =
            "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
        for (long, is_lost) in [(17 * 1024 * 1024, true), (8, false)] {
            let all = said("Hel") + &said(&"x".repeat(long)) + last;
            let mut stream = translation.stream(&head, Form::Sse);
            let told = stream.feed(all.as_bytes());
            let _ = stream.finish();
            assert_eq!((stream.failure().is_some(), stream.is_whole()), (is_lost, !is_lost));
            assert!(told.windows(3).any(|bytes| bytes == b"Hel"));
            assert_eq!(translation.gathered(all.as_bytes(), &head).is_err(), is_lost);
        }
    }
}
