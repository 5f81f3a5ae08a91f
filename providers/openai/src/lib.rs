//! Accounts that speak the OpenAI APIs.
