//! Streams: what is seen of one is the same however it is cut, and one that breaks off is ended so that it shows.

use std::collections::VecDeque;

use bytes::Bytes;
use serde_json::Value;
use sluice_api::dialect::{Api, Form, Operation};
use sluice_api::error::{Error, Kind};

use super::{cuts, made};
use crate::answer::hide::UsageChunk;
use crate::answer::meter::{End, Meter};
use crate::refusal::tail::{Broken, Tail, tail};
use crate::sse::Scanner;

/// What watches an answer, in each form in which one comes.
const METERS: [fn(Api) -> Meter; 4] = [
    |api| Meter::new(api, Operation::Generate, Form::Sse),
    |api| Meter::new(api, Operation::Generate, Form::Whole),
    |api| Meter::new(api, Operation::Generate, Form::JsonArray),
    |api| Meter::stand_in(api, Operation::Generate),
];

/// Events are what the standard says they are, however a stream is cut.
pub fn events(bytes: &[u8]) {
    let (lengths, rest) = cuts::split(bytes);
    for stream in [rest, &made::stream(rest)] {
        let expected = of_the_standard(stream);
        assert_eq!(found(&[stream]), expected);
        assert_eq!(found(&cuts::pieces(stream, lengths)), expected);
    }
}

type Found = Vec<(Vec<u8>, Vec<u8>)>;

fn found(pieces: &[&[u8]]) -> Found {
    let (mut scanner, mut found) = (Scanner::default(), Vec::new());
    let mut take = |event: crate::sse::Event<'_>| found.push((event.name.to_vec(), event.data.to_vec()));
    pieces.iter().for_each(|piece| scanner.feed(piece, &mut take));
    scanner.finish(&mut take);
    found
}

/// The names and data of a whole stream's events, as the WHATWG tells to find them; but for the last event, which
/// needs no blank line.
fn of_the_standard(stream: &[u8]) -> Found {
    let stream = stream.strip_prefix("\u{feff}".as_bytes()).unwrap_or(stream);
    let (mut found, mut name, mut data) = (Vec::new(), Vec::new(), None::<Vec<u8>>);
    let mut rest = stream;
    loop {
        let end = rest.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
        let (line, more) = rest.split_at(end.unwrap_or(rest.len()));
        let (field, value) = match line.iter().position(|byte| *byte == b':') {
            Some(colon) => line.split_at(colon),
            None => (line, &b""[..]),
        };
        let value = value.strip_prefix(b":").unwrap_or(value);
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match field {
            b"data" => {
                data = Some(data.map_or_else(|| value.to_vec(), |data| [&*data, b"\n", value].concat()))
            }
            b"event" => name = value.to_vec(),
            _ => {}
        }
        if line.is_empty() || more.is_empty() {
            let name = std::mem::take(&mut name);
            found.extend(data.take().map(|data| (name, data)));
        }
        match more {
            [b'\r', b'\n', more @ ..] | [_, more @ ..] => rest = more,
            [] => return found,
        }
    }
}

/// All that is seen of an answer is the same however it is cut, in an API and a form that the first byte chooses.
pub fn metered(bytes: &[u8]) {
    let (first, rest) = bytes.split_first().unwrap_or((&0, &[]));
    let (lengths, rest) = cuts::split(rest);
    let mut kinds = Api::ALL.into_iter().flat_map(|api| METERS.map(|meter| (api, meter)));
    let Some((api, meter)) = kinds.nth(usize::from(*first) % (Api::ALL.len() * METERS.len())) else { return };
    for stream in [rest, &made::stream(rest)] {
        for end in [End::Clean, End::Cut] {
            let whole = seen(meter(api), &[stream], end);
            assert_eq!(seen(meter(api), &cuts::pieces(stream, lengths), end), whole, "{api} {end:?}");
        }
    }
}

fn seen(mut meter: Meter, pieces: &[&[u8]], end: End) -> String {
    pieces.iter().for_each(|piece| meter.feed(piece));
    meter.finish(end);
    format!("{:?}", meter.seen())
}

/// A stream that breaks off anywhere before its end is ended so that its own dialect sees an error, in an API that the
/// first byte chooses.
pub fn ended(bytes: &[u8]) {
    let error = Error::new(Kind::Upstream, "it broke");
    let (first, rest) = bytes.split_first().unwrap_or((&0, &[]));
    let Some(api) = Api::ALL.get(usize::from(*first) % Api::ALL.len()).copied() else { return };
    let array = (api == Api::Gemini).then_some(Form::JsonArray);
    for stream in [rest, &made::stream(rest)] {
        for form in array.into_iter().chain([Form::Sse]) {
            let mut meter = Meter::new(api, Operation::Generate, form);
            meter.feed(stream);
            let is_over = meter.seen().ended || meter.seen().error.is_some();
            meter.finish(End::Cut);
            let broken = Broken { api, form, seen: meter.seen(), request_id: "req_1" };
            let (Tail::Ends(end) | Tail::Breaks(end)) = tail(&broken, &error);
            if is_over || end.is_empty() {
                continue;
            }
            let mut meter = Meter::new(api, Operation::Generate, form);
            meter.feed(stream);
            meter.feed(&end);
            assert!(meter.seen().error.is_some(), "{api} {form:?} {end:?}");
        }
    }
}

/// The filter of usage chunks is the same however a stream is cut, each event by itself, and what it removes is a
/// usage without an answer.
pub fn hidden(bytes: &[u8]) {
    let (lengths, rest) = cuts::split(bytes);
    for stream in [rest, &made::stream(rest)] {
        let whole = passed(&[stream]);
        assert_eq!(passed(&cuts::pieces(stream, lengths)), whole);
        let events = apart(stream);
        let each: Vec<Vec<u8>> = events.iter().map(|event| passed(&[event])).collect();
        assert_eq!(each.concat(), whole);
        for (event, passed) in events.iter().zip(each) {
            let gone = event.strip_suffix(&*passed);
            assert!(gone.is_some(), "what passes is the end of its event");
            if let Some(gone) = gone.filter(|gone| !gone.is_empty()) {
                assert!(passed.is_empty() || passed.starts_with(b"data:"));
                is_usage_alone(gone);
            }
        }
    }
}

fn passed(pieces: &[&[u8]]) -> Vec<u8> {
    let (mut filter, mut out) = (UsageChunk::default(), VecDeque::new());
    pieces.iter().for_each(|piece| filter.feed(Bytes::copy_from_slice(piece), &mut out));
    filter.finish(&mut out);
    out.into_iter().flatten().collect()
}

/// The events of a stream whose lines end in LF or CRLF, each with its blank line.
fn apart(stream: &[u8]) -> Vec<Vec<u8>> {
    let mut events = vec![Vec::new()];
    for line in stream.split_inclusive(|byte| *byte == b'\n') {
        if let Some(event) = events.last_mut() {
            event.extend_from_slice(line);
        }
        if line.ends_with(b"\n") && line.iter().all(|byte| matches!(byte, b'\r' | b'\n')) {
            events.push(Vec::new());
        }
    }
    events
}

fn is_usage_alone(gone: &[u8]) {
    let mut scanner = Scanner::default();
    let mut data = Vec::new();
    let mut take = |event: crate::sse::Event<'_>| data = event.data.to_vec();
    scanner.feed(gone, &mut take);
    scanner.finish(&mut take);
    let Ok(chunk) = serde_json::from_slice::<Value>(&data) else { return };
    assert!(chunk.get("usage").is_some_and(Value::is_object), "{chunk}");
    let choices = chunk.get("choices").and_then(Value::as_array).into_iter().flatten();
    let mut content = choices.filter_map(|choice| choice.pointer("/delta/content")?.as_str());
    assert!(content.all(str::is_empty), "{chunk}");
}
