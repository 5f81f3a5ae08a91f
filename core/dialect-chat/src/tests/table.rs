//! Each row of the table is what the code does.

use sluice_api::dialect::Api;
use sluice_neutral::fields::{Fate, Field};

use super::read;
use crate::fields::FIELDS;

/// Rows of which no trace is left, and why.
const TRACELESS: [(&str, &str, &str); 4] = [
    ("", "model", "the account's own name for it is written"),
    ("", "stream", "the form of the answer says it"),
    ("messages.tool_calls", "type", "it can be told by what stands beside it"),
    ("web_search_options.user_location", "type", "there is one kind of it"),
];

const MESSAGES: &str = r#"[{"role":"user","content":"hi"}]"#;

/// A value of a field, and the other members that its object needs.
fn sample(place: &str, name: &str) -> (&'static str, &'static str) {
    match (place, name) {
        ("", "messages") => (MESSAGES, r#""model":"m""#),
        ("", "top_logprobs") => ("3", r#""messages":[{"role":"user","content":"hi"}],"logprobs":true"#),
        ("", "function_call") => {
            (r#"{"name":"f"}"#, r#""messages":[{"role":"user","content":"hi"}],"functions":[{"name":"f"}]"#)
        }
        ("", "tool_choice") => (r#""none""#, r#""messages":[{"role":"user","content":"hi"}]"#),
        ("", name) => (top(name), r#""messages":[{"role":"user","content":"hi"}]"#),
        ("reasoning", "max_tokens") => ("2000", ""),
        ("thinking", "budget_tokens") => ("2000", r#""type":"enabled""#),
        ("reasoning", "effort") => (r#""high""#, ""),
        ("prompt_cache_options", "mode") => (r#""explicit""#, ""),
        ("reasoning" | "stream_options", _) => ("true", ""),
        ("thinking", _) => (r#""enabled""#, ""),
        ("response_format", "type") => (r#""json_object""#, ""),
        ("response_format", _) => (r#"{"name":"n","schema":{}}"#, r#""type":"json_schema""#),
        ("response_format.json_schema", "schema") => (r#"{"type":"object"}"#, r#""name":"n""#),
        ("response_format.json_schema", "strict") => ("true", r#""name":"n","schema":{}"#),
        ("response_format.json_schema", _) => (r#""text""#, r#""schema":{}"#),
        ("web_search_options", "user_location") => (r#"{"approximate":{"city":"c"}}"#, ""),
        ("web_search_options.user_location", "type") => (r#""approximate""#, ""),
        ("web_search_options.user_location", "approximate") => (r#"{"city":"c"}"#, ""),
        ("tools", "type") => (r#""function""#, r#""function":{"name":"f"}"#),
        ("tools", "custom") => (r#"{"name":"f"}"#, r#""type":"custom""#),
        ("tools", "cache_control") => {
            (r#"{"type":"ephemeral"}"#, r#""type":"function","function":{"name":"f"}"#)
        }
        ("tools", _) => (r#"{"name":"f"}"#, r#""type":"function""#),
        ("tools.function" | "tools.custom" | "functions", "name") => (r#""f""#, ""),
        ("tools.custom", "format") => {
            (r#"{"type":"grammar","grammar":{"syntax":"lark","definition":"d"}}"#, r#""name":"f""#)
        }
        ("tools.function", "strict") => ("true", r#""name":"f""#),
        ("tools.function" | "functions", "parameters") => (r#"{"type":"object"}"#, r#""name":"f""#),
        ("tools.function" | "tools.custom" | "functions", _) => (r#""text""#, r#""name":"f""#),
        ("tools.custom.format", "type") => {
            (r#""grammar""#, r#""grammar":{"syntax":"lark","definition":"d"}"#)
        }
        ("tools.custom.format", _) => (r#"{"syntax":"lark","definition":"d"}"#, r#""type":"grammar""#),
        ("tools.custom.format.grammar", "syntax") => (r#""lark""#, r#""definition":"d""#),
        ("tools.custom.format.grammar", _) => (r#""d""#, r#""syntax":"lark""#),
        ("tool_choice", "type") => (r#""function""#, r#""function":{"name":"f"}"#),
        ("tool_choice", "function") => (r#"{"name":"f"}"#, r#""type":"function""#),
        ("tool_choice", "custom") => (r#"{"name":"f"}"#, r#""type":"custom""#),
        ("tool_choice", _) => (
            r#"{"mode":"auto","tools":[{"type":"function","function":{"name":"f"}}]}"#,
            r#""type":"allowed_tools""#,
        ),
        ("tool_choice.allowed_tools", "mode") => {
            (r#""required""#, r#""tools":[{"type":"function","function":{"name":"f"}}]"#)
        }
        ("tool_choice.allowed_tools", _) => {
            (r#"[{"type":"function","function":{"name":"f"}}]"#, r#""mode":"auto""#)
        }
        ("tool_choice.function" | "tool_choice.custom" | "function_call", _) => (r#""f""#, ""),
        _ => said(place, name),
    }
}

fn top(name: &str) -> &'static str {
    match name {
        "stream" | "logprobs" | "store" => "true",
        "parallel_tool_calls" => "false",
        "stream_options" => r#"{"include_usage":true}"#,
        "response_format" => r#"{"type":"json_object"}"#,
        "tools" => r#"[{"type":"function","function":{"name":"f"}}]"#,
        "functions" => r#"[{"name":"f"}]"#,
        "modalities" => r#"["text","audio"]"#,
        "reasoning" => r#"{"effort":"low"}"#,
        "thinking" => r#"{"type":"disabled"}"#,
        "reasoning_effort" | "verbosity" => r#""low""#,
        "service_tier" => r#""flex""#,
        "prompt_cache_retention" => r#""24h""#,
        "metadata" | "logit_bias" => r#"{"1":"2"}"#,
        "web_search_options" | "audio" | "prediction" | "moderation" => "{}",
        "prompt_cache_options" => r#"{"mode":"explicit","ttl":"30m"}"#,
        "model" | "stop" | "user" | "safety_identifier" | "prompt_cache_key" => r#""text""#,
        _ => "7",
    }
}

/// The same of messages.
fn said(place: &str, name: &str) -> (&'static str, &'static str) {
    match (place, name) {
        ("messages", "role") => (r#""user""#, r#""content":"hi""#),
        ("messages", "content") => (r#""hi""#, r#""role":"user""#),
        ("messages", "tool_call_id") => (r#""c2""#, r#""role":"tool","content":"hi""#),
        ("messages", "tool_calls") => (
            r#"[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}]"#,
            r#""role":"assistant""#,
        ),
        ("messages", "function_call") => (r#"{"name":"f","arguments":"{}"}"#, r#""role":"assistant""#),
        ("messages", "audio") => (r#"{"id":"a"}"#, r#""role":"assistant","content":"hi""#),
        ("messages", "reasoning_details") => (
            r#"[{"type":"reasoning.text","text":"t","signature":"s"}]"#,
            r#""role":"assistant","content":"hi""#,
        ),
        ("messages", "annotations") => ("[]", r#""role":"assistant","content":"hi""#),
        ("messages", _) => (r#""text""#, r#""role":"assistant","content":"hi""#),
        ("messages.content", "type") => (r#""text""#, r#""text":"hi""#),
        ("messages.content", "text") => (r#""hi""#, r#""type":"text""#),
        ("messages.content", "refusal") => (r#""no""#, r#""type":"refusal""#),
        ("messages.content", "image_url") => (r#"{"url":"https://h/i.png"}"#, r#""type":"image_url""#),
        ("messages.content", "input_audio") => {
            (r#"{"data":"QQ==","format":"wav"}"#, r#""type":"input_audio""#)
        }
        ("messages.content", "file") => {
            (r#"{"file_data":"data:application/pdf;base64,QQ=="}"#, r#""type":"file""#)
        }
        ("messages.content", _) => (r#"{"type":"ephemeral"}"#, r#""type":"text","text":"hi""#),
        ("messages.content.image_url", "url") => (r#""https://h/i.png""#, ""),
        ("messages.content.image_url", _) => (r#""high""#, r#""url":"https://h/i.png""#),
        ("messages.content.input_audio", "data") => (r#""QQ==""#, r#""format":"wav""#),
        ("messages.content.input_audio", _) => (r#""wav""#, r#""data":"QQ==""#),
        ("messages.content.file", "file_data") => (r#""data:application/pdf;base64,QQ==""#, ""),
        ("messages.content.file", _) => (r#""id""#, r#""file_data":"data:application/pdf;base64,QQ==""#),
        ("messages.content.prompt_cache_breakpoint", "ttl") => (r#""12h""#, ""),
        ("messages.tool_calls", "id" | "type") => (
            if name == "id" { r#""c""# } else { r#""function""# },
            r#""function":{"name":"f","arguments":"{}"}"#,
        ),
        ("messages.tool_calls", "function") => (r#"{"name":"f","arguments":"{}"}"#, ""),
        ("messages.tool_calls", "custom") => (r#"{"name":"f","input":"i"}"#, r#""type":"custom""#),
        ("messages.tool_calls", "extra_content") => {
            (r#"{"google":{"thought_signature":"s"}}"#, r#""function":{"name":"f","arguments":"{}"}"#)
        }
        ("messages.tool_calls", _) => ("0", r#""function":{"name":"f","arguments":"{}"}"#),
        ("messages.tool_calls.function" | "messages.function_call", "name") => {
            (r#""f""#, r#""arguments":"{}""#)
        }
        ("messages.tool_calls.function" | "messages.function_call", _) => (r#""{\"a\":1}""#, r#""name":"f""#),
        ("messages.tool_calls.custom", "name") => (r#""f""#, r#""input":"i""#),
        ("messages.tool_calls.custom", _) => (r#""i""#, r#""name":"f""#),
        _ => (r#""text""#, ""),
    }
}

/// A kind with what it can't be without.
fn of_kind(place: &str, kind: &str) -> String {
    let rest = match (place, kind) {
        ("response_format", "json_schema") => r#","json_schema":{"name":"n","schema":{}}"#,
        ("tools", "custom") => r#","custom":{"name":"f"}"#,
        ("tools" | "tool_choice", "function") => r#","function":{"name":"f"}"#,
        ("tool_choice", "custom") => r#","custom":{"name":"f"}"#,
        ("tool_choice", _) => r#","allowed_tools":{"mode":"auto","tools":[{"function":{"name":"f"}}]}"#,
        ("tools.custom.format", "grammar") => r#","grammar":{"syntax":"lark","definition":"d"}"#,
        ("messages", "function") => r#","content":"hi","name":"f""#,
        ("messages", "tool") => r#","content":"hi","tool_call_id":"c""#,
        ("messages", _) => r#","content":"hi""#,
        ("messages.content", "text") => r#","text":"hi""#,
        ("messages.content", "refusal") => r#","refusal":"no""#,
        ("messages.content", "image_url") => r#","image_url":{"url":"https://h/i.png"}"#,
        ("messages.content", "input_audio") => r#","input_audio":{"data":"QQ==","format":"wav"}"#,
        ("messages.content", _) => r#","file":{"file_data":"data:application/pdf;base64,QQ=="}"#,
        ("messages.tool_calls", "custom") => r#","custom":{"name":"f","input":"i"}"#,
        ("messages.tool_calls", _) => r#","function":{"name":"f","arguments":"{}"}"#,
        _ => "",
    };
    let name = if place == "messages" { "role" } else { "type" };
    body(place, &format!("{{\"{name}\":\"{kind}\"{rest}}}"))
}

/// A whole request in which an object stands at a place.
fn body(place: &str, object: &str) -> String {
    let with = |rest: &str| format!("{{\"model\":\"m\",\"messages\":{MESSAGES},{rest}}}");
    let tool = r#""tools":[{"type":"function","function":{"name":"f"}}]"#;
    let part = |part: &str| {
        format!(
            "{{\"model\":\"m\",\"messages\":[{{\"role\":\"user\",\"content\":[{{\"type\":\"text\",\"text\":\"x\"}},{part}]}}]}}"
        )
    };
    let assistant = |rest: &str| format!("{{\"messages\":[{{\"role\":\"assistant\",{rest}}}]}}");
    match place {
        "" => object.to_owned(),
        "messages" => format!(
            "{{\"messages\":[{{\"role\":\"assistant\",\"tool_calls\":[{{\"function\":{{\"name\":\"f\"}}}}]}},{object}]}}"
        ),
        "messages.content" => part(object),
        "messages.content.image_url" => part(&format!("{{\"type\":\"image_url\",\"image_url\":{object}}}")),
        "messages.content.input_audio" => {
            part(&format!("{{\"type\":\"input_audio\",\"input_audio\":{object}}}"))
        }
        "messages.content.file" => part(&format!("{{\"type\":\"file\",\"file\":{object}}}")),
        "messages.content.prompt_cache_breakpoint" => {
            part(&format!("{{\"type\":\"text\",\"text\":\"hi\",\"prompt_cache_breakpoint\":{object}}}"))
        }
        "messages.audio" => assistant(&format!("\"content\":\"hi\",\"audio\":{object}")),
        "messages.tool_calls" => assistant(&format!("\"tool_calls\":[{object}]")),
        "messages.tool_calls.function" => assistant(&format!("\"tool_calls\":[{{\"function\":{object}}}]")),
        "messages.tool_calls.custom" => {
            assistant(&format!("\"tool_calls\":[{{\"type\":\"custom\",\"custom\":{object}}}]"))
        }
        "messages.function_call" => assistant(&format!("\"function_call\":{object}")),
        "tools" | "functions" => with(&format!("\"{place}\":[{object}]")),
        "tools.function" => with(&format!("\"tools\":[{{\"type\":\"function\",\"function\":{object}}}]")),
        "tools.custom" => with(&format!("\"tools\":[{{\"type\":\"custom\",\"custom\":{object}}}]")),
        "tools.custom.format" => with(&format!(
            "\"tools\":[{{\"type\":\"custom\",\"custom\":{{\"name\":\"f\",\"format\":{object}}}}}]"
        )),
        "tools.custom.format.grammar" => with(&format!(
            "\"tools\":[{{\"type\":\"custom\",\"custom\":{{\"name\":\"f\",\"format\":{{\"type\":\"grammar\",\"grammar\":{object}}}}}}}]"
        )),
        "tool_choice" => with(&format!("{tool},\"tool_choice\":{object}")),
        "function_call" => with(&format!("{tool},\"function_call\":{object}")),
        "response_format.json_schema" => {
            with(&format!("\"response_format\":{{\"type\":\"json_schema\",\"json_schema\":{object}}}"))
        }
        nested => nested_in(nested, object, tool, &with),
    }
}

fn nested_in(place: &str, object: &str, tool: &str, with: &dyn Fn(&str) -> String) -> String {
    if let Some(kind) = place.strip_prefix("tool_choice.") {
        return with(&format!("{tool},\"tool_choice\":{{\"type\":\"{kind}\",\"{kind}\":{object}}}"));
    }
    let mut steps: Vec<&str> = place.split('.').collect();
    let first = steps.remove(0);
    let inner = steps.iter().rev().fold(object.to_owned(), |inner, step| format!("{{\"{step}\":{inner}}}"));
    with(&format!("\"{first}\":{inner}"))
}

/// The path by which a client knows a field, without positions.
fn path(field: &Field) -> String {
    if field.place.is_empty() { field.name.to_owned() } else { format!("{}.{}", field.place, field.name) }
}

fn without_positions(path: &str) -> String {
    let mut inside = false;
    path.chars()
        .filter(|letter| {
            inside |= *letter == '[';
            let kept = !inside;
            inside &= *letter != ']';
            kept
        })
        .collect()
}

/// What comes of a request: all that is neutral, and what is kept; or the field that is wrong.
fn outcome(body: &str, toward: Api) -> (String, Vec<String>) {
    match read(body, toward) {
        Ok((request, own, named)) => (format!("{request:?}{:?}", super::kept(&own)), named),
        Err(error) => (format!("refused: {:?}", error.facts().param), Vec::new()),
    }
}

const OTHERS: [Api; 3] = [Api::Anthropic, Api::OpenaiResponses, Api::Gemini];

#[test]
fn each_row_of_the_table_is_what_becomes_of_the_field() {
    for field in FIELDS.iter().filter(|field| !field.is_kind) {
        let (value, rest) = sample(field.place, field.name);
        let comma = if rest.is_empty() { "" } else { "," };
        let with = body(field.place, &format!("{{{rest}{comma}\"{}\":{value}}}", field.name));
        let without = body(field.place, &format!("{{{rest}}}"));
        for toward in OTHERS {
            check(field, toward, &with, &without);
        }
    }
}

fn check(field: &Field, toward: Api, with: &str, without: &str) {
    let path = path(field);
    let (told, named) = outcome(with, toward);
    let (untold, _) = outcome(without, toward);
    let hint = format!("{path} toward {toward}: {told} {named:?}\nwith    {with}\nwithout {without}");
    // What is inside of an object that goes nowhere goes with it.
    let above = FIELDS.iter().find(|above| crate::tests::table::path(above) == field.place && !above.is_kind);
    let fate = above.map_or(field.toward(toward), |above| match above.toward(toward) {
        Fate::Carried | Fate::Adapted => field.toward(toward),
        other => other,
    });
    match fate {
        Fate::Carried | Fate::Adapted => {
            let traceless =
                TRACELESS.iter().any(|(place, name, _)| (*place, *name) == (field.place, field.name));
            assert!(!told.starts_with("refused"), "{hint}");
            assert!(named.is_empty(), "{hint}");
            assert_eq!(told == untold, traceless, "{hint}");
        }
        Fate::Silent => assert_eq!((&told, named.len()), (&untold, 0), "{hint}"),
        Fate::Named => {
            assert!(!told.starts_with("refused"), "{hint}");
            assert!(named.iter().any(|name| path.starts_with(name.as_str())), "{hint}");
        }
        Fate::Refused => {
            let param = told.strip_prefix("refused: Some(\"").and_then(|told| told.strip_suffix("\")"));
            let param = without_positions(param.unwrap_or_else(|| panic!("{hint}")));
            assert!(path.starts_with(param.trim_end_matches(".type")), "{param}: {hint}");
        }
    }
}

#[test]
fn each_kind_of_the_table_is_taken_or_refused_as_it_says() {
    for field in FIELDS.iter().filter(|field| field.is_kind) {
        for toward in OTHERS {
            let (told, named) = outcome(&of_kind(field.place, field.name), toward);
            let is_refused = told.starts_with("refused");
            let fate = field.toward(toward);
            let should = (fate == Fate::Refused, fate == Fate::Named);
            assert_eq!((is_refused, !named.is_empty()), should, "{} toward {toward}: {told}", path(field));
        }
    }
}

#[test]
fn what_asks_for_nothing_is_left_out_without_a_word() {
    for field in FIELDS {
        for value in field.harmless {
            let (_, rest) = sample(field.place, field.name);
            let comma = if rest.is_empty() { "" } else { "," };
            let with = body(field.place, &format!("{{{rest}{comma}\"{}\":{value}}}", field.name));
            let without = body(field.place, &format!("{{{rest}}}"));
            for toward in OTHERS {
                let (told, named) = outcome(&with, toward);
                let (_, before) = outcome(&without, toward);
                assert!(!told.starts_with("refused") && named == before, "{with}: {told} {named:?}");
            }
        }
    }
}

#[test]
fn what_no_table_knows_is_named_and_a_kind_that_none_knows_is_refused() {
    let (_, named) = outcome(&body("", &format!("{{\"messages\":{MESSAGES},\"brand_new\":1}}")), Api::Gemini);
    assert_eq!(named, ["brand_new"]);
    let (_, named) = outcome(&body("messages.content", r#"{"type":"text","text":"a","odd":1}"#), Api::Gemini);
    assert_eq!(named, ["messages.content.odd"]);
    for (place, param) in [
        ("messages", "messages[1].role"),
        ("messages.content", "messages[0].content[1].type"),
        ("tools", "tools[0].type"),
        ("tool_choice", "tool_choice.type"),
        ("response_format", "response_format.type"),
        ("messages.tool_calls", "messages[0].tool_calls[0].type"),
    ] {
        let (told, _) = outcome(&of_kind(place, "hologram"), Api::Anthropic);
        assert_eq!(told, format!("refused: Some({param:?})"));
    }
}
