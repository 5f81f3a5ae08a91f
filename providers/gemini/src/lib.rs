//! Accounts that speak the Gemini API.
