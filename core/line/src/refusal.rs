//! An upstream's refusal: read within bounds, and what of it is for the client.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::HeaderValue;
use http_body_util::BodyExt;
use sluice_api::dialect::{Api, Form, Operation};
use sluice_api::error::{Answer, Condition, Error, Fault, Kind};
use sluice_api::provider::Body;
use sluice_wire::answer::meter::{Meter, Seen};
use sluice_wire::refusal::Refusal;
use sluice_wire::refusal::again;
use sluice_wire::refusal::render::Style;

/// Most of an upstream's refusal that is read.
const REFUSAL_MAX: usize = 1024 * 1024;

/// Characters of it that operators are told: its sentence, or its beginning where it has none.
const SAID_MAX: usize = 200;

/// How long an upstream may take for the body of its refusal: then what has come of it will do.
const REFUSAL_WAIT: Duration = Duration::from_secs(10);

/// A web page came where an answer was due.
pub(crate) fn page() -> Error {
    let message = "the upstream answered with a web page where its API was asked: look at what stands before it, and at the account's base_url";
    Error::new(Kind::Upstream, message)
}

/// A refusal's body within bounds of size and time; what comes of one that breaks off, or drips.
pub(crate) async fn read(body: Body) -> Bytes {
    read_within(REFUSAL_WAIT, body).await
}

async fn read_within(wait: Duration, mut body: Body) -> Bytes {
    let mut read = BytesMut::new();
    let until = tokio::time::Instant::now() + wait;
    while let Ok(Some(Ok(frame))) = tokio::time::timeout_at(until, body.frame()).await {
        let Ok(data) = frame.into_data() else { continue };
        let room = REFUSAL_MAX - read.len();
        read.extend_from_slice(data.get(..room.min(data.len())).unwrap_or_default());
        if read.len() >= REFUSAL_MAX {
            break;
        }
    }
    read.freeze()
}

/// What was used, of a refusal that tells it beside its error.
pub(crate) fn used(body: &[u8], speaks: Api, operation: Operation) -> Seen {
    let mut meter = Meter::new(speaks, operation, Form::Whole);
    meter.feed(body);
    meter.seen().clone()
}

/// The error with the upstream's answer, unless that is not for the client: its key is not to blame for what is the
/// account's own fault, and the answer names the account. Then it gets a 502 of ours.
pub(crate) fn handed_on(error: Error, answer: Answer, secrets: &[HeaderValue]) -> Error {
    let facts = error.facts();
    let hidden = facts.fault == Fault::Account && facts.condition != Some(Condition::RateLimited);
    let hidden = hidden || answer.status.is_redirection();
    // A page that stands before the API: as a 401 or 403 it would blame the client's key, as a 404 its model.
    let hidden = hidden || (facts.fault == Fault::Provider && matches!(answer.status.as_u16(), 401..=404));
    let error = error.said(said(&answer.body, secrets));
    if hidden { error } else { error.answer(answer) }
}

/// A translated answer tells the wait where its client's dialect does.
pub(crate) fn with_wait(style: Style, error: Error) -> Error {
    let facts = error.facts();
    let (Some(answer), Some(wait)) = (&facts.answer, facts.retry_after) else { return error };
    let body = again::with_wait(style, answer.status, wait, &answer.body);
    let mut headers = answer.headers.clone();
    again::tell_overload(&mut headers, answer.status, wait);
    let answer = Answer::new(answer.status, headers, body);
    error.answer(answer)
}

/// What an answer says, for operators: its sentence, or how it begins where it has none.
fn said(body: &[u8], secrets: &[HeaderValue]) -> String {
    let message = Refusal::read(body).message;
    // Masked before it is cut: a part of a secret is one too.
    let mut said = if message.is_empty() { String::from_utf8_lossy(body).into_owned() } else { message };
    for secret in secrets.iter().filter_map(|value| value.to_str().ok()) {
        let secret = secret.strip_prefix("Bearer ").unwrap_or(secret);
        if !secret.is_empty() {
            said = said.replace(secret, "***");
        }
    }
    said.trim().chars().take(SAID_MAX).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;
    use futures_util::{StreamExt, stream};
    use http_body::Frame;
    use http_body_util::{BodyExt, StreamBody};

    use super::{REFUSAL_MAX, read_within};

    #[tokio::test]
    async fn a_refusal_that_drips_is_read_for_so_long_and_no_longer() {
        let drips = stream::repeat(b'x').then(|byte| async move {
            tokio::time::sleep(Duration::from_millis(1)).await;
            Ok(Frame::data(Bytes::copy_from_slice(&[byte])))
        });
        let body = BodyExt::boxed_unsync(StreamBody::new(drips));
        let read = read_within(Duration::from_millis(100), body).await;
        assert!(read.len() < REFUSAL_MAX && read.iter().all(|byte| *byte == b'x'), "{}", read.len());
    }
}
