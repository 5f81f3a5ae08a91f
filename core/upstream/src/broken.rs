//! What a connection that failed in the middle of a request is told as.

use http::uri::Authority;
use sluice_api::error::{Error, Kind};

use super::dial::BUFFER_MAX;
use super::secure::{self, When};

/// A failure of a connection as a sentence: its cause, and what to do where TLS is in the way.
pub(super) fn broken(error: &(dyn std::error::Error + 'static), authority: &Authority) -> Error {
    let mut cause = Some(error);
    while let Some(one) = cause {
        // What a server thinks of a client's certificate it says after the handshake.
        if let Some(sentence) = secure::sentence(one, authority.host(), When::InUse) {
            return Error::new(Kind::Upstream, sentence);
        }
        if let Some(parsed) = one.downcast_ref::<hyper::Error>().filter(|error| error.is_parse()) {
            if parsed.is_parse_too_large() {
                return too_large();
            }
            let message = format!("what the upstream answers is no HTTP: {parsed}; is the base URL right?");
            return Error::new(Kind::Upstream, message);
        }
        cause = one.source();
    }
    let told = error.source().map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"));
    Error::new(Kind::Upstream, format!("the upstream broke off: {told}"))
}

/// An answer whose head is longer than what is read of one.
pub(super) fn too_large() -> Error {
    let message =
        format!("the head of the upstream's answer is larger than the {BUFFER_MAX} bytes that are read");
    Error::new(Kind::Upstream, message)
}
