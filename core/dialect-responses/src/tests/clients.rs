//! Requests as clients send them.

use serde_json::json;
use sluice_api::dialect::{Api, Operation};
use sluice_neutral::dialect::{Asked, Dialect as _};
use sluice_neutral::effort::Effort;
use sluice_neutral::loss::Losses;
use sluice_neutral::request::{Choice, Content, Input, Role, Source, Takes};

use super::read;
use crate::Responses;

/// A turn of Codex's, with the results of two calls.
const CODEX: &str = r##"{"model":"gpt-5.5","stream":true,
 "input":[{"type":"message","id":"msg_1","role":"developer","content":[{"type":"input_text","text":"You are Codex"}]},
  {"type":"message","id":"msg_2","role":"developer","content":[{"type":"input_text","text":"<skills>"}]},
  {"type":"message","id":"msg_3","role":"user","content":[{"type":"input_text","text":"hi"}],
   "internal_chat_message_metadata_passthrough":{"a":1}},
  {"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"**Look**"}],"content":null,"encrypted_content":"gAAAA"},
  {"type":"message","role":"assistant","content":[{"type":"output_text","text":"I look."}],"phase":"commentary"},
  {"type":"function_call","id":"fc_1","call_id":"call_1","name":"exec_command","arguments":"{\"cmd\":\"ls\",\"n\":1.50}"},
  {"type":"custom_tool_call","id":"ctc_1","status":"completed","call_id":"call_2","name":"apply_patch","input":"*** Begin"},
  {"type":"function_call_output","id":"fco_1","call_id":"call_1","output":"a.txt"},
  {"type":"custom_tool_call_output","id":"ctco_1","call_id":"call_2","output":"done"}],
 "tools":[{"type":"function","name":"exec_command","description":"Runs","strict":false,"parameters":{"type":"object","properties":{"n":{"minimum":1.0}}}},
  {"type":"custom","name":"apply_patch","description":"Patches","format":{"type":"grammar","syntax":"lark","definition":"start: x"}},
  {"type":"tool_search","execution":"client","description":"Searches"},
  {"type":"web_search","external_web_access":false,"search_content_types":["text","image"]}],
 "tool_choice":"auto","parallel_tool_calls":true,"reasoning":{"effort":"medium","summary":"auto"},"store":false,
 "include":["reasoning.encrypted_content"],"prompt_cache_key":"01a2","text":{"verbosity":"low"},
 "client_metadata":{"session_id":"01a2"}}"##;

#[test]
fn a_turn_of_codexs_is_read_whole() {
    for api in [Api::Anthropic, Api::OpenaiChat, Api::Gemini] {
        let (request, named) = read(CODEX, api).unwrap();
        assert_eq!(
            named,
            ["tools.search_content_types", "tools"]
                .map(str::to_owned)
                .to_vec()
                .into_iter()
                .rev()
                .collect::<Vec<_>>()
        );
        let system: Vec<_> = request.system.iter().map(|part| &part.content).collect();
        assert!(
            matches!(system[..], [Content::Text(one), Content::Text(two)] if one == "You are Codex" && two == "<skills>")
        );
        let roles: Vec<Role> = request.turns.iter().map(|turn| turn.role).collect();
        assert_eq!(roles, [Role::User, Role::Assistant, Role::User]);
        let [Content::Thinking(thinking), Content::Text(said), Content::Call(call), Content::Call(patch)] =
            &request.turns[1].parts.iter().map(|part| part.content.clone()).collect::<Vec<_>>()[..]
        else {
            panic!("{:?}", request.turns[1])
        };
        assert_eq!((&*thinking.text, &*thinking.seal.as_ref().unwrap().payload), ("**Look**", "rs_1:gAAAA"));
        assert_eq!((&**said, &*call.id, &*call.name), ("I look.", "call_1", "exec_command"));
        assert!(matches!(&call.input, Input::Json(json) if json == r#"{"cmd":"ls","n":1.50}"#));
        assert!(matches!(&patch.input, Input::Plain(text) if text == "*** Begin"));
        let outcomes: Vec<_> = request.turns[2].parts.iter().map(|part| &part.content).collect();
        assert!(matches!(outcomes[..], [Content::Outcome(one), Content::Outcome(two)]
                if one.name == "exec_command" && two.id == "call_2" && two.name == "apply_patch"));
        let names: Vec<_> = request.tools.iter().map(|tool| &*tool.name).collect();
        assert_eq!(names, ["exec_command", "apply_patch", "tool_search"]);
        let Takes::Schema(Some(schema)) = &request.tools[0].takes else { panic!() };
        assert!(schema.contains("1.0"), "{schema}");
        assert!(request.search.is_none() && request.choice.unwrap().value == Choice::Auto);
        assert_eq!(request.reasoning.effort.unwrap().value, Effort::Medium);
        assert!(request.reasoning.carried && request.reasoning.shown.unwrap().value);
        assert_eq!(request.verbosity.is_some(), api == Api::OpenaiChat);
        assert_eq!(request.caching.key.is_some(), api == Api::OpenaiChat);
    }
}

#[test]
fn tools_stand_wherever_they_may_and_those_of_namespaces_have_its_name() {
    let body = r#"{"input":[{"type":"additional_tools","role":"developer","tools":[
        {"type":"namespace","name":"functions","description":"All","tools":[
          {"type":"custom","name":"exec","description":"Runs"},{"type":"function","name":"wait"}]}]},
      {"role":"user","content":"hi"},
      {"type":"custom_tool_call","call_id":"c","name":"exec","namespace":"functions","input":"ls"},
      {"type":"custom_tool_call_output","call_id":"c","output":[{"type":"input_text","text":"x"}]},
      {"type":"tool_search_call","call_id":"s","execution":"client","arguments":{"query":"q"}},
      {"type":"tool_search_output","call_id":"s","execution":"client","tools":[{"type":"function","name":"found","defer_loading":true}]}],
      "tools":[{"type":"tool_search","execution":"client"},{"type":"function","name":"hidden","defer_loading":true},
        {"type":"function","name":"found","defer_loading":true},{"type":"function","name":"kept","allowed_callers":["programmatic"]}]}"#;
    let (request, named) = read(body, Api::Anthropic).unwrap();
    let names: Vec<_> = request.tools.iter().map(|tool| &*tool.name).collect();
    assert_eq!(names, ["tool_search", "found", "functions__exec", "functions__wait"]);
    assert_eq!(request.tools[2].description.as_deref(), Some("All\n\nRuns"));
    assert_eq!(named, ["tools"]);
    let Content::Call(call) = &request.turns[1].parts[0].content else { panic!() };
    assert_eq!(call.name, "functions__exec");
    let Content::Call(search) = &request.turns[3].parts[0].content else { panic!() };
    assert!(
        search.name == "tool_search"
            && matches!(&search.input, Input::Json(json) if json == r#"{"query":"q"}"#)
    );
}

#[test]
fn media_are_what_their_addresses_say() {
    let body = r#"{"input":[{"role":"user","content":[
        {"type":"input_image","image_url":"data:image/png;base64,QUJD","detail":"low"},
        {"type":"input_image","image_url":"https://h/i.png"},
        {"type":"input_file","filename":"a.txt","file_data":"QUJD"},
        {"type":"input_file","file_data":"data:application/pdf;name=x;base64,QUJD"},
        {"type":"input_file","file_url":"https://h/a.pdf"},
        {"type":"input_audio","input_audio":{"data":"QUJD","format":"wav"}}]}]}"#;
    let (request, _) = read(body, Api::OpenaiChat).unwrap();
    let media: Vec<(String, String)> = request.turns[0]
        .parts
        .iter()
        .map(|part| match &part.content {
            Content::Image(media) | Content::Document(media) | Content::Audio(media) => {
                let source = match &media.source {
                    Source::Inline(data) => data.to_string(),
                    Source::Url(url) => url.to_string(),
                    Source::Plain(text) => text.to_string(),
                };
                (media.media_type.to_string(), source)
            }
            other => panic!("{other:?}"),
        })
        .collect();
    let expected = [
        ("image/png", "QUJD"),
        ("", "https://h/i.png"),
        ("text/plain", "QUJD"),
        ("application/pdf", "QUJD"),
        ("", "https://h/a.pdf"),
        ("audio/wav", "QUJD"),
    ];
    assert_eq!(media, expected.map(|(kind, source)| (kind.to_owned(), source.to_owned())));
    let refused = read(body, Api::Anthropic).unwrap_err();
    assert_eq!(refused.facts().param.as_deref(), Some("input[0].content[5]"));
}

#[test]
fn what_is_wrong_is_refused_at_its_place() {
    for (body, param) in [
        (
            r#"{"input":[{"role":"user","content":[{"type":"input_image","file_id":"f"}]}]}"#,
            "input[0].content[0].file_id",
        ),
        (
            r#"{"input":[{"role":"user","content":[{"type":"input_image"}]}]}"#,
            "input[0].content[0].image_url",
        ),
        (r#"{"input":[{"role":"user","content":[{"type":"hologram"}]}]}"#, "input[0].content[0]"),
        (r#"{"input":[{"role":"nobody","content":"x"}]}"#, "input[0].role"),
        (r#"{"input":[{"role":"user"}]}"#, "input[0].content"),
        (r#"{"input":[{"type":"item_reference","id":"x"}]}"#, "input[0]"),
        (r#"{"input":[{"id":"x"}]}"#, "input[0]"),
        (r#"{"input":[{"type":"compaction","encrypted_content":"x"}]}"#, "input[0]"),
        (r#"{"input":[{"type":"function_call","name":"f","arguments":"{}"}]}"#, "input[0].call_id"),
        (r#"{"input":[{"type":"function_call","call_id":"c","name":"f","async":true}]}"#, "input[0].async"),
        (
            r#"{"input":[{"type":"function_call","call_id":"c","name":"f","caller":{"type":"program","caller_id":"p"}}]}"#,
            "input[0].caller",
        ),
        (r#"{"input":7}"#, "input"),
        (r#"{"input":[],"instructions":"Be brief."}"#, "input"),
        (r#"{"input":[{"role":"user","content":[]}]}"#, "input"),
        (r#"{"input":[7]}"#, "input[0]"),
        (r#"{"input":"x","tools":[{"type":"mcp","server_label":"s","headers":{"k":"secret"}}]}"#, "tools[0]"),
        (r#"{"input":"x","tools":[{"type":"function"}]}"#, "tools[0].name"),
        (r#"{"input":"x","tools":[{"type":"function","name":"f","async":true}]}"#, "tools[0].async"),
        (r#"{"input":"x","tool_choice":{"type":"mcp","server_label":"s"}}"#, "tool_choice"),
        (r#"{"input":"x","tool_choice":"sometimes"}"#, "tool_choice"),
        (r#"{"input":"x","previous_response_id":"resp_1"}"#, "previous_response_id"),
        (r#"{"input":"x","conversation":{"id":"c"}}"#, "conversation"),
        (r#"{"input":"x","background":true}"#, "background"),
        (r#"{"input":"x","prompt":{"id":"p"}}"#, "prompt"),
        (r#"{"input":"x","multi_agent":{"enabled":true}}"#, "multi_agent"),
        (r#"{"input":"x","reasoning":{"effort":"heroic"}}"#, "reasoning.effort"),
        (r#"{"input":"x","text":{"format":{"type":"json_schema","name":"n"}}}"#, "text.format.schema"),
        (r#"{"input":"x","temperature":"hot"}"#, "temperature"),
    ] {
        let refused = read(body, Api::OpenaiChat).unwrap_err();
        assert_eq!(refused.facts().param.as_deref(), Some(param), "{body}: {refused}");
        assert!(!refused.to_string().contains("secret"), "{refused}");
    }
    assert!(read("[]", Api::OpenaiChat).is_err());
    let nothing = Asked { body: br#"{"model":"m"}"#, operation: Operation::CountTokens };
    let refused = Responses.read(&nothing, &mut Losses::toward(Api::Gemini)).unwrap_err();
    assert_eq!(refused.facts().param.as_deref(), Some("input"));
    let filters = r#"{"input":"x","tools":[{"type":"web_search","filters":{"allowed_domains":["a.com"]}}]}"#;
    assert!(read(filters, Api::Anthropic).unwrap().0.search.unwrap().value.allowed == ["a.com"]);
    for api in [Api::OpenaiChat, Api::Gemini] {
        assert_eq!(read(filters, api).unwrap_err().facts().param.as_deref(), Some("tools[0].filters"));
    }
}

#[test]
fn what_the_model_is_told_alone_is_what_is_asked_of_it() {
    let body = r#"{"instructions":"A","input":[{"role":"system","content":"B"},{"role":"developer","content":"Write."}]}"#;
    let (request, _) = read(body, Api::Anthropic).unwrap();
    assert_eq!((request.system.len(), request.turns.len(), request.turns[0].role), (2, 1, Role::User));
    assert!(matches!(&request.turns[0].parts[0].content, Content::Text(text) if text == "Write."));
}

#[test]
fn what_is_left_out_is_named_where_it_matters() {
    for (body, api, named) in [
        (
            json!({"store": true, "stream_options": {"include_obfuscation": false}, "client_metadata": {}}),
            Api::Gemini,
            &[][..],
        ),
        (json!({"truncation": "disabled", "background": false, "service_tier": "auto"}), Api::Anthropic, &[]),
        (json!({"truncation": "auto"}), Api::Anthropic, &["truncation"]),
        (json!({"top_logprobs": 2}), Api::Anthropic, &["top_logprobs"]),
        (json!({"parallel_tool_calls": true}), Api::Gemini, &[]),
        (json!({"parallel_tool_calls": false}), Api::Gemini, &["parallel_tool_calls"]),
        (
            json!({"reasoning": {"effort": "low", "context": "all_turns", "mode": "standard"}}),
            Api::Anthropic,
            &["reasoning.context"],
        ),
        (json!({"future": 1, "moderation": {"model": "x"}}), Api::OpenaiChat, &["future", "moderation"]),
        (json!({"tools": [{"type": "web_search"}], "max_tool_calls": 3}), Api::Gemini, &["max_tool_calls"]),
        (json!({"max_tool_calls": 3}), Api::Gemini, &[]),
        (json!({"tools": [{"type": "tool_search"}]}), Api::Gemini, &["tools"]),
        (json!({"metadata": {"a": "b"}, "user": "u"}), Api::Gemini, &["user"]),
        (json!({"metadata": {"a": "b"}}), Api::OpenaiChat, &["metadata"]),
        (json!({"metadata": {}}), Api::OpenaiChat, &[]),
    ] {
        let (_, told) = read(&body.to_string(), api).unwrap();
        assert_eq!(told, named, "{body}");
    }
    let replayed =
        json!({"input": [{"type": "web_search_call", "id": "ws", "status": "completed", "action": {}},
        {"type": "reasoning", "id": "rs_2", "summary": []}, {"role": "user", "content": "x"}]})
        .to_string();
    let (request, named) = read(&replayed, Api::Anthropic).unwrap();
    assert_eq!((request.turns.len(), named), (1, vec!["input".to_owned()]));
}

#[test]
fn options_say_what_is_wanted() {
    let body = json!({"input": [{"role": "user", "content": "x"},
            {"type": "configuration_update", "reasoning": {"effort": "high"}}],
        "instructions": "Be brief.", "max_output_tokens": 100, "temperature": 0.5, "top_p": 1, "service_tier": "flex",
        "safety_identifier": "who", "user": "old", "metadata": {"k": "v"}, "reasoning": {"effort": "low"},
        "include": ["message.output_text.logprobs"], "text": {"format": {"type": "json_schema", "name": "n",
            "schema": {"type": "object"}, "strict": true}},
        "tools": [{"type": "function", "name": "a"}, {"type": "custom", "name": "b"}],
        "tool_choice": {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "a"}]}});
    let body = body.to_string();
    let (request, _) = read(&body, Api::OpenaiChat).unwrap();
    assert_eq!(request.reasoning.effort.unwrap().value, Effort::High);
    assert_eq!(request.length.unwrap().value.tokens, 100);
    assert_eq!(request.sampling.temperature.unwrap().value.get(), "0.5");
    assert_eq!(request.sampling.logprobs.unwrap().value, 0);
    assert_eq!(request.user.unwrap().value, "who");
    let Choice::Some { names, must: true } = request.choice.unwrap().value else { panic!() };
    assert_eq!(names, ["a"]);
    assert!(request.format.is_some());
}
