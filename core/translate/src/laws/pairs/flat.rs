//! What a request says, line by line, as far as two dialects have words for it: what is declared to be lost or to be said in
//! another way between them is left out here, or put in one way.

use serde_json::Value;
use sluice_api::dialect::Api;
use sluice_neutral::effort::Effort;
use sluice_neutral::request::{
    Choice, Content, Format, Input, Media, Outcome, Part, Request, Role, Source, Takes, Turn,
};

/// Which dialect a request is in, and into which it goes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Way {
    pub(super) from: Api,
    pub(super) into: Api,
}

impl Way {
    fn has(self, api: Api) -> bool {
        self.from == api || self.into == api
    }
}

/// The most output tokens of the models here: who must say how many says these, and they are no wish.
const MOST: u64 = 64_000;

/// What a request says.
pub(super) fn flat(request: &Request<'_>, way: Way) -> Vec<String> {
    let system: Vec<String> = request.system.iter().map(|part| plain(part).unwrap_or_default()).collect();
    // Responses has one text for all of it.
    let mut lines = vec![format!("system {}", system.join("\n\n"))];
    for turn in &request.turns {
        turns(turn, way, &mut lines);
    }
    for tool in &request.tools {
        let Takes::Schema(Some(schema)) = &tool.takes else { continue };
        let strict = tool.strict.filter(|strict| *strict);
        lines.push(format!("tool {} {:?} {schema} {strict:?}", tool.name, tool.description));
    }
    let choice = request.choice.as_ref().map(|told| &told.value).filter(|choice| **choice != Choice::Auto);
    lines.push(format!("choice {choice:?}"));
    // Anthropic says it in the choice, which may be that none is called.
    if !way.has(Api::Anthropic) || choice != Some(&Choice::Never) {
        lines.push(format!("parallel {:?}", request.parallel.as_ref().map(|told| told.value)));
    }
    lines.push(format!("format {:?}", request.format.as_ref().and_then(|told| form(&told.value))));
    let length = request.length.as_ref().map(|told| told.value.tokens);
    lines.push(format!("length {:?}", length.filter(|tokens| *tokens != MOST)));
    let effort = request.reasoning.effort.map(|told| told.value);
    let effort = effort.or(request.reasoning.budget.map(|told| Effort::of_budget(told.value)));
    // Gemini's models can't be kept from it.
    let effort = effort.map(|effort| if way.has(Api::Gemini) { effort.max(Effort::Minimal) } else { effort });
    // Claude can't be made to call a tool while it thinks, and begins to think only where no call is under way.
    let forced = matches!(choice, Some(Choice::Any | Choice::One(_)));
    if !way.has(Api::Anthropic) || !forced && !request.turns.iter().any(calls) {
        lines.push(format!("effort {effort:?}"));
    }
    let sampling = &request.sampling;
    for (name, number) in [("temperature", &sampling.temperature), ("top_p", &sampling.top_p)] {
        lines.push(format!("{name} {:?}", number.as_ref().map(|told| told.value.get())));
    }
    // Responses is not asked for them: they are looked for in its answer.
    for stop in request.stop.iter().filter(|_| !way.has(Api::OpenaiResponses)) {
        lines.push(format!("stop {:?}", stop.value));
    }
    // Toward Anthropic it is hidden behind a number.
    let user = request.user.as_ref().map(|told| if way.has(Api::Anthropic) { "told" } else { &*told.value });
    lines.push(format!("user {user:?}"));
    lines
}

fn calls(turn: &Turn<'_>) -> bool {
    turn.parts.iter().any(|part| matches!(part.content, Content::Call(_)))
}

fn form(format: &Format<'_>) -> Option<Value> {
    match format {
        Format::Object => Some(Value::Null),
        Format::Schema { schema, .. } => serde_json::from_str(schema).ok(),
    }
}

fn turns(turn: &Turn<'_>, way: Way, lines: &mut Vec<String>) {
    let role = match turn.role {
        Role::System => "system",
        Role::User => "user",
        Role::Assistant => "model",
    };
    let mut behind = Vec::new();
    for part in &turn.parts {
        match &part.content {
            Content::Outcome(outcome) => lines.push(said(outcome, way, &mut behind)),
            Content::Thinking(thought) => {
                // What others made is nothing to them.
                let seal = thought
                    .seal
                    .as_ref()
                    .filter(|seal| seal.origin == way.into && way.into != Api::OpenaiChat);
                if let Some(seal) = seal {
                    lines.push(format!("thought {:?} {}", thought.text, seal.payload));
                }
            }
            Content::Call(call) => {
                let (Input::Json(input) | Input::Plain(input)) = &call.input;
                lines.push(format!("call {} {} {input}", call.id, call.name));
            }
            _ => {
                let text = shown(part, way);
                // Where a dialect has no system in mid-conversation, the user says what it is.
                let inner = text.strip_prefix("<system>").and_then(|text| text.strip_suffix("</system>"));
                match inner {
                    Some(inner) => behind.push(format!("system {}", inner.trim_matches('\n'))),
                    None => behind.push(format!("{role} {text}")),
                }
            }
        }
    }
    lines.append(&mut behind);
}

/// What a tool said; images stand behind all results where a dialect has no place for them in one.
fn said(outcome: &Outcome<'_>, way: Way, behind: &mut Vec<String>) -> String {
    let mut texts: Vec<String> = Vec::new();
    for part in &outcome.parts {
        match plain(part) {
            Some(text) if text == "[attached below]" => {}
            Some(text) => texts.push(text),
            None => behind.push(format!("user {}", shown(part, way))),
        }
    }
    let mut text =
        texts.join("\n").trim_end_matches("\n[attached below]").replacen("Error: \n", "Error: ", 1);
    let mut failed = outcome.failed;
    // OpenAI's results have no place for that, so it is said in words.
    let has_place = !way.has(Api::OpenaiResponses) && !way.has(Api::OpenaiChat);
    if !has_place && std::mem::take(&mut failed) && !text.starts_with("Error: ") {
        text.insert_str(0, "Error: ");
    }
    format!("result {} {failed} {text}", outcome.id)
}

fn plain(part: &Part<'_>) -> Option<String> {
    match &part.content {
        Content::Text(text) => Some(text.to_string()),
        _ => None,
    }
}

fn shown(part: &Part<'_>, way: Way) -> String {
    match &part.content {
        Content::Text(text) => text.to_string(),
        Content::Image(one) => format!("image {}", media(one)),
        Content::Document(one) => {
            // Gemini has no names for them, and OpenAI needs one.
            let name = if way.has(Api::Gemini) { None } else { one.name.as_deref() };
            format!("document {} {}", media(one), name.unwrap_or("document.pdf"))
        }
        other => format!("{other:?}"),
    }
}

fn media(media: &Media<'_>) -> String {
    match &media.source {
        Source::Inline(data) => format!("{} {data}", media.media_type),
        Source::Url(url) => format!("at {url}"),
        Source::Plain(text) => format!("plain {text:?}"),
    }
}
