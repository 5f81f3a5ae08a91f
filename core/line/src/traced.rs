//! What traces have of a request beside its record: noted only where traces are sent.

use std::sync::Arc;
use std::time::Duration;

use http::uri::Scheme;
use http::{HeaderMap, Uri};
use sluice_api::record::traced::{Attempt, Beside, Server, Traced};
use sluice_fleet::choosing::candidates::Target;

/// The longest `traceparent` that is kept: what its specification has is shorter.
const PARENT_MAX: usize = 256;

/// Of a request with these headers.
pub(crate) fn of(headers: &HeaderMap) -> Beside {
    let parent = headers.get("traceparent").and_then(|value| value.to_str().ok());
    let parent = parent.filter(|parent| parent.len() <= PARENT_MAX).map(Into::into);
    Beside(Some(Box::new(Traced::below(parent))))
}

/// An attempt has begun, so long after the request.
pub(crate) fn begin(beside: &mut Beside, target: &Target, after: impl FnOnce() -> Duration) {
    if let Some(traced) = &mut beside.0 {
        let (account, model) = (Arc::clone(&target.account.name), Arc::clone(&target.model));
        traced.attempts.push(Attempt::begun(account, target.provider, model, after()));
    }
}

/// It is sent there.
pub(crate) fn sent(beside: &mut Beside, to: &Uri) {
    if let Some(attempt) = beside.0.as_mut().and_then(|traced| traced.attempts.last_mut()) {
        attempt.server = to.host().map(|host| {
            let usual = if to.scheme() == Some(&Scheme::HTTP) { 80 } else { 443 };
            Server::new(host.into(), to.port_u16().unwrap_or(usual))
        });
    }
}

/// It failed, so long after the request's beginning.
pub(crate) fn failed(beside: &mut Beside, after: impl FnOnce() -> Duration) {
    if let Some(attempt) = beside.0.as_mut().and_then(|traced| traced.attempts.last_mut()) {
        attempt.ended = Some(after());
    }
}
