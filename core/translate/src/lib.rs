//! Pure functions between the dialects of model APIs: a request one way, its answer or its stream of events back.
//!
//! Nothing here awaits, does I/O, or knows how bytes come: it is given whole bodies and decoded events. What a dialect
//! shares with every other is in a module of its name (`anthropic`); what two of them have between them is in the module
//! of the upstream's ([`converse`]).

mod anthropic;
pub mod converse;
#[cfg(any(test, fuzzing))]
pub mod laws;
mod translated;

pub use translated::{Heading, Translated};
