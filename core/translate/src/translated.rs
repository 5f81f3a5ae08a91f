//! What every translation has beside the bytes: what a request lost, and how an answer is headed.

use bytes::Bytes;

/// A request in the upstream's dialect.
#[derive(Debug)]
pub struct Translated {
    /// Its body.
    pub body: Bytes,
    /// Fields of the client's that were left out, to be named to it.
    pub dropped: Vec<String>,
}

/// What an answer is told to be, where the upstream does not say it.
#[derive(Clone, Debug)]
pub struct Heading {
    /// Its id.
    pub id: String,
    /// The model that was asked.
    pub model: String,
}
