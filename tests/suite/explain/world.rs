//! A gateway of which it is asked what would become of a request, and to which that request is then sent.

use serde_json::{Value, json};
use sluice_tests::client::{Answer, Whole, begin, send};
use sluice_tests::fleet::{Fleet, asks_stream, sample, spoken};
use sluice_tests::gateway::{Gateway, KEY, key};
use sluice_tests::upstream::{Step, chunk, stream_head};

/// Accounts of two families in several pools, and keys that may do different things.
pub(super) struct World {
    pub(super) fleet: Fleet,
    pub(super) gateway: Gateway,
}

impl World {
    pub(super) fn start() -> Self {
        let fleet = Fleet::start(|request| match asks_stream(request) {
            false => sample(request),
            true => vec![
                stream_head("text/event-stream"),
                chunk(spoken(request).first_event().as_bytes()),
                Step::Hang,
            ],
        });
        let accounts = fleet.account("a", "claude-console", "priority = 1\nconcurrency = 1")
            + &fleet.account("b", "claude-console", "priority = 2")
            + &fleet.account("c", "claude-console", "pools = [\"other\"]\nmodels = [\"n-*\"]")
            + &fleet.account("o", "openai", "models = [\"m-1\", \"o-*\"]");
        let rest = "[[keys]]\nname = \"narrow\"\nkey = \"narrow-key\"\nallow = [\"openai\"]\nmodels = [\"o-*\", \"!o-secret\"]\n\
            [[keys]]\nname = \"bound\"\nkey = \"bound-key\"\naccounts = [\"b\"]\n\
            [[keys]]\nname = \"pooled\"\nkey = \"pooled-key\"\npools = [\"other\"]\n\
            [[keys]]\nname = \"ended\"\nkey = \"ended-key\"\nexpires = \"2020-01-01T00:00:00Z\"\n\
            [[routes]]\nmodel = \"n-*\"\npools = [\"other\", \"claude\"]\n\
            [[routes]]\nmodel = \"crossed\"\napi = [\"openai-chat\"]\npools = [\"claude\"]\nrewrite = \"m-1\"\n";
        let config = format!("server.reveal_route = true\n{accounts}{}{rest}", key(""));
        Self { fleet, gateway: Gateway::start(&config) }
    }

    /// Asks what would become of a request; nothing is sent for it.
    pub(super) fn explain(&self, key: &str, (api, model): (&str, &str), session: Option<&str>) -> Value {
        let before = (self.fleet.asked_in_all(), self.gateway.record());
        let mut question = json!({ "key": key, "api": api, "model": model });
        if let Some(session) = session {
            question["session"] = session.into();
        }
        let told = self.gateway.admin("POST", "/explain", &question.to_string());
        assert_eq!(told.status, 200, "{}", told.text());
        assert_eq!(
            (self.fleet.asked_in_all(), self.gateway.record()),
            before,
            "nothing is sent, and no record made"
        );
        let told = told.json();
        let names: Vec<_> =
            told["accounts"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
        assert!(names.is_empty() || names == ["a", "b", "c", "o"], "all or none: {told}");
        assert_eq!(told["allowed"].as_bool().unwrap(), told["account"].is_string(), "{told}");
        told
    }

    /// Sends such a request.
    pub(super) fn ask(&self, secret: &str, (api, model): (&str, &str), session: Option<&str>) -> Whole {
        let (path, body) = request(api, model);
        let mut headers = vec![("x-api-key", secret)];
        headers.extend(session.map(|session| ("x-session-id", session)));
        send(&self.gateway.address, "POST", &path, &headers, body.as_bytes())
    }

    /// What is explained, and that it is then done: the account that serves, or the status of the refusal.
    pub(super) fn check(
        &self,
        key: (&str, &str),
        asked: (&str, &str),
        session: Option<&str>,
        comes: Result<&str, u16>,
    ) -> Value {
        let told = self.explain(key.0, asked, session);
        let what = format!("{key:?} {asked:?} {session:?}: {told:#}");
        assert_eq!(told["account"].as_str(), comes.ok(), "{what}");
        let answer = self.ask(key.1, asked, session);
        let came = match answer.header("x-sluice-account") {
            Some(account) if answer.status == 200 => Ok(account),
            _ => Err(answer.status),
        };
        assert_eq!(came, comes, "{what}\n{}", answer.text());
        told
    }

    /// A stream that stays open.
    pub(super) fn running(&self) -> Answer {
        let body = br#"{"model":"m-1","stream":true,"max_tokens":9,"messages":[]}"#;
        begin(&self.gateway.address, "POST", "/v1/messages", &[("x-api-key", KEY)], body)
    }
}

fn request(api: &str, model: &str) -> (String, String) {
    match api {
        "anthropic" => {
            ("/v1/messages".to_owned(), format!(r#"{{"model":"{model}","max_tokens":9,"messages":[]}}"#))
        }
        "openai-chat" => (
            "/v1/chat/completions".to_owned(),
            format!(r#"{{"model":"{model}","messages":[{{"role":"user","content":"Go."}}]}}"#),
        ),
        "openai-responses" => ("/v1/responses".to_owned(), format!(r#"{{"model":"{model}","input":"x"}}"#)),
        "gemini" => (format!("/v1beta/models/{model}:generateContent"), "{\"contents\":[]}".to_owned()),
        other => panic!("{other}"),
    }
}
