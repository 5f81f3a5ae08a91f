//! Clients of one API on accounts of another.

mod amounts;
mod answers;
mod commands;
mod elsewhere;
mod endings;
mod fields;
mod middle;
mod moves;
mod partial;
mod refusals;
mod sdks;
mod spent;
mod stops;

use sluice_tests::conversation;
use sluice_tests::gateway::Gateway;
use sluice_tests::upstream::{Request, Step, Upstream};

/// Dialects, each with a provider whose accounts speak it alone.
const SPEAKS: [(&str, &str); 4] = [
    ("anthropic", "claude-console"),
    ("openai-chat", "openai-compatible"),
    ("openai-responses", "openai-responses"),
    ("gemini", "gemini"),
];

/// A gateway with an account of each dialect, which serves the models `to-DIALECT`, whatever the client speaks.
fn gateway(
    script: impl Fn(&Request) -> Vec<Step> + Clone + Send + Sync + 'static,
) -> (Gateway, Vec<(&'static str, Upstream)>) {
    let upstreams: Vec<(&str, Upstream)> =
        SPEAKS.iter().map(|(api, _)| (*api, Upstream::start(script.clone()))).collect();
    let mut config = sluice_tests::gateway::key("");
    for ((api, provider), (_, upstream)) in SPEAKS.iter().zip(&upstreams) {
        // Of Claude it is known by its name what a model can do.
        let model = if *api == "anthropic" { "claude-sonnet-4-5" } else { "up" };
        let more = format!("pools = [\"{api}\"]\nmodel_map = {{ \"to-{api}\" = \"{model}\" }}\n");
        config += &upstream.account(api, provider, &more);
        config += &format!("[[routes]]\nmodel = \"to-{api}\"\npools = [\"{api}\"]\n");
    }
    (Gateway::start(&config), upstreams)
}

/// The same, with upstreams that have the conversation of [`conversation`].
fn conversing() -> (Gateway, Vec<(&'static str, Upstream)>) {
    gateway(conversation::answer)
}

/// Requests of each client API for a model, streamed, and what its stream has of a word, `Hel`.
fn asked(model: &str) -> [(&'static str, String, String, &'static str); 4] {
    let user = "[{\"role\":\"user\",\"content\":\"Go.\"}]";
    [
        (
            "anthropic",
            "/v1/messages".to_owned(),
            format!("{{\"model\":\"{model}\",\"max_tokens\":9,\"stream\":true,\"messages\":{user}}}"),
            "\"text_delta\"",
        ),
        (
            "openai-chat",
            "/v1/chat/completions".to_owned(),
            format!("{{\"model\":\"{model}\",\"stream\":true,\"messages\":{user}}}"),
            "\"content\":\"Hel\"",
        ),
        (
            "openai-responses",
            "/v1/responses".to_owned(),
            format!("{{\"model\":\"{model}\",\"stream\":true,\"input\":\"Go.\"}}"),
            "response.output_text.delta",
        ),
        (
            "gemini",
            format!("/v1beta/models/{model}:streamGenerateContent?alt=sse"),
            "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"Go.\"}]}]}".to_owned(),
            "\"text\":\"Hel\"",
        ),
    ]
}
