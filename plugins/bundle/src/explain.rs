//! Why a request would go where it goes, as a running gateway tells it.

use std::process::ExitCode;

use reqwest::Method;
use serde_json::{Value, json};

use crate::arguments::{At, Question};
use crate::list::{cell, say, table};
use crate::remote::ask;

/// Asks, and prints what is decided and what becomes of each account.
pub(crate) fn explain(at: &At, question: Question) -> ExitCode {
    let Question { key, api, model, session } = question;
    let body = json!({ "key": key, "api": api, "model": model, "session": session });
    ask(at, (Method::POST, "/explain", Some(body)), show)
}

fn show(answer: &Value) {
    rows(answer, "steps", &["step", "decision", "reason"]);
    rows(answer, "accounts", &["name", "taken", "reason"]);
    let told = match (answer["allowed"].as_bool(), answer["account"].as_str()) {
        (Some(true), Some(account)) => format!("The request would go to {account}"),
        _ => "The request would be sent to no account".to_owned(),
    };
    match answer["expected_price"].as_str() {
        Some(price) => say(format_args!("{told}, for about {price} USD.")),
        None => say(format_args!("{told}.")),
    }
}

fn rows(answer: &Value, list: &str, columns: &[&str]) {
    let entries = answer[list].as_array().map_or(&[][..], Vec::as_slice);
    if !entries.is_empty() {
        table(
            columns,
            entries.iter().map(|entry| columns.iter().map(|column| cell(entry.get(column))).collect()),
        );
        say("");
    }
}
