//! The names in an upstream's list of models, in each shape in which one is told.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::Value;

use crate::request::peek;

/// Names that are taken of one list; the longest that vendors tell have some hundreds.
const NAMES_MAX: usize = 4_096;

/// What stands before each name in Google's list.
const COLLECTION: &str = "models/";

/// A list as OpenAI and Anthropic tell it, as Google does, or bare.
#[derive(Deserialize)]
#[serde(untagged)]
enum List {
    Data { data: Vec<Entry> },
    Models { models: Vec<Entry> },
    Bare(Vec<Entry>),
}

/// A model in a list. Where there is an id, the name is one for people.
#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    id: Value,
    #[serde(default)]
    name: Value,
}

impl Entry {
    fn name(&self) -> Option<&str> {
        let name = || self.name.as_str().map(|name| name.strip_prefix(COLLECTION).unwrap_or(name));
        self.id.as_str().or_else(name)
    }
}

/// The names, each once; those that no request could have are left out. `None` where the body is no list of models.
#[must_use]
pub fn names(body: &[u8]) -> Option<BTreeSet<String>> {
    let (List::Data { data: entries } | List::Models { models: entries } | List::Bare(entries)) =
        serde_json::from_slice(body).ok()?;
    let names = entries.iter().filter_map(Entry::name).filter(|name| peek::model_name(name).is_ok());
    Some(names.take(NAMES_MAX).map(ToOwned::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::{NAMES_MAX, names};

    fn check(body: &str, expected: Option<&[&str]>) {
        let found = names(body.as_bytes());
        let found = found.as_ref().map(|names| names.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(found.as_deref(), expected, "{body}");
    }

    #[test]
    fn a_list_is_read_in_each_shape() {
        check(r#"{"object":"list","data":[{"id":"b","object":"model"},{"id":"a"}]}"#, Some(&["a", "b"]));
        check(r#"{"data":[{"type":"model","id":"c","display_name":"C"}],"has_more":false}"#, Some(&["c"]));
        check(r#"{"models":[{"name":"models/g","displayName":"G"}],"nextPageToken":"x"}"#, Some(&["g"]));
        check(r#"[{"id":"meta/llama","name":"Llama"},{"id":"meta/llama"}]"#, Some(&["meta/llama"]));
        check(r#"{"data":[]}"#, Some(&[]));
    }

    #[test]
    fn what_is_no_list_tells_nothing_and_what_no_request_could_ask_for_is_left_out() {
        check(r#"{"data":[{"id":7},{"id":""},{"id":"a/../b"},{"name":null},{},{"id":"x"}]}"#, Some(&["x"]));
        for body in ["", "null", "{}", "<html>", r#"{"error":{"message":"no"}}"#, r#"{"data":"none"}"#] {
            check(body, None);
        }
    }

    #[test]
    fn no_more_names_are_taken_than_are_kept() {
        let each: Vec<String> = (0..=NAMES_MAX).map(|number| format!("{{\"id\":\"m{number}\"}}")).collect();
        let found = names(format!("{{\"data\":[{}]}}", each.join(",")).as_bytes()).unwrap();
        assert_eq!(found.len(), NAMES_MAX);
    }
}
