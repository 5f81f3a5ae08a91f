//! The next turn: what a client was told goes back to who said it, with what only that can read.

use serde::Deserialize;
use serde_json::value::RawValue;
use sluice_api::dialect::{Api, Form, Operation};
use sluice_neutral::answer::{Answer, Block};
use sluice_neutral::dialect::Asked;
use sluice_neutral::loss::Losses;
use sluice_neutral::request::{Content, Input};

use super::answers;
use super::requests::{DIALECTS, upstream};
use super::streams::{head, pairs, reply};
use crate::laws::made::Choices;
use crate::translation::{Asking, Translation, dialect};

/// What its model remembers.
const SIGNED: &str = "c2lnbmVk";

/// An answer of each dialect, told to a client of each other one, comes back in the client's next request as it was: calls
/// to the last digit, and thoughts with what only their maker can read.
pub fn next(bytes: &[u8]) {
    pairs(|[client, speaks], translation| {
        let answer = answers::answer(speaks, &mut Choices(bytes));
        let Ok(maker) = dialect(speaks) else { return };
        let told =
            translation.whole(&maker.tell(&answer, &reply(maker)), &head(), Form::Whole).unwrap_or_default();
        let body = request(client, &told, &answer);
        let Some((_, provider, models)) = DIALECTS.into_iter().find(|(api, ..)| *api == speaks) else {
            return;
        };
        let upstream = upstream(provider, models, true);
        let shown = || format!("{client:?} {speaks:?}\n{body}");
        let sent = Translation::of(&Asking { client, body: body.as_bytes(), speaks, upstream });
        assert!(sent.is_ok(), "{sent:?} {}", shown());
        let Ok((sent, _)) = sent else { return };
        let sent_text = String::from_utf8_lossy(&sent.body).into_owned();
        let asked = Asked { body: &sent.body, operation: Operation::Generate };
        let read = maker.read(&asked, &mut Losses::toward(speaks));
        assert!(read.is_ok(), "{read:?} {}", shown());
        let Ok((read, _)) = read else { return };
        let parts = read.turns.iter().flat_map(|turn| &turn.parts);
        let calls: Vec<(String, String, String)> = parts
            .filter_map(|part| match &part.content {
                Content::Call(call) => {
                    let (Input::Json(input) | Input::Plain(input)) = &call.input;
                    Some((call.id.to_string(), call.name.to_string(), input.to_string()))
                }
                _ => None,
            })
            .collect();
        assert_eq!(calls, called(&answer), "{}\n{sent_text}", shown());
        let thought =
            answer.said.first().is_some_and(|first| first.block == Block::Thinking && first.seal.is_some());
        assert!(!thought || calls.is_empty() || sent_text.contains(SIGNED), "{}\n{sent_text}", shown());
    });
}

fn called(answer: &Answer<'_>) -> Vec<(String, String, String)> {
    let calls = answer.said.iter().filter_map(|said| match &said.block {
        Block::Call(called) => Some((called.id.to_string(), called.name.to_string(), said.text.to_string())),
        _ => None,
    });
    calls.collect()
}

/// What a client has of an answer, to be brought back.
#[derive(Deserialize)]
struct Told<'a> {
    #[serde(borrow)]
    content: Option<&'a RawValue>,
    #[serde(borrow)]
    output: Option<&'a RawValue>,
    #[serde(borrow, default)]
    choices: Vec<Choice<'a>>,
    #[serde(borrow, default)]
    candidates: Vec<Candidate<'a>>,
}

#[derive(Deserialize)]
struct Choice<'a> {
    #[serde(borrow)]
    message: &'a RawValue,
}

#[derive(Deserialize)]
struct Candidate<'a> {
    #[serde(borrow)]
    content: &'a RawValue,
}

/// The client's next request: what it asked, what it was told, and what its tools said.
fn request(client: Api, told: &[u8], answer: &Answer<'_>) -> String {
    let read = serde_json::from_slice::<Told<'_>>(told);
    assert!(read.is_ok(), "{}", String::from_utf8_lossy(told));
    let Ok(read) = read else { return String::new() };
    let results = |form: &str| -> String {
        let one = |(id, name, _): &(String, String, String)| form.replace("$id", id).replace("$name", name);
        called(answer).iter().map(one).collect::<Vec<_>>().join(",")
    };
    let text = |raw: Option<&RawValue>| raw.map(|raw| raw.get().to_owned()).unwrap_or_default();
    match client {
        Api::Anthropic => {
            let results = results(r#"{"type":"tool_result","tool_use_id":"$id","content":"Yes."}"#);
            // A turn of nothing is no turn.
            let own = text(read.content);
            let own = if own == "[]" { r#"[{"type":"text","text":"-"}]"#.to_owned() } else { own };
            let last = if results.is_empty() { r#"{"type":"text","text":"Go on."}"# } else { &results };
            format!(
                r#"{{"model":"m","max_tokens":9000,"thinking":{{"type":"enabled","budget_tokens":2000}},"messages":[{{"role":"user","content":"Go."}},{{"role":"assistant","content":{own}}},{{"role":"user","content":[{last}]}}]}}"#
            )
        }
        Api::OpenaiChat => {
            let results = results(r#"{"role":"tool","tool_call_id":"$id","content":"Yes."}"#);
            let own = text(read.choices.first().map(|choice| choice.message));
            let last = if results.is_empty() { r#"{"role":"user","content":"Go on."}"# } else { &results };
            format!(
                r#"{{"model":"m","reasoning_effort":"low","messages":[{{"role":"user","content":"Go."}},{own},{last}]}}"#
            )
        }
        Api::OpenaiResponses => {
            let results = results(r#"{"type":"function_call_output","call_id":"$id","output":"Yes."}"#);
            let own = text(read.output);
            let own = own.trim_start_matches('[').trim_end_matches(']');
            let items = [
                r#"{"role":"user","content":"Go."}"#,
                own,
                &results,
                r#"{"role":"user","content":"Go on."}"#,
            ];
            let items: Vec<&str> = items.into_iter().filter(|item| !item.is_empty()).collect();
            format!(r#"{{"model":"m","reasoning":{{"effort":"low"}},"input":[{}]}}"#, items.join(","))
        }
        _ => {
            let results =
                results(r#"{"functionResponse":{"id":"$id","name":"$name","response":{"output":"Yes."}}}"#);
            let own = text(read.candidates.first().map(|candidate| candidate.content));
            let last = if results.is_empty() { r#"{"text":"Go on."}"# } else { &results };
            format!(
                r#"{{"contents":[{{"role":"user","parts":[{{"text":"Go."}}]}},{own},{{"role":"user","parts":[{last}]}}]}}"#
            )
        }
    }
}
