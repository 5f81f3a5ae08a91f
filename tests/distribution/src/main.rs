//! Sluice with Acme's provider, limiter, cost model and scheduler.

use acme_cheapest as _;
use acme_families as _;
use acme_prices as _;
use acme_provider as _;

fn main() -> std::process::ExitCode {
    sluice_bundle::main()
}
