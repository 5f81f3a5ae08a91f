//! The OpenAPI document: valid by a public validator, and true where that can't tell.

use std::process::{Command, Stdio};

use serde_json::Value;
use sluice_tests::gateway::workspace;

fn document() -> Value {
    let text = std::fs::read_to_string(workspace().join("openapi/openapi.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// Every operation, by its method and path.
fn operations(document: &Value) -> Vec<(String, &Value)> {
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        let item = item.as_object().unwrap().iter();
        all.extend(item.map(|(method, operation)| (format!("{method} {path}"), operation)));
    }
    all
}

#[test]
fn a_public_validator_finds_nothing_wrong_with_it() {
    let Some(python) = std::env::var_os("SLUICE_TEST_PYTHON") else {
        panic!("SLUICE_TEST_PYTHON is not set: .ci/run makes the environment with the validator");
    };
    let output = Command::new(python)
        .arg(workspace().join("tests/clients/openapi_document.py"))
        .arg(workspace().join("openapi/openapi.json"))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("fine"), "{said}");
}

#[test]
fn every_response_says_what_it_means() {
    let document = document();
    for (name, operation) in operations(&document) {
        for (status, response) in operation["responses"].as_object().unwrap() {
            let says = response["description"].as_str().unwrap_or_default();
            assert!(!says.trim().is_empty(), "{status} of {name}");
        }
    }
}

#[test]
fn a_patch_of_a_key_requires_nothing_and_takes_null_for_what_has_a_default() {
    let document = document();
    let body = &document["paths"]["/admin/v1/keys/{id}"]["patch"]["requestBody"]["content"];
    assert_eq!(body["application/json"]["schema"]["$ref"], "#/components/schemas/KeyPatch");
    let (patch, fields) =
        (&document["components"]["schemas"]["KeyPatch"], &document["components"]["schemas"]["KeyFields"]);
    assert!(patch["required"].as_array().is_none_or(Vec::is_empty), "{patch}");
    assert_eq!(fields["required"], serde_json::json!(["name"]));
    for (name, field) in patch["properties"].as_object().unwrap() {
        assert!(fields["properties"][name].is_object(), "{name}");
        let says_null =
            field["anyOf"].as_array().is_some_and(|all| all.iter().any(|one| one["type"] == "null"));
        assert_eq!(says_null, name != "name", "{name}: {field}");
        assert!(!field.to_string().contains("\"default\""), "{name}: {field}");
    }
}

#[test]
fn what_can_be_streamed_is_declared_as_a_stream_and_nothing_else_is() {
    let document = document();
    for (name, operation) in operations(&document) {
        let streams = operation["responses"]["200"]["content"]["text/event-stream"].is_object();
        let can = name.starts_with("post ")
            && [
                "/messages",
                "/chat/completions",
                "/responses",
                ":streamGenerateContent",
                "/images/generations",
            ]
            .iter()
            .any(|end| name.ends_with(end));
        assert_eq!(streams, can, "{name}");
    }
}

/// Every integer that a schema of the document describes, with where it stands.
fn integers<'a>(value: &'a Value, place: String, found: &mut Vec<(String, &'a Value)>) {
    match value {
        Value::Object(object) => {
            let says = |kind: &Value| kind == "integer";
            let kinds = &object.get("type");
            if kinds.is_some_and(|kind| says(kind) || kind.as_array().is_some_and(|all| all.iter().any(says)))
            {
                found.push((place.clone(), value));
            }
            object.iter().for_each(|(name, inner)| integers(inner, format!("{place}/{name}"), found));
        }
        Value::Array(all) => {
            all.iter().enumerate().for_each(|(at, inner)| integers(inner, format!("{place}/{at}"), found));
        }
        _ => {}
    }
}

#[test]
fn integers_have_the_bounds_of_what_reads_them() {
    let document = document();
    let mut found = Vec::new();
    integers(&document, String::new(), &mut found);
    assert!(found.len() > 20, "{}", found.len());
    for (place, integer) in found {
        // A format of 32 signed bits ends at half of what is taken; those without a sign have names of their own.
        let format = integer["format"].as_str().unwrap_or_default();
        assert!(!matches!(format, "int8" | "int16" | "int32"), "{place}: {integer}");
        assert!(!format.starts_with("u-"), "{place}: {integer}");
        let most = match format {
            "uint8" => u8::MAX.into(),
            "uint16" => u16::MAX.into(),
            "uint32" => u64::from(u32::MAX),
            _ => continue,
        };
        assert!(integer["maximum"].as_u64().is_some_and(|maximum| maximum <= most), "{place}: {integer}");
        assert!(integer["minimum"].as_u64().is_some(), "{place}: {integer}");
    }
    let parameters = document["paths"]["/admin/v1/requests"]["get"]["parameters"].as_array().unwrap();
    let limit = &parameters.iter().find(|one| one["name"] == "limit").unwrap()["schema"];
    assert_eq!((limit["minimum"].as_u64(), limit["maximum"].as_u64()), (Some(1), Some(1000)));
}
