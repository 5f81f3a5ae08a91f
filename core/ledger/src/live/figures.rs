//! Figures of a window: what was counted, by its length, and percentiles of what was measured.

use hdrhistogram::Histogram;
use serde::Serialize;
use utoipa::ToSchema;

use super::slice::{Measure, SPAN, Series, Totals};
use super::spans::{Counted, compact, micros};

/// Figures of the requests that ended in a window.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Figures {
    /// Requests that ended, by the second.
    pub requests_per_second: f64,
    /// Tokens that they used, by the minute: input, output, cache writes and cache reads.
    pub tokens_per_minute: f64,
    /// Requests that an account has now.
    pub in_flight: u64,
    /// The part of the requests that failed, from 0 to 1: those with a status of 400 or more, and answers that broke off.
    pub error_rate: f64,
    /// The gateway's own part of the time, in milliseconds.
    pub overhead_ms: Percentiles,
    /// Milliseconds to the first byte of the answer.
    pub ttfb_ms: Percentiles,
    /// Milliseconds to the end of the answer.
    pub duration_ms: Percentiles,
}

/// What a half, nine tenths and 99 of 100 requests did not exceed, to 1 %; null where nothing was measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, ToSchema)]
pub struct Percentiles {
    /// A half.
    pub p50: Option<f64>,
    /// Nine tenths.
    pub p90: Option<f64>,
    /// 99 of 100.
    pub p99: Option<f64>,
}

/// Sums over slices.
#[derive(Debug, Default)]
pub(super) struct Sums {
    totals: Totals,
    spans: Vec<Counted>,
    /// How many of them may be there before alike ones are counted together.
    room: usize,
}

impl Sums {
    pub(super) fn add(&mut self, series: &Series<'_>) {
        self.totals.add(series.totals());
        self.spans.extend(series.spans.iter().map(|one| Counted { key: one.key & SPAN, ..*one }));
        if self.spans.len() > self.room {
            compact(&mut self.spans);
            self.room = 2 * self.spans.len();
        }
    }

    /// The figures of so many seconds.
    pub(super) fn figures(mut self, seconds: f64, in_flight: u64) -> Figures {
        compact(&mut self.spans);
        let Totals { requests, errors, tokens } = self.totals;
        Figures {
            requests_per_second: requests as f64 / seconds,
            tokens_per_minute: tokens as f64 * 60.0 / seconds,
            in_flight,
            error_rate: if requests == 0 { 0.0 } else { errors as f64 / requests as f64 },
            overhead_ms: self.percentiles(Measure::Overhead),
            ttfb_ms: self.percentiles(Measure::FirstByte),
            duration_ms: self.percentiles(Measure::Duration),
        }
    }

    fn percentiles(&self, measure: Measure) -> Percentiles {
        let of = |key: u32| key.checked_sub(measure.shift()).filter(|place| place >> 14 == 0);
        let spans = self.spans.iter().filter_map(|one| Some((micros(of(one.key)? as u16), one.count)));
        // The same spans are alike to it: two decimal digits are the eight binary ones that were kept.
        let Ok(mut all) = Histogram::<u64>::new_with_bounds(1, u64::from(u32::MAX), 2) else {
            return Percentiles::default();
        };
        spans.for_each(|(span, count)| all.saturating_record_n(span, count.into()));
        let at = |quantile| (!all.is_empty()).then(|| all.value_at_quantile(quantile) as f64 / 1000.0);
        Percentiles { p50: at(0.5), p90: at(0.9), p99: at(0.99) }
    }
}
