//! OAuth 2 bearer tokens that are renewed in time, once for all who wait, and never lost.
//!
//! An account's provider keeps one [`Bearer`] and asks it for the token of each request. The first request after a
//! start looks into the vault; one that finds the token about to end, or is refused with 401, has it refreshed; all
//! that come meanwhile wait for that one refresh and share what came of it.

mod bearer;
mod exchange;
mod live;
mod settings;
mod tokens;

pub use bearer::Bearer;
pub use settings::Settings;

#[cfg(test)]
mod tests;
