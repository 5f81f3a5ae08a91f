//! What holds on Redis whatever becomes of it holds on a Valkey, which is newer.

use std::process::Command;

use super::server::Server;

/// Tests that are about what servers do, and not about what is asked of them alone: the suite is put to a Valkey by itself.
const TESTS: [&str; 9] = [
    "tests::alone::",
    "tests::bounded::",
    "tests::faults::",
    "tests::lives::",
    "tests::model::",
    "tests::moving::",
    "tests::mute::",
    "tests::together::",
    "records::tests::",
];

#[test]
fn what_is_borne_on_redis_is_borne_on_valkey() {
    let told = Command::new(std::env::current_exe().unwrap())
        .args(TESTS)
        .args(["--test-threads", "2"])
        .env("SLUICE_TEST_REDIS", Server::valkey_program())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&told.stdout);
    assert!(told.status.success(), "{text}\n{}", String::from_utf8_lossy(&told.stderr));
    let passed = text
        .lines()
        .find_map(|line| line.strip_prefix("test result: ok. ")?.split(' ').next()?.parse::<usize>().ok());
    assert!(passed.is_some_and(|count| count >= 40), "{text}");
}
