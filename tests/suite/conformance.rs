//! One suite for every provider that is linked in, against the scripted upstream of its dialect.

mod samples;

use std::process::Command;

use serde_json::{Value, json};
use sluice_tests::client::{Whole, send};
use sluice_tests::dialects::{Dialect, dialect};
use sluice_tests::dice::Dice;
use sluice_tests::eventstream::chunks;
use sluice_tests::fleet::{Fleet, answer, sample};
use sluice_tests::frame::INTERNAL_ERROR;
use sluice_tests::gateway::{Gateway, KEY, binary, key};
use sluice_tests::upstream::{GROUNDS, Ground, Request, Step, chunk, end, stream_head, whole};

use crate::registry::{NEEDS, UPSTREAMS};
use samples::tool;

/// A provider with one of the dialects that its upstream speaks.
struct Subject {
    ground: Ground,
    kind: &'static str,
    dialect: &'static Dialect,
    fleet: Fleet,
    gateway: Gateway,
}

/// What comes of a request.
struct Came {
    answer: Whole,
    record: Value,
    account: Value,
}

pub(crate) fn linked_in() -> Vec<String> {
    let output = Command::new(binary()).args(["plugins", "--json"]).output().unwrap();
    let plugins: Value = serde_json::from_slice(&output.stdout).unwrap();
    let providers = plugins.as_array().unwrap().iter().filter(|plugin| plugin["role"] == "provider");
    providers.map(|plugin| plugin["kind"].as_str().unwrap().to_owned()).collect()
}

/// Every provider in every dialect of its upstream, over all that upstreams speak, each on a gateway of its own.
fn subjects() -> impl Iterator<Item = Subject> {
    GROUNDS.into_iter().flat_map(subjects_on)
}

fn subjects_on(ground: Ground) -> impl Iterator<Item = Subject> {
    let linked = linked_in();
    assert!(linked.len() > 7, "{linked:?}");
    let spoken = UPSTREAMS.iter().filter(move |(kind, _)| linked.iter().any(|linked| linked == kind));
    spoken.flat_map(|(kind, apis)| apis.iter().map(move |(api, _)| (*kind, dialect(api)))).map(
        move |(kind, dialect)| {
            let fleet = Fleet::on(ground, sample);
            let needs = NEEDS.iter().find(|(name, _)| *name == kind).map_or("", |(_, needs)| needs);
            let gateway = Gateway::start(&(fleet.account("a", kind, needs) + &key("")));
            Subject { ground, kind, dialect, fleet, gateway }
        },
    )
}

impl Subject {
    fn what(&self) -> String {
        format!("{} in {} over {:?}", self.kind, self.dialect.api, self.ground)
    }

    fn streams(&self) -> bool {
        !self.dialect.stream.is_empty()
    }

    /// Asks, whole or for a stream; the account is well before.
    fn ask(&self, streamed: bool) -> Came {
        assert_eq!(self.gateway.admin("POST", "/accounts/a/recover", "").status, 200);
        let (path, body) = if streamed {
            self.dialect.stream_request
        } else {
            (self.dialect.paths[0], self.dialect.request)
        };
        let answer = send(&self.gateway.address, "POST", path, &[("api-key", KEY)], body.as_bytes());
        self.gateway.until("the request has ended", |gateway| gateway.in_flight() == 0);
        let account = self.gateway.admin("GET", "/accounts/a", "").json();
        Came { answer, record: self.gateway.record(), account }
    }
}

impl Came {
    /// It went to its end, and everybody knows what was used.
    fn is_fine(&self, text: &str, (input, output): (u64, u64), what: &str) {
        assert_eq!((self.answer.status, self.answer.text().as_str()), (200, text), "{what}");
        assert!(self.answer.complete, "{what}");
        let told = ["input_tokens", "output_tokens", "usage_estimated", "outcome", "status", "attempts"];
        let told = told.map(|field| self.record[field].clone());
        assert_eq!(
            told,
            [json!(input), json!(output), json!(false), json!("completed"), json!(200), json!(1)],
            "{what}: {}",
            self.record
        );
        self.is("ready", None, what);
    }

    /// The account is in a state, or the model on it is.
    fn is(&self, state: &str, model: Option<&str>, what: &str) {
        let of_model =
            self.account["models"].as_array().unwrap().iter().map(|limited| limited["state"].as_str());
        let of_model: Vec<_> = of_model.flatten().collect();
        assert_eq!(
            (self.account["state"].as_str(), of_model),
            (Some(state), model.into_iter().collect()),
            "{what}: {}",
            self.account
        );
    }
}

#[test]
fn plain_and_streamed_answers_go_through_with_their_usage() {
    for subject in subjects() {
        let (what, dialect) = (subject.what(), subject.dialect);
        subject.ask(false).is_fine(dialect.answer, dialect.used, &what);
        if subject.streams() {
            let came = subject.ask(true);
            came.is_fine(dialect.stream, dialect.used, &what);
            assert_eq!(came.record["stream"], true, "{what}");
        }
    }
}

#[test]
fn a_tool_calls_arguments_arrive_as_they_were_sent() {
    for subject in subjects().filter(Subject::streams) {
        let (what, sample) = (subject.what(), tool(subject.dialect.api));
        subject.fleet.tell("a", move |request| answer(request, &sample.whole, &sample.stream, 7));
        let sample = tool(subject.dialect.api);
        for (streamed, sent) in [(false, &sample.whole), (true, &sample.stream)] {
            let came = subject.ask(streamed);
            came.is_fine(sent, (9, 41), &what);
            let arguments = samples::arguments(subject.dialect.api, &came.answer.text(), streamed);
            assert_eq!(arguments, samples::ARGUMENTS, "{what}");
        }
    }
}

#[test]
fn each_class_of_error_is_the_clients_the_accounts_or_the_providers() {
    for ground in GROUNDS {
        classes(&subjects_on(ground).collect::<Vec<_>>());
    }
}

fn classes(subjects: &[Subject]) {
    // Status, the client's, the outcome, the account's state and that of the model on it.
    for (status, client, outcome, state, model) in [
        (400, 400, "completed", "ready", None),
        (413, 413, "completed", "ready", None),
        (401, 502, "upstream_error", "unauthorized", None),
        (403, 502, "upstream_error", "unauthorized", None),
        (402, 502, "upstream_error", "quota_exceeded", None),
        (429, 429, "upstream_error", "ready", Some("rate_limited")),
        (500, 500, "upstream_error", "ready", None),
        (504, 504, "upstream_error", "ready", None),
        (529, 529, "upstream_error", "ready", Some("overloaded")),
    ] {
        for subject in subjects {
            for streamed in [false, true] {
                if streamed && !subject.streams() {
                    continue;
                }
                let what = format!("{status} of {}, streamed: {streamed}", subject.what());
                subject.fleet.tell("a", move |_| whole(status, "", r#"{"message":"planted words"}"#));
                let came = subject.ask(streamed);
                let text = came.answer.text();
                assert_eq!(came.answer.status, client, "{what}: {text}");
                assert_eq!(text.contains("planted words"), client != 502, "{what}: {text}");
                came.is(state, model, &what);
                let told =
                    (&came.record["status"], &came.record["outcome"], &came.record["tries"][0]["account"]);
                assert_eq!(told, (&json!(client), &json!(outcome), &json!("a")), "{what}: {}", came.record);
            }
        }
    }
}

/// A stream in the framing of whoever asked for it, in one piece.
fn framed(request: &Request, text: &str) -> (Step, Vec<u8>) {
    if request.line.ends_with("/invoke-with-response-stream") {
        return (stream_head("application/vnd.amazon.eventstream"), chunks(text));
    }
    (stream_head("text/event-stream"), text.as_bytes().to_vec())
}

#[test]
fn a_stream_that_is_cut_ends_in_an_error_and_is_recorded_as_one() {
    for subject in subjects().filter(Subject::streams) {
        let first = subject.dialect.first_event();
        for (which, step) in [
            ("it breaks", (|| Step::Close) as fn() -> Step),
            ("it is reset", || Step::Reset(INTERNAL_ERROR)),
            ("it ends", end),
        ] {
            let what = format!("{which}, {}", subject.what());
            subject.fleet.tell("a", move |request| {
                let (head, bytes) = framed(request, first);
                vec![head, chunk(&bytes), step()]
            });
            let came = subject.ask(true);
            let text = came.answer.text();
            let in_order = subject.dialect.api != "gemini";
            assert_eq!((came.answer.status, came.answer.complete), (200, in_order), "{what}: {text}");
            let told = text.strip_prefix(first).unwrap_or_else(|| panic!("{what}: {text}"));
            assert!(told.contains("error") && !told.contains("[DONE]"), "{what}: {told}");
            let recorded = (&came.record["outcome"], &came.record["status"], &came.record["attempts"]);
            assert_eq!(
                recorded,
                (&json!("upstream_error"), &json!(200), &json!(1)),
                "{what}: {}",
                came.record
            );
            let used = ["input_tokens", "output_tokens"].map(|field| came.record[field].as_u64().unwrap());
            assert!(used[0] + used[1] > 0, "{what}: {}", came.record);
            // One alone takes no account out.
            came.is("ready", None, &what);
        }
    }
}

#[test]
fn a_trickle_and_odd_chunks_are_the_same_stream() {
    let mut dice = Dice::new(7);
    for subject in subjects().filter(Subject::streams) {
        let (what, text) = (subject.what(), subject.dialect.stream);
        for size in [1, 2, 3, 17, 10_000] {
            subject.fleet.tell("a", move |request| answer(request, "", text, size));
            subject.ask(true).is_fine(text, subject.dialect.used, &format!("{what}, pieces of {size}"));
        }
        for _ in 0..4 {
            let cuts: Vec<usize> = (0..4).map(|_| dice.below(text.len())).collect();
            let shown = format!("{what}, cut at {cuts:?}");
            subject.fleet.tell("a", move |request| {
                let (head, bytes) = framed(request, text);
                let mut places: Vec<usize> =
                    cuts.iter().map(|cut| cut % bytes.len()).chain([0, bytes.len()]).collect();
                places.sort_unstable();
                places.dedup();
                let pieces = places.windows(2).map(|pair| chunk(&bytes[pair[0]..pair[1]]));
                std::iter::once(head).chain(pieces).chain([end()]).collect()
            });
            subject.ask(true).is_fine(text, subject.dialect.used, &shown);
        }
    }
}
