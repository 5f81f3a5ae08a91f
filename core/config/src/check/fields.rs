//! Fields of keys and groups: the same checks for `[[keys]]` and `[[groups]]` and for the admin API.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Map, Value as Json};
use sluice_api::settings::{Origins, Problem, Section};

use super::limits::{self, Wrong};
use super::names::wrong_name;
use crate::key::Group;
use crate::resolved::Resolved;
use figment::value::{Dict, Value};
use sluice_settings::key::{Group as GroupFields, KeyFields};

/// What a key may name, and how long its limits may look back.
pub(super) struct Known<'a> {
    pub(super) groups: Vec<&'a str>,
    /// Those of them that bound no requests at once.
    pub(super) unbounded: Vec<&'a str>,
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

/// Checks the fields of a key that is made or changed at run time, where these groups are in force.
///
/// # Errors
///
/// Every mistake.
pub fn check_key_fields(
    fields: &Map<String, Json>,
    config: &Resolved,
    groups: &HashMap<String, Arc<Group>>,
) -> Result<KeyFields, Vec<Problem>> {
    let mut names: Vec<&str> = groups.keys().map(String::as_str).collect();
    names.sort_unstable();
    let unbounded = groups.values().filter(|group| group.concurrency == 0);
    let known = Known {
        groups: names,
        unbounded: unbounded.map(|group| &*group.name).collect(),
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

/// Checks the fields of a group that is made or changed at run time.
///
/// # Errors
///
/// Every mistake.
pub fn check_group(fields: &Map<String, Json>, retention_days: u32) -> Result<GroupFields, Vec<Problem>> {
    with_section(fields, |section| {
        let group: GroupFields = section.read()?;
        let mut problems = Vec::new();
        let mut wrong = |key: &str, message: String| {
            problems.push(Problem::at(section.file(), section.at(key), message));
        };
        if group.name.trim().is_empty() {
            wrong("name", "a group needs a name".to_owned());
        } else if let Some(why) = wrong_name(&group.name) {
            wrong("name", why.to_owned());
        } else if matches!(&*group.name, "." | "..") {
            wrong("name", "no URL can ask for a group of dots alone: name it by a letter".to_owned());
        }
        check_limits_of_group(&group, retention_days, &mut wrong);
        if problems.is_empty() { Ok(group) } else { Err(problems) }
    })
}

/// What bounds the keys of a group.
pub(super) fn check_limits_of_group(group: &GroupFields, retention_days: u32, wrong: &mut Wrong<'_>) {
    limits::check(&group.limits, retention_days, wrong);
    limits::output(group.max_output_tokens, wrong);
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
    // Of a group that is wrong by itself it is not known.
    let bounded = fields.concurrency > 0
        || fields.group.as_deref().is_some_and(|name| !names.unbounded.contains(&name));
    limits::queue(fields.queue, bounded, &mut wrong);
    limits::check(&fields.limits, names.retention_days, &mut wrong);
    limits::output(fields.max_output_tokens, &mut wrong);
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
