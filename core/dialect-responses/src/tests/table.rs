//! Each row of the table does what it says, toward each other dialect.

use serde_json::{Map, Value, json};
use sluice_api::dialect::Api;
use sluice_neutral::fields::{Fate, Field};

use super::read;
use crate::fields::FIELDS;

const OTHERS: [Api; 3] = [Api::Anthropic, Api::OpenaiChat, Api::Gemini];

/// Fields that say what something is, and those of which the request is made whole in another place than here.
const SKELETON: [&str; 3] = ["type", "model", "stream"];

/// A search for tools, so that some are not shown.
fn finder() -> Value {
    json!({"type": "tool_search", "execution": "client", "description": "Finds"})
}

/// A request that has an object of this place, and the way to that object.
fn around(place: &str) -> (Value, Vec<&'static str>) {
    let item = |item: Value| json!({"input": [item, {"role": "user", "content": "z"}], "tools": [{"type": "function", "name": "f"}]});
    let text = json!({"format": {"type": "json_schema", "name": "n", "schema": {}}});
    let of_content = |part: Value| item(json!({"role": "user", "content": [part]}));
    let of_tool = |tool: Value| json!({"input": "x", "tools": [tool, finder()]});
    let of_more = |tool: Value| json!({"input": [{"type": "additional_tools", "tools": [tool, finder()]}, {"role": "user", "content": "z"}]});
    let of_output =
        |part: Value| item(json!({"type": "function_call_output", "call_id": "c", "output": [part]}));
    let mark = json!({"type": "input_text", "text": "x", "prompt_cache_breakpoint": {"mode": "explicit"}});
    let function = json!({"type": "function", "name": "f"});
    let space = json!({"type": "namespace", "name": "n", "tools": [{"type": "custom", "name": "f", "format": {"type": "grammar", "syntax": "lark", "definition": "d"}}]});
    let custom = json!({"type": "custom", "name": "f", "format": {"type": "grammar", "syntax": "lark", "definition": "d"}});
    let search = json!({"type": "web_search", "filters": {}, "user_location": {"type": "approximate"}});
    let update = json!({"type": "configuration_update", "reasoning": {"effort": "low"}, "text": text});
    match place {
        "" => (json!({"input": "x", "tools": [function]}), vec![]),
        "input" => (
            item(json!({"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"})),
            vec!["input"],
        ),
        "input.content" => (of_content(json!({"type": "input_text", "text": "x"})), vec!["input", "content"]),
        "input.content.prompt_cache_breakpoint" => {
            (of_content(mark), vec!["input", "content", "prompt_cache_breakpoint"])
        }
        "input.output" => (of_output(json!({"type": "input_text", "text": "x"})), vec!["input", "output"]),
        "input.output.prompt_cache_breakpoint" => {
            (of_output(mark), vec!["input", "output", "prompt_cache_breakpoint"])
        }
        "input.summary" => (
            item(
                json!({"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "x"}]}),
            ),
            vec!["input", "summary"],
        ),
        "input.caller" => (
            item(json!({"type": "function_call", "call_id": "c", "name": "f", "caller": {"type": "direct"}})),
            vec!["input", "caller"],
        ),
        "input.reasoning" => (item(update), vec!["input", "reasoning"]),
        "input.text" => (item(update), vec!["input", "text"]),
        "input.text.format" => (item(update), vec!["input", "text", "format"]),
        "text" => (json!({"text": text}), vec!["text"]),
        "text.format" => (json!({"text": text}), vec!["text", "format"]),
        "reasoning" => (json!({"reasoning": {}}), vec!["reasoning"]),
        "prompt_cache_options" => (
            json!({"prompt_cache_options": {}, "input": [{"role": "user", "content": [mark]}]}),
            vec!["prompt_cache_options"],
        ),
        "tool_choice" => (
            json!({"tool_choice": {"type": "function", "name": "f"}, "tools": [function]}),
            vec!["tool_choice"],
        ),
        "tools" => (of_tool(function), vec!["tools"]),
        "tools.format" => (of_tool(custom), vec!["tools", "format"]),
        "tools.filters" => (of_tool(search), vec!["tools", "filters"]),
        "tools.user_location" => (of_tool(search), vec!["tools", "user_location"]),
        "tools.tools" => (of_tool(space), vec!["tools", "tools"]),
        "tools.tools.format" => (of_tool(space), vec!["tools", "tools", "format"]),
        "input.tools" => (of_more(function), vec!["input", "tools"]),
        "input.tools.format" => (of_more(custom), vec!["input", "tools", "format"]),
        "input.tools.filters" => (of_more(search), vec!["input", "tools", "filters"]),
        "input.tools.user_location" => (of_more(search), vec!["input", "tools", "user_location"]),
        "input.tools.tools" => (of_more(space), vec!["input", "tools", "tools"]),
        "input.tools.tools.format" => (of_more(space), vec!["input", "tools", "tools", "format"]),
        other => panic!("no request has a `{other}`"),
    }
}

/// The object at the end of a way, the first of each list.
fn at<'v>(mut value: &'v mut Value, way: &[&str]) -> &'v mut Map<String, Value> {
    for step in way {
        value = &mut value[*step];
        if value.is_array() {
            value = &mut value[0];
        }
    }
    value.as_object_mut().unwrap()
}

/// What an object must be for a field to have a meaning in it, and a value of that field.
fn sample(field: &Field) -> (Value, Value) {
    let tool = |kind: &str| json!({"type": kind});
    let last = field.place.rsplit('.').next().unwrap_or_default();
    match (field.place, field.name) {
        ("", "input") => (json!({}), json!("y")),
        ("", "instructions") => (json!({}), json!("Be brief.")),
        ("", "max_output_tokens") => (json!({}), json!(9)),
        ("", "max_tool_calls") => (json!({"tools": [tool("web_search")]}), json!(2)),
        ("", "temperature" | "top_p") => (json!({}), json!(0.5)),
        ("", "top_logprobs") => (json!({}), json!(2)),
        ("", "tools") => (json!({"tools": null}), json!([{"type": "function", "name": "g"}])),
        ("", "tool_choice") => (json!({}), json!("required")),
        ("", "parallel_tool_calls") => (json!({}), json!(false)),
        ("", "reasoning") => (json!({}), json!({"effort": "low"})),
        ("", "text") => (json!({}), json!({"format": {"type": "json_object"}})),
        ("", "include") => (json!({}), json!(["message.output_text.logprobs"])),
        ("", "prompt_cache_options") => (marked(), json!({"ttl": "12h"})),
        ("", "prompt_cache_retention") => (marked(), json!("24h")),
        ("", "service_tier") => (json!({}), json!("flex")),
        ("", "metadata") => (json!({}), json!({"k": "v"})),
        ("", "background") => (json!({}), json!(true)),
        ("input", "role" | "content") => (
            json!({"type": "message", "role": "user", "content": "x", "call_id": null}),
            if field.name == "role" { json!("assistant") } else { json!("y") },
        ),
        ("input", "output") => (json!({"type": "function_call_output", "output": null}), json!("y")),
        ("input", "input") => (json!({"type": "custom_tool_call", "input": "x"}), json!("y")),
        ("input", "summary") => {
            (json!({"type": "reasoning"}), json!([{"type": "summary_text", "text": "x"}]))
        }
        ("input", "encrypted_content") => (json!({"type": "reasoning"}), json!("gAAA")),
        ("input", "caller") => (json!({}), json!({"type": "direct"})),
        ("input", "tools") => {
            (json!({"type": "additional_tools"}), json!([{"type": "function", "name": "g"}]))
        }
        ("input", "execution") => (json!({"type": "tool_search_call"}), json!("server")),
        ("input", "reasoning") => (json!({"type": "configuration_update"}), json!({"effort": "low"})),
        ("input", "text") => {
            (json!({"type": "configuration_update"}), json!({"format": {"type": "json_object"}}))
        }
        ("input", "async") => (json!({}), json!(true)),
        ("input.content" | "input.output", "image_url") => {
            (json!({"type": "input_image", "image_url": "https://h/x.png"}), json!("https://h/y.png"))
        }
        ("input.content" | "input.output", "detail") => {
            (json!({"type": "input_image", "image_url": "https://h/x.png"}), json!("low"))
        }
        ("input.content" | "input.output", "file_url") => {
            (json!({"type": "input_file", "file_url": "https://h/x"}), json!("https://h/y"))
        }
        ("input.content" | "input.output", "file_data" | "filename") => {
            (json!({"type": "input_file", "file_data": "QUJD"}), json!("QUJE"))
        }
        ("input.content" | "input.output", "file_id") => (json!({"type": "input_file"}), json!("file_1")),
        ("input.content", "refusal") => (json!({"type": "refusal", "refusal": "x"}), json!("y")),
        ("input.content", "input_audio") => (
            json!({"type": "input_audio", "input_audio": {"data": "QUJD", "format": "wav"}}),
            json!({"data": "QUJE", "format": "mp3"}),
        ),
        ("input.content" | "input.output", "prompt_cache_breakpoint") => {
            (json!({}), json!({"mode": "explicit"}))
        }
        (_, "ttl") => (json!({}), json!("12h")),
        ("prompt_cache_options", "mode") => (json!({}), json!("explicit")),
        (_, "effort") => (json!({}), json!("high")),
        ("reasoning", "summary" | "generate_summary") => (json!({}), json!("auto")),
        (_, "verbosity") => (json!({}), json!("low")),
        (_, "format") if last == "text" => (json!({}), json!({"type": "json_object"})),
        (_, "schema") => (json!({}), json!({"type": "array"})),
        (_, "strict" | "defer_loading") if last != "format" => (json!({}), json!(true)),
        (_, "strict") => (json!({}), json!(true)),
        (_, "prewarm") => (json!({}), json!(true)),
        ("tool_choice", "mode" | "tools") => {
            let value = if field.name == "mode" {
                json!("required")
            } else {
                json!([{"type": "function", "name": "g"}])
            };
            (json!({"type": "allowed_tools"}), value)
        }
        (_, "parameters" | "output_schema") => (json!({}), json!({"type": "object", "properties": {}})),
        (_, "format") => (
            json!({"type": "custom", "format": null}),
            json!({"type": "grammar", "syntax": "lark", "definition": "d"}),
        ),
        (_, "tools") => {
            (json!({"type": "namespace", "name": "n"}), json!([{"type": "function", "name": "g"}]))
        }
        (_, "execution") => (json!({"type": "tool_search"}), json!("client")),
        (_, "allowed_callers") => (json!({}), json!(["programmatic"])),
        (_, "async") => (json!({}), json!(true)),
        (_, "external_web_access") => (json!({"type": "web_search"}), json!(false)),
        (_, "filters") => (json!({"type": "web_search"}), json!({"allowed_domains": ["a.com"]})),
        (_, "allowed_domains") => (json!({}), json!(["a.com"])),
        (_, "user_location") => (json!({"type": "web_search"}), json!({"type": "approximate", "city": "x"})),
        (_, "search_context_size" | "search_content_types") => (json!({"type": "web_search"}), json!("low")),
        _ => (json!({}), json!("other")),
    }
}

/// A request whose cache is marked, without a word on how long that holds.
fn marked() -> Value {
    json!({"input": [{"role": "user", "content": [
        {"type": "input_text", "text": "x", "prompt_cache_breakpoint": {"mode": "explicit"}}]}]})
}

/// A request without a field, and the same with it.
fn with_and_without(field: &Field) -> (String, String) {
    let (mut request, way) = around(field.place);
    let (shape, value) = sample(field);
    let object = at(&mut request, &way);
    for (name, value) in shape.as_object().unwrap() {
        if value.is_null() {
            object.remove(name);
        } else {
            object.insert(name.clone(), value.clone());
        }
    }
    let without = request.to_string();
    at(&mut request, &way).insert(field.name.to_owned(), value);
    (without, request.to_string())
}

#[test]
fn each_field_has_the_fate_of_its_row() {
    // A field of the same name as its kind goes as that does.
    let is_refused = |field: &Field, api| {
        let mut kinds = FIELDS.iter().filter(|kind| kind.is_kind && kind.place == field.place);
        kinds.any(|kind| kind.name == field.name && kind.toward(api) == Fate::Refused)
    };
    for field in FIELDS.iter().filter(|field| !field.is_kind && !SKELETON.contains(&field.name)) {
        let (without, with) = with_and_without(field);
        for api in OTHERS.into_iter().filter(|api| !is_refused(field, *api)) {
            check(field, api, (&without, &with));
        }
    }
}

fn check(field: &Field, api: Api, (without, with): (&str, &str)) {
    let what = format!("{}.{} toward {api}: {with}", field.place, field.name);
    let told = read(with, api).map(|(request, named)| (format!("{request:?}"), named));
    if field.toward(api) == Fate::Refused {
        let error = told.err().unwrap_or_else(|| panic!("{what} is taken"));
        let param = error.facts().param.clone().unwrap_or_default();
        let plain: String = param.chars().filter(|letter| !"[]0123456789".contains(*letter)).collect();
        let path = format!("{}.{}", field.place, field.name);
        // The field itself, or what it stands in.
        let path = path.trim_start_matches('.');
        assert!(!plain.is_empty() && path.starts_with(&plain), "{what}: {param}");
        return;
    }
    let (request, named) = told.unwrap_or_else(|error| panic!("{what}: {error}"));
    // What it says without the field, which may be one that it can't do without.
    let before = read(without, api).map(|(request, named)| (format!("{request:?}"), named)).ok();
    let is_same = before.as_ref().is_some_and(|(before, _)| *before == request);
    let is_named =
        named.iter().any(|name| name.ends_with(field.name) || field.place.starts_with(name.as_str()));
    match field.toward(api) {
        Fate::Carried | Fate::Adapted => {
            // A usual caller is none, and of how caches are kept Gemini's API knows nothing; both are read for what else
            // may stand there.
            let says_nothing =
                field.name == "caller" || (field.name == "prompt_cache_options" && api == Api::Gemini);
            assert!(!is_same || is_named || says_nothing, "{what} changes nothing");
        }
        Fate::Named => assert!(is_same && is_named, "{what} is not named: {named:?}"),
        Fate::Silent => {
            assert!(is_same, "{what} changes something");
            assert_eq!(Some(named), before.map(|(_, named)| named), "{what}");
        }
        Fate::Refused => {}
    }
}

#[test]
fn each_kind_has_the_fate_of_its_row() {
    for field in FIELDS.iter().filter(|field| field.is_kind) {
        let (mut request, way) = around(field.place);
        let object = at(&mut request, &way);
        object.insert("type".to_owned(), json!(field.name));
        // What each of them can't do without.
        for (name, value) in [
            ("role", json!("user")),
            ("content", json!("x")),
            ("call_id", json!("c")),
            ("name", json!("f")),
            ("input", json!("x")),
            ("text", json!("x")),
            ("image_url", json!("https://h")),
            ("refusal", json!("x")),
            ("file_data", json!("QUJD")),
            ("schema", json!({})),
            ("syntax", json!("lark")),
            ("definition", json!("d")),
        ] {
            let fits = match (field.place, field.name) {
                ("input", "configuration_update") => false,
                ("input", "reasoning") => name != "content",
                _ => true,
            };
            if fits && !object.contains_key(name) {
                object.insert(name.to_owned(), value);
            }
        }
        let body = request.to_string();
        for api in OTHERS {
            let told = read(&body, api).map(|(_, named)| named);
            let what = format!("{} `{}` toward {api}", field.place, field.name);
            match field.toward(api) {
                Fate::Refused => {
                    let error = told.err().unwrap_or_else(|| panic!("{what} is taken"));
                    assert!(error.to_string().contains(field.name), "{what}: {error}");
                    assert!(error.facts().param.as_deref().unwrap().starts_with(way[0]), "{what}");
                }
                Fate::Named => assert!(told.unwrap().contains(&field.place.to_owned()), "{what}"),
                Fate::Carried | Fate::Adapted | Fate::Silent => {
                    if let Err(error) = told {
                        // Only a mistake in what else stands there.
                        assert!(!error.to_string().contains("can't be asked"), "{what}: {error}");
                    }
                }
            }
        }
    }
}

#[test]
fn no_row_stands_there_twice() {
    for (index, field) in FIELDS.iter().enumerate() {
        let same = |other: &&Field| {
            (other.place, other.name, other.is_kind) == (field.place, field.name, field.is_kind)
        };
        assert_eq!(FIELDS.iter().skip(index).filter(same).count(), 1, "{} {}", field.place, field.name);
    }
}
