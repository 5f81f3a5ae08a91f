//! The admin API: `/admin/v1/…`, all of it behind the admin token.

pub(crate) mod accounts;
pub(crate) mod audit;
pub(crate) mod auth;
pub(crate) mod concurrency;
pub(crate) mod envelope;
pub(crate) mod export;
pub(crate) mod groups;
pub(crate) mod keys;
pub(crate) mod limits;
pub(crate) mod live;
mod patch;
pub(crate) mod prices;
pub(crate) mod query;
pub(crate) mod reconcile;
pub(crate) mod reprice;
pub(crate) mod requests;
pub(crate) mod system;
pub(crate) mod usage;
pub(crate) mod whole;

/// Whether a path belongs to it.
pub(crate) fn is_of(path: &str) -> bool {
    path.strip_prefix("/admin").is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
