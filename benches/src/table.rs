//! The table that people read.

use comfy_table::presets::ASCII_MARKDOWN;
use comfy_table::{CellAlignment, Table};

use crate::Result;
use crate::figure::Figure;
use crate::report::Summary;
use crate::rounds::{Measured, Round};

const COLUMNS: [&str; 7] = ["workload", "figure", "floor", "Sluice", "Sluice to it", "target", "verdict"];

/// Columns of numbers.
const NUMBERS: [usize; 2] = [2, 3];

/// What the table can't say itself.
const NOTES: &str = "\
The floor is nginx, but where a row names another. CPU is the scheduler's run time of the proxy's process, with what it puts off; ratios are medians of the rounds'
(lowest to highest), memory is the highest of all rounds. Latencies count from when a request was due.
Every answer was compared to its last byte. Sluice wrote records, metrics and its log (info, text, to a file);
nginx logged nothing. Other work on this machine disturbs absolute figures more than ratios.";

/// What stands above the table on the page that is kept.
const HEAD: &str = "\
# What a request costs

Printed by `cargo run --release -p sluice-benches -- --markdown`, and kept so that a change is seen.
";

/// Prints the page that is kept with the code.
pub(crate) fn print_page(measured: &Measured) -> Result<()> {
    println!("{HEAD}");
    print(measured)
}

/// Prints it.
pub(crate) fn print(measured: &Measured) -> Result<()> {
    let mut table = Table::new();
    table.load_preset(ASCII_MARKDOWN).set_header(COLUMNS);
    for (workload, rounds) in &measured.workloads {
        let mut title = workload.title;
        for figure in workload.figures {
            table.add_row(row(title, figure, rounds));
            title = "";
        }
    }
    for column in NUMBERS {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    println!("{}\n", measured.about);
    if !measured.workloads.is_empty() {
        println!("{table}\n\n{NOTES}");
    }
    for inside in &measured.inside {
        println!("\n{}", inside.line());
    }
    Ok(())
}

fn row(title: &str, figure: &Figure, rounds: &[Round]) -> [String; 7] {
    let summary = Summary::new(figure, rounds);
    let compared = match (summary.direct, summary.added) {
        (Some(direct), Some((floor, sluice))) => {
            format!("direct {direct:.3}; added {sluice:+.3}, floor {floor:+.3}")
        }
        _ => ratio(&summary, rounds.len()),
    };
    [
        title.to_owned(),
        format!("{}, {}", figure.name, figure.unit),
        number(summary.floor),
        number(summary.sluice),
        compared,
        figure.target.map(|target| target.to_string()).unwrap_or_default(),
        figure.target.map(|target| summary.verdict(target).name()).unwrap_or_default().to_owned(),
    ]
}

fn ratio(summary: &Summary, rounds: usize) -> String {
    let (lowest, highest) = summary.ratios;
    if rounds < 2 {
        return format!("{:.2} ×", summary.ratio);
    }
    format!("{:.2} × ({lowest:.2}–{highest:.2})", summary.ratio)
}

/// Three digits that count.
fn number(value: f64) -> String {
    match value {
        100.0.. => format!("{value:.0}"),
        10.0..100.0 => format!("{value:.1}"),
        1.0..10.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}
