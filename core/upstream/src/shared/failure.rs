//! What a failure of a stream of HTTP/2 means.

use h2::Reason;
use http::uri::Authority;
use sluice_api::error::{Condition, Error, Fault, Kind, Scope};

use super::connection::Place;
use crate::broken::broken;

/// What a failure of a stream means. What ends a connection is one failure, however many requests were on it.
pub(super) fn failure(error: &h2::Error, place: &Place, authority: &Authority) -> Error {
    let refusal = place.refusal(authority.host()).filter(|_| !error.is_reset());
    let told = refusal.map_or_else(|| broken(error, authority), |why| Error::new(Kind::Upstream, why));
    // Where h2 itself says so, it is about what this connection was sent.
    let told = if error.is_remote() && error.reason() == Some(Reason::ENHANCE_YOUR_CALM) {
        told.blame(Fault::Provider, Scope::Account).condition(Some(Condition::Overloaded))
    } else {
        told
    };
    if error.is_reset() { told } else { told.connection(place.named()) }
}
