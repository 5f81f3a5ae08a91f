//! What is measured in this process: a part of a request by itself, without a proxy.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::Result;
use crate::statistics::median;

/// How long one sample is, and how many there are; the one in the middle is shown.
const SAMPLE: Duration = Duration::from_millis(40);
const SAMPLES: usize = 25;

/// Steps between two looks at the clock.
const STEPS: u32 = 16;

/// What a part of a request takes.
#[derive(Debug)]
pub(crate) struct Inside {
    name: String,
    us: f64,
    /// The longest that it may take.
    target: f64,
}

impl Inside {
    /// Measures a step that is done again and again.
    pub(crate) fn measure(name: String, target: f64, mut step: impl FnMut() -> Result<()>) -> Result<Self> {
        let mut samples = Vec::new();
        for _ in 0..SAMPLES {
            let started = Instant::now();
            let mut steps = 0_u32;
            while started.elapsed() < SAMPLE {
                for _ in 0..STEPS {
                    step()?;
                }
                steps += STEPS;
            }
            samples.push(started.elapsed().as_secs_f64() * 1e6 / f64::from(steps));
        }
        Ok(Self { name, us: median(&samples), target })
    }

    fn verdict(&self) -> &'static str {
        if self.us < self.target { "met" } else { "missed" }
    }

    /// As a sentence.
    pub(crate) fn line(&self) -> String {
        let Self { name, us, target } = self;
        format!("{name}: {us:.1} µs (target < {target} µs: {})", self.verdict())
    }

    /// As JSON.
    pub(crate) fn json(&self) -> Value {
        json!({
            "name": self.name,
            "us": self.us,
            "target": format!("< {}", self.target),
            "verdict": self.verdict(),
        })
    }
}
