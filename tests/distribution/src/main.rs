//! Sluice with Acme's provider.

use acme_provider as _;

fn main() -> std::process::ExitCode {
    sluice_bundle::main()
}
