//! The dialect, as the binding calls it.

use std::sync::Arc;

use http::StatusCode;
use serde::Deserialize;
use sluice_api::dialect::Api;
use sluice_api::error::Error;
use sluice_neutral::answer::{Answer, Failure};
use sluice_neutral::dialect::{Asked, Dialect, Own, Reader, Reply, Sent, Upstream, Writer};
use sluice_neutral::fields::Field;
use sluice_neutral::loss::Losses;
use sluice_neutral::request::Request;

use crate::stream::{Events, Stream};
use crate::{answer, failure, fields, read, write};

/// Anthropic's Messages.
#[derive(Clone, Copy, Debug)]
pub struct Anthropic;

impl Dialect for Anthropic {
    fn api(&self) -> Api {
        Api::Anthropic
    }

    fn fields(&self) -> &'static [Field] {
        fields::FIELDS
    }

    fn read<'a>(&self, asked: &Asked<'a>, losses: &mut Losses) -> Result<(Request<'a>, Own), Error> {
        read::read(asked, losses)
    }

    fn write(
        &self,
        request: &Request<'_>,
        upstream: &Upstream<'_>,
        losses: &mut Losses,
    ) -> Result<(Vec<u8>, Sent), Error> {
        write::write(request, upstream, losses)
    }

    fn answer<'a>(&self, body: &'a [u8], sent: &Sent) -> Result<Answer<'a>, Error> {
        answer::answer(body, sent)
    }

    fn stream(&self, sent: &Arc<Sent>) -> Box<dyn Reader> {
        Box::new(Events::new(Arc::clone(sent)))
    }

    fn failure<'a>(&self, status: StatusCode, body: &'a [u8]) -> Failure<'a> {
        failure::read(status, body)
    }

    fn counted(&self, body: &[u8]) -> Option<u64> {
        #[derive(Deserialize)]
        struct Counted {
            input_tokens: u64,
        }
        serde_json::from_slice::<Counted>(body).ok().map(|counted| counted.input_tokens)
    }

    fn tell(&self, answer: &Answer<'_>, reply: &Reply) -> Vec<u8> {
        answer::write(answer, reply)
    }

    fn tells(&self, reply: &Arc<Reply>) -> Box<dyn Writer> {
        Box::new(Stream::new(Arc::clone(reply)))
    }

    fn refuse(&self, failure: &Failure<'_>, request_id: &str) -> Vec<u8> {
        failure::write(failure, request_id)
    }

    fn count(&self, tokens: u64) -> Vec<u8> {
        format!("{{\"input_tokens\":{tokens}}}").into_bytes()
    }
}
