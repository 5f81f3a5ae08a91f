//! The ledger of a running gateway held against a vendor's reports.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use sluice_reconcile::{File, Vendor, read};

use crate::arguments::At;
use crate::list::{cell, print_json, say, table};
use crate::remote::awaited;
use crate::{FAILED, UNUSABLE};

/// Longest wait for the gateway, which reads every record of the time.
const LONGEST: Duration = Duration::from_secs(15 * 60);

/// What is shown of a line that differs.
const COLUMNS: [&str; 7] = ["day", "model", "class", "ledger", "vendor", "difference", "cause"];

/// Reads the reports, asks, and prints what differs. Files are read here too, so that what is no report is told before
/// anything is sent.
pub(crate) fn reconcile(at: &At, provider: &str, (accounts, paths): (&[String], &[PathBuf])) -> ExitCode {
    let Some(vendor) = Vendor::named(provider) else { return ExitCode::from(UNUSABLE) };
    let files: Result<Vec<File>, String> = paths.iter().map(|path| file(path)).collect();
    let files =
        files.and_then(|files| read(vendor, &files).map(|_| files).map_err(|error| error.to_string()));
    let files = match files {
        Ok(files) => files,
        Err(message) => {
            eprintln!("sluice: {message}");
            return ExitCode::from(UNUSABLE);
        }
    };
    let files: Vec<Value> =
        files.iter().map(|file| json!({ "name": file.name, "text": file.text })).collect();
    let body = json!({ "provider": provider, "accounts": accounts, "files": files });
    let report = match awaited(at, (Method::POST, "/reconcile", Some(body)), LONGEST) {
        Ok(report) => report,
        Err(code) => return code,
    };
    if at.json {
        print_json(&report);
    } else {
        show(&report);
    }
    match report.get("agrees").and_then(Value::as_bool) {
        Some(true) => ExitCode::SUCCESS,
        _ => ExitCode::from(FAILED),
    }
}

fn file(path: &Path) -> Result<File, String> {
    let name = path.display().to_string();
    match std::fs::read(path) {
        Ok(bytes) => match String::from_utf8(bytes) {
            Ok(text) => Ok(File { name, text }),
            Err(_) => Err(format!("{name}: it is no text in UTF-8")),
        },
        Err(error) => Err(format!("{name} can't be read: {error}")),
    }
}

fn show(report: &Value) {
    let lines = report["data"].as_array().map_or(&[][..], Vec::as_slice);
    let differing: Vec<&Value> = lines.iter().filter(|line| line["agrees"] != true).collect();
    if !differing.is_empty() {
        let cells = |line: &&Value| COLUMNS.iter().map(|column| cell(line.get(column))).collect();
        table(&COLUMNS, differing.iter().map(cells));
        say("");
    }
    let mut said: Vec<String> = Vec::new();
    let reasons =
        differing.iter().map(|line| format!("{}: {}", cell(line.get("cause")), cell(line.get("reason"))));
    let notes =
        report["notes"].as_array().into_iter().flatten().map(|note| format!("note: {}", cell(Some(note))));
    for line in reasons.chain(notes) {
        if !said.contains(&line) {
            say(&line);
            said.push(line);
        }
    }
    if !said.is_empty() {
        say("");
    }
    match (lines.len() - differing.len(), differing.len()) {
        (0, 0) => say("Nothing was used in this time, by either side."),
        (all, 0) => say(format_args!("All {all} lines agree.")),
        (some, others) => say(format_args!("{others} lines differ, {some} agree.")),
    }
}
