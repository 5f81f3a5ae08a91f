//! An upstream's stream.

use std::sync::Arc;

use sluice_api::error::Error;
use sluice_neutral::answer::Event;
use sluice_neutral::dialect::{Reader, Sent};

use crate::answer::telling::Telling;

/// Reads a stream: each event, or element of an array, is a chunk of the answer.
pub(crate) struct Stream(Telling);

impl Stream {
    /// Nothing has come yet.
    pub(crate) fn new(sent: &Arc<Sent>) -> Self {
        Self(Telling::new(Arc::clone(sent)))
    }
}

impl Reader for Stream {
    fn event(&mut self, _name: &str, data: &[u8], tell: &mut dyn FnMut(Event<'_>)) -> Result<(), Error> {
        self.0.take(data, &mut |event| tell(event))
    }

    fn end(&mut self, tell: &mut dyn FnMut(Event<'_>)) {
        self.0.end(&mut |event| tell(event));
    }
}
