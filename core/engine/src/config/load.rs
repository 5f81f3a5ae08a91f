//! Reading: defaults, files, environment, later over earlier, each value with its place.

use std::path::{Path, PathBuf};

use figment::providers::{Format, Json, Toml};
use figment::value::{Dict, Tag, Value};
use figment::{Figment, Source};
use sluice_api::Problem;
use sluice_api::section::Origins;

use super::environment::Environment;
use super::yaml::Yaml;

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

/// Reads the configuration: the files named, else `$SLUICE_CONFIG`, else a usual one if it is there; then the environment.
///
/// # Errors
///
/// When a file can't be read or parsed.
pub fn load(files: &[PathBuf]) -> Result<Loaded, Vec<Problem>> {
    let environment = Environment::of_process();
    let chosen = chosen(files, &environment);
    let mut problems = Vec::new();
    let mut parts = Vec::new();
    for path in &chosen {
        match file(path) {
            Ok(part) => parts.push(part),
            Err(problem) => problems.push(*problem),
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let none = chosen.is_empty();
    parts.push(Figment::from(environment));
    let mut loaded = join(parts)?;
    if none && !loaded.values.contains_key("accounts") {
        from_environment(&mut loaded)?;
    }
    Ok(loaded)
}

/// Reads a configuration from TOML text, with nothing else: for demonstrations and tests.
///
/// # Errors
///
/// When it can't be parsed.
pub fn load_text(text: &str) -> Result<Loaded, Vec<Problem>> {
    join(vec![Figment::from(Toml::string(text))])
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

fn file(path: &Path) -> Result<Figment, Box<Problem>> {
    let name = path.display().to_string();
    if let Err(error) = std::fs::read(path) {
        return Err(Box::new(Problem::at(name, "", format!("the file can't be read: {error}"))));
    }
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("toml") => Ok(Figment::from(Toml::file_exact(path))),
        Some("json") => Ok(Figment::from(Json::file_exact(path))),
        Some("yaml" | "yml") => Ok(Figment::from(Yaml::file_exact(path))),
        _ => Err(Box::new(Problem::at(name, "", "a configuration file ends in .toml, .yaml, .yml or .json"))),
    }
}

fn join(parts: Vec<Figment>) -> Result<Loaded, Vec<Problem>> {
    let mut lists: Vec<(&str, Vec<Value>)> = JOINED.iter().map(|name| (*name, Vec::new())).collect();
    let mut whole = Figment::new();
    let mut problems = Vec::new();
    for part in parts {
        for (name, list) in &mut lists {
            if let Ok(Value::Array(_, some)) = part.find_value(name) {
                list.extend(some);
            }
        }
        whole = whole.merge(part);
    }
    let values = match whole.extract::<Dict>() {
        Ok(mut values) => {
            for (name, list) in lists {
                if let Some(Value::Array(tag, _)) = values.get(name) {
                    values.insert(name.to_owned(), Value::Array(*tag, list));
                }
            }
            values
        }
        Err(error) => {
            for one in error {
                let place = one.metadata.as_ref().map(|metadata| match &metadata.source {
                    Some(Source::File(path)) => path.display().to_string(),
                    _ => metadata.name.to_string(),
                });
                problems.push(Problem::at(
                    place.unwrap_or_default(),
                    one.path.join("."),
                    one.kind.to_string(),
                ));
            }
            return Err(problems);
        }
    };
    Ok(Loaded { values, figment: whole })
}

fn from_environment(loaded: &mut Loaded) -> Result<(), Vec<Problem>> {
    let mut text = String::new();
    for (name, provider, variable) in FROM_ENVIRONMENT {
        if std::env::var_os(variable).is_some_and(|value| !value.is_empty()) {
            text.push_str(&format!(
                "[[accounts]]\nname = \"{name}\"\nprovider = \"{provider}\"\napi_key = {{ env = \"{variable}\" }}\n"
            ));
        }
    }
    let made = load_text(&text)?;
    loaded.values.extend(made.values);
    Ok(())
}
