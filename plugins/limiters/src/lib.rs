//! Limiters.
