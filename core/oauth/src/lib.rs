//! OAuth 2 bearer tokens that are renewed in time, once for all who wait, and never lost.
//!
//! An account's provider keeps one [`Bearer`] and asks it for the token of each request. The first request after a
//! start looks into the vault. A token that is about to end is refreshed while requests go on with it; one that has
//! ended, or is refused with 401, is refreshed while all who come wait for that one refresh and share what came of it.

mod bearer;
mod exchange;
mod live;
mod settings;
mod tokens;

pub use bearer::Bearer;
pub use settings::Settings;

#[cfg(test)]
mod tests;
