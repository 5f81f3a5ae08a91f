//! Clients' requests, read.

use sluice_api::dialect::Api;
use sluice_neutral::effort::Effort;
use sluice_neutral::json::Raw;
use sluice_neutral::request::{Choice, Content, Lifetime, Media, Part, Source};

use super::{again, kept, read};

#[test]
fn whether_marks_alone_say_what_is_cached_is_said_on_to_who_would_do_otherwise() {
    let ask = |options: &str| {
        format!(r#"{{"messages":[{{"role":"user","content":"hi"}}],"prompt_cache_options":{options}}}"#)
    };
    for (options, toward, expected) in [
        (r#"{"mode":"explicit","ttl":"30m"}"#, Api::OpenaiResponses, true),
        (r#"{"mode":"explicit"}"#, Api::Anthropic, false),
        (r#"{"mode":"implicit"}"#, Api::OpenaiResponses, false),
    ] {
        let body = ask(options);
        let (request, .., named) = read(&body, toward).unwrap();
        assert_eq!((request.caching.marked_alone, named.len()), (expected, 0), "{options} toward {toward}");
    }
}

#[test]
fn old_clients_functions_are_tools_and_their_results_find_their_calls() {
    let body = r#"{"functions":[{"name":"look","parameters":{"type":"object"}}],"function_call":{"name":"look"},
        "messages":[{"role":"user","content":"hi"},{"role":"assistant","content":null,"function_call":{"name":"look","arguments":"{}"}},
        {"role":"function","name":"look","content":"so"}],"stream_options":{"include_usage":true}}"#;
    let (request, own, named) = read(body, Api::Anthropic).unwrap();
    assert!(kept(&own).legacy && kept(&own).include_usage && named.is_empty());
    assert_eq!(request.choice.unwrap().value, Choice::One("look".into()));
    assert!(!request.parallel.unwrap().value);
    let Content::Call(call) = &request.turns[1].parts[0].content else { panic!() };
    let Content::Outcome(outcome) = &request.turns[2].parts[0].content else { panic!() };
    assert_eq!((&call.id, &*outcome.name), (&outcome.id, "look"));
    // Each result is of the last call of its name.
    let two = r#"{"messages":[{"role":"assistant","function_call":{"name":"a","arguments":"1"}},{"role":"assistant","function_call":{"name":"b","arguments":"2"}},
        {"role":"function","name":"a","content":"of a"},{"role":"function","name":"b","content":"of b"}]}"#;
    let (request, ..) = read(two, Api::Gemini).unwrap();
    let ids: Vec<&str> = request
        .turns
        .iter()
        .map(|turn| match &turn.parts[0].content {
            Content::Call(call) => &*call.id,
            Content::Outcome(outcome) => &*outcome.id,
            other => panic!("{other:?}"),
        })
        .collect();
    assert!(ids[0] == ids[2] && ids[1] == ids[3] && ids[0] != ids[1], "{ids:?}");
    let (body, _) = again(body, "gpt-4o", "openai");
    assert_eq!(body["messages"][1]["tool_calls"][0]["id"], body["messages"][2]["tool_call_id"]);
}

#[test]
fn parts_of_all_kinds_are_read() {
    let body = r#"{"messages":[{"role":"system","content":"S"},{"role":"developer","content":[{"type":"text","text":"D","prompt_cache_breakpoint":{"mode":"explicit","ttl":"12h"}}]},
        {"role":"user","name":"ann","content":[{"type":"text","text":""},{"type":"image_url","image_url":{"url":"data:image\/png;base64,QQ==","detail":"low"}},
        {"type":"image_url","image_url":{"url":"https://h/i.png"}},{"type":"input_audio","input_audio":{"data":"QQ==","format":"mp3"}},
        {"type":"file","file":{"file_data":"data:text/plain;base64,SGk=","filename":"a.txt"}}]},
        {"role":"assistant","content":"","tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{\"n\":1.50}"}}]},
        {"role":"tool","tool_call_id":"c","content":[{"type":"text","text":"so"}]}]}"#;
    let (request, _, named) = read(body, Api::Gemini).unwrap();
    assert!(named.is_empty());
    assert_eq!((request.system.len(), request.system[1].cache), (2, None));
    let user = &request.turns[0];
    assert_eq!((user.name.as_deref(), user.parts.len()), (Some("ann"), 4));
    let Content::Image(first) = &user.parts[0].content else { panic!() };
    assert!(matches!(&first.source, Source::Inline(data) if data == "QQ=="));
    assert_eq!((&*first.media_type, first.detail.as_deref()), ("image/png", Some("low")));
    assert!(matches!(&user.parts[1].content, Content::Image(Media { source: Source::Url(_), .. })));
    assert!(matches!(&user.parts[2].content, Content::Audio(media) if media.media_type == "audio/mpeg"));
    assert!(
        matches!(&user.parts[3].content, Content::Document(Media { source: Source::Plain(text), .. }) if text == "Hi")
    );
    assert!(matches!(request.turns[1].parts.as_slice(), [Part { content: Content::Call(_), .. }]));
    let Content::Outcome(outcome) = &request.turns[2].parts[0].content else { panic!() };
    assert_eq!(&*outcome.name, "f");
    // Toward dialects that have marks, they are carried.
    let body = body
        .replace(r#","name":"ann""#, "")
        .replace(r#"{"type":"input_audio","input_audio":{"data":"QQ==","format":"mp3"}},"#, "");
    assert_eq!(read(&body, Api::Anthropic).unwrap().0.system[1].cache, Some(Lifetime::Long));
}

#[test]
fn mistakes_are_told_by_their_fields() {
    for (body, param) in [
        (r#"{"messages":[]"#, None),
        ("[]", None),
        (r#"{}"#, Some("messages")),
        (r#"{"messages":"hi"}"#, Some("messages")),
        (r#"{"messages":[{"content":"hi"}]}"#, Some("messages[0].role")),
        (r#"{"messages":[{"role":"user"}]}"#, Some("messages[0].content")),
        (r#"{"messages":[{"role":"user","content":7}]}"#, Some("messages[0].content")),
        (r#"{"messages":[{"role":"tool","content":"x"}]}"#, Some("messages[0].tool_call_id")),
        (
            r#"{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"ftp://h"}}]}]}"#,
            Some("messages[0].content[0].image_url.url"),
        ),
        (
            r#"{"messages":[{"role":"user","content":[{"type":"file","file":{"file_id":"f"}}]}]}"#,
            Some("messages[0].content[0].file.file_id"),
        ),
        (r#"{"messages":[{"role":"assistant","audio":{"id":"a"},"content":""}]}"#, Some("messages[0].audio")),
        (r#"{"messages":[],"n":2}"#, Some("n")),
        (r#"{"messages":[],"modalities":["text","audio"]}"#, Some("modalities")),
        (r#"{"messages":[],"temperature":"hot"}"#, Some("temperature")),
        (r#"{"messages":[],"reasoning_effort":"extreme"}"#, Some("reasoning_effort")),
        (r#"{"messages":[],"max_tokens":-1}"#, Some("max_tokens")),
        (r#"{"messages":[],"tool_choice":"maybe"}"#, Some("tool_choice")),
        (r#"{"messages":[],"tool_choice":{"type":"function","function":{"name":"f"}}}"#, Some("tool_choice")),
        (
            r#"{"messages":[],"tools":[{"type":"function","function":{"name":""}}]}"#,
            Some("tools[0].function.name"),
        ),
        (r#"{"messages":[],"response_format":{"type":"json_schema"}}"#, Some("response_format.json_schema")),
    ] {
        let error = read(body, Api::Anthropic).unwrap_err();
        assert_eq!(error.facts().param.as_deref(), param, "{body}");
        assert_eq!(error.kind(), sluice_api::error::Kind::BadRequest);
    }
    for fine in [
        r#"{"messages":[],"n":1,"modalities":["text"],"tools":null,"temperature":null}"#,
        r#"{"messages":[],"modalities":[ "text" ]}"#,
    ] {
        assert!(read(fine, Api::Anthropic).unwrap().2.is_empty());
    }
}

#[test]
fn the_levels_of_thought_are_read_from_where_others_have_them() {
    for (more, effort, budget) in [
        (r#""reasoning":{"effort":"high"}"#, Some(Effort::High), None),
        (r#""reasoning":{"max_tokens":2000}"#, None, Some(2000)),
        (r#""thinking":{"type":"disabled"}"#, Some(Effort::None), None),
        (r#""thinking":{"type":"enabled","budget_tokens":2000}"#, None, Some(2000)),
    ] {
        let body = format!(r#"{{"messages":[],{more}}}"#);
        let reasoning = read(&body, Api::Anthropic).unwrap().0.reasoning;
        assert_eq!(
            (reasoning.effort.map(|told| told.value), reasoning.budget.map(|told| told.value)),
            (effort, budget)
        );
    }
    let number: Raw<'_> = serde_json::from_str("0.70").unwrap();
    let body = r#"{"messages":[],"temperature":0.70}"#;
    assert_eq!(read(body, Api::Anthropic).unwrap().0.sampling.temperature.unwrap().value.get(), number.get());
}
