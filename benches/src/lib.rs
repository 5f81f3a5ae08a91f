//! The benchmark beside nginx.
