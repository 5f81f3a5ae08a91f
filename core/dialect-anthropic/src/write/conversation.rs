//! Turns as Anthropic takes them: by turns the user's and the model's, each call answered at the start of the next turn.

use std::borrow::Cow;
use std::collections::HashSet;

use sluice_api::dialect::Api;
use sluice_api::error::Error;
use sluice_neutral::at::At;
use sluice_neutral::loss::Losses;
use sluice_neutral::request::{Call, Content, Lifetime, Outcome, Part, Request, Role, Text, Thinking, Turn};

use super::media;
use crate::ids;

/// What stands first where the user did not begin.
const CONTINUES: &str = "(conversation continues)";

/// A message.
#[derive(Debug)]
pub(super) struct Message<'r> {
    pub(super) role: Role,
    /// Results of tools, which go before all else.
    pub(super) results: Vec<Piece<'r>>,
    pub(super) pieces: Vec<Piece<'r>>,
    /// Where its first turn stands.
    pub(super) at: At,
}

/// A piece of a message.
#[derive(Debug)]
pub(super) enum Piece<'r> {
    /// As it came.
    Part(&'r Part<'r>),
    /// A text of our own, or one that was changed.
    Text(Cow<'r, str>, Option<Lifetime>),
    /// What was thought before a call, with what came back with the call: its signature.
    Thought(&'r str, &'r str),
    /// A call under the id that it has there.
    Call(&'r Call<'r>, Cow<'r, str>, Option<Lifetime>),
    /// What a tool said, under the id of its call.
    Outcome(&'r Outcome<'r>, Cow<'r, str>, Option<Lifetime>),
    /// The id of a call that was never answered.
    Missing(Cow<'r, str>),
}

impl Piece<'_> {
    /// Its cache mark; none of thoughts, which take none.
    pub(super) fn mark(&self) -> Option<Lifetime> {
        match self {
            Self::Part(part) if matches!(part.content, Content::Thinking(_)) => None,
            Self::Part(part) => part.cache,
            Self::Text(_, mark) | Self::Call(_, _, mark) | Self::Outcome(_, _, mark) => *mark,
            Self::Missing(_) | Self::Thought(..) => None,
        }
    }

    /// Whether it is a thought.
    pub(super) fn is_thought(&self) -> bool {
        match self {
            Self::Part(part) => matches!(part.content, Content::Thinking(_)),
            piece => matches!(piece, Self::Thought(..)),
        }
    }
}

/// What the messages are made for.
#[derive(Clone, Copy)]
pub(super) struct Target<'t> {
    /// The account that they go to.
    pub(super) account: &'t str,
    /// Whether its model takes messages of the system's.
    pub(super) system_turns: bool,
}

/// A call that waits for its result.
struct Pending<'r> {
    own: &'r str,
    name: &'r str,
    id: Cow<'r, str>,
    at: At,
}

struct Builder<'r, 't> {
    target: Target<'t>,
    messages: Vec<Message<'r>>,
    pending: Vec<Pending<'r>>,
    /// How many ids were made.
    made: usize,
    /// Whether there are speakers to be told apart.
    named: bool,
}

/// The messages of a conversation.
pub(super) fn messages<'r>(
    request: &'r Request<'r>,
    target: Target<'_>,
    losses: &mut Losses,
) -> Result<Vec<Message<'r>>, Error> {
    let names: HashSet<&str> = request.turns.iter().filter_map(|turn| turn.name.as_deref()).collect();
    let mut builder =
        Builder { target, messages: Vec::new(), pending: Vec::new(), made: 0, named: names.len() > 1 };
    for (index, turn) in request.turns.iter().enumerate() {
        match turn.role {
            Role::Assistant => builder.assistant(turn, losses)?,
            Role::User => builder.user(turn, losses)?,
            Role::System => {
                let mut rest = request.turns.iter().skip(index + 1);
                let next = rest.find(|turn| turn.role != Role::System);
                builder.system(turn, next.is_none_or(|turn| turn.role == Role::Assistant));
            }
        }
    }
    builder.end(losses);
    Ok(builder.messages)
}

impl<'r> Builder<'r, '_> {
    fn assistant(&mut self, turn: &'r Turn<'r>, losses: &mut Losses) -> Result<(), Error> {
        let mut pieces = Vec::with_capacity(turn.parts.len());
        let mut called = Vec::new();
        // What was thought since the last call, and its place: some clients bring its signature back with the call alone.
        let mut thought = (0, "");
        for part in &turn.parts {
            match &part.content {
                Content::Call(call) => {
                    let seal =
                        call.seal.as_ref().filter(|seal| seal.is_for(Api::Anthropic, self.target.account));
                    if let Some(seal) = seal {
                        let (place, text) = thought;
                        pieces.insert(place, Piece::Thought(text, &seal.payload));
                    }
                    let id = self.id(&call.id);
                    called.push(Pending { own: &call.id, name: &call.name, id: id.clone(), at: part.at });
                    pieces.push(Piece::Call(call, id, part.cache));
                    thought = (pieces.len(), "");
                }
                Content::Thinking(Thinking { seal: None, text, .. }) => thought = (pieces.len(), text),
                Content::Thinking(Thinking { seal, .. }) => {
                    let seal = seal.as_ref();
                    if seal.is_some_and(|seal| seal.is_for(Api::Anthropic, self.target.account)) {
                        pieces.push(Piece::Part(part));
                    }
                }
                Content::Image(_) | Content::Document(_) => {
                    losses.name(part.at);
                    pieces.push(Piece::Text(Cow::Borrowed("[file]"), part.cache));
                }
                Content::Outcome(_) => losses.name(part.at),
                _ => pieces.extend(said(part, losses)?),
            }
        }
        if pieces.is_empty() {
            return Ok(());
        }
        if self.last().is_some_and(|last| last.role != Role::Assistant) {
            self.unanswered(losses);
        }
        added(&mut self.message(Role::Assistant, turn.at).pieces, pieces);
        self.pending.extend(called);
        Ok(())
    }

    fn user(&mut self, turn: &'r Turn<'r>, losses: &mut Losses) -> Result<(), Error> {
        let mut pieces = Vec::new();
        let mut results = Vec::new();
        for part in &turn.parts {
            match &part.content {
                Content::Outcome(outcome) => match self.answered(outcome) {
                    Some(id) => {
                        media::check(&outcome.parts, losses)?;
                        results.push(Piece::Outcome(outcome, id, part.cache));
                    }
                    // A result of no call that it could follow.
                    None => losses.name(part.at),
                },
                Content::Call(_) => losses.name(part.at),
                Content::Thinking(_) => {}
                _ => pieces.extend(said(part, losses)?),
            }
        }
        if let Some(name) = turn.name.as_ref().filter(|_| self.named) {
            let first = pieces.iter_mut().find_map(|piece| match piece {
                Piece::Part(Part { content: Content::Text(text), cache, .. }) => {
                    Some((Cow::Owned(format!("{name}: {text}")), *cache, piece))
                }
                _ => None,
            });
            if let Some((text, cache, piece)) = first {
                *piece = Piece::Text(text, cache);
            }
        }
        if !pieces.is_empty() || !results.is_empty() {
            let message = self.message(Role::User, turn.at);
            added(&mut message.results, results);
            added(&mut message.pieces, pieces);
        }
        Ok(())
    }

    /// What the system says in the midst: by itself where the model takes that and the place is right, which is behind the
    /// user's turn and before the model's; else in the user's turn.
    fn system(&mut self, turn: &'r Turn<'r>, is_before_model: bool) {
        let texts = turn.parts.iter().filter(|part| match &part.content {
            Content::Text(text) => !text.trim().is_empty(),
            _ => false,
        });
        let own = self.target.system_turns && is_before_model && self.pending.is_empty();
        let follows = self.last().is_some_and(|last| last.role != Role::Assistant);
        if own && follows {
            let pieces: Vec<Piece<'r>> = texts.map(Piece::Part).collect();
            if !pieces.is_empty() {
                self.message(Role::System, turn.at).pieces.extend(pieces);
            }
            return;
        }
        for part in texts {
            if let Content::Text(text) = &part.content {
                let wrapped = format!("<system>\n{text}\n</system>").into();
                self.message(Role::User, turn.at).pieces.push(Piece::Text(wrapped, part.cache));
            }
        }
    }

    fn end(&mut self, losses: &mut Losses) {
        self.unanswered(losses);
        if self.messages.first().is_none_or(|first| first.role != Role::User) {
            let at = self.messages.first().map_or(At::field("messages"), |first| first.at);
            losses.name(at);
            let text = Piece::Text(Cow::Borrowed(CONTINUES), None);
            let first = Message { role: Role::User, results: Vec::new(), pieces: vec![text], at };
            self.messages.insert(0, first);
        }
    }

    /// Every call that still waits is told to have had no result.
    fn unanswered(&mut self, losses: &mut Losses) {
        let Some(at) = self.last().map(|last| last.at) else { return };
        for pending in std::mem::take(&mut self.pending) {
            losses.name(pending.at);
            let last_user = self.messages.iter().rposition(|message| message.role != Role::System);
            let is_user = last_user
                .and_then(|index| self.messages.get_mut(index))
                .filter(|message| message.role == Role::User);
            let missing = Piece::Missing(pending.id);
            match is_user {
                Some(message) => message.results.push(missing),
                None => self.message(Role::User, at).results.push(missing),
            }
        }
    }

    /// The call that a result is of: by its id, else by its name, else the first.
    fn answered(&mut self, outcome: &Outcome<'_>) -> Option<Cow<'r, str>> {
        let index = if outcome.id.is_empty() {
            let named = self.pending.iter().position(|pending| pending.name == outcome.name);
            named.or_else(|| outcome.name.is_empty().then_some(0))
        } else {
            self.pending.iter().position(|pending| pending.own == outcome.id)
        };
        let index = index.filter(|index| *index < self.pending.len())?;
        Some(self.pending.remove(index).id)
    }

    fn id(&mut self, own: &'r str) -> Cow<'r, str> {
        if own.is_empty() {
            self.made += 1;
            return format!("call_{}", self.made).into();
        }
        ids::allowed(own)
    }

    fn last(&self) -> Option<&Message<'r>> {
        self.messages.last()
    }

    /// The last message, where it is this one's who speaks; else a new one.
    fn message(&mut self, role: Role, at: At) -> &mut Message<'r> {
        let open = self.messages.pop_if(|last| last.role == role);
        let message = open.unwrap_or_else(|| Message { role, results: Vec::new(), pieces: Vec::new(), at });
        self.messages.push_mut(message)
    }
}

/// Adds pieces to those of a message, which has none yet most of the time.
fn added<'r>(all: &mut Vec<Piece<'r>>, mut pieces: Vec<Piece<'r>>) {
    if all.is_empty() {
        pieces.shrink_to_fit();
        *all = pieces;
    } else {
        all.append(&mut pieces);
    }
}

/// A part as it came, where there is something in it.
fn said<'r>(part: &'r Part<'r>, losses: &Losses) -> Result<Option<Piece<'r>>, Error> {
    let blank = |text: &Text<'_>| text.trim().is_empty();
    match &part.content {
        Content::Text(text) | Content::Refusal(text) if blank(text) => Ok(None),
        _ => media::check(std::slice::from_ref(part), losses).map(|()| Some(Piece::Part(part))),
    }
}
