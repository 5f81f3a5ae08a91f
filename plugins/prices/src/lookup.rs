//! Which entry of the list a model is priced by: its exact name, then documented rules; never a pattern.

use crate::list::{Entry, List};

/// Where Gemini's models stand.
const GEMINI: &str = "gemini/";

/// Where the models of Vertex AI stand, whoever made them.
const VERTEX: &str = "vertex_ai/";

/// What is in the names that Vertex AI has for models: in its own paths, and at its endpoint for Chat Completions.
const OF_VERTEX: [&str; 2] = ["publishers/", "google/"];

/// The prefix of the models of a provider, by its kind. Anthropic's, OpenAI's and Bedrock's have none.
const OF_PROVIDERS: [(&str, &str); 2] = [("azure-openai", "azure/"), ("gemini", GEMINI)];

/// Kinds of providers behind which any maker's models may stand, as they are compatible with many.
const OF_ANY_MAKER: [&str; 4] = ["openai-compatible", "openai-responses", "ccr", "simulated"];

/// What was left out of a name until it was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Nothing: the name stands in the list, behind the provider's prefix or as it is.
    Exact,
    /// `[1m]` at its end, which asks for a long context.
    ContextMarker,
    /// What stands before the model in a path or an ARN: `models/`, `foundation-model/`, `inference-profile/`, `google/`.
    Path,
    /// `-latest` at its end, or Vertex AI's `@default`.
    Latest,
    /// A date at its end: `-20251001`, `@20251001`, `-2025-10-01`.
    Date,
}

/// Where the list has a name that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Under {
    /// Where names of the provider's models stand: behind its prefix, or without one where it has none.
    Own,
    /// Without the provider's prefix: the maker's price, which others mostly ask for too.
    NoPrefix,
    /// Behind Gemini's prefix, of a provider that has any maker's models: the list has Gemini's there alone.
    Gemini,
    /// Behind Vertex AI's prefix, of a name that is one of its paths.
    Vertex,
}

/// What a rule makes of a name that it applies to.
type Shorter = fn(&str) -> Option<&str>;

/// Rules in the order in which they are applied, each to what the one before it left: dates last, as a name with its
/// date may have a price of its own.
const RULES: [(Rule, Shorter); 4] = [
    (Rule::ContextMarker, |name| name.strip_suffix("[1m]")),
    (Rule::Path, |name| {
        is_path(name).then(|| PATHS.iter().find_map(|path| Some(name.rsplit_once(path)?.1)))?
    }),
    (Rule::Latest, |name| name.strip_suffix("-latest").or_else(|| name.strip_suffix("@default"))),
    (Rule::Date, dateless),
];

/// What stands right before a model's name in a path.
const PATHS: [&str; 4] = ["models/", "foundation-model/", "inference-profile/", "google/"];

/// Whose name of the model it was found by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// The name that upstream was asked for.
    Asked,
    /// The name that the answer reports.
    Reported,
}

/// An entry, and how it was found.
#[derive(Clone, Copy, Debug)]
pub struct Found<'a> {
    /// The entry of that name, which may be an alias.
    pub entry: &'a Entry,
    /// What was left out of the name.
    pub rule: Rule,
    /// Whose name it was.
    pub by: By,
    /// Where the list has it.
    pub under: Under,
}

/// Names of rules, by whose name it was; for each, by where the list has it; for each, as they are and where what was found
/// is another name of the model.
macro_rules! names {
    ($name:literal) => {
        [names!(@ "", $name), names!(@ "reported, ", $name)]
    };
    (@ $by:literal, $name:literal) => {
        [
            [concat!($by, $name), concat!($by, $name, ", alias")],
            [concat!($by, $name, ", no prefix"), concat!($by, $name, ", no prefix, alias")],
            [concat!($by, $name, ", gemini/"), concat!($by, $name, ", gemini/, alias")],
            [concat!($by, $name, ", vertex_ai/"), concat!($by, $name, ", vertex_ai/, alias")],
        ]
    };
}

impl Found<'_> {
    /// How records say it.
    #[must_use]
    pub fn told(&self, alias: bool) -> &'static str {
        let [asked, reported] = match self.rule {
            Rule::Exact => names!("exact"),
            Rule::ContextMarker => names!("context marker"),
            Rule::Path => names!("path"),
            Rule::Latest => names!("latest"),
            Rule::Date => names!("date"),
        };
        let [own, no_prefix, gemini, vertex] = if self.by == By::Asked { asked } else { reported };
        let [plain, aliased] = match self.under {
            Under::Own => own,
            Under::NoPrefix => no_prefix,
            Under::Gemini => gemini,
            Under::Vertex => vertex,
        };
        if alias { aliased } else { plain }
    }
}

impl List {
    /// The entry of a model: by the name that upstream was asked for, else by the one that the answer reports; both
    /// exactly first, then by rules.
    #[must_use]
    pub fn find(&self, provider: &str, asked: &str, reported: Option<&str>) -> Option<Found<'_>> {
        let names = || std::iter::once((By::Asked, asked)).chain(reported.map(|name| (By::Reported, name)));
        let prefix = OF_PROVIDERS.iter().find_map(|(kind, prefix)| (*kind == provider).then_some(*prefix));
        let entry = |name| match prefix {
            Some(prefix) => {
                let own = self.behind(prefix, name).map(|entry| (entry, Under::Own));
                own.or_else(|| Some((self.exact(name)?, Under::NoPrefix)))
            }
            None => {
                let own = self.exact(name).map(|entry| (entry, Under::Own));
                let any = OF_ANY_MAKER.contains(&provider);
                own.or_else(|| any.then(|| Some((self.behind(GEMINI, name)?, Under::Gemini)))?)
            }
        };
        let found = |by, name, rule| entry(name).map(|(entry, under)| Found { entry, rule, by, under });
        let exact = names().find_map(|(by, name)| found(by, name, Rule::Exact));
        exact.or_else(|| {
            names().find_map(|(by, mut name)| {
                let vertex = is_path(name) && OF_VERTEX.iter().any(|path| name.contains(path));
                RULES.iter().find_map(|(rule, without)| {
                    name = without(name).filter(|rest| !rest.is_empty())?;
                    let of_vertex = vertex.then(|| self.behind(VERTEX, name)).flatten();
                    let of_vertex =
                        of_vertex.map(|entry| Found { entry, rule: *rule, by, under: Under::Vertex });
                    of_vertex.or_else(|| found(by, name, *rule))
                })
            })
        })
    }
}

impl List {
    /// The entry of what is left of a name by the rules, where there is none of the name itself.
    pub(crate) fn shortened(&self, name: &str) -> Option<&Entry> {
        let mut left = name;
        RULES.iter().find_map(|(_, without)| {
            left = without(left).filter(|rest| !rest.is_empty())?;
            self.exact(left)
        })
    }
}

/// Whether a name is a path, which few are: what stands in one is looked for there alone.
fn is_path(name: &str) -> bool {
    name.as_bytes().contains(&b'/')
}

/// A name without the date at its end.
fn dateless(name: &str) -> Option<&str> {
    const DIGITS: [&str; 3] = ["-dddddddd", "@dddddddd", "-dddd-dd-dd"];
    DIGITS.iter().find_map(|form| {
        let at = name.len().checked_sub(form.len())?;
        let (rest, date) = name.split_at_checked(at)?;
        let fits = form.bytes().zip(date.bytes()).all(|(form, byte)| match form {
            b'd' => byte.is_ascii_digit(),
            _ => byte == form,
        });
        fits.then_some(rest)
    })
}

#[cfg(test)]
mod tests {
    use super::{By, Rule, dateless};
    use crate::list::List;

    const FILE: &str = r#"
        [models]
        "claude-x" = { input = "1" }
        "claude-y" = { input = "1" }
        "claude-y-20250101" = { input = "2" }
        "gpt-x" = { input = "1" }
        "azure/gpt-x" = { input = "2" }
        "gemini/gemini-x" = { input = "1" }
        "us.anthropic.claude-x-v1:0" = { input = "1" }
        "claude-best" = { alias_of = "claude-x" }
        "vertex_ai/claude-x" = { input = "1" }
        "vertex_ai/gemini-x" = { input = "1" }
    "#;

    #[test]
    fn a_name_is_found_exactly_then_by_documented_rules_and_never_by_likeness() {
        let list = List::default().overlaid("f", FILE).unwrap();
        for (provider, asked, reported, found) in [
            ("claude-console", "claude-x", None, Some(("claude-x", Rule::Exact, By::Asked))),
            ("claude-console", "claude-x[1m]", None, Some(("claude-x", Rule::ContextMarker, By::Asked))),
            ("claude-console", "claude-x-20250101", None, Some(("claude-x", Rule::Date, By::Asked))),
            ("claude-console", "claude-x@20250101", None, Some(("claude-x", Rule::Date, By::Asked))),
            ("claude-console", "claude-x-20250101[1m]", None, Some(("claude-x", Rule::Date, By::Asked))),
            (
                "claude-console",
                "claude-y-20250101",
                None,
                Some(("claude-y-20250101", Rule::Exact, By::Asked)),
            ),
            (
                "claude-console",
                "claude-y-20250101[1m]",
                None,
                Some(("claude-y-20250101", Rule::ContextMarker, By::Asked)),
            ),
            ("claude-console", "claude-x-latest", None, Some(("claude-x", Rule::Latest, By::Asked))),
            ("claude-console", "claude-best", None, Some(("claude-best", Rule::Exact, By::Asked))),
            ("openai", "gpt-x-2025-01-01", None, Some(("gpt-x", Rule::Date, By::Asked))),
            ("openai", "gpt-x", None, Some(("gpt-x", Rule::Exact, By::Asked))),
            ("azure-openai", "gpt-x", None, Some(("azure/gpt-x", Rule::Exact, By::Asked))),
            (
                "azure-openai",
                "mine",
                Some("gpt-x-2025-01-01"),
                Some(("azure/gpt-x", Rule::Date, By::Reported)),
            ),
            ("openai", "mine-2025-01-01", Some("gpt-x"), Some(("gpt-x", Rule::Exact, By::Reported))),
            ("gemini", "gemini-x", None, Some(("gemini/gemini-x", Rule::Exact, By::Asked))),
            ("gemini", "models/gemini-x", None, Some(("gemini/gemini-x", Rule::Path, By::Asked))),
            (
                "bedrock",
                "arn:aws:bedrock:us-east-1:1:inference-profile/us.anthropic.claude-x-v1:0",
                None,
                Some(("us.anthropic.claude-x-v1:0", Rule::Path, By::Asked)),
            ),
            ("openai", "gemini-x", None, None),
            ("openai-compatible", "gemini-x", None, Some(("gemini/gemini-x", Rule::Exact, By::Asked))),
            ("openai-compatible", "models/gemini-x", None, Some(("gemini/gemini-x", Rule::Path, By::Asked))),
            ("azure-openai", "gemini-x", None, None),
            (
                "claude-console",
                "projects/p/locations/us-east5/publishers/anthropic/models/claude-x@default",
                None,
                Some(("vertex_ai/claude-x", Rule::Latest, By::Asked)),
            ),
            (
                "openai-compatible",
                "google/gemini-x",
                None,
                Some(("vertex_ai/gemini-x", Rule::Path, By::Asked)),
            ),
            (
                "openai-compatible",
                "vertex_ai/gemini-x",
                None,
                Some(("vertex_ai/gemini-x", Rule::Exact, By::Asked)),
            ),
            ("claude-console", "claude-x-fast", None, None),
            ("claude-console", "claude-x-1", None, None),
            ("claude-console", "claude", None, None),
            ("claude-console", "CLAUDE-X", None, None),
            ("claude-console", "-20250101", None, None),
            ("claude-console", "", None, None),
        ] {
            let told = list.find(provider, asked, reported);
            let told = told.map(|told| (&*told.entry.name, told.rule, told.by));
            assert_eq!(told, found, "{provider}: {asked}, {reported:?}");
        }
    }

    #[test]
    fn a_rule_says_where_the_list_has_the_name() {
        let list = List::default().overlaid("f", FILE).unwrap();
        for (provider, asked, reported, told) in [
            ("azure-openai", "gpt-x", None, "exact"),
            ("azure-openai", "claude-x", None, "exact, no prefix"),
            ("gemini", "claude-x-20250101", None, "date, no prefix"),
            ("openai-compatible", "gemini-x", None, "exact, gemini/"),
            ("simulated", "other", Some("gemini-x-latest"), "reported, latest, gemini/"),
            ("openai", "gpt-x", None, "exact"),
            ("openai-compatible", "google/gemini-x", None, "path, vertex_ai/"),
        ] {
            assert_eq!(
                list.find(provider, asked, reported).unwrap().told(false),
                told,
                "{provider}: {asked}"
            );
        }
        let aliased = list.find("azure-openai", "claude-best", None).unwrap();
        assert_eq!(aliased.told(true), "exact, no prefix, alias");
    }

    #[test]
    fn a_date_is_digits_at_the_end_of_a_name() {
        for (name, rest) in [
            ("a-20250101", Some("a")),
            ("a@20250101", Some("a")),
            ("a-2025-01-01", Some("a")),
            ("a-2025-1-1", None),
            ("a-2025010", None),
            ("ä20250101", None),
            ("20250101", None),
        ] {
            assert_eq!(dateless(name), rest, "{name}");
        }
    }
}
