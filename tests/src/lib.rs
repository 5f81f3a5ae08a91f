//! What the suite tests with: the gateway as a process, an upstream that does as it is told, and a client that hides nothing.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test that can't go on stops"
)]

pub mod client;
pub mod conversation;
pub mod curl;
pub mod dialects;
pub mod dice;
pub mod door;
pub mod eventstream;
pub mod fleet;
pub mod frame;
pub mod frames;
pub mod gateway;
pub mod kits;
pub mod leave;
pub mod link;
pub mod load;
pub mod middle;
pub mod moment;
pub mod place;
pub mod proxy;
pub mod real;
pub mod redis;
pub mod refusal;
pub mod script;
pub mod sdks;
pub mod tls;
pub mod turn;
pub mod upstream;
pub mod visitor;
