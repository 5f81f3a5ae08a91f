//! What it costs to price a request: how long it takes.
//!
//! `cargo run --release -p sluice-prices --example pricing`

#![expect(clippy::unwrap_used, reason = "it shows figures, and does nothing where it can't")]

use std::hint::black_box;
use std::time::Instant;

use sluice_api::cost::{PriceAsk, Usage};
use sluice_prices::list::List;

/// How often each is priced in a round, of which the quickest is told: the others were disturbed.
const TIMES: u32 = 200_000;
const ROUNDS: usize = 7;

fn main() {
    let list = List::built_in().unwrap();
    let time = "2026-11-28T12:00:00Z".parse().unwrap();
    let plain = Usage::new(1_000, 500);
    let mut cached = Usage::new(2_000, 4_000);
    (cached.cache_read, cached.cache_write_5m, cached.cache_write_1h) = (250_000, 1_500, 8_000);
    (cached.reasoning, cached.web_searches) = (1_000, 3);
    let cases = [
        ("input and output", "claude-console", "claude-sonnet-4-5", None, plain),
        ("by a dated name", "claude-console", "claude-sonnet-4-5-20250929", None, plain),
        ("by the provider's prefix", "gemini", "gemini-2.5-pro", None, plain),
        ("every class, in a band of a tier", "openai", "gpt-6.1-sol", Some("priority"), cached),
        ("every class, in a batch's band", "claude-console", "claude-haiku-5-5", Some("batch"), cached),
        ("a model that nobody knows", "openai-compatible", "nobodys-model-20250101", None, plain),
    ];
    for (name, provider, model, tier, usage) in cases {
        let round = || {
            let begun = Instant::now();
            for _ in 0..TIMES {
                let mut ask = PriceAsk::new(provider, model, &usage, time);
                ask.tier = tier;
                black_box(list.price(black_box(&ask)));
            }
            begun.elapsed().as_nanos() / u128::from(TIMES)
        };
        let quickest = (0..ROUNDS).map(|_| round()).min().unwrap_or_default();
        println!("{quickest:>6} ns  {name}");
    }
}
