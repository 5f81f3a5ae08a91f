//! `sluice check`: what was read, what is wrong with it, and what is surely not meant.

use std::path::PathBuf;
use std::process::ExitCode;

use jiff::Timestamp;
use serde_json::json;
use sluice_api::settings::Problem;
use sluice_config::read::Read;
use sluice_config::{check, read, warnings};

use crate::UNUSABLE;
use crate::list::{print_json, say};

/// What a configuration came to.
struct Checked {
    /// Nothing where a file could not be read.
    read: Option<Read>,
    problems: Vec<Problem>,
    warnings: Vec<Problem>,
}

/// Says every problem and every warning; `strict` takes these for problems too.
pub(crate) fn check(files: &[PathBuf], strict: bool, as_json: bool) -> ExitCode {
    let mut checked = checked(files);
    if strict {
        checked.problems.append(&mut checked.warnings);
    }
    let Checked { read, problems, warnings } = &checked;
    let fine = problems.is_empty();
    if as_json {
        print_json(&json!({ "ok": fine, "problems": problems, "warnings": warnings, "read": read }));
    } else {
        tell(&checked);
    }
    if fine { ExitCode::SUCCESS } else { ExitCode::from(UNUSABLE) }
}

fn checked(files: &[PathBuf]) -> Checked {
    let loaded = match read::load(files) {
        Ok(loaded) => loaded,
        Err(problems) => return Checked { read: None, problems, warnings: Vec::new() },
    };
    let config = check::check(&loaded);
    let warnings = warnings(&loaded, config.as_ref().ok(), Timestamp::now());
    Checked { read: Some(Read::of(&loaded)), problems: config.err().unwrap_or_default(), warnings }
}

fn tell(checked: &Checked) {
    let Checked { read, problems, warnings } = checked;
    if let Some(read) = read {
        say(read);
    }
    problems.iter().for_each(say);
    warnings.iter().for_each(|warning| say(format_args!("warning: {warning}")));
    let many = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    let (wrong, doubtful) = (many(problems.len(), "problem"), many(warnings.len(), "warning"));
    match (problems.is_empty(), warnings.is_empty()) {
        (true, true) => say("the configuration is fine"),
        (true, false) => say(format_args!("the configuration can be used; {doubtful}")),
        (false, true) => say(wrong),
        (false, false) => say(format_args!("{wrong}, {doubtful}")),
    }
}
