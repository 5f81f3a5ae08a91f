//! Clients of one API on accounts of another.

mod answers;
mod commands;
mod fields;
mod middle;
mod sdks;

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
