//! How buckets, takes and leases are called and written there.

use std::fmt::Write as _;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use redis::Value;
use sluice_api::limiter::{Bucket, Principal, Rule, Take, Unit, Window};
use sluice_api::store::{LeaseId, Level, StoreError};

use crate::link::Link;

/// How the keys of slots end.
const HELD: &str = ":held";

/// A span of time in whole microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span(pub(super) i64);

impl Span {
    pub(super) fn of(duration: Duration) -> Self {
        Self(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX))
    }

    /// How long it is from a moment to a later one.
    pub(super) fn between(from: Timestamp, to: Timestamp) -> Option<Self> {
        let span = to.as_microsecond().checked_sub(from.as_microsecond())?;
        (span >= 0).then_some(Self(span))
    }
}

/// What of takes is sent with every script that counts: the counts, each once, and the takes.
#[derive(Debug, Default)]
pub(super) struct Tail {
    pub(super) keys: Vec<String>,
    pub(super) counts: Vec<Vec<u8>>,
    /// The takes, as admission needs them: with their limits.
    pub(super) takes: Vec<Vec<u8>>,
    /// The same for what ends them.
    pub(super) amounts: Vec<Vec<u8>>,
    /// Which count each take is of, from 1.
    pub(super) which: Vec<usize>,
}

impl Tail {
    /// That of takes, as of a moment.
    pub(super) fn new<'a>(link: &Link, takes: impl Iterator<Item = &'a Take>, now: Timestamp) -> Self {
        let mut tail = Self::default();
        let mut known: Vec<&Take> = Vec::new();
        let (mut counts, mut written) = (Vec::new(), Vec::new());
        for take in takes {
            let same = |one: &&Take| one.bucket == take.bucket && one.window == take.window;
            let at = known.iter().position(same).unwrap_or_else(|| {
                known.push(take);
                tail.open(link, take, (&mut counts, now));
                known.len() - 1
            });
            tail.which.push(at + 1);
            let unit = match take.unit {
                Unit::Requests => "q",
                Unit::Tokens => "t",
                Unit::Cost => "c",
            };
            let rule = if take.rule == Rule::Below { "b" } else { "w" };
            let [index, amount, limit] =
                [at as u64 + 1, take.amount, take.limit].map(|number| number.to_string());
            tail.amounts.extend([index.as_str(), unit, &amount].map(Vec::from));
            written.extend([&index, unit, rule, &amount, &limit].map(Vec::from));
        }
        tail.counts.push(known.len().to_string().into_bytes());
        tail.counts.append(&mut counts);
        tail.takes.push(tail.which.len().to_string().into_bytes());
        tail.takes.append(&mut written);
        tail
    }

    fn open(&mut self, link: &Link, take: &Take, (counts, now): (&mut Vec<Vec<u8>>, Timestamp)) {
        let key = count_key(link, take);
        let (kind, span, whose) = match take.window {
            Window::Held => ("h", 0, principal(&take.bucket.principal)),
            Window::Rolling(length) => {
                self.keys.push(key.clone());
                ("r", Span::of(length).0.max(1), String::new())
            }
            Window::Calendar { from, to } => {
                let long = |from| Span::between(from, to).map_or(0, |span| span.0);
                ("c", long(now), long(from).to_string())
            }
            Window::Total => ("t", 0, String::new()),
        };
        self.keys.push(if kind == "r" { format!("{key}:moments") } else { key });
        counts.extend([kind.to_owned(), span.to_string(), whose].map(String::into_bytes));
    }

    /// Each count: its key, with that of its list where it has one, and what scripts are told of it.
    pub(super) fn each_count(&self) -> impl Iterator<Item = (&[String], &[Vec<u8>])> {
        let mut keys = self.keys.as_slice();
        self.counts.get(1..).unwrap_or_default().chunks_exact(3).map(move |count| {
            let rolls = count.first().is_some_and(|kind| kind == b"r");
            let (own, others) = keys.split_at(keys.len().min(1 + usize::from(rolls)));
            keys = others;
            (own, count)
        })
    }

    /// The takes, where its counts are called so.
    pub(super) fn takes_of<'a>(&'a self, called: &'a [Vec<u8>]) -> impl Iterator<Item = Vec<u8>> {
        let takes = self.takes.get(1..).unwrap_or_default().chunks_exact(5);
        takes.zip(&self.which).flat_map(|(take, which)| {
            let called = called.get(which.saturating_sub(1));
            called.into_iter().chain(take.get(1..).unwrap_or_default()).cloned()
        })
    }

    /// The keys of slots among its counts.
    pub(super) fn slots(&self) -> impl Iterator<Item = &String> {
        self.keys.iter().filter(|key| key.ends_with(HELD))
    }

    /// What of it is sent with a script that ends it.
    pub(super) fn settled(&self) -> impl Iterator<Item = Vec<u8>> {
        let takes = (self.amounts.len() / 3).to_string().into_bytes();
        self.counts.iter().cloned().chain([takes]).chain(self.amounts.iter().cloned())
    }

    /// As a lease keeps it, so that others can give back what one that is dead held.
    pub(super) fn written(&self) -> String {
        let texts = |all: &[Vec<u8>]| -> Vec<String> {
            all.iter().map(|one| String::from_utf8_lossy(one).into_owned()).collect()
        };
        serde_json::to_string(&(&self.keys, texts(&self.counts), texts(&self.amounts))).unwrap_or_default()
    }

    /// What is read of that.
    pub(super) fn read(written: &str) -> Option<Self> {
        let (keys, counts, amounts): (_, Vec<String>, Vec<String>) = serde_json::from_str(written).ok()?;
        let bytes = |all: Vec<String>| all.into_iter().map(String::into_bytes).collect();
        Some(Self { keys, counts: bytes(counts), amounts: bytes(amounts), ..Self::default() })
    }
}

/// The key of a count.
pub(super) fn count_key(link: &Link, take: &Take) -> String {
    let Bucket { limiter, principal: whose, part, .. } = &take.bucket;
    let mut name = format!("count:{}:", principal(whose));
    escaped(limiter, &mut name);
    name.push(':');
    escaped(part.as_deref().unwrap_or_default(), &mut name);
    let _ = match take.window {
        Window::Held => write!(name, "{HELD}"),
        Window::Rolling(length) => write!(name, ":{}us", Span::of(length).0),
        Window::Calendar { from, .. } => write!(name, ":{}", from.as_second()),
        Window::Total => write!(name, ":total"),
    };
    link.key(&name)
}

/// The key of the line of a key.
pub(super) fn line_key(link: &Link, key: &str) -> String {
    let mut name = "line:".to_owned();
    escaped(key, &mut name);
    link.key(&name)
}

/// A lease's name among those of its gateway.
pub(super) fn lease_name(id: LeaseId) -> String {
    format!("{:x}-{:x}", id.owner.0, id.number)
}

fn principal(principal: &Principal) -> String {
    let (kind, name) = match principal {
        Principal::Key(id) => ("key", id),
        Principal::Group(name) => ("group", name),
        Principal::Account(name) => ("account", name),
        other => ("other", other.name()),
    };
    let mut written = format!("{kind}/");
    escaped(name, &mut written);
    written
}

/// Writes a name so that it has no blank, and none of the marks that stand between names.
fn escaped(name: &str, into: &mut String) {
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_./*@+=".contains(&byte) {
            into.push(char::from(byte));
        } else {
            let _ = write!(into, "%{byte:02X}");
        }
    }
}

/// How full a count is, as a script says: used, reserved, and microseconds until all of it is over.
pub(super) fn level(told: &[String], window: Window, now: Timestamp) -> Level {
    let number = |at: usize| told.get(at).map_or(0, |digits| whole(digits));
    let resets = match window {
        Window::Calendar { to, .. } => Some(to),
        Window::Rolling(_) => told.get(2).and_then(|span| later(now, span.parse().ok()?)),
        Window::Held | Window::Total => None,
    };
    Level::new(number(0), number(1), resets)
}

/// The moment so many microseconds later.
pub(super) fn later(now: Timestamp, microseconds: i64) -> Option<Timestamp> {
    now.checked_add(SignedDuration::from_micros(microseconds)).ok()
}

/// An amount that is written in digits, or the most that there is where it is more.
fn whole(digits: &str) -> u64 {
    let is_number = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
    digits.parse().unwrap_or(if is_number { u64::MAX } else { 0 })
}

/// An answer that is a list, as texts.
pub(super) fn texts(answer: Value) -> Result<Vec<String>, StoreError> {
    redis::from_redis_value(answer)
        .map_err(|error| StoreError(format!("it answered something else: {error}")))
}
