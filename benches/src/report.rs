//! What the rounds say together, and that as JSON.

use serde_json::{Value, json};

use crate::Result;
use crate::figure::{Figure, Reading, Target};
use crate::inside::Inside;
use crate::rounds::{Measured, Round};
use crate::statistics::{median, range};
use crate::workload::Workload;

/// A figure over all rounds.
#[derive(Debug)]
pub(crate) struct Summary {
    /// Without a proxy, where that was measured.
    pub(crate) direct: Option<f64>,
    /// The floor's.
    pub(crate) floor: f64,
    /// Sluice's.
    pub(crate) sluice: f64,
    /// Sluice's as a multiple of the floor's, in the middle of all rounds.
    pub(crate) ratio: f64,
    /// The lowest and the highest of these multiples.
    pub(crate) ratios: (f64, f64),
    /// What the floor and Sluice add to the figure without a proxy, in the middle of all rounds.
    pub(crate) added: Option<(f64, f64)>,
}

/// Whether a target was reached.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Verdict {
    /// Not.
    Missed,
    /// Yes.
    Met,
    /// And the aim too.
    AimMet,
}

impl Verdict {
    /// In words.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Missed => "missed",
            Self::Met => "met",
            Self::AimMet => "aim met",
        }
    }
}

impl Summary {
    /// Medians of the rounds; of memory the highest, because that is what has to be there.
    pub(crate) fn new(figure: &Figure, rounds: &[Round]) -> Self {
        let middle =
            if figure.reading == Reading::Resident { |values: &[f64]| range(values).1 } else { median };
        let read = |of: fn(&Round) -> &_| -> Vec<f64> {
            rounds.iter().map(|round| figure.reading.of(of(round))).collect()
        };
        let (floor, sluice) = (read(|round| &round.floor), read(|round| &round.sluice));
        let direct: Option<Vec<f64>> = rounds
            .iter()
            .map(|round| round.direct.as_ref().map(|direct| figure.reading.of(direct)))
            .collect();
        let direct = direct.filter(|_| matches!(figure.reading, Reading::Latency(_)));
        let ratios: Vec<f64> = sluice.iter().zip(&floor).map(|(sluice, floor)| sluice / floor).collect();
        let added = |through: &[f64], direct: &[f64]| {
            median(&through.iter().zip(direct).map(|(through, direct)| through - direct).collect::<Vec<_>>())
        };
        Self {
            floor: middle(&floor),
            sluice: middle(&sluice),
            ratio: median(&ratios),
            ratios: range(&ratios),
            added: direct.as_ref().map(|direct| (added(&floor, direct), added(&sluice, direct))),
            direct: direct.as_deref().map(middle),
        }
    }

    /// Whether it is as it should be.
    pub(crate) fn verdict(&self, target: Target) -> Verdict {
        let met = match target {
            Target::Ratio(_, Some(aim)) if self.ratio <= aim => return Verdict::AimMet,
            Target::Ratio(most, _) => self.ratio <= most,
            Target::Added(most) => self.added.is_some_and(|(_, sluice)| sluice < most),
            Target::Above(least) => self.sluice > least,
            Target::Below(most) => self.sluice < most,
        };
        if met { Verdict::Met } else { Verdict::Missed }
    }
}

/// Prints every figure with its rounds.
pub(crate) fn print(measured: &Measured) -> Result<()> {
    let mut figures = Vec::new();
    for (workload, rounds) in &measured.workloads {
        for figure in workload.figures {
            figures.push(describe(workload, figure, rounds));
        }
    }
    let inside: Vec<Value> = measured.inside.iter().map(Inside::json).collect();
    println!("{:#}", json!({ "about": measured.about, "figures": figures, "inside": inside }));
    Ok(())
}

fn describe(workload: &Workload, figure: &Figure, rounds: &[Round]) -> Value {
    let summary = Summary::new(figure, rounds);
    let added = summary.added.map(|(floor, sluice)| json!({ "floor": floor, "sluice": sluice }));
    let each = |round: &Round| {
        let direct = summary.direct.and(round.direct.as_ref()).map(|direct| figure.reading.of(direct));
        json!({
            "direct": direct,
            "floor": figure.reading.of(&round.floor),
            "sluice": figure.reading.of(&round.sluice),
        })
    };
    json!({
        "workload": workload.name,
        "beside": workload.floor().to_string(),
        "figure": figure.name,
        "unit": figure.unit,
        "direct": summary.direct,
        "floor": summary.floor,
        "sluice": summary.sluice,
        "ratio": summary.ratio,
        "added": added,
        "target": figure.target.map(|target| target.to_string()),
        "verdict": figure.target.map(|target| summary.verdict(target).name()),
        "rounds": rounds.iter().map(each).collect::<Vec<_>>(),
    })
}
