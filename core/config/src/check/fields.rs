//! A key's fields: the same checks for `[[keys]]` and for the admin API.

use serde_json::{Map, Value as Json};
use sluice_api::settings::{Origins, Problem, Section};

use super::names::wrong_name;
use super::unavailable;
use crate::resolved::Resolved;
use figment::value::{Dict, Value};
use sluice_settings::key::KeyFields;

/// What a key may name, and how long its limits may look back.
pub(super) struct Known<'a> {
    pub(super) groups: Vec<&'a str>,
    pub(super) pools: Vec<&'a str>,
    pub(super) accounts: Vec<&'a str>,
    pub(super) retention_days: u32,
}

/// Fields that come through the admin API have no file.
#[derive(Debug)]
struct Admin;

impl Origins for Admin {
    fn of(&self, _value: &Value) -> String {
        "request".to_owned()
    }
}

/// Reads the fields of a key that is made or changed at run time: each of its right type, if not right together.
///
/// # Errors
///
/// Every mistake.
pub fn read_key_fields(fields: &Map<String, Json>) -> Result<KeyFields, Vec<Problem>> {
    with_section(fields, |section| section.read())
}

/// Checks the fields of a key that is made or changed at run time.
///
/// # Errors
///
/// Every mistake.
pub fn check_key_fields(fields: &Map<String, Json>, config: &Resolved) -> Result<KeyFields, Vec<Problem>> {
    let known = Known {
        groups: config.groups.iter().map(|group| group.name.as_str()).collect(),
        pools: pools(config).collect(),
        accounts: config.accounts.iter().map(|account| account.name.as_str()).collect(),
        retention_days: config.stats.retention_days,
    };
    with_section(fields, |section| {
        let fields = section.read()?;
        check(section, &fields, &known)?;
        Ok(fields)
    })
}

/// Reads the fields of a request's body as a section of their own.
pub fn with_section<T>(
    fields: &Map<String, Json>,
    read: impl FnOnce(&Section<'_>) -> Result<T, Vec<Problem>>,
) -> Result<T, Vec<Problem>> {
    let values: Dict = Value::serialize(fields)
        .ok()
        .and_then(Value::into_dict)
        .ok_or_else(|| vec![Problem::at("request", "", "the fields are a JSON object")])?;
    let name = fields.get("name").and_then(Json::as_str).unwrap_or_default();
    read(&Section::new(name, "", &values, &Admin))
}

fn pools(config: &Resolved) -> impl Iterator<Item = &str> {
    config.accounts.iter().flat_map(|account| account.pools.iter().map(String::as_str))
}

/// Checks what the fields' types do not tell.
pub(super) fn check(
    section: &Section<'_>,
    fields: &KeyFields,
    names: &Known<'_>,
) -> Result<(), Vec<Problem>> {
    let at = |key: &str| section.at(key);
    let file = section.file();
    let mut problems = Vec::new();
    let mut wrong = |key: &str, message: String| problems.push(Problem::at(file.clone(), at(key), message));
    unavailable::key(fields.queue, fields.mode, &mut wrong);
    unavailable::limits(&fields.limits, names.retention_days, &mut wrong);
    if fields.name.trim().is_empty() {
        problems.push(Problem::at(file.clone(), at("name"), "a key needs a name"));
    } else if let Some(wrong) = wrong_name(&fields.name).filter(|_| section.path.is_empty()) {
        problems.push(Problem::at(file.clone(), at("name"), wrong));
    }
    if fields.allow.is_empty() {
        problems.push(
            Problem::at(file.clone(), at("allow"), "a key that may use no family is of no use")
                .allowed("claude, gemini, openai"),
        );
    }
    let known = |key: &str, found: &[String], valid: &[&str], problems: &mut Vec<Problem>| {
        for name in found.iter().filter(|name| !valid.contains(&name.as_str())) {
            let problem = Problem::at(
                file.clone(),
                at(key),
                format!("there is no {} `{name}`", key.trim_end_matches('s')),
            );
            problems.push(problem.allowed(valid.join(", ")).nearest(name, valid.iter().copied()));
        }
    };
    known("group", fields.group.as_slice(), &names.groups, &mut problems);
    known("pools", &fields.pools, &names.pools, &mut problems);
    known("accounts", &fields.accounts, &names.accounts, &mut problems);
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}
