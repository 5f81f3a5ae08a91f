//! A whole request for an upstream.

use std::borrow::Cow;

use sluice_api::dialect::{Api, Operation};
use sluice_api::error::Error;
use sluice_neutral::at::At;
use sluice_neutral::dialect::{Sent, Upstream};
use sluice_neutral::loss::Losses;
use sluice_neutral::request::room;
use sluice_neutral::request::{Call, Content, Input, Media, Outcome, Part, Request, Source};

use crate::models::{Model, NAMES};
use crate::pen::{Pen, is_object};
use crate::request::media;
use crate::request::parts::SKIP;
use crate::request::settings;
use crate::request::turns::{Answered, Conversation, Piece, Spoken, conversation};

/// What stands where a client tells no result of a call.
const NO_RESULT: &str = "[no result provided]";

/// Images that Gemini reads.
const IMAGES: [&str; 6] = ["image/png", "image/jpeg", "image/jpg", "image/webp", "image/heic", "image/heif"];

/// Writes a request.
pub(crate) fn write(
    request: &Request<'_>,
    upstream: &Upstream<'_>,
    losses: &mut Losses,
) -> Result<(Vec<u8>, Sent), Error> {
    let conversation = conversation(request, upstream, losses)?;
    let mut out = Vec::with_capacity(room::of(request));
    let mut writing = Writing {
        model: Model::of(upstream.model),
        account: upstream.account,
        losses,
        sent: Sent { account: upstream.account.to_owned(), ..Sent::default() },
        pen: Pen::new(&mut out),
    };
    writing.pen.open(b'{');
    match upstream.operation {
        Operation::CountTokens => writing.count(request, upstream.model, &conversation)?,
        _ => {
            writing.conversation(&conversation)?;
            let Writing { losses, sent, pen, .. } = &mut writing;
            settings::settings(request, upstream, (losses, sent), pen)?;
        }
    }
    writing.pen.close(b'}');
    let sent = writing.sent;
    Ok((out, sent))
}

struct Writing<'w, 'o> {
    model: Model,
    account: &'w str,
    losses: &'w mut Losses,
    sent: Sent,
    pen: Pen<'o>,
}

impl Writing<'_, '_> {
    /// A count, of the conversation alone or of all that stands around it.
    fn count(
        &mut self,
        request: &Request<'_>,
        model: &str,
        told: &Conversation<'_, '_>,
    ) -> Result<(), Error> {
        if told.system.is_empty() && request.tools.is_empty() {
            return self.conversation(told);
        }
        let model = model.strip_prefix("models/").unwrap_or(model);
        self.pen.key("generateContentRequest").open(b'{').field("model", &format!("models/{model}"));
        self.conversation(told)?;
        let Writing { losses, sent, pen, .. } = self;
        settings::tools(request, (losses, sent), pen)?;
        self.pen.close(b'}');
        Ok(())
    }

    fn conversation(&mut self, told: &Conversation<'_, '_>) -> Result<(), Error> {
        self.pen.key("contents").open(b'[');
        for spoken in &told.spoken {
            self.pen.open(b'{').field("role", if spoken.is_model { "model" } else { "user" });
            self.pen.key("parts").open(b'[');
            if spoken.is_model {
                self.model(spoken)?
            } else {
                self.user(spoken)?
            }
            self.pen.close(b']').close(b'}');
        }
        self.pen.close(b']');
        if !told.system.is_empty() {
            self.pen.key("systemInstruction").open(b'{').key("parts").open(b'[');
            for text in &told.system {
                self.pen.open(b'{').field("text", text).close(b'}');
            }
            self.pen.close(b']').close(b'}');
        }
        Ok(())
    }

    fn user(&mut self, spoken: &Spoken<'_, '_>) -> Result<(), Error> {
        let mut media = Vec::new();
        for answered in &spoken.outcomes {
            self.outcome(answered, &mut media)?;
        }
        for part in media {
            self.part(part, None)?;
        }
        for piece in &spoken.pieces {
            match piece {
                Piece::Part(part) => self.part(part, None)?,
                Piece::Told(text) => self.text(text, None),
                Piece::Seal(_) => {}
            }
        }
        Ok(())
    }

    /// The model's turn. What it remembers goes back on the first call that has nothing of its own, or on the first text
    /// where it calls nothing.
    fn model(&mut self, spoken: &Spoken<'_, '_>) -> Result<(), Error> {
        let is_call =
            |piece: &Piece<'_, '_>| matches!(piece, Piece::Part(Part { content: Content::Call(_), .. }));
        let calls = spoken.pieces.iter().any(is_call);
        let needs_one = spoken.is_current && self.model.is_third();
        let (mut memory, mut called) = (None, false);
        for piece in &spoken.pieces {
            match piece {
                Piece::Seal(seal) => memory = memory.or(Some(&*seal.payload)),
                Piece::Told(text) => self.text(text, None),
                Piece::Part(Part { content: Content::Call(call), at, .. }) => {
                    let own = call.seal.as_ref().filter(|seal| seal.is_for(Api::Gemini, self.account));
                    let own = own.map(|seal| &*seal.payload).or_else(|| memory.take());
                    let signature = own.or((!called && needs_one).then_some(SKIP));
                    called = true;
                    self.call(call, signature, *at);
                }
                Piece::Part(part) => {
                    let signature = if calls { None } else { memory.take() };
                    self.part(part, signature)?;
                }
            }
        }
        if let Some(signature) = memory {
            self.text("", Some(signature));
        }
        Ok(())
    }

    fn text(&mut self, text: &str, signature: Option<&str>) {
        self.pen.open(b'{').field("text", text);
        self.signed(signature);
    }

    fn signed(&mut self, signature: Option<&str>) {
        if let Some(signature) = signature {
            self.pen.field("thoughtSignature", signature);
        }
        self.pen.close(b'}');
    }

    fn call(&mut self, call: &Call<'_>, signature: Option<&str>, at: At) {
        let name = self.sent.names.sent(&call.name, NAMES);
        self.pen.open(b'{').key("functionCall").open(b'{');
        if !call.id.is_empty() {
            self.pen.field("id", &call.id);
        }
        self.pen.field("name", &name);
        match &call.input {
            Input::Json(text) if text.trim().is_empty() => self.pen.member("args", "{}"),
            Input::Json(text) if is_object(text) => self.pen.member("args", text),
            // Google takes nothing but objects.
            Input::Json(text) => {
                self.losses.name(at);
                self.pen.key("args").open(b'{').field("_raw", text).close(b'}')
            }
            Input::Plain(text) => self.pen.key("args").open(b'{').field("input", text).close(b'}'),
        };
        self.pen.close(b'}');
        self.signed(signature);
    }

    fn outcome<'r, 'a>(
        &mut self,
        answered: &Answered<'r, 'a>,
        behind: &mut Vec<&'r Part<'a>>,
    ) -> Result<(), Error> {
        let name = self.sent.names.sent(answered.name, NAMES);
        self.pen.open(b'{').key("functionResponse").open(b'{');
        if !answered.id.is_empty() {
            self.pen.field("id", answered.id);
        }
        self.pen.field("name", &name).key("response").open(b'{');
        let failed = answered.outcome.is_none_or(|outcome| outcome.failed);
        // Within a result Gemini takes files alone: what is told about them is told by the result's own text.
        let nests = self.model.is_third();
        let said = answered.outcome.map_or(Cow::Borrowed(NO_RESULT), |outcome| texts(outcome, nests));
        self.pen.field(if failed { "error" } else { "output" }, &said).close(b'}');
        let parts = answered.outcome.into_iter().flat_map(|outcome| &outcome.parts);
        let media: Vec<_> = parts.filter_map(|part| file(part).map(|media| (part, media))).collect();
        if nests && !media.is_empty() {
            self.pen.key("parts").open(b'[');
            for (part, media) in media {
                self.media(media, None, part)?;
            }
            self.pen.close(b']');
        } else {
            behind.extend(media.into_iter().map(|(part, _)| part));
        }
        self.pen.close(b'}').close(b'}');
        Ok(())
    }

    fn part(&mut self, part: &Part<'_>, signature: Option<&str>) -> Result<(), Error> {
        match &part.content {
            Content::Text(text) | Content::Refusal(text) => self.text(text, signature),
            Content::Image(media) | Content::Document(media) | Content::Audio(media) => {
                if let Some(heading) = heading(media) {
                    self.text(&heading, None);
                }
                self.media(media, signature, part)?;
            }
            Content::Call(call) => self.call(call, signature, part.at),
            Content::Thinking(_) | Content::Outcome(_) => {}
        }
        Ok(())
    }

    fn media(&mut self, media: &Media<'_>, signature: Option<&str>, part: &Part<'_>) -> Result<(), Error> {
        let at = part.at;
        let known = media.media_type.is_empty() || IMAGES.contains(&&*media.media_type.to_ascii_lowercase());
        if matches!(part.content, Content::Image(_)) && !known {
            return Err(self.losses.refusal(at, &format!("an image of type `{}`", media.media_type)));
        }
        match &media.source {
            Source::Plain(text) => self.text(text, signature),
            Source::Inline(data) => {
                if media.media_type.is_empty() {
                    return Err(self.losses.refusal(at, "a file without a media type"));
                }
                self.pen.open(b'{').key("inlineData").open(b'{').field("mimeType", &media.media_type);
                self.pen.field("data", data).close(b'}');
                self.looked_at(media, at);
                self.signed(signature);
            }
            Source::Url(uri) => {
                let reads = media::is_googles(uri) || (self.model.is_third() && uri.starts_with("https://"));
                if !reads {
                    return Err(self.losses.refusal(at, "a file by this address"));
                }
                let of_ending = media::of_ending(uri);
                let kind = if media.media_type.is_empty() { of_ending } else { &*media.media_type };
                self.pen.open(b'{').key("fileData").open(b'{');
                if !kind.is_empty() {
                    self.pen.field("mimeType", kind);
                }
                self.pen.field("fileUri", uri).close(b'}');
                self.looked_at(media, at);
                self.signed(signature);
            }
        }
        Ok(())
    }

    /// How closely an image is looked at.
    fn looked_at(&mut self, media: &Media<'_>, at: At) {
        let level = match media.detail.as_deref() {
            Some("low") => "MEDIA_RESOLUTION_LOW",
            Some("high" | "original") => "MEDIA_RESOLUTION_HIGH",
            _ => return,
        };
        if self.model.is_third() {
            self.pen.key("mediaResolution").open(b'{').field("level", level).close(b'}');
        } else {
            self.losses.name(at.then("detail"));
        }
    }
}

/// What is told of a file before it, as Gemini sees no names of files: that of one whose bytes are text, or of which
/// something else is told.
fn heading(media: &Media<'_>) -> Option<String> {
    let told: Vec<&str> = [media.name.as_deref(), media.context.as_deref()].into_iter().flatten().collect();
    let is_told = matches!(media.source, Source::Plain(_)) || media.context.is_some();
    (is_told && !told.is_empty()).then(|| told.join("\n"))
}

/// A part's file, where it is one that is no text.
fn file<'r, 'a>(part: &'r Part<'a>) -> Option<&'r Media<'a>> {
    match &part.content {
        Content::Image(media) | Content::Document(media) | Content::Audio(media) => {
            (!matches!(media.source, Source::Plain(_))).then_some(media)
        }
        _ => None,
    }
}

/// What a tool said, as one text: with what is told of its files, where they have no place for that.
fn texts<'r>(outcome: &'r Outcome<'_>, nests: bool) -> Cow<'r, str> {
    let mut texts: Vec<Cow<'r, str>> = Vec::new();
    for part in &outcome.parts {
        match &part.content {
            Content::Text(text) | Content::Refusal(text) => texts.push(Cow::Borrowed(text)),
            Content::Image(media) | Content::Document(media) | Content::Audio(media) => {
                let text = if let Source::Plain(text) = &media.source { Some(text) } else { None };
                let heading = heading(media).filter(|_| nests || text.is_some());
                texts.extend(heading.map(Cow::Owned));
                texts.extend(text.map(|text| Cow::Borrowed(&**text)));
            }
            Content::Thinking(_) | Content::Call(_) | Content::Outcome(_) => {}
        }
    }
    if let [Cow::Borrowed(only)] = texts[..] {
        return Cow::Borrowed(only);
    }
    Cow::Owned(texts.join("\n"))
}
