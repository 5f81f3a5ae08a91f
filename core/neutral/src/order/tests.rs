//! Events put in order: mixed blocks, names, arguments, ends.

use std::sync::{Arc, Mutex};

use sluice_api::cost::Usage;

use super::{Ordered, Plain, settled};
use crate::answer::{Answer, Block, Called, End, Event, Failure, Piece, Reason, Said, Started};
use crate::dialect::{Sent, Writer};
use crate::names::{Names, Rule};

/// Writes what it is told in short words.
struct Words(Arc<Mutex<Option<Reason>>>);

impl Writer for Words {
    fn start(&mut self, _: &Started<'_>, out: &mut Vec<u8>) {
        out.extend(b"start ");
    }

    fn block(&mut self, block: Plain<'_>, out: &mut Vec<u8>) {
        let word = match block {
            Plain::Opened(Block::Call(called)) => {
                format!("<{}{} ", called.name, if called.plain { "!" } else { "" })
            }
            Plain::Opened(block) => format!("<{block:?} "),
            Plain::Added(Piece::Text(text)) => format!("{text} "),
            Plain::Added(_) => "? ".to_owned(),
            Plain::Closed => "> ".to_owned(),
        };
        out.extend(word.bytes());
    }

    fn end(&mut self, end: &End<'_>, usage: &Usage, out: &mut Vec<u8>) {
        *self.0.lock().unwrap() = Some(end.reason);
        out.extend(format!("end {}", usage.output).bytes());
    }

    fn fail(&mut self, _: &Failure<'_>, request_id: &str, out: &mut Vec<u8>) {
        out.extend(format!("failed {request_id}").bytes());
    }

    fn keep_alive(&self) -> &'static [u8] {
        b"."
    }
}

fn sent() -> Sent {
    let mut names = Names::default();
    names.sent("look up", Rule { longest: 64, begins_with_letter: true, also: "" });
    Sent { names, wrapped: vec!["patch".to_owned()], account: String::new() }
}

fn told(events: Vec<Event<'_>>) -> (String, Option<Reason>) {
    let reason = Arc::default();
    let mut ordered = Ordered::new(Arc::new(sent()), Box::new(Words(Arc::clone(&reason))), "req".into());
    let mut out = Vec::new();
    for event in events {
        ordered.take(event, &mut out).unwrap();
    }
    let reason = *reason.lock().unwrap();
    (String::from_utf8(out).unwrap(), reason)
}

fn call(id: &str, name: &str) -> Block<'static> {
    Block::Call(Called { id: id.to_owned().into(), name: name.to_owned().into(), plain: false })
}

fn text(text: &'static str) -> Piece<'static> {
    Piece::Text(text.into())
}

fn ended(reason: Reason) -> Event<'static> {
    Event::Ended(End { reason, stop_sequence: None })
}

#[test]
fn blocks_that_are_mixed_are_told_one_after_another() {
    let (told, reason) = told(vec![
        Event::Started(Started::default()),
        Event::Opened(0, Block::Text),
        Event::Opened(7, call("c1", "a")),
        Event::Added(7, text("{\"x\":")),
        Event::Added(0, text("one")),
        Event::Opened(9, call("c2", "b")),
        Event::Added(9, text("{}")),
        Event::Closed(9),
        Event::Added(7, text("1}")),
        Event::Closed(0),
        Event::Closed(7),
        ended(Reason::Done),
        Event::Used(Usage::new(1, 5)),
        Event::Opened(10, Block::Text),
    ]);
    assert_eq!(told, "start <Text one > <a {\"x\": 1} > <b {} > end 5");
    assert_eq!(reason, Some(Reason::Calls));
}

#[test]
fn calls_come_under_the_clients_names_with_arguments_that_are_whole_or_said_to_be_cut() {
    let rule = Rule { longest: 64, begins_with_letter: true, also: "" };
    let upstream = Names::default().sent("look up", rule).into_owned();
    for (name, arguments, words, reason) in [
        (upstream.as_str(), "", "<look up {} >", Reason::Calls),
        ("patch", "{\"input\":\"*** \\\"x\\\"\"}", "<patch! *** \"x\" >", Reason::Calls),
        ("look", "{\"a\":\"}\"", "<look {\"a\":\"}\" >", Reason::Length),
        ("look", "{\"a\":\"\\\"}\"}", "<look {\"a\":\"\\\"}\"} >", Reason::Calls),
    ] {
        let mut events = vec![Event::Started(Started::default()), Event::Opened(0, call("c", name))];
        events.extend((!arguments.is_empty()).then_some(Event::Added(0, text(arguments))));
        events.extend([Event::Closed(0), ended(Reason::Calls), Event::Whole]);
        assert_eq!(told(events), (format!("start {words} end 0"), Some(reason)));
        let answer = Answer { said: vec![Said::new(call("c", name), arguments)], ..Answer::default() };
        let whole = settled(answer, &sent());
        let Block::Call(called) = &whole.said[0].block else { panic!() };
        let mark = if called.plain { "!" } else { "" };
        assert_eq!(format!("<{}{mark} {} >", called.name, whole.said[0].text), words);
        assert_eq!(whole.end.reason, reason);
    }
}

#[test]
fn an_answer_ends_once_and_not_before_its_usage_where_that_comes() {
    let begun = || vec![Event::Started(Started::default()), ended(Reason::Done)];
    assert_eq!(told(begun()).0, "start ");
    for (last, words) in [(Event::Used(Usage::new(0, 3)), "start end 3"), (Event::Whole, "start end 0")] {
        let mut events = begun();
        events.extend([last, Event::Whole, Event::Used(Usage::new(0, 9))]);
        assert_eq!(told(events).0, words);
    }
    // A terminal event without an end is no end.
    assert_eq!(told(vec![Event::Started(Started::default()), Event::Whole]).0, "start ");
}
