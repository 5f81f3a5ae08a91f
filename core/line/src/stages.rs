//! What an answer goes through on its way down, piece by piece: it is metered, then what its client did not ask for is
//! hidden, or all of it becomes the client's own dialect.

use std::collections::VecDeque;

use bytes::Bytes;
use sluice_api::cost::Usage;
use sluice_api::error::Error;
use sluice_translate::Stream;
use sluice_wire::answer::hide::UsageChunk;
use sluice_wire::answer::meter::{End, Meter, Seen};

/// The stages of one answer, in order.
pub(crate) struct Stages {
    meter: Meter,
    hide: Option<UsageChunk>,
    translated: Option<Box<Stream>>,
    /// About how many tokens were sent, for an answer that ends before its upstream tells.
    sent: u64,
    /// Whether it ended so.
    stopped: bool,
}

impl Stages {
    /// `hides_usage` says that usage was asked for which the client did not want.
    pub(crate) fn new(meter: Meter, hides_usage: bool) -> Self {
        Self { meter, hide: hides_usage.then(UsageChunk::default), translated: None, sent: 0, stopped: false }
    }

    /// What comes is turned into the client's dialect; about so many tokens were sent.
    pub(crate) fn translates(&mut self, stream: Stream, sent: u64) {
        (self.translated, self.sent) = (Some(Box::new(stream)), sent);
    }

    /// The stream into another dialect, where it is one.
    pub(crate) fn translated(&mut self) -> Option<&mut Stream> {
        self.translated.as_deref_mut()
    }

    /// Whether a client of another dialect was told that the answer is whole; nothing where there is no such client.
    pub(crate) fn is_told(&self) -> Option<bool> {
        self.translated.as_ref().map(|stream| stream.is_whole())
    }

    /// Whether a client of another dialect was told that the upstream failed.
    pub(crate) fn has_failed(&self) -> bool {
        self.translated.as_ref().is_some_and(|stream| stream.has_failed())
    }

    /// Whether that is all that was said.
    pub(crate) fn fails_unsaid(&self) -> bool {
        self.has_failed() && self.translated.as_ref().is_some_and(|stream| !stream.has_said())
    }

    /// Whether nothing more of the upstream is needed: it was not asked to stop where its client wanted it to.
    pub(crate) fn has_stopped(&self) -> bool {
        self.stopped
    }

    /// Takes what came, and puts what passes behind what has passed; why nothing more can pass, where that is so.
    pub(crate) fn pass(&mut self, data: Bytes, passed: &mut VecDeque<Bytes>) -> Option<Error> {
        self.meter.feed(&data);
        if let Some(stream) = &mut self.translated {
            let told = stream.feed(&data);
            passed.extend((!told.is_empty()).then_some(told));
            if stream.has_stopped() {
                let mut used = self.meter.used().unwrap_or_default();
                if used.all_input() == 0 {
                    used.input = self.sent;
                }
                passed.push_back(stream.stop(used));
                self.stopped = true;
            }
            return stream.failure();
        }
        match &mut self.hide {
            None => passed.push_back(data),
            Some(hide) => hide.feed(data, passed),
        }
        None
    }

    /// Nothing more comes: what was held back passes.
    pub(crate) fn finish(&mut self, end: End, passed: &mut VecDeque<Bytes>) {
        self.meter.finish(end);
        if let Some(hide) = &mut self.hide {
            hide.finish(passed);
        }
        if let (Some(stream), End::Clean) = (&mut self.translated, end) {
            let told = stream.finish();
            passed.extend((!told.is_empty()).then_some(told));
        }
    }

    /// What was used, were the answer to end here.
    pub(crate) fn used(&self) -> Option<Usage> {
        self.meter.used()
    }

    /// What was metered.
    pub(crate) fn seen(&self) -> &Seen {
        self.meter.seen()
    }
}
