//! The admin API: `/admin/v1/…`, all of it behind the admin token.

pub(crate) mod accounts;
pub(crate) mod answer;
pub(crate) mod auth;
pub(crate) mod keys;
pub(crate) mod requests;
pub(crate) mod system;
