//! The admin token that is made where the configuration has none: in a file beside the store's own, for its owner alone.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use sluice_api::settings::Secret;
use sluice_config::resolved::LogFormat;
use sluice_config::{check, read};
use sluice_line::gateway::Gateway;

use crate::complain::{fail, refuse, write};
use crate::list::say;

/// The file's name in the store's folder.
const FILE: &str = "admin-token";

/// Its mode: who runs the gateway may read and replace it, and nobody else.
const MODE: u32 = 0o600;

/// Where a store without a folder keeps it, and where every store once did.
const DOCUMENT: (&str, &str) = ("admin", "token");

type Failure = Box<dyn std::error::Error>;

/// The token that was made before, or a new one.
pub(crate) async fn kept(gateway: &Gateway, format: LogFormat) -> Result<Secret, Failure> {
    let store = gateway.store();
    let (kind, id) = DOCUMENT;
    let file = store.folder().map(|folder| folder.join(FILE));
    if let Some(token) = file.as_deref().map(read).transpose()?.flatten() {
        return Ok(Secret::new(token));
    }
    let in_store = store.list(kind).await?.into_iter().find(|(found, _)| found == id).map(|(_, token)| token);
    let (token, is_new) = match in_store {
        Some(token) => (token, false),
        None => (sluice_config::key::new_secret()?.replace("sk-sluice-", "admin-"), true),
    };
    match &file {
        Some(file) => {
            create(file, &token)?;
            store.delete(kind, id).await?;
        }
        None if is_new => store.put(kind, id, &token).await?,
        None => {}
    }
    if is_new {
        announce(format, &token, file.as_deref());
    }
    Ok(Secret::new(token))
}

/// A log is read by more than its owner: for programs the token stays out of it.
fn announce(format: LogFormat, token: &str, file: Option<&Path>) {
    let place = file.map_or_else(|| "the store".to_owned(), |file| file.display().to_string());
    match format {
        LogFormat::Text => write(format_args!(
            "admin token (made now, kept in {place}; `sluice admin-token` prints it; here it is not shown again): {token}"
        )),
        LogFormat::Json => {
            tracing::info!(place, "an admin token was made: `sluice admin-token` shows it");
        }
    }
}

/// Shows it.
pub(crate) fn show(files: &[PathBuf]) -> ExitCode {
    let format = LogFormat::Text;
    let loaded = match read::load(files) {
        Ok(loaded) => loaded,
        Err(problems) => return refuse(format, &problems),
    };
    if let Some(place) = read::admin_token_place(&loaded) {
        return fail(format, format_args!("the admin token is the one of {place}: it is not shown"));
    }
    let store = match check::store(&loaded) {
        Ok(store) => store,
        Err(problems) => return refuse(format, &problems),
    };
    let Some(folder) = store.folder() else {
        return fail(format, "this store keeps no files: the admin token was printed when it was made");
    };
    match read(&folder.join(FILE)) {
        Ok(Some(token)) => {
            say(token);
            ExitCode::SUCCESS
        }
        Ok(None) => fail(
            format,
            format_args!(
                "no admin token was made in {} yet: start the gateway once, or run this where it runs",
                folder.display()
            ),
        ),
        Err(error) => fail(format, error),
    }
}

/// The token in a file; nothing where there is none.
fn read(file: &Path) -> Result<Option<String>, Failure> {
    match std::fs::read_to_string(file) {
        Ok(text) => Ok(Some(text.trim().to_owned()).filter(|token| !token.is_empty())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(format!("the admin token's file {} can't be read: {error}", file.display()).into()),
    }
}

/// Writes a token as a whole or not at all, readable by nobody else at any time.
fn create(file: &Path, token: &str) -> Result<(), Failure> {
    let fresh = file.with_extension("new");
    let written = || {
        match std::fs::remove_file(&fresh) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut open = std::fs::OpenOptions::new().write(true).create_new(true).mode(MODE).open(&fresh)?;
        writeln!(open, "{token}")?;
        open.sync_all()?;
        std::fs::rename(&fresh, file)
    };
    written().map_err(|error| format!("the admin token can't be kept in {}: {error}", file.display()).into())
}
