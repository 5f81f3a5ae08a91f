//! Usage, as operators and a key's holder see it: what the records add up to, by anything.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sluice_tests::client::send;
use sluice_tests::gateway::{Gateway, KEY, TOKEN, key};
use sluice_tests::place::binary;

use super::{piped, records};

const OTHER: &str = "sk-sluice-other-key-of-the-usage-tests";

fn gateway() -> Gateway {
    let gateway = Gateway::start(&format!(
        "stats.timezone = \"Asia/Kathmandu\"\n[[accounts]]\nname = \"s\"\nprovider = \"simulated\"\ncost_multiplier = \"0.5\"\n{}\
         [[keys]]\nname = \"other\"\nkey = \"{OTHER}\"\nuser = \"u\"\n",
        key("tags = [\"a\", \"b\"]")
    ));
    for (secret, path, model) in [
        (KEY, "/v1/messages", "claude-sonnet-5"),
        (KEY, "/v1/messages", "claude-haiku-4-5"),
        (KEY, "/v1/messages", "nobody-knows-its-price"),
        (OTHER, "/v1/messages", "claude-sonnet-5"),
        (OTHER, "/v1/chat/completions", "gpt-5.2"),
        (OTHER, "/v1/none", "claude-sonnet-5"),
    ] {
        let body =
            format!(r#"{{"model":"{model}","max_tokens":9,"messages":[{{"role":"user","content":"hi"}}]}}"#);
        let key = [("authorization", format!("Bearer {secret}"))];
        let headers: Vec<(&str, &str)> = key.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let _ = send(&gateway.address, "POST", path, &headers, body.as_bytes());
    }
    gateway
}

/// Money in ten-billionths of a dollar.
fn units(text: &str) -> i128 {
    let (whole, rest) = text.split_once('.').unwrap_or((text, ""));
    format!("{whole}{rest:0<10}").parse().unwrap()
}

/// What the records of one group add up to, as a row has it.
fn summed(records: &[&Value]) -> Value {
    let sum = |field: &str| records.iter().map(|record| record[field].as_u64().unwrap()).sum::<u64>();
    let money = |field: &str| {
        let costs = records.iter().filter_map(|record| record[field].as_str()).map(units);
        costs.sum::<i128>().to_string()
    };
    let failed = |record: &&&Value| record["status"].as_u64().unwrap() >= 400;
    let unpriced = |record: &&&Value| record["cost"].is_null() && !record["usage"].is_null();
    json!({
        "requests": records.len(), "errors": records.iter().filter(failed).count(),
        "input_tokens": sum("input_tokens"), "output_tokens": sum("output_tokens"),
        "cache_write_tokens": sum("cache_write_tokens"), "cache_read_tokens": sum("cache_read_tokens"),
        "reasoning_tokens": sum("reasoning_tokens"), "cost": money("cost"), "list_cost": money("list_cost"),
        "unpriced_requests": records.iter().filter(unpriced).count(),
    })
}

/// What a row is of, and what stands in it, its money in ten-billionths of a dollar.
fn counted(row: &Value, field: &str) -> (String, Value) {
    let mut row = row.clone();
    let name = row.as_object_mut().unwrap().remove(field).unwrap().to_string();
    for money in ["cost", "list_cost"] {
        row[money] = units(row[money].as_str().unwrap()).to_string().into();
    }
    (name, row)
}

#[test]
fn rows_are_what_the_records_add_up_to_by_any_field() {
    let gateway = gateway();
    let all = records(&gateway);
    assert!(all.len() >= 5, "{}", all.len());
    for field in ["key", "user", "group", "model", "account", "provider", "api", "tag"] {
        let mut groups: BTreeMap<String, Vec<&Value>> = BTreeMap::new();
        for record in &all {
            let values = match field {
                "tag" if record["tags"].as_array().unwrap().is_empty() => vec![Value::Null],
                "tag" => record["tags"].as_array().unwrap().clone(),
                field => vec![record[field].clone()],
            };
            for value in values {
                groups.entry(value.to_string()).or_default().push(record);
            }
        }
        let rows = gateway.admin("GET", &format!("/usage?group_by={field}"), "").json();
        let rows = rows["data"].as_array().unwrap();
        assert_eq!(rows.len(), groups.len(), "{field}: {rows:#?}");
        for row in rows {
            let (name, row) = counted(row, field);
            assert_eq!(row, summed(&groups[&name]), "{field} {name}");
        }
    }
    let whole = gateway.admin("GET", "/usage", "").json()["data"][0].clone();
    assert_eq!(whole["requests"], all.len());
    assert_eq!(whole["unpriced_requests"], 1, "{whole}");
    assert!(units(whole["cost"].as_str().unwrap()) > 0);
}

#[test]
fn buckets_are_the_zones_and_filters_narrow() {
    let gateway = gateway();
    let all = records(&gateway).len();
    let rows = gateway.admin("GET", "/usage?bucket=day&group_by=key", "").json();
    let mut requests = 0;
    for row in rows["data"].as_array().unwrap() {
        assert!(row["bucket"].as_str().unwrap().ends_with("T00:00:00+05:45"), "{row}");
        requests += row["requests"].as_u64().unwrap();
    }
    assert_eq!(requests, all as u64);
    let count = |query: &str| {
        let rows = gateway.admin("GET", &format!("/usage?{query}"), "").json();
        rows["data"][0]["requests"].as_u64().unwrap()
    };
    assert_eq!(count("key=test"), 3);
    assert_eq!(count("key=test&model=claude-sonnet-5"), 1);
    assert_eq!(count("model=claude-haiku-4-5&model=nobody-knows-its-price"), 2);
    assert_eq!(count("tag=a&tag=b"), 3, "a request counts once, whatever it passes by");
    assert_eq!(count("user=u&api=openai-chat"), 1);
    let id = records(&gateway).into_iter().find(|record| record["key"] == "test").unwrap()["key_id"].clone();
    assert_eq!(count(&format!("key={}", id.as_str().unwrap())), 3, "by its id as by its name");
    assert_eq!(count("key=nobody"), 0);
    assert_eq!(count("to=2020-01-01T00:00:00Z"), 0);
}

#[test]
fn what_is_wrong_with_a_query_is_named() {
    let gateway = Gateway::start(&key(""));
    for (query, field) in [
        ("from=yesterday", "from"),
        ("to=7", "to"),
        ("from=2026-02-01T00:00:00Z&to=2026-01-01T00:00:00Z", "to"),
        ("group_by=colour", "group_by"),
        ("bucket=week", "bucket"),
        ("from=1990-01-01T00:00:00Z&bucket=hour", "bucket"),
        ("colour=red", "colour"),
        ("api=claude", "api"),
        ("model=", "model"),
        ("bucket=day&bucket=hour", "bucket"),
        ("from=2200-01-01", "from"),
    ] {
        let answer = gateway.admin("GET", &format!("/usage?{query}"), "");
        assert_eq!(answer.status, 400, "{query}");
        assert_eq!(answer.json()["error"]["field"], field, "{query}");
    }
}

#[test]
fn a_keys_holder_sees_its_own_usage_alone_under_every_prefix() {
    let gateway = gateway();
    for prefix in ["", "/api", "/claude", "/gemini", "/openai"] {
        let path = format!("{prefix}/v1/usage?group_by=model");
        let answer = send(&gateway.address, "GET", &path, &[("x-api-key", OTHER)], b"");
        let rows = answer.json();
        let models: Vec<&str> =
            rows["data"].as_array().unwrap().iter().map(|row| row["model"].as_str().unwrap()).collect();
        assert!(models.contains(&"gpt-5.2") && !models.contains(&"claude-haiku-4-5"), "{path}: {models:?}");
    }
    let all = records(&gateway);
    let rows = send(&gateway.address, "GET", "/v1/usage?group_by=model", &[("x-api-key", OTHER)], b"").json();
    for row in rows["data"].as_array().unwrap() {
        let own = |record: &&Value| record["key"] == "other" && record["model"] == row["model"];
        let (model, counted) = counted(row, "model");
        assert_eq!(counted, summed(&all.iter().filter(own).collect::<Vec<_>>()), "{model}");
    }
    let asked = |query: &str, secret: &str| {
        send(&gateway.address, "GET", &format!("/v1/usage?{query}"), &[("x-api-key", secret)], b"")
    };
    assert_eq!(
        asked("key=test", OTHER).json()["data"][0]["requests"],
        asked("", OTHER).json()["data"][0]["requests"]
    );
    for query in ["group_by=account", "group_by=key", "account=s", "bucket=week"] {
        let refused = asked(query, OTHER);
        assert_eq!(refused.status, 400, "{query}");
    }
    assert_eq!(asked("", "sk-nobody").status, 401);
}

/// Runs a command against a gateway; its status, and what it printed.
pub(super) fn command(gateway: &Gateway, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = std::process::Command::new(binary())
        .args(arguments)
        .args(["--url", &format!("http://{}", gateway.address), "--token", TOKEN])
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn an_export_has_every_record_as_the_list_has_it() {
    let gateway = gateway();
    let all = records(&gateway);
    let (code, lines, said) = command(&gateway, &["export"]);
    assert_eq!((code, said.as_str()), (Some(0), ""));
    let read: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(read, all);
    let (code, csv, _) = command(&gateway, &["export", "--format", "csv"]);
    assert_eq!(code, Some(0));
    // Read by a reader of CSV that is not ours.
    let program = "import csv,json,sys; print(json.dumps(list(csv.DictReader(sys.stdin))))";
    let rows: Vec<Value> = serde_json::from_str(&piped(program, &csv)).unwrap();
    assert_eq!(rows.len(), all.len());
    for (row, record) in rows.iter().zip(&all) {
        for (column, cell) in row.as_object().unwrap() {
            let expected = match &record[column] {
                Value::Null => String::new(),
                Value::String(text) => text.clone(),
                Value::Array(list) => {
                    list.iter().map(|one| one.as_str().unwrap()).collect::<Vec<_>>().join(" ")
                }
                other => other.to_string(),
            };
            assert_eq!(cell.as_str().unwrap(), expected, "{column}");
        }
    }
    let (code, none, _) = command(&gateway, &["export", "--to", "2020-01-01T00:00:00Z"]);
    assert_eq!((code, none.as_str()), (Some(0), ""));
    let (code, _, said) = command(&gateway, &["export", "--from", "yesterday"]);
    assert!(
        code == Some(2) && said.contains("400") && said.contains("`from` is a time like"),
        "{code:?} {said}"
    );
    let narrowed = command(&gateway, &["export", "--only", "key=other", "--only", "api=openai-chat"]);
    let only = |record: &&Value| record["key"] == "other" && record["api"] == "openai-chat";
    let expected: Vec<Value> = all.iter().filter(only).cloned().collect();
    let read: Vec<Value> = narrowed.1.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((narrowed.0, read.len(), read), (Some(0), 1, expected));
    let days = command(&gateway, &["export", "--from", "2020-01-01", "--to", "2020-01-02"]);
    assert_eq!((days.0, days.1.as_str()), (Some(0), ""), "{}", days.2);
    for wrong in [["--only", "modle=x"], ["--only", "outcome=zzz"], ["--only", "api=openai"]] {
        let (code, _, said) = command(&gateway, &[["export"].as_slice(), &wrong].concat());
        assert!(code == Some(2) && said.contains("400"), "{wrong:?}: {code:?} {said}");
    }
    for (query, field) in [("format=xml", "format"), ("limit=7", "limit"), ("colour=red", "colour")] {
        let refused = gateway.admin("GET", &format!("/export?{query}"), "");
        assert_eq!((refused.status, &refused.json()["error"]["field"]), (400, &field.into()), "{query}");
    }
}

#[test]
fn usage_is_a_table_in_the_terminal() {
    let gateway = gateway();
    let (code, table, _) = command(&gateway, &["usage", "--by", "key,model", "--bucket", "day"]);
    assert_eq!(code, Some(0));
    let head = table.lines().next().unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(head.starts_with("bucket key model requests errors input"), "{table}");
    assert_eq!(table.lines().filter(|line| line.contains("+05:45")).count(), 5, "{table}");
    let (code, table, _) = command(&gateway, &["usage", "--only", "key=other", "--only", "model=gpt-5.2"]);
    assert!(code == Some(0) && table.lines().count() == 2, "{table}");
    let (code, none, _) = command(&gateway, &["usage", "--by", "key", "--to", "2020-01-01T00:00:00Z"]);
    assert_eq!((code, none.as_str()), (Some(0), "Nothing was used in this time.\n"));
    let (code, whole, _) = command(&gateway, &["usage", "--from", "2020-01-01", "--to", "2200-01-01"]);
    assert!(code == Some(0) && whole.lines().count() == 2, "{whole}");
    let (code, _, said) = command(&gateway, &["usage", "--from", "yesterday"]);
    assert!(code == Some(2) && said.contains("`from` is a time like"), "{code:?} {said}");
    let (code, _, said) = command(&gateway, &["usage", "--only", "model"]);
    assert!(code == Some(2) && said.contains("a field and its value"), "{code:?} {said}");
}
