//! The straight line of a request.
