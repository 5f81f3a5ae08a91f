//! What is kept of a client's request to write its answer.

/// What a client asked, as far as its answer tells it or depends on it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asked {
    /// Members of the response that say what was asked, as JSON without its braces.
    pub(crate) echo: String,
    /// Tools of namespaces.
    pub(crate) namespaces: Vec<Spaced>,
    /// That the client searches for tools itself: a call of `tool_search` is such a search.
    pub(crate) searches: bool,
}

/// A tool of a namespace.
#[derive(Clone, Debug)]
pub(crate) struct Spaced {
    /// As other dialects know it.
    pub(crate) flat: String,
    /// The namespace.
    pub(crate) namespace: String,
    /// Its name there.
    pub(crate) name: String,
}

/// The tool by which a client searches for tools.
pub(crate) const TOOL_SEARCH: &str = "tool_search";

impl Asked {
    /// The namespace of a tool and its name there.
    pub(crate) fn spaced<'a>(&'a self, flat: &'a str) -> (Option<&'a str>, &'a str) {
        match self.namespaces.iter().find(|spaced| spaced.flat == flat) {
            Some(spaced) => (Some(&spaced.namespace), &spaced.name),
            None => (None, flat),
        }
    }
}

/// A tool of a namespace, as other dialects know it.
pub(crate) fn flat(namespace: Option<&str>, name: &str) -> String {
    match namespace {
        Some(namespace) => format!("{namespace}__{name}"),
        None => name.to_owned(),
    }
}
