//! How likely tokens were, read and written.

use std::borrow::Cow;

use serde::Deserialize;
use sluice_neutral::answer::Logprob;
use sluice_neutral::json::{Members, Raw};
use sluice_neutral::request::Text;

use crate::json::Json;

#[derive(Deserialize)]
struct All<'a> {
    #[serde(borrow, default)]
    content: Option<Vec<One<'a>>>,
}

#[derive(Deserialize)]
struct One<'a> {
    #[serde(borrow)]
    token: Cow<'a, str>,
    logprob: f64,
    #[serde(borrow, default)]
    top_logprobs: Vec<Other<'a>>,
}

#[derive(Deserialize)]
struct Other<'a> {
    #[serde(borrow)]
    token: Cow<'a, str>,
    logprob: f64,
}

/// Those of a choice; what is none is nothing.
pub(crate) fn read<'a>(choice: &Members<'a>) -> Vec<Logprob<'a>> {
    let Some(value): Option<Raw<'a>> = choice.get("logprobs") else { return Vec::new() };
    let all = serde_json::from_str::<All<'a>>(value.get()).ok().and_then(|all| all.content);
    let others = |all: Vec<Other<'a>>| -> Vec<(Text<'a>, f64)> {
        all.into_iter().map(|other| (other.token, other.logprob)).collect()
    };
    let one =
        |one: One<'a>| Logprob { token: one.token, logprob: one.logprob, others: others(one.top_logprobs) };
    all.unwrap_or_default().into_iter().map(one).collect()
}

/// A choice's `logprobs`.
pub(crate) fn write(all: &[Logprob<'_>], json: &mut Json) {
    json.object(|json| {
        json.key("content").array(|json| all.iter().for_each(|one| token(one, json)));
        json.key("refusal").raw("null");
    });
}

fn token(one: &Logprob<'_>, json: &mut Json) {
    json.object(|json| {
        likely(&one.token, one.logprob, json);
        json.key("top_logprobs").array(|json| {
            for (token, logprob) in &one.others {
                json.object(|json| likely(token, *logprob, json));
            }
        });
    });
}

fn likely(token: &str, logprob: f64, json: &mut Json) {
    json.key("token").text(token);
    // JSON has no infinity; OpenAI writes this for what can't be.
    let logprob = if logprob.is_finite() { logprob } else { -9999.0 };
    json.key("logprob").raw(&serde_json::Value::from(logprob).to_string());
    json.key("bytes").array(|json| token.bytes().for_each(|byte| json.number(byte.into())));
}
