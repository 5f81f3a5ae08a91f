//! Generated files are committed, and fresh.

use std::process::Command;

use sluice_tests::client::send;
use sluice_tests::gateway::{Gateway, binary, workspace};

fn printed(command: &str) -> String {
    let output = Command::new(binary()).args(command.split(' ')).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_committed_openapi_document_is_the_one_that_is_served() {
    let committed = std::fs::read_to_string(workspace().join("openapi/openapi.json")).unwrap();
    assert!(
        committed == printed("openapi"),
        "openapi/openapi.json is stale: sluice openapi > openapi/openapi.json"
    );
    let gateway = Gateway::start("");
    let served = send(&gateway.address, "GET", "/openapi.json", &[], b"").json();
    assert_eq!(served, serde_json::from_str::<serde_json::Value>(&committed).unwrap());
    assert_eq!(send(&gateway.address, "GET", "/docs/", &[], b"").status, 200);
}

#[test]
fn the_committed_reference_is_fresh() {
    let committed = std::fs::read_to_string(workspace().join("CONFIGURATION.md")).unwrap();
    assert!(
        committed == printed("reference"),
        "CONFIGURATION.md is stale: sluice reference > CONFIGURATION.md"
    );
}

#[test]
fn the_committed_page_of_what_is_translated_is_fresh() {
    let committed = std::fs::read_to_string(workspace().join("TRANSLATION.md")).unwrap();
    let printed = printed("plugins --matrix");
    assert!(committed == printed, "TRANSLATION.md is stale: sluice plugins --matrix > TRANSLATION.md");
}

#[test]
fn every_route_of_the_document_is_answered() {
    let gateway = Gateway::start("");
    let document = send(&gateway.address, "GET", "/openapi.json", &[], b"").json();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            let path = path
                .replace("{model}", "m")
                .replace("{deployment}", "m")
                .replace("{id}", "x")
                .replace("{name}", "x")
                .replace("{who}", "operator");
            let status = send(&gateway.address, &method.to_uppercase(), &path, &[], b"{}").status;
            // What changes a session has to come from a page of the gateway's.
            let other = path.starts_with("/session/") && status == 403;
            assert!(matches!(status, 200 | 401 | 503) || other, "{method} {path} answered {status}");
        }
    }
}
