//! The settlement of a request: owned by whatever ends it, so that it happens once, however it ends.

mod apart;
mod draft;
mod end;
mod holding;
mod journal;
mod journalled;
mod limited;
mod told;

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::header::HeaderName;
use http::{HeaderMap, StatusCode, Uri};
use jiff::Timestamp;
use sluice_api::dialect::{Api, Operation};
use sluice_api::error::{Error, Facts, Fault, Kind};
use sluice_api::provider::Failure;
use sluice_api::record::{Holder, Outcome, Record, Try};
use sluice_api::scheduler::Outcome as AttemptOutcome;
use sluice_config::address::ClientAddress;
use sluice_config::key::Key;
use sluice_fleet::account::InFlight;
use sluice_fleet::choosing::candidates::Target;
use sluice_fleet::choosing::order::Order;
use sluice_fleet::reference::Continued;
use sluice_ledger::records::bills::Spent;
use sluice_limits::Entered;
use sluice_wire::answer::meter::{Seen, StreamError};

use crate::ask::{Ask, ClientRoute};
use crate::gateway::Gateway;
use crate::inbound::Inbound;
use crate::serving::Ground;
use crate::snapshot::Snapshot;
use crate::traced;

use draft::Draft;
use holding::Holding;
use journalled::Journalled;

/// Headers of answers that tell the service tier: Gemini's, and Bedrock's where the body is the model's own.
static SERVED_BY: [HeaderName; 2] = [
    HeaderName::from_static("x-gemini-service-tier"),
    HeaderName::from_static("x-amzn-bedrock-service-tier"),
];

/// The service tier that an answer's head tells.
fn tier_of(headers: &HeaderMap) -> Option<&str> {
    let told = SERVED_BY.iter().find_map(|name| headers.get(name)?.to_str().ok());
    told.filter(|told| !told.is_empty())
}

/// Status that stands for a client gone before any answer.
const CLIENT_GONE: u16 = 499;

fn holder(key: &Key) -> Holder {
    let mut holder = Holder::new(Arc::clone(&key.name), Arc::clone(&key.id), Arc::clone(&key.tags));
    holder.group = key.group.as_ref().map(|group| Arc::clone(&group.name));
    holder.user.clone_from(&key.user);
    holder
}

/// Owns what a request holds and knows what is to be recorded of it; drop settles it.
#[derive(Debug)]
pub(crate) struct Settlement {
    gateway: Arc<Gateway>,
    key: Arc<Key>,
    api: Api,
    /// That it was let in, as one of so many of its key or its group.
    entered: Option<Entered>,
    held: Holding,
    place: Option<InFlight>,
    snapshot: Option<Arc<Snapshot>>,
    started: Instant,
    /// Since when the gateway itself is at work.
    mark: Instant,
    /// Whether anything went upstream.
    sent: bool,
    overhead: Duration,
    first_byte: Option<Duration>,
    settled: bool,
    sent_bytes: u64,
    /// What the request refers to, which stays with the account that served it.
    continues: Continued,
    /// The service tier that the answer's head tells, else the one that was asked for: where the answer itself tells none.
    tier: Option<Box<str>>,
    /// What of the request was lowered, as its key may not ask for so much.
    lowered: Option<Box<str>>,
    /// What of it the account's dialect has nothing for.
    left_out: Option<Box<str>>,
    /// How the answer broke off.
    cut: Option<Try>,
    /// What the attempt has used that is about to fail.
    spent: Option<Box<Spent>>,
    /// An answer of which its client was told nothing yet.
    untold: Option<Box<Seen>>,
    /// Whether the account was asked in another dialect than the client's.
    translated: bool,
    /// What the journal has of it.
    journalled: Journalled,
    record: Draft,
}

impl Settlement {
    pub(crate) fn begin(ground: Ground<'_>, key: Arc<Key>, route: &ClientRoute, inbound: &Inbound) -> Self {
        let Ground { gateway, snapshot } = ground;
        let (request_id, started) = (Arc::clone(&inbound.request_id), inbound.started);
        let now = gateway.now();
        // Microseconds are what is kept of it.
        let time = Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now);
        let mut record = Record::new(time, request_id, holder(&key), route.api, route.operation);
        record.id = gateway.records().book().next_id(time);
        record.client = inbound.client.map(|ClientAddress(address)| address);
        if gateway.records().are_traced() {
            record.traced = traced::of(&inbound.headers);
        }
        Self {
            gateway: Arc::clone(gateway),
            api: route.api,
            entered: None,
            held: Holding::default(),
            place: None,
            snapshot: Some(Arc::clone(snapshot)),
            started,
            mark: started,
            sent: false,
            overhead: Duration::ZERO,
            first_byte: None,
            settled: false,
            sent_bytes: 0,
            continues: Continued::default(),
            tier: None,
            lowered: None,
            left_out: None,
            cut: None,
            spent: None,
            untold: None,
            translated: false,
            journalled: Journalled::default(),
            record: Draft::of(record),
            key,
        }
    }

    pub(crate) fn key(&self) -> Arc<Key> {
        Arc::clone(&self.key)
    }

    pub(crate) fn api(&self) -> Api {
        self.api
    }

    pub(crate) fn request_id(&self) -> Arc<str> {
        Arc::clone(&self.record.request_id)
    }

    /// The body was understood.
    pub(crate) fn asked(&mut self, ask: &Ask) {
        let record = &mut *self.record;
        record.model = ask.model.as_str().into();
        record.stream = ask.form.is_stream();
        self.tier = ask.peek.tier.as_deref().map(Into::into);
    }

    /// An upstream has begun to answer.
    pub(crate) fn answered(&mut self, headers: &HeaderMap) {
        if let Some(told) = tier_of(headers) {
            self.tier = Some(told.into());
        }
    }

    /// From here on the client is waited for, which is no work of the gateway's.
    pub(crate) fn waits_for_body(&mut self) {
        self.overhead += self.mark.elapsed();
    }

    /// The body is whole; its length is kept for an estimate of what was sent.
    pub(crate) fn has_body(&mut self, bytes: usize) {
        self.mark = Instant::now();
        tracing::trace!(request_id = %self.record.request_id, bytes, "the body is whole");
        self.sent_bytes = bytes as u64;
    }

    /// What the request refers to is known.
    pub(crate) fn continues(&mut self, continued: Continued) {
        self.continues = continued;
    }

    /// The order of accounts is known.
    pub(crate) fn planned(&mut self, order: &Order) {
        self.record.session = order.session().map(Into::into);
        tracing::debug!(
            request_id = %self.record.request_id,
            key = &*self.record.key,
            model = &*self.record.model,
            candidates = %order.candidates(),
            bound = order.bound(),
            session = order.session(),
            "the request is routed"
        );
    }

    /// An account was picked.
    pub(crate) fn attempt(&mut self, target: &Target, pool: Arc<str>, place: InFlight) {
        self.sent = false;
        let record = &mut *self.record;
        record.attempts += 1;
        record.account = Some(Arc::clone(&target.account.name));
        record.provider = Some(target.account.config.provider.info().kind.into());
        record.pool = Some(pool);
        record.upstream_model = Some(Arc::clone(&target.model));
        traced::begin(&mut record.traced, target, || self.started.elapsed());
        tracing::debug!(
            request_id = %self.record.request_id,
            attempt = self.record.attempts,
            account = &*target.account.name,
            pool = self.record.pool.as_deref(),
            upstream_model = &*target.model,
            in_flight = target.account.state.in_flight(),
            "an account is picked"
        );
        self.place = Some(place);
    }

    /// The account that was picked can't be asked for this: no attempt it was, and its place is free again.
    pub(crate) fn not_asked(&mut self, target: &Target, error: &Error) {
        tracing::debug!(
            request_id = %self.record.request_id,
            account = &*target.account.name,
            reason = error.facts().reason().as_str(),
            "an account can't be asked"
        );
        self.held.leaves_account();
    }

    /// The request is about to go upstream, to this place.
    pub(crate) fn sent(&mut self, to: &Uri) {
        self.overhead += self.mark.elapsed();
        self.sent = true;
        traced::sent(&mut self.record.traced, to);
        if let Some(place) = &mut self.place {
            place.sent(self.gateway.now());
        }
        self.goes_up();
    }

    /// The attempt failed before anything reached the client.
    pub(crate) fn attempt_failed(&mut self, error: &Error) {
        let facts = error.facts();
        tracing::debug!(
            request_id = %self.record.request_id,
            attempt = self.record.attempts,
            account = self.record.account.as_deref(),
            status = facts.answer.as_ref().map(|answer| answer.status.as_u16()),
            fault = facts.fault.name(),
            elsewhere = facts.elsewhere,
            reason = facts.reason().as_str(),
            "the attempt is over without an answer for the client"
        );
        if let Some(mut place) = self.place.take() {
            if facts.condition.is_some() {
                tracing::warn!(
                    request_id = %self.record.request_id,
                    account = &*place.account().name,
                    fault = facts.fault.name(),
                    reason = facts.reason().as_str(),
                    "an attempt failed"
                );
            }
            // What never went upstream says nothing about the account, unless it could not be asked at all. Nor does a
            // fault of the gateway's own.
            let told = self.sent && facts.fault != Fault::Gateway || facts.condition.is_some();
            if told && !self.counts_tokens() {
                place.failed(facts, self.gateway.now());
            }
            let outcome = AttemptOutcome::Failed { fault: facts.fault, scope: facts.scope };
            place.observe(outcome);
            self.is_over(&place, error);
        }
        traced::failed(&mut self.record.traced, || self.started.elapsed());
        self.held.leaves_account();
        // What follows is the gateway's own time again.
        self.mark = Instant::now();
    }

    /// Whether tokens are counted: what that meets, good or bad, says nothing of the requests that are paid.
    fn counts_tokens(&self) -> bool {
        self.record.operation == Operation::CountTokens
    }

    /// The upstream has begun to answer.
    pub(crate) fn answering(&mut self, status: StatusCode) {
        let counting = self.counts_tokens();
        if let Some(place) = self.place.as_mut().filter(|_| !counting) {
            place.answered(self.gateway.now());
        }
        self.record.status = status.as_u16();
        self.first_byte = Some(self.started.elapsed());
        tracing::debug!(
            request_id = %self.record.request_id,
            account = self.record.account.as_deref(),
            status = self.record.status,
            "the answer begins"
        );
    }

    /// The request was refused, or failed before anything reached the client.
    pub(crate) fn refused(&mut self, status: StatusCode, error: &Error) {
        self.record.status = status.as_u16();
        self.record.error = Some(error.kind());
        self.record.outcome = match error.facts().fault {
            _ if self.is_cut() => Outcome::GatewayError,
            Fault::Account | Fault::Provider => Outcome::UpstreamError,
            // What its upstream says of a request that is wrong is an answer, and nothing that failed there.
            Fault::Client if error.facts().answer.is_some() => Outcome::Completed,
            Fault::Client | Fault::Gateway => Outcome::Refused(error.kind().name().into()),
        };
        self.settle(None);
    }

    /// The answer is whole, or ended in the upstream's own error.
    pub(crate) fn completed(&mut self, seen: &Seen) {
        if let Some(told) = &seen.error {
            self.told(told);
            self.record.outcome = Outcome::UpstreamError;
        } else {
            self.record.outcome = Outcome::Completed;
        }
        self.settle(Some(seen));
    }

    /// The upstream told an error in its stream: what that means is the provider's to say.
    fn told(&mut self, error: &StreamError) {
        let now = self.gateway.now();
        let Some(place) = &self.place else { return };
        let headers = HeaderMap::new();
        let failure = Failure::event(error.status, &headers, &error.data, now);
        let meant = place.account().config.provider.classify(&failure);
        self.cut = Some(Try::broke_off(&place.account().name, self.record.status, &meant));
        self.record.error = Some(meant.kind());
        self.broke(meant.facts());
    }

    /// What was answered ended in a failure.
    fn broke(&mut self, facts: &Facts) {
        let (now, counting) = (self.gateway.now(), self.counts_tokens());
        if let Some(place) = self.place.as_mut().filter(|_| !counting) {
            place.failed(facts, now);
        }
    }

    /// The upstream broke off after the first byte.
    pub(crate) fn broken(&mut self, seen: &Seen, error: &Error) {
        let reason = error.facts().reason();
        tracing::warn!(request_id = %self.record.request_id, account = self.record.account.as_deref(), reason, "an answer broke off");
        match &seen.error {
            Some(told) => self.told(told),
            None => {
                self.broke(error.facts());
                self.cut =
                    self.record.account.as_ref().map(|name| Try::broke_off(name, self.record.status, error));
                self.record.error = Some(error.kind());
            }
        }
        self.record.outcome = Outcome::UpstreamError;
        self.settle(Some(seen));
    }

    /// The gateway failed in the middle of the answer.
    pub(crate) fn panicked(&mut self, seen: &Seen) {
        self.record.outcome = Outcome::GatewayError;
        self.record.error = Some(Kind::Internal);
        self.settle(Some(seen));
    }

    /// Whether the gateway ends what still runs.
    pub(crate) fn is_cut(&self) -> bool {
        self.gateway.is_cutting()
    }

    /// The gateway was stopped in the middle of the answer.
    pub(crate) fn cut(&mut self, seen: &Seen, error: &Error) {
        self.record.error = Some(error.kind());
        self.record.outcome = Outcome::GatewayError;
        self.settle(Some(seen));
    }

    /// The body was dropped: the client went away, unless it had everything already.
    pub(crate) fn abandoned(&mut self, seen: &Seen, whole: bool) {
        if self.settled {
            return;
        }
        let failed = seen.error.as_ref().filter(|_| whole && !std::thread::panicking());
        if let Some(told) = failed {
            self.told(told);
        }
        self.record.outcome = match (whole, std::thread::panicking()) {
            (_, true) => Outcome::GatewayError,
            (true, false) if failed.is_some() => Outcome::UpstreamError,
            (true, false) => Outcome::Completed,
            (false, false) if self.is_cut() => Outcome::GatewayError,
            (false, false) => Outcome::ClientGone,
        };
        self.settle(Some(seen));
    }
}

impl Drop for Settlement {
    /// Dropped unsettled: the client went away before any answer, or something panicked.
    fn drop(&mut self) {
        if self.settled {
            return;
        }
        if std::thread::panicking() {
            self.record.status = StatusCode::INTERNAL_SERVER_ERROR.as_u16();
            self.record.outcome = Outcome::GatewayError;
        } else if self.is_cut() {
            self.record.status = StatusCode::SERVICE_UNAVAILABLE.as_u16();
            self.record.outcome = Outcome::GatewayError;
        } else {
            self.record.status = CLIENT_GONE;
            self.record.outcome = Outcome::ClientGone;
        }
        let untold = self.untold.take();
        self.settle(untold.as_deref());
    }
}
