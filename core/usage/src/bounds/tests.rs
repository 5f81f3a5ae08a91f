//! What bounds a request in each dialect, and what nothing does.

use sluice_api::cost::Usage;
use sluice_api::dialect::{Api, Operation};

use super::{Bounds, IMAGE};

fn of(api: Api, body: &str) -> Bounds {
    Bounds::of(api, Operation::Generate, body.as_bytes())
}

/// The most input, where a model takes at most a million tokens; `None` where nothing bounds it.
fn input(api: Api, body: &str) -> Option<u64> {
    of(api, body).input(body.len() as u64, 1_000, Some(1_000_000))
}

#[test]
fn the_output_is_what_each_dialect_calls_it_times_the_answers() {
    for (api, body, output, answers) in [
        (Api::Anthropic, r#"{"max_tokens":7}"#, Some(7), 1),
        (Api::OpenaiChat, r#"{"max_tokens":7,"n":3}"#, Some(7), 3),
        (Api::OpenaiChat, r#"{"max_completion_tokens":8,"max_tokens":7}"#, Some(8), 1),
        (Api::OpenaiChat, r#"{"max_tokens":9,"max_completion_tokens":8,"n":null}"#, Some(9), 1),
        (Api::OpenaiResponses, r#"{"max_output_tokens":7,"max_tokens":9}"#, Some(7), 1),
        (Api::Gemini, r#"{"generationConfig":{"maxOutputTokens":7,"candidateCount":2}}"#, Some(7), 2),
        (Api::Gemini, r#"{"generation_config":{"max_output_tokens":7,"candidate_count":2}}"#, Some(7), 2),
        (Api::Gemini, r#"{"generationConfig":{"maxOutputTokens":"7","candidateCount":"2"}}"#, Some(7), 2),
        (
            Api::Gemini,
            r#"{"generationConfig":{"maxOutputTokens":1,"maxOutputTokens":9,"maxOutputTokens":2},"generation_config":{"max_output_tokens":8}}"#,
            Some(9),
            1,
        ),
        (Api::OpenaiImages, r#"{"n":4}"#, None, 4),
        (Api::OpenaiChat, r#"{"model":"m"}"#, None, 1),
    ] {
        let bounds = of(api, body);
        assert_eq!((bounds.output, bounds.answers), (output, answers), "{body}");
    }
    assert_eq!(of(Api::Anthropic, r#"{"speed":"fast"}"#).speed.as_deref(), Some("fast"));
    let embed = Bounds::of(Api::OpenaiEmbeddings, Operation::Embed, br#"{"input":["a"]}"#);
    assert_eq!((embed.output, embed.input(15, 1_000, None)), (Some(0), Some(1_015)));
}

#[test]
fn a_prompt_is_no_longer_than_its_body_unless_something_of_it_is_elsewhere() {
    let here = |body: &str| Some(body.len() as u64 + 1_000);
    for (api, body) in [
        (Api::Anthropic, r#"{"messages":[{"role":"user","content":"see https://a.b/c.png, file_id: 7"}]}"#),
        (
            Api::Anthropic,
            r#"{"tools":[{"name":"f","input_schema":{}},{"type":"bash_20250124","name":"bash"}]}"#,
        ),
        (Api::OpenaiChat, r#"{"messages":[{"role":"user","content":[{"type":"text","text":"a"}]}]}"#),
        (Api::OpenaiResponses, r#"{"previous_response_id":null,"tools":[{"type":"function","name":"f"}]}"#),
        (Api::Gemini, r#"{"contents":[{"parts":[{"text":"a"}]}],"tools":[{"functionDeclarations":[]}]}"#),
    ] {
        assert_eq!(input(api, body), here(body), "{body}");
    }
    for (api, body) in [
        (Api::Anthropic, r#"{"m":[{"type":"image","source":{"type":"url","url":"https://a"}}]}"#),
        (Api::Anthropic, r#"{"m":[{"type":"document","source":{"type":"file","file_id":"f"}}]}"#),
        (Api::Anthropic, r#"{"m":[{"source":{"type":"base64","media_type":"application/pdf","data":""}}]}"#),
        (Api::OpenaiChat, r#"{"m":[{"type":"image_url","image_url":{"url":"https://a"}}]}"#),
        (Api::OpenaiChat, r#"{"m":[{"type":"file","file":{"file_id":"f"}}]}"#),
        (Api::OpenaiChat, r#"{"web_search_options":{}}"#),
        (Api::OpenaiResponses, r#"{"previous_response_id":"r"}"#),
        (Api::OpenaiResponses, r#"{"input":[{"type":"item_reference","id":"i"}]}"#),
        (Api::OpenaiResponses, r#"{"prompt":{"id":"p"}}"#),
        (Api::Gemini, r#"{"contents":[{"parts":[{"fileData":{"fileUri":"u"}}]}]}"#),
        (Api::Gemini, r#"{"cachedContent":"c"}"#),
        (Api::Anthropic, r#"{"thread":{"type":"continue","previous_message_id":"m"}}"#),
        (Api::Gemini, r#"{"tools":[{"urlContext":{}}]}"#),
    ] {
        assert_eq!(input(api, body), Some(1_000_000), "{body}");
        assert_eq!(of(api, body).input(9, 1_000, None), None, "{body}");
    }
    let image = r#"{"m":[{"type":"image_url","image_url":{"url":"data:image/png;base64,"}}]}"#;
    assert_eq!(input(Api::OpenaiChat, image), Some(image.len() as u64 + 1_000 + IMAGE));
}

#[test]
fn tools_of_the_server_are_bounded_by_their_uses_or_not_at_all() {
    let body = r#"{"tools":[{"type":"web_search_20250305","name":"web_search","max_uses":2}]}"#;
    assert_eq!(input(Api::Anthropic, body), Some(3_000_000), "the prompt is read three times");
    let mut usage = Usage::new(1, 1);
    of(Api::Anthropic, body).calls(&mut usage);
    assert_eq!(usage.web_searches, 2);
    let body = r#"{"max_tool_calls":3,"tools":[{"type":"web_search"},{"type":"file_search"}]}"#;
    assert_eq!(input(Api::OpenaiResponses, body), Some(4_000_000), "the calls are those of all tools");
    of(Api::OpenaiResponses, body).calls(&mut usage);
    assert_eq!((usage.web_searches, usage.file_searches), (3, 3));
    for (api, body) in [
        (Api::Anthropic, r#"{"tools":[{"type":"web_search_20250305","name":"web_search"}]}"#),
        (Api::Anthropic, r#"{"tools":[{"type":"code_execution_20250825"}]}"#),
        (Api::Anthropic, r#"{"mcp_servers":[{"type":"url","url":"https://a"}]}"#),
        (Api::OpenaiResponses, r#"{"tools":[{"type":"web_search"}]}"#),
        (Api::OpenaiResponses, r#"{"max_tool_calls":1,"tools":[{"type":"image_generation"}]}"#),
        (Api::Gemini, r#"{"tools":[{"googleSearch":{}}]}"#),
        (Api::Anthropic, r#"{"tools":[{"type":"advisor_20260301","name":"advisor"}]}"#),
        (Api::Anthropic, r#"{"context_management":{"edits":[{"type":"compact_20260112"}]}}"#),
        (Api::Anthropic, r#"{"compaction":{"type":"summarize"}}"#),
        (Api::Anthropic, r#"{"fallbacks":"default"}"#),
        (Api::OpenaiResponses, r#"{"context_management":[{"type":"compaction"}]}"#),
        // What can't be read bounds nothing.
        (Api::OpenaiChat, r#"{"n":8.0,"max_tokens":1}"#),
        (Api::OpenaiChat, r#"{"max_tokens":1,"max_completion_tokens":100000.0}"#),
        (Api::Gemini, r#"{"generationConfig":{"candidateCount":8.5}}"#),
    ] {
        assert_eq!(input(api, body), None, "{body}");
    }
    assert_eq!(of(Api::Anthropic, "no JSON").input(7, 1_000, None), None);
}
