//! The pieces of what an upstream's model says, whole or in a stream, in whichever of the forms that servers have for them.

use std::borrow::Cow;

use sluice_api::dialect::Api;
use sluice_api::error::{Error, Kind};
use sluice_neutral::answer::{Block, Citation, Reason};
use sluice_neutral::at::At;
use sluice_neutral::json::{self, Members, Raw};
use sluice_neutral::request::Text;
use sluice_neutral::seal::{self, Seal};

/// What is no answer of this dialect's.
pub(crate) fn unreadable(what: &str) -> Error {
    Error::new(Kind::Upstream, format!("the upstream's answer can't be read: {what}"))
}

/// A member that is an object.
pub(crate) fn object<'a>(members: &Members<'a>, name: &str) -> Option<Members<'a>> {
    Members::of(members.get(name)?, At::ROOT).ok()
}

/// A member that is an array of objects; or one object, as some write where there is one.
pub(crate) fn objects<'a>(members: &Members<'a>, name: &str) -> Vec<Members<'a>> {
    let Some(value) = members.get(name) else { return Vec::new() };
    if let Ok(all) = serde_json::from_str(value.get()) {
        return all;
    }
    let items = json::items(value, At::ROOT).unwrap_or_else(|_| vec![value]);
    items.into_iter().filter_map(|item| Members::of(item, At::ROOT).ok()).collect()
}

/// A member that is a text with a letter in it.
pub(crate) fn text<'a>(members: &Members<'a>, name: &str) -> Option<Text<'a>> {
    let value = members.get(name)?;
    json::text(value, At::ROOT).ok().filter(|text| !text.is_empty())
}

/// A member that is a number, or one in quotes.
fn number(members: &Members<'_>, name: &str) -> Option<u64> {
    members.get(name)?.get().trim_matches('"').parse().ok()
}

/// The one choice that counts: the first. There are no others, since none were asked for.
pub(crate) fn choice<'a>(top: &Members<'a>) -> Option<Members<'a>> {
    let all = objects(top, "choices");
    let first = all.iter().position(|choice| number(choice, "index").unwrap_or_default() == 0);
    all.into_iter().nth(first?)
}

/// Whether it is an error, and no answer.
pub(crate) fn is_error(top: &Members<'_>) -> bool {
    let says = |name: &str| top.get(name).map(|value| value.get());
    match says("error") {
        Some(r#""""# | "{}" | "false") | None => {}
        Some(_) => return true,
    }
    let is_called = |name: &str| matches!(says(name), Some(r#""error""#));
    says("choices").is_none() && (is_called("object") || is_called("type") || says("detail").is_some())
}

/// Why an answer ended; nothing where no reason is told. What no one else calls so is an end like any other.
pub(crate) fn reason(choice: &Members<'_>) -> Option<Reason> {
    let told = text(choice, "finish_reason")?;
    Some(match &*told {
        "length" | "max_tokens" | "model_length" => Reason::Length,
        "tool_calls" | "function_call" | "tool_use" => Reason::Calls,
        "content_filter" | "refusal" => Reason::Refused,
        _ => Reason::Done,
    })
}

/// Whether it ended because something failed.
pub(crate) fn has_failed(choice: &Members<'_>) -> bool {
    text(choice, "finish_reason").is_some_and(|told| told == "error")
}

/// Texts of a message in their order: thoughts, then what is said, then a refusal.
pub(crate) fn texts<'a>(message: &Members<'a>, each: &mut dyn FnMut(Block<'static>, Text<'a>)) {
    if let Some(thought) = text(message, "reasoning_content").or_else(|| text(message, "reasoning")) {
        each(Block::Thinking, thought);
    }
    if let Some(said) = text(message, "content") {
        each(Block::Text, said);
    } else {
        objects(message, "content").iter().for_each(|part| piece(part, each));
    }
    if let Some(refusal) = text(message, "refusal") {
        each(Block::Refusal, refusal);
    }
}

fn piece<'a>(part: &Members<'a>, each: &mut dyn FnMut(Block<'static>, Text<'a>)) {
    if let Some(said) = text(part, "text") {
        each(Block::Text, said);
    }
    // As Mistral's models think: in a piece of its own, of pieces of text.
    if let Some(thought) = text(part, "thinking") {
        each(Block::Thinking, thought);
    } else {
        let thoughts = objects(part, "thinking");
        thoughts.iter().filter_map(|part| text(part, "text")).for_each(|text| each(Block::Thinking, text));
    }
    if let Some(refusal) = text(part, "refusal") {
        each(Block::Refusal, refusal);
    }
}

/// A call, or a fragment of one.
#[derive(Debug)]
pub(crate) struct Fragment<'a> {
    /// Which of an answer's calls; nothing where it is not told.
    pub(crate) index: Option<u64>,
    pub(crate) id: Option<Text<'a>>,
    pub(crate) name: Option<Text<'a>>,
    pub(crate) arguments: Option<Text<'a>>,
    /// Called with text of no form.
    pub(crate) plain: bool,
    pub(crate) seal: Option<Seal<'a>>,
}

/// The calls in a message; one in the old form is the last.
pub(crate) fn fragments<'a>(message: &Members<'a>) -> Vec<Fragment<'a>> {
    let calls = objects(message, "tool_calls");
    let mut all: Vec<Fragment<'a>> = calls.iter().map(fragment).collect();
    if let Some(function) = object(message, "function_call") {
        all.push(called(&Members::default(), &function));
    }
    all
}

fn fragment<'a>(call: &Members<'a>) -> Fragment<'a> {
    if let Some(custom) = object(call, "custom") {
        let arguments = text(&custom, "input");
        return Fragment { arguments, plain: true, ..called(call, &custom) };
    }
    match object(call, "function") {
        Some(function) => called(call, &function),
        // Some write the function's own members beside the id.
        None => called(call, call),
    }
}

fn called<'a>(call: &Members<'a>, function: &Members<'a>) -> Fragment<'a> {
    Fragment {
        index: number(call, "index"),
        id: text(call, "id"),
        name: text(function, "name"),
        arguments: arguments(function),
        plain: false,
        seal: signature(call),
    }
}

/// Arguments: a text, or by some servers the object itself.
fn arguments<'a>(function: &Members<'a>) -> Option<Text<'a>> {
    let value = function.get("arguments")?;
    if value.get().starts_with('"') {
        return text(function, "arguments");
    }
    Some(Cow::Borrowed(value.get()))
}

fn signature<'a>(call: &Members<'a>) -> Option<Seal<'a>> {
    let google = object(&object(call, "extra_content")?, "google")?;
    let payload = text(&google, "thought_signature")?;
    Some(Seal { origin: Api::Gemini, account: None, payload })
}

/// That thoughts are of an account of this dialect, which has nothing that it alone can read.
pub(crate) fn thought_here(account: &str) -> Seal<'static> {
    Seal { origin: Api::OpenaiChat, account: Some(seal::account(account)), payload: Cow::Borrowed("") }
}

/// An id for a call that has none: of the answer's, and which of its calls it is.
pub(crate) fn minted(answer: &str, index: usize) -> String {
    let letters: String = answer.chars().filter(char::is_ascii_alphanumeric).take(40).collect();
    format!("call_{letters}_{index}")
}

/// Where what is said comes from; `said` is the text that they are about, where it is known.
pub(crate) fn citations<'a>(message: &Members<'a>, said: Option<&str>) -> Vec<Citation<'a>> {
    let one = |annotation: &Members<'a>| {
        let cited = object(annotation, "url_citation")?;
        let at = |name| number(&cited, name).and_then(|letters| byte_at(said?, letters));
        let span = at("start_index").zip(at("end_index")).filter(|(start, end)| start <= end);
        Some(Citation { url: text(&cited, "url")?, title: text(&cited, "title"), span })
    };
    objects(message, "annotations").iter().filter_map(one).collect()
}

/// The byte at which a letter of a text begins.
fn byte_at(text: &str, letters: u64) -> Option<usize> {
    let letters = usize::try_from(letters).ok()?;
    let mut starts = text.char_indices().map(|(at, _)| at).chain([text.len()]);
    starts.nth(letters)
}

/// Images that a model made, in the form that OpenRouter has for them.
pub(crate) fn images<'a>(message: &Members<'a>, each: &mut dyn FnMut(Block<'a>, Text<'a>)) {
    for image in objects(message, "images") {
        let Some(url) = object(&image, "image_url").and_then(|image| text(&image, "url")) else { continue };
        let Cow::Borrowed(url) = url else { continue };
        let split = url.strip_prefix("data:").and_then(|url| url.split_once(";base64,"));
        if let Some((media_type, data)) = split {
            each(Block::Image { media_type: Cow::Borrowed(media_type) }, Cow::Borrowed(data));
        }
    }
}

/// The value of a member, where it is an object.
pub(crate) fn told<'a>(members: &Members<'a>, name: &str) -> Option<Raw<'a>> {
    members.get(name).filter(|value| value.get().starts_with('{'))
}
