//! Sums in the making, by spans and by what they are grouped by.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;
use sluice_api::record::{Dimension, Filter, Record, SumQuery, SumRow, Sums};

use crate::word::Name;

/// Sums in the making, of rows that have labels for what they are grouped and narrowed by.
#[derive(Debug)]
pub struct Adding {
    filter: Filter,
    by: Vec<Dimension>,
    /// Which combinations a label counts for, by their numbers; none where it does not pass.
    labels: HashMap<Name, Arc<[usize]>, RandomState>,
    numbers: HashMap<Vec<Option<String>>, usize>,
    /// By span and combination.
    sums: HashMap<(usize, usize), Sums, RandomState>,
}

impl Adding {
    /// None yet, of a question.
    #[must_use]
    pub fn of(query: &SumQuery) -> Self {
        let mut filter = Filter::default();
        filter.dimensions.clone_from(&query.filter);
        let (labels, sums) = (HashMap::default(), HashMap::default());
        Self { filter, by: query.group_by.clone(), labels, numbers: HashMap::new(), sums }
    }

    /// Labels that have to be [known](Adding::know) before their rows are added.
    #[must_use]
    pub fn unknown(&self, rows: &[(Name, Sums)]) -> Vec<Name> {
        rows.iter().map(|(label, _)| *label).filter(|label| !self.labels.contains_key(label)).collect()
    }

    /// Is told what a label says, as a record that has nothing else.
    pub fn know(&mut self, name: Name, label: &Record) {
        let mut numbers = Vec::new();
        if self.filter.passes(label) {
            for combination in Dimension::combinations(&self.by, label) {
                let next = self.numbers.len();
                numbers.push(*self.numbers.entry(combination).or_insert(next));
            }
        }
        self.labels.insert(name, numbers.into());
    }

    /// Adds rows to the sums of a span.
    pub fn add(&mut self, span: usize, rows: &[(Name, Sums)]) {
        for (label, sums) in rows {
            for number in self.labels.get(label).into_iter().flat_map(|numbers| numbers.iter()) {
                *self.sums.entry((span, *number)).or_default() += *sums;
            }
        }
    }

    /// The rows, by span and then by what they are grouped by.
    #[must_use]
    pub fn rows(self) -> Vec<SumRow> {
        let mut names: Vec<Vec<Option<String>>> = vec![Vec::new(); self.numbers.len()];
        for (combination, number) in self.numbers {
            if let Some(name) = names.get_mut(number) {
                *name = combination;
            }
        }
        let row = |((span, number), sums): ((usize, usize), Sums)| {
            SumRow::new(span, names.get(number).cloned().unwrap_or_default(), sums)
        };
        let mut rows: Vec<SumRow> = self.sums.into_iter().map(row).collect();
        rows.sort_unstable_by(|one, other| (one.span, &one.names).cmp(&(other.span, &other.names)));
        rows
    }
}
