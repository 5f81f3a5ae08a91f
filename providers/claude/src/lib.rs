//! Accounts that speak the Claude Messages API.
