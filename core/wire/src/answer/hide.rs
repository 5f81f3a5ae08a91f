//! Keeps the usage chunk from a client of Chat Completions that did not ask for it; every other byte passes.

use std::collections::{HashMap, VecDeque};

use bytes::Bytes;
use memchr::memchr;
use memchr::memmem::Finder;
use serde::Deserialize;
use serde_json::value::RawValue;

/// An event that has not said what it is by then is no usage chunk.
const HEAD_MAX: usize = 64 * 1024;

/// What ends a stream; some servers put no blank line before it.
const DONE: &[u8] = b"[DONE]";

/// Removes the event that has a `usage` object and no content.
///
/// An event is held back only until its first choice shows that something is in it; lines end in LF or CRLF.
#[derive(Debug)]
pub struct UsageChunk {
    /// Slices of the undecided event.
    held: Vec<Bytes>,
    /// The undecided event's bytes.
    text: Vec<u8>,
    /// The current event is known to pass.
    passing: bool,
    /// Something but CR stands on the current line.
    line_begun: bool,
    names: Box<Names>,
}

/// Finds the names of members, with their quotes; made once, as each event is looked through.
#[derive(Debug)]
struct Names {
    usage: Finder<'static>,
    choices: Finder<'static>,
    delta: Finder<'static>,
}

impl Default for UsageChunk {
    fn default() -> Self {
        let names = Names {
            usage: Finder::new(b"\"usage\""),
            choices: Finder::new(b"\"choices\""),
            delta: Finder::new(b"\"delta\""),
        };
        Self { held: Vec::new(), text: Vec::new(), passing: false, line_begun: false, names: Box::new(names) }
    }
}

impl UsageChunk {
    /// Takes a chunk and hands on what passes.
    pub fn feed(&mut self, chunk: Bytes, out: &mut VecDeque<Bytes>) {
        // What passes is handed on in runs, as long as they go.
        let (mut run, mut event, mut at) = (0, 0, 0);
        while let Some(length) = memchr(b'\n', chunk.get(at..).unwrap_or_default()) {
            let line = chunk.get(at..at + length).unwrap_or_default();
            let blank = !self.line_begun && line.iter().all(|byte| *byte == b'\r');
            at += length + 1;
            self.line_begun = false;
            if !blank {
                continue;
            }
            if !std::mem::take(&mut self.passing) {
                let hidden = self.hidden(chunk.get(event..at).unwrap_or_default());
                if hidden > 0 {
                    // What is hidden may have begun in the slices that are held.
                    let before = self.text.len();
                    push(out, chunk.slice(run..event));
                    self.hand_on_from(hidden, out);
                    run = event + hidden.saturating_sub(before);
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
            if self.text.len() <= HEAD_MAX && self.names.has_content(&self.text) != Some(true) {
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
        let hidden = self.hidden(b"");
        self.hand_on_from(hidden, out);
        self.text.clear();
    }

    /// Bytes at the beginning of the undecided event, of which this is the last part, that are hidden.
    fn hidden(&mut self, last: &[u8]) -> usize {
        if self.text.is_empty() {
            // The usual case: an event in one piece, looked at where it is.
            return self.names.hidden_of(last);
        }
        let before = self.text.len();
        self.text.extend_from_slice(last);
        let hidden = self.names.hidden_of(&self.text);
        self.text.truncate(before);
        hidden
    }

    /// Hands on what is held, less so many bytes at its beginning.
    fn hand_on_from(&mut self, mut hidden: usize, out: &mut VecDeque<Bytes>) {
        for piece in self.held.drain(..) {
            let gone = hidden.min(piece.len());
            hidden -= gone;
            push(out, piece.slice(gone..));
        }
    }
}

fn push(out: &mut VecDeque<Bytes>, piece: Bytes) {
    if !piece.is_empty() {
        out.push_back(piece);
    }
}

impl Names {
    /// Whether the head of an event shows that there is something in its first choice.
    fn has_content(&self, head: &[u8]) -> Option<bool> {
        let choices = value_of(head, &self.choices)?.strip_prefix(b"[")?;
        let delta = value_of(choices, &self.delta)?.strip_prefix(b"{")?.trim_ascii_start();
        let member = delta.strip_prefix(b"\"")?;
        let name = memchr(b'"', member)?;
        let value = member.get(name + 1..)?.trim_ascii_start().strip_prefix(b":")?.trim_ascii_start();
        Some(match value {
            [] | [b'n', ..] | [b'"'] | [b'"', b'"', ..] => false,
            [b'[' | b'{', rest @ ..] => {
                rest.trim_ascii_start().first().is_some_and(|byte| !matches!(byte, b']' | b'}'))
            }
            _ => true,
        })
    }

    /// Bytes of an event that are hidden: all of it, or what stands before a `[DONE]` without a blank line between.
    fn hidden_of(&self, event: &[u8]) -> usize {
        if self.usage.find(event).is_none()
            || self.has_content(event) == Some(true)
            || has_bare_returns(event)
        {
            return 0;
        }
        let mut data = Vec::new();
        let (mut at, mut hidden) = (0, event.len());
        for line in event.split_inclusive(|byte| *byte == b'\n') {
            let value = line.strip_prefix(b"data:").unwrap_or_default();
            if value.strip_prefix(b" ").unwrap_or(value).starts_with(DONE) {
                hidden = at;
                break;
            }
            at += line.len();
            data.extend_from_slice(value);
        }
        let alone = serde_json::from_slice::<Chunk<'_>>(&data).is_ok_and(|chunk| chunk.is_usage_alone());
        if alone { hidden } else { 0 }
    }
}

/// What follows a name and its colon.
fn value_of<'a>(text: &'a [u8], name: &Finder<'_>) -> Option<&'a [u8]> {
    let at = name.find(text)?;
    let value = text.get(at + name.needle().len()..)?.trim_ascii_start().strip_prefix(b":")?;
    Some(value.trim_ascii_start())
}

/// A chunk, as far as it decides whether there is anything but usage in it.
#[derive(Deserialize)]
struct Chunk<'a> {
    #[serde(borrow)]
    choices: Option<Vec<Choice<'a>>>,
    #[serde(borrow)]
    usage: &'a RawValue,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Choice<'a> {
    #[serde(borrow)]
    delta: Option<HashMap<&'a str, &'a RawValue>>,
    #[serde(borrow)]
    finish_reason: Option<&'a RawValue>,
}

impl Chunk<'_> {
    fn is_usage_alone(&self) -> bool {
        let choices = self.choices.as_deref().unwrap_or_default();
        self.usage.get().starts_with('{') && self.error.is_none() && choices.iter().all(Choice::is_empty)
    }
}

impl Choice<'_> {
    fn is_empty(&self) -> bool {
        let nothing = |value: &&RawValue| matches!(value.get(), "null" | "\"\"" | "[]" | "{}");
        let delta = self.delta.as_ref();
        self.finish_reason.as_ref().is_none_or(nothing)
            && delta.is_none_or(|delta| delta.values().all(nothing))
    }
}

/// Whether lines end in CR alone: behind one there may be another event, which is not looked for.
fn has_bare_returns(event: &[u8]) -> bool {
    let is_bare = |line: &[u8]| {
        let text = match line.strip_suffix(b"\n") {
            Some(text) => text.iter().rposition(|byte| *byte != b'\r').and_then(|last| text.get(..last)),
            None => Some(line),
        };
        text.is_some_and(|text| memchr(b'\r', text).is_some())
    };
    event.split_inclusive(|byte| *byte == b'\n').any(is_bare)
}

#[cfg(test)]
mod tests {
    use super::UsageChunk;
    use bytes::Bytes;
    use proptest::prelude::*;
    use std::collections::VecDeque;

    /// Events, and what passes of each.
    const EVENTS: [(&str, &str); 19] = [
        passes("data: {\"choices\":[],\"usage\":{}}\n: x\r\rdata: {\"error\":{}}\r\r\n\n"),
        passes("data: {\"id\":\"\",\"choices\":[],\"prompt_filter_results\":[]}\n\n"),
        passes("data: {\"choices\":[{\"delta\":{\"content\":\"\\\"usage\\\":{}\"}}],\"usage\":null}\n\n"),
        hidden("data: {\"choices\":[],\"usage\":{\"prompt_tokens\":1}}\n\n"),
        passes(": keepalive\r\n\r\n"),
        hidden("data: {\"usage\":{\"a\":{}}, \"choices\" : [ ] }\r\n\r\n"),
        passes("data: {\"choices\":[],\"usage\":null}\n\n"),
        hidden("data: {\"choices\":[{\"index\":0,\"delta\":{}}],\"usage\":{\"total\":1}}\n\n"),
        hidden("data: {\"choices\":null,\"usage\":{\"total\":1}}\n\n"),
        hidden("data: {\"usage\":{\"total\":1}}\n\n"),
        hidden(
            "data: {\"choices\":[{\"delta\":{\"content\":null,\"tool_calls\":[]},\"finish_reason\":null}],\"usage\":{}}\n\n",
        ),
        passes("data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}],\"usage\":{\"total\":1}}\n\n"),
        passes(
            "data: {\"choices\":[{\"delta\":{\"content\":\"\",\"role\":\"assistant\"}}],\"usage\":{\"total\":1}}\n\n",
        ),
        passes("data: {\"choices\":[{\"delta\":{}},{\"delta\":{\"content\":\"x\"}}],\"usage\":{}}\n\n"),
        passes("data: {\"choices\":[],\"usage\":{},\"error\":{\"message\":\"m\"}}\n\n"),
        passes("data: [DONE]\n\n"),
        ("data: {\"choices\":[],\"usage\":{}}\r\ndata: [DONE]\r\n\r\n", "data: [DONE]\r\n\r\n"),
        ("data:{\"choices\":[],\"usage\":{}}\ndata:[DONE]\n\n", "data:[DONE]\n\n"),
        passes("data:[DONE]\n\n"),
    ];

    const fn passes(event: &'static str) -> (&'static str, &'static str) {
        (event, event)
    }

    const fn hidden(event: &'static str) -> (&'static str, &'static str) {
        (event, "")
    }

    fn filtered(pieces: impl Iterator<Item = Bytes>) -> String {
        let (mut filter, mut out) = (UsageChunk::default(), VecDeque::new());
        pieces.for_each(|piece| filter.feed(piece, &mut out));
        filter.finish(&mut out);
        String::from_utf8(out.into_iter().flatten().collect()).unwrap()
    }

    #[test]
    fn an_event_with_content_is_handed_on_before_it_ends() {
        let (mut filter, mut out) = (UsageChunk::default(), VecDeque::new());
        filter.feed(Bytes::from_static(b"data: {\"choices\":"), &mut out);
        assert!(out.is_empty());
        filter.feed(Bytes::from_static(b"[{\"delta\":{\"content\":\""), &mut out);
        assert!(out.is_empty(), "it may be empty");
        filter.feed(Bytes::from_static(b"H"), &mut out);
        assert_eq!(out.len(), 3);
    }

    #[test]
    fn a_blank_line_is_one_however_many_returns_are_in_it_and_wherever_it_is_cut() {
        let stream = "data: {\"choices\":[],\"usage\":{}}\r\r\ndata: [DONE]\r\n\r\n";
        for at in 0..=stream.len() {
            let (one, other) = stream.as_bytes().split_at(at);
            let pieces = [one, other].map(Bytes::copy_from_slice);
            assert_eq!(filtered(pieces.into_iter()), "data: [DONE]\r\n\r\n", "cut at {at}");
        }
    }

    proptest! {
        #[test]
        fn only_usage_chunks_are_removed_whatever_the_chunks(order in prop::collection::vec(0..EVENTS.len(), 0..8), step in 1usize..40) {
            let stream: String = order.iter().map(|at| EVENTS[*at].0).collect();
            let expected: String = order.iter().map(|at| EVENTS[*at].1).collect();
            let pieces = stream.as_bytes().chunks(step).map(Bytes::copy_from_slice);
            prop_assert_eq!(filtered(pieces), expected);
        }
    }
}
