//! Lists of models: what a key may ask for, in the shape that its client reads, page by page as the real ones.

mod discovery;

use serde_json::Value;
use sluice_tests::client::{Whole, send};
use sluice_tests::gateway::{Gateway, KEY, account, key};
use sluice_tests::refusal::{BAD_REQUEST, NO_MODEL, Style, UNAUTHENTICATED};
use sluice_tests::upstream::{Upstream, whole};

const VERSION: (&str, &str) = ("anthropic-version", "2023-06-01");

/// `claude-00` and on, of which Anthropic's list has two pages, and `gemini-00` and on, likewise.
fn names(family: &str, count: usize) -> Vec<String> {
    (0..count).map(|number| format!("{family}-{number:02}")).collect()
}

fn map(names: &[String]) -> String {
    let each: Vec<String> = names.iter().map(|name| format!("\"{name}\" = \"up-{name}\"")).collect();
    format!("models = [\"no-*\"]\nmodel_map = {{ {} }}", each.join(", "))
}

fn setting() -> Gateway {
    let nowhere = "127.0.0.1:1";
    let config = account("c", "claude-console", nowhere, &map(&names("claude", 25)))
        + &account("g", "gemini", nowhere, &map(&names("gemini", 60)))
        + &account("o", "openai", nowhere, "models = [\"gpt-*\"]\nmodel_map = { \"gpt-mapped\" = \"x\" }")
        + &account("z", "azure-openai", nowhere, "deployments = { \"gpt-deployed\" = \"d\" }")
        + "[[routes]]\nmodel = \"alias-*\"\npools = [\"openai\"]\nrewrite = \"gpt-rewritten\"\n"
        + &key("")
        + "[[keys]]\nname = \"few\"\nkey = \"few\"\nmodels = [\"claude-0*\", \"gemini-0*\", \"gpt-*\", \"!*-00\"]\n\
           [[keys]]\nname = \"family\"\nkey = \"family\"\nallow = [\"claude\"]\n";
    Gateway::start(&config)
}

fn get(gateway: &Gateway, path: &str, headers: &[(&str, &str)]) -> Whole {
    send(&gateway.address, "GET", path, headers, b"")
}

/// What a list of some shape names, after a check that it has that shape.
fn listed(style: Style, body: &Value, what: &str) -> Vec<String> {
    let texts = |list: &Value, field: &str| -> Vec<String> {
        let each = list.as_array().unwrap_or_else(|| panic!("{what}: {body}"));
        each.iter()
            .map(|one| one[field].as_str().unwrap_or_else(|| panic!("{what}: {one}")).to_owned())
            .collect()
    };
    match style {
        Style::Anthropic => {
            let ids = texts(&body["data"], "id");
            assert!(texts(&body["data"], "type").iter().all(|kind| kind == "model"), "{what}");
            assert!(texts(&body["data"], "created_at").iter().all(|time| time.ends_with('Z')), "{what}");
            assert_eq!(texts(&body["data"], "display_name").len(), ids.len());
            assert_eq!(body["first_id"].as_str(), ids.first().map(String::as_str), "{what}");
            assert_eq!(body["last_id"].as_str(), ids.last().map(String::as_str), "{what}");
            assert!(body["has_more"].is_boolean(), "{what}");
            ids
        }
        Style::Gemini => {
            let names = texts(&body["models"], "name");
            names.iter().map(|name| name.strip_prefix("models/").unwrap().to_owned()).collect()
        }
        Style::Openai => {
            let ids = texts(&body["data"], "id");
            assert_eq!(body["object"], "list", "{what}");
            assert!(texts(&body["data"], "object").iter().all(|kind| kind == "model"), "{what}");
            assert!(body["data"].as_array().unwrap().iter().all(|one| one["created"].is_u64()), "{what}");
            // Codex reads these.
            assert_eq!(texts(&body["models"], "slug"), ids, "{what}");
            ids
        }
    }
}

#[test]
fn the_shape_is_the_one_that_the_client_reads() {
    let gateway = setting();
    let bearer = format!("Bearer {KEY}");
    let in_query = format!("/v1/models?key={KEY}");
    let own = ("x-api-key", KEY);
    let google = ("x-goog-api-key", KEY);
    for (path, headers, style) in [
        ("/v1/models", &[own][..], Style::Openai),
        ("/v1/models", &[("authorization", &bearer)], Style::Openai),
        ("/v1/models", &[("api-key", KEY)], Style::Openai),
        ("/v1/models", &[own, VERSION], Style::Anthropic),
        ("/v1/models", &[("authorization", &bearer), VERSION], Style::Anthropic),
        ("/v1/models", &[google], Style::Gemini),
        (&in_query, &[], Style::Gemini),
        ("/v1/models", &[google, VERSION], Style::Anthropic),
        // The key that counts came otherwise.
        ("/v1/models", &[own, ("x-goog-api-key", "unknown")], Style::Openai),
        ("/api/v1/models", &[own, VERSION], Style::Anthropic),
        ("/claude/v1/models", &[own, VERSION], Style::Anthropic),
        ("/api/claude/v1/models", &[own, VERSION], Style::Anthropic),
        ("/openai/v1/models", &[("authorization", &bearer)], Style::Openai),
        ("/gemini/v1/models", &[google], Style::Gemini),
        ("/gemini/v1beta/models", &[google], Style::Gemini),
        ("/v1beta/models", &[own], Style::Gemini),
        ("/v1beta/models", &[google], Style::Gemini),
        ("/azure/openai/models?api-version=2024-10-21", &[("api-key", KEY)], Style::Openai),
        ("/azure/openai/v1/models", &[("api-key", KEY)], Style::Openai),
    ] {
        let what = format!("{path} with {headers:?}");
        let answer = get(&gateway, path, headers);
        assert_eq!(answer.status, 200, "{what}: {}", answer.text());
        assert!(!listed(style, &answer.json(), &what).is_empty(), "{what}");
        assert!(answer.header("x-request-id").is_some(), "{what}");
    }
    let records = gateway.admin("GET", "/requests", "").json();
    assert_eq!(records["data"].as_array().unwrap().len(), 0, "lists are not recorded");
}

#[test]
fn a_key_sees_what_it_may_ask_for_and_nothing_else() {
    let gateway = setting();
    let see = |key: &str, style: Style| {
        let (path, headers): (&str, &[(&str, &str)]) = match style {
            Style::Anthropic => ("/v1/models?limit=1000", &[("x-api-key", key), VERSION]),
            Style::Openai => ("/v1/models", &[("x-api-key", key)]),
            Style::Gemini => ("/v1beta/models?pageSize=1000", &[("x-goog-api-key", key)]),
        };
        listed(style, &get(&gateway, path, headers).json(), path)
    };
    assert_eq!(see(KEY, Style::Anthropic), names("claude", 25));
    assert_eq!(see(KEY, Style::Gemini), names("gemini", 60));
    let openai = see(KEY, Style::Openai);
    for name in ["gpt-mapped", "gpt-deployed", "gpt-rewritten"] {
        assert!(openai.iter().any(|one| one == name), "{name} in {openai:?}");
    }
    assert_eq!(see("few", Style::Anthropic), names("claude", 10)[1..]);
    assert_eq!(see("few", Style::Gemini), names("gemini", 10)[1..]);
    assert_eq!(see("family", Style::Anthropic), names("claude", 25));
    assert!(see("family", Style::Openai).iter().all(|name| name.starts_with("claude-")));
    assert!(see("family", Style::Gemini).iter().all(|name| name.starts_with("claude-")));
}

#[test]
fn accounts_of_globs_alone_list_what_anything_in_the_configuration_names() {
    let nowhere = "127.0.0.1:1";
    let config = account("c", "claude-console", nowhere, "models = [\"claude-*\"]")
        + &account("o", "openai", nowhere, "models = [\"gpt-*\"]")
        + "[[accounts]]\nname = \"b\"\nprovider = \"bedrock\"\nregion = \"us-east-1\"\napi_key = \"k\"\npools = [\"other\"]\n\
           [[routes]]\nmodel = \"gpt-of-a-route\"\npools = [\"openai\"]\n"
        + &key("models = [\"claude-of-the-key\", \"gpt-*\", \"claude-haiku-*\", \"nobodys-model\"]");
    let gateway = Gateway::start(&config);
    let see = |path: &str, headers: &[(&str, &str)], style| {
        listed(style, &get(&gateway, path, headers).json(), path)
    };
    let claude = see("/v1/models?limit=1000", &[("x-api-key", KEY), VERSION], Style::Anthropic);
    // The table of Bedrock's provider knows the names of Claude's models, which any account of Claude's serves.
    for name in ["claude-of-the-key", "claude-haiku-4-5"] {
        assert!(claude.iter().any(|one| one == name), "{name} in {claude:?}");
    }
    assert!(!claude.iter().any(|one| one.contains("sonnet") || one == "nobodys-model"), "{claude:?}");
    assert_eq!(see("/v1/models", &[("x-api-key", KEY)], Style::Openai), ["gpt-of-a-route"]);
    assert_eq!(gateway.post("/v1/messages", "{\"model\":\"claude-haiku-4-5\"}").status, 502);
    let metrics = send(&gateway.address, "GET", "/metrics", &[], b"").text();
    let line = "api=\"anthropic\",model=\"claude-haiku-4-5\",account=\"c\",status=\"502\"} 1";
    assert!(metrics.contains(line), "{metrics}");
}

#[test]
fn anthropics_pages_are_walked_both_ways() {
    let gateway = setting();
    let page = |query: &str| {
        let body = get(&gateway, &format!("/v1/models{query}"), &[("x-api-key", KEY), VERSION]).json();
        (listed(Style::Anthropic, &body, query), body["has_more"].as_bool().unwrap())
    };
    let all = names("claude", 25);
    assert_eq!(page(""), (all[..20].to_vec(), true));
    assert_eq!(page("?after_id=claude-19"), (all[20..].to_vec(), false));
    assert_eq!(page("?limit=7&after_id=claude-04"), (all[5..12].to_vec(), true));
    assert_eq!(page("?limit=20&after_id=claude-04"), (all[5..].to_vec(), false));
    assert_eq!(page("?limit=7&before_id=claude-09"), (all[2..9].to_vec(), true));
    assert_eq!(page("?limit=7&before_id=claude-05"), (all[..5].to_vec(), false));
    assert_eq!(page("?after_id=claude-24"), (Vec::new(), false));
    assert_eq!(page("?limit=1000").0, all);
    for limit in ["0", "1001", "x", "-1"] {
        let path = format!("/v1/models?limit={limit}");
        BAD_REQUEST.check(Style::Anthropic, &get(&gateway, &path, &[("x-api-key", KEY), VERSION]), &path);
    }
}

#[test]
fn googles_pages_are_walked_by_their_tokens() {
    let gateway = setting();
    let page = |query: &str| {
        let answer = get(&gateway, &format!("/v1beta/models{query}"), &[("x-goog-api-key", KEY)]);
        let body = answer.json();
        (listed(Style::Gemini, &body, query), body["nextPageToken"].as_str().map(ToOwned::to_owned))
    };
    let all = names("gemini", 60);
    let (first, token) = page("");
    assert_eq!(first, all[..50]);
    assert_eq!(page(&format!("?pageToken={}", token.unwrap())), (all[50..].to_vec(), None));
    let (mut walked, mut token) = page("?pageSize=7");
    while let Some(next) = token {
        let (more, after) = page(&format!("?pageSize=7&pageToken={next}"));
        assert!((1..=7).contains(&more.len()));
        walked.extend(more);
        token = after;
    }
    assert_eq!(walked, all);
    // Google gives at most 1000, even if more are asked for.
    assert_eq!(page("?pageSize=5000"), (all, None));
    for query in ["pageToken=nonsense", "pageSize=x", "pageSize=-1"] {
        let path = format!("/v1beta/models?{query}");
        BAD_REQUEST.check(Style::Gemini, &get(&gateway, &path, &[("x-goog-api-key", KEY)]), &path);
    }
}

#[test]
fn one_model_is_told_in_each_shape_and_an_unknown_one_is_a_404_in_its_words() {
    let gateway = setting();
    let own = ("x-api-key", KEY);
    let google = ("x-goog-api-key", KEY);
    for (path, headers, style, field, value) in [
        ("/v1/models/claude-03", &[own, VERSION][..], Style::Anthropic, "id", "claude-03"),
        ("/claude/v1/models/claude-03", &[own, VERSION], Style::Anthropic, "type", "model"),
        ("/v1/models/gpt-mapped", &[own], Style::Openai, "id", "gpt-mapped"),
        ("/openai/v1/models/gpt-mapped", &[own], Style::Openai, "object", "model"),
        ("/v1beta/models/gemini-03", &[google], Style::Gemini, "name", "models/gemini-03"),
        ("/gemini/v1/models/gemini-03", &[google], Style::Gemini, "name", "models/gemini-03"),
        ("/v1/models/gemini-03", &[google], Style::Gemini, "name", "models/gemini-03"),
    ] {
        let answer = get(&gateway, path, headers);
        assert_eq!(
            (answer.status, answer.json()[field].as_str()),
            (200, Some(value)),
            "{path}: {}",
            answer.text()
        );
        let (before, _) = path.rsplit_once('/').unwrap();
        for unknown in ["nonesuch", "a%2Fb", "up-claude-03"] {
            let path = format!("{before}/{unknown}");
            NO_MODEL.check(style, &get(&gateway, &path, headers), &path);
        }
        let nobody: Vec<(&str, &str)> =
            headers.iter().filter(|(name, _)| *name == VERSION.0).copied().collect();
        let path = before.replace("/v1/", "/v1beta/");
        if style == Style::Gemini {
            UNAUTHENTICATED.check(style, &get(&gateway, &path, &nobody), &path);
        } else {
            UNAUTHENTICATED.check(style, &get(&gateway, before, &nobody), before);
        }
    }
}

#[test]
fn an_id_with_slashes_is_found_in_each_shape_under_every_prefix_with_and_without_encoding() {
    let nowhere = "127.0.0.1:1";
    let id = "mistralai/mistral-7b/instruct:free";
    let more = format!("model_map = {{ {id:?} = \"x\" }}");
    let config = account("c", "claude-console", nowhere, &more)
        + &account("g", "gemini", nowhere, &more)
        + &account("o", "openai", nowhere, &more)
        + &key("");
    let gateway = Gateway::start(&config);
    let (own, google) = (("x-api-key", KEY), ("x-goog-api-key", KEY));
    for (style, headers, field, prefixes) in [
        (Style::Openai, &[own][..], "id", &["/v1", "/api/v1", "/openai/v1"][..]),
        (Style::Anthropic, &[own, VERSION], "id", &["/v1", "/api/v1", "/claude/v1", "/api/claude/v1"]),
        (Style::Gemini, &[google], "name", &["/v1", "/v1beta", "/gemini/v1", "/gemini/v1beta"]),
    ] {
        for prefix in prefixes {
            let listed =
                listed(style, &get(&gateway, &format!("{prefix}/models?limit=1000"), headers).json(), prefix);
            assert!(listed.iter().any(|listed| listed == id), "{prefix}: {listed:?}");
            for written in [id.to_owned(), id.replace('/', "%2F"), id.replace('/', "%2f").replace(':', "%3A")]
            {
                let path = format!("{prefix}/models/{written}");
                let answer = get(&gateway, &path, headers);
                assert_eq!(answer.status, 200, "{path}: {}", answer.text());
                let told = answer.json()[field].as_str().unwrap().to_owned();
                assert_eq!(told.strip_prefix("models/").unwrap_or(&told), id, "{path}");
            }
            NO_MODEL.check(style, &get(&gateway, &format!("{prefix}/models/{id}/x"), headers), prefix);
        }
    }
}

#[test]
fn a_models_name_in_geminis_path_may_have_slashes() {
    let upstream = Upstream::start(|_| whole(200, "", "{}"));
    let config =
        account("g", "gemini", &upstream.address, "model_map = { \"google/gemma-4\" = \"gemma-4\" }")
            + &key("");
    let gateway = Gateway::start(&config);
    for written in ["google/gemma-4", "google%2Fgemma-4"] {
        let path = format!("/v1beta/models/{written}:generateContent");
        assert_eq!(gateway.post(&path, r#"{"contents":[]}"#).status, 200, "{path}");
        assert!(upstream.last().line.contains("/models/gemma-4:generateContent"), "{}", upstream.last().line);
        assert_eq!(gateway.record()["model"], "google/gemma-4");
    }
}
