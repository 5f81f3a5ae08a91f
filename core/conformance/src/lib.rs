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
mod made;
mod records;
mod retention;
mod usual;
mod values;

pub use at_once::what_is_appended_at_once_is_there_once;
pub use documents::the_last_document_is_there;
pub use figures::{ask_much, write_many};
pub use held::Stores;
pub use leases::all_is_taken_or_nothing;
pub use records::what_is_told_is_what_was_appended;
pub use retention::days_answer_for_what_is_gone;
pub use usual::usual;
pub use values::what_is_over_goes_and_nothing_else;

/// Every test, of stores that an expression makes.
#[macro_export]
macro_rules! every_test {
    ($stores:expr) => {
        $crate::every_test! {
            $stores;
            the_last_document_is_there,
            what_is_over_goes_and_nothing_else,
            all_is_taken_or_nothing,
            what_is_told_is_what_was_appended,
            what_is_appended_at_once_is_there_once,
            days_answer_for_what_is_gone
        }
    };
    ($stores:expr; $($name:ident),*) => {
        $(#[test]
        fn $name() {
            $crate::$name(&$stores);
        })*
    };
}

#[cfg(test)]
mod tests;
