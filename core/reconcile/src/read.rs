//! Files of a vendor, read: which report each is, and what it says.

mod anthropic;
mod csv;
mod json;
mod openai;
mod shape;

use serde::Deserialize;
use utoipa::ToSchema;

use crate::told::{Covered, Told, Vendor};
use shape::{Entry, Pages};

/// A file as the vendor gave it.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// What it is called where something is said of it.
    pub name: String,
    /// Its text: an answer of the vendor's API, a JSON list of such answers, or an export as CSV.
    pub text: String,
}

/// Why a file can't be read, or can't be taken together with the others.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name}: {message}")]
pub struct Unreadable {
    /// The file.
    pub name: String,
    /// What was found and what is allowed.
    pub message: String,
}

/// What may stand in a file of a vendor.
const fn allowed(vendor: Vendor) -> &'static str {
    match vendor {
        Vendor::Anthropic => {
            "allowed are answers of /v1/organizations/usage_report/messages and of /v1/organizations/cost_report, one or a \
             JSON list of them, and the Console's exports of usage and of cost as CSV"
        }
        Vendor::OpenAi => {
            "allowed are answers of /v1/organization/usage/completions, of /v1/organization/usage/embeddings and of \
             /v1/organization/costs, one or a JSON list of them, and the dashboard's exports of usage and of costs as CSV"
        }
    }
}

/// Reads reports of one vendor: pages of one report, several reports, or both.
///
/// # Errors
///
/// For the first file that is none of the vendor's reports, or tells of a time that another page tells of too.
pub fn read(vendor: Vendor, files: &[File]) -> Result<Told, Unreadable> {
    let mut told = Told { vendor, sheets: Default::default(), notes: Vec::new() };
    // What each page is called.
    let mut pages: Vec<&str> = Vec::new();
    for file in files {
        let unreadable = |message| Unreadable { name: file.name.clone(), message };
        let read = read_file(vendor, file).map_err(unreadable)?;
        if let Some(next) = &read.next {
            told.notes.push(format!(
                "{} has more pages: what comes after it is compared once the answer for page={next} is given too",
                file.name
            ));
        }
        for mut entry in read.entries {
            entry.covered.page += pages.len();
            state(&mut told, entry).map_err(unreadable)?;
        }
        pages.extend((0..read.pages).map(|_| file.name.as_str()));
    }
    for sheet in told.sheets.values_mut() {
        sheet.covered = apart(std::mem::take(&mut sheet.covered)).map_err(|twice| Unreadable {
            name: pages.get(twice.page).map_or_else(String::new, |name| (*name).to_owned()),
            message: "a page tells of a time that another page tells of too, so it would be counted twice: give each page \
                      once, and let one report be of all keys, workspaces and projects"
                .to_owned(),
        })?;
    }
    if told.sheets.is_empty() {
        let name = files.first().map_or_else(|| "no file".to_owned(), |file| file.name.clone());
        return Err(Unreadable { name, message: format!("it tells of no time at all; {}", allowed(vendor)) });
    }
    told.notes.sort_unstable();
    told.notes.dedup();
    Ok(told)
}

fn read_file(vendor: Vendor, file: &File) -> Result<Pages, String> {
    let text = file.text.trim_start_matches('\u{feff}').trim_start();
    let read = match text.bytes().next() {
        None => Err("the file is empty".to_owned()),
        Some(b'{' | b'[') => json::read(text),
        Some(_) => csv::read(text),
    };
    let pages = read.map_err(|found| format!("{found}; {}", allowed(vendor)))?;
    match pages.vendor {
        Some(other) if other != vendor => Err(format!(
            "this is a report of {}'s, but it was given as one of {}'s; {}",
            other.name(),
            vendor.name(),
            allowed(vendor)
        )),
        _ => Ok(pages),
    }
}

/// Adds what a row says.
fn state(told: &mut Told, entry: Entry) -> Result<(), String> {
    match told.vendor {
        Vendor::Anthropic => anthropic::state(told, entry),
        Vendor::OpenAi => openai::state(told, entry),
    }
}

/// What is covered, in order and each once; a stretch that lies over one of another page is an error.
fn apart(mut covered: Vec<Covered>) -> Result<Vec<Covered>, Covered> {
    covered.sort_unstable();
    covered.dedup();
    let mut apart: Vec<Covered> = Vec::with_capacity(covered.len());
    for next in covered {
        match apart.last_mut() {
            Some(last) if next.from < last.to && next.page != last.page => return Err(next),
            Some(last) if next.from < last.to => last.to = last.to.max(next.to),
            _ => apart.push(next),
        }
    }
    Ok(apart)
}

#[cfg(test)]
mod tests;
