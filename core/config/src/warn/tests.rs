//! What is warned of, and what is not.

use jiff::Timestamp;
use sluice_api::settings::Problem;

use super::warnings;
use crate::check::check;
use crate::read::load_text;

const KINDS: &str =
    "store.kind = \"test-store\"\nscheduler.kind = \"test-scheduler\"\ncost.kind = \"test-cost\"\n";
const ACCOUNT: &str = "[[accounts]]\nname = \"a\"\nprovider = \"test-claude\"\n";
const ROUTE: &str = "[[routes]]\npools = [\"claude\"]\n";
const LIMIT: &str = "limits = [{ per = \"day\", requests = 1";
const KEY: &str = "[[keys]]\nname = \"k\"\nkey = \"planted-client-key\"\n";

fn warned(text: &str) -> Vec<Problem> {
    let loaded = load_text(&format!("{KINDS}{text}")).unwrap();
    let config = check(&loaded).unwrap_or_else(|problems| panic!("{text}\n{problems:#?}"));
    let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    warnings(&loaded, Some(&config), now)
}

#[test]
fn what_is_allowed_and_surely_not_meant_is_told_with_its_place() {
    let with = |more: &str| format!("{ACCOUNT}{more}\n");
    for (text, path, says) in [
        (String::new(), "accounts", "no account is configured"),
        (with("enabled = false"), "accounts", "no account is enabled"),
        (with("credential = \"${KEY}\""), "accounts.a.credential", "the variable KEY is not put in"),
        (with("several = [\"os.environ/KEY\"]"), "accounts.a.several[0]", "the variable KEY is not put in"),
        (
            with("headers = { x = \"Bearer $KEY\" }\nproxy = \"http://h\"\nmodels = [\"^m\"]"),
            "accounts.a.models[0]",
            "regular expression",
        ),
        (with("base_url = \"https://h/v1/messages/\""), "accounts.a.base_url", "it ends in `/v1/messages`"),
        (with("base_url = \"https://h/messages\""), "accounts.a.base_url", "it ends in `/messages`"),
        (with("base_url = \"https://h/x/responses\""), "accounts.a.base_url", "it ends in `/responses`"),
        (with("base_url = \"https://h/embeddings/\""), "accounts.a.base_url", "it ends in `/embeddings`"),
        (with("base_url = \"https://h/v1/responses\""), "accounts.a.base_url", "it ends in `/v1/responses`"),
        (with("proxy = \"http://h\"\nhttp = \"2\""), "accounts.a.http", "HTTP/1.1 is spoken through a proxy"),
        (
            with("proxy = \"socks5://u:planted@h\"\n[upstream]\nhttp = \"2\""),
            "accounts.a.proxy",
            "http = \"2\" of [upstream] changes nothing",
        ),
        (with(&KEY.replace("planted-client", "planted")), "keys.k.key", "fewer than 16 characters"),
        (with(&format!("{KEY}models = [\"claude-.*\"]")), "keys.k.models[0]", "regular expression"),
        (with(&format!("{KEY}expires = \"2025-12-31T23:59:59Z\"")), "keys.k.expires", "has expired"),
        (with(&format!("{KEY}allow = [\"claude\", \"gemini\"]")), "keys.k.allow[1]", "the family gemini"),
        (
            format!("{ACCOUNT}models = [\"m-1\"]\n{KEY}{LIMIT}, models = [\"m-*\", \"n-*\", \"!o\"] }}]"),
            "keys.k.limits[0].models",
            "`n-*` matches no model that any account serves: m-1",
        ),
        (
            format!("limits.kinds = []\n{ACCOUNT}{KEY}{LIMIT} }}]"),
            "keys.k.limits[0].requests",
            "no limiter at work counts requests",
        ),
        (
            with(&format!("{ROUTE}model = \"a*\"\n{ROUTE}model = \"ab-*\"")),
            "routes[1].model",
            "routes[0] in text:",
        ),
        (
            with(&format!("{ROUTE}model = \"a*\"\napi = [\"anthropic\", \"openai-images\"]")),
            "routes[0].api[1]",
            "speaks OpenAI Images",
        ),
        // Claude's accounts answer every client's conversations, and have nothing for this.
        (
            with(&format!(
                "{ROUTE}model = \"a*\"\napi = [\"openai-chat\", \"openai-embeddings\", \"gemini\"]"
            )),
            "routes[0].api[1]",
            "speaks OpenAI Embeddings",
        ),
        (
            format!(
                "{ACCOUNT}{}pools = [\"o\"]\n[[routes]]\nmodel = \"x*\"\napi = [\"openai-images\"]\npools = [\"o\", \"claude\"]\n",
                ACCOUNT.replace("\"a\"", "\"b\"").replace("test-claude", "test-openai")
            ),
            "routes[0].pools[1]",
            "the pool `claude`",
        ),
    ] {
        let told = warned(&text);
        assert_eq!(told.len(), 1, "{text}\n{told:#?}");
        assert_eq!(told[0].path, path, "{text}");
        assert!(told[0].message.contains(says), "{text}\n{told:#?}");
        assert!(text.is_empty() || path == "accounts" || told[0].line.is_some(), "{told:#?}");
        assert!(!format!("{told:?}").contains("planted"), "{told:#?}");
    }
}

#[test]
fn what_may_be_meant_is_not_told() {
    let with = |more: &str| format!("{ACCOUNT}{more}\n");
    for text in [
        with("credential = \"planted\"\nbase_url = \"https://h/api/v1\"\nmodels = [\"m-4.*\"]"),
        with("http = \"2\"\n[upstream]\nhttp = \"2\""),
        with("proxy = \"http://h\"\nhttp = \"1.1\"\n[upstream]\nhttp = \"2\""),
        with("credential = \"pa$$WORD\"\nby_name = { a = \"${planted}\" }"),
        with(&format!("{KEY}expires = \"2026-01-01T00:00:01Z\"\nallow = [\"claude\"]")),
        // Nobody has said that it should be used for the other families.
        with(KEY),
        with(&format!(
            "{ROUTE}model = \"a-*\"\n{ROUTE}model = \"a*\"\n{ROUTE}model = \"b*\"\nrewrite = \"a-1\""
        )),
        with(&format!("{ROUTE}model = \"a*\"\napi = [\"anthropic\"]\n{ROUTE}model = \"a-1\"")),
        with(&format!("{ROUTE}model = \"a*\"")),
        with(&format!(
            "{ROUTE}model = \"a*\"\napi = [\"openai-chat\", \"openai-responses\", \"gemini\", \"anthropic\"]"
        )),
        format!(
            "{ACCOUNT}models = [\"m-*\"]\n{LIMIT}, models = [\"m-1\"] }}]\n{KEY}{LIMIT}, models = [\"x\"] }}]"
        ),
    ] {
        assert_eq!(warned(&text), [], "{text}");
    }
}
