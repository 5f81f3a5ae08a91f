//! An upstream's whole answer, read.

use std::borrow::Cow;

use sluice_api::dialect::Api;
use sluice_api::error::{Error, Kind};
use sluice_neutral::answer::{Answer, Block, Called, Citation, End, Logprob, Reason, Said, Started};
use sluice_neutral::at::At;
use sluice_neutral::dialect::Sent;
use sluice_neutral::json::{self, Members, Raw};
use sluice_neutral::request::Text;
use sluice_neutral::seal::{self, Seal};

use crate::{refusal, seals, usage};

/// Reads an answer.
pub(crate) fn read<'a>(body: &'a [u8], sent: &Sent) -> Result<Answer<'a>, Error> {
    let none = || Error::new(Kind::Upstream, "the upstream's answer is no response");
    let response = Members::body(body).map_err(|_| none())?;
    let failed = response.label("status").is_some_and(|status| status == "failed" || status == "cancelled");
    if failed || response.get("error").is_some() {
        let failure = refusal::read(http::StatusCode::OK, body);
        let error = Error::new(Kind::Upstream, "the upstream's answer tells that it failed");
        return Err(error.said(failure.message.into_owned()));
    }
    let output =
        response.get("output").and_then(|output| json::items(output, At::ROOT).ok()).ok_or_else(none)?;
    let started = started(&response);
    let (mut said, mut searches) = (Vec::new(), 0);
    for (index, raw) in output.into_iter().enumerate() {
        let Ok(item) = Members::of(raw, At::ROOT) else { continue };
        searches += u64::from(usage::is_search(&item));
        let place = Place { sent, answer: started.id.as_deref().unwrap_or_default(), index };
        said.extend(of_item(&item, place).into_iter().map(|(_, said)| said));
    }
    let end = End { reason: reason(&response), stop_sequence: None };
    let usage = usage::read(&response, searches);
    Ok(Answer { started, said, end, usage })
}

/// What a response begins with.
pub(crate) fn started<'a>(response: &Members<'a>) -> Started<'a> {
    let filled = |name| response.label(name).filter(|text| !text.is_empty());
    Started { id: filled("id"), model: filled("model"), usage: None }
}

/// Why a response ended.
pub(crate) fn reason(response: &Members<'_>) -> Reason {
    let details = response.get("incomplete_details").and_then(|raw| Members::of(raw, At::ROOT).ok());
    let why = details.and_then(|details| details.label("reason"));
    match (response.label("status").as_deref(), why.as_deref()) {
        (_, Some("content_filter")) => Reason::Refused,
        (_, Some("max_output_tokens" | "max_tokens")) | (Some("incomplete"), _) => Reason::Length,
        _ => Reason::Done,
    }
}

/// Where an item stands, and what was asked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'p> {
    /// What was sent.
    pub(crate) sent: &'p Sent,
    /// The answer's id.
    pub(crate) answer: &'p str,
    /// The item's place.
    pub(crate) index: usize,
}

/// What an item says, by the places of its parts; nothing where it is of a kind that says nothing.
pub(crate) fn of_item<'a>(item: &Members<'a>, place: Place<'_>) -> Vec<(u64, Said<'a>)> {
    match item.label("type").as_deref() {
        Some("message") => of_message(item),
        Some("reasoning") => of_reasoning(item, place).map(|said| (0, said)).into_iter().collect(),
        Some(kind @ ("function_call" | "custom_tool_call")) => {
            let plain = kind == "custom_tool_call";
            let Some(called) = called(item, plain, place) else { return Vec::new() };
            vec![(0, Said::new(Block::Call(called), input(item, plain)))]
        }
        _ => Vec::new(),
    }
}

/// The elements of an array that are objects; none where it is something else.
fn objects<'a>(members: &Members<'a>, name: &str) -> Vec<Members<'a>> {
    let list = members.get(name).and_then(|raw| json::items(raw, At::ROOT).ok()).unwrap_or_default();
    list.into_iter().filter_map(|raw| Members::of(raw, At::ROOT).ok()).collect()
}

fn of_message<'a>(item: &Members<'a>) -> Vec<(u64, Said<'a>)> {
    // Some servers write a message's content as they do in Chat Completions.
    if let Some(content) = item.label("content") {
        return vec![(0, Said::new(Block::Text, content))];
    }
    let parts = (0..).zip(objects(item, "content"));
    let said = parts.filter_map(|(index, part)| {
        let block =
            if part.label("type").as_deref() == Some("refusal") { Block::Refusal } else { Block::Text };
        let told = part.label("text").or_else(|| part.label("refusal")).filter(|text| !text.is_empty())?;
        let mut said = Said::new(block, told);
        said.citations = citations(&part, &said.text);
        said.logprobs = logprobs(&part);
        Some((index, said))
    });
    said.collect()
}

fn of_reasoning<'a>(item: &Members<'a>, place: Place<'_>) -> Option<Said<'a>> {
    let texts = |name| -> Vec<Text<'a>> {
        let parts = objects(item, name).into_iter();
        parts.filter_map(|part| part.label("text")).filter(|text| !text.is_empty()).collect()
    };
    let mut told = texts("summary");
    if told.is_empty() {
        told = texts("content");
    }
    let whole = match told.len() {
        0 | 1 => told.pop().unwrap_or_default(),
        _ => Cow::Owned(told.join("\n\n")),
    };
    let seal = sealed(item, place.sent);
    (seal.is_some() || !whole.is_empty()).then(|| {
        let mut said = Said::new(Block::Thinking, whole);
        said.seal = seal;
        said
    })
}

/// What is encrypted of an item.
pub(crate) fn sealed<'a>(item: &Members<'a>, sent: &Sent) -> Option<Seal<'a>> {
    let encrypted = item.label("encrypted_content").filter(|encrypted| !encrypted.is_empty())?;
    let payload = seals::payload(item.label("id").as_deref(), encrypted);
    Some(Seal { origin: Api::OpenaiResponses, account: Some(seal::account(&sent.account)), payload })
}

/// A call; nothing where the tool is not told. One without an id gets one that no other of the answer has.
pub(crate) fn called<'a>(item: &Members<'a>, plain: bool, place: Place<'_>) -> Option<Called<'a>> {
    let name = item.label("name").filter(|name| !name.is_empty())?;
    let told = ["call_id", "id"].into_iter().find_map(|id| item.label(id).filter(|id| !id.is_empty()));
    let id = told.unwrap_or_else(|| {
        let letters: String = place.answer.chars().filter(char::is_ascii_alphanumeric).take(40).collect();
        Cow::Owned(format!("call_{letters}{:04x}", place.index))
    });
    Some(Called { id, name, plain })
}

/// What a call is called with. Some servers write arguments as the object that they are.
pub(crate) fn input<'a>(item: &Members<'a>, plain: bool) -> Text<'a> {
    let name = if plain { "input" } else { "arguments" };
    match item.get(name) {
        Some(raw) if raw.get().starts_with('"') => item.label(name).unwrap_or_default(),
        Some(raw) => Cow::Borrowed(raw.get()),
        None => Cow::Borrowed(""),
    }
}

fn citations<'a>(part: &Members<'a>, said: &str) -> Vec<Citation<'a>> {
    objects(part, "annotations").iter().filter_map(|one| citation(one, said)).collect()
}

/// A citation of a text; places in it are told in characters.
fn citation<'a>(one: &Members<'a>, said: &str) -> Option<Citation<'a>> {
    let url = one.label("url").filter(|url| !url.is_empty())?;
    let place = |name| one.get(name)?.get().parse::<usize>().ok();
    let bytes = |characters: usize| said.char_indices().nth(characters).map_or(said.len(), |(at, _)| at);
    let span = place("start_index").zip(place("end_index")).map(|(start, end)| (bytes(start), bytes(end)));
    let span = span.filter(|(start, end)| start < end);
    Some(Citation { url, title: one.label("title").filter(|title| !title.is_empty()), span })
}

/// How likely the tokens of a part, or of a piece of one, were.
pub(crate) fn logprobs<'a>(part: &Members<'a>) -> Vec<Logprob<'a>> {
    let number = |one: &Members<'_>| one.get("logprob").and_then(|raw: Raw<'_>| raw.get().parse().ok());
    let told = objects(part, "logprobs");
    let read = told.iter().filter_map(|one| {
        let others = objects(one, "top_logprobs");
        let others = others.iter().filter_map(|other| Some((other.label("token")?, number(other)?)));
        Some(Logprob { token: one.label("token")?, logprob: number(one)?, others: others.collect() })
    });
    read.collect()
}
