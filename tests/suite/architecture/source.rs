//! A crate's own source, read file by file from its root, and which file takes names from which.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path as FilePath, PathBuf};

use syn::Item;
use syn::spanned::Spanned as _;

use super::read::{Contents, Function, Path, is_for_tests, lines};

/// How far a name is followed from `use` to `use`.
const HOPS: usize = 16;

/// A crate, without its tests.
#[derive(Debug)]
pub(crate) struct Source {
    /// Its files, from the folder of its sources on.
    pub(crate) files: Vec<File>,
    modules: BTreeMap<Path, Module>,
}

/// A file of it.
#[derive(Debug)]
pub(crate) struct File {
    pub(crate) path: PathBuf,
    /// Lines without tests.
    pub(crate) lines: usize,
}

#[derive(Debug)]
struct Module {
    file: usize,
    contents: Contents,
}

/// Where a path leads.
enum Place {
    /// To a name that is defined in this file.
    File(usize),
    /// To a module itself.
    Module,
    /// Out of the crate, whose name this is.
    Abroad(String),
}

/// That a file takes a name from another, by their numbers.
pub(crate) type Arrows = BTreeMap<(usize, usize), String>;

impl Source {
    /// Reads a crate, given the folder of its sources.
    pub(crate) fn read(folder: &FilePath) -> Self {
        let mut source = Self { files: Vec::new(), modules: BTreeMap::new() };
        let root =
            ["lib.rs", "main.rs"].map(FilePath::new).into_iter().find(|root| folder.join(root).is_file());
        let root = root.unwrap_or_else(|| panic!("{} has no lib.rs and no main.rs", folder.display()));
        source.file(folder, root.to_owned(), &Path::new(), FilePath::new(""));
        source
    }

    /// Reads a file; those of its modules are in the folder `inside`.
    fn file(&mut self, folder: &FilePath, path: PathBuf, module: &Path, inside: &FilePath) {
        let text = std::fs::read_to_string(folder.join(&path)).unwrap();
        let parsed = syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let file = self.files.len();
        self.files.push(File { path, lines: text.lines().count() });
        self.module(folder, (file, &parsed.items), module, inside);
    }

    fn module(
        &mut self,
        folder: &FilePath,
        (file, items): (usize, &[Item]),
        module: &Path,
        inside: &FilePath,
    ) {
        let contents = Contents::of(items);
        self.files[file].lines -= contents.test_lines;
        self.modules.insert(module.clone(), Module { file, contents });
        for item in items {
            let Item::Mod(child) = item else { continue };
            if is_for_tests(&child.attrs) {
                self.files[file].lines -= lines(child.span());
                continue;
            }
            let name = child.ident.to_string();
            let inside = inside.join(&name);
            let module = module.iter().cloned().chain([name]).collect();
            match &child.content {
                Some((_, items)) => self.module(folder, (file, items), &module, &inside),
                None => {
                    let places = [inside.with_extension("rs"), inside.join("mod.rs")];
                    let path = places.into_iter().find(|path| folder.join(path).is_file());
                    let path = path.unwrap_or_else(|| panic!("no file of mod {}", module.join("::")));
                    self.file(folder, path, &module, &inside);
                }
            }
        }
    }

    /// The names that others see at its root: those that stand there, and exported macros of any module.
    pub(crate) fn face(&self) -> BTreeSet<&str> {
        let shown = self.modules.get(&Path::new()).into_iter().flat_map(|root| &root.contents.shown);
        let macros = self.modules.values().flat_map(|module| &module.contents.exported);
        shown.chain(macros).map(String::as_str).collect()
    }

    /// Its functions, but for those of tests.
    pub(crate) fn functions(&self) -> impl Iterator<Item = (&FilePath, &Function)> {
        let all = self.modules.values();
        all.flat_map(|Module { file, contents }| {
            contents.functions.iter().map(|function| (self.files[*file].path.as_path(), function))
        })
    }

    /// Which file takes a name from which, and one such name.
    pub(crate) fn arrows(&self) -> Arrows {
        let mut arrows = Arrows::new();
        self.each_taken(|from, path, place| {
            if let Place::File(to) = place
                && to != from
            {
                arrows.entry((from, to)).or_insert_with(|| path.last().cloned().unwrap_or_default());
            }
        });
        arrows
    }

    /// Other crates that it takes names from.
    pub(crate) fn abroad(&self) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        self.each_taken(|_, _, place| {
            if let Place::Abroad(name) = place {
                names.insert(name);
            }
        });
        names
    }

    /// Tells each path that a file takes, and where it leads.
    fn each_taken(&self, mut tell: impl FnMut(usize, &Path, Place)) {
        for (name, Module { file, contents }) in &self.modules {
            // What is only handed on is not taken.
            let taken = contents
                .brought
                .iter()
                .filter(|(word, one)| !one.handed_on || contents.words.contains(*word));
            for path in taken.map(|(_, one)| &one.path).chain(&contents.paths) {
                if let Some(place) = self.place(name, path, HOPS) {
                    tell(*file, path, place);
                }
            }
        }
    }

    /// Where a path leads that stands in a module; nowhere if it begins with a name that the module does not know.
    fn place(&self, module: &Path, path: &[String], hops: usize) -> Option<Place> {
        let mut at = module.clone();
        let mut rest = path;
        let mut is_own = false;
        while let Some((first, others)) = rest.split_first() {
            match first.as_str() {
                "crate" => at.clear(),
                "super" => drop(at.pop()),
                "self" => {}
                _ => break,
            }
            (rest, is_own) = (others, true);
        }
        while let Some((name, others)) = rest.split_first() {
            let Module { file, contents } = self.modules.get(&at)?;
            let child: Path = at.iter().cloned().chain([name.clone()]).collect();
            let is_module = self.modules.contains_key(&child);
            if is_module && !(others.is_empty() && contents.names(name)) {
                (at, rest, is_own) = (child, others, true);
                continue;
            }
            if contents.defined.contains(name) {
                return Some(Place::File(*file));
            }
            if let Some(brought) = contents.brought.get(name) {
                let whole: Path = brought.path.iter().chain(others).cloned().collect();
                return self.place(&at, &whole, hops.checked_sub(1)?);
            }
            // A name of the crate that nobody is seen to define is made by a macro, or `*`.
            return Some(if is_own { Place::File(*file) } else { Place::Abroad(name.clone()) });
        }
        Some(Place::Module)
    }
}
