//! What upstreams answer, as it is read.

use http::StatusCode;
use sluice_api::error::Kind;
use sluice_neutral::answer::{Block, Reason};
use sluice_neutral::dialect::Dialect as _;

use super::{sent, told};
use crate::Gemini;

const USED: &str = r#""usageMetadata":{"promptTokenCount":8,"candidatesTokenCount":4,"thoughtsTokenCount":12,"totalTokenCount":24}"#;

fn chunk(parts: &str, beside: &str) -> String {
    format!(
        r#"{{"candidates":[{{"content":{{"role":"model","parts":[{parts}]}}{beside}}}],{USED},"modelVersion":"g","responseId":"r1"}}"#
    )
}

const STOP: &str = r#","finishReason":"STOP""#;

fn all(chunks: &[(&str, &str)]) -> Vec<String> {
    let chunks: Vec<String> = chunks.iter().map(|(parts, beside)| chunk(parts, beside)).collect();
    told(&chunks.iter().map(String::as_str).collect::<Vec<_>>())
}

#[test]
fn streams_are_told_block_by_block() {
    let text = |block: &str, text: &str| format!("{block} {text}");
    for (chunks, expected) in [
        (
            &[
                (r#"{"text":"Plan","thought":true}"#, ""),
                (r#"{"text":"Hel"}"#, ""),
                (r#"{"text":"lo"}"#, STOP),
            ][..],
            vec!["open 0 Thinking", "0 Plan", "close 0", "open 1 Text", "1 Hel", "1 lo", "close 1"],
        ),
        (
            &[(
                r#"{"functionCall":{"id":"c1","name":"f","args":{"q":1.50}},"thoughtSignature":"c2ln"},{"functionCall":{"id":"c2","name":"g","args":null}}"#,
                STOP,
            )],
            vec![
                r#"open 0 Call(Called { id: "c1", name: "f", plain: false })"#,
                "0 seal c2ln",
                r#"0 {"q":1.50}"#,
                "close 0",
                r#"open 1 Call(Called { id: "c2", name: "g", plain: false })"#,
                "close 1",
            ],
        ),
        (
            &[
                (r#"{"functionCall":{"name":"f","args":{}}}"#, ""),
                (r#"{"functionCall":{"name":"f","args":{}}}"#, STOP),
            ],
            vec![
                r#"open 0 Call(Called { id: "call_r1_0", name: "f", plain: false })"#,
                "0 {}",
                "close 0",
                r#"open 1 Call(Called { id: "call_r1_1", name: "f", plain: false })"#,
                "1 {}",
                "close 1",
            ],
        ),
        (
            &[(r#"{"text":"hm","thought":true}"#, ""), (r#"{"text":"","thoughtSignature":"c2ln"}"#, STOP)],
            vec!["open 0 Thinking", "0 hm", "0 seal c2ln", "close 0"],
        ),
        (
            &[
                (r#"{"functionCall":{"id":"c","name":"f","args":{}}}"#, ""),
                (r#"{"text":"","thoughtSignature":"c2ln"}"#, STOP),
            ],
            vec![
                r#"open 0 Call(Called { id: "c", name: "f", plain: false })"#,
                "0 {}",
                "0 seal c2ln",
                "close 0",
            ],
        ),
        // A text has no place for it elsewhere.
        (
            &[(r#"{"text":"Hi"}"#, ""), (r#"{"text":"","thoughtSignature":"c2ln"}"#, STOP)],
            vec!["open 0 Text", "0 Hi", "close 0"],
        ),
        (
            &[(r#"{"inlineData":{"mimeType":"image/png","data":"AAEC"}}"#, STOP)],
            vec![r#"open 0 Image { media_type: "image/png" }"#, "0 AAEC", "close 0"],
        ),
        (
            &[
                (r#"{"functionCall":{"id":"c","name":"f","willContinue":true}}"#, ""),
                (
                    r#"{"functionCall":{"partialArgs":[{"jsonPath":"$.a","stringValue":"x","willContinue":true}],"willContinue":true}}"#,
                    "",
                ),
                (
                    r#"{"functionCall":{"partialArgs":[{"jsonPath":"$.a","stringValue":"y"}],"willContinue":true}}"#,
                    "",
                ),
                (r#"{"functionCall":{}}"#, STOP),
            ],
            vec![r#"open 0 Call(Called { id: "c", name: "f", plain: false })"#, r#"0 {"a":"xy"}"#, "close 0"],
        ),
        (&[(r#"{"hologram":1},{"text":"t","new":1}"#, STOP)], vec!["open 0 Text", "0 t", "close 0"]),
    ] {
        let told = all(chunks);
        let begin = text("started", "r1 g");
        let expected = [&[begin.as_str()][..], &expected, &["used 8 16 12", "end Done", "whole"]].concat();
        assert_eq!(told, expected, "{chunks:?}");
    }
}

#[test]
fn what_middle_servers_leave_out_or_spell_otherwise_is_read_all_the_same() {
    for chunks in [
        &[
            r#"{"candidates":[{"content":{"parts":[{"text":"Hi"}]},"finish_reason":"STOP"}],"usage_metadata":{"prompt_token_count":1,"candidates_token_count":2,"total_token_count":3},"model_version":"g","response_id":"r1"}"#,
        ][..],
        // A reason with each chunk, an empty one, one of usage alone, an end that nobody asked for.
        &[
            r#"{"candidates":[{"content":{"parts":[{"text":"H"}]},"finishReason":"STOP"}],"responseId":"r1","modelVersion":"g"}"#,
            "{}",
            r#"{"candidates":[{"content":{"parts":[{"text":"i"}]},"finishReason":"STOP"}]}"#,
            r#"{"usageMetadata":{"promptTokenCount":"1","candidatesTokenCount":"2","totalTokenCount":"3"}}"#,
            "[DONE]",
            "",
        ],
        &[
            r#"[{"candidates":[{"content":{"parts":{"text":"H"}}}],"responseId":"r1","modelVersion":"g"},{"candidates":[{"content":{"parts":[{"text":"i"}]},"finishReason":"stop"}],"usageMetadata":{"promptTokenCount":1,"candidatesTokenCount":2}}]"#,
        ],
        &[
            r#"{"candidates":[{"index":1,"content":{"parts":[{"text":"other"}]}},{"index":0,"content":{"parts":[{"text":"Hi"}]},"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":1,"candidatesTokenCount":2},"responseId":"r1","modelVersion":"g"}"#,
        ],
    ] {
        let told = told(chunks);
        let text: String = told.iter().filter_map(|event| event.strip_prefix("0 ")).collect();
        assert_eq!((text.as_str(), &*told[0]), ("Hi", "started r1 g"), "{chunks:?}");
        assert_eq!(told[told.len() - 3..], ["used 1 2 0", "end Done", "whole"], "{chunks:?}");
    }
}

#[test]
fn each_end_is_an_end_a_refusal_or_a_failure_to_be_tried_again() {
    let text = r#"{"text":"t"}"#;
    let thought = r#"{"text":"t","thought":true}"#;
    for (reason, parts, end) in [
        ("STOP", text, "end Done"),
        ("MAX_TOKENS", thought, "end Length"),
        ("SAFETY", "", "end Refused"),
        ("RECITATION", text, "end Refused"),
        ("PROHIBITED_CONTENT", "", "end Refused"),
        ("CONTINUATION", text, "end Length"),
        ("MALFORMED_FUNCTION_CALL", text, "end Done"),
        ("LANGUAGE", text, "end Done"),
        (
            "MALFORMED_FUNCTION_CALL",
            "",
            "failed 502 Bad Gateway Server the model gave no answer: MALFORMED_FUNCTION_CALL",
        ),
        ("OTHER", thought, "failed 502 Bad Gateway Server the model gave no answer: OTHER"),
        ("NEW_REASON", text, "end Done"),
    ] {
        let beside = format!(r#","finishReason":"{reason}""#);
        let told = all(&[(parts, &beside)]);
        assert!(told.iter().any(|event| event == end), "{reason}: {told:?}");
    }
    // Nothing told that it ended: it was cut off.
    assert_eq!(all(&[(text, "")]).last().map(String::as_str), Some("0 t"));
    assert!(
        !all(&[(text, r#","finishReason":"FINISH_REASON_UNSPECIFIED""#)])
            .iter()
            .any(|event| event.starts_with("end"))
    );
    let blocked =
        format!(r#"{{"promptFeedback":{{"blockReason":"PROHIBITED_CONTENT"}},{USED},"modelVersion":"g"}}"#);
    assert_eq!(told(&[&blocked]), ["started - g", "used 8 16 12", "end Refused", "whole"]);
}

#[test]
fn errors_in_a_stream_are_failures_and_what_is_no_json_is_the_upstreams_fault() {
    let text = chunk(r#"{"text":"t"}"#, "");
    let told_of = told(&[&text, r#"{"error":{"code":503,"message":"overloaded","status":"UNAVAILABLE"}}"#]);
    assert_eq!(
        told_of.last().map(String::as_str),
        Some("failed 503 Service Unavailable Overloaded overloaded")
    );
    for odd in [
        "<html>",
        "{\"candidates\":",
        "7",
        "\"text\"",
        "{} {}",
        "[1]",
        r#"{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","partialArgs":[{"jsonPath":"$[","boolValue":true}]}}]}}]}"#,
    ] {
        let told = told(&[odd]);
        assert!(told.last().is_some_and(|last| last.starts_with("error ")), "{odd} {told:?}");
        let error = Gemini.answer(odd.as_bytes(), &sent()).expect_err(odd);
        assert_eq!(error.kind(), Kind::Upstream, "{odd}");
    }
}

#[test]
fn where_it_was_found_and_how_likely_it_was_belongs_to_the_text() {
    let beside = r#","groundingMetadata":{"webSearchQueries":["q"],"groundingChunks":[{"web":{"uri":"https://a","title":"A"}},{"web":{"uri":"https://b"}}],"groundingSupports":[{"segment":{"endIndex":2,"text":"Hi"},"groundingChunkIndices":[0,1]},{"segment":{"startIndex":1,"endIndex":99},"groundingChunkIndices":[1]}]},"logprobsResult":{"chosenCandidates":[{"token":"Hi","logProbability":-0.5}],"topCandidates":[{"candidates":[{"token":"Ho","logProbability":-1}]}]},"finishReason":"STOP""#;
    let told = all(&[(r#"{"text":"Hi"}"#, beside)]);
    assert_eq!(
        told[2..7],
        [
            "0 Hi",
            "0 logprobs 1",
            "0 cites https://a Some((0, 2))",
            "0 cites https://b Some((0, 2))",
            "0 cites https://b None"
        ]
    );
}

#[test]
fn whole_answers_are_read_as_their_streams_are() {
    let body = chunk(
        r#"{"text":"hm","thought":true},{"text":"Hel"},{"text":"lo"},{"functionCall":{"name":"f","args":{"q":1}},"thoughtSignature":"c2ln"}"#,
        STOP,
    );
    let answer = Gemini.answer(body.as_bytes(), &sent()).unwrap();
    let said: Vec<(&Block<'_>, &str)> = answer.said.iter().map(|said| (&said.block, &*said.text)).collect();
    assert_eq!(said[..2], [(&Block::Thinking, "hm"), (&Block::Text, "Hello")]);
    assert_eq!(said[2].1, r#"{"q":1}"#);
    assert_eq!(answer.said[2].seal.as_ref().map(|seal| &*seal.payload), Some("c2ln"));
    assert_eq!((answer.end.reason, answer.usage.map(|used| used.output)), (Reason::Done, Some(16)));
    assert_eq!((answer.started.id.as_deref(), answer.started.model.as_deref()), (Some("r1"), Some("g")));
    let error = Gemini
        .answer(br#"{"candidates":[{"finishReason":"OTHER","finishMessage":"why"}]}"#, &sent())
        .unwrap_err();
    // Upstream's words may name the account.
    let facts = error.facts();
    let told = (facts.said.contains("why"), facts.message.contains("why"));
    assert_eq!((error.kind(), told), (Kind::Upstream, (true, false)));
    assert!(Gemini.answer(b"{}", &sent()).is_err());
    let events = format!("data: {body}\r\n\r\ndata: [DONE]\n\n");
    assert_eq!(Gemini.answer(events.as_bytes(), &sent()).unwrap().said, answer.said);
}

#[test]
fn counts_are_read_in_either_spelling() {
    for (body, tokens) in [
        (r#"{"totalTokens":31,"cachedContentTokenCount":2}"#, Some(31)),
        (r#"{"total_tokens":"31"}"#, Some(31)),
        ("{}", None),
        ("x", None),
    ] {
        assert_eq!(Gemini.counted(body.as_bytes()), tokens, "{body}");
    }
    assert_eq!(Gemini.count(31), br#"{"totalTokens":31}"#);
    let failure = Gemini
        .failure(StatusCode::NOT_FOUND, br#"{"error":{"code":404,"message":"no","status":"NOT_FOUND"}}"#);
    assert_eq!((failure.status, &*failure.message), (StatusCode::NOT_FOUND, "no"));
}

#[test]
fn only_one_document_is_whole_without_a_reason() {
    let said = chunk(r#"{"text":"Hi"}"#, "");
    let answer = Gemini.answer(said.as_bytes(), &sent()).unwrap();
    assert_eq!((&*answer.said[0].text, answer.end.reason), ("Hi", Reason::Done));
    for cut in [
        format!("[{said}]"),
        format!("[{said},{said}]"),
        format!("\u{feff} [{said}]"),
        format!("data: {said}\r\n\r\ndata: {said}\r\n\r\n"),
    ] {
        let error = Gemini.answer(cut.as_bytes(), &sent()).unwrap_err();
        assert!(error.kind() == Kind::Upstream && error.to_string().contains("cut"), "{cut}: {error}");
    }
    let ended = chunk(r#"{"text":"."}"#, STOP);
    let answer = format!("[{said},{ended}]");
    assert_eq!(&*Gemini.answer(answer.as_bytes(), &sent()).unwrap().said[0].text, "Hi.");
}
