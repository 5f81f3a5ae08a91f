//! What `.ci/run` has installed of others' clients, in Python and for Node.

use std::ffi::OsString;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::place::workspace;

fn installed(name: &str) -> OsString {
    std::env::var_os(name).unwrap_or_else(|| panic!("{name} is not set: .ci/run installs what it tells of"))
}

/// The folder with Node and `node_modules`.
#[must_use]
pub fn modules() -> PathBuf {
    installed("SLUICE_TEST_NODE").into()
}

/// A program that Python packages have brought along.
#[must_use]
pub fn beside_python(name: &str) -> PathBuf {
    PathBuf::from(installed("SLUICE_TEST_PYTHON")).with_file_name(name)
}

/// A script of `tests/clients`, to be run by what its name ends with; one for Node is told first where its modules are.
///
/// # Panics
///
/// Where they are not installed.
#[must_use]
pub fn script(name: &str) -> Command {
    let file = workspace().join("tests/clients").join(name);
    if name.ends_with(".py") {
        let mut command = Command::new(installed("SLUICE_TEST_PYTHON"));
        command.arg(file);
        return command;
    }
    let mut command = Command::new(modules().join("node"));
    command.arg(file).arg(modules());
    command
}

/// Runs it to its end with this input.
///
/// # Panics
///
/// Where it fails.
pub fn succeeds(mut command: Command, input: &str) {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&said));
}

/// A command-line client that is a program: of the package with this name for this machine, the file at a path in it, where
/// `*` is the one folder that is there.
///
/// # Panics
///
/// Where it is not installed.
#[must_use]
pub fn native(package: &str, path: &str, home: &Path) -> Command {
    let machine = if cfg!(target_arch = "aarch64") { "arm64" } else { "x64" };
    let mut file = modules().join("node_modules").join(format!("{package}-{machine}"));
    for name in path.split('/') {
        let name = if name == "*" { first_in(&file) } else { name.into() };
        file.push(name);
    }
    at_home(file, home)
}

fn first_in(folder: &Path) -> OsString {
    std::fs::read_dir(folder).unwrap().next().unwrap().unwrap().file_name()
}

/// A command-line client that is a script for Node, at a path among the modules.
#[must_use]
pub fn scripted(path: &str, home: &Path) -> Command {
    let mut command = at_home(modules().join("node"), home);
    command.arg(modules().join("node_modules").join(path));
    command
}

/// A program that knows nothing of who runs it, and reaches this machine alone. One that hangs is ended.
#[must_use]
pub fn at_home(program: PathBuf, home: &Path) -> Command {
    let mut command = Command::new("timeout");
    command.args(["--kill-after=1", "240"]).arg(program).env_clear().env("HOME", home);
    command.env("PATH", "/usr/local/bin:/usr/bin:/bin");
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"] {
        // Nobody listens there.
        command.env(name, "http://127.0.0.1:9");
    }
    command.env("NO_PROXY", "127.0.0.1").env("no_proxy", "127.0.0.1");
    command
}
