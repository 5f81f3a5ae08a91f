//! Clients' connections: their places, their sockets, how long each may take, and what is left of a request on one.

pub mod lent;
pub mod opening;
pub mod places;
pub mod socket;
pub mod streams;
pub mod waiting;
