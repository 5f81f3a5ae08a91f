//! What comes of it, line by line.

use serde::Serialize;
use utoipa::ToSchema;

use crate::cause::Cause;
use crate::class::Class;
use crate::told::Vendor;

/// What comes of holding the ledger against a vendor's reports.
#[derive(Debug, Serialize, ToSchema)]
pub struct Report {
    /// Whether every line agrees.
    pub agrees: bool,
    /// Whose reports they are.
    pub provider: Vendor,
    /// By day, model and class; lines of nothing on both sides are left out.
    pub data: Vec<Line>,
    /// What is to be known of it beside.
    pub notes: Vec<String>,
}

/// A day, model and class. Counts are whole numbers and money is US dollars, both as decimal texts, which are exact.
#[derive(Debug, Serialize, ToSchema)]
pub struct Line {
    /// The day, of UTC, as vendors cut it.
    #[schema(format = Date)]
    pub day: String,
    /// The model, by the report's name where it has one; null where the report is not by model.
    pub model: Option<String>,
    /// What is counted.
    pub(crate) class: Class,
    /// How much the ledger has.
    pub ledger: String,
    /// How much the vendor tells.
    pub vendor: String,
    /// How much more the vendor tells; below zero where it is less.
    pub difference: String,
    /// Whether they are the same, but for what was rounded before it was written.
    pub agrees: bool,
    /// What is likely behind the difference, for programs; null where there is none.
    pub(crate) cause: Option<Cause>,
    /// The same for people.
    pub reason: Option<String>,
}
