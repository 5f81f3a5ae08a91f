//! The straight line: accept → authenticate → enter → read → route → plan → admit → attempt → stream and meter → settle.

use std::pin::pin;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http::{Request, Response};
use sluice_api::dialect::Api;
use sluice_api::error::Error;
use sluice_config::key::Key;
use sluice_fleet::choosing::candidates::Candidates;
use sluice_fleet::choosing::failed::{Failed, Way};
use sluice_fleet::choosing::order::{Order, Picked};
use sluice_fleet::reference::Continued;
use sluice_fleet::session::Conversation;
use sluice_translate::spliced::lower;
use sluice_wire::request::session::{self, Session};

use crate::ask::{Ask, ClientRoute};
use crate::gateway::Gateway;
use crate::inbound::{self, Inbound};
use crate::outgoing::Outgoing;
use crate::relay::Relay;
use crate::serving::{Ground, Serving};
use crate::settle::Settlement;
use crate::source::Answered;
use crate::{admit, attempt, cut, estimate, refusal};

/// Serves one request of a client API.
///
/// From the moment that a key is known, a `Settlement` owns the request: whichever way it ends, also when this
/// future is dropped because the client went away, it settles once.
pub async fn serve<B>(gateway: &Arc<Gateway>, request: Request<B>, route: ClientRoute) -> Response<Relay>
where
    B: http_body::Body<Data = Bytes> + Unpin,
    B::Error: std::fmt::Display,
{
    let started = Instant::now();
    let snapshot = &gateway.snapshot();
    let (head, body) = request.into_parts();
    let inbound = Inbound::accept(head, started);
    let style = route.style();
    let request_id = Arc::clone(&inbound.request_id);

    let key = match inbound.authenticate(snapshot, gateway.now()) {
        Ok(key) => key,
        Err(error) => {
            gateway.records().refused_unknown(
                route.api,
                &error,
                &request_id,
                inbound.client.map(|client| client.0),
            );
            return Relay::refusal(style, &error, &request_id);
        }
    };
    let ground = Ground { gateway, snapshot };
    let mut settlement = Settlement::begin(ground, key, &route, &inbound);
    let answered = {
        let answer = pin!(answer(ground, Incoming { inbound, body, route }, &mut settlement));
        cut::unless_cut(gateway, answer).await
    };
    match answered.unwrap_or_else(|| Err(cut::error())) {
        Ok(answered) => Relay::stream(answered, settlement, &request_id),
        Err(error) => Relay::refused(style, &error, settlement),
    }
}

/// A request as it comes in.
struct Incoming<B> {
    inbound: Inbound,
    body: B,
    route: ClientRoute,
}

async fn answer<B>(
    ground: Ground<'_>,
    incoming: Incoming<B>,
    settlement: &mut Settlement,
) -> Result<Answered, Error>
where
    B: http_body::Body<Data = Bytes> + Unpin,
    B::Error: std::fmt::Display,
{
    let Ground { gateway, snapshot } = ground;
    let Incoming { mut inbound, body, route } = incoming;
    let key = settlement.key();
    inbound::permit(&key, &route)?;
    gateway.has_store(key.mode)?;
    gateway.records().book().has_room()?;
    // Before the body: a key holds no more bodies than it may have requests, those that wait among them.
    settlement.enters(&route)?;
    settlement.waits_for_body();
    let body = sluice_bodies::read(gateway.bodies(), &snapshot.server, &inbound.headers, body).await?;
    settlement.has_body(body.bytes.len());
    inbound.strip();
    let ask = Ask::read(route, &body.bytes)?;
    settlement.asked(&ask);
    let candidates = snapshot.roster.permitted(&key, ask.wanted());
    let (ask, body) = lowered(ask, body.bytes.clone(), (&key, candidates.as_ref().ok()), settlement)?;
    let serving = Serving { gateway, snapshot, ask: &ask, body: &body };
    let relayed = match candidates {
        Ok(candidates) => relayed(serving, inbound, candidates, settlement).await,
        Err(none) => Err(none),
    };
    let answered = estimate::or_estimate(relayed, serving, &key)?;
    settlement.answering(answered.status);
    Ok(answered)
}

/// The request with no more output asked for than its key, its group and its route allow.
fn lowered(
    ask: Ask,
    body: Bytes,
    (key, candidates): (&Key, Option<&Arc<Candidates>>),
    settlement: &mut Settlement,
) -> Result<(Ask, Bytes), Error> {
    let group = key.group.as_ref().and_then(|group| group.max_output_tokens);
    let route = candidates.and_then(|candidates| candidates.max_output_tokens);
    let bounds = [key.max_output_tokens, group, route];
    let Some(most) = bounds.into_iter().flatten().min() else { return Ok((ask, body)) };
    let Some((body, names)) = lower(ask.route.api, &body, most) else { return Ok((ask, body)) };
    settlement.has_lowered(&names);
    Ok((Ask::read(ask.route, &body)?, body))
}

async fn relayed(
    serving: Serving<'_>,
    mut inbound: Inbound,
    candidates: Arc<Candidates>,
    settlement: &mut Settlement,
) -> Result<Answered, Error> {
    let Serving { gateway, ask, body, .. } = serving;
    let key = settlement.key();
    let session = session::session(ask.route.api, &inbound.headers, body, &ask.peek);
    let continued = continued(serving, &key).await?;
    let bound = continued.account.clone();
    settlement.continues(continued);
    if let (Some(session), None) = (&session, &bound) {
        recalled(serving, &key, &candidates, session).await;
    }

    let mut order = Order::new(candidates, session, bound);
    settlement.planned(&order);
    let mut failure: Option<Failed> = None;
    loop {
        let (target, pool, place) = match admit::next(serving, &mut order, settlement).await {
            Ok(Picked { target, pool, place }) => (target, pool, place),
            Err(none) => {
                let picking = admit::picking(serving, &key, gateway.now());
                let Failed { error, way } = Failed::last(failure, none, &order, &picking);
                let is_translated = way == Way::Translated;
                return Err(if is_translated { refusal::with_wait(ask.route.style(), error) } else { error });
            }
        };
        let outgoing = match Outgoing::of(serving, &target, settlement) {
            Ok(outgoing) => outgoing,
            Err(error) => {
                settlement.not_asked(&target, &error);
                order.not_asked();
                failure = Some(Failed { error, way: Way::Unasked }.after(failure));
                continue;
            }
        };
        settlement.attempt(&target, pool, place);
        match attempt::attempt(serving, &mut inbound, (&target, outgoing), settlement).await {
            Ok(answered) => return Ok(answered),
            Err(error) => {
                settlement.attempt_failed(&error);
                order.failed(&error, &admit::picking(serving, &key, gateway.now()));
                if !error.facts().elsewhere {
                    return Err(error);
                }
                let way = if settlement.is_translated() { Way::Translated } else { Way::Own };
                failure = Some(Failed { error, way }.after(failure));
            }
        }
    }
}

/// Has in memory where the session of a request is, which another gateway may have served before.
async fn recalled(serving: Serving<'_>, key: &Key, candidates: &Candidates, session: &Session) {
    let Serving { gateway, snapshot, .. } = serving;
    let store = &**gateway.store();
    if store.is_shared() && session.follows && !snapshot.choosing.sticky_ttl.is_zero() {
        let pools = candidates.pools.iter().map(|pool| &*pool.name);
        let of = |pool| Conversation { key: &key.id, pool, session: &session.name };
        // Boxed, as requests of a gateway that is alone need no room for it.
        Box::pin(gateway.fleet().sessions().recall(pools.map(of), store, gateway.now())).await;
    }
}

/// What a request refers to, and what comes of that.
async fn continued(serving: Serving<'_>, key: &Key) -> Result<Continued, Error> {
    let Serving { gateway, ask, body, .. } = serving;
    let named = match ask.route.api {
        Api::OpenaiResponses => session::references(body, &ask.peek)?,
        _ => Vec::new(),
    };
    if named.is_empty() {
        return Ok(Continued::default());
    }
    gateway.references().continued(&key.id, named, &**gateway.store(), gateway.now()).await
}
