//! What an answer goes through on its way down, piece by piece: it is metered, then what its client did not ask for is hidden.

use std::collections::VecDeque;

use bytes::Bytes;
use sluice_api::cost::Usage;
use sluice_wire::answer::hide::UsageChunk;
use sluice_wire::answer::meter::{End, Meter, Seen};

/// The stages of one answer, in order.
pub(crate) struct Stages {
    meter: Meter,
    hide: Option<UsageChunk>,
}

impl Stages {
    /// `hides_usage` says that usage was asked for which the client did not want.
    pub(crate) fn new(meter: Meter, hides_usage: bool) -> Self {
        Self { meter, hide: hides_usage.then(UsageChunk::new) }
    }

    /// Takes what came, and puts what passes behind what has passed.
    pub(crate) fn pass(&mut self, data: Bytes, passed: &mut VecDeque<Bytes>) {
        self.meter.feed(&data);
        match &mut self.hide {
            None => passed.push_back(data),
            Some(hide) => hide.feed(data, passed),
        }
    }

    /// Nothing more comes: what was held back passes.
    pub(crate) fn finish(&mut self, end: End, passed: &mut VecDeque<Bytes>) {
        self.meter.finish(end);
        if let Some(hide) = &mut self.hide {
            hide.finish(passed);
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
