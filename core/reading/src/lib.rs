//! Files and the environment, read into one set of values, each of which knows where it stands.
//!
//! What the values mean is not known here: whoever checks them tells what is wrong with its place.

mod environment;
mod file;
mod lines;
mod load;
mod walk;
mod yaml;

pub use environment::Environment;
pub use file::faults;
pub use load::{FileRead, Loaded, Sources, load, load_text};
pub use walk::{Text, texts};
