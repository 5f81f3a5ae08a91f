//! One attempt on one account: build, send, and wait until the upstream has begun to answer.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use http_body_util::BodyExt;
use sluice_api::error::Answer;
use sluice_api::provider::{Body, Call, CallCx, Failure, ModelPlace, Provider, Told};
use sluice_api::{Api, Condition, Error, Fault, Form, Kind, Operation, Timestamp};
use sluice_upstream::timer::in_time;
use sluice_upstream::{Once, Stale};
use sluice_wire::refusal::Refusal;
use sluice_wire::{headers, splice};

use crate::account::Account;
use crate::ask::Ask;
use crate::gateway::Gateway;
use crate::inbound::Inbound;
use crate::route::Target;
use crate::settle::Settlement;
use crate::source::{Answered, Reading, Source};
use crate::{body, decode, estimate};

/// Most of an upstream's refusal that is read.
const REFUSAL_MAX: usize = 1024 * 1024;

/// Characters of it that operators are told: its sentence, or its beginning where it has none.
const SAID_MAX: usize = 200;

/// How long an upstream may take for the body of its refusal: then what has come of it will do.
const REFUSAL_WAIT: Duration = Duration::from_secs(10);

/// Sends the request to one account and waits for the first event of its answer.
///
/// # Errors
///
/// Whatever went wrong before anything could be handed to the client, classified by the provider.
pub(crate) async fn attempt(
    gateway: &Arc<Gateway>,
    inbound: &mut Inbound,
    ask: &Ask,
    body: &body::Body,
    target: &Target,
    settlement: &mut Settlement,
) -> Result<Answered, Error> {
    let config = &target.account.config;
    let provider = &config.provider;
    let (bytes, hides_usage) = request_body(ask, &body.bytes, target);
    let now = gateway.now();
    let mut sending = Sending { gateway, inbound, ask, bytes, target, now, secrets: Vec::new() };
    let wait = config.timeouts.first_byte;
    let deadline = Instant::now() + wait;
    let mut response = sending.send(deadline, settlement).await?;
    // Credentials that were refused may only have grown old: new ones are worth one more try on the same account.
    if response.status() == StatusCode::UNAUTHORIZED
        && credentials(deadline, wait, pin!(sending.renew())).await?
    {
        response = sending.send(deadline, settlement).await?;
    }
    let (head, body) = response.into_parts();
    let (mut head, body) = decoded(head, body);
    if !head.status.is_success() {
        let error = refusal(provider.as_ref(), head, body, &sending, gateway.now()).await;
        return Err(error);
    }
    let reading = Reading {
        api: ask.route.api,
        operation: ask.route.operation,
        asked: ask.form,
        labelled: label(&head.headers, ask),
        hides_usage,
        idle: config.timeouts.idle,
    };
    let source = within(deadline, wait, ask, pin!(Source::begin(body, reading))).await??;
    if source.is_page() {
        // Servers of web pages answer so to whatever path they do not know.
        let counts = ask.route.operation == Operation::CountTokens;
        return Err(if counts { page().missing() } else { page() });
    }
    if let Some(error) = source.first_error() {
        let (status, headers, now) = (error.status, &head.headers, gateway.now());
        let failure = Failure { told: Told::Event, status, headers, body: &error.data, now };
        let body = error.body(ask.route.api);
        let answer = Answer { status, headers: HeaderMap::new(), body };
        return Err(handed_on(provider.classify(&failure), answer, &sending.secrets));
    }
    headers::relayed_down(&mut head.headers);
    if !source.keeps_length() {
        head.headers.remove(CONTENT_LENGTH);
    }
    Ok(Answered { status: head.status, headers: head.headers, source })
}

/// A request on its way to one account.
struct Sending<'a> {
    gateway: &'a Arc<Gateway>,
    inbound: &'a mut Inbound,
    ask: &'a Ask,
    bytes: Bytes,
    target: &'a Target,
    /// When the attempt began; the same for `prepare` and `renew`, which tells by it which token was refused.
    now: Timestamp,
    /// What it was sent with and must never print, not even where an upstream repeats it.
    secrets: Vec<HeaderValue>,
}

impl Sending<'_> {
    /// Builds and sends the request; once more on a fresh connection where a kept one had gone stale.
    async fn send(
        &mut self,
        deadline: Instant,
        settlement: &mut Settlement,
    ) -> Result<Response<Body>, Error> {
        match self.send_once(Stale::Told, deadline, settlement).await {
            Err(error) if error.facts().unanswered => {
                self.send_once(Stale::Fresh, deadline, settlement).await
            }
            answered => answered,
        }
    }

    async fn send_once(
        &mut self,
        stale: Stale,
        deadline: Instant,
        settlement: &mut Settlement,
    ) -> Result<Response<Body>, Error> {
        let account = &self.target.account;
        let wait = account.config.timeouts.first_byte;
        // New credentials are awaited no longer than an answer; who gets them goes on.
        let request = credentials(deadline, wait, pin!(self.prepare())).await?;
        self.secrets = request.headers().values().filter(|value| value.is_sensitive()).cloned().collect();
        let once = Once { way: &account.way, stale };
        let cx = CallCx { transport: &once, vault: &**self.gateway, now: self.now };
        settlement.sent();
        let mut sent = account.config.provider.send(&cx, request);
        within(deadline, wait, self.ask, sent.as_mut()).await?.map_err(unanswered)
    }

    async fn prepare(&mut self) -> Result<Request<Bytes>, Error> {
        let call = Call {
            api: self.ask.route.api,
            operation: self.ask.route.operation,
            form: self.ask.form,
            model: self.target.model.to_string(),
            asked: self.target.asked.to_string(),
            collection: self.ask.route.collection,
            query: self.inbound.query.clone(),
            headers: self.inbound.relayed(),
            body: self.bytes.clone(),
        };
        prepare(self.gateway, &self.target.account, call, self.now).await
    }

    async fn renew(&self) -> Result<bool, Error> {
        renew(self.gateway, &self.target.account, self.now).await
    }
}

/// Builds and signs a request, with the headers that the account's configuration sets.
pub(crate) async fn prepare(
    gateway: &Arc<Gateway>,
    account: &Arc<Account>,
    call: Call,
    now: Timestamp,
) -> Result<Request<Bytes>, Error> {
    let (vault, own) = (Arc::clone(gateway), Arc::clone(account));
    // To its end, also when the client leaves: a token that a server has replaced, and that nobody has kept, is lost.
    let prepared = gateway.tasks().to_its_end(async move {
        let cx = CallCx { transport: &*own.way, vault: &*vault, now };
        own.config.provider.prepare(&cx, call).await
    });
    let mut request = prepared.await?;
    renew_ahead(gateway, account, now);
    for (name, value) in &account.config.headers {
        request.headers_mut().insert(name, value.clone());
    }
    Ok(request)
}

/// Has credentials that end soon renewed beside the requests that still use them.
fn renew_ahead(gateway: &Arc<Gateway>, account: &Arc<Account>, now: Timestamp) {
    if !account.config.provider.bearer().is_some_and(|bearer| bearer.begins_renewal(now)) {
        return;
    }
    let (vault, account) = (Arc::clone(gateway), Arc::clone(account));
    gateway.tasks().spawn(async move {
        let Some(bearer) = account.config.provider.bearer() else { return };
        let cx = CallCx { transport: &*account.way, vault: &*vault, now };
        if let Err(error) = bearer.renew_ahead(&cx).await {
            tracing::warn!(account = &*account.name, %error, "a token that ends soon could not be renewed: it is used on, and the next try is due in a while");
        }
    });
}

/// Gets new credentials after a 401; whether there are some.
pub(crate) async fn renew(
    gateway: &Arc<Gateway>,
    account: &Arc<Account>,
    now: Timestamp,
) -> Result<bool, Error> {
    let (vault, account) = (Arc::clone(gateway), Arc::clone(account));
    let renewed = gateway.tasks().to_its_end(async move {
        let cx = CallCx { transport: &*account.way, vault: &*vault, now };
        account.config.provider.renew(&cx).await
    });
    renewed.await
}

/// The body to send, and whether the usage it asks for is to be hidden from the client.
fn request_body(ask: &Ask, body: &Bytes, target: &Target) -> (Bytes, bool) {
    let mapped = *target.model != *ask.model;
    let missing = ask.peek.model.is_none() && target.model_in == ModelPlace::Body;
    let other = ask.route.model.is_some()
        && target.model_in == ModelPlace::Body
        && ask.peek.model.as_ref().is_some_and(|spot| spot.text != *target.model);
    let names_model = ask.route.api != Api::Gemini;
    let mut edits = Vec::new();
    if mapped || (names_model && other) {
        splice::model(&ask.peek, &target.model, &mut edits);
    }
    if missing && names_model {
        splice::insert_model(&ask.peek, &target.model, &mut edits);
    }
    let asks_usage = ask.route.api == Api::OpenaiChat
        && ask.route.operation == Operation::Generate
        && ask.form == Form::Sse
        && target.account.config.include_usage
        && splice::include_usage(&ask.peek, &mut edits);
    if edits.is_empty() {
        return (body.clone(), asks_usage);
    }
    (splice::splice(body, edits), asks_usage)
}

/// How the answer is framed by its content type. How its body begins tells more, where a stream is about.
fn label(headers: &HeaderMap, ask: &Ask) -> Form {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if kind.trim_start().get(..17).is_some_and(|start| start.eq_ignore_ascii_case("text/event-stream")) {
        return Form::Sse;
    }
    if kind.is_empty() {
        return ask.form;
    }
    if ask.form == Form::JsonArray { Form::JsonArray } else { Form::Whole }
}

pub(crate) fn decoded(mut head: http::response::Parts, body: Body) -> (http::response::Parts, Body) {
    let Some(coding) = head.headers.get(CONTENT_ENCODING).and_then(|value| value.to_str().ok()) else {
        return (head, body);
    };
    match decode::response(coding, body) {
        Ok(plain) => {
            head.headers.remove(CONTENT_ENCODING);
            head.headers.remove(CONTENT_LENGTH);
            (head, plain)
        }
        Err(body) => (head, body),
    }
}

async fn refusal(
    provider: &dyn Provider,
    head: http::response::Parts,
    body: Body,
    sending: &Sending<'_>,
    now: Timestamp,
) -> Error {
    let body = read_refusal(body).await;
    let (status, headers) = (head.status, &head.headers);
    let failure = Failure { told: Told::Answer, status, headers, body: &body, now };
    let error = provider.classify(&failure);
    let ask = sending.ask;
    let counts = ask.route.operation == Operation::CountTokens;
    let models = [ask.model.as_str(), &sending.target.model];
    let error =
        if counts && estimate::is_missing(head.status, &body, models) { error.missing() } else { error };
    handed_on(error, Answer { status: head.status, headers: head.headers, body }, &sending.secrets)
}

/// A web page came where an answer was due.
pub(crate) fn page() -> Error {
    let message = "the upstream answered with a web page where its API was asked: look at what stands before it, and at the account's base_url";
    Error::new(Kind::Upstream, message)
}

/// A refusal's body within bounds of size and time; what comes of one that breaks off, or drips.
pub(crate) async fn read_refusal(body: Body) -> Bytes {
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

/// The error with the upstream's answer, unless that is not for the client: its key is not to blame for what is the
/// account's own fault, and the answer names the account. Then it gets a 502 of ours.
fn handed_on(error: Error, answer: Answer, secrets: &[HeaderValue]) -> Error {
    let facts = error.facts();
    let hidden = facts.fault == Fault::Account && facts.condition != Some(Condition::RateLimited);
    let hidden = hidden || answer.status.is_redirection();
    // A page that stands before the API: as a 401 or 403 it would blame the client's key, as a 404 its model.
    let hidden = hidden || (facts.fault == Fault::Provider && matches!(answer.status.as_u16(), 401..=404));
    let error = error.said(said(&answer.body, secrets));
    if hidden { error } else { error.answer(answer) }
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

/// Waits for what needs credentials; nothing was asked of upstream by it, so that another account may be.
async fn credentials<T>(
    deadline: Instant,
    wait: Duration,
    future: Pin<&mut impl Future<Output = Result<T, Error>>>,
) -> Result<T, Error> {
    let had = in_time(deadline, future).await.unwrap_or_else(|| {
        let message = format!("the account's credentials could not be had in {} s", wait.as_secs_f32());
        Err(Error::new(Kind::UpstreamTimeout, message))
    });
    had.map_err(without_credentials)
}

/// What clients are told of credentials that could not be had; why is for operators. What is wrong with the request
/// itself stays as it is.
fn without_credentials(cause: Error) -> Error {
    match cause.kind() {
        Kind::Upstream | Kind::UpstreamTimeout => cause.reworded(
            "the gateway has no credentials for the upstream now: try again later, or ask your operator",
        ),
        _ => cause,
    }
}

/// What clients are told of a request that came back without an answer. Its cause names the account's address, and is
/// for operators.
fn unanswered(cause: Error) -> Error {
    let what = match cause.kind() {
        Kind::UpstreamTimeout => "the upstream could not be reached in time",
        Kind::Upstream => "the upstream could not be reached, or gave no answer",
        _ => "the gateway could not send the request upstream",
    };
    cause.reworded(format!("{what}: try again later, or ask your operator"))
}

async fn within<T>(
    deadline: Instant,
    wait: Duration,
    ask: &Ask,
    future: Pin<&mut (impl Future<Output = T> + ?Sized)>,
) -> Result<T, Error> {
    in_time(deadline, future).await.ok_or_else(|| {
        let message = format!("the upstream had not begun to answer after {} s", wait.as_secs_f32());
        // An answer that is not streamed may be there already, and would be paid twice.
        Error::new(Kind::UpstreamTimeout, message).elsewhere(ask.form.is_stream())
    })
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
