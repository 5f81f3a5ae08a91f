//! Whole answers.

use std::sync::Arc;

use sluice_api::error::{Error, Kind};
use sluice_neutral::answer::{Answer, Block, Event, Piece, Reason, Said};
use sluice_neutral::dialect::{Reply, Sent};

use crate::answer::chunk::{is_one, unreadable};
use crate::answer::cited;
use crate::answer::saying::{Saying, about};
use crate::answer::telling::Telling;
use crate::pen::Pen;

/// Reads an upstream's answer.
pub(crate) fn read<'a>(body: &'a [u8], sent: &Sent) -> Result<Answer<'a>, Error> {
    let mut telling = Telling::new(Arc::new(sent.clone()));
    let mut read = Reading { is_one: is_one(body), ..Reading::default() };
    telling.take(body, &mut |event| read.event(event))?;
    telling.end(&mut |event| read.event(event));
    read.whole()
}

#[derive(Default)]
pub(crate) struct Reading<'a> {
    answer: Answer<'a>,
    is_ended: bool,
    /// That it came as one document, which is whole without a reason, too.
    is_one: bool,
    failed: Option<String>,
}

impl<'a> Reading<'a> {
    pub(crate) fn event(&mut self, event: Event<'a>) {
        match event {
            Event::Started(started) => self.answer.started = started,
            Event::Opened(_, block) => self.answer.said.push(Said::new(block, "")),
            Event::Added(_, piece) => self.piece(piece),
            Event::Used(usage) => self.answer.usage = Some(usage),
            Event::Ended(end) => {
                self.answer.end = end;
                self.is_ended = true;
            }
            Event::Failed(failure) => self.failed = Some(failure.message.into_owned()),
            Event::Closed(_) | Event::Whole => {}
        }
    }

    /// One block is open at a time: what comes belongs to the last.
    fn piece(&mut self, piece: Piece<'a>) {
        let Some(said) = self.answer.said.last_mut() else { return };
        match piece {
            Piece::Text(text) if said.text.is_empty() => said.text = text,
            Piece::Text(text) => said.text.to_mut().push_str(&text),
            Piece::Seal(seal) => said.seal = Some(seal),
            Piece::Citation(citation) => said.citations.push(citation),
            Piece::Logprobs(logprobs) => said.logprobs.extend(logprobs),
        }
    }

    pub(crate) fn whole(self) -> Result<Answer<'a>, Error> {
        let mut answer = self.answer;
        match self.failed {
            Some(message) => {
                let error = Error::new(Kind::Upstream, "the upstream answered with an error");
                return Err(error.said(message));
            }
            None if !self.is_ended && answer.said.is_empty() => return Err(unreadable()),
            None if !self.is_ended && !self.is_one => {
                return Err(Error::new(
                    Kind::Upstream,
                    "the upstream's answer was cut before it told why it ends",
                ));
            }
            None => {}
        }
        if !self.is_ended {
            // Whole, but without a reason.
            answer.end.reason = Reason::Done;
            answer.usage = answer.usage.or(answer.started.usage);
        }
        for said in &mut answer.said {
            if matches!(said.block, Block::Call(_)) && said.text.trim().is_empty() {
                said.text = "{}".into();
            }
        }
        Ok(answer)
    }
}

/// Writes an answer for a client.
pub(crate) fn write(answer: &Answer<'_>, reply: &Reply) -> Vec<u8> {
    let length: usize = answer.said.iter().map(|said| said.text.len()).sum();
    let mut out = Vec::with_capacity(length / 16 * 17 + 1_024);
    let mut saying = Saying::new(reply);
    let mut pen = Pen::new(&mut out);
    pen.open(b'{').key("candidates").open(b'[').open(b'{').key("content").open(b'{').key("parts").open(b'[');
    for said in &answer.said {
        saying.said(said, &mut pen);
    }
    saying.last(&mut pen);
    pen.close(b']').field("role", "model").close(b'}');
    let likely: Vec<_> = answer.said.iter().flat_map(|said| said.logprobs.iter().cloned()).collect();
    cited::write_likely(&likely, &mut pen);
    saying.ended(answer.end.reason, &mut pen);
    pen.close(b'}').close(b']');
    about(reply, answer.usage.as_ref(), &mut pen);
    pen.close(b'}');
    out
}
