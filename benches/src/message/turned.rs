//! What Sluice makes of an upstream's answer in another dialect: by its own functions, in this process.

use sluice_api::dialect::{Api, Form as Framed, Operation};
use sluice_translate::{Asking, Head, Translation, Upstream};

use crate::Result;
use crate::kind::{Dialect, Form, Kind};

/// What stands for an answer's id, and for its time, which are others each time.
const ID: &str = "ZZZZZZZZZZZZZZZZ";
const CREATED: i64 = 1_999_999_999;

/// The body of the answer; a byte that is zero stands for any.
pub(super) fn answer(kind: Kind, request: &[u8], upstreams: &[u8]) -> Result<Vec<u8>> {
    let at = memchr::memmem::find(request, b"\r\n\r\n").ok_or("a request has no body")? + 4;
    let form = if matches!(kind.form(), Form::Json(_)) { Framed::Whole } else { Framed::Sse };
    let upstream = Upstream {
        model: kind.model(),
        provider: if kind.speaks() == Dialect::Claude { "claude-console" } else { "openai" },
        account: "upstream-0",
        operation: Operation::Generate,
        form,
        max_output: None,
        include_usage: true,
    };
    let (client, speaks) = (api(kind.dialect()), api(kind.speaks()));
    let body = request.get(at..).unwrap_or_default();
    let told = |error: sluice_api::error::Error| error.to_string();
    let (_, translation) = Translation::of(&Asking { client, body, speaks, upstream }).map_err(told)?;
    let model = kind.model().to_owned();
    let head = Head { id: ID.to_owned(), model, created: CREATED, request_id: "".into() };
    let answer = match form {
        Framed::Sse => {
            let mut stream = translation.stream(&head, form);
            let mut all = stream.feed(upstreams).to_vec();
            all.extend(stream.finish());
            all
        }
        _ => translation.whole(upstreams, &head, form).map_err(told)?.to_vec(),
    };
    Ok(masked(&masked(&answer, ID), &CREATED.to_string()))
}

const fn api(dialect: Dialect) -> Api {
    match dialect {
        Dialect::Claude => Api::Anthropic,
        Dialect::Chat => Api::OpenaiChat,
        Dialect::Responses => Api::OpenaiResponses,
    }
}

/// The same with zeros where this stands.
fn masked(answer: &[u8], what: &str) -> Vec<u8> {
    let mut masked = answer.to_vec();
    for at in memchr::memmem::find_iter(answer, what) {
        if let Some(place) = masked.get_mut(at..at + what.len()) {
            place.fill(0);
        }
    }
    masked
}
