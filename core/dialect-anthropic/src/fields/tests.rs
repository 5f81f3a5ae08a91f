//! Every row of the table is what the code does.

use serde_json::{Value, json};
use sluice_api::dialect::{Api, Operation};
use sluice_api::error::Error;
use sluice_neutral::dialect::Asked;
use sluice_neutral::fields::{Fate, Field};
use sluice_neutral::loss::Losses;

use super::{CONTENT, FIELDS, INNER, SOURCE};
use crate::read::read;

const OTHERS: [Api; 3] = [Api::OpenaiChat, Api::OpenaiResponses, Api::Gemini];

/// What is read of a request, as a text that tells any two apart, and what was left out.
fn reading(body: &Value, toward: Api) -> Result<(String, Vec<String>), Error> {
    let mut losses = Losses::toward(toward);
    let body = body.to_string();
    let asked = Asked { body: body.as_bytes(), operation: Operation::Generate };
    let (request, _) = read(&asked, &mut losses)?;
    Ok((format!("{request:?}"), losses.named()))
}

fn base() -> Value {
    json!({ "model": "m", "max_tokens": 10, "messages": [{ "role": "user", "content": "hi" }] })
}

/// A request with one block in a turn that may hold it.
fn with_block(block: Value) -> Value {
    let kind = block["type"].as_str().unwrap_or_default();
    let role = match kind {
        "tool_addition" | "tool_removal" => "system",
        "thinking" | "redacted_thinking" | "tool_use" | "server_tool_use" => "assistant",
        kind if kind.ends_with("_tool_result") => "assistant",
        _ => "user",
    };
    let mut body = base();
    body["tools"] = json!([{ "name": "known", "input_schema": {} }, { "name": "n", "input_schema": {} }]);
    let user = json!({ "role": "user", "content": "hi" });
    body["messages"] = json!([user, { "role": role, "content": [block] }, user]);
    body
}

fn image() -> Value {
    json!({ "type": "image", "source": { "type": "base64", "media_type": "image/png", "data": "AA==" } })
}

fn with(mut object: Value, name: &str, value: Option<Value>) -> Value {
    let members = object.as_object_mut().unwrap();
    match value {
        Some(value) => drop(members.insert(name.to_owned(), value)),
        None => drop(members.remove(name)),
    }
    object
}

/// A block that a field belongs to.
fn block_of(name: &str) -> Value {
    match name {
        "text" | "citations" | "cache_control" | "type" => json!({ "type": "text", "text": "t" }),
        "source" | "transformations" => image(),
        "title" | "context" => {
            json!({ "type": "document", "source": { "type": "text", "media_type": "text/plain", "data": "d" } })
        }
        "thinking" | "signature" => json!({ "type": "thinking", "thinking": "t", "signature": "s" }),
        "data" => json!({ "type": "redacted_thinking", "data": "d" }),
        "id" | "name" | "input" | "caller" | "toolset_name" => {
            json!({ "type": "tool_use", "id": "i", "name": "n", "input": {} })
        }
        "tool" => json!({ "type": "tool_removal", "tool": { "type": "tool_reference", "name": "known" } }),
        "tool_name" => json!({ "type": "tool_reference", "tool_name": "n" }),
        "from" | "to" | "trigger" => json!({ "type": "fallback" }),
        "encrypted_content" | "tool_changes" => json!({ "type": "compaction" }),
        "file_id" => json!({ "type": "container_upload" }),
        "mcp_server_name" | "server_name" | "tools" => json!({ "type": "mcp_tool_use" }),
        "tabs" | "state_changes" => json!({ "type": "browser_state", "tabs": [] }),
        _ => json!({ "type": "tool_result", "tool_use_id": "i" }),
    }
}

/// Two values of a field that say something, the second one another or none.
fn values(place: &str, name: &str) -> [Option<Value>; 2] {
    let two = |one: Value, other: Value| [Some(one), Some(other)];
    let one = |one: Value| [Some(one), None];
    match (place, name) {
        ("" | "tools", "model") | ("output_config" | "messages.output_config", "effort") => {
            two(json!("high"), json!("low"))
        }
        ("", "messages") => {
            two(json!([{ "role": "user", "content": "a" }]), json!([{ "role": "user", "content": "b" }]))
        }
        ("" | "tools", "max_tokens") | (_, "max_characters") => two(json!(7), json!(8)),
        ("", "stream") | (_, "defer_loading") => one(json!(true)),
        ("", "stop_sequences" | "system") => {
            one(json!(if name == "system" { json!("s") } else { json!(["x"]) }))
        }
        ("", "tools") => one(json!([{ "name": "t", "input_schema": { "type": "object" } }])),
        ("", "tool_choice") => one(json!({ "type": "any" })),
        ("", "thinking") => one(json!({ "type": "adaptive" })),
        ("", "output_config") => one(json!({ "effort": "high" })),
        ("", "output_format") | (_, "format") => {
            one(json!({ "type": "json_schema", "schema": { "type": "object" } }))
        }
        (_, "cache_control") => one(json!({ "type": "ephemeral" })),
        ("", "metadata") => one(json!({ "user_id": "u" })),
        ("", "service_tier") => one(json!("standard_only")),
        ("", "thread") => two(json!({ "type": "create" }), json!({ "type": "create" })),
        ("", "billing_policy") => one(json!({ "type": "billing_policy", "bill_to": "self" })),
        ("thinking", "display") => one(json!("omitted")),
        ("output_config.format", "schema") => two(json!({ "a": 1 }), json!({ "a": 2 })),
        ("messages", "role") => two(json!("user"), json!("assistant")),
        ("messages", "clear_at") => one(json!("next_user_message")),
        ("messages", "output_config") => one(json!({ "effort": "max" })),
        (CONTENT, "source") => two(image()["source"].clone(), json!({ "type": "url", "url": "u" })),
        (CONTENT | INNER, "transformations") => one(json!({ "oversized_image": "error" })),
        (CONTENT | INNER, "citations") => one(json!([{ "type": "char_location" }])),
        ("messages.content.tool", "name") => two(json!("known"), json!("n")),
        (CONTENT, "tool") => two(
            json!({ "type": "tool_reference", "name": "known" }),
            json!({ "type": "tool_reference", "name": "n" }),
        ),
        ("messages.content.tool", "definition") => {
            two(json!({ "name": "x", "input_schema": {} }), json!({ "name": "y", "input_schema": {} }))
        }
        (CONTENT, "caller") => one(json!({ "type": "code_execution_20250825", "tool_id": "x" })),
        ("messages.content.caller", "type") => one(json!("code_execution_20250825")),
        ("messages.content.transformations", "oversized_image") => one(json!("error")),
        (CONTENT, "input") => two(json!({ "a": 1 }), json!({})),
        ("tools", "input_schema") => two(json!({ "a": 1 }), json!({})),
        (_, "is_error" | "strict" | "disable_parallel_tool_use" | "use_cache" | "enable_zoom") => {
            one(json!(true))
        }
        ("tools", "input_examples") => one(json!([{ "a": 1 }])),
        ("tools", "allowed_callers") => one(json!(["code_execution_20260120"])),
        ("tools", "user_location") => one(json!({ "type": "approximate", "city": "Rome" })),
        ("tools", "allowed_domains" | "blocked_domains") => one(json!(["a.example"])),
        ("cache_control", "ttl") => two(json!("1h"), json!("5m")),
        ("", "temperature" | "top_p") | (_, "top_k") => one(json!(0.5)),
        (_, "budget_tokens" | "max_uses") => two(json!(2000), json!(3000)),
        (INNER, "source") => two(image()["source"].clone(), json!({ "type": "url", "url": "u" })),
        (_, "tabs" | "state_changes") => one(json!([{ "x": 1 }])),
        _ => two(json!("one"), json!("two")),
    }
}

/// Whether a field stands in what a tool of Anthropic's has said.
fn fields_of_results(name: &str) -> bool {
    const OF_OTHERS: [&str; 12] = [
        "type",
        "text",
        "source",
        "title",
        "context",
        "content",
        "tool_name",
        "tabs",
        "state_changes",
        "citations",
        "cache_control",
        "transformations",
    ];
    !OF_OTHERS.contains(&name)
}

/// A request with a field that has this value.
fn body(row: &Field, value: Option<Value>) -> Value {
    let name = row.name;
    let mut body = base();
    let nested = |object: Value| with(object, name, value.clone());
    match row.place {
        "" => return with(body, name, value),
        "thinking" => body["thinking"] = nested(json!({ "type": "enabled", "budget_tokens": 1024 })),
        "output_config.format" => {
            body["output_config"] =
                json!({ "format": nested(json!({ "type": "json_schema", "schema": {} })) });
        }
        "tool_choice" => body["tool_choice"] = nested(json!({ "type": "tool", "name": "n" })),
        "thread" => body["thread"] = nested(json!({ "type": "create" })),
        "cache_control" => body["cache_control"] = nested(json!({ "type": "ephemeral" })),
        "messages" => {
            let first = nested(json!({ "role": "system", "content": "s" }));
            let user = json!({ "role": "user", "content": "hi" });
            body["messages"] = json!([user, first, user]);
        }
        "messages.output_config" => body["messages"][0]["output_config"] = nested(json!({})),
        "system" => body["system"] = json!([nested(json!({ "type": "text", "text": "s" }))]),
        "tools" => {
            let searches = matches!(
                name,
                "max_uses" | "allowed_domains" | "blocked_domains" | "user_location" | "response_inclusion"
            );
            let tool = if searches {
                json!({ "type": "web_search_20250305", "name": "web_search" })
            } else if name == "max_characters" {
                json!({ "type": "text_editor_20250728", "name": "str_replace_based_edit_tool" })
            } else {
                json!({ "name": "t", "input_schema": {} })
            };
            let found = json!({ "name": "u", "input_schema": {}, "defer_loading": name == "defer_loading" });
            body["tools"] = json!([nested(tool), found]);
            let reference = json!([{ "type": "tool_reference", "tool_name": "u" }]);
            body["messages"][0]["content"] =
                json!([{ "type": "tool_result", "tool_use_id": "i", "content": reference }]);
        }
        "tools.user_location" => {
            let place = nested(json!({ "type": "approximate" }));
            body["tools"] =
                json!([{ "type": "web_search_20250305", "name": "web_search", "user_location": place }]);
        }
        CONTENT => return with_block(nested(block_of(name))),
        INNER if fields_of_results(name) => {
            let result = nested(json!({ "type": "web_search_result" }));
            return with_block(
                json!({ "type": "web_search_tool_result", "tool_use_id": "i", "content": [result] }),
            );
        }
        INNER => {
            let block = nested(block_of(if name == "content" { "content" } else { name }));
            let block = if name == "content" {
                json!({ "type": "search_result", "source": "s", "title": "t", "content": [{ "type": "text", "text": value }] })
            } else {
                block
            };
            return with_block(json!({ "type": "tool_result", "tool_use_id": "i", "content": [block] }));
        }
        SOURCE => {
            let source = match name {
                "url" => json!({ "type": "url" }),
                "content" => json!({ "type": "content" }),
                "file_id" => json!({ "type": "url", "url": "u" }),
                _ => image()["source"].clone(),
            };
            return with_block(json!({ "type": "document", "source": nested(source) }));
        }
        "messages.content.transformations" => {
            return with_block(with(image(), "transformations", Some(nested(json!({})))));
        }
        "messages.content.caller" => {
            return with_block(with(block_of("id"), "caller", Some(nested(json!({})))));
        }
        "messages.content.tool" => {
            let tool = match name {
                "server_name" => json!({ "type": "mcp_tool_reference" }),
                "definition" => json!({ "type": "tool_definition" }),
                _ => json!({ "type": "tool_reference", "name": "n" }),
            };
            return with_block(
                json!({ "type": if name == "definition" { "tool_addition" } else { "tool_removal" }, "tool": nested(tool) }),
            );
        }
        place => return nested_in(place, nested(json!({}))),
    }
    body
}

/// Whether the object that a field stands in is never looked into.
fn goes_whole(row: &Field) -> bool {
    const WHOLE: [&str; 17] = [
        "container",
        "container.skills",
        "compaction",
        "fallbacks",
        "fallback_credit_token",
        "mcp_servers",
        "mcp_servers.tool_configuration",
        "output_config.task_budget",
        "messages.content.citations",
        "messages.content.content.citations",
        INNER,
        CONTENT,
        "messages.content.tool",
        "tools.configs",
        "tools.default_config",
        "tools.url_sources",
        "tools.user_location",
    ];
    WHOLE.contains(&row.place)
}

/// A request with something nested in these objects and lists.
fn nested_in(place: &str, object: Value) -> Value {
    const LISTS: [&str; 7] =
        ["edits", "skills", "citations", "tabs", "state_changes", "fallbacks", "mcp_servers"];
    let (outer, name) = place.rsplit_once('.').unwrap_or(("", place));
    let value = if LISTS.contains(&name) { json!([object]) } else { object };
    match outer {
        "" => with(base(), name, Some(value)),
        "thinking" => nested_in(outer, with(json!({ "type": "adaptive" }), name, Some(value))),
        CONTENT => with_block(with(block_of(name), name, Some(value))),
        INNER => {
            let block = with(block_of(name), name, Some(value));
            with_block(json!({ "type": "tool_result", "tool_use_id": "i", "content": [block] }))
        }
        "tools" => {
            let tool = with(json!({ "name": "t", "input_schema": {} }), name, Some(value));
            with(base(), "tools", Some(json!([tool])))
        }
        outer => nested_in(outer, with(json!({}), name, Some(value))),
    }
}

/// Fields that say what something is: what they say is tested with the kinds; or that say nothing by themselves.
fn only_tells_a_kind(row: &Field) -> bool {
    matches!(
        row.name,
        "type" | "stream" | "model" | "thread" | "billing_policy" | "caller" | "transformations"
    )
}

#[test]
fn each_field_is_carried_left_out_named_or_refused_as_its_row_says() {
    let mut wrong = Vec::new();
    for row in FIELDS.iter().filter(|row| !row.is_kind && !only_tells_a_kind(row)) {
        let [one, other] = values(row.place, row.name);
        let dot = if row.place.is_empty() { "" } else { "." };
        let path = format!("{}{dot}{}", row.place, row.name);
        // What is taken or left as a whole is told by the place of the whole.
        let told_at = |at: &str| at == path || (goes_whole(row) && path.starts_with(&format!("{at}.")));
        for toward in OTHERS {
            let told = reading(&body(row, one.clone()), toward);
            let without = reading(&body(row, other.clone()), toward);
            let fits = match (row.toward(toward), &told) {
                (Fate::Refused, Err(error)) => {
                    let param = error.facts().param.clone().unwrap_or_default();
                    let param: String = param.split(['[', ']']).step_by(2).collect();
                    told_at(&param)
                }
                (Fate::Named, Ok((_, named))) => named.iter().any(|name| told_at(name)),
                (Fate::Silent, Ok((_, named))) => named.is_empty(),
                (Fate::Carried | Fate::Adapted, Ok(told)) => {
                    without.as_ref().is_ok_and(|without| without != told)
                }
                _ => false,
            };
            if !fits {
                wrong.push(format!("{}.{} toward {toward}: {told:?} {without:?}", row.place, row.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Something of a kind.
fn of_kind(row: &Field) -> Value {
    let kind = row.name;
    let block = match kind {
        "text" => json!({ "text": "t" }),
        "image" => json!({ "source": { "type": "base64", "media_type": "image/png", "data": "AA==" } }),
        "document" => json!({ "source": { "type": "url", "url": "u" } }),
        "search_result" => {
            json!({ "source": "s", "title": "t", "content": [{ "type": "text", "text": "x" }] })
        }
        "thinking" => json!({ "thinking": "t", "signature": "s" }),
        "redacted_thinking" => json!({ "data": "d" }),
        "tool_use" | "server_tool_use" => json!({ "id": "i", "name": "n", "input": {} }),
        "tool_result" => json!({ "tool_use_id": "i" }),
        "tool_reference" if row.place == INNER => json!({ "tool_name": "n" }),
        "tool_addition" | "tool_removal" => json!({ "tool": { "type": "tool_reference", "name": "known" } }),
        "browser_state" => json!({ "tabs": [] }),
        kind if kind.ends_with("_tool_result") => json!({ "tool_use_id": "i", "content": [] }),
        _ => json!({}),
    };
    with(block, "type", Some(kind.into()))
}

fn body_of_kind(row: &Field) -> Value {
    let kind = row.name;
    let mut body = base();
    match row.place {
        "thinking" => body["thinking"] = json!({ "type": kind, "budget_tokens": 2000 }),
        "thread" => body["thread"] = json!({ "type": kind }),
        "output_config.format" => body["output_config"] = json!({ "format": { "type": kind, "schema": {} } }),
        "tool_choice" => body["tool_choice"] = json!({ "type": kind, "name": "n" }),
        "tools" => body["tools"] = json!([{ "type": kind, "name": "n" }]),
        "system" => body["system"] = json!([of_kind(row)]),
        CONTENT => return with_block(of_kind(row)),
        INNER => {
            return with_block(
                json!({ "type": "tool_result", "tool_use_id": "i", "content": [of_kind(row)] }),
            );
        }
        SOURCE => {
            let content = json!({ "type": kind, "media_type": "m", "data": "d", "url": "u", "content": "c" });
            return with_block(json!({ "type": "document", "source": content }));
        }
        "messages.content.tool" => {
            let tool =
                json!({ "type": kind, "name": "known", "definition": { "name": "n", "input_schema": {} } });
            return with_block(json!({ "type": "tool_addition", "tool": tool }));
        }
        place => panic!("{place}"),
    }
    body
}

#[test]
fn each_kind_is_taken_left_out_named_or_refused_as_its_row_says() {
    for row in FIELDS.iter().filter(|row| row.is_kind) {
        for toward in OTHERS {
            let context = format!("{}: {} toward {toward}", row.place, row.name);
            let told = reading(&body_of_kind(row), toward);
            match row.toward(toward) {
                Fate::Refused => {
                    let error = told.expect_err(&context);
                    assert!(
                        error.facts().param.is_some() && error.to_string().contains(row.name),
                        "{context}: {error}"
                    );
                }
                fate => {
                    let (_, named) = told.unwrap_or_else(|error| panic!("{context}: {error}"));
                    assert!(fate != Fate::Named || !named.is_empty(), "{context}");
                    assert!(fate != Fate::Silent || named.is_empty(), "{context}: {named:?}");
                }
            }
        }
    }
}

#[test]
fn what_no_row_knows_is_left_out_and_named_and_a_kind_that_none_knows_is_refused() {
    let told = reading(&with(base(), "brand_new", Some(json!(1))), Api::OpenaiChat).unwrap();
    assert_eq!(told.1, ["brand_new"]);
    let error = reading(&with_block(json!({ "type": "hologram" })), Api::Gemini).unwrap_err();
    assert_eq!(error.facts().param.as_deref(), Some("messages[1].content[0]"));
}

#[test]
fn no_row_is_there_twice() {
    let mut all: Vec<(&str, &str, bool)> =
        FIELDS.iter().map(|row| (row.place, row.name, row.is_kind)).collect();
    all.sort_unstable();
    let before = all.len();
    all.dedup();
    assert_eq!(all.len(), before);
}
