//! Requests written for models of all families and providers: what they refuse is left out, and named.

use serde_json::{Value, json};
use sluice_api::dialect::{Api, Form};
use sluice_neutral::dialect::Upstream;
use sluice_neutral::request::{Format, Length, Request, Role, Search};

use super::conversations::{said, text, told, turn};
use super::{again, read, upstream, written};

#[test]
fn what_a_model_refuses_is_left_out_and_named() {
    let ask = |more: &str| format!(r#"{{"model":"m","messages":[{{"role":"user","content":"hi"}}],{more}}}"#);
    // The model, its provider, what is asked, a member that is written (or not), what is named.
    for (model, provider, more, member, value, named) in [
        ("gpt-4o", "openai", r#""temperature":0.70"#, "temperature", json!(0.7), ""),
        ("o3", "openai", r#""temperature":0.7"#, "temperature", Value::Null, "temperature"),
        ("o3", "openai", r#""temperature":1"#, "temperature", Value::Null, ""),
        ("gpt-5", "openai", r#""top_p":0.5"#, "top_p", Value::Null, "top_p"),
        ("gpt-5.1", "openai", r#""top_p":0.5"#, "top_p", json!(0.5), ""),
        ("gpt-5.1", "openai", r#""top_p":0.5,"reasoning_effort":"low""#, "top_p", Value::Null, "top_p"),
        ("gpt-5.5", "openai", r#""top_p":0.5,"reasoning_effort":"none""#, "top_p", json!(0.5), ""),
        (
            "gpt-6-sol",
            "openai",
            r#""presence_penalty":0.5"#,
            "presence_penalty",
            Value::Null,
            "presence_penalty",
        ),
        ("gpt-6-sol", "openai", r#""frequency_penalty":0"#, "frequency_penalty", Value::Null, ""),
        ("gpt-4o", "openai", r#""frequency_penalty":0.5"#, "frequency_penalty", json!(0.5), ""),
        ("o4-mini", "openai", r#""stop":["a"]"#, "stop", Value::Null, ""),
        ("gpt-4o", "openai", r#""stop":"a""#, "stop", json!(["a"]), ""),
        ("gpt-4o", "openai", r#""stop":["a","b","c","d","e"]"#, "stop", json!(["a", "b", "c", "d"]), ""),
        ("gpt-4o", "openai", r#""logprobs":true,"top_logprobs":3"#, "top_logprobs", json!(3), ""),
        ("gpt-5", "openai", r#""logprobs":true"#, "logprobs", Value::Null, "logprobs"),
        ("gpt-4o", "openai", r#""seed":7"#, "seed", json!(7), ""),
        ("gpt-4o", "openai", r#""top_k":7"#, "top_k", Value::Null, "top_k"),
        (
            "gpt-4o",
            "openai",
            r#""reasoning_effort":"high""#,
            "reasoning_effort",
            Value::Null,
            "reasoning_effort",
        ),
        ("gpt-4o", "openai", r#""reasoning_effort":"none""#, "reasoning_effort", Value::Null, ""),
        ("gpt-5", "openai", r#""reasoning_effort":"none""#, "reasoning_effort", json!("minimal"), ""),
        ("gpt-5", "openai", r#""reasoning_effort":"max""#, "reasoning_effort", json!("high"), ""),
        ("gpt-6-sol", "openai", r#""reasoning_effort":"minimal""#, "reasoning_effort", json!("low"), ""),
        ("gpt-5.5", "openai", r#""reasoning_effort":"minimal""#, "reasoning_effort", json!("low"), ""),
        (
            "gemini-3-pro",
            "openai-compatible",
            r#""reasoning_effort":"minimal""#,
            "reasoning_effort",
            json!("minimal"),
            "",
        ),
        (
            "gpt-5.1",
            "openai",
            r#""thinking":{"type":"enabled","budget_tokens":1024}"#,
            "reasoning_effort",
            json!("low"),
            "",
        ),
        (
            "gpt-6-sol",
            "openai",
            r#""thinking":{"type":"enabled","budget_tokens":9000}"#,
            "reasoning_effort",
            json!("medium"),
            "",
        ),
        (
            "gpt-oss-20b",
            "openai-compatible",
            r#""reasoning_effort":"high""#,
            "reasoning_effort",
            json!("high"),
            "",
        ),
        (
            "qwen3",
            "openai-compatible",
            r#""reasoning_effort":"high""#,
            "reasoning_effort",
            Value::Null,
            "reasoning_effort",
        ),
        ("gpt-4o", "openai", r#""max_tokens":50"#, "max_completion_tokens", json!(50), ""),
        ("gpt-4o", "azure-openai", r#""max_completion_tokens":50"#, "max_completion_tokens", json!(50), ""),
        ("m", "openai-compatible", r#""max_completion_tokens":50"#, "max_tokens", json!(50), ""),
        ("gpt-5", "openai", r#""verbosity":"low""#, "verbosity", json!("low"), ""),
        ("gpt-4o", "openai", r#""verbosity":"low""#, "verbosity", Value::Null, ""),
        ("gpt-4o", "openai", r#""user":"u1""#, "safety_identifier", json!("u1"), ""),
        ("m", "openai-compatible", r#""safety_identifier":"u1","user":"u2""#, "user", json!("u1"), ""),
        ("gpt-4o", "azure-openai", r#""user":"u1","prompt_cache_key":"k""#, "user", json!("u1"), ""),
        ("gpt-4o", "openai", r#""prompt_cache_key":"k""#, "prompt_cache_key", json!("k"), ""),
        (
            "gpt-5.1",
            "openai",
            r#""prompt_cache_retention":"24h""#,
            "prompt_cache_retention",
            json!("24h"),
            "",
        ),
        (
            "gpt-5.1",
            "openai",
            r#""prompt_cache_retention":"in_memory""#,
            "prompt_cache_retention",
            Value::Null,
            "",
        ),
        ("gpt-4o", "openai", r#""prompt_cache_retention":"24h""#, "prompt_cache_retention", Value::Null, ""),
        ("m", "openai-compatible", r#""prompt_cache_key":"k""#, "prompt_cache_key", Value::Null, ""),
        ("gpt-4o", "openai", r#""service_tier":"flex""#, "service_tier", json!("flex"), ""),
        ("gpt-4o", "openai", r#""service_tier":"standard_only""#, "service_tier", json!("default"), ""),
        ("gpt-4o", "openai", r#""service_tier":"golden""#, "service_tier", Value::Null, "service_tier"),
        ("m", "openai-compatible", r#""service_tier":"flex""#, "service_tier", Value::Null, "service_tier"),
        ("gpt-4o", "openai", r#""metadata":{"a":"b"}"#, "metadata", Value::Null, "metadata"),
        (
            "gpt-4o",
            "openai",
            r#""web_search_options":{}"#,
            "web_search_options",
            Value::Null,
            "web_search_options",
        ),
        (
            "gpt-4o-search-preview",
            "openai",
            r#""web_search_options":{"search_context_size":"low","user_location":{"type":"approximate","approximate":{"city":"Oslo"}}}"#,
            "web_search_options",
            json!({"search_context_size": "low", "user_location": {"type": "approximate", "approximate": {"city": "Oslo"}}}),
            "",
        ),
        ("gpt-4o", "openai", r#""tool_choice":"required""#, "tool_choice", Value::Null, ""),
        (
            "gpt-4o",
            "openai",
            r#""parallel_tool_calls":true,"functions":[{"name":"f"}],"tools":[{"type":"function","function":{"name":"g"}}]"#,
            "parallel_tool_calls",
            json!(true),
            "",
        ),
        (
            "m",
            "openai-compatible",
            r#""parallel_tool_calls":true,"tools":[{"type":"function","function":{"name":"g"}}]"#,
            "parallel_tool_calls",
            Value::Null,
            "",
        ),
        (
            "m",
            "openai-compatible",
            r#""parallel_tool_calls":false,"tools":[{"type":"function","function":{"name":"g"}}]"#,
            "parallel_tool_calls",
            json!(false),
            "",
        ),
    ] {
        let (body, left) = again(&ask(more), model, provider);
        let known: &[&str] = if named.is_empty() { &[] } else { &[named] };
        assert_eq!(
            (&body[member], left.as_slice()),
            (&value, known.iter().map(ToString::to_string).collect::<Vec<_>>().as_slice()),
            "{model} {more}: {body}"
        );
        assert_eq!(body["model"], model);
    }
}

#[test]
fn tools_are_written_as_the_provider_knows_them() {
    let body = r#"{"messages":[{"role":"user","content":"hi"}],"parallel_tool_calls":false,
        "tools":[{"type":"function","function":{"name":"look","description":"d","parameters":{"type":"object","properties":{"a":{"type":"number","maximum":1.50}}},"strict":true}},
        {"type":"custom","custom":{"name":"patch","format":{"type":"grammar","grammar":{"syntax":"lark","definition":"start: X"}}}}],
        "tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"required","tools":[{"type":"custom","custom":{"name":"patch"}}]}}}"#;
    let (there, named) = again(body, "gpt-5", "openai");
    assert_eq!(there["tools"][0]["function"]["parameters"]["properties"]["a"]["maximum"].to_string(), "1.5");
    // Not all of its properties are required, so that OpenAI could not hold the model to it.
    assert_eq!(
        (there["tools"][0]["function"].get("strict"), named.as_slice()),
        (None, &["tools.strict".to_owned()][..])
    );
    assert_eq!(
        there["tools"][1],
        json!({"type": "custom", "custom": {"name": "patch", "format": {"type": "grammar", "grammar": {"syntax": "lark", "definition": "start: X"}}}})
    );
    assert_eq!(
        there["tool_choice"],
        json!({"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [{"type": "custom", "custom": {"name": "patch"}}]}})
    );
    assert_eq!(there["parallel_tool_calls"], false);
    let (request, ..) = read(body, Api::OpenaiChat).unwrap();
    let (here, sent, _) = written(&request, &upstream("m", "openai-compatible")).unwrap();
    assert_eq!((here["tools"].as_array().unwrap().len(), &here["tool_choice"]), (1, &json!("required")));
    assert_eq!(here["tools"][0]["function"]["parameters"]["required"], json!(["input"]));
    assert!(here["tools"][0]["function"]["description"].as_str().unwrap().contains("start: X"));
    assert_eq!(sent.wrapped, ["patch"]);
}

#[test]
fn a_strict_schema_is_one_that_names_all_it_has() {
    for (schema, strict) in [
        (
            r#"{"type":"object","properties":{"a":{"type":"string"}},"required":["a"],"additionalProperties":false}"#,
            true,
        ),
        (
            r#"{"type":"object","properties":{"a":{"type":"string"}},"required":[],"additionalProperties":false}"#,
            false,
        ),
        // It has all that it may have, and is closed.
        (r#"{"type":"object","properties":{"a":{"type":"string"}},"required":["a"]}"#, true),
        (
            r#"{"type":"object","properties":{"properties":{"type":"string"}},"required":["properties"],"additionalProperties":false}"#,
            true,
        ),
        (r#"{"type":"array","items":{"type":"object","properties":{"a":{}},"required":[]}}"#, false),
    ] {
        let value =
            Format::Schema { name: None, description: None, schema: schema.into(), strict: Some(true) };
        let request = Request {
            format: told(value, "output_config.format"),
            ..said(vec![turn(Role::User, vec![text("hi")])])
        };
        let (body, _, named) = written(&request, &upstream("gpt-4o", "openai")).unwrap();
        let inner = &body["response_format"]["json_schema"];
        assert_eq!((&inner["name"], &inner["strict"]), (&json!("response"), &json!(strict)), "{schema}");
        assert_eq!(named.is_empty(), strict);
        let closed = inner["schema"].get("additionalProperties").is_some();
        assert!(closed || !strict, "{inner}");
    }
}

#[test]
fn json_is_asked_for_by_its_word() {
    let ask = |text: &'static str| Request {
        format: told(Format::Object, "generationConfig.responseMimeType"),
        ..said(vec![turn(Role::User, vec![self::text(text)])])
    };
    for (words, provider, first) in [
        ("list", "openai", "Reply with one JSON object only."),
        ("a Json list", "openai", "a Json list"),
        ("list", "openai-compatible", "list"),
    ] {
        let (body, _, named) = written(&ask(words), &upstream("gpt-4o", provider)).unwrap();
        assert_eq!(body["messages"][0]["content"], first);
        // What the client did not write is told to it.
        assert_eq!(named.len(), usize::from(first != words));
        assert_eq!(body["response_format"], json!({"type": "json_object"}));
    }
}

#[test]
fn a_stream_is_asked_for_with_its_usage() {
    let request = said(vec![turn(Role::User, vec![text("hi")])]);
    for (form, include_usage, streamed, options) in [
        (Form::Sse, true, json!(true), json!({"include_usage": true})),
        (Form::Sse, false, json!(true), Value::Null),
        (Form::Whole, true, Value::Null, Value::Null),
    ] {
        let upstream = Upstream { form, include_usage, ..upstream("gpt-4o", "openai") };
        let (body, ..) = written(&request, &upstream).unwrap();
        assert_eq!((&body["stream"], &body["stream_options"]), (&streamed, &options));
    }
}

#[test]
fn what_is_as_much_as_the_model_has_is_left_to_it() {
    for (tokens, provider, member, value) in [
        (9000, "openai", "max_completion_tokens", Value::Null),
        (7999, "openai", "max_completion_tokens", json!(7999)),
        (9000, "openai-compatible", "max_tokens", json!(8000)),
    ] {
        let length = told(Length { tokens, with_thinking: true }, "max_tokens");
        let request = Request { length, ..said(vec![turn(Role::User, vec![text("hi")])]) };
        let upstream = Upstream { max_output: Some(8000), ..upstream("m", provider) };
        assert_eq!(written(&request, &upstream).unwrap().0[member], value);
    }
}

#[test]
fn who_the_user_is_goes_nowhere_in_facts() {
    let user = r#"{"device_id":"d","session_id":"s"}"#;
    let request = Request {
        user: told(user.into(), "metadata.user_id"),
        ..said(vec![turn(Role::User, vec![text("hi")])])
    };
    let (body, ..) = written(&request, &upstream("gpt-4o", "openai")).unwrap();
    let sent = body["safety_identifier"].as_str().unwrap();
    assert!(sent.len() == 32 && sent.bytes().all(|byte| byte.is_ascii_hexdigit()), "{sent}");
}

#[test]
fn a_search_that_is_bound_to_domains_is_not_widened() {
    let search = Search { allowed: vec!["h.org".into()], ..Search::default() };
    let request = Request { search: told(search, "tools"), ..said(vec![turn(Role::User, vec![text("hi")])]) };
    assert!(written(&request, &upstream("gpt-4o-search-preview", "openai")).is_err());
    let (_, _, named) = written(&request, &upstream("gpt-4o", "openai")).unwrap();
    assert_eq!(named, ["tools"]);
}
