//! What is sent for a request, and what is read from an answer.

mod answer;
mod request;
