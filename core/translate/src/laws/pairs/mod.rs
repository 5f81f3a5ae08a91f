//! Any two dialects: what goes from one to another and back is what it was, less what the other has no words for; and what
//! nobody should send is told of in the right dialect, as the right side's fault.

mod answers;
mod asks;
mod flat;
mod forms;
mod next;
mod requests;
mod said;
mod streams;
mod whatever;

pub use next::next;
pub use requests::returned;
pub use streams::told;
pub use whatever::{documents as any_answer, requests as any_request, streams as any_stream};
