//! A window that rolls against a plain model of it, over clocks that leap and keys that end meanwhile: what is admitted, how much
//! is used, and how long there is no room.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use redis::Value;
use sluice_api::limiter::{Bucket, Take, Why, Window};
use sluice_api::store::{Asked, Lease, LeaseId, Owner, Taken, Used};

use super::event::PATIENCE;
use super::faults::{key, link};
use super::server::Server;
use crate::counts::{Counts, Time};
use crate::link::Link;

const LENGTH: Duration = Duration::from_secs(60);
const LENGTH_US: i64 = 60_000_000;
const RUNS: u64 = 16;
const STEPS: u64 = 150;

/// What a count has in a server.
const KEYS: [&str; 2] = [
    "{sluice}:count:key/key:rate:requests:60000000us",
    "{sluice}:count:key/key:rate:requests:60000000us:moments",
];

/// How far the clock goes at a time, in microseconds: most often not far, sometimes far beyond what keys live.
const NEAR: [i64; 4] = [1, 10, 1_000, 1_000_000];
const FAR: [i64; 6] = [10_000_000, 61_000_000, 600_000_000, 1_200_000_000, 2_400_000_000, 4_000_000_000];

/// Numbers that are the same each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: u64) -> u64 {
        // The high bits of a linear congruence are as good as any here.
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[usize::try_from(self.below(all.len() as u64)).unwrap()]
    }
}

/// Keys that end by a clock which is told: the server's own stands almost still beside it.
#[derive(Default)]
struct Ends(HashMap<&'static str, i64>);

impl Ends {
    /// What has ended by now is gone.
    async fn pass(&self, link: &Link, now: i64) {
        for (key, _) in self.0.iter().filter(|(_, end)| **end <= now) {
            link.ask(redis::cmd("DEL").arg(*key)).await.unwrap();
        }
    }

    /// What lives lives for so long from now.
    async fn look(&mut self, link: &Link, now: i64) {
        for key in KEYS {
            let Value::Int(left) = link.ask(redis::cmd("PTTL").arg(key)).await.unwrap() else {
                panic!("no time")
            };
            if left >= 0 {
                self.0.insert(key, now + left * 1_000)
            } else {
                self.0.remove(key)
            };
        }
    }
}

async fn run(link: &Arc<Link>, run: u64) {
    let counts = Counts::new(Arc::clone(link), format!("run-{run}"), Time::Told);
    let (mut dice, mut ends) = (Dice(run * 7_919 + 1), Ends::default());
    let limit = dice.of(&[1, 3, 10]);
    let take =
        Take::within(Bucket::new("rate", key()).part("requests".into()), Window::Rolling(LENGTH), 1, limit);
    let mut now: i64 = 1_764_000_000_000_000;
    // When each was admitted that counts.
    let mut used: Vec<(i64, Lease)> = Vec::new();
    for step in 0..STEPS {
        now += if dice.below(10) < 3 { dice.of(&FAR) } else { dice.of(&NEAR) };
        ends.pass(link, now).await;
        used.retain(|(at, _)| at + LENGTH_US > now);
        let at = Timestamp::from_microsecond(now).unwrap();
        let told = format!("run {run}, step {step}, {} of {limit}", used.len());
        if !used.is_empty() && dice.below(4) == 0 {
            let which = usize::try_from(dice.below(used.len() as u64)).unwrap();
            let (_, lease) = used.remove(which);
            counts.settle(&lease, Used::NOTHING, at);
            counts.settled().await;
        } else {
            let lease = Lease::new(LeaseId::new(Owner(run), step), at, vec![take.clone()]);
            match counts.take_all(Asked::new(vec![lease])).await.unwrap() {
                Taken::All(mut leases) => {
                    assert!((used.len() as u64) < limit, "{told}: more than may");
                    let lease = leases.remove(0);
                    assert_eq!(lease.levels[0].used, used.len() as u64 + 1, "{told}");
                    used.push((now, lease));
                }
                Taken::Refused(denial) => {
                    assert_eq!(used.len() as u64, limit, "{told}: there was room");
                    let first = used.iter().map(|(at, _)| *at).min().unwrap();
                    let wait = Duration::from_micros((first + LENGTH_US - now).unsigned_abs());
                    assert_eq!(denial.why, Why::Used(Some(wait)), "{told}");
                }
                Taken::Waits(_) => panic!("{told}: nobody may wait"),
            }
        }
        let level = counts.levels(std::slice::from_ref(&take), at).await.unwrap().remove(0);
        let over = used.iter().map(|(at, _)| *at).max().map(|last| last + LENGTH_US - now);
        let over = over.map(|left| at + SignedDuration::from_micros(left));
        assert_eq!((level.used, level.resets), (used.len() as u64, over), "{told}");
        ends.look(link, now).await;
    }
}

#[tokio::test]
async fn a_window_that_rolls_is_what_a_plain_model_of_it_says() {
    let server = Server::start();
    let link = link(&server.url(), PATIENCE);
    for number in 0..RUNS {
        server.tell(&["FLUSHALL"]);
        run(&link, number).await;
    }
}
