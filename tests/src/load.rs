//! Many requests at once, each of which has to come to what it should.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use crate::client::begin;
use crate::dialects::Dialect;
use crate::gateway::{Gateway, KEY};

/// How many of what went wrong are shown.
const SHOWN: usize = 5;

/// Calls a function so many times in all, from so many threads, with the number of the call; fails where any call told
/// of something else than `Ok`.
///
/// # Panics
///
/// With some of what was told.
pub fn drive(threads: usize, count: usize, call: impl Fn(usize) -> Result<(), String> + Sync) {
    repeat(threads, |number| number < count, call);
}

/// The same as long as nobody says that it is over; says how many calls there were.
///
/// # Panics
///
/// With some of what was told.
pub fn drive_until(
    threads: usize,
    over: &AtomicBool,
    call: impl Fn(usize) -> Result<(), String> + Sync,
) -> usize {
    repeat(threads, |_| !over.load(Ordering::SeqCst), call)
}

fn repeat(
    threads: usize,
    goes_on: impl Fn(usize) -> bool + Sync,
    call: impl Fn(usize) -> Result<(), String> + Sync,
) -> usize {
    let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let wrong = Mutex::new(Vec::new());
    let work = || loop {
        let number = next.fetch_add(1, Ordering::SeqCst);
        if !goes_on(number) {
            return;
        }
        if let Err(told) = call(number) {
            wrong.lock().unwrap().push(format!("{number}: {told}"));
        }
        done.fetch_add(1, Ordering::SeqCst);
    };
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(work);
        }
    });
    let (wrong, done) = (wrong.into_inner().unwrap(), done.into_inner());
    let shown: Vec<&String> = wrong.iter().take(SHOWN).collect();
    assert!(wrong.is_empty(), "{} of {done} went wrong: {shown:#?}", wrong.len());
    done
}

/// Asks for a dialect's sample, whole or as a stream; says what else came of it.
///
/// # Errors
///
/// Where it is not that sample to the last byte.
pub fn sample(gateway: &Gateway, dialect: &Dialect, streamed: bool) -> Result<(), String> {
    let (path, body, good) = match streamed {
        true => (dialect.stream_request.0, dialect.stream_request.1, dialect.stream),
        false => (dialect.paths[0], dialect.request, dialect.answer),
    };
    let answer = begin(&gateway.address, "POST", path, &[("x-api-key", KEY)], body.as_bytes()).whole();
    let (text, status) = (answer.text(), answer.status);
    match status == 200 && answer.complete && text == good {
        true => Ok(()),
        false => Err(format!("{status} to {}, streamed: {streamed}: {text}", dialect.api)),
    }
}
