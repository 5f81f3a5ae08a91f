//! Files of the journal that are another gateway's, of another version, cut off or damaged.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use sluice_tests::gateway::{Gateway, TOKEN, key};
use sluice_tests::place::{Folder, binary, files_below};

use super::away::{Locked, ask};
use super::records;

fn config() -> String {
    format!("[[accounts]]\nname = \"s\"\nprovider = \"simulated\"\n{}", key(""))
}

/// A gateway's folder, whose process was killed after some requests; and its journal's files.
fn killed(requests: usize) -> (Arc<Folder>, Vec<PathBuf>) {
    let folder = Arc::new(Folder::new());
    let gateway = Gateway::start_in(Arc::clone(&folder), &config());
    let locked = Locked::new(&folder.0.join("data/sluice.db"));
    for _ in 0..requests {
        assert_eq!(ask(&gateway), 200);
    }
    gateway.signal("KILL");
    drop(gateway);
    drop(locked);
    let files = files_below(&folder.0.join("data/journal"));
    assert!(files.len() >= 2, "{files:?}");
    (folder, files)
}

/// What it says where it does not start.
fn refused(folder: &Folder) -> String {
    let mut command = Command::new(binary());
    let output = command.arg("--config").arg(folder.0.join("sluice.toml")).output().unwrap();
    assert!(!output.status.success());
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_journal_of_another_gateway_or_a_newer_version_is_refused_with_what_to_do() {
    let (folder, files) = killed(3);
    let (_other, others) = killed(1);
    let copied = folder.0.join("data/journal").join("ended-00000000000000ff");
    let log = |files: &[PathBuf]| {
        files.iter().find(|file| file.to_string_lossy().contains("ended-")).unwrap().clone()
    };
    std::fs::copy(log(&others), &copied).unwrap();
    let said = refused(&folder);
    assert!(said.contains("the journal of another gateway: move it back") && said.contains("00ff"), "{said}");
    std::fs::remove_file(&copied).unwrap();

    let mut newer = std::fs::read(log(&files)).unwrap();
    newer[8] = 200;
    std::fs::write(&copied, newer).unwrap();
    let said = refused(&folder);
    assert!(
        said.contains("newer version of Sluice (format 200") && said.contains("start that version once"),
        "{said}"
    );
    std::fs::remove_file(&copied).unwrap();

    // What was refused has lost nothing.
    let gateway = Gateway::start_in(Arc::clone(&folder), &config());
    assert_eq!(records(&gateway).len(), 3);
}

#[test]
fn a_journal_that_is_cut_off_gives_what_it_has_and_is_set_aside() {
    let folder = Arc::new(Folder::new());
    let gateway = Gateway::start_in(Arc::clone(&folder), &config());
    // While the database is locked, all of it is in the journal alone.
    let locked = Locked::new(&folder.0.join("data/sluice.db"));
    for _ in 0..4 {
        assert_eq!(ask(&gateway), 200);
    }
    gateway.signal("KILL");
    drop(gateway);
    drop(locked);
    let mut cut = 0;
    for file in files_below(&folder.0.join("data/journal")) {
        let whole = std::fs::read(&file).unwrap();
        std::fs::write(&file, &whole[..whole.len() / 2]).unwrap();
        cut += 1;
    }
    assert!(cut >= 2, "{cut}");
    let gateway = Gateway::start_in(Arc::clone(&folder), &config());
    assert_eq!(records(&gateway).len(), 4, "what is cut off has none of them");
    let aside = files_below(&folder.0.join("data/journal"));
    assert!(aside.iter().any(|file| file.to_string_lossy().contains("damaged-")), "{aside:?}");
    assert!(gateway.log().contains("its end is missing"), "{}", gateway.log());
    assert!(!gateway.log().contains(TOKEN));
}
