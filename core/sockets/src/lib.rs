//! Clients' connections before there is any HTTP on them: their places, their sockets, and how long each may take.

pub mod opening;
pub mod places;
pub mod socket;
pub mod waiting;
