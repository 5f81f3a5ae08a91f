//! Values of a file, each with the line that it starts at.

use std::collections::BTreeMap;

/// Deepest nesting that is followed; what lies deeper is at the line of what it lies in.
pub(super) const DEPTH_MAX: usize = 32;

/// Values by their keys.
pub(super) type Table = BTreeMap<String, Node>;

/// A value: where it starts, and what stands in it.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) line: usize,
    pub(super) inner: Inner,
}

/// What stands in a value.
#[derive(Clone, Debug)]
pub(super) enum Inner {
    Plain,
    Table(Table),
    /// Elements, each with its `name` where it is a table that has one.
    List(Vec<(Option<String>, Node)>),
}
