//! Where things are: the binary, the workspace, and a folder of a test's own.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The gateway's binary, beside the suite's own.
#[must_use]
pub fn binary() -> PathBuf {
    if let Some(path) = std::env::var_os("SLUICE_BIN") {
        return path.into();
    }
    let test = std::env::current_exe().unwrap();
    let folder = test.parent().and_then(Path::parent).unwrap();
    let binary = folder.join("sluice");
    assert!(binary.exists(), "{} is missing: cargo build --bin sluice", binary.display());
    binary
}

/// The program in a folder, with nothing of this process's environment that it would read.
#[must_use]
pub fn program(folder: &Path) -> Command {
    let mut command = Command::new(binary());
    command.current_dir(folder);
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if name.starts_with("SLUICE_") || name.ends_with("_API_KEY") {
            command.env_remove(name);
        }
    }
    command
}

/// The top of the workspace.
#[must_use]
pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The hosts that servers of this process have for themselves.
pub(crate) fn lone_hosts() -> impl Iterator<Item = String> {
    (1..=LONE_HOSTS).map(|number| format!("127.78.{}.{number}", std::process::id() % 250 + 1))
}

const LONE_HOSTS: usize = 16;

/// An address for a server that can't say which port it was given. It has a host of its own: there a port that is free
/// for a while is nobody else's.
///
/// # Panics
///
/// Where the machine has no such address.
#[must_use]
pub fn lone_address() -> String {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let host = lone_hosts().nth(COUNT.fetch_add(1, Ordering::SeqCst) % LONE_HOSTS).unwrap();
    TcpListener::bind(format!("{host}:0")).unwrap().local_addr().unwrap().to_string()
}

/// A folder of a test's own, removed at its end.
pub struct Folder(pub PathBuf);

impl Folder {
    /// A new one.
    #[must_use]
    pub fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::SeqCst);
        let path = std::env::temp_dir().join(format!("sluice-suite-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// A folder in it.
    #[must_use]
    pub fn sub(&self, name: &str) -> PathBuf {
        let path = self.0.join(name);
        std::fs::create_dir_all(&path).unwrap();
        path
    }
}

impl Default for Folder {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Every file in a folder and those below it.
#[must_use]
pub fn files_below(folder: &Path) -> Vec<PathBuf> {
    let (mut found, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path);
            }
        }
    }
    found
}
