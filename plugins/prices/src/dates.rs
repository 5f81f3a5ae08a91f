//! When prices begin to hold.

use jiff::Timestamp;
use sluice_api::settings::Problem;

use crate::tree::{File, Node, Value};

/// Reads a day (from its midnight in UTC) or a time with its zone.
pub(crate) fn read(file: File<'_>, node: &Node, path: &str) -> Result<Timestamp, Problem> {
    let time = match &node.value {
        Value::Text(text) => text.parse().or_else(|_| format!("{text}T00:00:00Z").parse()).ok(),
        _ => None,
    };
    time.ok_or_else(|| file.other(node, path, "a day like 2027-01-01, or a time with its zone"))
}
