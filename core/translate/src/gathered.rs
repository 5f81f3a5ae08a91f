//! A stream's events as one whole answer, for a client that asked for a document and an upstream that streams all the same.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};

use sluice_api::cost::Usage;
use sluice_neutral::answer::{
    Answer, Block, Called, Citation, End, Failure, Logprob, Piece, Plain, Said, Started, owned,
};
use sluice_neutral::dialect::Writer;
use sluice_neutral::seal::Seal;

/// What has come of an answer, and how it failed where it did.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    pub(crate) answer: Answer<'static>,
    pub(crate) failed: Option<String>,
}

/// Gathers what a stream tells.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gathering(Arc<Mutex<Gathered>>);

impl Gathering {
    /// What has come so far; nothing is left.
    pub(crate) fn take(&self) -> Gathered {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn with(&self, change: impl FnOnce(&mut Gathered)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Writer for Gathering {
    fn start(&mut self, started: &Started<'_>, _: &mut Vec<u8>) {
        let own = |text: &Cow<'_, str>| Cow::Owned(text.as_ref().to_owned());
        let started = Started {
            id: started.id.as_ref().map(own),
            model: started.model.as_ref().map(own),
            usage: started.usage,
        };
        self.with(|gathered| gathered.answer.started = started);
    }

    fn block(&mut self, block: Plain<'_>, _: &mut Vec<u8>) {
        self.with(|gathered| {
            let said = &mut gathered.answer.said;
            match (block, said.last_mut()) {
                (Plain::Opened(block), _) => said.push(Said::new(of(block), "")),
                (Plain::Added(piece), Some(last)) => add(last, piece),
                (Plain::Added(_), None) | (Plain::Closed, _) => {}
            }
        });
    }

    fn end(&mut self, end: &End<'_>, usage: &Usage, _: &mut Vec<u8>) {
        let stop_sequence = end.stop_sequence.as_ref().map(|text| Cow::Owned(text.as_ref().to_owned()));
        let end = End { reason: end.reason, stop_sequence };
        self.with(|gathered| (gathered.answer.end, gathered.answer.usage) = (end, Some(*usage)));
    }

    fn fail(&mut self, failure: &Failure<'_>, _: &str, _: &mut Vec<u8>) {
        self.with(|gathered| gathered.failed = Some(failure.message.as_ref().to_owned()));
    }

    fn keep_alive(&self) -> &'static [u8] {
        b""
    }
}

fn of(block: Block<'_>) -> Block<'static> {
    match block {
        Block::Text => Block::Text,
        Block::Refusal => Block::Refusal,
        Block::Thinking => Block::Thinking,
        Block::Redacted => Block::Redacted,
        Block::Call(Called { id, name, plain }) => {
            Block::Call(Called { id: owned(id), name: owned(name), plain })
        }
        Block::Image { media_type } => Block::Image { media_type: owned(media_type) },
    }
}

fn add(said: &mut Said<'static>, piece: Piece<'_>) {
    match piece {
        Piece::Text(text) => said.text.to_mut().push_str(&text),
        Piece::Seal(Seal { origin, account, payload }) => {
            said.seal = Some(Seal { origin, account, payload: owned(payload) });
        }
        Piece::Citation(Citation { url, title, span }) => {
            said.citations.push(Citation { url: owned(url), title: title.map(owned), span });
        }
        Piece::Logprobs(all) => said.logprobs.extend(all.into_iter().map(|one| Logprob {
            token: owned(one.token),
            logprob: one.logprob,
            others: one.others.into_iter().map(|(token, logprob)| (owned(token), logprob)).collect(),
        })),
    }
}
