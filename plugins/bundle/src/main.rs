//! The `sluice` binary: the gateway with every plugin of this workspace.

use std::process::ExitCode;

fn main() -> ExitCode {
    sluice_bundle::main()
}
