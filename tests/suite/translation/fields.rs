//! Every field that the official SDKs can send has a row that says what becomes of it.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;
use sluice_tests::gateway::binary;
use sluice_tests::kits;

fn json(mut command: Command) -> Value {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn is_lost(toward: &Value) -> bool {
    !matches!(toward["fate"].as_str().unwrap(), "carried" | "adapted")
}

#[test]
fn every_field_of_the_sdks_request_types_has_an_outcome() {
    let reading = kits::script("request_fields.py");
    let mut telling = Command::new(binary());
    telling.args(["plugins", "--matrix", "--json"]);
    let rows = json(telling);
    let mut missing = Vec::new();
    for (api, names) in json(reading).as_object().unwrap() {
        let own: Vec<&Value> =
            rows.as_array().unwrap().iter().filter(|row| row["api"] == api.as_str()).collect();
        let places =
            own.iter().flat_map(|row| [row["place"].as_str().unwrap(), row["name"].as_str().unwrap()]);
        let known: BTreeSet<&str> = places.flat_map(|place| place.split('.')).collect();
        // What stands in something that no other dialect is asked for goes with it.
        let goes_with = |outer: &Value| {
            let mut of_it = own.iter().filter(|row| row["name"] == *outer).peekable();
            of_it.peek().is_some() && of_it.all(|row| row["toward"].as_array().unwrap().iter().all(is_lost))
        };
        let names = names.as_object().unwrap();
        assert!(names.len() > 50, "{api} {names:?}");
        for (name, ways) in names.iter().filter(|(name, _)| !known.contains(name.as_str())) {
            let ways = ways.as_array().unwrap().iter();
            let open: Vec<&Value> =
                ways.filter(|way| !way.as_array().unwrap().iter().any(goes_with)).collect();
            missing.extend(open.first().map(|way| format!("{api}: {name} in {way}")));
        }
    }
    assert!(missing.is_empty(), "fields without a row: {missing:#?}");
}
