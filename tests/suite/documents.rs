//! Documents: what they point to exists, what they cite is where they say, and the code map leaves nothing out.

use std::path::{Path, PathBuf};

use sluice_tests::gateway::workspace;

/// The folder of what is built; those whose names begin with a dot are not looked into either.
const BUILT: &str = "target";

/// Endings by which a path in backticks is taken for a file of the repository.
const ENDINGS: [&str; 4] = [".rs", ".md", ".toml", ".py"];

/// A Markdown file.
struct Document {
    path: PathBuf,
    /// Its text without the fenced blocks.
    prose: String,
    /// Its fenced blocks, each with the line before it.
    blocks: Vec<(String, String)>,
}

impl Document {
    fn read(path: PathBuf) -> Self {
        let text = std::fs::read_to_string(&path).unwrap();
        let parts: Vec<&str> = text.split("\n```").collect();
        assert!(parts.len() % 2 == 1, "{}: a fenced block has no end", path.display());
        let prose: Vec<&str> = parts.iter().copied().step_by(2).collect();
        let prose = prose.join("\n");
        assert!(prose.matches('`').count().is_multiple_of(2), "{}: a backtick has no other", path.display());
        let blocks = parts.chunks_exact(2).map(|pair| {
            let lead = pair[0].trim_end().lines().last().unwrap_or_default();
            let (_kind, block) = pair[1].split_once('\n').unwrap_or_default();
            (lead.to_owned(), block.to_owned())
        });
        Self { blocks: blocks.collect(), prose, path }
    }

    fn folder(&self) -> &Path {
        self.path.parent().unwrap()
    }

    /// Whether a path in backticks exists, from the top of the repository or from the document's own folder.
    fn reaches(&self, path: &str) -> bool {
        workspace().join(path).exists() || self.folder().join(path).exists()
    }

    /// The file that a link points to, as text.
    fn linked(&self, target: &str) -> String {
        let path = self.folder().join(target);
        std::fs::read_to_string(&path)
            .unwrap_or_else(|error| panic!("{}: {target}: {error}", self.path.display()))
    }
}

/// Every file of the repository whose name ends so.
fn files(ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![workspace()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy();
            if name.starts_with('.') || name == BUILT {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else if name.ends_with(ending) {
                found.push(path);
            }
        }
    }
    found
}

fn documents() -> Vec<Document> {
    files(".md").into_iter().map(Document::read).collect()
}

/// Links, as label and target.
fn links(prose: &str) -> Vec<(&str, &str)> {
    let each = prose.match_indices("](").filter_map(|(at, _)| {
        let (_, label) = prose[..at].rsplit_once('[')?;
        let (target, _) = prose[at + 2..].split_once(')')?;
        Some((label, target))
    });
    each.collect()
}

/// What stands in backticks.
fn spans(prose: &str) -> impl Iterator<Item = &str> {
    prose.split('`').skip(1).step_by(2)
}

/// The name in `fn name`.
fn function(span: &str) -> Option<&str> {
    span.trim_matches('`').strip_prefix("fn ")
}

/// A document's part under a heading of the second level.
fn section<'a>(prose: &'a str, heading: &str) -> &'a str {
    let (_, after) = prose.split_once(&format!("\n## {heading}\n")).unwrap();
    after.split("\n## ").next().unwrap()
}

fn defines(line: &str, name: &str) -> bool {
    line.split_once(&format!("fn {name}")).is_some_and(|(_, rest)| rest.starts_with(['(', '<']))
}

/// Whether a source has a test of this name.
fn tests(source: &str, name: &str) -> bool {
    let lines: Vec<&str> = source.lines().map(str::trim).collect();
    lines.windows(2).any(|pair| pair[0].ends_with("test]") && defines(pair[1], name))
}

/// Text without its indentation, so that a part of a file can be found in it.
fn flush(text: &str) -> String {
    text.lines().map(str::trim).collect::<Vec<_>>().join("\n")
}

#[test]
fn every_relative_link_points_to_something() {
    for document in documents() {
        for (label, target) in links(&document.prose) {
            let path = target.split('#').next().unwrap_or_default();
            let elsewhere = target.contains("://") || path.is_empty();
            assert!(
                elsewhere || document.folder().join(path).exists(),
                "{}: [{label}]({target}) points to nothing",
                document.path.display()
            );
        }
    }
}

#[test]
fn every_path_in_backticks_exists() {
    for document in documents() {
        let paths = spans(&document.prose).filter(|span| {
            let ends = ENDINGS.iter().any(|ending| span.ends_with(ending));
            ends && span.contains('/') && !span.contains("://") && !span.contains(char::is_whitespace)
        });
        for path in paths {
            assert!(document.reaches(path), "{}: `{path}` does not exist", document.path.display());
        }
    }
}

#[test]
fn the_code_map_names_every_crate_and_every_module_of_core() {
    let page = Document::read(workspace().join("core/README.md"));
    let map = section(&page.prose, "Code map");
    let linked: Vec<PathBuf> = links(map).iter().map(|(_, target)| page.folder().join(target)).collect();
    let modules = files(".rs").into_iter().filter(|path| path.starts_with(page.folder()));
    for module in modules {
        assert!(linked.contains(&module), "{} is not in the code map", module.display());
    }
    for manifest in files("Cargo.toml") {
        let text = std::fs::read_to_string(&manifest).unwrap();
        let Some(name) = text.lines().find_map(|line| line.strip_prefix("name = ")) else { continue };
        let named = format!("`{}`", name.trim_matches('"'));
        assert!(map.contains(&named), "{named} is not in the code map");
    }
}

#[test]
fn every_function_that_is_cited_is_where_its_link_says() {
    for document in documents() {
        for (label, target) in links(&document.prose) {
            let Some(name) = function(label) else { continue };
            let found = document.linked(target).lines().any(|line| defines(line, name));
            assert!(found, "{}: {target} has no `fn {name}`", document.path.display());
        }
    }
}

#[test]
fn every_invariant_names_tests_that_exist() {
    let page = Document::read(workspace().join("core/README.md"));
    let invariants = section(&page.prose, "Invariants");
    let cited: Vec<(&str, &str)> = links(invariants)
        .into_iter()
        .filter_map(|(label, target)| function(label).map(|name| (name, target)))
        .collect();
    assert_eq!(cited.len(), spans(invariants).filter_map(function).count(), "a test is cited without a link");
    assert!(!cited.is_empty());
    for (name, target) in cited {
        assert!(tests(&page.linked(target), name), "{target} has no test `fn {name}`");
    }
}

/// A block that follows a line with a link to a file, and a colon at its end, is a part of that file.
#[test]
fn what_is_shown_of_a_file_stands_in_it() {
    let mut shown = 0;
    for document in documents() {
        for (lead, block) in &document.blocks {
            let Some((_, target)) = links(lead).pop().filter(|_| lead.ends_with(':')) else { continue };
            let source = flush(&document.linked(target));
            assert!(source.contains(&flush(block)), "{}: {target} reads otherwise", document.path.display());
            shown += 1;
        }
    }
    assert!(shown > 0);
}
