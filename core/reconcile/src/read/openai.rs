//! OpenAI's reports of usage and costs.
//!
//! The fields are those of the types of its official SDK for Python (2.x, `types/admin/organization`), of its OpenAPI
//! description, and of exports of the dashboard of 2025-10 to 2026-09. `input_tokens` has what was read from caches and
//! written to them in it; amounts are dollars, as numbers or as decimal texts.

use super::shape::{Entry, Fields, Report};
use crate::class::{Class, Values};
use crate::models;
use crate::told::{Part, Told};

/// What a row of usage is of, where its `object` says so.
const OBJECT: (&str, &str) = ("organization.usage.", ".result");

pub(super) fn state(told: &mut Told, entry: Entry) -> Result<(), String> {
    match entry.report {
        Report::Usage => usage(told, &entry),
        Report::Costs => cost(told, &entry),
    }
}

fn usage(told: &mut Told, entry: &Entry) -> Result<(), String> {
    let Some(fields) = &entry.fields else {
        told.covers(Part::Answers, entry.covered, &[]);
        return Ok(());
    };
    let of = fields.get("object").and_then(|object| object.strip_prefix(OBJECT.0)?.strip_suffix(OBJECT.1));
    match (of, fields.get("output_tokens")) {
        (Some("completions"), _) | (None, Some(_)) => answers(told, entry, fields),
        (Some("embeddings"), _) | (None, None) => {
            let mut values = Values::default();
            values.add(Class::Input, fields.needed("input_tokens")?);
            told.covers(Part::Embeddings, entry.covered, &[Class::Input]);
            told.states(Part::Embeddings, entry.covered, model(fields), &values);
            Ok(())
        }
        (Some("images"), _) => {
            told.notes.push(
                "images are told by the piece, which the ledger does not count: they are compared where costs are given"
                    .to_owned(),
            );
            Ok(())
        }
        (Some(other), _) => {
            told.notes
                .push(format!("usage of {other} is left out, as no such request goes through a gateway"));
            Ok(())
        }
    }
}

fn answers(told: &mut Told, entry: &Entry, fields: &Fields) -> Result<(), String> {
    let (input, output) = (fields.needed("input_tokens")?, fields.needed("output_tokens")?);
    let read = fields.count("input_cached_tokens")?.unwrap_or_default();
    let written = fields.count("input_cache_write_tokens")?;
    let rest = input - read - written.unwrap_or_default();
    if rest < 0 {
        return Err(
            fields.at("input_tokens", "more tokens were read from caches and written to them than went in")
        );
    }
    told.covers(Part::Answers, entry.covered, &[Class::Input, Class::CacheRead, Class::Output]);
    let mut values = Values::default();
    for (class, count) in [(Class::Input, rest), (Class::CacheRead, read), (Class::Output, output)] {
        values.add(class, count);
    }
    if let Some(written) = written {
        told.covers(Part::Answers, entry.covered, &[Class::CacheWrite5m]);
        values.add(Class::CacheWrite5m, written);
    }
    told.states(Part::Answers, entry.covered, model(fields), &values);
    Ok(())
}

fn cost(told: &mut Told, entry: &Entry) -> Result<(), String> {
    told.covers(Part::Costs, entry.covered, &[Class::Cost]);
    let Some(fields) = &entry.fields else { return Ok(()) };
    fields.in_dollars("amount.currency")?;
    let mut values = Values::default();
    values.add(Class::Cost, fields.money("amount.value", 0)?);
    let model = fields.get("line_item").and_then(models::of_line_item);
    told.states(Part::Costs, entry.covered, model, &values);
    Ok(())
}

fn model(fields: &Fields) -> Option<String> {
    fields.get("model").map(str::to_owned)
}
