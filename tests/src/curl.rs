//! curl as a client, for what the plain socket does not speak: TLS and HTTP/2.

use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};

/// What curl was told of an answer.
#[derive(Debug)]
pub struct Told {
    /// The status.
    pub status: u16,
    /// The version of HTTP that it came by, like `2` or `1.1`.
    pub version: String,
    /// The body.
    pub body: String,
}

/// Sends a body, or gets where there is none, and waits for the whole answer.
///
/// Each argument of `--header` and the like is one of `arguments`; the URL is the last.
#[must_use]
pub fn curl(arguments: &[&str], body: Option<&str>) -> Told {
    let mut child = start(&[&["-w", "\n%{http_code} %{http_version}"], arguments].concat(), body);
    let mut output = String::new();
    child.stdout.take().unwrap().read_to_string(&mut output).unwrap();
    let mut problems = String::new();
    child.stderr.take().unwrap().read_to_string(&mut problems).unwrap();
    child.wait().unwrap();
    let (body, told) = output.rsplit_once('\n').unwrap();
    let (status, version) = told.split_once(' ').unwrap();
    assert_ne!(status, "000", "{problems}");
    Told { status: status.parse().unwrap(), version: version.to_owned(), body: body.to_owned() }
}

/// The same, of which nothing is waited for; its standard output is the answer's body as it comes.
#[must_use]
pub fn start(arguments: &[&str], body: Option<&str>) -> Child {
    let mut command = Command::new("curl");
    command.args(["-sSNk", "--max-time", "20"]).stdin(Stdio::piped());
    if body.is_some() {
        command.args(["--data-binary", "@-", "-H", "content-type: application/json"]);
    }
    let piped = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = piped.args(arguments).spawn().unwrap();
    child.stdin.take().unwrap().write_all(body.unwrap_or_default().as_bytes()).unwrap();
    child
}
