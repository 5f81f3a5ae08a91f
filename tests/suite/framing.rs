//! Answers whose label says something else than their body: where a stream is about, the body's beginning is believed.

use sluice_tests::dialects::{dialect, streaming};
use sluice_tests::fleet::{Fleet, sample};
use sluice_tests::gateway::{Gateway, account, key};
use sluice_tests::upstream::{Step, Upstream, chunk, end, stream, stream_head, whole};

/// Labels that servers give to streams.
const LABELS: [&str; 3] = ["application/json", "text/plain; charset=utf-8", "application/octet-stream"];

fn is_metered(gateway: &Gateway, (input, output): (u64, u64), what: &str) {
    let record = gateway.record();
    let told = (record["input_tokens"].as_u64(), record["output_tokens"].as_u64());
    assert_eq!(told, (Some(input), Some(output)), "{what}: {record}");
    let ended = (record["usage_estimated"].as_bool(), record["outcome"].as_str());
    assert_eq!(ended, (Some(false), Some("completed")), "{what}: {record}");
}

#[test]
fn a_stream_under_another_label_is_one_all_the_same() {
    for dialect in streaming() {
        for label in LABELS {
            for size in [1, 9, 100_000] {
                let upstream = Upstream::start(move |_| stream(label, dialect.stream, size));
                let gateway =
                    Gateway::start(&(account("a", dialect.provider, &upstream.address, "") + &key("")));
                let (path, body) = dialect.stream_request;
                let (answer, what) =
                    (gateway.post(path, body), format!("{} as {label} by {size}", dialect.api));
                assert_eq!((answer.status, answer.complete), (200, true), "{what}");
                assert_eq!(answer.text(), dialect.stream, "{what}");
                assert_eq!(answer.header("content-type"), Some(label), "{what}");
                is_metered(&gateway, dialect.used, &what);
            }
        }
    }
}

#[test]
fn usage_that_only_the_gateway_asked_for_is_kept_back_under_any_label() {
    let dialect = dialect("openai-chat");
    let hidden: String =
        dialect.stream.split_inclusive("\n\n").filter(|event| !event.contains("\"usage\":{")).collect();
    for label in LABELS {
        let upstream = Upstream::start(move |_| stream(label, dialect.stream, 9));
        let gateway = Gateway::start(&(account("a", "openai", &upstream.address, "") + &key("")));
        let answer = gateway.post("/v1/chat/completions", r#"{"model":"m","stream":true,"messages":[]}"#);
        assert_eq!(answer.text(), hidden, "{label}");
        is_metered(&gateway, dialect.used, label);
    }
}

#[test]
fn usage_without_content_is_kept_back_in_every_form_that_servers_give_it() {
    let content = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"hi\"}}]}\n\n";
    let finish = "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
    let usage = "\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":41,\"total_tokens\":50}";
    for choices in ["", "\"choices\":null,", "\"choices\":[],", "\"choices\":[{\"index\":0,\"delta\":{}}],"] {
        for (gap, done) in [("\n\n", "data: [DONE]"), ("\n", "data: [DONE]"), ("\n", "data:[DONE]")] {
            let sent = format!("{content}{finish}data: {{{choices}{usage}}}{gap}{done}\n\n");
            let upstream = Upstream::start(move |_| stream("text/event-stream", &sent, 11));
            let gateway =
                Gateway::start(&(account("a", "openai-compatible", &upstream.address, "") + &key("")));
            let answer = gateway.post("/v1/chat/completions", r#"{"model":"m","stream":true,"messages":[]}"#);
            let what = format!("{choices} {gap:?} {done}");
            assert_eq!(answer.text(), format!("{content}{finish}{done}\n\n"), "{what}");
            is_metered(&gateway, (9, 41), &what);
        }
    }
}

/// Two accounts of one dialect, of which the first is asked first.
fn two(fleet: &Fleet, provider: &str) -> Gateway {
    let accounts =
        fleet.account("a", provider, "priority = 1") + &fleet.account("b", provider, "priority = 2");
    Gateway::start(&(accounts + &key("")))
}

#[test]
fn an_error_that_begins_an_answer_under_any_label_is_a_failed_attempt() {
    let overloaded = r#"{"type":"error","error":{"type":"overloaded_error","message":"busy"}}"#;
    let chat = r#"{"error":{"message":"busy","type":"server_error","code":null}}"#;
    let gemini = r#"{"error":{"code":503,"message":"busy","status":"UNAVAILABLE"}}"#;
    for (api, error) in [("anthropic", overloaded), ("openai-chat", chat), ("gemini", gemini)] {
        let dialect = dialect(api);
        let event = match api {
            "anthropic" => {
                format!("event: ping\ndata: {{\"type\":\"ping\"}}\n\nevent: error\ndata: {error}\n\n")
            }
            _ => format!("data: {error}\n\n"),
        };
        for (label, body) in
            [("application/json", &*event), ("text/event-stream", error), ("text/plain", error)]
        {
            let fleet = Fleet::start(sample);
            let body = body.to_owned();
            fleet.tell("a", move |_| stream(label, &body, 7));
            let gateway = two(&fleet, dialect.provider);
            let (path, body) = dialect.stream_request;
            let (answer, what) = (gateway.post(path, body), format!("{api} {label}"));
            assert_eq!((answer.status, answer.text().as_str()), (200, dialect.stream), "{what}");
            assert_eq!((fleet.asked("a"), fleet.asked("b")), (1, 1), "{what}");
        }
    }
}

#[test]
fn a_stream_under_another_label_that_is_cut_ends_in_its_dialects_error() {
    for dialect in streaming() {
        for (last, what) in [((|| Step::Close) as fn() -> Step, "breaks"), (end, "ends")] {
            let upstream = Upstream::start(move |_| {
                vec![stream_head("application/json"), chunk(dialect.first_event().as_bytes()), last()]
            });
            let gateway = Gateway::start(&(account("a", dialect.provider, &upstream.address, "") + &key("")));
            let (path, body) = dialect.stream_request;
            let text = gateway.post(path, body).text();
            let told = text.strip_prefix(dialect.first_event()).unwrap();
            assert!(told.contains("\"error\":{"), "{} {what}: {told}", dialect.api);
            assert_eq!(gateway.record()["outcome"], "upstream_error", "{} {what}", dialect.api);
        }
    }
}

#[test]
fn a_message_that_is_labelled_as_a_stream_passes_as_it_came_and_is_metered_as_a_whole() {
    for dialect in streaming() {
        let (path, streamed) = dialect.stream_request;
        for (path, body) in [(path, streamed), (dialect.paths[0], dialect.request)] {
            let upstream =
                Upstream::start(|_| whole(200, "content-type: text/event-stream\r\n", dialect.answer));
            let gateway = Gateway::start(&(account("a", dialect.provider, &upstream.address, "") + &key("")));
            let answer = gateway.post(path, body);
            assert_eq!((answer.status, answer.text().as_str()), (200, dialect.answer), "{path}");
            let length = answer.header("content-length").and_then(|length| length.parse().ok());
            assert_eq!(length, Some(dialect.answer.len()), "{path}");
            is_metered(&gateway, dialect.used, path);
            let chunked = Upstream::start(|_| stream("text/event-stream", dialect.answer, 5));
            let gateway = Gateway::start(&(account("a", dialect.provider, &chunked.address, "") + &key("")));
            let answer = gateway.post(path, body);
            assert_eq!((answer.complete, answer.text().as_str()), (true, dialect.answer), "{path}");
            is_metered(&gateway, dialect.used, path);
        }
    }
}

#[test]
fn a_stream_whose_end_has_no_blank_line_before_it_or_behind_it_is_whole_and_metered() {
    for api in ["openai-chat", "openai-responses"] {
        let dialect = dialect(api);
        let events = dialect.stream.trim_end().trim_end_matches("data: [DONE]").trim_end();
        for (done, last) in
            [("data: [DONE]", "\n\n"), ("data: [DONE]", "\n"), ("data: [DONE]", ""), ("data:[DONE]", "\n\n")]
        {
            let sent = format!("{events}\n{done}{last}");
            let text = sent.clone();
            let upstream = Upstream::start(move |_| stream("text/event-stream", &text, 11));
            let gateway = Gateway::start(&(account("a", dialect.provider, &upstream.address, "") + &key("")));
            let (path, body) = dialect.stream_request;
            let answer = gateway.post(path, body);
            assert_eq!((answer.complete, answer.text()), (true, sent), "{api}");
            is_metered(&gateway, dialect.used, &format!("{api} {done:?} {last:?}"));
        }
    }
}

#[test]
fn an_array_of_geminis_is_one_where_events_were_asked_for() {
    let array = "[{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"hi\"}]}}]}\n,\r\n{\"usageMetadata\":{\"promptTokenCount\":9,\"candidatesTokenCount\":41,\"totalTokenCount\":50}}\n]";
    for label in ["application/json", "text/event-stream"] {
        let upstream = Upstream::start(move |_| stream(label, array, 5));
        let gateway = Gateway::start(&(account("a", "gemini", &upstream.address, "") + &key("")));
        let (path, body) = dialect("gemini").stream_request;
        assert_eq!(gateway.post(path, body).text(), array, "{label}");
        is_metered(&gateway, (9, 41), label);
    }
}

#[test]
fn half_a_message_in_a_streams_place_is_a_failed_attempt() {
    let fleet = Fleet::start(sample);
    fleet.tell("a", |_| stream("application/json", "{\"id\":\"msg_1\",\"content\":[", 9));
    let gateway = two(&fleet, "claude-console");
    let (path, body) = dialect("anthropic").stream_request;
    assert_eq!(gateway.post(path, body).text(), dialect("anthropic").stream);
    assert_eq!(fleet.asked("b"), 1);
}
