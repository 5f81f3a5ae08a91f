//! Requests that go into another dialect and are read there.

use serde_json::Value;
use sluice_api::dialect::{Api, Form, Operation};
use sluice_neutral::dialect::{Asked, Dialect, Upstream};
use sluice_neutral::loss::Losses;
use sluice_neutral::request::Request;

use super::flat::{Way, flat};
use super::said::{self, Wish};
use crate::laws::made::Choices;
use crate::translation::dialect;

/// Dialects, and the kinds of their providers, with a model that samples as it is told, and one that thinks.
pub(super) const DIALECTS: [(Api, &str, [&str; 2]); 4] = [
    (Api::Anthropic, "claude", ["claude-sonnet-4-5", "claude-sonnet-4-5"]),
    (Api::OpenaiChat, "openai", ["gpt-4.1", "gpt-5.5"]),
    (Api::OpenaiResponses, "openai-responses", ["gpt-4.1", "gpt-5.5"]),
    (Api::Gemini, "gemini", ["gemini-2.5-flash", "gemini-3.8-flash"]),
];

/// An account of a dialect's, and a model of it.
pub(super) fn upstream(provider: &'static str, models: [&'static str; 2], thinks: bool) -> Upstream<'static> {
    let [samples, thinker] = models;
    Upstream {
        model: if thinks { thinker } else { samples },
        provider,
        account: "acc",
        operation: Operation::Generate,
        form: Form::Sse,
        max_output: Some(64_000),
        include_usage: true,
    }
}

/// A request of each dialect's, put into each other one and read there, says what it said; and so it does when it comes
/// back.
pub fn returned(bytes: &[u8]) {
    for (client, provider, models) in DIALECTS {
        for (speaks, other_provider, other_models) in
            DIALECTS.into_iter().filter(|(speaks, ..)| *speaks != client)
        {
            let (Ok(own), Ok(other)) = (dialect(client), dialect(speaks)) else { continue };
            let mut choices = Choices(bytes);
            let thinks = choices.below(2) == 1;
            // Thoughts are of the one or the other.
            let thinker = if choices.below(2) == 1 { client } else { speaks };
            let urls = client != Api::Gemini && speaks != Api::Gemini;
            let made = said::request(Wish { thinks, thinker, urls }, &mut choices);
            let (home, there) =
                (upstream(provider, models, thinks), upstream(other_provider, other_models, thinks));
            let body = written(own, &made, &home);
            let first = read(own, &body, speaks);
            let sent = written(other, &first, &there);
            let second = read(other, &sent, client);
            let shown = || format!("{client:?} {speaks:?}\n{}\n{}", text(&body), text(&sent));
            let way = Way { from: client, into: speaks };
            assert_eq!(flat(&first, way), flat(&second, way), "{}", shown());
            let back = written(own, &second, &home);
            let third = read(own, &back, speaks);
            assert_eq!(flat(&first, way), flat(&third, way), "{}\n{}", shown(), text(&back));
        }
    }
}

/// A request as an upstream of a dialect is asked.
fn written(of: &dyn Dialect, request: &Request<'_>, upstream: &Upstream<'_>) -> Vec<u8> {
    let written = of.write(request, upstream, &mut Losses::toward(of.api()));
    assert!(written.is_ok(), "{:?} {written:?}", of.api());
    let body = written.map(|(body, _)| body).unwrap_or_default();
    assert!(serde_json::from_slice::<Value>(&body).is_ok_and(|body| body.is_object()), "{}", text(&body));
    body
}

/// The same, as a client of the dialect would ask it.
fn read<'a>(of: &dyn Dialect, body: &'a [u8], toward: Api) -> Request<'a> {
    let read = of.read(&Asked { body, operation: Operation::Generate }, &mut Losses::toward(toward));
    assert!(read.is_ok(), "{:?} {read:?} {}", of.api(), text(body));
    read.map(|(request, _)| request).unwrap_or_default()
}

fn text(body: &[u8]) -> String {
    String::from_utf8_lossy(body).into_owned()
}
