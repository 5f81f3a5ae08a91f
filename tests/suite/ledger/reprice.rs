//! What past usage would have cost: to the last digit what was recorded by the same list, and what another list gives.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};
use sluice_tests::dice::Dice;
use sluice_tests::gateway::{Gateway, TOKEN, account, key};
use sluice_tests::place::{Folder, binary};
use sluice_tests::upstream::{Request, Step, Upstream, whole};

use super::records;

const PRICES: &str = r#"
[models.m]
input = "3.123456789"
output = "15.1"
cache_read = "0.303"
cache_write_5m = "3.75"
cache_write_1h = "6.07"
reasoning = "14"
per_web_search = "0.01"
geo.us = "1.1"
tiers = [{ above = 1000, input = "6", output = "30.3" }]
service_tiers.priority = { input = "12", output = "60" }
service_tiers.batch = { input = "1.5", output = "7.5" }
service_tiers.fast = { input = "18", output = "90" }
[models.t]
input = "5"
output = "30"
audio_input = "40"
audio_output = "80"
image_input = "8"
image_output = "33"
per_web_search = "0.01"
per_file_search = "0.0025"
service_tiers.flex = { input = "2.5", output = "15" }
[models.g]
input = "0.30"
output = "2.50"
audio_input = "1"
cache_read = "0.03"
per_web_search = "0.014"
[models."azure/d"]
input = "1"
output = "2"
"#;

/// The same models at other prices: each has a digit more.
fn other_prices() -> String {
    PRICES.replace("\"\n", "7\"\n").replace("\"1.1", "\"1.2")
}

/// A gateway in front of this upstream, with these prices.
fn gateway(upstream: &Upstream, prices: &str) -> (Gateway, std::path::PathBuf) {
    let at = |name: &str, provider: &str, more: &str| account(name, provider, &upstream.address, more);
    let folder = Arc::new(Folder::new());
    let file = folder.0.join("prices.toml");
    std::fs::write(&file, prices).unwrap();
    let config = [
        "stats.timezone = \"Asia/Kathmandu\"\n".to_owned(),
        at("a", "claude-console", "cost_multiplier = \"0.333\""),
        at("o", "openai", "models = [\"t\"]"),
        at("g", "gemini", ""),
        at("z", "azure-openai", "api_version = \"v1\"\nmodels = [\"d\"]\ndeployments = { d = \"ours\" }"),
        key(""),
        format!("[cost]\nfiles = [\"{}\"]\n", file.display()),
    ]
    .concat();
    (Gateway::start_in(folder, &config), file)
}

/// An upstream that answers with what stands in the request under `answer`.
fn mirror() -> Upstream {
    Upstream::start(|request: &Request| -> Vec<Step> {
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        whole(200, "", &body["answer"].to_string())
    })
}

fn claude(dice: &mut Dice) -> Value {
    let turn = |dice: &mut Dice| {
        let (short, long) = (dice.below(300), dice.below(300));
        json!({ "type": "message", "input_tokens": dice.below(1_500), "output_tokens": dice.below(900),
            "cache_read_input_tokens": dice.below(2_000), "cache_creation_input_tokens": short + long,
            "cache_creation": { "ephemeral_5m_input_tokens": short, "ephemeral_1h_input_tokens": long } })
    };
    let turns: Vec<Value> = (0..1 + dice.below(3)).map(|_| turn(dice)).collect();
    let sum = |pointer: &str| {
        turns.iter().map(|turn| turn.pointer(pointer).unwrap().as_u64().unwrap()).sum::<u64>()
    };
    let mut usage = json!({ "input_tokens": sum("/input_tokens"), "output_tokens": sum("/output_tokens"),
        "cache_read_input_tokens": sum("/cache_read_input_tokens"),
        "cache_creation_input_tokens": sum("/cache_creation_input_tokens"),
        "cache_creation": { "ephemeral_5m_input_tokens": sum("/cache_creation/ephemeral_5m_input_tokens"),
            "ephemeral_1h_input_tokens": sum("/cache_creation/ephemeral_1h_input_tokens") },
        "output_tokens_details": { "thinking_tokens": sum("/output_tokens") / 3 },
        "server_tool_use": { "web_search_requests": dice.below(3) } });
    if turns.len() > 1 {
        usage["iterations"] = turns.into();
    }
    for (name, words) in [
        ("service_tier", ["", "standard", "priority", "batch"]),
        ("speed", ["", "", "standard", "fast"]),
        ("inference_geo", ["", "global", "us", "not_available"]),
    ] {
        if let word @ ("standard" | "priority" | "batch" | "fast" | "global" | "us" | "not_available") =
            dice.pick(&words)
        {
            usage[name] = word.into();
        }
    }
    json!({ "model": "m", "content": [], "usage": usage })
}

fn chat(dice: &mut Dice) -> Value {
    let (text, audio, cached) = (dice.below(900), dice.below(400), dice.below(200));
    let (written, spoken, thought) = (dice.below(300), dice.below(200), dice.below(100));
    let usage = json!({ "prompt_tokens": text + audio + cached, "completion_tokens": written + spoken + thought,
        "total_tokens": text + audio + cached + written + spoken + thought,
        "prompt_tokens_details": { "audio_tokens": audio, "cached_tokens": cached },
        "completion_tokens_details": { "audio_tokens": spoken, "reasoning_tokens": thought } });
    let tier = dice.pick(&[None, Some("flex"), Some("default")]);
    json!({ "choices": [], "service_tier": tier, "usage": usage })
}

impl Asked {
    /// A request of any dialect, with any usage to come.
    fn any(dice: &mut Dice) -> Self {
        let calls =
            |dice: &mut Dice, kind: &str| vec![json!({ "type": kind, "status": "completed" }); dice.below(3)];
        let (path, model, answer) = match dice.below(8) {
            0..=2 => ("/v1/messages", dice.pick(&["m", "m", "m-20260101", "nobodys"]), claude(dice)),
            3 => ("/v1/chat/completions", "t", chat(dice)),
            4 => ("/v1/chat/completions", "d", chat(dice)),
            5 => {
                let output = [calls(dice, "web_search_call"), calls(dice, "file_search_call")].concat();
                let usage = json!({ "input_tokens": dice.below(900), "output_tokens": dice.below(900) });
                ("/v1/responses", "t", json!({ "id": "r", "output": output, "usage": usage }))
            }
            6 => {
                let (text, drawn) = (dice.below(90), dice.below(900));
                let usage = json!({ "input_tokens": text + 40, "output_tokens": drawn,
                    "total_tokens": text + 40 + drawn,
                    "input_tokens_details": { "text_tokens": text, "image_tokens": 40 } });
                ("/v1/images/generations", "t", json!({ "data": [{}], "usage": usage }))
            }
            _ => {
                let (prompt, heard, tools) = (dice.below(900), dice.below(90), dice.below(90));
                let usage = json!({ "promptTokenCount": prompt + heard, "candidatesTokenCount": 30,
                    "toolUsePromptTokenCount": tools, "totalTokenCount": prompt + heard + tools + 30,
                    "promptTokensDetails": [{ "modality": "AUDIO", "tokenCount": heard }],
                    "trafficType": dice.pick(&["ON_DEMAND", "ON_DEMAND_PRIORITY"]) });
                let queries = vec!["q"; dice.below(2)];
                let answer = json!({ "candidates": [{ "groundingMetadata": { "webSearchQueries": queries } }],
                    "usageMetadata": usage });
                ("/v1beta/models/g:generateContent", "g", answer)
            }
        };
        let body = json!({ "model": model, "max_tokens": 1, "messages": [], "contents": [], "input": "p", "prompt": "p",
            "answer": answer });
        Self { path, body: body.to_string() }
    }
}

struct Asked {
    path: &'static str,
    body: String,
}

/// Money in ten-billionths of a dollar.
fn units(text: &Value) -> i128 {
    let text = text.as_str().unwrap();
    let (sign, text) = text.strip_prefix('-').map_or((1, text), |text| (-1, text));
    let (whole, rest) = text.split_once('.').unwrap_or((text, ""));
    sign * format!("{whole}{rest:0<10}").parse::<i128>().unwrap()
}

/// What a question is answered with.
fn repriced(gateway: &Gateway, question: &Value) -> Value {
    let answer = gateway.admin("POST", "/reprice", &question.to_string());
    assert_eq!(answer.status, 200, "{}", answer.text());
    let answer = answer.json();
    for field in ["cost", "new_cost"] {
        let sum: i128 = answer["data"].as_array().unwrap().iter().map(|row| units(&row[field])).sum();
        assert_eq!(sum, units(&answer["total"][field]), "{field}");
    }
    answer
}

#[test]
fn the_same_list_gives_what_was_recorded_and_another_what_it_would_have_given() {
    let upstream = mirror();
    let (one, _) = gateway(&upstream, PRICES);
    let (other, other_file) = gateway(&upstream, &other_prices());
    let mut dice = Dice::new(u64::from(std::process::id()));
    let asked: Vec<Asked> = (0..160).map(|_| Asked::any(&mut dice)).collect();
    for Asked { path, body } in &asked {
        for gateway in [&one, &other] {
            assert_eq!(gateway.post(path, body).status, 200, "{path} {body}");
        }
    }
    let before = records(&one);
    let unpriced = |record: &&Value| record["cost"].is_null();
    assert!(before.iter().filter(unpriced).count() < before.len() / 2, "most have a price");

    let same = repriced(&one, &json!({}));
    assert_eq!(same["total"]["requests"], asked.len());
    assert_eq!(same["timezone"], "Asia/Kathmandu");
    for row in same["data"].as_array().unwrap() {
        assert_eq!((&row["cost"], &row["difference"]), (&row["new_cost"], &json!("0")), "{row}");
        assert_eq!(row["unpriced_requests"], row["new_unpriced_requests"], "{row}");
    }
    let recorded: i128 =
        before.iter().filter(|record| !unpriced(record)).map(|record| units(&record["cost"])).sum();
    assert_eq!(units(&same["total"]["cost"]), recorded);

    let file = std::fs::read_to_string(other_file).unwrap();
    let anew = repriced(&one, &json!({ "prices": file }));
    let by_model = |rows: &mut dyn Iterator<Item = (&Value, &Value)>| {
        let mut sums: BTreeMap<String, i128> = BTreeMap::new();
        rows.for_each(|(model, cost)| {
            *sums.entry(model.as_str().unwrap().to_owned()).or_default() +=
                if cost.is_null() { 0 } else { units(cost) };
        });
        sums
    };
    let there = records(&other);
    assert_eq!(
        by_model(&mut anew["data"].as_array().unwrap().iter().map(|row| (&row["model"], &row["new_cost"]))),
        by_model(&mut there.iter().map(|record| (&record["model"], &record["cost"])))
    );
    assert_ne!(anew["total"]["new_cost"], anew["total"]["cost"]);
    assert_eq!(records(&one), before, "no record is changed");
}

#[test]
fn models_are_priced_as_others_and_what_has_a_price_on_one_side_alone_has_no_difference() {
    let upstream = mirror();
    let (gateway, _) = gateway(&upstream, PRICES);
    let ask = |model: &str| {
        let usage = json!({ "input_tokens": 1000, "output_tokens": 0 });
        let body = json!({ "model": model, "max_tokens": 1, "messages": [], "answer": { "model": "m", "content": [], "usage": usage } });
        assert_eq!(gateway.post("/v1/messages", &body.to_string()).status, 200);
    };
    ask("m");
    ask("m");
    let count = json!({ "model": "m", "messages": [], "answer": { "input_tokens": 7 } });
    assert_eq!(gateway.post("/v1/messages/count_tokens", &count.to_string()).status, 200);
    let row = |answer: &Value, priced_as: Value| {
        let rows = answer["data"].as_array().unwrap();
        rows.iter().find(|row| row["model"] == "m" && row["priced_as"] == priced_as).unwrap().clone()
    };
    // A thousand tokens at 5 dollars a million, times 0.333.
    let dearer = repriced(&gateway, &json!({ "models": { "m": "t" } }));
    let told = row(&dearer, json!("t"));
    assert_eq!((&told["requests"], &told["new_cost"]), (&json!(2), &json!("0.00333")));
    assert_eq!(units(&told["difference"]), units(&told["new_cost"]) - units(&told["cost"]));
    let counted = row(&dearer, Value::Null);
    assert_eq!(
        (&counted["requests"], &counted["new_cost"], &counted["new_unpriced_requests"]),
        (&json!(1), &json!("0"), &json!(0))
    );

    let unknown = repriced(&gateway, &json!({ "models": { "m": "nobodys" } }));
    assert_eq!(
        (&unknown["total"]["difference"], &unknown["total"]["new_unpriced_requests"]),
        (&Value::Null, &json!(2))
    );
    let none = repriced(&gateway, &json!({ "to": "2020-01-01T00:00:00Z" }));
    assert_eq!((&none["data"], &none["total"]["requests"]), (&json!([]), &json!(0)));
}

#[test]
fn what_is_wrong_with_a_question_is_named_and_nothing_is_read_from_the_gateways_disk() {
    let (gateway, file) = gateway(&mirror(), PRICES);
    let large = "x".repeat(9 * 1024 * 1024);
    for (question, status, field, says) in [
        (json!({ "from": "yesterday" }), 400, "from", "a day like"),
        (json!({ "to": "2026-11-31" }), 400, "to", "a day like"),
        (json!({ "from": "2026-02-01T00:00:00Z", "to": "2026-01-01T00:00:00Z" }), 400, "to", "ends before"),
        (json!({ "colour": "red" }), 400, "colour", "unknown field"),
        (json!({ "models": { "m": 7 } }), 400, "models.m", "invalid type"),
        (json!({ "prices": "[models.m]\ninput = \"-1\"\n" }), 400, "prices", "not below zero"),
        (json!({ "prices": file.to_str().unwrap() }), 400, "prices", ""),
        (json!({ "prices": large }), 413, "prices", "bytes"),
    ] {
        let answer = gateway.admin("POST", "/reprice", &question.to_string());
        let told = answer.json();
        assert_eq!((answer.status, &told["error"]["field"]), (status, &json!(field)), "{told}");
        assert!(told["error"]["message"].as_str().unwrap().contains(says), "{told}");
    }
}

#[test]
fn the_command_prints_a_table_and_says_what_is_wrong_with_its_arguments() {
    let upstream = mirror();
    let (gateway, file) = gateway(&upstream, PRICES);
    let usage = json!({ "input_tokens": 1000, "output_tokens": 0 });
    let body =
        json!({ "model": "m", "max_tokens": 1, "messages": [], "answer": { "content": [], "usage": usage } });
    assert_eq!(gateway.post("/v1/messages", &body.to_string()).status, 200);
    let command = |arguments: &[&str]| {
        let output = std::process::Command::new(binary())
            .arg("reprice")
            .args(arguments)
            .args(["--url", &format!("http://{}", gateway.address), "--token", TOKEN])
            .output()
            .unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    let other = file.with_file_name("other.toml");
    std::fs::write(&other, "[models.n]\ninput = \"1\"\noutput = \"1\"\n").unwrap();
    let other = other.to_str().unwrap();
    let (code, table, said) = command(&["--prices", other, "--model", "m=n"]);
    assert_eq!((code, said.as_str()), (Some(0), ""));
    let lines: Vec<&str> = table.lines().collect();
    assert!(lines[0].trim_start().starts_with("day") && lines[0].contains("priced as"), "{table}");
    assert!(lines[1].contains(" n ") && lines[1].contains("0.000333"), "{table}");
    assert!(lines[2].trim_start().starts_with("total") && lines[2].contains("0.000333"), "{table}");
    let (code, told, _) = command(&["--model", "m=t", "--json"]);
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!((code, &told["data"][0]["priced_as"]), (Some(0), &json!("t")));
    let (code, none, _) = command(&["--to", "2020-01-01T00:00:00Z"]);
    assert_eq!((code, none.as_str()), (Some(0), "Nothing was used in this time.\n"));
    for (arguments, says) in [
        (&["--model", "m"][..], "a model and what it is priced as"),
        (&["--model", "m="], "a model and what it is priced as"),
        (&["--model", "m=a", "--model", "m=b"], "twice"),
        (&["--from", "yesterday"], "--from takes a time like"),
        (&["--prices", "/nowhere/prices.toml"], "/nowhere/prices.toml: the file can't be read"),
    ] {
        let (code, _, said) = command(arguments);
        assert!(code == Some(2) && said.contains(says), "{code:?} {said}");
    }
}
