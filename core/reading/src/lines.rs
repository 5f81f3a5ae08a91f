//! Where the values of a file stand: a line for each key path, as problems name them.

mod node;
mod toml;
mod yaml;

use node::{Inner, Node, Table};

/// The lines of a file's values. Texts are not kept, but for names: they may be secrets.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lines(Table);

impl Lines {
    /// Those of a TOML text. A text that can't be read has none.
    pub(crate) fn of_toml(text: &str) -> Self {
        Self(toml::read(text).unwrap_or_default())
    }

    /// Those of a YAML text, and of a JSON text, which YAML is a superset of.
    pub(crate) fn of_yaml(text: &str) -> Self {
        Self(yaml::read(text).unwrap_or_default())
    }

    /// The line of a key path like `accounts.claude-a.api_key` or `keys[0].limits[1].per`; of what the path names and
    /// the file has not, the line of what it would stand in.
    pub(crate) fn of(&self, path: &str) -> Option<usize> {
        let (mut node, mut rest) = in_table(&self.0, path)?;
        while let Some((inner, after)) = step(node, rest) {
            (node, rest) = (inner, after);
        }
        Some(node.line)
    }
}

fn step<'a, 'p>(node: &'a Node, rest: &'p str) -> Option<(&'a Node, &'p str)> {
    match &node.inner {
        Inner::Plain => None,
        Inner::Table(table) => in_table(table, rest.strip_prefix('.')?),
        Inner::List(list) => match rest.strip_prefix('[') {
            Some(rest) => {
                let (index, rest) = rest.split_once(']')?;
                Some((&list.get(index.parse::<usize>().ok()?)?.1, rest))
            }
            None => {
                let rest = rest.strip_prefix('.')?;
                // Of two that share a name the later one is the mistake.
                let named = list.iter().rev().filter_map(|(name, node)| Some((name.as_ref()?, node)));
                longest(named, rest)
            }
        },
    }
}

fn in_table<'a, 'p>(table: &'a Table, rest: &'p str) -> Option<(&'a Node, &'p str)> {
    longest(table.iter(), rest)
}

/// The longest name that a path begins with: names may have dots in them.
fn longest<'a, 'p>(
    named: impl Iterator<Item = (&'a String, &'a Node)>,
    path: &'p str,
) -> Option<(&'a Node, &'p str)> {
    let ends = |rest: &str| rest.is_empty() || rest.starts_with(['.', '[']);
    let fits = named.filter_map(|(name, node)| {
        let rest = path.strip_prefix(name.as_str()).filter(|rest| ends(rest))?;
        Some((node, rest))
    });
    // Of several of one length the first one, which `min_by_key` keeps.
    fits.min_by_key(|(_, rest)| rest.len())
}

#[cfg(test)]
mod tests {
    use super::Lines;

    const TOML: &str = "server.listen = \"x\"\n\n[admin]\ntoken = \"t\"\n\n[[accounts]]\nname = \"a.b\"\n\
        headers = { \"x.y\" = \"1\" }\n\n[[accounts]]\nname = \"a\"\nmodels = [\n  \"m\",\n  \"n\",\n]\n\
        [accounts.oauth]\ntoken_url = \"u\"\n";

    const YAML: &str = "server:\n  listen: x\nadmin: {token: t}\naccounts:\n  - provider: p\n    name: a.b\n\
        \x20   headers:\n      x.y: \"1\"\n  - name: a\n    models:\n      - m\n      - n\n    oauth:\n      token_url: u\n";

    const JSON: &str = "{\n\t\"server\": {\"listen\": \"x\"},\n\t\"admin\": {\n\t\t\"token\": \"t\"\n\t},\n\t\"accounts\": [\n\
        \t\t{\"name\": \"a.b\",\n\t\t\"headers\": {\"x.y\": \"1\"}},\n\t\t{\n\t\t\t\"name\": \"a\",\n\t\t\t\"models\": [\"m\",\n\t\t\t\"n\"]\n\t\t}\n\t]\n}\n";

    #[test]
    fn a_key_path_has_its_line_in_every_format() {
        for (path, lines) in [
            ("server.listen", [Some(1), Some(2), Some(2)]),
            ("admin", [Some(3), Some(3), Some(3)]),
            ("admin.token", [Some(4), Some(3), Some(4)]),
            ("accounts[0].name", [Some(7), Some(6), Some(7)]),
            ("accounts.a.b", [Some(6), Some(5), Some(7)]),
            ("accounts.a.b.headers.x.y", [Some(8), Some(8), Some(8)]),
            ("accounts.a.models[1]", [Some(14), Some(12), Some(12)]),
            // What is missing is where it would stand.
            ("accounts.a.api_key", [Some(10), Some(9), Some(9)]),
            ("accounts[7]", [Some(6), Some(4), Some(6)]),
            ("stats.timezone", [None; 3]),
            ("", [None; 3]),
        ] {
            let found =
                [Lines::of_toml(TOML), Lines::of_yaml(YAML), Lines::of_yaml(JSON)].map(|of| of.of(path));
            assert_eq!(found, lines, "{path}");
        }
        assert_eq!(Lines::of_toml(TOML).of("accounts.a.oauth.token_url"), Some(17));
        assert_eq!(Lines::of_yaml(YAML).of("accounts.a.oauth.token_url"), Some(14));
    }

    #[test]
    fn a_text_that_can_not_be_read_has_no_lines() {
        assert_eq!(Lines::of_toml("a = ").of("a"), None);
        assert_eq!(Lines::of_yaml("a: [").of("a"), None);
        assert_eq!(Lines::of_yaml("- a").of("a"), None);
        let deep = "[".repeat(10_000);
        assert_eq!(Lines::of_yaml(&format!("a: {deep}")).of("a"), None);
    }
}
