//! OpenAI Chat Completions, from and to what is neutral between the dialects.
//!
//! Whoever copies the dialect does so in a way of his own: what upstreams send is read in all of them that are known, what
//! goes to clients is written as the strictest of their libraries needs it.

mod answer;
mod fields;
mod json;
mod kept;
mod models;
mod read;
mod refusal;
mod stream;
mod write;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use http::StatusCode;
use sluice_api::dialect::Api;
use sluice_api::error::Error;
use sluice_neutral::answer::{Answer, Failure};
use sluice_neutral::dialect::{Asked, Dialect, Own, Reader, Reply, Sent, Upstream, Writer};
use sluice_neutral::fields::Field;
use sluice_neutral::loss::Losses;
use sluice_neutral::request::Request;

/// OpenAI Chat Completions.
#[derive(Clone, Copy, Debug)]
pub struct Chat;

impl Dialect for Chat {
    fn api(&self) -> Api {
        Api::OpenaiChat
    }

    fn fields(&self) -> &'static [Field] {
        fields::FIELDS
    }

    fn read<'a>(&self, asked: &Asked<'a>, losses: &mut Losses) -> Result<(Request<'a>, Own), Error> {
        read::request(asked, losses)
    }

    fn write(
        &self,
        request: &Request<'_>,
        upstream: &Upstream<'_>,
        losses: &mut Losses,
    ) -> Result<(Vec<u8>, Sent), Error> {
        write::request(request, upstream, losses)
    }

    fn answer<'a>(&self, body: &'a [u8], sent: &Sent) -> Result<Answer<'a>, Error> {
        if stream::whole::is_one(body) {
            return stream::whole::answer(body, sent);
        }
        answer::read::answer(body, sent)
    }

    fn stream(&self, sent: &Arc<Sent>) -> Box<dyn Reader> {
        Box::new(stream::read::Reading::new(sent))
    }

    fn failure<'a>(&self, status: StatusCode, body: &'a [u8]) -> Failure<'a> {
        refusal::read(status, body)
    }

    fn counted(&self, _body: &[u8]) -> Option<u64> {
        None
    }

    fn tell(&self, answer: &Answer<'_>, reply: &Reply) -> Vec<u8> {
        answer::write::answer(answer, reply)
    }

    fn tells(&self, reply: &Arc<Reply>) -> Box<dyn Writer> {
        Box::new(stream::write::Writing::new(reply))
    }

    fn refuse(&self, failure: &Failure<'_>, request_id: &str) -> Vec<u8> {
        refusal::write(failure, request_id)
    }

    /// There is no such call here; the answer is as that of Responses.
    fn count(&self, tokens: u64) -> Vec<u8> {
        format!(r#"{{"object":"response.input_tokens","input_tokens":{tokens}}}"#).into_bytes()
    }
}
