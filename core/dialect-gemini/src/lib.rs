//! The Gemini API, as it is spoken by clients and by upstreams: generateContent, streamGenerateContent, countTokens.
//!
//! [`Gemini`] reads and writes it both ways. What becomes of each of its fields is in its table of fields.

mod answer;
mod casing;
mod fields;
mod finish;
mod models;
mod partial;
mod pen;
mod refusal;
mod request;
mod schema;
mod stream;
mod taking;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use http::StatusCode;
use sluice_api::dialect::Api;
use sluice_api::error::Error;
use sluice_neutral::answer::{Answer, Failure};
use sluice_neutral::dialect::{Asked, Dialect, Own, Reader, Reply, Sent, Upstream, Writer};
use sluice_neutral::fields::Field;
use sluice_neutral::json::Members;
use sluice_neutral::loss::Losses;
use sluice_neutral::request::Request;

use crate::pen::Pen;

/// The Gemini API.
#[derive(Clone, Copy, Debug)]
pub struct Gemini;

impl Dialect for Gemini {
    fn api(&self) -> Api {
        Api::Gemini
    }

    fn fields(&self) -> &'static [Field] {
        fields::FIELDS
    }

    fn read<'a>(&self, asked: &Asked<'a>, losses: &mut Losses) -> Result<(Request<'a>, Own), Error> {
        request::read::read(asked, losses)
    }

    fn write(
        &self,
        request: &Request<'_>,
        upstream: &Upstream<'_>,
        losses: &mut Losses,
    ) -> Result<(Vec<u8>, Sent), Error> {
        request::write::write(request, upstream, losses)
    }

    fn answer<'a>(&self, body: &'a [u8], sent: &Sent) -> Result<Answer<'a>, Error> {
        answer::whole::read(body, sent)
    }

    fn stream(&self, sent: &Arc<Sent>) -> Box<dyn Reader> {
        Box::new(stream::read::Stream::new(sent))
    }

    fn failure<'a>(&self, status: StatusCode, body: &'a [u8]) -> Failure<'a> {
        refusal::read(status, body)
    }

    fn counted(&self, body: &[u8]) -> Option<u64> {
        let members = Members::body(body).ok()?.renamed(casing::camel);
        u64::try_from(casing::number(members.get("totalTokens")?.get())?).ok()
    }

    fn tell(&self, answer: &Answer<'_>, reply: &Reply) -> Vec<u8> {
        answer::whole::write(answer, reply)
    }

    fn tells(&self, reply: &Arc<Reply>) -> Box<dyn Writer> {
        Box::new(stream::write::Stream::new(reply))
    }

    fn refuse(&self, failure: &Failure<'_>, request_id: &str) -> Vec<u8> {
        let mut out = Vec::new();
        refusal::write(failure, request_id, &mut Pen::new(&mut out));
        out
    }

    fn count(&self, tokens: u64) -> Vec<u8> {
        let mut out = Vec::new();
        Pen::new(&mut out).open(b'{').count("totalTokens", tokens).close(b'}');
        out
    }
}
