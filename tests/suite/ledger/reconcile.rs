//! The ledger held against a vendor's reports: of what scripted upstreams billed, put together by another language.

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Value, json};
use sluice_tests::client::send;
use sluice_tests::gateway::{Gateway, account};
use sluice_tests::place::Folder;
use sluice_tests::upstream::{Request, Step, Upstream, stream, whole};

use super::views::command;
use super::{piped, records};

/// What upstreams bill for each answer of a model: input, read from a cache, written to it for 5 minutes and for an hour,
/// output.
const BILLED: [(&str, [u64; 5]); 3] = [
    ("claude-sonnet-5", [900, 7000, 20, 300, 41]),
    ("claude-haiku-4-5-20251001", [11, 0, 0, 0, 13]),
    ("gpt-5.2-2026-01-01", [90, 256, 0, 0, 77]),
];

const PRICES: &str = r#"
[models.claude-sonnet-5]
input = "3"
output = "15"
cache_read = "0.30"
cache_write_5m = "3.75"
cache_write_1h = "6"
[models.claude-haiku-4-5]
input = "0.77"
output = "5"
[models."gpt-5.2"]
input = "1.75"
output = "14"
cache_read = "0.175"
"#;

/// Puts reports together: of requests as they are told on standard input, by the day on which each began.
const REPORTS: &str = r#"
import json, sys
from datetime import datetime, timedelta, timezone
from decimal import Decimal
asked = json.load(sys.stdin)
days = {}
for request in asked["requests"]:
    at = datetime.fromisoformat(request["time"].replace("Z", "+00:00")).replace(microsecond=0)
    days.setdefault(at.date(), []).append((at, request["model"]))
def usage(model):
    i, r, w5, w1, o = asked["billed"][model]
    if asked["vendor"] == "anthropic":
        return {"uncached_input_tokens": i, "cache_read_input_tokens": r, "output_tokens": o, "model": model,
                "cache_creation": {"ephemeral_5m_input_tokens": w5, "ephemeral_1h_input_tokens": w1},
                "server_tool_use": {"web_search_requests": 0}}
    return {"object": "organization.usage.completions.result", "input_tokens": i + r, "input_cached_tokens": r,
            "output_tokens": o, "num_model_requests": 1, "model": model}
def cost(model):
    dollars = sum(Decimal(rate) * count for rate, count in zip(asked["rates"][model], asked["billed"][model])) / 10**6
    if asked["vendor"] == "anthropic":
        return {"amount": str(dollars * 100), "currency": "USD", "model": model, "cost_type": "tokens"}
    return {"object": "organization.costs.result", "amount": {"value": float(dollars), "currency": "usd"},
            "line_item": model + ", all"}
for result in (usage, cost):
    data = []
    for day, requests in sorted(days.items()):
        begins = datetime(day.year, day.month, day.day, tzinfo=timezone.utc)
        ends = max(at for at, _ in requests) + timedelta(seconds=1)
        results = [result(model) for _, model in requests]
        if asked["vendor"] == "anthropic":
            text = lambda time: time.strftime("%Y-%m-%dT%H:%M:%SZ")
            data.append({"starting_at": text(begins), "ending_at": text(ends), "results": results})
        else:
            data.append({"object": "bucket", "start_time": int(begins.timestamp()), "end_time": int(ends.timestamp()),
                         "results": results})
    print(json.dumps({"data": data, "has_more": False, "next_page": None}))
"#;

fn billed(model: &str) -> [u64; 5] {
    BILLED.iter().find(|(name, _)| *name == model).unwrap().1
}

/// An answer of the model that is asked for, streamed or not, with what is billed for it.
fn answer(request: &Request) -> Vec<Step> {
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    let model = body["model"].as_str().unwrap();
    let [input, read, five, hour, output] = billed(model);
    let claude = json!({"input_tokens": input, "cache_read_input_tokens": read, "output_tokens": output,
        "cache_creation_input_tokens": five + hour,
        "cache_creation": {"ephemeral_5m_input_tokens": five, "ephemeral_1h_input_tokens": hour}});
    let chat = json!({"prompt_tokens": input + read, "completion_tokens": output, "total_tokens": input + read + output,
        "prompt_tokens_details": {"cached_tokens": read}});
    let events = match (request.line.contains("chat"), body["stream"] == true) {
        (false, false) => {
            return whole(200, "", &json!({"model": model, "content": [], "usage": claude}).to_string());
        }
        (true, false) => {
            return whole(200, "", &json!({"model": model, "choices": [], "usage": chat}).to_string());
        }
        (false, true) => {
            let begun =
                json!({"type": "message_start", "message": {"id": "msg_1", "model": model, "usage": claude}});
            let ended = json!({"type": "message_delta", "delta": {}, "usage": {"output_tokens": output}});
            format!("data: {begun}\n\ndata: {ended}\n\ndata: {{\"type\":\"message_stop\"}}\n\n")
        }
        (true, true) => {
            let text = json!({"model": model, "choices": [{"index": 0, "delta": {"content": "a"}, "finish_reason": "stop"}]});
            let last = json!({"model": model, "choices": [], "usage": chat});
            format!("data: {text}\n\ndata: {last}\n\ndata: [DONE]\n\n")
        }
    };
    stream("text/event-stream", &events, 64)
}

/// A gateway whose keys `a` and `b` each have an account of this provider, after requests of each key for a model, every
/// second one streamed.
fn after(provider: &str, path: &str, requests: &[(&str, &str)]) -> (Gateway, Upstream) {
    let upstream = Upstream::start(answer);
    let folder = Arc::new(Folder::new());
    let prices = folder.0.join("prices.toml");
    std::fs::write(&prices, PRICES).unwrap();
    let mut config = format!("[cost]\nfiles = [{prices:?}]\n");
    for name in ["a", "b"] {
        config += &account(name, provider, &upstream.address, "");
        config += &format!(
            "[[keys]]\nname = \"{name}\"\nkey = \"sk-sluice-reconciled-{name}\"\naccounts = [\"{name}\"]\n"
        );
    }
    let gateway = Gateway::start_in(folder, &config);
    for (number, (key, model)) in requests.iter().enumerate() {
        let body =
            json!({"model": model, "max_tokens": 99, "stream": number % 2 == 1, "messages": []}).to_string();
        let bearer = format!("Bearer sk-sluice-reconciled-{key}");
        let answer = send(&gateway.address, "POST", path, &[("authorization", &bearer)], body.as_bytes());
        assert_eq!((answer.status, answer.complete), (200, true), "{}", answer.text());
    }
    (gateway, upstream)
}

/// Writes the vendor's reports of these records' requests: of usage, and of cost.
fn reports(gateway: &Gateway, vendor: &str, of: impl Fn(&Value) -> bool) -> [PathBuf; 2] {
    let all = records(gateway);
    let requests: Vec<Value> = all
        .iter()
        .filter(|record| of(record))
        .map(|record| json!({"time": record["time"], "model": record["upstream_model"]}))
        .collect();
    let asked = json!({"vendor": vendor, "requests": requests,
        "billed": BILLED.iter().map(|(model, counts)| (*model, json!(counts))).collect::<std::collections::BTreeMap<_, _>>(),
        "rates": {"claude-sonnet-5": ["3", "0.30", "3.75", "6", "15"], "claude-haiku-4-5-20251001": ["0.77", "0", "0", "0", "5"],
            "gpt-5.2-2026-01-01": ["1.75", "0.175", "0", "0", "14"]}});
    let texts = piped(REPORTS, &asked.to_string());
    let files = ["usage.json", "cost.json"].map(|name| gateway.folder.0.join(name));
    for (file, text) in files.iter().zip(texts.lines()) {
        std::fs::write(file, text).unwrap();
    }
    files
}

fn reconciled(
    gateway: &Gateway,
    vendor: &str,
    more: &[&str],
    files: &[PathBuf],
) -> (Option<i32>, String, String) {
    let files = files.iter().map(|file| file.to_str().unwrap());
    let arguments: Vec<&str> =
        ["reconcile", "--provider", vendor].into_iter().chain(more.iter().copied()).chain(files).collect();
    command(gateway, &arguments)
}

/// Changes a text in a file.
fn rewrite(file: &PathBuf, from: &str, to: &str) {
    let text = std::fs::read_to_string(file).unwrap();
    assert!(text.contains(from), "{text}");
    std::fs::write(file, text.replacen(from, to, 1)).unwrap();
}

/// What differs, once the seconds are over that the reports tell of: class, difference and cause.
fn differing(gateway: &Gateway, vendor: &str, files: &[PathBuf]) -> Vec<String> {
    let report = || {
        let (code, report, said) = reconciled(gateway, vendor, &["--json"], files);
        assert_eq!((code, said.as_str()), (Some(1), ""));
        serde_json::from_str::<Value>(&report).unwrap()
    };
    let differs = |report: Value| -> Vec<Value> {
        assert_eq!(report["agrees"], false);
        report["data"].as_array().unwrap().iter().filter(|line| line["agrees"] == false).cloned().collect()
    };
    gateway
        .until("the time is over", |_| differs(report()).iter().all(|line| line["cause"] != "day_not_over"));
    let text = |line: &Value, name: &str| line[name].as_str().unwrap().to_owned();
    let shown =
        |line: &Value| ["model", "class", "difference", "cause"].map(|name| text(line, name)).join(" ");
    differs(report()).iter().map(shown).collect()
}

#[test]
fn what_a_vendor_billed_agrees_with_the_ledger_to_the_last_digit_and_one_token_more_does_not() {
    for (vendor, provider, path, models) in [
        ("anthropic", "claude-console", "/v1/messages", ["claude-sonnet-5", "claude-haiku-4-5-20251001"]),
        ("openai", "openai", "/v1/chat/completions", ["gpt-5.2-2026-01-01", "gpt-5.2-2026-01-01"]),
    ] {
        let [one, two] = models;
        let (gateway, _upstream) =
            after(provider, path, &[("a", one), ("a", two), ("b", one), ("b", two), ("a", two)]);
        let files = reports(&gateway, vendor, |_| true);
        let (code, told, said) = reconciled(&gateway, vendor, &[], &files);
        assert_eq!((code, said.as_str()), (Some(0), ""), "{told}");
        assert!(told.starts_with("All ") && told.contains("lines agree"), "{told}");

        let output = format!("\"output_tokens\": {}", billed(one)[4]);
        rewrite(&files[0], &output, &format!("\"output_tokens\": {}", billed(one)[4] + 1));
        assert_eq!(differing(&gateway, vendor, &files), [format!("{one} output 1 outside_gateway")]);
        let (code, told, _) = reconciled(&gateway, vendor, &[], &files);
        assert!(code == Some(1) && told.contains("1 lines differ"), "{told}");
        let head = told.lines().next().unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(head, "day model class ledger vendor difference cause");
        assert!(told.contains("outside_gateway: some of it did not go through this gateway"), "{told}");
    }
}

#[test]
fn a_difference_is_named_with_what_is_likely_behind_it() {
    let (gateway, _upstream) = after(
        "claude-console",
        "/v1/messages",
        &[("a", "claude-sonnet-5"), ("a", "claude-sonnet-5"), ("b", "claude-sonnet-5")],
    );
    // The vendor's report is of one account's key alone.
    let files = reports(&gateway, "anthropic", |record| record["account"] == "a");
    let left_out = |class: &str, count: u64| format!("claude-sonnet-5 {class} -{count} accounts_not_in_file");
    let [input, read, five, hour, output] = billed("claude-sonnet-5");
    let expected = [
        left_out("input", input),
        left_out("cache_read", read),
        left_out("cache_write_5m", five),
        left_out("cache_write_1h", hour),
        left_out("output", output),
    ];
    assert_eq!(differing(&gateway, "anthropic", &files[..1]), expected);
    let (code, told, _) = reconciled(&gateway, "anthropic", &["--account", "a"], &files);
    assert_eq!(code, Some(0), "{told}");

    // The same tokens, at another price, and counted as other classes.
    let files = reports(&gateway, "anthropic", |_| true);
    rewrite(&files[1], "\"amount\": \"0", "\"amount\": \"1");
    assert_eq!(differing(&gateway, "anthropic", &files), ["claude-sonnet-5 cost 0.01 price"]);
    let files = reports(&gateway, "anthropic", |_| true);
    rewrite(&files[0], "\"uncached_input_tokens\": 900", "\"uncached_input_tokens\": 1000");
    rewrite(&files[0], "\"cache_read_input_tokens\": 7000", "\"cache_read_input_tokens\": 6900");
    let classes =
        ["claude-sonnet-5 input 100 cache_classes", "claude-sonnet-5 cache_read -100 cache_classes"];
    assert_eq!(differing(&gateway, "anthropic", &files), classes);
}

#[test]
fn what_is_no_report_is_refused_before_anything_is_asked() {
    let (gateway, _upstream) = after("claude-console", "/v1/messages", &[("a", "claude-sonnet-5")]);
    let files = reports(&gateway, "anthropic", |_| true);
    let other = gateway.folder.0.join("other.csv");
    std::fs::write(&other, "date,model,tokens\n2026-11-01,m,1\n").unwrap();
    for (vendor, files, says) in [
        ("openai", &files[..], "a report of anthropic's"),
        (
            "anthropic",
            std::slice::from_ref(&other),
            "`date,model,tokens`; allowed are answers of /v1/organizations/usage_report/messages",
        ),
        ("anthropic", &[files[0].clone(), files[0].clone()], "counted twice"),
        ("anthropic", &[gateway.folder.0.join("none.json")], "can't be read"),
        ("google", &files[..], "possible values: anthropic, openai"),
        ("anthropic", &[], "<FILE>"),
    ] {
        let (code, told, said) = reconciled(&gateway, vendor, &[], files);
        assert_eq!((code, told.as_str()), (Some(2), ""), "{said}");
        assert!(said.contains(says), "{says}: {said}");
    }
    let body = json!({"provider": "anthropic", "files": [{"name": "x", "text": "date\n"}]}).to_string();
    let refused = gateway.admin("POST", "/reconcile", &body);
    let error = refused.json()["error"].clone();
    assert_eq!(
        (refused.status, &error["code"], &error["field"]),
        (400, &"unreadable_report".into(), &"files".into())
    );
    for body in [
        r#"{"provider":"google","files":[]}"#,
        r#"{"files":[]}"#,
        "[]",
        r#"{"provider":"openai","files":[]}"#,
    ] {
        assert_eq!(gateway.admin("POST", "/reconcile", body).status, 400, "{body}");
    }
}
