//! A journal is read as it was left, whatever became of its process, and holds no more than it may.

use std::path::Path;

use crate::{Journal, JournalError, Left, Sizes};

const SMALL: Sizes = Sizes { file: 4096, log_files: 3, cell_files: 2 };

fn open(folder: &Path) -> (Journal, Left) {
    let left = Journal::left(folder, 7).unwrap();
    (Journal::open(folder, 7, left.last_number(), SMALL).unwrap(), left)
}

fn texts(found: impl Iterator<Item = Result<Vec<Vec<u8>>, JournalError>>) -> Vec<String> {
    found.flat_map(|file| file.unwrap()).map(|entry| String::from_utf8(entry).unwrap()).collect()
}

/// What is found by the next process, where this one is killed: nothing is closed, flushed or dropped.
fn left(folder: &Path) -> (Vec<String>, Vec<String>) {
    let (_journal, left) = open(folder);
    (texts(left.ended()), texts(left.running()))
}

#[test]
fn what_was_logged_and_what_ran_is_found_by_the_next_process_until_it_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let (journal, nothing) = open(folder.path());
    assert_eq!((nothing.ended().count(), nothing.running().count()), (0, 0));
    let running = journal.runs(b"one").unwrap();
    let _two = journal.runs("two".repeat(400).as_bytes()).unwrap();
    let first = journal.ended(b"first").unwrap();
    let _second = journal.ended(b"second").unwrap();
    std::mem::forget(journal);
    let both = (vec!["first".to_owned(), "second".to_owned()], vec!["one".to_owned(), "two".repeat(400)]);
    assert_eq!(left(folder.path()), both);
    assert_eq!(left(folder.path()), both, "and found again, as nobody said that it is kept");
    let (journal, before) = open(folder.path());
    before.is_kept(true);
    assert_eq!(left(folder.path()), (vec![], vec![]));
    // What belongs to the journal before means nothing to this one.
    journal.is_kept(first);
    journal.is_over(running);
}

#[test]
fn what_is_over_is_found_no_more_and_its_cells_are_used_again() {
    let folder = tempfile::tempdir().unwrap();
    let (journal, _) = open(folder.path());
    for _ in 0..100 {
        let long = journal.runs(&[b'x'; 1500]).unwrap();
        let short = journal.runs(b"short").unwrap();
        journal.is_over(long);
        journal.is_over(short);
    }
    let _stays = journal.runs(b"stays").unwrap();
    assert_eq!(left(folder.path()).1, ["stays"]);
    let files = std::fs::read_dir(folder.path()).unwrap().count();
    assert!(files <= 6, "{files}");
}

#[test]
fn files_are_used_again_when_all_of_theirs_is_kept_in_any_order() {
    let folder = tempfile::tempdir().unwrap();
    let (journal, _) = open(folder.path());
    let mut logged = Vec::new();
    for number in 0..1000 {
        logged.push(journal.ended(format!("entry {number}").as_bytes()).unwrap());
        if logged.len() > 200 {
            journal.is_kept(logged.swap_remove(number % 200));
        }
    }
    logged.drain(..).for_each(|logged| journal.is_kept(logged));
    let _last = journal.ended(b"last").unwrap();
    let (ended, _) = left(folder.path());
    assert_eq!(ended.last().unwrap(), "last");
    assert!(ended.len() < 300, "what is kept is gone but for the file that is written to: {}", ended.len());
}

#[test]
fn of_a_request_that_is_logged_twice_the_later_is_found_first_however_often_files_turn() {
    let folder = tempfile::tempdir().unwrap();
    let (journal, _) = open(folder.path());
    let keeps_open = journal.ended(b"an entry that stays").unwrap();
    for turn in 0..40 {
        let early = journal.ended(format!("early {turn}").as_bytes()).unwrap();
        // So much that the next one is in another file, or not.
        let filler: Vec<_> = (0..turn % 5).map(|_| journal.ended(&[b'x'; 1000]).unwrap()).collect();
        let late = journal.ended(format!("late {turn}").as_bytes()).unwrap();
        let (_, left) = open(folder.path());
        let mut files = left.ended().map(|file| file.unwrap());
        let has = |entries: &Vec<Vec<u8>>, name: &str| {
            entries.iter().rposition(|entry| *entry == format!("{name} {turn}").as_bytes())
        };
        let first =
            files.find(|entries| has(entries, "late").is_some() || has(entries, "early").is_some()).unwrap();
        assert!(has(&first, "late") > has(&first, "early"), "turn {turn}");
        filler.into_iter().chain([early, late]).for_each(|logged| journal.is_kept(logged));
    }
    journal.is_kept(keeps_open);
}

#[test]
fn what_is_not_understood_is_set_aside_and_not_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let (journal, _) = open(folder.path());
    let _logged = journal.ended(b"of another version").unwrap();
    drop(journal);
    let left = Journal::left(folder.path(), 7).unwrap();
    assert_eq!(texts(left.ended()), ["of another version"]);
    left.is_kept(false);
    assert_eq!(Journal::left(folder.path(), 7).unwrap().ended().count(), 0);
    let aside = std::fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().file_name());
    assert!(aside.into_iter().all(|name| name.to_string_lossy().starts_with("damaged-")));
}

#[test]
fn a_full_journal_says_so_before_and_at_the_entry_and_takes_more_when_some_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let (journal, _) = open(folder.path());
    let mut logged = Vec::new();
    while journal.has_room(1000) {
        logged.push(journal.ended(&[b'x'; 1000]).unwrap());
    }
    assert!(matches!(journal.ended(&[b'x'; 1000]), Err(JournalError::Full(_))));
    assert_eq!(left(folder.path()).0.len(), logged.len(), "what is there stays");
    logged.into_iter().for_each(|logged| journal.is_kept(logged));
    assert!(journal.has_room(1000) && journal.ended(&[b'x'; 1000]).is_ok());
    let mut running = Vec::new();
    while let Ok(more) = journal.runs(b"r") {
        running.push(more);
    }
    assert_eq!(running.len(), 14, "two files of seven cells");
    journal.is_over(running.pop().unwrap());
    assert!(journal.runs(b"r").is_ok());
    assert!(matches!(journal.ended(&[0; 5000]), Err(JournalError::Full(_))), "larger than a file");
    assert!(matches!(journal.runs(&[0; 5000]), Err(JournalError::Full(_))));
}

#[test]
fn the_next_file_is_made_beforehand_and_a_disk_without_room_for_it_is_told_until_it_has_some() {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("journal");
    let (journal, _) = open(&inner);
    let files = || std::fs::read_dir(&inner).unwrap().count();
    assert!(files() == 2 && journal.is_short());
    journal.prepare();
    assert!(files() == 3 && !journal.is_short());
    let room = journal.has_room(1);
    while !journal.is_short() {
        let _logged = journal.ended(&[b'x'; 1000]).unwrap();
    }
    assert!(room && files() == 3, "what was made beforehand is written to");
    let away = folder.path().join("away");
    std::fs::rename(&inner, &away).unwrap();
    journal.prepare();
    assert!(journal.has_room(1) && !journal.has_room(4000), "what is open has room, and the disk has none");
    std::fs::rename(&away, &inner).unwrap();
    journal.prepare();
    assert!(journal.has_room(4000) && files() == 4);
}

#[test]
fn a_head_that_was_being_written_is_no_damage() {
    let folder = tempfile::tempdir().unwrap();
    let (journal, _) = open(folder.path());
    let _logged = journal.ended(b"kept already").unwrap();
    drop(journal);
    for item in std::fs::read_dir(folder.path()).unwrap() {
        let path = item.unwrap().path();
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[..8].fill(0);
        std::fs::write(&path, bytes).unwrap();
    }
    Journal::left(folder.path(), 7).unwrap().is_kept(true);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is set aside");
}

#[test]
fn what_was_set_aside_stays_when_more_of_its_name_is() {
    let folder = tempfile::tempdir().unwrap();
    for _ in 0..3 {
        let (journal, left) = open(folder.path());
        left.is_kept(true);
        let _logged = journal.ended(b"of another version").unwrap();
        drop(journal);
        Journal::left(folder.path(), 7).unwrap().is_kept(false);
    }
    let aside = std::fs::read_dir(folder.path()).unwrap().map(|item| item.unwrap().file_name());
    assert_eq!(aside.filter(|name| name.to_string_lossy().starts_with("damaged-ended-")).count(), 3);
}

#[test]
fn a_journal_of_another_gateway_or_a_newer_version_is_refused_and_stays() {
    let folder = tempfile::tempdir().unwrap();
    let (journal, _) = open(folder.path());
    let _logged = journal.ended(b"first").unwrap();
    let refused = Journal::left(folder.path(), 8).unwrap_err().to_string();
    assert!(refused.contains("another gateway") && refused.contains("move it"), "{refused}");
    assert_eq!(left(folder.path()).0, ["first"]);
    let some = std::fs::read_dir(folder.path()).unwrap().next().unwrap().unwrap().path();
    let mut bytes = std::fs::read(&some).unwrap();
    bytes[8] = 9;
    std::fs::write(&some, bytes).unwrap();
    let refused = Journal::left(folder.path(), 7).unwrap_err().to_string();
    assert!(refused.contains("newer version") && refused.contains("format 9"), "{refused}");
}

#[test]
fn of_a_file_that_is_cut_off_at_any_byte_what_is_whole_is_read_and_the_rest_set_aside() {
    let folder = tempfile::tempdir().unwrap();
    let (journal, _) = open(folder.path());
    let logged: Vec<_> =
        (0..20).map(|number| journal.ended(format!("entry {number:02}").as_bytes())).collect();
    assert!(logged.iter().all(Result::is_ok));
    drop(journal);
    let path = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|item| item.unwrap().path())
        .find(|path| path.file_name().unwrap().to_string_lossy().starts_with("ended-"))
        .unwrap();
    let whole = std::fs::read(&path).unwrap();
    for end in (0..600).step_by(7) {
        let folder = tempfile::tempdir().unwrap();
        let cut = folder.path().join(path.file_name().unwrap());
        std::fs::write(&cut, &whole[..end]).unwrap();
        let (journal, left) = open(folder.path());
        let entries = texts(left.ended());
        let expected = end.saturating_sub(32) / 16;
        assert_eq!(entries.len(), expected.min(20), "{end}: {entries:?}");
        left.is_kept(true);
        let damaged = folder.path().join(format!("damaged-{}", path.file_name().unwrap().to_string_lossy()));
        assert_eq!(damaged.exists(), end > 0, "{end}");
        drop(journal);
    }
}

#[test]
fn an_entry_of_which_a_byte_changed_is_not_read_and_takes_no_other_along() {
    let folder = tempfile::tempdir().unwrap();
    let (journal, _) = open(folder.path());
    let written: Vec<String> = (0..20).map(|number| format!("entry {number:02}")).collect();
    let logged: Vec<_> = written.iter().map(|entry| journal.ended(entry.as_bytes()).unwrap()).collect();
    assert_eq!(logged.len(), 20);
    let (_, now) = open(folder.path());
    assert_eq!(texts(now.ended()), written);
    let path = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|item| item.unwrap().path())
        .find(|path| std::fs::read(path).unwrap().windows(8).any(|some| some == b"entry 03"))
        .unwrap();
    let whole = std::fs::read(&path).unwrap();
    for at in 32..32 + 20 * 16 {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x5a;
        std::fs::write(&path, bytes).unwrap();
        let entries = left(folder.path()).0;
        let mut others = written.clone();
        others.remove((at - 32) / 16);
        assert_eq!(entries, others, "{at}");
    }
}
