//! The official SDKs at work, each kind of call again and again, until they are told to stop.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::gateway::{Gateway, KEY};
use crate::place::workspace;

/// The SDKs at work.
pub struct Sdks(Child);

impl Sdks {
    /// Lets them ask a gateway.
    ///
    /// # Panics
    ///
    /// Where they are not installed.
    #[must_use]
    pub fn start(gateway: &Gateway) -> Self {
        let Some(python) = std::env::var_os("SLUICE_TEST_PYTHON") else {
            panic!("SLUICE_TEST_PYTHON is not set: .ci/run makes the environment with the official SDKs");
        };
        let mut child = Command::new(python)
            .arg(workspace().join("tests/clients/pools_sdk.py"))
            .args([&format!("http://{}", gateway.address), KEY])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = Vec::new();
        // One byte at a time: nothing may be kept from who reads the rest.
        while line.last() != Some(&b'\n') {
            let mut byte = [0];
            child.stdout.as_mut().unwrap().read_exact(&mut byte).unwrap();
            line.extend(byte);
        }
        assert_eq!(line, b"driving\n");
        Self(child)
    }

    /// What they say of it in the end.
    #[must_use]
    pub fn end(mut self) -> Value {
        drop(self.0.stdin.take());
        let mut said = String::new();
        BufReader::new(self.0.stdout.take().unwrap()).read_line(&mut said).unwrap();
        assert!(self.0.wait().unwrap().success());
        serde_json::from_str(&said).unwrap()
    }
}

impl Drop for Sdks {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
