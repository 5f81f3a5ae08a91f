//! The gateway with every plugin linked in.
