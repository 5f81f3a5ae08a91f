//! One part of a turn of a client's request.

use std::borrow::Cow;

use sluice_api::dialect::Api;
use sluice_api::error::Error;
use sluice_neutral::at::At;
use sluice_neutral::json::{self, Members, Raw};
use sluice_neutral::loss::{Losses, Place};
use sluice_neutral::request::{Call, Content, Input, Outcome, Part, Text, Thinking};
use sluice_neutral::seal::Seal;

use crate::casing;
use crate::fields::FIELDS;
use crate::partial::Partial;
use crate::request::calls::Calls;
use crate::request::media::{self, Spot};
use crate::taking::Taking;

/// What clients send where they have no signature: no signature.
pub(crate) const SKIP: &str = "skip_thought_signature_validator";

/// Modifiers of a part that are read here.
const MODIFIERS: [&str; 3] = ["thought", "thoughtSignature", "mediaResolution"];

/// The parts of one turn, as they are read.
pub(crate) struct Parts<'a, 'c> {
    /// What was read.
    pub(crate) read: Vec<Part<'a>>,
    /// The calls of the conversation.
    pub(crate) calls: &'c mut Calls<'a>,
    /// How closely images are looked at where they say nothing.
    pub(crate) detail: Option<&'static str>,
    /// Whether the next part may go on with the last one, which was cut off where a stream's chunk ended.
    pub(crate) goes_on: bool,
}

/// What is said about a part beside what it holds.
struct Modified<'a> {
    is_thought: bool,
    seal: Option<Seal<'a>>,
    detail: Option<&'static str>,
}

impl<'a> Parts<'a, '_> {
    /// Reads a part.
    pub(crate) fn read(&mut self, members: Members<'a>, at: At, losses: &mut Losses) -> Result<(), Error> {
        let place = Place::new(FIELDS, "contents.parts", at);
        let modified = self.modified(&members, at, losses)?;
        let is_field = |name: &str| {
            FIELDS.iter().any(|row| !row.is_kind && row.place == "contents.parts" && row.name == name)
        };
        let (mut taken, mut found) = (MODIFIERS.to_vec(), modified.seal.is_some());
        for (name, value) in members.iter() {
            let Some(kind) = KINDS.iter().find(|kind| **kind == name) else {
                if !is_field(name) && !found && members.iter().all(|(name, _)| !KINDS.contains(&name)) {
                    // A kind of part that nobody knows.
                    losses.has(place, name)?;
                }
                continue;
            };
            taken.push(kind);
            found = true;
            if losses.has(Place::new(FIELDS, "contents.parts", at.then(kind)), kind)? {
                self.kind(kind, value, (at, &modified), losses)?;
            }
        }
        if let Some(seal) = modified.seal.filter(|_| taken.len() == MODIFIERS.len()) {
            self.seal(seal, at);
        }
        self.goes_on = false;
        losses.rest(place, &members, &taken)
    }

    fn modified(&self, members: &Members<'a>, at: At, losses: &mut Losses) -> Result<Modified<'a>, Error> {
        let seal = members.text("thoughtSignature", at)?.filter(|text| !text.is_empty() && text != SKIP);
        let mut detail = self.detail;
        if let Some(level) = members.get("mediaResolution") {
            let at = at.inside("mediaResolution");
            // The switch for all is a word, that of a part an object.
            let level = match Members::of(level, at) {
                Ok(object) => level_of(object, at, losses)?,
                Err(_) => json::text(level, at).ok(),
            };
            detail = level.and_then(|level| media::detail(&level));
            // No other looks as closely as that.
            if losses.target() == Api::Anthropic || detail == Some("original") {
                losses.name(at);
            }
        }
        let is_thought = members.get("thought").is_some_and(|value| value.get() == "true");
        Ok(Modified { is_thought, seal: seal.map(|text| Seal::read(Api::Gemini, text)), detail })
    }

    fn kind(
        &mut self,
        kind: &str,
        value: Raw<'a>,
        (at, modified): (At, &Modified<'a>),
        losses: &mut Losses,
    ) -> Result<(), Error> {
        let spot = Spot { inline: "contents.parts.inlineData", file: "contents.parts.fileData", at };
        let seal = modified.seal.clone();
        match kind {
            "text" => self.text(json::text(value, at.then("text"))?, modified.is_thought, seal, at),
            "functionCall" => self.call(value, seal, at, losses)?,
            "functionResponse" => self.outcome(value, at, losses)?,
            "inlineData" | "fileData" => {
                let media = match kind {
                    "inlineData" => media::inline(value, spot, losses)?,
                    _ => media::file(value, spot, losses)?,
                };
                let at_data = at.then(if kind == "inlineData" { "inlineData" } else { "fileData" });
                let mut content = media::content(media, at_data, losses)?;
                if let Content::Image(image) = &mut content {
                    image.detail = modified.detail.map(Cow::Borrowed);
                }
                self.read.push(Part::new(content, at));
            }
            _ => self.told(kind, value, at, losses)?,
        }
        Ok(())
    }

    fn text(&mut self, text: Text<'a>, is_thought: bool, seal: Option<Seal<'a>>, at: At) {
        let last = self.read.last_mut().filter(|_| self.goes_on).map(|part| &mut part.content);
        if is_thought {
            match last {
                Some(Content::Thinking(before)) if before.seal.is_none() && !text.is_empty() => {
                    before.text.to_mut().push_str(&text);
                    before.seal = seal;
                }
                _ => {
                    // Thoughts that Anthropic's model does not show have no text here.
                    let is_sealed = seal.as_ref().is_some_and(|seal| seal.origin == Api::Anthropic);
                    let thinking = Thinking { redacted: is_sealed && text.is_empty(), text, seal };
                    self.read.push(Part::new(Content::Thinking(thinking), at));
                }
            }
            return;
        }
        match last {
            _ if text.is_empty() => {}
            Some(Content::Text(before)) => before.to_mut().push_str(&text),
            _ => self.read.push(Part::text(text, at)),
        }
        if let Some(seal) = seal {
            self.seal(seal, at);
        }
    }

    /// What another dialect's model remembers belongs to the thoughts before the part that carries it, or stands where
    /// they were: clients drop thoughts, and no provider takes them behind what came of them.
    fn seal(&mut self, seal: Seal<'a>, at: At) {
        if seal.origin == Api::Gemini {
            return;
        }
        let is_call = |part: &Part<'_>| matches!(part.content, Content::Call(_));
        let from = self.read.iter().rposition(is_call).map_or(0, |index| index + 1);
        for part in self.read.iter_mut().skip(from) {
            if let Content::Thinking(thinking) = &mut part.content
                && thinking.seal.is_none()
            {
                thinking.seal = Some(seal);
                return;
            }
        }
        let thinking = Thinking { text: Text::default(), seal: Some(seal), redacted: false };
        self.read.insert(from, Part::new(Content::Thinking(thinking), at));
    }

    fn call(
        &mut self,
        value: Raw<'a>,
        seal: Option<Seal<'a>>,
        at: At,
        losses: &mut Losses,
    ) -> Result<(), Error> {
        let inside = at.inside("functionCall");
        let mut told = Taking::of(value, "contents.parts.functionCall", inside)?;
        let name = told.have_text("name")?.ok_or_else(|| json::missing(inside.then("name")))?;
        let id = told.have_text("id")?;
        let mut input: Text<'a> = "{}".into();
        if let Some(args) = told.have("args") {
            if !args.get().starts_with('{') {
                return Err(json::wrong(inside.then("args"), "it must be an object"));
            }
            input = args.get().into();
        }
        told.have("willContinue");
        if let Some(pieces) = told.have("partialArgs") {
            let mut partial = Partial::default();
            let wrong = || json::wrong(inside.then("partialArgs"), "these are no pieces of arguments");
            partial.add(pieces).ok_or_else(wrong)?;
            input = partial.written().into();
        }
        told.rest(losses)?;
        let own = seal.as_ref().is_none_or(|seal| seal.origin == Api::Gemini);
        let seal = if own {
            seal
        } else {
            seal.and_then(|seal| {
                self.seal(seal, at);
                None
            })
        };
        let id = self.calls.called(id, &name);
        self.read.push(Part::new(Content::Call(Call { id, name, input: Input::Json(input), seal }), at));
        Ok(())
    }

    fn outcome(&mut self, value: Raw<'a>, at: At, losses: &mut Losses) -> Result<(), Error> {
        let inside = at.inside("functionResponse");
        let mut told = Taking::of(value, "contents.parts.functionResponse", inside)?;
        let name = told.have_text("name")?.unwrap_or_default();
        let id = told.have_text("id")?;
        let id = self.calls.answered(id, &name);
        let (mut parts, mut failed) = (Vec::new(), false);
        if let Some(response) = told.have("response") {
            let (text, is_error) = response_text(response, inside.then("response"))?;
            failed = is_error;
            if !text.is_empty() {
                parts.push(Part::text(text, at));
            }
        }
        for value in told
            .have("parts")
            .map(|list| casing::list(list, inside.then("parts")))
            .transpose()?
            .unwrap_or_default()
        {
            parts.extend(enclosed(value, at.inside("functionResponse.parts"), losses)?);
        }
        told.rest(losses)?;
        self.read.push(Part::new(Content::Outcome(Outcome { id, name, parts, failed }), at));
        Ok(())
    }

    /// What Google's own tools left in the conversation, as text.
    fn told(&mut self, kind: &str, value: Raw<'a>, at: At, losses: &mut Losses) -> Result<(), Error> {
        let (place, text) = match kind {
            "executableCode" => ("contents.parts.executableCode", "code"),
            "codeExecutionResult" => ("contents.parts.codeExecutionResult", "output"),
            _ => ("contents.parts.audioTranscription", "text"),
        };
        let inside = at.inside(place.strip_prefix("contents.parts.").unwrap_or(place));
        losses.name(inside);
        let mut members = Taking::of(value, place, inside)?;
        let said = members.text(text, losses)?.unwrap_or_default();
        let language = members.text("language", losses)?.unwrap_or_default().to_ascii_lowercase();
        members.rest(losses)?;
        let said: Text<'a> = match kind {
            "executableCode" => format!("```{language}\n{said}\n```").into(),
            "codeExecutionResult" => format!("```\n{said}\n```").into(),
            _ => said,
        };
        if !said.is_empty() {
            self.read.push(Part::text(said, at));
        }
        Ok(())
    }
}

/// The members of a part that say what it holds.
const KINDS: [&str; 10] = [
    "text",
    "functionCall",
    "functionResponse",
    "inlineData",
    "fileData",
    "executableCode",
    "codeExecutionResult",
    "audioTranscription",
    "toolCall",
    "toolResponse",
];

fn level_of<'a>(object: Members<'a>, at: At, losses: &mut Losses) -> Result<Option<Text<'a>>, Error> {
    let object = object.renamed(casing::camel);
    let level = object.text("level", at)?;
    losses.rest(Place::new(FIELDS, "contents.parts.mediaResolution", at), &object, &["level"])?;
    Ok(level)
}

/// What a tool said, and whether it failed.
fn response_text(response: Raw<'_>, at: At) -> Result<(Text<'_>, bool), Error> {
    let members = Members::of(response, at)?;
    let failed = members.get("error").is_some();
    let mut all = members.iter();
    if let (Some(("output" | "error", only)), None) = (all.next(), all.next())
        && let Ok(text) = json::text(only, at)
    {
        return Ok((text, failed));
    }
    Ok((if members.iter().next().is_none() { Text::default() } else { response.get().into() }, failed))
}

/// An image or a document of a result.
fn enclosed<'a>(value: Raw<'a>, at: At, losses: &mut Losses) -> Result<Option<Part<'a>>, Error> {
    const PLACE: &str = "contents.parts.functionResponse.parts";
    let members = casing::fields(value, at)?;
    let spot = Spot {
        inline: "contents.parts.functionResponse.parts.inlineData",
        file: "contents.parts.functionResponse.parts.fileData",
        at,
    };
    let media = match (members.get("inlineData"), members.get("fileData")) {
        (Some(value), _) => media::inline(value, spot, losses)?,
        (None, Some(value)) => media::file(value, spot, losses)?,
        (None, None) => {
            losses.rest(Place::new(FIELDS, PLACE, at), &members, &[])?;
            return Ok(None);
        }
    };
    losses.rest(Place::new(FIELDS, PLACE, at), &members, &["inlineData", "fileData"])?;
    media::content(media, at, losses).map(|content| Some(Part::new(content, at)))
}
