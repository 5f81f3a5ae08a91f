//! The suite over the whole gateway.
