//! Requests of Anthropic's clients.

use std::any::Any;
use std::sync::Arc;

use sluice_api::dialect::{Api, Operation};
use sluice_api::error::Error;
use sluice_neutral::dialect::Asked;
use sluice_neutral::effort::Effort;
use sluice_neutral::loss::Losses;
use sluice_neutral::request::{Content, Input, Part, Request, Role, Takes};

use super::read;
use crate::kept::Kept;

type Read<'a> = (Request<'a>, Vec<String>, Option<Arc<dyn Any + Send + Sync>>);

fn told(body: &str, toward: Api) -> Result<Read<'_>, Error> {
    let mut losses = Losses::toward(toward);
    let asked = Asked { body: body.as_bytes(), operation: Operation::Generate };
    let (request, own) = read(&asked, &mut losses)?;
    Ok((request, losses.named(), own))
}

/// A body with these members beside what every request has.
fn body(members: &str) -> String {
    format!(r#"{{"model":"m","max_tokens":100{members}}}"#)
}

fn texts(parts: &[Part<'_>]) -> Vec<String> {
    let text = |part: &Part<'_>| match &part.content {
        Content::Text(text) => text.to_string(),
        other => format!("{other:?}").split(['(', ' ']).next().unwrap().to_owned(),
    };
    parts.iter().map(text).collect()
}

/// What Claude Code sends first, shortened.
const CLAUDE_CODE: &str = r##"{"model":"claude-opus-5-5",
 "messages":[{"role":"user","content":[{"type":"text","text":"<system-reminder>r</system-reminder>"},{"type":"text","text":"hi"}]},
             {"role":"system","content":[{"type":"text","text":"# Environment","cache_control":{"type":"ephemeral"}}],"output_config":{"effort":"medium"}}],
 "system":[{"type":"text","text":"x-anthropic-billing-header: cc_version=2.1.330.d01; cc_entrypoint=sdk-cli;"},
           {"type":"text","text":"identity","cache_control":{"type":"ephemeral"}}],
 "tools":[{"name":"Bash","description":"d","input_schema":{"type":"object"}},{"name":"DeferredToolPlaceholder","description":"d","input_schema":{"type":"object"},"defer_loading":true}],
 "metadata":{"user_id":"{\"device_id\":\"026c\",\"session_id\":\"7e6f\"}"},
 "max_tokens":128000,"thinking":{"type":"adaptive","display":"omitted"},
 "context_management":{"edits":[{"type":"clear_thinking_20251015","keep":"all"}]},
 "output_config":{"effort":"low"},"stream":true}"##;

#[test]
fn what_claude_code_sends_is_read_without_a_loss() {
    for toward in [Api::OpenaiChat, Api::OpenaiResponses] {
        let (request, named, own) = told(CLAUDE_CODE, toward).unwrap();
        assert!(named.is_empty() && own.is_none(), "{named:?}");
        assert_eq!(texts(&request.system), ["identity"]);
        assert_eq!(request.turns[1].role, Role::System);
        assert_eq!(request.reasoning.effort.unwrap().value, Effort::Medium);
        assert!(request.reasoning.adaptive && !request.reasoning.shown.unwrap().value);
        let user = request.user.unwrap().value;
        assert!(user.len() == 64 && user.bytes().all(|byte| byte.is_ascii_hexdigit()), "{user}");
        assert_eq!(request.tools.len(), 2);
    }
    let (request, ..) = told(CLAUDE_CODE, Api::Anthropic).unwrap();
    assert_eq!(request.system.len(), 2);
    assert!(request.user.unwrap().value.contains("026c"));
}

#[test]
fn thoughts_are_asked_for_unless_they_are_left_out() {
    for (thinking, shown) in [
        (r#"{"type":"enabled","budget_tokens":2048}"#, Some(true)),
        (r#"{"type":"adaptive"}"#, Some(true)),
        (r#"{"type":"adaptive","display":"summarized"}"#, Some(true)),
        (r#"{"type":"enabled","budget_tokens":2048,"display":"omitted"}"#, Some(false)),
        (r#"{"type":"adaptive","display":"omitted"}"#, Some(false)),
        (r#"{"type":"between_tools"}"#, Some(false)),
        (r#"{"type":"disabled"}"#, None),
    ] {
        let user = r#""messages":[{"role":"user","content":"a"}]"#;
        let body = body(&format!(r#",{user},"thinking":{thinking}"#));
        for toward in [Api::OpenaiResponses, Api::Gemini] {
            let (request, named, _) = told(&body, toward).unwrap();
            let read = request.reasoning.shown.map(|shown| shown.value);
            assert_eq!((read, named.len()), (shown, 0), "{thinking}");
        }
    }
}

#[test]
fn tools_that_a_search_has_found_are_there_and_the_others_are_not() {
    let messages = r#","messages":[{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":[{"type":"tool_reference","tool_name":"Web"}]}]}],
        "tools":[{"name":"Search","input_schema":{}},{"name":"Web","input_schema":{},"defer_loading":true},{"name":"Other","input_schema":{},"defer_loading":true}]"#;
    let body = body(messages);
    let (request, named, _) = told(&body, Api::Gemini).unwrap();
    let names: Vec<&str> = request.tools.iter().map(|tool| &*tool.name).collect();
    assert_eq!((names, named.len()), (vec!["Search", "Web"], 0));
    let Content::Outcome(outcome) = &request.turns[0].parts[0].content else { panic!() };
    assert_eq!(texts(&outcome.parts), ["Web"]);
}

#[test]
fn messages_of_the_systems_stand_first_in_the_midst_or_are_over() {
    let messages = r#","messages":[{"role":"system","content":"first"},{"role":"user","content":"a"},
        {"role":"system","content":"over","clear_at":"next_user_message"},{"role":"assistant","content":"b"},
        {"role":"user","content":"c"},{"role":"system","content":"now","clear_at":"next_user_message"}]"#;
    let body = body(messages);
    let (request, named, _) = told(&body, Api::OpenaiChat).unwrap();
    assert_eq!(texts(&request.system), ["first"]);
    let turns: Vec<(Role, Vec<String>)> =
        request.turns.iter().map(|turn| (turn.role, texts(&turn.parts))).collect();
    let said = |text: &str| vec![text.to_owned()];
    assert_eq!(
        turns,
        [
            (Role::User, said("a")),
            (Role::Assistant, said("b")),
            (Role::User, said("c")),
            (Role::System, said("now"))
        ]
    );
    assert!(named.is_empty());
}

#[test]
fn tools_of_the_servers_in_history_become_text() {
    let messages = r#","messages":[{"role":"user","content":"a"},{"role":"assistant","content":[
        {"type":"server_tool_use","id":"s1","name":"web_search","input":{"query":"q"}},
        {"type":"web_search_tool_result","tool_use_id":"s1","content":[{"type":"web_search_result","url":"u","title":"t","encrypted_content":"XX","page_age":null}]},
        {"type":"text","text":"b","citations":[{"type":"web_search_result_location"}]}]},{"role":"user","content":"c"}]"#;
    let body = body(messages);
    let (request, named, _) = told(&body, Api::OpenaiResponses).unwrap();
    let said = texts(&request.turns[1].parts);
    assert_eq!(
        said,
        [
            "web_search {\"query\":\"q\"}:\n[{\"type\":\"web_search_result\",\"url\":\"u\",\"title\":\"t\",\"page_age\":null}]",
            "b"
        ]
    );
    assert_eq!(named, ["messages.content", "messages.content.citations"]);
}

#[test]
fn calls_of_programs_that_anthropic_has_run_become_text_with_their_results() {
    let messages = r#","messages":[{"role":"user","content":"a"},{"role":"assistant","content":[
        {"type":"tool_use","id":"p","name":"query","input":{"n":1.0},"caller":{"type":"code_execution_20250825","tool_id":"s1"}},
        {"type":"tool_use","id":"d","name":"direct","input":{},"caller":{"type":"direct"}}]},
        {"role":"user","content":[{"type":"tool_result","tool_use_id":"p","is_error":true,"content":[{"type":"text","text":"rows"},
            {"type":"image","source":{"type":"base64","media_type":"image/png","data":"AAEC"}}]},
        {"type":"tool_result","tool_use_id":"d","content":"done"}]}]"#;
    let body = body(messages);
    for toward in [Api::OpenaiChat, Api::OpenaiResponses, Api::Gemini] {
        let (request, named, _) = told(&body, toward).unwrap();
        assert_eq!(texts(&request.turns[1].parts), ["query {\"n\":1.0}", "Call"], "{toward}");
        assert_eq!(texts(&request.turns[2].parts), ["query failed:\nrows", "Image", "Outcome"], "{toward}");
        assert_eq!(named, ["messages.content.caller.tool_id", "messages.content"], "{toward}");
    }
    let (request, ..) = told(&body, Api::Anthropic).unwrap();
    assert_eq!(texts(&request.turns[1].parts), ["Call", "Call"]);
}

#[test]
fn what_gemini_wants_back_goes_with_the_call_it_stands_before() {
    use sluice_neutral::seal::Seal;
    let seal = Seal { origin: Api::Gemini, account: None, payload: "sig".into() };
    let signature = seal.written(Api::Anthropic).into_owned();
    let messages = format!(
        r#","messages":[{{"role":"user","content":"a"}},{{"role":"assistant","content":[
        {{"type":"thinking","thinking":"","signature":"{signature}"}},{{"type":"tool_use","id":"c","name":"f","input":{{"n":1.0}}}}]}},
        {{"role":"user","content":[{{"type":"tool_result","tool_use_id":"c"}}]}}]"#
    );
    let body = body(&messages);
    let (request, ..) = told(&body, Api::Gemini).unwrap();
    let [Part { content: Content::Call(call), .. }] = request.turns[1].parts.as_slice() else { panic!() };
    assert_eq!(call.seal.as_ref().unwrap(), &seal);
    assert!(matches!(&call.input, Input::Json(text) if text == r#"{"n":1.0}"#));
    let (request, ..) = told(&body, Api::OpenaiChat).unwrap();
    assert_eq!(request.turns[1].parts.len(), 2);
}

#[test]
fn a_search_alone_is_kept_for_its_answer() {
    let search = r#","messages":[{"role":"user","content":"Perform a web search for the query: rust"}],"tools":[{"type":"web_search_20250305","name":"web_search","max_uses":8}]"#;
    let body = body(search);
    let (request, named, own) = told(&body, Api::OpenaiResponses).unwrap();
    assert_eq!((request.search.unwrap().value.most, named.len()), (Some(8), 0));
    let kept = own.unwrap();
    assert!(kept.downcast_ref::<Kept>().unwrap().question.ends_with("rust"));
}

#[test]
fn mistakes_are_told_with_their_places() {
    let user = r#""messages":[{"role":"user","content":"a"}]"#;
    for (body, param) in [
        ("[]".to_owned(), None),
        ("{}".to_owned(), Some("model")),
        (format!(r#"{{"model":"m",{user}}}"#), Some("max_tokens")),
        (format!(r#"{{"model":"m","max_tokens":0,{user}}}"#), Some("max_tokens")),
        (body(""), Some("messages")),
        (body(r#","messages":[]"#), Some("messages")),
        (
            body(
                r#","messages":[{"role":"user","content":[{"type":"tool_use","id":"i","name":"n","input":{}}]}]"#,
            ),
            Some("messages[0].content[0].type"),
        ),
        (
            body(
                r#","messages":[{"role":"user","content":"a"},{"role":"assistant","content":[{"type":"tool_result","tool_use_id":"i"}]}]"#,
            ),
            Some("messages[1].content[0].type"),
        ),
        (body(r#","messages":[{"content":"a"}]"#), Some("messages[0].role")),
        (body(r#","messages":[{"role":"tool","content":"a"}]"#), Some("messages[0].role")),
        (
            body(r#","messages":[{"role":"user","content":[{"text":"a"}]}]"#),
            Some("messages[0].content[0].type"),
        ),
        (
            body(
                r#","messages":[{"role":"user","content":[{"type":"image","source":{"type":"file","file_id":"f"}}]}]"#,
            ),
            Some("messages[0].content[0].source"),
        ),
        (
            body(r#","messages":[{"role":"user","content":"a"},{"role":"assistant","content":"It"}]"#),
            Some("messages[1]"),
        ),
        (body(&format!(r#",{user},"temperature":"warm""#)), Some("temperature")),
        (body(&format!(r#",{user},"thinking":{{"type":"enabled"}}"#)), Some("thinking.budget_tokens")),
        (body(&format!(r#",{user},"output_config":{{"effort":"extreme"}}"#)), Some("output_config.effort")),
        (body(&format!(r#",{user},"safeguards":[{{"type":"dangerous_tool_use"}}]"#)), Some("safeguards")),
    ] {
        let error = told(&body, Api::OpenaiChat).unwrap_err();
        assert_eq!(error.facts().param.as_deref(), param, "{body}: {error}");
    }
}

#[test]
fn texts_are_borrowed() {
    let body = body(r#","messages":[{"role":"user","content":[{"type":"text","text":"plain é"}]}]"#);
    let (request, ..) = told(&body, Api::Gemini).unwrap();
    let Content::Text(text) = &request.turns[0].parts[0].content else { panic!() };
    assert!(matches!(text, std::borrow::Cow::Borrowed(_)));
}

#[test]
fn tools_that_only_claude_was_made_with_are_functions_for_others() {
    let tools = r#","messages":[{"role":"user","content":"a"}],"tools":[{"type":"bash_20250124","name":"bash"},
        {"type":"text_editor_20250124","name":"str_replace_editor"},{"type":"memory_20250818","name":"memory"},
        {"type":"text_editor_20250728","name":"str_replace_based_edit_tool","max_characters":900}]"#;
    let body = body(tools);
    for toward in [Api::OpenaiChat, Api::OpenaiResponses, Api::Gemini] {
        let (request, named, _) = told(&body, toward).unwrap();
        let names: Vec<&str> = request.tools.iter().map(|tool| &*tool.name).collect();
        assert_eq!(names, ["bash", "str_replace_editor", "memory", "str_replace_based_edit_tool"]);
        assert!(named.is_empty(), "{named:?}");
        let commands = request.tools.iter().map(|tool| {
            let Takes::Schema(Some(schema)) = &tool.takes else { panic!() };
            let schema: serde_json::Value = serde_json::from_str(schema).unwrap();
            schema["properties"]["command"]["enum"].as_array().map_or(0, Vec::len)
        });
        assert_eq!(commands.collect::<Vec<_>>(), [0, 5, 6, 4]);
        assert!(request.tools[3].description.as_ref().unwrap().contains("900 characters"));
    }
}

#[test]
fn pages_are_read_by_google_where_anthropic_was_asked_for_that() {
    let of = |more: &str| {
        body(&format!(
            r#","messages":[{{"role":"user","content":"a"}}],"tools":[{{"type":"web_fetch_20250910","name":"web_fetch"{more}}}]"#
        ))
    };
    let asked = of(r#","max_uses":3,"use_cache":true"#);
    let (request, named, _) = told(&asked, Api::Gemini).unwrap();
    assert!(request.fetch.is_some() && request.search.is_none());
    assert_eq!(named, ["tools.max_uses", "tools.use_cache"]);
    assert!(told(&of(r#","allowed_domains":["a.example"]"#), Api::Gemini).is_err());
    assert!(told(&of(""), Api::OpenaiResponses).is_err());
}
