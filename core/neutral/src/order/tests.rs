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
    Sent { names, wrapped: vec!["patch".to_owned()], account: String::new(), ..Sent::default() }
}

fn told(events: Vec<Event<'_>>) -> (String, Option<Reason>) {
    told_of(sent(), events)
}

fn told_of(sent: Sent, events: Vec<Event<'_>>) -> (String, Option<Reason>) {
    let reason = Arc::default();
    let mut ordered = Ordered::new(Arc::new(sent), Box::new(Words(Arc::clone(&reason))), "req".into());
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

#[test]
fn an_answer_ends_at_a_stop_sequence_that_its_account_was_not_asked_for() {
    let stopping = || Sent { stops: vec!["END".to_owned()], ..sent() };
    let begun = |pieces: &[&'static str]| {
        let mut events = vec![Event::Started(Started::default()), Event::Opened(0, Block::Text)];
        events.push(Event::Opened(1, call("c", "a")));
        events.extend(pieces.iter().map(|piece| Event::Added(0, text(piece))));
        events
    };
    let rest = || vec![Event::Closed(0), Event::Added(1, text("{}")), Event::Closed(1), ended(Reason::Calls)];
    for (pieces, words, why) in [
        (&["a E", "ND b"][..], "start <Text a  > end 4", Reason::Stopped),
        (&["a EN", "d"], "start <Text a  ENd > <a {} > end 4", Reason::Calls),
        (&["a EN"], "start <Text a  EN > <a {} > end 4", Reason::Calls),
    ] {
        let mut events = begun(pieces);
        events.extend(rest());
        events.push(Event::Used(Usage::new(1, 4)));
        assert_eq!(told_of(stopping(), events), (words.to_owned(), Some(why)), "{pieces:?}");
    }
    // Who relays it need not wait for the rest.
    let mut ordered = Ordered::new(Arc::new(stopping()), Box::new(Words(Arc::default())), "req".into());
    let mut out = Vec::new();
    for event in begun(&["END"]) {
        ordered.take(event, &mut out).unwrap();
    }
    assert!(ordered.has_stopped() && !ordered.is_over());
    ordered.stop(Usage::new(0, 2), &mut out);
    assert!(ordered.is_whole() && !ordered.has_stopped());
    assert_eq!(String::from_utf8(out).unwrap(), "start <Text > end 2");
}
