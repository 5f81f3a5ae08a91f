//! Usage, ends and errors of each dialect, whatever the chunks.

use super::{End, Meter, Seen};
use sluice_api::dialect::{Api, Form, Operation};

fn seen(api: Api, form: Form, text: &str, step: usize) -> Seen {
    let mut meter = Meter::new(api, Operation::Generate, form);
    for piece in text.as_bytes().chunks(step) {
        meter.feed(piece);
    }
    meter.finish(End::Clean);
    meter.seen().clone()
}

/// Checks that input, output and end are seen the same whatever the chunks.
fn check(api: Api, form: Form, text: &str, used: Option<(u64, u64)>, ended: bool) {
    for step in [1, 2, 3, 7, 64, text.len()] {
        let seen = seen(api, form, text, step);
        assert_eq!(seen.usage.map(|usage| (usage.input, usage.output)), used, "{api} by {step}");
        assert_eq!(seen.ended, ended, "{api} by {step}");
    }
}

const CHAT: &str = "data: {\"id\":\"x\",\"model\":\"m\",\"choices\":[{\"delta\":{\"content\":\"hi\"}}],\"usage\":null}\n\ndata: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: {\"choices\":[],\"usage\":{\"prompt_tokens\":20,\"completion_tokens\":9,\"total_tokens\":29}}\n\ndata: [DONE]\n\n";
const RESPONSES: &str = "event: response.created\ndata: {\"type\":\"response.created\",\"sequence_number\":0,\"response\":{\"id\":\"r\",\"usage\":null}}\n\nevent: response.completed\ndata: {\"type\":\"response.completed\",\"sequence_number\":1,\"response\":{\"id\":\"r\",\"usage\":{\"input_tokens\":9,\"output_tokens\":4,\"total_tokens\":13}}}\n\n";
const GEMINI: &str = "data: {\"candidates\":[{\"content\":{}}],\"usageMetadata\":{\"promptTokenCount\":3,\"totalTokenCount\":4,\"candidatesTokenCount\":1}}\r\n\r\ndata: {\"candidates\":[{\"finishReason\":\"STOP\"}],\"usageMetadata\":{\"promptTokenCount\":3,\"candidatesTokenCount\":7,\"totalTokenCount\":10}}\r\n\r\n";
const ARRAY: &str = "[{\"candidates\":[],\"usageMetadata\":{\"promptTokenCount\":3,\"totalTokenCount\":3}}\n,\r\n{\"usageMetadata\":{\"promptTokenCount\":3,\"candidatesTokenCount\":7,\"totalTokenCount\":10}}\n]";
const IMAGES: &str = "event: image_generation.partial_image\ndata: {\"type\":\"image_generation.partial_image\"}\n\nevent: image_generation.completed\ndata: {\"type\":\"image_generation.completed\",\"usage\":{\"input_tokens\":3,\"output_tokens\":7,\"total_tokens\":10}}\n\n";

const CLAUDE: &str = "event: ping\ndata: {\"type\":\"ping\"}\n\nevent: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m\",\"model\":\"c\",\"usage\":{\"input_tokens\":9,\"cache_read_input_tokens\":4,\"output_tokens\":1}}}\n\nevent: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"Hello there\"}}\n\n";
const CLAUDE_END: &str = "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{},\"usage\":{\"output_tokens\":41}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";

#[test]
fn each_dialects_stream_tells_its_usage_and_its_end() {
    check(Api::Anthropic, Form::Sse, &format!("{CLAUDE}{CLAUDE_END}"), Some((9, 41)), true);
    check(Api::OpenaiChat, Form::Sse, CHAT, Some((20, 9)), true);
    check(Api::OpenaiResponses, Form::Sse, RESPONSES, Some((9, 4)), true);
    check(Api::OpenaiImages, Form::Sse, IMAGES, Some((3, 7)), true);
    check(Api::Gemini, Form::Sse, GEMINI, Some((3, 7)), true);
    check(Api::Gemini, Form::JsonArray, ARRAY, Some((3, 7)), true);
}

#[test]
fn the_items_that_a_response_makes_are_known_by_their_ids_unless_nothing_is_kept() {
    let event = |kind: &str, more: &str| format!("event: {kind}\ndata: {{\"type\":\"{kind}\",{more}}}\n\n");
    let item = |kind: &str, id: &str| {
        let item = format!(r#""output_index":0,"item":{{"type":"x","content":[{{"id":"no"}}],"id":"{id}"}}"#);
        event(&format!("response.output_item.{kind}"), &item)
    };
    let ended = |store: &str| {
        let output = r#""output":[{"id":"msg_1","content":[{"id":"no"}]},{"id":"fc_1"},{}]"#;
        let response = format!(r#"{{{store}"tools":[{{"id":"no"}}],{output},"id":"r"}}"#);
        (event("response.completed", &format!("\"response\":{response}")), response)
    };
    let told = item("added", "msg_1") + &item("done", "msg_1") + &item("done", "fc_1");
    for (store, kept) in
        [("", true), (r#""store":true,"#, true), (r#""store":null,"#, true), (r#""store" : false ,"#, false)]
    {
        let (end, whole) = ended(store);
        for (form, text) in [(Form::Sse, told.clone() + &end), (Form::Sse, end), (Form::Whole, whole)] {
            for step in [1, 7, text.len()] {
                let seen = seen(Api::OpenaiResponses, form, &text, step);
                let expected: &[&str] = if kept { &["msg_1", "fc_1"] } else { &[] };
                assert_eq!(seen.items.ids(), expected, "{text}");
                assert_eq!(seen.id.as_deref(), Some("r"));
            }
        }
    }
    // What was told before a stream broke off may be kept as well.
    assert_eq!(seen(Api::OpenaiResponses, Form::Sse, &told, 7).items.ids(), ["msg_1", "fc_1"]);
}

#[test]
fn a_stream_cut_at_any_byte_before_its_end_has_not_ended() {
    let claude = format!("{CLAUDE}{CLAUDE_END}");
    for (api, form, text) in [
        (Api::Anthropic, Form::Sse, claude.as_str()),
        (Api::OpenaiChat, Form::Sse, CHAT),
        (Api::OpenaiResponses, Form::Sse, RESPONSES),
        (Api::OpenaiImages, Form::Sse, IMAGES),
        (Api::Gemini, Form::Sse, GEMINI),
        (Api::Gemini, Form::JsonArray, ARRAY),
    ] {
        // The last line's end may come as CR and LF, of which one is enough.
        for at in 0..text.len() - 1 {
            let mut meter = Meter::new(api, Operation::Generate, form);
            meter.feed(&text.as_bytes()[..at]);
            meter.finish(End::Cut);
            assert!(!meter.seen().ended, "{api} cut at {at}");
            assert!(meter.seen().error.is_none());
        }
    }
}

#[test]
fn a_last_event_without_its_blank_line_is_one_only_when_it_is_whole() {
    let claude = format!("{CLAUDE}{CLAUDE_END}");
    for (api, text) in [(Api::Anthropic, claude.as_str()), (Api::OpenaiResponses, RESPONSES)] {
        let text = text.trim_end();
        for at in text.len() - 20..=text.len() {
            let mut meter = Meter::new(api, Operation::Generate, Form::Sse);
            meter.feed(&text.as_bytes()[..at]);
            meter.finish(End::Clean);
            assert_eq!(meter.seen().ended, at == text.len(), "{api} ended at {at}");
        }
    }
}

#[test]
fn a_chat_stream_without_done_ends_with_its_body_once_a_choice_has_finished() {
    let body = CHAT.replace("data: [DONE]\n\n", "");
    assert!(seen(Api::OpenaiChat, Form::Sse, &body, 7).ended);
    assert!(!seen(Api::OpenaiChat, Form::Sse, &body.replace("\"stop\"", "\"\""), 7).ended);
    let mut cut = Meter::new(Api::OpenaiChat, Operation::Generate, Form::Sse);
    cut.feed(body.as_bytes());
    cut.finish(End::Cut);
    assert!(!cut.seen().ended);
}

#[test]
fn an_error_anywhere_in_a_chunk_is_an_error_and_one_in_a_text_is_not() {
    let of = |data: &str| seen(Api::OpenaiChat, Form::Sse, &format!("data: {data}\n\n"), 9).error;
    assert!(of(r#"{"id":"x","choices":[],"error":{"message":"m"}}"#).is_some());
    assert!(of(r#"{"choices":[{"delta":{"content":"\"error\": bad"}}],"error":null}"#).is_none());
    assert!(
        of(r#"{"choices":[{"delta":{"tool_calls":[{"function":{"arguments":"{\"error\":1}"}}]}}]}"#)
            .is_none()
    );
}

#[test]
fn a_whole_body_tells_its_usage() {
    check(
        Api::Anthropic,
        Form::Whole,
        r#"{"id":"m","content":[{"text":"{\"usage\":1}"}],"usage":{"input_tokens":3,"output_tokens":2}}"#,
        Some((3, 2)),
        true,
    );
    check(
        Api::OpenaiChat,
        Form::Whole,
        r#"{"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5},"choices":[]}"#,
        Some((3, 2)),
        true,
    );
    check(
        Api::Gemini,
        Form::Whole,
        r#"{"usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":2}}"#,
        Some((3, 2)),
        true,
    );
    // Cut off: about a token for four bytes, flagged.
    check(Api::OpenaiChat, Form::Whole, r#"{"usage":{"prompt_tok"#, Some((0, 6)), false);
}

#[test]
fn a_stream_that_breaks_off_is_estimated_and_flagged() {
    let cut = seen(Api::Anthropic, Form::Sse, CLAUDE, 5);
    let usage = cut.usage.unwrap();
    assert_eq!((usage.input, usage.output, usage.estimated, cut.ended), (9, 3, true, false));
}

/// Checks the output that is recorded, and whether it is an estimate.
fn told(api: Api, form: Form, text: &str, output: u64, estimated: bool) {
    for step in [1, 7, text.len()] {
        let usage = seen(api, form, text, step).usage.unwrap();
        assert_eq!((usage.output, usage.estimated), (output, estimated), "{api} by {step}: {text}");
    }
}

#[test]
fn zero_beside_a_text_is_never_told() {
    let claude = |start: &str, delta: &str| {
        let start = CLAUDE
            .replace(r#""usage":{"input_tokens":9,"cache_read_input_tokens":4,"output_tokens":1}"#, start);
        format!("{start}{}", CLAUDE_END.replace(r#","usage":{"output_tokens":41}"#, delta))
    };
    let usage = r#""usage":{"input_tokens":9,"output_tokens":1}"#;
    let zero = r#""usage":{"input_tokens":0,"output_tokens":0}"#;
    for (start, delta, output, estimated) in [
        (usage, r#","usage":{"output_tokens":41}"#, 41, false),
        (usage, "", 3, true),
        (usage, r#","usage":null"#, 3, true),
        (usage, r#","usage":{}"#, 3, true),
        (usage, r#","usage":{"output_tokens":null}"#, 3, true),
        (usage, r#","usage":{"output_tokens":0}"#, 3, true),
        (zero, r#","usage":{"input_tokens":0,"output_tokens":0}"#, 3, true),
        ("\"usage\":null", r#","usage":{"output_tokens":41}"#, 41, false),
    ] {
        told(Api::Anthropic, Form::Sse, &claude(start, delta), output, estimated);
    }
    let chat =
        |usage: &str| CHAT.replace(r#"{"prompt_tokens":20,"completion_tokens":9,"total_tokens":29}"#, usage);
    let zeros = r#"{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}"#;
    for usage in ["{}", zeros, r#"{"prompt_tokens":20}"#] {
        told(Api::OpenaiChat, Form::Sse, &chat(usage), 1, true);
    }
    for (api, text) in [
        (
            Api::Anthropic,
            r#"{"content":[{"type":"text","text":"hi"}],"usage":{"input_tokens":3,"output_tokens":0}}"#,
        ),
        (
            Api::Anthropic,
            r#"{"usage":{"output_tokens":0},"content":[{"type":"tool_use","name":"f","input":{}}]}"#,
        ),
        (Api::OpenaiChat, r#"{"choices":[{"message":{"role":"assistant","content":"hi"}}],"usage":{}}"#),
        (
            Api::OpenaiResponses,
            r#"{"output":[{"content":[{"type":"output_text","text":"hi"}]}],"usage":null}"#,
        ),
        (
            Api::Gemini,
            r#"{"candidates":[{"content":{"parts":[{"text":"hi"}]}}],"usageMetadata":{"promptTokenCount":3}}"#,
        ),
        (
            Api::Gemini,
            r#"{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","args":{}}}]}}],"usageMetadata":{"promptTokenCount":3}}"#,
        ),
        (
            Api::Gemini,
            r#"{"candidates":[{"content":{"parts":[{"inlineData":{"data":"aGk="}}]}}],"usageMetadata":{"promptTokenCount":3}}"#,
        ),
    ] {
        told(api, Form::Whole, text, (text.len() as u64).div_ceil(4), true);
    }
    // Where nothing was written, zero is what was used, whatever a start had told.
    let silent = claude(usage, r#","usage":{"output_tokens":0}"#).replace("Hello there", "");
    told(Api::Anthropic, Form::Sse, &silent, 0, false);
    for (api, text) in [
        (Api::Anthropic, r#"{"content":[],"usage":{"input_tokens":3,"output_tokens":0}}"#),
        (
            Api::OpenaiChat,
            r#"{"choices":[{"message":{"content":""}}],"usage":{"prompt_tokens":3,"total_tokens":3}}"#,
        ),
        (
            Api::Gemini,
            r#"{"promptFeedback":{"blockReason":"SAFETY"},"usageMetadata":{"promptTokenCount":3}}"#,
        ),
    ] {
        told(api, Form::Whole, text, 0, false);
    }
}

#[test]
fn what_a_stream_has_of_calls_and_thinking_is_counted_where_no_usage_tells_it() {
    let chat = |delta: &str| CHAT.replace(r#""content":"hi""#, delta).replace(r#""usage":{"#, r#""no":{"#);
    for delta in [
        r#""reasoning":"12345678""#,
        r#""reasoning_content":"12345678""#,
        r#""reasoning":"12345678","reasoning_content":"12345678""#,
        r#""content":"1234","reasoning":"5678""#,
    ] {
        told(Api::OpenaiChat, Form::Sse, &chat(delta), 2, true);
    }
    let gemini = |part: &str| {
        format!(
            "data: {{\"candidates\":[{{\"content\":{{\"parts\":[{part}]}},\"finishReason\":\"STOP\"}}],\"usageMetadata\":{{\"promptTokenCount\":3}}}}\r\n\r\n"
        )
    };
    for (part, output) in [
        (r#"{"functionCall":{"n":"f"}},{"functionCall":{"n":"g"}}"#, 5),
        (r#"{"executableCode":{"code":"x"}}"#, 3),
        (r#"{"text":"12345678"}"#, 2),
        (r#"{"inlineData":{"data":"aGk="}}"#, 0),
    ] {
        told(Api::Gemini, Form::Sse, &gemini(part), output, true);
    }
}

#[test]
fn usage_is_read_where_no_blank_line_stands_before_done_nor_behind_it() {
    let usage = Some((20, 9));
    let dialects = [
        (Api::OpenaiChat, CHAT.replace("data: [DONE]\n\n", ""), usage),
        (Api::OpenaiResponses, RESPONSES.to_owned(), Some((9, 4))),
        (Api::OpenaiImages, IMAGES.to_owned(), Some((3, 7))),
    ];
    for (api, text, used) in dialects {
        for (gap, end) in [("\n", "\n\n"), ("\r\n", "\r\n\r\n"), ("\n", "\n"), ("\n", ""), ("\n\n", "")] {
            for done in ["data: [DONE]", "data:[DONE]"] {
                let text = format!("{}{gap}{done}{end}", text.trim_end());
                check(api, Form::Sse, &text, used, true);
                assert!(!seen(api, Form::Sse, &text, 9).usage.unwrap().estimated, "{text}");
            }
        }
        // Whose last line is cut off has not ended by it; what stood before it is read.
        let cut = format!("{}\ndata: [DO", text.trim_end());
        check(api, Form::Sse, &cut, used, api != Api::OpenaiChat);
    }
}

#[test]
fn an_array_that_ends_in_an_error_has_not_ended_however_it_is_closed() {
    let error = r#"{"error":{"code":503,"message":"o","status":"UNAVAILABLE"}}"#;
    let array = format!("{},{error}]", ARRAY.trim_end_matches(']'));
    let events = format!("data: {error}\r\n\r\n{GEMINI}");
    for (form, text) in
        [(Form::JsonArray, array), (Form::Sse, events), (Form::Sse, format!("{GEMINI}data: {error}\r\n\r\n"))]
    {
        check(Api::Gemini, form, &text, Some((3, 7)), false);
        assert!(seen(Api::Gemini, form, &text, 5).error.is_some());
    }
}

#[test]
fn several_lines_of_one_chunk_are_one() {
    let pretty = CHAT.replace("{\"choices\":[],", "{\"choices\":[],\ndata: ");
    check(Api::OpenaiChat, Form::Sse, &pretty, Some((20, 9)), true);
}

#[test]
fn counts_in_quotes_are_read() {
    let quoted = GEMINI.replace(":3", ":\"3\"").replace(":7", ":\"7\"");
    assert_ne!(quoted, GEMINI);
    check(Api::Gemini, Form::Sse, &quoted, Some((3, 7)), true);
}

#[test]
fn a_document_in_a_streams_place_has_begun_when_it_is_whole_and_may_be_an_error() {
    let whole = r#"{"content":[{"text":"hi"}],"usage":{"input_tokens":3,"output_tokens":2}}"#;
    let mut meter = Meter::stand_in(Api::Anthropic, Operation::Generate);
    meter.feed(&whole.as_bytes()[..whole.len() - 1]);
    assert!(!meter.seen().started);
    meter.feed(b"}");
    assert!(meter.seen().started && meter.seen().ended && meter.seen().error.is_none());
    assert_eq!(meter.seen().usage.map(|usage| (usage.input, usage.output)), Some((3, 2)));
    let mut meter = Meter::stand_in(Api::OpenaiChat, Operation::Generate);
    meter.feed(br#"{"error":{"message":"busy","code":503}}"#);
    assert!(meter.seen().error.as_ref().is_some_and(|error| error.first && error.status.as_u16() == 503));
}

#[test]
fn what_follows_a_document_takes_nothing_back_however_it_is_cut() {
    for (form, text) in [
        (Form::Whole, r#"{"usage":{"prompt_tokens":3,"completion_tokens":2}}{"cut"#),
        (Form::Whole, r#"{"usage":{"prompt_tokens":3,"completion_tokens":2}} "cut"#),
        (Form::JsonArray, r#"[{"usage":{"prompt_tokens":3,"completion_tokens":2}}][{"#),
    ] {
        check(Api::OpenaiChat, form, text, Some((3, 2)), true);
    }
    for step in [1, 64] {
        let late = seen(Api::OpenaiChat, Form::JsonArray, r#"{"x":1}{"error":{"message":"late"}}"#, step);
        assert!(late.error.is_some_and(|error| !error.first), "{step}");
    }
}

#[test]
fn an_error_is_seen_and_whether_it_came_first() {
    let first = seen(
        Api::Anthropic,
        Form::Sse,
        "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"x\"}}\n\n",
        9,
    );
    let error = first.error.unwrap();
    assert!(error.first);
    assert_eq!(error.status.as_u16(), 529);
    let images =
        seen(Api::OpenaiImages, Form::Sse, "data: {\"error\":{\"code\":429,\"message\":\"x\"}}\n\n", 9);
    assert_eq!(images.error.map(|error| error.status.as_u16()), Some(429));
    let late = seen(
        Api::OpenaiChat,
        Form::Sse,
        "data: {\"choices\":[]}\n\ndata: {\"error\":{\"message\":\"x\",\"code\":429}}\n\n",
        9,
    );
    let error = late.error.unwrap();
    assert_eq!((error.first, error.status.as_u16()), (false, 429));
    let gemini = seen(
        Api::Gemini,
        Form::JsonArray,
        "[{\"error\":{\"code\":503,\"message\":\"o\",\"status\":\"UNAVAILABLE\"}}]",
        4,
    );
    assert_eq!(gemini.error.unwrap().status.as_u16(), 503);
}

#[test]
fn nothing_that_comes_makes_it_panic() {
    for api in Api::ALL {
        for form in [Form::Sse, Form::Whole, Form::JsonArray] {
            for text in [
                "",
                "}",
                "]]]]",
                "\"",
                "data:",
                "data: {",
                "event: message_start\ndata: 7\n\n",
                "\u{0}\u{ff}",
                "{\"usage\":[[[",
                "data: \"error\"\n\n",
            ] {
                seen(api, form, text, 1);
            }
        }
    }
}

#[test]
fn what_was_used_is_the_same_however_often_it_is_asked_after_the_end() {
    let fewer = CLAUDE_END.replace("41", "30");
    let mut meter = Meter::new(Api::Anthropic, Operation::Generate, Form::Sse);
    meter.feed(format!("{CLAUDE}{CLAUDE_END}{fewer}").as_bytes());
    meter.finish(End::Clean);
    let first = meter.seen().usage;
    assert!(first.is_some());
    for _ in 0..3 {
        assert_eq!(meter.used(), first);
        meter.finish(End::Cut);
    }
    assert_eq!(meter.seen().usage, first);
}
