//! Pure functions between the dialects of model APIs: a request one way, its answer or its stream of events back.
//!
//! Nothing here awaits, does I/O, or knows how bytes come. Each dialect is a crate of its own, and any two of them meet in
//! what is neutral between them; [`Translation`] is one request's way through that, and back. Bedrock's Converse, which no
//! client speaks, is the upstream's form of Anthropic's dialect ([`converse`]).

mod anthropic;
pub mod converse;
mod elements;
mod embeddings;
mod gathered;
mod headers;
#[cfg(any(test, fuzzing))]
pub mod laws;
mod lower;
pub mod matrix;
pub mod spliced;
mod stream;
mod translated;
mod translation;
mod unsealed;

pub use headers::of_no_dialect;
pub use sluice_neutral::dialect::Upstream;
pub use stream::Stream;
pub use translated::Translated;
pub use translation::{Asking, Head, Refused, Translation};
