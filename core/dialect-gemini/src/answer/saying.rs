//! What a client is told, part by part.

use std::collections::VecDeque;

use sluice_api::cost::Usage;
use sluice_api::dialect::Api;
use sluice_neutral::answer::{Block, Called, Citation, Reason, Said, owned};
use sluice_neutral::dialect::Reply;
use sluice_neutral::seal::Seal;

use crate::answer::{cited, usage};
use crate::finish;
use crate::pen::{Pen, is_object};
use crate::request::read::Kept;

/// What was said by now, as far as what comes depends on it.
#[derive(Debug)]
pub(crate) struct Saying {
    /// Whether the client wants to see thoughts.
    thoughts: bool,
    /// What the model remembers. It goes with the next call, or else with the end: clients keep those, and drop thoughts.
    memory: VecDeque<String>,
    cited: Vec<Citation<'static>>,
    /// The model called a tool with what is no object.
    is_malformed: bool,
    /// Whether any part was written.
    any: bool,
}

impl Saying {
    /// Nothing was said yet.
    pub(crate) fn new(reply: &Reply) -> Self {
        let thoughts = reply.own::<Kept>().is_none_or(|kept| kept.thoughts);
        Self { thoughts, memory: VecDeque::new(), cited: Vec::new(), is_malformed: false, any: false }
    }

    /// A whole block.
    pub(crate) fn said(&mut self, said: &Said<'_>, pen: &mut Pen<'_>) {
        self.cited.extend(said.citations.iter().cloned().map(lasting));
        match (&said.seal, &said.block) {
            (Some(seal), Block::Redacted) if is_hidden(seal) => self.hidden(seal, pen),
            (None, _) | (_, Block::Call(_)) => {}
            (Some(seal), _) => self.remember(seal),
        }
        match &said.block {
            Block::Text | Block::Refusal if said.text.is_empty() => {}
            Block::Text | Block::Refusal => self.text(&said.text, pen),
            Block::Thinking => self.thought(&said.text, pen),
            Block::Redacted => {}
            Block::Call(called) => {
                if let Some(seal) = &said.seal {
                    self.memory.push_front(seal.written(Api::Gemini).into_owned());
                }
                if self.takes(called, &said.text) {
                    self.call(called, &said.text, pen);
                }
            }
            Block::Image { media_type } => self.image(media_type, &said.text, pen),
        }
    }

    /// What the model remembers of what it thought.
    pub(crate) fn remember(&mut self, seal: &Seal<'_>) {
        self.memory.push_back(seal.written(Api::Gemini).into_owned());
    }

    /// What Anthropic's model thought and does not show: a thought of no text, by which it is known when it comes back. It is
    /// no signature of anything else.
    pub(crate) fn hidden(&mut self, seal: &Seal<'_>, pen: &mut Pen<'_>) {
        self.any = true;
        pen.open(b'{').field("text", "").member("thought", "true");
        pen.field("thoughtSignature", &seal.written(Api::Gemini)).close(b'}');
    }

    /// What it wants back with the call that comes next.
    pub(crate) fn remember_first(&mut self, seal: String) {
        self.memory.push_front(seal);
    }

    /// Where a text comes from.
    pub(crate) fn cite(&mut self, citation: Citation<'_>) {
        self.cited.push(lasting(citation));
    }

    /// Whether the client wants to see thoughts.
    pub(crate) const fn shows_thoughts(&self) -> bool {
        self.thoughts
    }

    /// A part of text.
    pub(crate) fn text(&mut self, text: &str, pen: &mut Pen<'_>) {
        self.any = true;
        pen.open(b'{').field("text", text).close(b'}');
    }

    /// A part of what is thought.
    pub(crate) fn thought(&mut self, text: &str, pen: &mut Pen<'_>) {
        if self.thoughts && !text.is_empty() {
            self.any = true;
            pen.open(b'{').field("text", text).member("thought", "true").close(b'}');
        }
    }

    /// Whether a call can be told. One that was cut off, or whose arguments are no object, nobody must run.
    pub(crate) fn takes(&mut self, called: &Called<'_>, args: &str) -> bool {
        let takes = called.plain || args.trim().is_empty() || is_object(args);
        self.is_malformed |= !takes;
        takes
    }

    /// A whole call.
    pub(crate) fn call(&mut self, called: &Called<'_>, args: &str, pen: &mut Pen<'_>) {
        self.any = true;
        pen.open(b'{').key("functionCall").open(b'{').field("name", &called.name);
        if called.plain {
            pen.key("args").open(b'{').field("input", args).close(b'}');
        } else {
            pen.member("args", if args.trim().is_empty() { "{}" } else { args });
        }
        pen.field("id", &called.id).close(b'}');
        if let Some(seal) = self.memory.pop_front() {
            pen.field("thoughtSignature", &seal);
        }
        pen.close(b'}');
    }

    /// An image.
    pub(crate) fn image(&mut self, media_type: &str, data: &str, pen: &mut Pen<'_>) {
        self.any = true;
        pen.open(b'{').key("inlineData").open(b'{').field("mimeType", media_type).field("data", data);
        pen.close(b'}').close(b'}');
    }

    /// The last parts: what the model remembers, and nothing at all where nothing was said, as clients want a part.
    pub(crate) fn last(&mut self, pen: &mut Pen<'_>) {
        for seal in self.memory.drain(..) {
            self.any = true;
            pen.open(b'{').field("text", "").field("thoughtSignature", &seal).close(b'}');
        }
        if !self.any {
            self.text("", pen);
        }
    }

    /// The next parts are those of another chunk.
    pub(crate) const fn next(&mut self) {
        self.any = false;
    }

    /// The end of the candidate.
    pub(crate) fn ended(&self, reason: Reason, pen: &mut Pen<'_>) {
        let reason = match finish::written(reason) {
            "STOP" if self.is_malformed => "MALFORMED_FUNCTION_CALL",
            reason => reason,
        };
        pen.field("finishReason", reason).member("index", "0");
        cited::write(&self.cited, pen);
    }
}

/// Whether what was not shown of thoughts must be told apart from a signature.
pub(crate) fn is_hidden(seal: &Seal<'_>) -> bool {
    seal.origin == Api::Anthropic
}

fn lasting(citation: Citation<'_>) -> Citation<'static> {
    Citation { url: owned(citation.url), title: citation.title.map(owned), span: citation.span }
}

/// What stands beside the candidates.
pub(crate) fn about(reply: &Reply, used: Option<&Usage>, pen: &mut Pen<'_>) {
    if let Some(used) = used {
        pen.key("usageMetadata");
        usage::write(used, pen);
    }
    pen.field("modelVersion", &reply.model);
    pen.field("createTime", &moment(reply.created)).field("responseId", &reply.id);
}

/// A moment as Google tells it, from seconds of Unix time.
fn moment(seconds: i64) -> String {
    let (days, of_day) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // Years begin in March here, so that the odd day is a year's last; an era has 400 years.
    let shifted = days + 719_468;
    let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (hour, minute, second) = (of_day / 3_600, of_day / 60 % 60, of_day % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::moment;

    #[test]
    fn moments_are_told_as_google_tells_them() {
        for (seconds, told) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_767_225_599, "2025-12-31T23:59:59Z"),
            (-1, "1969-12-31T23:59:59Z"),
        ] {
            assert_eq!(moment(seconds), told);
        }
    }
}
