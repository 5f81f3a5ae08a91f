//! Texts that mean something else elsewhere: variables that nobody puts in, routes in a base URL, regular expressions.

use sluice_api::settings::{Problem, without_credentials};

use sluice_reading::Loaded;
use sluice_reading::{Text, texts};

/// How other programs write that a value is a variable's: what stands before and after its name.
const REFERENCES: [(&str, &str); 7] = [
    ("${", "}"),
    ("$env:", ""),
    ("os.environ/", ""),
    ("os.environ[\"", "\"]"),
    ("{{", "}}"),
    ("env:", ""),
    ("$", ""),
];

/// What requests add to a base URL by themselves, the longer before what they end in. A provider leaves out a version
/// that stands there too.
const ROUTES: [&str; 15] = [
    "/v1/messages",
    "/messages",
    "/messages/count_tokens",
    "/chat/completions",
    "/v1/completions",
    "/v1/responses",
    "/responses",
    "/responses/compact",
    "/v1/embeddings",
    "/embeddings",
    "/images/generations",
    "/v1/models",
    "/v1beta/models",
    ":generateContent",
    ":streamGenerateContent",
];

/// What a regular expression has and the name of a model has not. A point before a star may be one of a version.
const OF_EXPRESSIONS: [&str; 9] = ["^", "$", "(", ")", "|", ".+", "\\d", "\\w", "\\."];

/// Warnings about them.
pub(super) fn told(loaded: &Loaded) -> Vec<Problem> {
    let texts = texts(loaded);
    let told = texts
        .iter()
        .flat_map(|text| [reference(loaded, text), route(loaded, text), expression(loaded, text)]);
    told.flatten().collect()
}

fn reference(loaded: &Loaded, text: &Text<'_>) -> Option<Problem> {
    // Where a secret comes from is no text of its own.
    if text.path.ends_with(".env") || text.path.ends_with(".file") {
        return None;
    }
    let name = variable(text.text)?;
    let message = format!("this is taken as it stands: the variable {name} is not put in for it");
    Some(
        text.problem(loaded, message)
            .allowed(format!("a secret from the environment is {{ env = \"{name}\" }}")),
    )
}

/// The name of the variable that a text seems to refer to.
fn variable(text: &str) -> Option<&str> {
    let whole = REFERENCES.iter().find_map(|(before, after)| {
        let inner = text.trim().strip_prefix(before)?.strip_suffix(after)?.trim();
        let inner = inner.strip_prefix("env.").unwrap_or(inner);
        let name = inner.split_once(':').map_or(inner, |(name, _)| name);
        is_variable(name).then_some(name)
    });
    whole.or_else(|| {
        // In the midst of a text, as in `Bearer ${TOKEN}`.
        let (_, rest) = text.split_once("${")?;
        let (name, _) = rest.split_once('}')?;
        is_variable(name).then_some(name)
    })
}

/// Whether this is the name of a variable as people write them, and so no secret: those have small letters too.
fn is_variable(name: &str) -> bool {
    let first = name.bytes().next().is_some_and(|byte| byte.is_ascii_uppercase() || byte == b'_');
    first && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
}

fn route(loaded: &Loaded, text: &Text<'_>) -> Option<Problem> {
    if !text.path.ends_with(".base_url") {
        return None;
    }
    let base = text.text.trim_end_matches('/');
    let route = ROUTES.iter().find(|route| base.ends_with(**route))?;
    let message =
        format!("it ends in `{route}`, which requests add by themselves: it would stand there twice");
    let without = base.strip_suffix(route).unwrap_or(base);
    Some(text.problem(loaded, message).allowed(format!("{:?}", without_credentials(without))))
}

fn expression(loaded: &Loaded, text: &Text<'_>) -> Option<Problem> {
    let of_list = text.path.rsplit_once('[').is_some_and(|(list, _)| list.ends_with(".models"));
    let of_route = text.path.starts_with("routes[") && text.path.ends_with("].model");
    if !(of_list || of_route) || !is_expression(text.text) {
        return None;
    }
    let message = format!(
        "`{}` looks like a regular expression, but it is a glob, in which `*` is any text and all else stands for itself",
        text.text
    );
    Some(text.problem(loaded, message).allowed("globs like claude-*, gpt-5.? or {claude,gpt}-*"))
}

fn is_expression(glob: &str) -> bool {
    let any = glob.match_indices(".*").any(|(at, _)| {
        let before = glob.get(..at).and_then(|before| before.chars().next_back());
        before.is_none_or(|letter| !letter.is_ascii_digit())
    });
    any || OF_EXPRESSIONS.iter().any(|part| glob.contains(part))
}

#[cfg(test)]
mod tests {
    use super::{is_expression, variable};

    #[test]
    fn a_variable_of_another_program_is_known_and_a_secret_is_none() {
        for (text, name) in [
            ("${ANTHROPIC_API_KEY}", Some("ANTHROPIC_API_KEY")),
            ("${KEY:-planted}", Some("KEY")),
            ("$OPENAI_API_KEY", Some("OPENAI_API_KEY")),
            ("os.environ/AZURE_API_KEY", Some("AZURE_API_KEY")),
            ("{{ env.KEY }}", Some("KEY")),
            ("{{KEY}}", Some("KEY")),
            ("env:KEY", Some("KEY")),
            ("Bearer ${TOKEN}", Some("TOKEN")),
            ("sk-ant-planted", None),
            ("$planted", None),
            ("${planted", None),
            ("pa$$WORD", None),
            ("", None),
        ] {
            assert_eq!(variable(text), name, "{text}");
        }
    }

    #[test]
    fn an_expression_is_told_from_a_glob() {
        for expression in
            [".*", "claude-.*", "^gpt-5", "gpt-5$", "(gpt|o3)-mini", "gpt-\\d", "claude.+", "gpt-5\\.1"]
        {
            assert!(is_expression(expression), "{expression}");
        }
        for glob in ["*", "claude-*", "gpt-4.*", "!gpt-5.?", "{gpt,o3}-*", "gpt-[45]*", "meta/llama-3.1"] {
            assert!(!is_expression(glob), "{glob}");
        }
    }
}
