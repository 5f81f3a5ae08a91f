//! What brings pages: each plugin of the kind that is linked in, with the table of its name.

use std::sync::Arc;

use figment::value::Dict;
use sluice_api::plugin::pages::Pages;
use sluice_api::settings::Problem;

use super::plugin::{Building, Place, build, kinds};
use crate::section::{file_of, values};
use sluice_api::settings::Section;

/// The tables that they have.
pub(super) fn tables() -> Vec<&'static str> {
    kinds::<dyn Pages>()
}

/// Builds all of them, in the order of their names.
pub(super) fn check(
    Building { loaded, cx }: Building<'_>,
    problems: &mut Vec<Problem>,
) -> Vec<Arc<dyn Pages>> {
    let empty = Dict::new();
    let mut all = Vec::new();
    for kind in tables() {
        let place = Place {
            section: Section::new(kind, kind, values(loaded, kind, problems).unwrap_or(&empty), loaded),
            beside: &[],
            kind: kind.to_owned(),
            file: file_of(loaded, kind),
            cx,
        };
        all.extend(build::<dyn Pages>(kind, &place, problems));
    }
    all
}
