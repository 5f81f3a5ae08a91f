//! Answers and streams that come in one dialect and are told in another.

use std::sync::Arc;

use sluice_api::cost::Usage;
use sluice_api::dialect::{Api, Form, Operation};
use sluice_api::error::{Error, Kind};
use sluice_neutral::answer::{Answer, Block, Event, Piece, Reason};
use sluice_neutral::dialect::{Asked, Dialect, Reply, Sent};
use sluice_neutral::loss::Losses;
use sluice_neutral::order::{Ordered, settled};
use sluice_wire::answer::meter::{self, Meter};

use super::answers::{self, joined};
use super::requests::{DIALECTS, upstream};
use crate::laws::grammar::{self, End, checked};
use crate::laws::made::Choices;
use crate::translation::{Asking, Head, Translation, dialect};

/// A request of each client's for a stream with all that it can have.
pub(super) const fn asked(client: Api) -> &'static str {
    match client {
        Api::Anthropic => {
            r#"{"model":"m","max_tokens":9,"stream":true,"messages":[{"role":"user","content":"Go."}]}"#
        }
        Api::OpenaiChat => {
            r#"{"model":"m","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"Go."}]}"#
        }
        Api::OpenaiResponses => r#"{"model":"m","stream":true,"input":"Go."}"#,
        _ => {
            r#"{"contents":[{"parts":[{"text":"Go."}]}],"generationConfig":{"thinkingConfig":{"includeThoughts":true}}}"#
        }
    }
}

/// Each pair, and how a request of the one went to the other.
pub(super) fn pairs(mut each: impl FnMut([Api; 2], &Translation)) {
    for (client, ..) in DIALECTS {
        for (speaks, provider, models) in DIALECTS.into_iter().filter(|(speaks, ..)| *speaks != client) {
            let body = asked(client).as_bytes();
            let asking = Asking { client, body, speaks, upstream: upstream(provider, models, false) };
            let made = Translation::of(&asking);
            assert!(made.is_ok(), "{client:?} {speaks:?}");
            if let Ok((_, translation)) = made {
                each([client, speaks], &translation);
            }
        }
    }
}

pub(super) fn head() -> Head {
    Head { id: "1a2b".to_owned(), model: "m".to_owned(), created: 1_700_000_000, request_id: "req_1".into() }
}

/// An answer of each dialect is told to clients of each other one: whole, as a stream however that is cut, and gathered
/// from a stream. It says what it said, with the usage that is billed.
pub fn told(bytes: &[u8]) {
    for (speaks, ..) in DIALECTS {
        let answer = answers::answer(speaks, &mut Choices(bytes));
        let Ok(upstream) = dialect(speaks) else { continue };
        let reply = reply(upstream);
        let (whole, stream) = (upstream.tell(&answer, &reply), written(upstream, &answer, &reply, bytes));
        pairs(|way, translation| {
            if way[1] == speaks {
                let case = Case { way, translation, answer: &answer };
                case.of_document(&whole);
                case.of_stream(&stream, bytes);
            }
        });
    }
}

pub(super) fn reply(of: &dyn Dialect) -> Arc<Reply> {
    let asked = Asked { body: asked(of.api()).as_bytes(), operation: Operation::Generate };
    let own = of.read(&asked, &mut Losses::toward(of.api())).ok().and_then(|(_, own)| own);
    Arc::new(Reply { id: "up1".to_owned(), model: "up".to_owned(), created: 1_700_000_000, own })
}

/// A stream of an answer, its texts in pieces.
fn written(of: &dyn Dialect, answer: &Answer<'_>, reply: &Arc<Reply>, bytes: &[u8]) -> Vec<u8> {
    let (mut out, mut choices) = (Vec::new(), Choices(bytes));
    let mut ordered = Ordered::new(Arc::new(Sent::default()), of.tells(reply), "r".into());
    answer.clone().events(&mut |event| match event {
        Event::Added(index, Piece::Text(text)) => {
            let (mut letters, mut piece) = (text.chars().peekable(), String::new());
            while let Some(letter) = letters.next() {
                piece.push(letter);
                if letters.peek().is_none() || choices.below(4) == 3 {
                    let piece = Piece::Text(std::mem::take(&mut piece).into());
                    assert!(ordered.take(Event::Added(index, piece), &mut out).is_ok());
                }
            }
        }
        event => assert!(ordered.take(event, &mut out).is_ok()),
    });
    assert!(ordered.is_whole());
    out
}

/// Pieces of a body, cut where bytes choose.
pub(super) fn pieces<'a>(body: &'a [u8], bytes: &[u8]) -> Vec<&'a [u8]> {
    let (mut choices, mut rest, mut pieces) = (Choices(bytes), body, Vec::new());
    while !choices.0.is_empty() && !rest.is_empty() {
        let (piece, more) = rest.split_at(choices.below(64).min(rest.len()));
        pieces.push(piece);
        rest = more;
    }
    pieces.push(rest);
    pieces
}

fn used(api: Api, form: Form, body: &[u8]) -> Usage {
    let mut meter = Meter::new(api, Operation::Generate, form);
    meter.feed(body);
    meter.finish(meter::End::Clean);
    meter.seen().usage.unwrap_or_default()
}

/// In which order blocks are looked at.
type Order = fn(Vec<grammar::Block>) -> Vec<grammar::Block>;

struct Case<'c> {
    /// The client's dialect and the upstream's.
    way: [Api; 2],
    translation: &'c Translation,
    answer: &'c Answer<'c>,
}

impl Case<'_> {
    fn of_document(&self, whole: &[u8]) {
        let billed = used(self.way[1], Form::Whole, whole);
        let through = if self.way[0] == Api::OpenaiChat { self.way[0] } else { self.way[1] };
        let document = self.translation.whole(whole, &head(), Form::Whole);
        assert!(document.is_ok(), "{:?} {document:?} {}", self.way, String::from_utf8_lossy(whole));
        self.document(&document.unwrap_or_default(), billed, self.expected_of(through));
        let stream = self.translation.whole(whole, &head(), Form::Sse);
        assert!(stream.is_ok(), "{:?} {stream:?}", self.way);
        self.stream(&stream.unwrap_or_default(), billed, (sorted, self.expected_of(self.way[1])));
    }

    fn of_stream(&self, stream: &[u8], bytes: &[u8]) {
        let billed = used(self.way[1], Form::Sse, stream);
        let mut translated = self.translation.stream(&head(), Form::Sse);
        let mut out = Vec::new();
        for piece in pieces(stream, bytes) {
            out.extend(translated.feed(piece));
        }
        out.extend(translated.finish());
        assert!(translated.failure().is_none() && translated.is_whole(), "{:?}", self.way);
        self.stream(&out, billed, (joined, self.expected()));
        let gathered = self.translation.gathered(stream, &head());
        assert!(gathered.is_ok(), "{:?} {gathered:?}", self.way);
        self.document(&gathered.unwrap_or_default(), billed, self.expected_of(self.way[0]));
        self.broken(stream, bytes);
    }

    /// What a client reads of a whole answer.
    fn document(&self, document: &[u8], billed: Usage, expected: Vec<grammar::Block>) {
        let Ok(client) = dialect(self.way[0]) else { return };
        let read = client.answer(document, &Sent::default());
        assert!(read.is_ok(), "{:?} {}", self.way, String::from_utf8_lossy(document));
        let read = settled(read.unwrap_or_default(), &Sent::default());
        let shown = || format!("{:?}\n{}", self.way, String::from_utf8_lossy(document));
        assert_eq!(sorted(answers::read(&read)), sorted(expected), "{}", shown());
        assert_eq!(read.end.reason, self.reason(), "{}", shown());
        self.same(used(self.way[0], Form::Whole, document), billed);
    }

    /// What a client reads of a stream.
    fn stream(&self, stream: &[u8], billed: Usage, (order, expected): (Order, Vec<grammar::Block>)) {
        let heard = checked(self.way[0], stream);
        let shown = || format!("{:?}\n{}", self.way, String::from_utf8_lossy(stream));
        assert_eq!(order(heard.blocks), order(expected), "{}", shown());
        assert!(matches!(heard.end, End::Whole(_)), "{}", shown());
        self.same(used(self.way[0], Form::Sse, stream), billed);
    }

    fn expected(&self) -> Vec<grammar::Block> {
        answers::heard(self.answer, self.way)
    }

    /// The same through a document of one of them: Chat's has a place for each kind.
    fn expected_of(&self, document: Api) -> Vec<grammar::Block> {
        let [client, upstream] = self.way;
        let keeps_kinds =
            upstream == Api::OpenaiChat || upstream == Api::OpenaiResponses && client == document;
        if document != Api::OpenaiChat || !keeps_kinds {
            return self.expected();
        }
        let mut answer = self.answer.clone();
        answer.said.sort_by_key(|said| match &said.block {
            Block::Thinking => 0,
            Block::Refusal => 2,
            Block::Call(_) => 3,
            _ => 1,
        });
        answers::heard(&answer, self.way)
    }

    fn reason(&self) -> Reason {
        let [client, upstream] = self.way;
        let (refuses, calls) =
            (self.answer.said.iter().any(|said| said.block == Block::Refusal), self.answer.calls());
        let told = answers::reason(upstream, self.answer.end.reason, (refuses, calls));
        answers::reason(client, told, (refuses && answers::tells_refusals(upstream), calls))
    }

    /// What a client is told that it used is what is billed.
    fn same(&self, told: Usage, billed: Usage) {
        let classes = |usage: Usage| (usage.all_input(), usage.cache_read, usage.output, usage.reasoning);
        assert_eq!(classes(told), classes(billed), "{:?}", self.way);
        assert_eq!((told.estimated, told.inconsistent), (false, false), "{:?}", self.way);
    }

    /// A stream that breaks off is never told to be whole, and the client is told that it failed.
    fn broken(&self, stream: &[u8], bytes: &[u8]) {
        let mut choices = Choices(bytes);
        let at = (choices.below(256) * 256 + choices.below(256)) % stream.len().max(1);
        let mut translated = self.translation.stream(&head(), Form::Sse);
        let mut out = translated.feed(stream.get(..at).unwrap_or_default()).to_vec();
        if !translated.is_whole() {
            let why = translated.failure().unwrap_or_else(|| Error::new(Kind::Upstream, "it broke off"));
            out.extend(translated.fail(&why));
            let failed = matches!(checked(self.way[0], &out).end, End::Failed(_));
            assert!(failed && translated.has_failed(), "{:?}\n{}", self.way, String::from_utf8_lossy(&out));
        }
    }
}

/// Calls behind all else: documents of some dialects have a place for each kind.
fn sorted(mut blocks: Vec<grammar::Block>) -> Vec<grammar::Block> {
    let place = |block: &grammar::Block| match block.kind.as_str() {
        "thinking" => 0,
        "call" => 3,
        "refusal" => 2,
        _ => 1,
    };
    blocks.sort_by_key(place);
    joined(blocks)
}
