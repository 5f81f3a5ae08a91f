//! Reading: defaults, files, environment, later over earlier, each value with its place.

use std::path::{Path, PathBuf};

use figment::value::{Dict, Tag, Value};
use figment::{Figment, Source};
use sluice_api::settings::{Origins, Problem};

use crate::environment::{Environment, NAME as ENVIRONMENT};
use crate::file::Part;
use crate::lines::Lines;

/// Lists that files add to, instead of replacing them.
const JOINED: [&str; 4] = ["accounts", "keys", "groups", "routes"];

/// What a configuration that comes from no file is called.
const TEXT: &str = "text";

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
    values: Dict,
    figment: Figment,
    files: Vec<FileRead>,
    environment: Environment,
}

/// A file as it was read.
#[derive(Clone, Debug)]
pub struct FileRead {
    path: PathBuf,
    /// Whether it said nothing.
    is_empty: bool,
    lines: Lines,
}

impl FileRead {
    /// Its name, as problems tell it.
    #[must_use]
    pub fn name(&self) -> String {
        self.path.display().to_string()
    }
}

impl Loaded {
    /// Every table by its name.
    #[must_use]
    pub const fn values(&self) -> &Dict {
        &self.values
    }

    /// The files, in order.
    #[must_use]
    pub fn files(&self) -> &[FileRead] {
        &self.files
    }

    /// The environment, empty where it was not read.
    #[must_use]
    pub const fn environment(&self) -> &Environment {
        &self.environment
    }

    /// The values of a table; nothing where there is none.
    #[must_use]
    pub fn table(&self, name: &str) -> Option<&Value> {
        self.values.get(name)
    }

    /// A problem with its line, or with its variable where its value comes from the environment.
    #[must_use]
    pub fn placed(&self, mut problem: Problem) -> Problem {
        if problem.line.is_some() || problem.variable.is_some() || problem.path.is_empty() {
            return problem;
        }
        let variable =
            if problem.file == ENVIRONMENT { self.environment.variable(&problem.path) } else { None };
        problem.variable = variable.map(ToOwned::to_owned);
        problem.line = self.line(&problem.file, &problem.path);
        problem
    }

    /// The line of a key path in a file.
    fn line(&self, file: &str, path: &str) -> Option<usize> {
        self.files.iter().find(|read| read.name() == file)?.lines.of(path)
    }

    /// A file, and the line of a key path in it where that is known, for sentences.
    #[must_use]
    pub fn place(&self, file: &str, path: &str) -> String {
        self.line(file, path).map_or_else(|| file.to_owned(), |line| format!("{file}:{line}"))
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
pub enum Sources {
    /// The files named, or the usual ones where none is; and the environment.
    Files(Vec<PathBuf>),
    /// A text, and nothing else.
    Text(String),
}

impl Sources {
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

    /// Reads it again. What was read `before` must be there still and must say something where it did: a file that is
    /// being replaced, or was lost, says nothing about what should be in force.
    ///
    /// # Errors
    ///
    /// As [`Sources::load`], and where a file is gone or empty now.
    pub fn load_again(&self, before: &Loaded) -> Result<Loaded, Vec<Problem>> {
        let Self::Files(named) = self else { return self.load() };
        let read: Vec<PathBuf> = before.files.iter().map(|file| file.path.clone()).collect();
        let fresh = load(if read.is_empty() { named } else { &read })?;
        let said = |file: &FileRead| before.files.iter().any(|one| one.path == file.path && !one.is_empty);
        let emptied = fresh.files.iter().filter(|file| file.is_empty && said(file));
        let message = "the file is empty now, and was not when it was last read: what it said stays in force";
        let problems: Vec<Problem> = emptied.map(|file| Problem::at(file.name(), "", message)).collect();
        if problems.is_empty() { Ok(fresh) } else { Err(problems) }
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
    let mut read = Vec::new();
    let mut parts = Vec::new();
    for path in &chosen {
        match Part::file(path) {
            Ok(part) => {
                read.push(file_read(path, &part));
                parts.push(Figment::from(part));
            }
            Err(more) => problems.extend(more),
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let variables = Figment::from(&environment);
    if chosen.is_empty() && variables.find_value("accounts").is_err() {
        parts.push(Figment::from(Part::text(&accounts_of_environment(), ENVIRONMENT)?));
    }
    parts.push(variables);
    join(parts, read, environment)
}

fn file_read(path: &Path, part: &Part) -> FileRead {
    FileRead { path: path.to_owned(), is_empty: part.is_empty(), lines: part.lines().clone() }
}

/// Reads a configuration from TOML text, with nothing else: for demonstrations and tests.
///
/// # Errors
///
/// When it can't be parsed.
pub fn load_text(text: &str) -> Result<Loaded, Vec<Problem>> {
    let part = Part::text(text, TEXT)?;
    let read = file_read(Path::new(TEXT), &part);
    join(vec![Figment::from(part)], vec![read], Environment::default())
}

fn chosen(files: &[PathBuf], environment: &Environment) -> Vec<PathBuf> {
    if !files.is_empty() {
        return files.to_vec();
    }
    if let Some(path) = environment.config() {
        return vec![path.into()];
    }
    USUAL.iter().map(PathBuf::from).find(|path| path.is_file()).into_iter().collect()
}

fn join(parts: Vec<Figment>, files: Vec<FileRead>, environment: Environment) -> Result<Loaded, Vec<Problem>> {
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
    Ok(Loaded { values, figment: whole, files, environment })
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
