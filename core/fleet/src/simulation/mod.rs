//! Thousands of requests over accounts with scripted limits, outages and latencies, in virtual time, and the laws that
//! must hold whatever happens.

mod laws;
mod world;
