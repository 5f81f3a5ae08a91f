//! A look at a request's body: the few things that decide where it goes, by their spans.

use std::ops::Range;

use sluice_api::dialect::{Api, Operation};
use sluice_api::error::Error;

use sluice_json as json;
use sluice_json::case;
use sluice_json::scanner::{Member, Top};

/// The longest model name.
const MODEL_MAX: usize = 256;

/// What decides something: none of these may be in a body twice, however it is written.
pub(crate) const DECIDING: [&str; 20] = [
    "model",
    "stream",
    "stream_options",
    "max_tokens",
    "max_completion_tokens",
    "max_output_tokens",
    "n",
    "messages",
    "input",
    "contents",
    "previous_response_id",
    "conversation",
    "metadata",
    "prompt_cache_key",
    "service_tier",
    "serviceTier",
    "generationConfig",
    "generation_config",
    "generateContentRequest",
    "generate_content_request",
];

/// Bytes of a service tier's name, with its quotes: a longer one is none.
const TIER_MAX: usize = 64;

/// A string in a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spot {
    /// Its text, unescaped.
    pub text: String,
    /// Its span, with its quotes.
    pub at: Range<usize>,
}

/// Whether a body asks for usage in a stream, and where.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum IncludeUsage {
    /// It has no `stream_options`.
    #[default]
    Absent,
    /// Its `stream_options` is an object without `include_usage`.
    Unsaid {
        /// The byte after the object's opening brace.
        start: usize,
        /// Whether the object has no members.
        empty: bool,
    },
    /// It says something else than `true`, or `stream_options` is null: this span is to be replaced.
    No {
        /// The span.
        at: Range<usize>,
        /// Whether the span is that of `stream_options` itself.
        whole: bool,
    },
    /// It asks for usage.
    Yes,
}

/// What names a conversation, or begins it: nothing in it is twice in a way that decides anything.
const NOTED: [&str; 4] = ["system", "instructions", "systemInstruction", "system_instruction"];

/// Where in a body what names a conversation stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spans {
    /// Anthropic's and OpenAI's `metadata`.
    pub metadata: Option<Range<usize>>,
    /// OpenAI's `prompt_cache_key`.
    pub prompt_cache_key: Option<Range<usize>>,
    /// Responses' `previous_response_id`.
    pub previous_response_id: Option<Range<usize>>,
    /// Responses' `conversation`.
    pub conversation: Option<Range<usize>>,
    /// The system prompt, where it stands apart.
    pub system: Option<Range<usize>>,
    /// `messages`, `input` or `contents`.
    pub turns: Option<Range<usize>>,
}

/// What was seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Peek {
    /// Where what names a conversation stands.
    pub spans: Spans,
    /// The top-level `model`.
    pub model: Option<Spot>,
    /// Further places where the model's name stands (Gemini's batches).
    pub more_models: Vec<Spot>,
    /// The top-level `stream`.
    pub stream: Option<bool>,
    /// The service tier that is asked for.
    pub tier: Option<String>,
    /// Whether usage is asked for in a stream.
    pub include_usage: IncludeUsage,
    /// The byte after the top-level opening brace.
    pub start: usize,
    /// Whether the body is an empty object.
    pub empty: bool,
}

/// Looks at a body. A missing `model` is no mistake here: the path may name it.
///
/// # Errors
///
/// When it is not JSON, not an object, or says a deciding thing twice or in the wrong type.
pub fn peek(api: Api, operation: Operation, body: &[u8]) -> Result<Peek, Error> {
    let mut noted = Noted::default();
    let top = json::members(body, |member| noted.note(body, &member)).map_err(|wrong| {
        let message = format!("the request body is not valid JSON: {} (at byte {})", wrong.what, wrong.at);
        Error::bad_request(None, message)
    })?;
    let Top::Object { start, empty } = top else {
        return Err(Error::bad_request(None, "the request body must be a JSON object"));
    };
    let Noted { found, twice, misspelt, system } = noted;
    if let Some(name) = twice {
        return Err(Error::bad_request(
            Some(name),
            format!("`{name}` is in the request body twice: send it once"),
        ));
    }
    if let Some((name, written)) = misspelt {
        return Err(other_case(name, &written));
    }
    let asked = Asked { api, operation, body };
    let mut decided = DECIDING.iter().zip(found).filter_map(|(name, span)| span.map(|span| (*name, span)));
    let spans = Spans { system, ..Spans::default() };
    let mut look = Peek { spans, start, empty, ..Peek::default() };
    decided.try_for_each(|(name, span)| look.take(asked, name, span))?;
    if operation == Operation::BatchEmbed {
        look.batch_models(body)?;
    }
    Ok(look)
}

/// What was noted of the members of a body.
#[derive(Default)]
struct Noted {
    found: [Option<Range<usize>>; DECIDING.len()],
    twice: Option<&'static str>,
    /// A deciding name, and how it was written in another case.
    misspelt: Option<(&'static str, String)>,
    system: Option<Range<usize>>,
}

impl Noted {
    fn note(&mut self, body: &[u8], member: &Member) {
        let name = json::text::unescaped(body.get(member.name.clone()).unwrap_or_default());
        for (deciding, slot) in DECIDING.iter().zip(&mut self.found) {
            if *deciding == name {
                if slot.replace(member.value.clone()).is_some() {
                    self.twice.get_or_insert(deciding);
                }
                return;
            }
        }
        if NOTED.contains(&&*name) {
            self.system.get_or_insert(member.value.clone());
        } else if let Some(deciding) = DECIDING.iter().find(|deciding| case::same(deciding, &name)) {
            self.misspelt.get_or_insert_with(|| (deciding, name.into_owned()));
        }
    }
}

/// What a dialect calls the turns of a conversation, or what stands for them.
const fn turns(api: Api) -> Option<&'static str> {
    match api {
        Api::Anthropic | Api::OpenaiChat => Some("messages"),
        Api::OpenaiResponses | Api::OpenaiEmbeddings => Some("input"),
        Api::Gemini => Some("contents"),
        Api::OpenaiImages => None,
    }
}

/// Upstreams that are written in Go take a name in any case, and of two the last: what was looked at here would not be
/// what counts there.
fn other_case(name: &'static str, written: &str) -> Error {
    let message = format!("`{written}` is another spelling of `{name}`: write it as `{name}`");
    Error::bad_request(Some(name), message)
}

/// A body, and what it asks for.
#[derive(Clone, Copy)]
struct Asked<'a> {
    api: Api,
    operation: Operation,
    body: &'a [u8],
}

impl Peek {
    fn take(&mut self, asked: Asked<'_>, name: &'static str, span: Range<usize>) -> Result<(), Error> {
        let Asked { api, operation, body } = asked;
        let value = body.get(span.clone()).unwrap_or_default();
        match name {
            "model" => {
                if value.first() != Some(&b'"') {
                    return Err(Error::bad_request(Some("model"), "`model` must be a string"));
                }
                self.model = Some(Spot { text: json::text::unescape(value), at: span });
            }
            "stream" => {
                self.stream = match value {
                    b"true" => Some(true),
                    b"false" => Some(false),
                    b"null" => None,
                    _ => return Err(Error::bad_request(Some("stream"), "`stream` must be true or false")),
                };
            }
            "stream_options" if api == Api::OpenaiChat => self.include_usage = include_usage(body, span)?,
            "max_tokens" | "max_completion_tokens" | "max_output_tokens" | "n" => {
                let number = value.first().is_some_and(|byte| byte.is_ascii_digit());
                if !number && value != b"null" {
                    return Err(Error::bad_request(Some(name), format!("`{name}` must be a whole number")));
                }
            }
            "metadata" => self.spans.metadata = Some(span),
            "service_tier" | "serviceTier" if value.len() <= TIER_MAX && value.starts_with(b"\"") => {
                self.tier = Some(json::text::unescape(value));
            }
            "prompt_cache_key" => self.spans.prompt_cache_key = Some(span),
            "previous_response_id" => self.spans.previous_response_id = Some(span),
            "conversation" => self.spans.conversation = Some(span),
            "messages" if matches!(api, Api::Anthropic | Api::OpenaiChat) && value.first() != Some(&b'[') => {
                return Err(Error::bad_request(Some(name), format!("`{name}` must be a list")));
            }
            "contents" if api == Api::Gemini && !matches!(value.first(), Some(b'[' | b'{' | b'"')) => {
                return Err(Error::bad_request(Some(name), format!("`{name}` must be a list")));
            }
            // Only the dialect's own: what another calls its turns is nothing here.
            _ if Some(name) == turns(api) => self.spans.turns = Some(span),
            "generateContentRequest" | "generate_content_request" if operation == Operation::CountTokens => {
                self.inner_model(body, &span)?
            }
            _ => {}
        }
        Ok(())
    }

    fn inner_model(&mut self, body: &[u8], span: &Range<usize>) -> Result<(), Error> {
        let Some(at) = inner(body, span, "model")? else { return Ok(()) };
        let value = body.get(at.clone()).unwrap_or_default();
        if value.first() == Some(&b'"') {
            self.more_models.push(Spot { text: json::text::unescape(value), at });
        }
        Ok(())
    }

    fn batch_models(&mut self, body: &[u8]) -> Result<(), Error> {
        let whole = self.start.saturating_sub(1)..body.len();
        let Some(requests) = inner(body, &whole, "requests")? else { return Ok(()) };
        let mut each = Vec::new();
        json::elements_within(body, &requests, |element| each.push(element));
        each.iter().try_for_each(|element| self.inner_model(body, element))
    }
}

/// The value of a member of an inner object, however its name is escaped; said twice, or in another case, it is a
/// mistake.
fn inner(body: &[u8], span: &Range<usize>, name: &'static str) -> Result<Option<Range<usize>>, Error> {
    once(body, span, [name]).map(|[found]| found)
}

/// The values of some members of an inner object, each however its name is escaped; one that is said twice, or in
/// another case, is a mistake.
pub(crate) fn once<const COUNT: usize>(
    body: &[u8],
    span: &Range<usize>,
    names: [&'static str; COUNT],
) -> Result<[Option<Range<usize>>; COUNT], Error> {
    let mut found = [const { None }; COUNT];
    let mut wrong = None;
    json::members_within(body, span, |member| {
        let written = json::text::unescaped(body.get(member.name).unwrap_or_default());
        let Some((name, slot)) = names.iter().zip(&mut found).find(|(name, _)| case::same(name, &written))
        else {
            return;
        };
        if written != *name {
            wrong.get_or_insert_with(|| other_case(name, &written));
        } else if slot.replace(member.value).is_some() {
            wrong.get_or_insert_with(|| {
                let message = format!("`{name}` is in an object of the request body twice: send it once");
                Error::bad_request(Some(*name), message)
            });
        }
    });
    wrong.map_or(Ok(found), Err)
}

fn include_usage(body: &[u8], span: Range<usize>) -> Result<IncludeUsage, Error> {
    match body.get(span.start) {
        Some(b'{') => {}
        Some(b'n') => return Ok(IncludeUsage::No { at: span, whole: true }),
        _ => return Err(Error::bad_request(Some("stream_options"), "`stream_options` must be an object")),
    }
    let mut empty = true;
    json::members_within(body, &span, |_| empty = false);
    Ok(match inner(body, &span, "include_usage")? {
        None => IncludeUsage::Unsaid { start: span.start + 1, empty },
        Some(at) if body.get(at.clone()) == Some(b"true") => IncludeUsage::Yes,
        Some(at) => IncludeUsage::No { at, whole: false },
    })
}

/// Checks a model's name, wherever it came from.
///
/// # Errors
///
/// When it is empty, too long, has control characters, or could change a path.
pub fn model_name(name: &str) -> Result<(), Error> {
    let wrong = if name.is_empty() {
        "is empty"
    } else if name.len() > MODEL_MAX {
        "is longer than 256 bytes"
    } else if name.chars().any(char::is_control) {
        "has control characters"
    } else if name.as_bytes().windows(2).any(|pair| pair == b"..") {
        "has `..` in it"
    } else if name.split('/').any(|segment| segment == ".") {
        "has `.` as a segment of a path"
    } else {
        return Ok(());
    };
    Err(Error::bad_request(Some("model"), format!("the model's name {wrong}")))
}

#[cfg(test)]
mod tests {
    use super::{IncludeUsage, model_name, peek};
    use sluice_api::dialect::{Api, Operation};

    fn refused(body: &str) -> Option<String> {
        let error = peek(Api::OpenaiChat, Operation::Generate, body.as_bytes()).err()?;
        Some(error.facts().param.clone().unwrap_or_default())
    }

    #[test]
    fn a_body_is_seen_without_being_parsed() {
        let body = br#"{"messages":[], "model" : "a\u002db", "stream":true}"#;
        let seen = peek(Api::OpenaiChat, Operation::Generate, body).unwrap();
        let model = seen.model.unwrap();
        assert_eq!(model.text, "a-b");
        assert_eq!(&body[model.at], br#""a\u002db""#);
        assert_eq!(seen.stream, Some(true));
        assert_eq!(seen.include_usage, IncludeUsage::Absent);
    }

    #[test]
    fn what_decides_is_said_once_and_in_its_type() {
        for (body, param) in [
            (r#"{"model":"a","mod\u0065l":"b"}"#, "model"),
            (r#"{"stream":true,"stream":true}"#, "stream"),
            (r#"{"max_tokens":1,"max_tokens":1}"#, "max_tokens"),
            (r#"{"model":1}"#, "model"),
            (r#"{"stream":"yes"}"#, "stream"),
            (r#"{"max_tokens":"many"}"#, "max_tokens"),
            (r#"{"messages":"hi"}"#, "messages"),
            (r#"{"stream_options":1}"#, "stream_options"),
            (r#"{"stream_options":{"include_usage":true,"include\u005fusage":false}}"#, "include_usage"),
            ("[]", ""),
            ("nonsense", ""),
        ] {
            assert_eq!(refused(body).as_deref(), Some(param), "{body}");
        }
        assert_eq!(refused(r#"{"other":1,"other":2}"#), None);
    }

    #[test]
    fn what_decides_is_refused_in_another_case() {
        for (body, param) in [
            (r#"{"model":"a","MODEL":"b"}"#, "model"),
            (r#"{"Model":"b"}"#, "model"),
            (r#"{"model":"a","mODE\u004c":"b"}"#, "model"),
            (r#"{"N":9}"#, "n"),
            (r#"{"Max_Tokens":9}"#, "max_tokens"),
            ("{\"max_to\u{212a}en\u{17f}\":9}", "max_tokens"),
            ("{\"me\u{17f}\u{17f}ages\":[]}", "messages"),
            (r#"{"generationconfig":{}}"#, "generationConfig"),
            (r#"{"stream_options":{"Include_Usage":false}}"#, "include_usage"),
        ] {
            assert_eq!(refused(body).as_deref(), Some(param), "{body}");
        }
        assert_eq!(refused(r#"{"Temperature":1,"models":1,"modél":1,"generationConfig":{}}"#), None);
        let inner = peek(Api::Gemini, Operation::BatchEmbed, br#"{"requests":[{"Model":"models/e"}]}"#);
        assert_eq!(inner.unwrap_err().facts().param.as_deref(), Some("model"));
    }

    #[test]
    fn gemini_batches_name_the_model_in_each_request() {
        let body = br#"{"requests":[{"model":"models/e","content":{}},{"mod\u0065l":"models/e"}]}"#;
        let seen = peek(Api::Gemini, Operation::BatchEmbed, body);
        assert_eq!(seen.unwrap().more_models.len(), 2);
    }

    #[test]
    fn a_models_name_can_never_be_a_path() {
        for name in ["", ".", "..", "./a", "a/.", "a/./b", "../x", "a..b", "a\nb", "a\0", &"x".repeat(257)] {
            assert!(model_name(name).is_err(), "{name:?}");
        }
        for name in ["claude-3.5", "a/b", "a@b", ".a", "a.", "tunedModels/x", &"x".repeat(256)] {
            assert!(model_name(name).is_ok(), "{name:?}");
        }
    }
}
