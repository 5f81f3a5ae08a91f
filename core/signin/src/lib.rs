//! Who is signed in from a page: sessions in memory, by the hash of a cookie that no script can read.

pub mod cookie;
pub mod sessions;
