//! What every store must do, as tests that any store can be put to: each holds it against a model in memory, whatever
//! is done in whatever order.
//!
//! A store's own tests make a [`Stores`] and name it in [`every_test`].

#![expect(clippy::panic, clippy::unwrap_used, clippy::indexing_slicing, reason = "all of it is tests")]

mod at_once;
mod documents;
mod figures;
mod held;
mod leases;
mod lines;
mod made;
mod model;
mod records;
mod retention;
mod usual;
mod values;

pub use figures::{ask_much, write_many};
pub use held::Stores;
pub use usual::usual;

/// The tests, by their names.
pub mod every {
    pub use crate::at_once::what_is_appended_at_once_is_there_once;
    pub use crate::documents::the_last_document_is_there;
    pub use crate::leases::{all_is_taken_or_nothing, no_window_has_more_than_its_limit};
    pub use crate::lines::{everybody_in_a_line_is_served, lines_are_served_in_their_order};
    pub use crate::records::what_is_told_is_what_was_appended;
    pub use crate::retention::days_answer_for_what_is_gone;
    pub use crate::values::what_is_over_goes_and_nothing_else;
}

/// Every test, of stores that an expression makes.
#[macro_export]
macro_rules! every_test {
    ($stores:expr) => {
        $crate::every_test! {
            $stores;
            the_last_document_is_there,
            all_is_taken_or_nothing,
            lines_are_served_in_their_order,
            everybody_in_a_line_is_served,
            what_is_told_is_what_was_appended,
            what_is_appended_at_once_is_there_once,
            days_answer_for_what_is_gone
        }
    };
    ($stores:expr; $($name:ident),*) => {
        $(#[test]
        fn $name() {
            $crate::every::$name(&$stores);
        })*
    };
}

/// The tests of stores whose time is the one that they are told, beside [`every_test`].
#[macro_export]
macro_rules! every_test_of_told_time {
    ($stores:expr) => {
        $crate::every_test! {
            $stores;
            what_is_over_goes_and_nothing_else,
            no_window_has_more_than_its_limit
        }
    };
}

#[cfg(test)]
mod tests;
