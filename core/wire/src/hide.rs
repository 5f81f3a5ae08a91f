//! Keeps the usage chunk from a client of Chat Completions that did not ask for it; every other byte passes.

use std::collections::VecDeque;

use bytes::Bytes;
use memchr::{memchr, memmem};
use serde::Deserialize;
use serde_json::value::RawValue;

/// An event that has not said what it is by then is no usage chunk.
const HEAD_MAX: usize = 64 * 1024;

/// Removes the one event whose `choices` is empty and whose `usage` is an object.
///
/// An event is held back only until its `choices` shows that it is another; lines end in LF or CRLF.
#[derive(Debug, Default)]
pub struct UsageChunk {
    /// Slices of the undecided event.
    held: Vec<Bytes>,
    /// The undecided event's bytes.
    text: Vec<u8>,
    /// The current event is known to pass.
    passing: bool,
    /// Something but CR stands on the current line.
    line_begun: bool,
}

impl UsageChunk {
    /// A filter for one stream.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a chunk and hands on what passes.
    pub fn feed(&mut self, chunk: Bytes, out: &mut VecDeque<Bytes>) {
        // What passes is handed on in runs, as long as they go.
        let (mut run, mut event, mut at) = (0, 0, 0);
        while let Some(length) = memchr(b'\n', chunk.get(at..).unwrap_or_default()) {
            let line = chunk.get(at..at + length).unwrap_or_default();
            let blank = !self.line_begun && matches!(line, [] | [b'\r']);
            at += length + 1;
            self.line_begun = false;
            if !blank {
                continue;
            }
            if !std::mem::take(&mut self.passing) {
                self.text.extend_from_slice(chunk.get(event..at).unwrap_or_default());
                if is_usage_chunk(&self.text) {
                    self.held.clear();
                    push(out, chunk.slice(run..event));
                    run = at;
                } else {
                    out.extend(self.held.drain(..));
                }
                self.text.clear();
            }
            event = at;
        }
        let rest = chunk.get(at..).unwrap_or_default();
        self.line_begun |= rest.iter().any(|byte| *byte != b'\r');
        if !self.passing {
            let begun = chunk.get(event..).unwrap_or_default();
            self.text.extend_from_slice(begun);
            if self.text.len() <= HEAD_MAX && !is_another(&self.text) {
                push(out, chunk.slice(run..event));
                if !begun.is_empty() {
                    self.held.push(chunk.slice(event..));
                }
                return;
            }
            self.passing = true;
            self.text.clear();
            out.extend(self.held.drain(..));
        }
        push(out, chunk.slice(run..));
    }

    /// The stream has ended: hands on what is held, unless it is a usage chunk without its blank line.
    pub fn finish(&mut self, out: &mut VecDeque<Bytes>) {
        if is_usage_chunk(&self.text) {
            self.held.clear();
        }
        self.text.clear();
        out.extend(self.held.drain(..));
    }
}

fn push(out: &mut VecDeque<Bytes>, piece: Bytes) {
    if !piece.is_empty() {
        out.push_back(piece);
    }
}

/// Whether the head of an event shows that it has choices.
fn is_another(head: &[u8]) -> bool {
    let Some(at) = memmem::find(head, b"\"choices\"") else { return false };
    let rest = head.get(at + 9..).unwrap_or_default().trim_ascii_start();
    let Some(rest) = rest.strip_prefix(b":") else { return false };
    let Some(rest) = rest.trim_ascii_start().strip_prefix(b"[") else { return false };
    rest.trim_ascii_start().first().is_some_and(|byte| *byte != b']')
}

#[derive(Deserialize)]
struct Chunk<'a> {
    choices: Vec<serde::de::IgnoredAny>,
    #[serde(borrow)]
    usage: &'a RawValue,
}

fn is_usage_chunk(event: &[u8]) -> bool {
    if memmem::find(event, b"\"usage\"").is_none() || is_another(event) {
        return false;
    }
    let mut data = Vec::new();
    for line in event.split(|byte| *byte == b'\n') {
        let Some(value) = line.strip_prefix(b"data:") else { continue };
        data.extend_from_slice(value);
    }
    serde_json::from_slice::<Chunk<'_>>(&data)
        .is_ok_and(|chunk| chunk.choices.is_empty() && chunk.usage.get().starts_with('{'))
}

#[cfg(test)]
mod tests {
    use super::UsageChunk;
    use bytes::Bytes;
    use proptest::prelude::*;
    use std::collections::VecDeque;

    const EVENTS: [&str; 8] = [
        "data: {\"id\":\"\",\"choices\":[],\"prompt_filter_results\":[]}\n\n",
        "data: {\"choices\":[{\"delta\":{\"content\":\"\\\"usage\\\":{}\"}}],\"usage\":null}\n\n",
        "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":1}}\n\n",
        ": keepalive\r\n\r\n",
        "data: {\"usage\":{\"a\":{}}, \"choices\" : [ ] }\r\n\r\n",
        "data: {\"choices\":[],\"usage\":null}\n\n",
        "event: x\ndata: {\"choices\":[{}],\"usage\":{\"total\":1}}\n\n",
        "data: [DONE]\n\n",
    ];
    const HIDDEN: [usize; 2] = [2, 4];

    fn filtered(pieces: impl Iterator<Item = Bytes>) -> String {
        let (mut filter, mut out) = (UsageChunk::new(), VecDeque::new());
        pieces.for_each(|piece| filter.feed(piece, &mut out));
        filter.finish(&mut out);
        String::from_utf8(out.into_iter().flatten().collect()).unwrap()
    }

    #[test]
    fn an_event_with_choices_is_handed_on_before_it_ends() {
        let (mut filter, mut out) = (UsageChunk::new(), VecDeque::new());
        filter.feed(Bytes::from_static(b"data: {\"choices\":"), &mut out);
        assert!(out.is_empty());
        filter.feed(Bytes::from_static(b"[{\"delta\":{\"con"), &mut out);
        assert_eq!(out.len(), 2);
    }

    proptest! {
        #[test]
        fn only_usage_chunks_are_removed_whatever_the_chunks(order in prop::collection::vec(0usize..8, 0..8), step in 1usize..40) {
            let stream: String = order.iter().map(|at| EVENTS[*at]).collect();
            let expected: String = order.iter().filter(|at| !HIDDEN.contains(at)).map(|at| EVENTS[*at]).collect();
            let pieces = stream.as_bytes().chunks(step).map(Bytes::copy_from_slice);
            prop_assert_eq!(filtered(pieces), expected);
        }
    }
}
