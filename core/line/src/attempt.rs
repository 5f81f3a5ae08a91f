//! One attempt on one account: build, send, and wait until the upstream has begun to answer.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use jiff::Timestamp;
use sluice_api::dialect::{Api, Form, Operation};
use sluice_api::error::{Error, Kind};
use sluice_api::provider::{Body, Call, Failure, Prepared};
use sluice_fleet::choosing::candidates::Target;
use sluice_upstream::Stale;
use sluice_upstream::timer::in_time;
use sluice_wire::headers;
use sluice_wire::request::caching;

use crate::ask::Ask;
use crate::caller::Caller;
use crate::inbound::Inbound;
use crate::outgoing::{self, Outgoing};
use crate::serving::Serving;
use crate::settle::Settlement;
use crate::source::{Answered, Expected};
use crate::{estimate, reading, refusal};

/// Sends the request to one account and waits for the first event of its answer.
///
/// # Errors
///
/// Whatever went wrong before anything could be handed to the client, classified by the provider.
pub(crate) async fn attempt(
    serving: Serving<'_>,
    inbound: &mut Inbound,
    (target, outgoing): (&Target, Outgoing),
    settlement: &mut Settlement,
) -> Result<Answered, Error> {
    let Serving { gateway, ask, .. } = serving;
    let config = &target.account.config;
    let caller = Caller::new(gateway, serving.snapshot, &target.account)?;
    let mut sending =
        Sending { caller, inbound, ask, outgoing, target, now: gateway.now(), secrets: Vec::new() };
    let wait = config.timeouts.first_byte;
    let deadline = Instant::now() + wait;
    let mut response = sending.send(deadline, settlement).await?;
    // Credentials that were refused may only have grown old: new ones are worth one more try on the same account.
    if response.status() == StatusCode::UNAUTHORIZED
        && credentials(deadline, wait, pin!(sending.caller.renew(sending.now))).await?
    {
        response = sending.send(deadline, settlement).await?;
    }
    let (head, body) = response.into_parts();
    let (mut head, body) = sluice_bodies::answer(head, body);
    if !head.status.is_success() {
        let body = refusal::read(body).await;
        let Outgoing { speaks, operation, .. } = sending.outgoing;
        settlement.spends(&refusal::used(&body, speaks, operation), &head.headers);
        return Err(sending.refused(head, body, gateway.now()));
    }
    let outgoing = &sending.outgoing;
    let translated =
        outgoing.translation.as_ref().map(|how| (Arc::clone(how), outgoing::head(serving, settlement)));
    let expected = Expected {
        api: ask.route.api,
        speaks: outgoing.speaks,
        operation: outgoing.operation,
        asked: outgoing.form,
        form: ask.form,
        labelled: label(&head.headers, outgoing.form),
        hides_usage: outgoing.hides_usage,
        caches_long: outgoing.speaks == Api::OpenaiChat && caching::is_long(&outgoing.body),
        idle: config.timeouts.idle,
        sent: (outgoing.body.len() as u64).div_ceil(estimate::BYTES_PER_TOKEN),
        translated,
    };
    // Before the answer is read, as it may be read whole.
    settlement.answered(&head.headers);
    let source = within(deadline, wait, ask, pin!(reading::begin(body, &expected, settlement))).await??;
    if source.is_page() {
        // Servers of web pages answer so to whatever path they do not know.
        let counts = ask.route.operation == Operation::CountTokens;
        return Err(if counts { refusal::page().missing() } else { refusal::page() });
    }
    if let Some(error) = source.first_error() {
        settlement.spends(source.seen(), &head.headers);
        let (status, headers, now) = (error.status, &head.headers, gateway.now());
        let failure = Failure::event(status, headers, &error.data, now);
        let body = error.body(outgoing.speaks);
        let answer = outgoing.refusal((status, HeaderMap::new()), body, &settlement.request_id());
        return Err(refusal::handed_on(config.provider.classify(&failure), answer, &sending.secrets));
    }
    headers::relayed_down(&mut head.headers);
    if !source.keeps_length() {
        head.headers.remove(CONTENT_LENGTH);
    }
    outgoing.heads(ask.form, &mut head.headers);
    Ok(Answered { status: head.status, headers: head.headers, source })
}

/// A request on its way to one account.
struct Sending<'a> {
    caller: Caller<'a>,
    inbound: &'a mut Inbound,
    ask: &'a Ask,
    outgoing: Outgoing,
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
        let config = &self.target.account.config;
        let wait = config.timeouts.first_byte;
        // New credentials are awaited no longer than an answer; who gets them goes on.
        let prepared = credentials(deadline, wait, pin!(self.prepare())).await?;
        self.secrets =
            prepared.request.headers().values().filter(|value| value.is_sensitive()).cloned().collect();
        let transport = self.caller.one_try(stale);
        let cx = self.caller.cx(&transport, self.now);
        settlement.sent(prepared.request.uri());
        let mut sent = config.provider.send(&cx, prepared);
        within(deadline, wait, self.ask, sent.as_mut()).await?.map_err(unanswered)
    }

    async fn prepare(&mut self) -> Result<Prepared, Error> {
        let (route, outgoing) = (&self.ask.route, &self.outgoing);
        let model = Arc::clone(&self.target.model);
        let mut call = Call::new(outgoing.speaks, outgoing.operation, outgoing.form, model);
        call.asked = Arc::clone(&self.target.asked);
        call.collection = route.collection;
        call.headers = self.inbound.relayed();
        call.body = outgoing.body.clone();
        match outgoing.translation {
            None => call.query = self.inbound.query.clone(),
            // What a client tells in another dialect's headers and query is nothing to this account's.
            Some(_) => sluice_translate::of_no_dialect(&mut call.headers),
        }
        self.caller.prepare(call, self.now).await
    }

    /// What the upstream's refusal means.
    fn refused(&self, head: http::response::Parts, body: Bytes, now: Timestamp) -> Error {
        let (status, headers) = (head.status, &head.headers);
        let failure = Failure::answer(status, headers, &body, now);
        let error = self.target.account.config.provider.classify(&failure);
        let counts = self.ask.route.operation == Operation::CountTokens;
        let models = [self.ask.model.as_str(), &self.target.model];
        let error =
            if counts && estimate::is_missing(head.status, &body, models) { error.missing() } else { error };
        let request_id = &self.inbound.request_id;
        let answer = self.outgoing.refusal((head.status, head.headers), body, request_id);
        refusal::handed_on(error, answer, &self.secrets)
    }
}

/// How the answer is framed by its content type. How its body begins tells more, where a stream is about.
fn label(headers: &HeaderMap, asked: Form) -> Form {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if kind.trim_start().get(..17).is_some_and(|start| start.eq_ignore_ascii_case("text/event-stream")) {
        return Form::Sse;
    }
    if kind.is_empty() {
        return asked;
    }
    if asked == Form::JsonArray { Form::JsonArray } else { Form::Whole }
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
