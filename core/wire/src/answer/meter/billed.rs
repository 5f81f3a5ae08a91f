//! What is billed beside plain text: by each dialect, streamed and whole, whatever the chunks.

use serde_json::{Value, json};
use sluice_api::cost::Usage;
use sluice_api::dialect::{Api, Form, Operation};

use super::{End, Meter, Seen};

fn seen(api: Api, form: Form, text: &str, step: usize) -> Seen {
    let mut meter = Meter::new(api, Operation::Generate, form);
    for piece in text.as_bytes().chunks(step) {
        meter.feed(piece);
    }
    meter.finish(End::Clean);
    meter.seen().clone()
}

/// What was used, the same whatever the chunks.
fn used(api: Api, form: Form, text: &str) -> Usage {
    let all = [1, 7, text.len()].map(|step| seen(api, form, text, step).usage.unwrap());
    assert!(all.iter().all(|usage| *usage == all[0]), "{all:?}");
    all[0]
}

fn expected(input: u64, output: u64, set: impl FnOnce(&mut Usage)) -> Usage {
    let mut usage = Usage::new(input, output);
    set(&mut usage);
    usage
}

fn claude(start: &Value, delta: &Value) -> String {
    let start =
        json!({ "type": "message_start", "message": { "id": "m", "model": "claude-x", "usage": start } });
    let delta = json!({ "type": "message_delta", "delta": {}, "usage": delta });
    format!(
        "event: message_start\ndata: {start}\n\nevent: message_delta\ndata: {delta}\n\nevent: message_stop\ndata: {{\"type\":\"message_stop\"}}\n\n"
    )
}

#[test]
fn a_later_report_replaces_the_earlier_one_unless_it_has_no_prompt() {
    let start = json!({ "input_tokens": 9, "cache_read_input_tokens": 4, "cache_creation_input_tokens": 50,
        "cache_creation": { "ephemeral_5m_input_tokens": 20, "ephemeral_1h_input_tokens": 30 }, "output_tokens": 1 });
    for (delta, told) in [
        (json!({ "output_tokens": 41 }), [9, 4, 20, 30]),
        (json!({ "input_tokens": 0, "cache_read_input_tokens": 0, "output_tokens": 41 }), [9, 4, 20, 30]),
        (json!({ "input_tokens": 12, "cache_read_input_tokens": 0, "output_tokens": 41 }), [12, 0, 20, 30]),
        (json!({ "input_tokens": 7, "output_tokens": 41 }), [7, 4, 20, 30]),
        // A loop of server tools has written more since: what the split does not cover.
        (
            json!({ "input_tokens": 9, "cache_creation_input_tokens": 80, "output_tokens": 41 }),
            [9, 4, 50, 30],
        ),
    ] {
        let usage = used(Api::Anthropic, Form::Sse, &claude(&start, &delta));
        let found = [usage.input, usage.cache_read, usage.cache_write_5m, usage.cache_write_1h];
        assert_eq!((found, usage.output), (told, 41), "{delta}");
    }
}

#[test]
fn speed_place_and_tier_are_those_that_the_answer_tells() {
    let start =
        json!({ "input_tokens": 9, "output_tokens": 1, "service_tier": "priority", "inference_geo": "us" });
    let delta = json!({ "output_tokens": 41, "speed": "fast" });
    let stream = seen(Api::Anthropic, Form::Sse, &claude(&start, &delta), 7);
    let told = [&stream.tier, &stream.speed, &stream.geo].map(|told| told.as_deref());
    assert_eq!(told, [Some("priority"), Some("fast"), Some("us")]);
    let usage =
        json!({ "promptTokenCount": 3, "candidatesTokenCount": 2, "trafficType": "ON_DEMAND_PRIORITY" });
    let whole = json!({ "candidates": [], "usageMetadata": usage }).to_string();
    assert_eq!(seen(Api::Gemini, Form::Whole, &whole, 9).tier.as_deref(), Some("priority"));
    // What is no word is none, and takes nothing else with it.
    let odd = json!({ "input_tokens": 9, "output_tokens": 2, "service_tier": { "type": "x" }, "speed": 7,
        "server_tool_use": [], "iterations": "none", "cache_creation": null });
    let whole = json!({ "content": [], "usage": odd }).to_string();
    let odd = seen(Api::Anthropic, Form::Whole, &whole, 9);
    assert_eq!((odd.usage, odd.tier, odd.speed), (Some(Usage::new(9, 2)), None, None));
}

#[test]
fn iterations_are_a_breakdown_where_they_add_up_and_more_where_they_are_told_beside_it() {
    let message = |input: u64, output: u64| json!({ "type": "message", "input_tokens": input, "output_tokens": output });
    let of = |iterations: Value| {
        let usage = json!({ "input_tokens": 500, "output_tokens": 80, "iterations": iterations });
        let whole = json!({ "model": "claude-x", "content": [], "usage": usage }).to_string();
        let seen = seen(Api::Anthropic, Form::Whole, &whole, 7);
        (seen.usage.unwrap(), seen.turns)
    };
    let plain = Usage::new(500, 80);
    let fallback = json!({ "type": "fallback_message", "input_tokens": 500, "output_tokens": 80 });
    assert_eq!(of(json!([message(500, 3), fallback])), (plain, vec![]), "the last one alone counts");
    let turns = vec![Usage::new(200, 30), Usage::new(300, 50)];
    assert_eq!(of(json!([message(200, 30), message(300, 50)])), (plain, turns.clone()));
    assert_eq!(of(json!([message(200, 30)])), (plain, vec![]), "they don't add up");
    assert_eq!(of(json!([message(500, 80)])), (plain, vec![]), "there is only one");
    let beside = |kind: &str, model: Value| json!({ "type": kind, "model": model, "input_tokens": 1000, "output_tokens": 7 });
    for own in [json!("claude-x"), Value::Null] {
        let told = of(json!([beside("compaction", own), message(200, 30), message(300, 50)]));
        let compacted = Usage::new(1000, 7);
        assert_eq!(told, (Usage::new(1500, 87), [turns.clone(), vec![compacted]].concat()));
    }
    let (usage, _) = of(json!([beside("advisor_message", Value::Null), message(500, 80)]));
    assert_eq!(usage, expected(500, 80, |usage| usage.more = true), "nobody knows which model's tokens");
}

#[test]
fn what_another_model_has_used_is_told_by_its_name() {
    let of = |iterations: Value| {
        let usage = json!({ "input_tokens": 500, "output_tokens": 80, "iterations": iterations });
        let whole = json!({ "model": "claude-x", "content": [], "usage": usage }).to_string();
        let seen = seen(Api::Anthropic, Form::Whole, &whole, 7);
        (seen.usage.unwrap(), seen.turns, seen.others)
    };
    let one = |kind: &str, model: Value, input: u64, output: u64| json!({ "type": kind, "model": model, "input_tokens": input, "output_tokens": output });
    let other = |input: u64, output: u64| vec![("claude-y".to_owned(), Usage::new(input, output))];
    for kind in ["advisor_message", "compaction"] {
        let told = of(json!([one(kind, json!("claude-y"), 1000, 7), one("message", Value::Null, 500, 80)]));
        assert_eq!(told, (Usage::new(1500, 87), vec![], other(1000, 7)), "{kind}: beside the whole");
    }
    let turns = [
        one("message", json!("claude-x"), 100, 10),
        one("message", json!("claude-y"), 150, 20),
        one("message", json!("claude-x"), 250, 50),
    ];
    let own = vec![Usage::new(100, 10), Usage::new(250, 50)];
    assert_eq!(of(json!(turns)), (Usage::new(500, 80), own, other(150, 20)), "a part of the whole");
    // Where they do not add up nobody knows what of the whole it was.
    assert_eq!(of(json!([turns[0], turns[1]])), (Usage::new(500, 80), vec![], vec![]));
}

#[test]
fn audio_and_images_are_parts_of_their_class_and_what_a_cache_had_of_them_is_not_counted_again() {
    for (details, parts) in [
        (json!({ "audio_tokens": 600, "text_tokens": 400 }), [600, 0, 0, 0]),
        (json!({ "audio_tokens": 600, "image_tokens": 900, "cached_tokens": 300 }), [600, 100, 0, 0]),
        (
            json!({ "audio_tokens": 600, "image_tokens": 100, "cached_tokens": 300,
                "cached_tokens_details": { "audio_tokens": 200, "image_tokens": 90, "text_tokens": 10 } }),
            [400, 10, 200, 90],
        ),
        (json!({ "audio_tokens": 5000 }), [1000, 0, 0, 0]),
    ] {
        let usage = json!({ "prompt_tokens": 1000, "completion_tokens": 50, "prompt_tokens_details": details,
            "completion_tokens_details": { "audio_tokens": 30, "reasoning_tokens": 15, "text_tokens": 5 } });
        let whole = json!({ "choices": [], "usage": usage }).to_string();
        let used = used(Api::OpenaiChat, Form::Whole, &whole);
        let found = [used.audio_input, used.image_input, used.audio_cache_read, used.image_cache_read];
        assert_eq!((found, used.audio_output, used.reasoning), (parts, 30, 15), "{usage}");
    }
    let usage = json!({ "promptTokenCount": 2620, "candidatesTokenCount": 300, "thoughtsTokenCount": 512,
        "toolUsePromptTokenCount": 10, "totalTokenCount": 3442, "cachedContentTokenCount": 1000,
        "promptTokensDetails": [{ "modality": "TEXT", "tokenCount": 700 }, { "modality": "AUDIO", "tokenCount": 1920 }],
        "cacheTokensDetails": [{ "modality": "AUDIO", "tokenCount": 900 }, { "modality": "TEXT", "tokenCount": 100 }],
        "candidatesTokensDetails": [{ "modality": "IMAGE", "tokenCount": 290 }] });
    let whole = json!({ "candidates": [], "usageMetadata": usage }).to_string();
    assert_eq!(
        used(Api::Gemini, Form::Whole, &whole),
        expected(1630, 812, |usage| {
            (usage.cache_read, usage.audio_cache_read, usage.audio_input) = (1000, 900, 1020);
            (usage.tool_input, usage.reasoning, usage.image_output) = (10, 512, 290);
        })
    );
}

#[test]
fn an_image_models_output_without_details_is_images() {
    let usage = json!({ "input_tokens": 60, "input_tokens_details": { "text_tokens": 20, "image_tokens": 40 },
        "output_tokens": 1000, "total_tokens": 1060 });
    let whole =
        json!({ "created": 1, "data": [{ "b64_json": "\"}" }, { "b64_json": "aGk=" }], "usage": usage })
            .to_string();
    let two = |usage: &mut Usage| (usage.image_input, usage.image_output, usage.images) = (40, 1000, 2);
    assert_eq!(used(Api::OpenaiImages, Form::Whole, &whole), expected(60, 1000, two));
    let event = json!({ "type": "image_generation.completed", "usage": usage });
    let stream = format!("event: image_generation.completed\ndata: {event}\n\n");
    let one = |usage: &mut Usage| (usage.image_input, usage.image_output, usage.images) = (40, 1000, 1);
    assert_eq!(used(Api::OpenaiImages, Form::Sse, &stream), expected(60, 1000, one));
    let told = whole.replace(
        "\"total_tokens\"",
        "\"output_tokens_details\":{\"text_tokens\":300,\"image_tokens\":700},\"total_tokens\"",
    );
    assert_eq!(used(Api::OpenaiImages, Form::Whole, &told).image_output, 700);
    let chat = json!({ "choices": [], "usage": usage }).to_string();
    assert_eq!(used(Api::OpenaiChat, Form::Whole, &chat).image_output, 0);
}

/// A response with these items, as a stream that tells each, as one that tells them at its end, and as a document.
fn responses(items: &Value, tools: &Value, tool_usage: &Value) -> [(Form, String); 3] {
    let response = json!({ "id": "r", "output": items, "tools": tools, "tool_usage": tool_usage,
        "usage": { "input_tokens": 9, "output_tokens": 4, "total_tokens": 13 } });
    let event = |name: &str, data: &Value| format!("event: {name}\ndata: {data}\n\n");
    let end = event("response.completed", &json!({ "type": "response.completed", "response": response }));
    let told = items.as_array().unwrap().iter().enumerate().map(|(index, item)| {
        let begun = json!({ "type": "response.output_item.added", "output_index": index, "item": item });
        let done = json!({ "type": "response.output_item.done", "output_index": index, "item": item });
        event("response.output_item.added", &begun) + &event("response.output_item.done", &done)
    });
    [(Form::Sse, told.collect::<String>() + &end), (Form::Sse, end), (Form::Whole, response.to_string())]
}

#[test]
fn calls_that_are_billed_are_counted_once_by_the_tool_that_was_called() {
    let items = json!([
        { "type": "web_search_call", "id": "ws_1", "action": { "type": "search", "query": "\"open_page\"" } },
        { "id": "ws_2", "action": { "type": "open_page", "url": "u" }, "type": "web_search_call" },
        { "type": "web_search_call", "id": "ws_3" },
        { "type": "file_search_call", "id": "fs_1" },
        { "type": "code_interpreter_call", "id": "ci_1", "container_id": "c1" },
        { "type": "code_interpreter_call", "id": "ci_2", "container_id": "c1" },
        { "type": "code_interpreter_call", "id": "ci_3", "container_id": "c2" },
        { "type": "function_call", "id": "fc_1", "name": "web_search_call", "arguments": "{\"type\":\"web_search_call\"}" },
        { "type": "message", "id": "msg_1", "content": [{ "type": "output_text", "text": "web_search_call" }] },
    ]);
    let calls =
        |usage: &mut Usage| (usage.web_searches, usage.file_searches, usage.code_containers) = (2, 1, 2);
    for (form, text) in responses(&items, &json!([{ "type": "web_search" }]), &Value::Null) {
        assert_eq!(used(Api::OpenaiResponses, form, &text), expected(9, 4, calls), "{text}");
    }
    // What the answer adds up itself counts.
    for (form, text) in responses(&items, &json!([]), &json!({ "web_search": { "num_requests": 5 } })) {
        assert_eq!(used(Api::OpenaiResponses, form, &text).web_searches, 5, "{text}");
    }
    let preview = json!([{ "type": "function", "name": "f" }, { "type": "web_search_preview_2025_03_11" }]);
    for (form, text) in responses(&items, &preview, &Value::Null) {
        let used = used(Api::OpenaiResponses, form, &text);
        assert_eq!((used.web_searches, used.web_search_previews), (0, 2), "{text}");
    }
}

#[test]
fn a_response_that_ends_before_its_end_or_fails_tells_what_it_used_too() {
    let usage = json!({ "input_tokens": 30, "output_tokens": 7, "total_tokens": 37,
        "input_tokens_details": { "cached_tokens": 20 }, "output_tokens_details": { "reasoning_tokens": 5 } });
    for (kind, failed) in
        [("response.completed", false), ("response.incomplete", false), ("response.failed", true)]
    {
        let error = failed.then(|| json!({ "code": "server_error", "message": "m" }));
        let response = json!({ "id": "r", "model": "m", "error": error, "usage": usage });
        let event = json!({ "type": kind, "response": response });
        let text = format!("event: {kind}\ndata: {event}\n\n");
        let expected = expected(10, 7, |usage| (usage.cache_read, usage.reasoning) = (20, 5));
        assert_eq!(used(Api::OpenaiResponses, Form::Sse, &text), expected, "{kind}");
        let seen = seen(Api::OpenaiResponses, Form::Sse, &text, 7);
        assert_eq!((seen.ended, seen.error.is_some()), (true, failed), "{kind}");
    }
}

fn chat(model: &str, annotations: &Value) -> [(Form, String); 2] {
    let usage = json!({ "prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13 });
    let message = json!({ "content": "hi", "annotations": annotations });
    let whole = json!({ "model": model, "usage": usage, "choices": [{ "message": message }] }).to_string();
    let delta = json!({ "model": model, "choices": [{ "delta": message, "finish_reason": "stop" }] });
    let last = json!({ "model": model, "choices": [], "usage": usage });
    [(Form::Whole, whole), (Form::Sse, format!("data: {delta}\n\ndata: {last}\n\ndata: [DONE]\n\n"))]
}

#[test]
fn a_search_of_chat_completions_is_one_where_a_page_is_cited_or_the_model_always_searches() {
    let page = json!({ "type": "url_citation", "url_citation": { "url": "v", "start_index": 0 } });
    for (model, annotations, searches) in [
        ("gpt-5.5", json!([]), [0, 0]),
        ("gpt-5.5", json!([{ "type": "file_citation", "text": "url_citation" }]), [0, 0]),
        ("gpt-5.5", json!([page, page]), [1, 0]),
        ("gpt-5-search-api-2025-10-14", json!([]), [1, 0]),
        ("gpt-5-search-api-2025-10-14", json!([page]), [1, 0]),
        ("gpt-4o-search-preview", json!([]), [0, 1]),
        ("gpt-4o-mini-search-preview-2025-03-11", json!([page]), [0, 1]),
    ] {
        for (form, text) in chat(model, &annotations) {
            let expected = expected(9, 4, |usage| [usage.web_searches, usage.web_search_previews] = searches);
            assert_eq!(used(Api::OpenaiChat, form, &text), expected, "{text}");
        }
    }
}

#[test]
fn what_chat_completions_write_to_a_cache_is_kept_as_long_as_was_asked_where_they_do_not_tell() {
    for (details, long, expected) in [
        (json!({ "cache_write_tokens": 5 }), false, [5, 0]),
        (json!({ "cache_write_tokens": 5 }), true, [0, 5]),
        (
            json!({ "cache_write_tokens": 5, "cache_write_tokens_details": { "ttl_30m_tokens": 3, "ttl_12h_tokens": 2 } }),
            true,
            [3, 2],
        ),
        (
            json!({ "cache_write_tokens": 5, "cache_write_tokens_details": { "ttl_12h_tokens": 2 } }),
            false,
            [3, 2],
        ),
    ] {
        let usage = json!({ "prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13, "prompt_tokens_details": details });
        let whole = json!({ "choices": [], "usage": usage }).to_string();
        for (form, text) in [(Form::Whole, whole.clone()), (Form::Sse, format!("data: {whole}\n\n"))] {
            let mut meter = Meter::new(Api::OpenaiChat, Operation::Generate, form).caching_long(long);
            meter.feed(text.as_bytes());
            meter.finish(End::Clean);
            let usage = meter.seen().usage.unwrap();
            assert_eq!([usage.cache_write_5m, usage.cache_write_1h], expected, "{text}");
        }
    }
}

#[test]
fn images_that_a_tool_has_made_are_another_models_tokens() {
    let made = json!([{ "type": "image_generation_call", "id": "ig_1", "result": "aGk=" }]);
    let told = json!({ "image_gen": { "input_tokens": 10, "output_tokens": 900 } });
    let nothing = json!({ "image_gen": { "input_tokens": 0, "output_tokens": 0 } });
    for (items, tool_usage, more) in
        [(&made, &Value::Null, true), (&json!([]), &told, true), (&json!([]), &nothing, false)]
    {
        for (form, text) in responses(items, &json!([]), tool_usage) {
            assert_eq!(used(Api::OpenaiResponses, form, &text).more, more, "{text}");
        }
    }
}

#[test]
fn searches_of_gemini_are_its_distinct_queries_over_all_chunks() {
    let chunk = |grounding: Value| {
        let usage = json!({ "promptTokenCount": 3, "candidatesTokenCount": 2, "totalTokenCount": 5 });
        json!({ "candidates": [{ "content": {}, "groundingMetadata": grounding }], "usageMetadata": usage })
    };
    let queries = |queries: &[&str]| chunk(json!({ "webSearchQueries": queries }));
    let maps = json!({ "groundingChunks": [{ "maps": { "uri": "u" } }] });
    let web = json!({ "groundingChunks": [{ "web": { "uri": "u" } }] });
    for (chunks, searches, prompts) in [
        (vec![queries(&["a", "b"]), queries(&["b", "", " ", "c"])], 3, 0),
        (vec![queries(&[])], 0, 0),
        (vec![chunk(web)], 1, 0),
        (vec![chunk(maps), queries(&["a"])], 1, 1),
        (vec![chunk(json!({}))], 0, 0),
    ] {
        let list = chunks.iter().map(Value::to_string).collect::<Vec<_>>().join(",");
        let events: String = chunks.iter().map(|chunk| format!("data: {chunk}\r\n\r\n")).collect();
        for (form, text) in [(Form::Sse, events), (Form::JsonArray, format!("[{list}]"))] {
            let used = used(Api::Gemini, form, &text);
            assert_eq!((used.web_searches, used.maps_prompts), (searches, prompts), "{text}");
        }
    }
}

#[test]
fn the_usage_is_kept_as_it_was_written() {
    let raw = |api, form, text: &str| {
        let all = [1, 64, text.len()].map(|step| seen(api, form, text, step).raw_usage.text().to_owned());
        assert!(all.iter().all(|one| *one == all[0]), "{all:?}");
        all[0].clone()
    };
    let stream = claude(&json!({ "input_tokens": 9 }), &json!({ "output_tokens": 41 }));
    assert_eq!(raw(Api::Anthropic, Form::Sse, &stream), "{\"input_tokens\":9}\n{\"output_tokens\":41}");
    let whole = r#"{"content":[],"usage": {"input_tokens": 3, "output_tokens":2} }"#;
    assert_eq!(raw(Api::Anthropic, Form::Whole, whole), r#"{"input_tokens": 3, "output_tokens":2}"#);
    let chat = "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":1}}\n\ndata: {\"choices\":[],\"usage\":{\"prompt_tokens\":2}}\n\ndata: [DONE]\n\n";
    assert_eq!(raw(Api::OpenaiChat, Form::Sse, chat), r#"{"prompt_tokens":2}"#);
    let gemini = "data: {\"usageMetadata\":{\"promptTokenCount\":3}}\r\n\r\n";
    assert_eq!(raw(Api::Gemini, Form::Sse, gemini), r#"{"promptTokenCount":3}"#);
}

#[test]
fn members_that_nobody_knows_are_named_and_those_that_are_known_are_not() {
    let names = |api, text: &str| {
        let seen = seen(api, Form::Whole, text, 64);
        let names: Vec<String> = seen.unknown_usage.names().map(ToOwned::to_owned).collect();
        names.join(" ")
    };
    let claude = json!({ "input_tokens": 1, "new_tokens": 4, "output_tokens_details": { "thinking_tokens": 1, "dream_tokens": 2 },
        "server_tool_use": { "web_fetch_requests": 1, "moon_requests": 1 }, "a b": 1, "iterations": [{ "type": "message", "odd": 1 }] });
    let claude = json!({ "usage": claude, "content": [] }).to_string();
    assert_eq!(names(Api::Anthropic, &claude), "new_tokens dream_tokens moon_requests odd");
    let chat = json!({ "prompt_tokens": 1, "prompt_tokens_details": { "smell_tokens": 1, "text_tokens": 1 },
        "completion_tokens_details": { "rejected_prediction_tokens": 1 }, "num_search_queries": 1 });
    let chat = json!({ "usage": chat, "choices": [] }).to_string();
    assert_eq!(names(Api::OpenaiChat, &chat), "num_search_queries smell_tokens");
    let gemini = json!({ "promptTokenCount": 1, "trafficType": "ON_DEMAND", "newTokenCount": 1 });
    let gemini = json!({ "usageMetadata": gemini }).to_string();
    assert_eq!(names(Api::Gemini, &gemini), "newTokenCount");
    let many: String = (0..50).map(|number| format!("\"n{number}\":1,")).collect();
    let many = format!("{{\"usage\":{{{many}\"input_tokens\":1}}}}");
    assert_eq!(names(Api::Anthropic, &many).split(' ').count(), 8, "bounded");
}
