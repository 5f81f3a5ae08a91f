//! What was asked, kept with a request so that its answer is read as it must be.

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Response};
use http_body_util::BodyExt;
use serde::Deserialize;
use sluice_api::error::{Error, Kind};
use sluice_api::provider::Body;
use sluice_translate::converse::{self, Heading};

use crate::bodies::{Cut, Decoded, Turned};
use crate::errors;
use crate::events::Events;
use crate::frames::EVENT_STREAM;

/// Most of a refusal or of a count that is read.
const REFUSAL_MAX: usize = 1024 * 1024;

/// Most of an answer of Converse's that is held to be translated: above what the longest output and its images take.
const ANSWER_MAX: usize = 64 * 1024 * 1024;

/// Names what was left out of a request; see `x-sluice-dropped` in the contract.
const DROPPED: HeaderName = HeaderName::from_static("x-sluice-dropped");

/// Anthropic's name of the header with a request's id.
const ANTHROPIC_REQUEST_ID: HeaderName = HeaderName::from_static("request-id");

/// What an id begins with that is made of Bedrock's request id.
const ID: &str = "msg_bdrk_";

/// What was asked.
#[derive(Clone, Debug)]
pub(crate) enum Asked {
    /// Claude's own answer, whole or streamed.
    Invoke,
    /// An answer by Converse, whole or streamed.
    Converse {
        /// The model that was asked.
        model: String,
        /// Fields that were left out.
        dropped: Vec<String>,
    },
    /// A count of tokens.
    Count {
        /// Fields that were left out.
        dropped: Vec<String>,
    },
}

impl Asked {
    /// The answer in Anthropic's dialect: its head now, its body as it is read.
    pub(crate) fn read(self, response: Response<Body>) -> Response<Body> {
        let (mut head, body) = response.into_parts();
        let headers = &mut head.headers;
        if let Some(id) = headers.get(errors::REQUEST_ID).cloned() {
            headers.insert(ANTHROPIC_REQUEST_ID, id);
        }
        if !head.status.is_success() {
            rewritten(headers, "application/json");
            let (status, told) = (head.status, headers.clone());
            let turn = move |held: &[u8]| Ok(errors::refusal(status, &told, held));
            return Response::from_parts(
                head,
                Turned::new(body, REFUSAL_MAX, Cut::Turns, turn).boxed_unsync(),
            );
        }
        self.name_dropped(headers);
        let heading = |model| Heading { id: message_id(&head.headers), model };
        let streamed = is_event_stream(&head.headers);
        let body = match (self, streamed) {
            (Self::Invoke, false) => return Response::from_parts(head, body),
            (Self::Invoke | Self::Count { .. }, true) => Decoded::new(body, Events).boxed_unsync(),
            (Self::Converse { model, .. }, true) => {
                Decoded::new(body, converse::Stream::new(heading(model))).boxed_unsync()
            }
            (Self::Converse { model, .. }, false) => {
                let heading = heading(model);
                let turn = move |held: &[u8]| converse::answer(held, &heading);
                Turned::new(body, ANSWER_MAX, Cut::Fails, turn).boxed_unsync()
            }
            (Self::Count { .. }, false) => Turned::new(body, REFUSAL_MAX, Cut::Fails, counted).boxed_unsync(),
        };
        rewritten(&mut head.headers, if streamed { "text/event-stream" } else { "application/json" });
        Response::from_parts(head, body)
    }

    fn name_dropped(&self, headers: &mut HeaderMap) {
        let (Self::Converse { dropped, .. } | Self::Count { dropped }) = self else { return };
        if let Ok(named) = HeaderValue::from_str(&dropped.join(", "))
            && !dropped.is_empty()
        {
            headers.insert(DROPPED, named);
        }
    }
}

/// A body that is another than what came: neither its type nor its length are those that the head tells.
fn rewritten(headers: &mut HeaderMap, kind: &'static str) {
    headers.remove(CONTENT_LENGTH);
    // Identity was asked for.
    headers.remove(CONTENT_ENCODING);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
}

fn is_event_stream(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split_once(';').map_or(kind, |(kind, _)| kind);
    kind.trim().eq_ignore_ascii_case(EVENT_STREAM)
}

fn message_id(headers: &HeaderMap) -> String {
    let told = headers.get(errors::REQUEST_ID).and_then(|id| id.to_str().ok()).unwrap_or_default();
    let plain: String = told.chars().filter(char::is_ascii_alphanumeric).collect();
    format!("{ID}{plain}")
}

/// Bedrock's count in Anthropic's words.
fn counted(body: &[u8]) -> Result<Bytes, Error> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Count {
        input_tokens: u64,
    }
    let count: Count = serde_json::from_slice(body)
        .map_err(|error| Error::new(Kind::Upstream, format!("Bedrock's count can't be read: {error}")))?;
    Ok(Bytes::from(format!("{{\"input_tokens\":{}}}", count.input_tokens)))
}
