//! What requests and answers are written with.

/// Text of requests and answers; its escapes are what a scanner of JSON has to get past.
const TEXT: &str =
    "The gateway reads \\\"model\\\" and relays the rest as it came.\\nA line follows, then the next one. ";

/// Words of a stream, one to an event.
pub(super) const WORDS: [&str; 8] =
    ["The", " gateway", " relays", " each", " event", " as it", " came", ".\\n\\n"];

/// An event of server-sent events.
pub(super) fn event(name: &str, data: &str) -> String {
    format!("event: {name}\ndata: {data}\n\n")
}

/// Text between two ends, so that all is this long.
pub(super) fn padded(before: &str, after: &str, size: usize) -> String {
    let room = size.saturating_sub(before.len() + after.len());
    let text = TEXT.repeat(room / TEXT.len()) + &".".repeat(room % TEXT.len());
    format!("{before}{text}{after}")
}
