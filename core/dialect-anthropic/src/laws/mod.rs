//! What holds for everything that is read and written here.

mod answers;
mod bytes;
mod requests;
