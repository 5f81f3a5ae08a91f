//! What a key has as settings and a record as columns is written down once, counted in the code itself.

use serde_json::Value;
use sluice_tests::gateway::workspace;

/// A struct of the code, with its fields.
#[derive(Debug)]
struct Shape {
    name: String,
    fields: Vec<String>,
}

/// Whose fields stand elsewhere too, and why.
const TWICE: [(&str, &str); 3] = [
    // The group itself, beside the name of it that its fields have.
    ("Key", "group"),
    // As limiters count by them, made once of what is written.
    ("Key", "limits"),
    ("Key", "mode"),
];

/// The structs of a source; those of a macro are written as `struct Name;` before what they have.
fn shapes(source: &str) -> Vec<Shape> {
    let mut found: Vec<Shape> = Vec::new();
    let mut inside = None;
    for line in source.lines() {
        let indent = line.len() - line.trim_start().len();
        let plain = line.trim_start().trim_start_matches("pub(crate) ").trim_start_matches("pub(super) ");
        let plain = plain.trim_start_matches("pub ");
        if let Some(rest) = plain.strip_prefix("struct ") {
            let name = rest.split(|letter: char| !letter.is_alphanumeric()).next().unwrap().to_owned();
            let in_macro = indent > 0 && rest.ends_with(';');
            inside = (in_macro || rest.ends_with('{')).then_some(if in_macro { indent - 4 } else { indent });
            found.push(Shape { name, fields: Vec::new() });
        } else if inside == Some(indent) && plain.starts_with('}') {
            inside = None;
        } else if inside.is_some_and(|outer| indent == outer + 4)
            && let Some((field, _)) = plain.split_once(": ")
            && field.chars().all(|letter| letter.is_alphanumeric() || letter == '_')
        {
            found.last_mut().unwrap().fields.push(field.to_owned());
        }
    }
    found
}

/// The structs of `core/` whose names begin so.
fn named(beginning: &str) -> Vec<Shape> {
    let mut all = Vec::new();
    let mut folders = vec![workspace().join("core")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") {
                all.extend(shapes(&std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    all.retain(|shape| shape.name.starts_with(beginning));
    all
}

/// The properties of a schema of the OpenAPI document.
fn properties(schema: &str) -> Vec<String> {
    let text = std::fs::read_to_string(workspace().join("openapi/openapi.json")).unwrap();
    let document: Value = serde_json::from_str(&text).unwrap();
    let properties = document["components"]["schemas"][schema]["properties"].as_object().unwrap();
    properties.keys().cloned().collect()
}

/// The structs that have this field.
fn holders<'a>(shapes: &'a [Shape], field: &str) -> Vec<&'a str> {
    let has = |shape: &&Shape| {
        shape.fields.iter().any(|own| own == field) && !TWICE.contains(&(shape.name.as_str(), field))
    };
    shapes.iter().filter(has).map(|shape| shape.name.as_str()).collect()
}

#[test]
fn a_setting_of_a_key_is_a_field_of_one_struct_alone() {
    let shapes = named("Key");
    assert!(shapes.len() > 5, "{shapes:?}");
    let settings = properties("KeyFields");
    assert!(settings.len() > 10, "{settings:?}");
    for setting in settings {
        assert_eq!(holders(&shapes, &setting), ["KeyFields"], "{setting}");
    }
}

#[test]
fn a_column_of_a_record_is_a_field_of_one_struct_alone() {
    let shapes = named("Record");
    let columns: Vec<String> =
        shapes.iter().filter(|shape| shape.name == "Record").flat_map(|shape| shape.fields.clone()).collect();
    let shown = properties("RecordView");
    // The others are made of one: tokens of the usage, spans in milliseconds.
    let own = shown.iter().filter(|column| columns.contains(column)).count();
    assert!(own > 20, "{columns:?}");
    for column in columns {
        assert_eq!(holders(&shapes, &column), ["Record"], "{column}");
    }
}

#[test]
fn a_second_struct_with_a_field_of_the_first_is_found() {
    let planted = "pub struct KeyFields {\n    pub models: Globs,\n}\n\nmod inner {\n    pub(super) struct KeyShown {\n        \
                   /// Globs.\n        pub models: Vec<String>,\n    }\n}\n\ncolumns! {\n    pub struct KeyColumns;\n\n    \
                   models: u64 = 0;\n}\n\nfn models() {\n    let models: u64 = 0;\n}\n";
    assert_eq!(holders(&shapes(planted), "models"), ["KeyFields", "KeyShown", "KeyColumns"]);
}
