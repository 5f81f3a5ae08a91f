//! OpenAI Responses, from and to what is neutral between the dialects.
//!
//! A client's request is read by the table of its fields, and one for an upstream is written; an upstream's answer is read
//! whole or as a stream, and one for a client is told either way.

mod answer;
mod fields;
mod media;
mod models;
mod own;
mod refusal;
mod request;
mod seals;
mod stream;
mod told;
mod upstream;
mod usage;

use std::sync::Arc;

use http::StatusCode;
use sluice_api::dialect::Api;
use sluice_api::error::Error;
use sluice_neutral::answer::{Answer, Failure};
use sluice_neutral::dialect::{Asked, Dialect, Own, Reader, Reply, Sent, Upstream, Writer};
use sluice_neutral::fields::Field;
use sluice_neutral::json::Members;
use sluice_neutral::json::write::Object;
use sluice_neutral::loss::Losses;
use sluice_neutral::request::Request;

/// OpenAI's Responses API.
#[derive(Clone, Copy, Debug)]
pub struct Responses;

impl Dialect for Responses {
    fn api(&self) -> Api {
        Api::OpenaiResponses
    }

    fn fields(&self) -> &'static [Field] {
        &fields::FIELDS
    }

    fn read<'a>(&self, asked: &Asked<'a>, losses: &mut Losses) -> Result<(Request<'a>, Own), Error> {
        request::read(asked, losses)
    }

    fn write(
        &self,
        request: &Request<'_>,
        upstream: &Upstream<'_>,
        losses: &mut Losses,
    ) -> Result<(Vec<u8>, Sent), Error> {
        upstream::write(request, upstream, losses)
    }

    fn answer<'a>(&self, body: &'a [u8], sent: &Sent) -> Result<Answer<'a>, Error> {
        answer::read(body, sent)
    }

    fn stream(&self, sent: &Arc<Sent>) -> Box<dyn Reader> {
        Box::new(stream::Stream::new(sent))
    }

    fn failure<'a>(&self, status: StatusCode, body: &'a [u8]) -> Failure<'a> {
        refusal::read(status, body)
    }

    fn counted(&self, body: &[u8]) -> Option<u64> {
        Members::body(body).ok()?.get("input_tokens")?.get().parse().ok()
    }

    fn tell(&self, answer: &Answer<'_>, reply: &Reply) -> Vec<u8> {
        told::whole(answer, reply)
    }

    fn tells(&self, reply: &Arc<Reply>) -> Box<dyn Writer> {
        Box::new(told::Telling::new(reply, true))
    }

    fn refuse(&self, failure: &Failure<'_>, request_id: &str) -> Vec<u8> {
        let mut body = Vec::new();
        refusal::write(failure, request_id, &mut Object::new(&mut body));
        body
    }

    fn count(&self, tokens: u64) -> Vec<u8> {
        format!(r#"{{"object":"response.input_tokens","input_tokens":{tokens}}}"#).into_bytes()
    }
}

#[cfg(test)]
mod tests;
