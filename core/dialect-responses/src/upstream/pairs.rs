//! Calls and their results, by ids that every call has.

use std::borrow::Cow;

use sluice_neutral::request::{Content, Input, Outcome, Request};

/// The longest id that OpenAI takes.
const ID_MAX: usize = 64;

/// A call, and whether it has a result.
#[derive(Debug)]
pub(super) struct Paired<'r> {
    /// Its id upstream.
    pub(super) id: Cow<'r, str>,
    /// Whether its tool takes text.
    pub(super) plain: bool,
    /// Whether there is a result.
    pub(super) answered: bool,
    own: &'r str,
    name: &'r str,
}

/// All calls and results of a conversation, each in its order.
#[derive(Debug, Default)]
pub(super) struct Pairs<'r> {
    /// The calls.
    pub(super) calls: Vec<Paired<'r>>,
    /// To which call each result is; nothing where there is none.
    pub(super) outcomes: Vec<Option<usize>>,
}

impl<'r> Pairs<'r> {
    /// Pairs them: by their ids, or, where a dialect has none, by names in their order.
    pub(super) fn of(request: &'r Request<'_>) -> Self {
        let mut pairs = Self::default();
        for part in request.turns.iter().flat_map(|turn| &turn.parts) {
            match &part.content {
                Content::Call(call) => {
                    let plain = matches!(call.input, Input::Plain(_));
                    let id = fitting(&call.id, &call.name, pairs.calls.len());
                    let (own, name) = (&*call.id, &*call.name);
                    pairs.calls.push(Paired { id, plain, answered: false, own, name });
                }
                Content::Outcome(outcome) => pairs.answered(outcome),
                _ => {}
            }
        }
        pairs
    }

    fn answered(&mut self, outcome: &Outcome<'_>) {
        let index = if outcome.id.is_empty() {
            self.calls.iter().position(|call| !call.answered && call.name == outcome.name)
        } else {
            self.calls.iter().rposition(|call| !call.answered && call.own == outcome.id)
        };
        if let Some(call) = index.and_then(|index| self.calls.get_mut(index)) {
            call.answered = true;
        }
        self.outcomes.push(index);
    }
}

/// An id that OpenAI takes: the call's own where that is one, else always the same one.
fn fitting<'r>(own: &'r str, name: &str, ordinal: usize) -> Cow<'r, str> {
    match own {
        "" => Cow::Owned(format!("call_{}", letters(&format!("{ordinal}:{name}")))),
        own if own.len() > ID_MAX => Cow::Owned(format!("call_{}", letters(own))),
        own => Cow::Borrowed(own),
    }
}

/// Letters that stand for a text: always the same, and not those of another.
pub(super) fn letters(text: &str) -> String {
    // FNV-1a, from two beginnings: it only has to be the same on every gateway.
    let hash = |start: u64| {
        text.bytes().fold(start, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
    };
    format!("{:016x}{:016x}", hash(0xcbf2_9ce4_8422_2325), hash(0x9ae1_6a3b_2f90_404f))
}
