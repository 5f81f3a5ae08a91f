//! What plugins are shown can grow by a field or a case without breaking them, or says why it can't.

use std::collections::BTreeSet;
use std::path::Path;

use sluice_tests::gateway::workspace;
use syn::{Attribute, Fields, Item, Visibility};

use super::planted;
use super::read::is_for_tests;

/// Types that don't grow, each with its reason.
const CLOSED: [(&str, &str); 24] = [
    ("Api", "whoever reads requests must say what it makes of each"),
    ("Family", "pools, settings and paths have one for each"),
    ("Operation", "a provider must say which it serves"),
    ("Form", "each is read and written in another way"),
    ("Fault", "whose a failure is decides who is told what"),
    ("Scope", "who is spared the next request must be said of each"),
    ("Condition", "each has its own way to end"),
    ("Kind", "each has a status and a name in every dialect"),
    ("Discovery", "plugins make it, and the engine handles every case"),
    ("ModelPlace", "plugins make it, and the engine handles every case"),
    ("ToldBy", "an upstream answers, or tells it in a stream: there is no third way"),
    ("Dimension", "a store sums by each"),
    ("Taken", "stores make it, and the engine handles every case"),
    ("Lined", "stores make it, and the engine handles every case"),
    ("Unit", "a request, a ledger and a limiter must each say how much of it there is"),
    ("Per", "a configuration names each"),
    ("Window", "a store counts each in another way"),
    ("Rule", "a store must know when there is room"),
    ("Why", "a client is told something else of each"),
    ("Mode", "a key's limits are exceeded by an estimate's error, or never: there is no third way"),
    ("Spend", "tokens and money are all that is spent"),
    ("Most", "tokens and money are all that is spent"),
    ("Origin", "`register!` alone writes it, in the plugin's crate"),
    ("Plugin", "`register!` alone writes it, in the plugin's crate"),
];

fn is_open(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| attribute.path().is_ident("non_exhaustive"))
}

/// Public types with public fields, or with cases, that whoever uses them may write or match whole.
fn closed(folder: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let items = syn::parse_file(&std::fs::read_to_string(&path).unwrap()).unwrap().items;
            found.extend(items.iter().filter_map(closed_item));
        }
    }
    found
}

fn closed_item(item: &Item) -> Option<String> {
    let public = |visibility: &Visibility| matches!(visibility, Visibility::Public(_));
    let (attributes, name) = match item {
        // What has no names for its fields is one value, and all of it is in the name.
        Item::Struct(one) if public(&one.vis) => match &one.fields {
            Fields::Named(fields) if fields.named.iter().any(|field| public(&field.vis)) => {
                (&one.attrs, &one.ident)
            }
            _ => return None,
        },
        Item::Enum(one) if public(&one.vis) => (&one.attrs, &one.ident),
        _ => return None,
    };
    (!is_open(attributes) && !is_for_tests(attributes)).then(|| name.to_string())
}

#[test]
fn what_plugins_are_shown_can_grow() {
    // Plugins see the second through the first.
    let rooms = ["core/api/src", "core/quota/src"].map(|room| closed(&workspace().join(room)));
    let closed: BTreeSet<String> = rooms.into_iter().flatten().collect();
    let known: BTreeSet<String> = CLOSED.iter().map(|(name, _)| (*name).to_owned()).collect();
    if let Some(name) = closed.difference(&known).next() {
        panic!("{name} is not #[non_exhaustive]: let a function make it, or say why it never grows");
    }
    if let Some(name) = known.difference(&closed).next() {
        panic!("{name} can grow, or is gone: strike it from the list");
    }
}

#[test]
fn a_type_that_is_planted_and_can_not_grow_is_found() {
    let folder = planted(&[
        ("lib.rs", "mod inner; pub struct Shown { pub field: u8, own: u8 } pub enum Case { One }"),
        (
            "inner.rs",
            "#[non_exhaustive] pub struct Open { pub field: u8 }
            #[derive(Debug)] #[non_exhaustive] pub enum Cases { One }
            pub struct Own { field: u8, pub(crate) other: u8 }
            pub struct Value(pub u64);
            pub struct Empty {}
            struct Inner { pub field: u8 }
            #[cfg(test)] pub struct Tested { pub field: u8 }",
        ),
        ("inner/deep.rs", "pub struct Deep<'a> { pub field: &'a str }"),
    ]);
    assert_eq!(closed(&folder.0), BTreeSet::from(["Case", "Deep", "Shown"].map(ToOwned::to_owned)));
}
