//! One module of a crate, read without its tests: what it defines, which names it brings in, and which it takes.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned as _;
use syn::visit::{self, Visit};
use syn::{Attribute, FnArg, Item, Meta, Signature, Token, UseTree, Visibility};

/// A path's names, first one first.
pub(crate) type Path = Vec<String>;

/// A name that a `use` brings in.
#[derive(Debug)]
pub(crate) struct Brought {
    pub(crate) path: Path,
    /// Whether others may take it from here: `pub use`, in any of its forms.
    pub(crate) handed_on: bool,
}

/// A function.
#[derive(Debug)]
pub(crate) struct Function {
    pub(crate) name: String,
    /// How many it has, but for `self`.
    pub(crate) parameters: usize,
}

/// What was read of a module.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    pub(crate) defined: BTreeSet<String>,
    pub(crate) brought: BTreeMap<String, Brought>,
    /// Paths of two names or more that stand in code, macros and attributes; what ends in `*` is all of a module.
    pub(crate) paths: BTreeSet<Path>,
    /// Names that stand alone, or first.
    pub(crate) words: BTreeSet<String>,
    pub(crate) functions: Vec<Function>,
    /// Names that other crates may take from here, where they can come here.
    pub(crate) shown: BTreeSet<String>,
    /// Macros that other crates may take from the crate's root.
    pub(crate) exported: BTreeSet<String>,
    /// Lines of what is for tests.
    pub(crate) test_lines: usize,
}

impl Contents {
    /// Reads items; modules among them are their reader's to follow.
    pub(crate) fn of(items: &[Item]) -> Self {
        let mut contents = Self::default();
        for item in items.iter().filter(|item| !is_for_tests(attributes(item))) {
            contents.show(item);
        }
        for item in items.iter().filter(|item| !matches!(item, Item::Mod(_))) {
            contents.defined.extend(name(item).filter(|_| !is_for_tests(attributes(item))));
            contents.visit_item(item);
        }
        contents
    }

    /// Whether a name of its own stands for something, beside the modules in it.
    pub(crate) fn names(&self, name: &str) -> bool {
        self.defined.contains(name) || self.brought.contains_key(name)
    }

    fn show(&mut self, item: &Item) {
        let visibility = match item {
            Item::Const(one) => &one.vis,
            Item::Enum(one) => &one.vis,
            Item::Fn(one) => &one.vis,
            Item::Macro(one) => {
                let is_exported = one.attrs.iter().any(|attribute| attribute.path().is_ident("macro_export"));
                self.exported.extend(name(item).filter(|_| is_exported));
                return;
            }
            Item::Mod(one) => &one.vis,
            Item::Static(one) => &one.vis,
            Item::Struct(one) => &one.vis,
            Item::Trait(one) => &one.vis,
            Item::Type(one) => &one.vis,
            Item::Union(one) => &one.vis,
            Item::Use(one) => &one.vis,
            _ => return,
        };
        if !matches!(visibility, Visibility::Public(_)) {
            return;
        }
        match item {
            Item::Mod(one) => drop(self.shown.insert(one.ident.to_string())),
            Item::Use(one) => {
                let mut handed = Self::default();
                handed.bring(&one.tree, &Path::new(), true);
                self.shown.extend(handed.brought.into_keys());
            }
            _ => self.shown.extend(name(item)),
        }
    }

    /// Counts off what is for tests, and tells whether it was.
    fn skips(&mut self, attributes: &[Attribute], lines: usize) -> bool {
        let skips = is_for_tests(attributes);
        if skips {
            self.test_lines += lines;
        }
        skips
    }

    fn bring(&mut self, tree: &UseTree, before: &Path, handed_on: bool) {
        // `use a::{self}` brings in `a`.
        let then = |name: &Ident| {
            let own = (before.is_empty() || name != "self").then(|| name.to_string());
            before.iter().cloned().chain(own).collect::<Path>()
        };
        match tree {
            UseTree::Path(one) => self.bring(&one.tree, &then(&one.ident), handed_on),
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.bring(tree, before, handed_on)),
            UseTree::Glob(_) if handed_on => panic!("all of {} is handed on: name it", before.join("::")),
            UseTree::Glob(_) => self.take(before.iter().cloned().chain(["*".to_owned()]).collect()),
            UseTree::Name(one) => {
                let path = then(&one.ident);
                self.brought.insert(path.last().unwrap().clone(), Brought { path, handed_on });
            }
            UseTree::Rename(one) => {
                let path = then(&one.ident);
                // Any number of names may be brought in as `_`.
                let name =
                    if one.rename == "_" { format!("_ {}", path.join("::")) } else { one.rename.to_string() };
                self.brought.insert(name, Brought { path, handed_on });
            }
        }
    }

    fn take(&mut self, path: Path) {
        if let Some(first) = path.first() {
            self.words.insert(first.clone());
        }
        if path.len() > 1 {
            self.paths.insert(path);
        }
    }

    /// Paths among tokens that only a macro understands.
    fn take_tokens(&mut self, tokens: TokenStream) {
        let mut path = Path::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(name) if colons == 2 && !path.is_empty() => path.push(name.to_string()),
                TokenTree::Ident(name) => {
                    self.take(std::mem::take(&mut path));
                    // Behind `::` alone it is another crate's.
                    if colons != 2 {
                        path.push(name.to_string());
                    }
                }
                TokenTree::Punct(mark) if mark.as_char() == ':' => {
                    colons += 1;
                    continue;
                }
                TokenTree::Group(group) => {
                    self.take(std::mem::take(&mut path));
                    self.take_tokens(group.stream());
                }
                _ => self.take(std::mem::take(&mut path)),
            }
            colons = 0;
        }
        self.take(path);
    }

    /// Paths in texts: serde is told so which function to call.
    fn take_texts(&mut self, tokens: TokenStream) {
        for token in tokens {
            if let TokenTree::Literal(text) = token
                && let Ok(text) = syn::parse_str::<syn::LitStr>(&text.to_string())
                && let Ok(path) = text.parse::<syn::Path>()
            {
                self.visit_path(&path);
            }
        }
    }
}

impl<'ast> Visit<'ast> for Contents {
    fn visit_item(&mut self, item: &'ast Item) {
        if !self.skips(attributes(item), lines(item.span())) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        panic!("mod {} stands in a function", module.ident);
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        if item.leading_colon.is_none() {
            self.bring(&item.tree, &Path::new(), !matches!(item.vis, Visibility::Inherited));
        }
    }

    fn visit_signature(&mut self, signature: &'ast Signature) {
        let parameters = signature.inputs.iter().filter(|one| matches!(one, FnArg::Typed(_))).count();
        self.functions.push(Function { name: signature.ident.to_string(), parameters });
        visit::visit_signature(self, signature);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        if !self.skips(&function.attrs, lines(function.span())) {
            visit::visit_impl_item_fn(self, function);
        }
    }

    fn visit_trait_item_fn(&mut self, function: &'ast syn::TraitItemFn) {
        if !self.skips(&function.attrs, lines(function.span())) {
            visit::visit_trait_item_fn(self, function);
        }
    }

    fn visit_field(&mut self, field: &'ast syn::Field) {
        if !self.skips(&field.attrs, lines(field.span())) {
            visit::visit_field(self, field);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.leading_colon.is_none() {
            self.take(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, one: &'ast syn::Macro) {
        visit::visit_macro(self, one);
        self.take_tokens(one.tokens.clone());
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        if let Meta::List(list) = &attribute.meta {
            self.take_tokens(list.tokens.clone());
            if list.path.is_ident("serde") {
                self.take_texts(list.tokens.clone());
            }
        }
    }

    /// Who may see an item is no name that it takes.
    fn visit_visibility(&mut self, _: &'ast Visibility) {}
}

/// Whether something is there for tests and fuzzers alone.
pub(crate) fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute.parse_args::<Meta>().is_ok_and(|when| holds_in_tests_alone(&when))
    })
}

fn holds_in_tests_alone(when: &Meta) -> bool {
    match when {
        Meta::Path(one) => one.is_ident("test") || one.is_ident("fuzzing"),
        Meta::List(list) => {
            let parts = list.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated);
            let mut parts = parts.into_iter().flatten();
            match list.path.get_ident().map(ToString::to_string).as_deref() {
                Some("any") => parts.all(|part| holds_in_tests_alone(&part)),
                Some("all") => parts.any(|part| holds_in_tests_alone(&part)),
                _ => false,
            }
        }
        Meta::NameValue(_) => false,
    }
}

/// How many lines a piece of a file takes.
pub(crate) fn lines(span: Span) -> usize {
    span.end().line + 1 - span.start().line
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(one) => &one.attrs,
        Item::Enum(one) => &one.attrs,
        Item::ExternCrate(one) => &one.attrs,
        Item::Fn(one) => &one.attrs,
        Item::ForeignMod(one) => &one.attrs,
        Item::Impl(one) => &one.attrs,
        Item::Macro(one) => &one.attrs,
        Item::Mod(one) => &one.attrs,
        Item::Static(one) => &one.attrs,
        Item::Struct(one) => &one.attrs,
        Item::Trait(one) => &one.attrs,
        Item::Type(one) => &one.attrs,
        Item::Union(one) => &one.attrs,
        Item::Use(one) => &one.attrs,
        other => panic!("an item that this reader does not know, on line {}", other.span().start().line),
    }
}

fn name(item: &Item) -> Option<String> {
    let name = match item {
        Item::Const(one) => &one.ident,
        Item::Enum(one) => &one.ident,
        Item::Fn(one) => &one.sig.ident,
        Item::Macro(one) => one.ident.as_ref()?,
        Item::Static(one) => &one.ident,
        Item::Struct(one) => &one.ident,
        Item::Trait(one) => &one.ident,
        Item::Type(one) => &one.ident,
        Item::Union(one) => &one.ident,
        _ => return None,
    };
    Some(name.to_string())
}
