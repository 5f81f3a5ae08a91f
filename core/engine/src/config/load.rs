//! Reading: defaults, files, environment, later over earlier, each value with its place.

use std::path::PathBuf;

use figment::value::{Dict, Tag, Value};
use figment::{Figment, Source};
use sluice_api::Problem;
use sluice_api::section::Origins;

use super::environment::{Environment, NAME as ENVIRONMENT};
use super::file::Part;

/// Lists that files add to, instead of replacing them.
const JOINED: [&str; 4] = ["accounts", "keys", "groups", "routes"];

/// Files that are read when none is named.
const USUAL: [&str; 4] = ["sluice.toml", "sluice.yaml", "sluice.yml", "sluice.json"];

/// Variables from which accounts are made when nothing is configured: name, provider, variable.
const FROM_ENVIRONMENT: [(&str, &str, &str); 3] = [
    ("anthropic", "claude-official", "ANTHROPIC_API_KEY"),
    ("openai", "openai", "OPENAI_API_KEY"),
    ("gemini", "gemini", "GEMINI_API_KEY"),
];

/// What was read: values, each with its place.
#[derive(Clone, Debug)]
pub struct Loaded {
    pub(super) values: Dict,
    figment: Figment,
}

impl Loaded {
    /// The values of a table; empty where there is none.
    pub(super) fn table(&self, name: &str) -> Option<&Value> {
        self.values.get(name)
    }
}

impl Origins for Loaded {
    fn of(&self, value: &Value) -> String {
        origin(&self.figment, value.tag())
    }
}

fn origin(figment: &Figment, tag: Tag) -> String {
    let Some(metadata) = figment.get_metadata(tag) else { return "default".to_owned() };
    match &metadata.source {
        Some(Source::File(path)) => path.display().to_string(),
        _ => metadata.name.to_string(),
    }
}

/// Where a configuration comes from, to be read again.
#[derive(Clone, Debug)]
pub enum Given {
    /// The files named, or the usual ones where none is; and the environment.
    Files(Vec<PathBuf>),
    /// A text, and nothing else.
    Text(String),
}

impl Given {
    /// Reads it.
    ///
    /// # Errors
    ///
    /// As [`load`] and [`load_text`].
    pub fn load(&self) -> Result<Loaded, Vec<Problem>> {
        match self {
            Self::Files(files) => load(files),
            Self::Text(text) => load_text(text),
        }
    }
}

/// Reads the configuration: the files named, else `$SLUICE_CONFIG`, else a usual one if it is there; then the environment.
///
/// # Errors
///
/// When a file can't be read or parsed. No problem repeats what a file says.
pub fn load(files: &[PathBuf]) -> Result<Loaded, Vec<Problem>> {
    let environment = Environment::of_process();
    let chosen = chosen(files, &environment);
    let mut problems = Vec::new();
    let mut parts = Vec::new();
    for path in &chosen {
        match Part::file(path) {
            Ok(part) => parts.push(Figment::from(part)),
            Err(more) => problems.extend(more),
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let environment = Figment::from(environment);
    if chosen.is_empty() && environment.find_value("accounts").is_err() {
        parts.push(Figment::from(Part::text(&accounts_of_environment(), ENVIRONMENT)?));
    }
    parts.push(environment);
    join(parts)
}

/// Reads a configuration from TOML text, with nothing else: for demonstrations and tests.
///
/// # Errors
///
/// When it can't be parsed.
pub fn load_text(text: &str) -> Result<Loaded, Vec<Problem>> {
    join(vec![Figment::from(Part::text(text, "text")?)])
}

fn chosen(files: &[PathBuf], environment: &Environment) -> Vec<PathBuf> {
    if !files.is_empty() {
        return files.to_vec();
    }
    let named = environment.0.iter().find(|(name, value)| name == "SLUICE_CONFIG" && !value.is_empty());
    if let Some((_, path)) = named {
        return vec![path.into()];
    }
    USUAL.iter().map(PathBuf::from).find(|path| path.is_file()).into_iter().collect()
}

fn join(parts: Vec<Figment>) -> Result<Loaded, Vec<Problem>> {
    let mut lists: Vec<(&str, Vec<Value>)> = JOINED.iter().map(|name| (*name, Vec::new())).collect();
    let mut whole = Figment::new();
    for part in parts {
        for (name, list) in &mut lists {
            if let Ok(Value::Array(_, some)) = part.find_value(name) {
                list.extend(some);
            }
        }
        whole = whole.merge(part);
    }
    let mut values: Dict = whole.extract().map_err(|error: figment::Error| {
        vec![Problem::at("configuration", error.path.join("."), "the sources can't be put together")]
    })?;
    for (name, list) in lists {
        if let Some(Value::Array(tag, _)) = values.get(name) {
            values.insert(name.to_owned(), Value::Array(*tag, list));
        }
    }
    Ok(Loaded { values, figment: whole })
}

/// Accounts for the variables that are set, as TOML.
fn accounts_of_environment() -> String {
    let set = |variable: &str| std::env::var_os(variable).is_some_and(|value| !value.is_empty());
    let accounts = FROM_ENVIRONMENT.iter().filter(|(_, _, variable)| set(variable));
    accounts
        .map(|(name, provider, variable)| {
            format!(
                "[[accounts]]\nname = \"{name}\"\nprovider = \"{provider}\"\napi_key = {{ env = \"{variable}\" }}\n"
            )
        })
        .collect()
}
