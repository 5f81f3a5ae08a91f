//! How much room a request takes once it is written: a body that has to grow is copied, and is there twice then.

use crate::request::{Content, Input, Media, Part, Request, Source, Takes, Tool};

/// What stands around everything.
const FRAME: usize = 4_096;

/// What stands around a part or a tool.
const AROUND: usize = 128;

/// Bytes that a request takes as JSON, at least as many as most dialects need.
#[must_use]
pub fn of(request: &Request<'_>) -> usize {
    let turns = request.turns.iter().flat_map(|turn| &turn.parts);
    let parts: usize = request.system.iter().chain(turns).map(part).sum();
    FRAME + parts + request.tools.iter().map(tool).sum::<usize>()
}

fn part(part: &Part<'_>) -> usize {
    let media = |media: &Media<'_>| match &media.source {
        Source::Inline(data) | Source::Url(data) => data.len(),
        Source::Plain(text) => escaped(text),
    };
    AROUND
        + match &part.content {
            Content::Text(text) | Content::Refusal(text) => escaped(text),
            Content::Image(one) | Content::Document(one) | Content::Audio(one) => media(one),
            Content::Thinking(thinking) => {
                escaped(&thinking.text) + thinking.seal.as_ref().map_or(0, |seal| seal.payload.len())
            }
            Content::Call(call) => {
                let (Input::Json(text) | Input::Plain(text)) = &call.input;
                escaped(text)
            }
            Content::Outcome(outcome) => outcome.parts.iter().map(self::part).sum(),
        }
}

fn tool(tool: &Tool<'_>) -> usize {
    let takes = match &tool.takes {
        Takes::Schema(schema) => schema.as_ref().map_or(0, |schema| schema.len()),
        Takes::Plain(grammar) => grammar.as_ref().map_or(0, |grammar| escaped(&grammar.definition)),
    };
    AROUND + takes + tool.description.as_ref().map_or(0, |text| escaped(text))
}

/// The length of a text between quotes: what is escaped has two bytes, seldom more.
fn escaped(text: &str) -> usize {
    let is_escaped = |byte: &u8| *byte < b' ' || *byte == b'"' || *byte == b'\\';
    text.len() + text.as_bytes().iter().filter(|byte| is_escaped(byte)).count()
}

#[cfg(test)]
mod tests {
    use super::{AROUND, FRAME, of};
    use crate::at::At;
    use crate::request::{Part, Request};

    #[test]
    fn a_text_takes_what_it_is_written_as() {
        let mut request = Request::default();
        assert_eq!(of(&request), FRAME);
        request.system = vec![Part::text("é\n\"\\", At::ROOT)];
        let written = serde_json::to_string("é\n\"\\").unwrap();
        assert_eq!(of(&request), FRAME + AROUND + written.len() - 2);
    }
}
