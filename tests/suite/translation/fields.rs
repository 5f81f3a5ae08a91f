//! Every field that the official SDKs can send has a row that says what becomes of it.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;
use sluice_tests::gateway::{binary, workspace};

fn json(mut command: Command) -> Value {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn every_field_of_the_sdks_request_types_has_an_outcome() {
    let Some(python) = std::env::var_os("SLUICE_TEST_PYTHON") else {
        panic!("SLUICE_TEST_PYTHON is not set: .ci/run makes the environment with the official SDKs");
    };
    let mut reading = Command::new(python);
    reading.arg(workspace().join("tests/clients/request_fields.py"));
    let mut telling = Command::new(binary());
    telling.args(["plugins", "--matrix", "--json"]);
    let rows = json(telling);
    let mut missing = Vec::new();
    for (api, names) in json(reading).as_object().unwrap() {
        let own = rows.as_array().unwrap().iter().filter(|row| row["api"] == api.as_str());
        let places = own.flat_map(|row| [row["place"].as_str().unwrap(), row["name"].as_str().unwrap()]);
        let known: BTreeSet<&str> = places.flat_map(|place| place.split('.')).collect();
        let names: Vec<&str> = names.as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
        assert!(names.len() > 50, "{api} {names:?}");
        let without = names.into_iter().filter(|name| !known.contains(name));
        missing.extend(without.map(|name| format!("{api}: {name}")));
    }
    assert!(missing.is_empty(), "fields without a row: {missing:#?}");
}
