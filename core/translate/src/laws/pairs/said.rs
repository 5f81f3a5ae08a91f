//! Requests that bytes choose: conversations with tools, images, thoughts and all that is asked for beside them.

use sluice_api::dialect::Api;
use sluice_neutral::at::At;
use sluice_neutral::effort::Effort;
use sluice_neutral::request::{
    Call, Choice, Content, Format, Input, Length, Media, Outcome, Part, Reasoning, Request, Role, Sampling,
    Source, Takes, Text, Thinking, Told, Tool, Turn,
};
use sluice_neutral::seal::Seal;

use crate::laws::made::Choices;

/// Texts that have to be escaped, or to be kept as they are.
pub(super) const TEXTS: [&str; 6] =
    ["a", "é\n\"q\\", "data: x\n\nevent: y", "\u{1f600}\u{2028}", "<b>&amp;", "tab\tand \u{7f}"];

/// Arguments whose digits no number in memory keeps.
pub(super) const ARGUMENTS: [&str; 6] = [
    "{}",
    r#"{"n":1.50}"#,
    r#"{"big":12345678901234567890123,"e":1.0e+2}"#,
    r#"{"s":"a\"}\\ \u00e9é","in":[null,{"x":[]}]}"#,
    r#"{"s":"{[","t":""}"#,
    r#"{"a":{"b":{"c":-0.0}},"z":true}"#,
];

const TOOLS: [&str; 3] = ["look", "find_it", "a-b"];

const SCHEMAS: [&str; 3] = [
    r#"{"type":"object","properties":{"s":{"type":"string","description":"é"}},"required":["s"],"additionalProperties":false}"#,
    r#"{"type":"object","properties":{"n":{"type":"number"},"l":{"type":"array","items":{"type":"integer"}}},"required":["n","l"],"additionalProperties":false}"#,
    r#"{"type":"object","properties":{"e":{"type":"string","enum":["a","b"]}},"required":["e"],"additionalProperties":false}"#,
];

fn told<T>(value: T) -> Option<Told<T>> {
    Some(Told::new(value, At::ROOT))
}

fn part(content: Content<'static>) -> Part<'static> {
    Part::new(content, At::ROOT)
}

fn text(choices: &mut Choices<'_>) -> Text<'static> {
    choices.of(&TEXTS).into()
}

/// What a request is to be.
#[derive(Clone, Copy)]
pub(super) struct Wish {
    /// Its model thinks, or is sampled as it is told.
    pub(super) thinks: bool,
    /// What was thought is of this dialect.
    pub(super) thinker: Api,
    /// Images may be anywhere on the web.
    pub(super) urls: bool,
}

fn image(wish: Wish, choices: &mut Choices<'_>) -> Content<'static> {
    let (source, media_type) = match choices.below(3) {
        2 if wish.urls => (Source::Url("https://h.example/i.png?a=1&b=2".into()), ""),
        _ => (
            Source::Inline(choices.of(&["QUJD", "AAECAw=="]).into()),
            choices.of(&["image/png", "image/webp"]),
        ),
    };
    Content::Image(Media { source, media_type: media_type.into(), name: None, detail: None, context: None })
}

fn document() -> Content<'static> {
    let source = Source::Inline("JVBERi0xLjQ=".into());
    let (media_type, name) = ("application/pdf".into(), Some("a.pdf".into()));
    Content::Document(Media { source, media_type, name, detail: None, context: None })
}

/// What a user says beside results.
fn words(wish: Wish, choices: &mut Choices<'_>) -> Content<'static> {
    match choices.below(8) {
        0..5 => Content::Text(text(choices)),
        5 | 6 => image(wish, choices),
        _ => document(),
    }
}

fn turn(role: Role, parts: Vec<Part<'static>>) -> Turn<'static> {
    Turn { role, name: None, parts, at: At::ROOT }
}

/// What the model said, and what its tools said then.
fn round(number: usize, wish: Wish, choices: &mut Choices<'_>) -> (Turn<'static>, Vec<Part<'static>>) {
    let (mut said, mut heard) = (Vec::new(), Vec::new());
    if choices.below(3) == 0 {
        let seal = Some(Seal { origin: wish.thinker, account: None, payload: "c2lnbmVk".into() });
        said.push(part(Content::Thinking(Thinking { text: text(choices), seal, redacted: false })));
    }
    let calls = choices.below(4);
    if calls == 0 || choices.below(2) == 0 {
        said.push(part(Content::Text(text(choices))));
    }
    for index in 0..calls {
        let (id, name): (Text<'_>, Text<'_>) =
            (format!("call_{number}_{index}").into(), choices.of(&TOOLS).into());
        let input = Input::Json(choices.of(&ARGUMENTS).into());
        said.push(part(Content::Call(Call { id: id.clone(), name: name.clone(), input, seal: None })));
        let mut parts = vec![part(Content::Text(text(choices)))];
        if choices.below(4) == 3 {
            parts.push(part(image(wish, choices)));
        }
        let failed = choices.below(4) == 3;
        heard.push(part(Content::Outcome(Outcome { id, name, parts, failed })));
    }
    (turn(Role::Assistant, said), heard)
}

/// A conversation, whose last word is the user's.
fn turns(wish: Wish, choices: &mut Choices<'_>) -> Vec<Turn<'static>> {
    let mut turns = Vec::new();
    let mut heard = vec![part(words(wish, choices))];
    for number in 0..choices.below(4) {
        if choices.below(3) == 2 {
            heard.push(part(words(wish, choices)));
        }
        turns.push(turn(Role::User, std::mem::take(&mut heard)));
        if choices.below(6) == 5 {
            turns.push(turn(Role::System, vec![part(Content::Text(text(choices)))]));
        }
        let (said, results) = round(number, wish, choices);
        turns.push(said);
        heard = results;
        if heard.is_empty() {
            heard.push(part(Content::Text(text(choices))));
        }
    }
    turns.push(turn(Role::User, heard));
    turns
}

fn tools(choices: &mut Choices<'_>) -> Vec<Tool<'static>> {
    let mut tool = |name: &'static str| Tool {
        name: name.into(),
        description: (choices.below(2) == 0).then(|| text(choices)),
        takes: Takes::Schema(Some(choices.of(&SCHEMAS).into())),
        strict: None,
        deferred: false,
        says: None,
        cache: None,
        at: At::ROOT,
    };
    TOOLS.into_iter().map(&mut tool).collect()
}

fn raw(json: &'static str) -> Option<Told<&'static serde_json::value::RawValue>> {
    serde_json::from_str(json).ok().and_then(told)
}

fn sampling(choices: &mut Choices<'_>) -> Sampling<'static> {
    let mut sampling = Sampling::default();
    match choices.below(4) {
        0 => sampling.temperature = raw("0.70"),
        1 => sampling.top_p = raw("0.250"),
        _ => {}
    }
    sampling
}

/// A request.
pub(super) fn request(wish: Wish, choices: &mut Choices<'_>) -> Request<'static> {
    let mut request = Request { turns: turns(wish, choices), ..Request::default() };
    request.system = (0..choices.below(3)).map(|_| part(Content::Text(text(choices)))).collect();
    request.tools = tools(choices);
    request.choice = match choices.below(7) {
        0 => told(Choice::Auto),
        1 => told(Choice::Any),
        2 => told(Choice::Never),
        3 => told(Choice::One("look".into())),
        _ => None,
    };
    if choices.below(4) == 0 {
        request.parallel = told(false);
    }
    // The other models of Gemini have none beside tools.
    if wish.thinks && choices.below(2) == 0 {
        let (name, strict) = (Some("answer".into()), Some(true));
        let schema = choices.of(&SCHEMAS).into();
        request.format = told(Format::Schema { name, description: None, schema, strict });
    }
    request.length =
        (choices.below(2) == 0).then(|| Told::new(Length { tokens: 9_000, with_thinking: true }, At::ROOT));
    if !wish.thinks {
        request.sampling = sampling(choices);
    } else if choices.below(2) == 0 {
        request.reasoning = Reasoning { effort: told(Effort::Low), ..Reasoning::default() };
    }
    // Models that think stop nowhere else.
    let stops = if wish.thinks { 0 } else { choices.below(3) };
    request.stop = (0..stops).filter_map(|_| told(text(choices))).collect();
    request.user = (choices.below(3) == 0).then(|| Told::new("someone".into(), At::ROOT));
    request
}
