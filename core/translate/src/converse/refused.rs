//! What is said of something that Converse has no counterpart for.

use sluice_api::error::Error;

pub(super) fn refused(at: &str, what: &str) -> Error {
    let message =
        format!("`{at}`: {what} has no counterpart in Bedrock's Converse API, which serves this model");
    Error::bad_request(Some(at), message)
}
