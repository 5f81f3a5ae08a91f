//! Counters and histograms, and how Prometheus reads them.

use std::collections::BTreeMap;
use std::fmt::{Display, Write as _};
use std::ops::AddAssign;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

/// Upper bounds of the histograms' buckets, in seconds: from a local answer to the longest stream.
const BUCKETS: [f64; 16] = [
    0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.005, 0.025, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0,
    600.0,
];

/// What a metric is, in Prometheus's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Counter,
    Gauge,
    Histogram,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// Counts, or exact amounts, by their labels as they are written.
#[derive(Debug, Default)]
pub(super) struct Counters<T = u64>(Mutex<BTreeMap<String, T>>);

impl<T: AddAssign + Default + Display> Counters<T> {
    pub(super) fn add(&self, labels: &[(&str, &str)], by: T) {
        *self.0.lock().entry(written(labels)).or_default() += by;
    }

    pub(super) fn render(&self, metric: &str, into: &mut String) {
        for (labels, count) in &*self.0.lock() {
            sample(into, metric, labels, count);
        }
    }
}

impl Counters {
    /// Counts one, under other labels where there are so many that these would be new ones.
    pub(super) fn add_within(&self, most: usize, labels: &[(&str, &str)], others: &[(&str, &str)]) {
        let mut all = self.0.lock();
        let labels = written(labels);
        let is_known = all.contains_key(&labels) || all.len() < most;
        *all.entry(if is_known { labels } else { written(others) }).or_default() += 1;
    }
}

/// How long something took, by buckets. Never waits.
#[derive(Debug)]
pub struct Histogram {
    /// As it is written before `le`.
    labels: String,
    /// One for each bound, and one for what is above all of them.
    buckets: [AtomicU64; BUCKETS.len() + 1],
    nanoseconds: AtomicU64,
}

impl Histogram {
    pub(super) fn new(labels: &[(&str, &str)]) -> Arc<Self> {
        Arc::new(Self {
            labels: written(labels),
            buckets: [const { AtomicU64::new(0) }; BUCKETS.len() + 1],
            nanoseconds: AtomicU64::new(0),
        })
    }

    /// Takes one more.
    pub fn record(&self, span: Duration) {
        let seconds = span.as_secs_f64();
        let at = BUCKETS.iter().position(|bound| seconds <= *bound).unwrap_or(BUCKETS.len());
        if let Some(bucket) = self.buckets.get(at) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
        let nanoseconds = u64::try_from(span.as_nanos()).unwrap_or(u64::MAX);
        self.nanoseconds.fetch_add(nanoseconds, Ordering::Relaxed);
    }

    pub(super) fn render(&self, metric: &str, into: &mut String) {
        let comma = if self.labels.is_empty() { "" } else { "," };
        let bounds = BUCKETS.iter().map(f64::to_string).chain(["+Inf".to_owned()]);
        let mut count = 0;
        for (bucket, bound) in self.buckets.iter().zip(bounds) {
            count += bucket.load(Ordering::Relaxed);
            let labels = format!("{}{comma}le=\"{bound}\"", self.labels);
            sample(into, &format!("{metric}_bucket"), &labels, count);
        }
        let sum = Duration::from_nanos(self.nanoseconds.load(Ordering::Relaxed)).as_secs_f64();
        sample(into, &format!("{metric}_sum"), &self.labels, sum);
        sample(into, &format!("{metric}_count"), &self.labels, count);
    }
}

/// The two lines that stand before the samples of a metric.
pub(super) fn head(into: &mut String, metric: &str, kind: Kind, help: &str) {
    let _ = writeln!(into, "# HELP {metric} {help}\n# TYPE {metric} {}", kind.name());
}

/// One line. Writing to a string never fails.
pub(super) fn sample(into: &mut String, metric: &str, labels: &str, value: impl std::fmt::Display) {
    let _ = if labels.is_empty() {
        writeln!(into, "{metric} {value}")
    } else {
        writeln!(into, "{metric}{{{labels}}} {value}")
    };
}

/// Labels as they stand between the braces.
pub(super) fn written(labels: &[(&str, &str)]) -> String {
    let mut text = String::new();
    for (name, value) in labels {
        let comma = if text.is_empty() { "" } else { "," };
        let _ = write!(text, "{comma}{name}=\"");
        for letter in value.chars() {
            match letter {
                '\\' => text.push_str("\\\\"),
                '"' => text.push_str("\\\""),
                '\n' => text.push_str("\\n"),
                other => text.push(other),
            }
        }
        text.push('"');
    }
    text
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Counters, Histogram, written};

    #[test]
    fn a_label_can_not_end_its_quotes_or_its_line() {
        assert_eq!(written(&[("a", "x\"y\\z\nw"), ("b", "")]), "a=\"x\\\"y\\\\z\\nw\",b=\"\"");
    }

    #[test]
    fn counts_of_the_same_labels_are_one_line() {
        let counters = Counters::<u64>::default();
        for (value, by) in [("b", 1), ("a", 2), ("b", 3)] {
            counters.add(&[("of", value)], by);
        }
        let mut text = String::new();
        counters.render("m_total", &mut text);
        assert_eq!(text, "m_total{of=\"a\"} 2\nm_total{of=\"b\"} 4\n");
    }

    #[test]
    fn a_span_is_in_every_bucket_that_it_fits_in() {
        let histogram = Histogram::new(&[("of", "x")]);
        for span in [Duration::ZERO, Duration::from_millis(100), Duration::from_secs(601)] {
            histogram.record(span);
        }
        let mut text = String::new();
        histogram.render("m_seconds", &mut text);
        for line in [
            "m_seconds_bucket{of=\"x\",le=\"0.00005\"} 1\n",
            "m_seconds_bucket{of=\"x\",le=\"0.025\"} 1\n",
            "m_seconds_bucket{of=\"x\",le=\"0.1\"} 2\n",
            "m_seconds_bucket{of=\"x\",le=\"600\"} 2\n",
            "m_seconds_bucket{of=\"x\",le=\"+Inf\"} 3\n",
            "m_seconds_sum{of=\"x\"} 601.1\n",
            "m_seconds_count{of=\"x\"} 3\n",
        ] {
            assert!(text.contains(line), "{line} in\n{text}");
        }
    }
}
