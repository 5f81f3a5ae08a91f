//! Rows of a table, made by the dozen.

#![expect(clippy::indexing_slicing, reason = "of constants, while they are compiled")]

use sluice_neutral::fields::{Fate, Field};

/// Words apart.
macro_rules! words {
    ($($word:tt)*) => { [$(stringify!($word)),*] };
}
pub(super) use words;

/// Rows that are this one but for their names.
pub(super) const fn all<const COUNT: usize>(row: Field, names: [&'static str; COUNT]) -> [Field; COUNT] {
    let mut rows = [row; COUNT];
    let mut row = 0;
    while row < COUNT {
        rows[row].name = names[row];
        row += 1;
    }
    rows
}

/// The same rows about another place.
pub(super) const fn moved<const COUNT: usize>(
    place: &'static str,
    mut rows: [Field; COUNT],
) -> [Field; COUNT] {
    let mut row = 0;
    while row < COUNT {
        rows[row].place = place;
        row += 1;
    }
    rows
}

/// Rows one after another.
pub(super) const fn join<const COUNT: usize>(parts: &[&[Field]]) -> [Field; COUNT] {
    let mut all = [Field::new("", "", Fate::Silent); COUNT];
    let (mut part, mut at) = (0, 0);
    while part < parts.len() {
        let mut row = 0;
        while row < parts[part].len() {
            all[at] = parts[part][row];
            (row, at) = (row + 1, at + 1);
        }
        part += 1;
    }
    assert!(at == COUNT, "the rows are counted wrong");
    all
}
