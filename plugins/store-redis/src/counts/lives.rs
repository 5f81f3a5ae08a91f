//! Which gateways live: each says so again and again, and what one held that says nothing for long is given back by the others.

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use redis::Value;
use sluice_api::store::StoreError;
use tokio::time::Instant;

use super::Own;
use super::encode::Tail;
use super::spawn::beside;
use crate::link::Failure;

/// How often a gateway says that it lives.
const BEAT: Duration = Duration::from_secs(5);

/// How long others wait for one that says nothing, by their own clocks: with what it takes to give back it is less than the
/// 60 s after which a slot is free by itself, and more than any pause that a network makes.
const SILENT_MAX: Duration = Duration::from_secs(30);

/// How long it is known that a lease was given back which nobody knows whether it was taken: far longer than what was sent may
/// be on its way.
const UNDONE_KEPT: Duration = Duration::from_secs(120);

/// How often it is looked whether what should wake somebody was lost.
const LOOK: Duration = Duration::from_millis(400);

/// How many of what a dead gateway left are read at once.
const READ_AT_ONCE: usize = 200;

/// What is known of the other gateways.
#[derive(Clone, Debug, Default)]
pub(super) struct Lives(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// How often each has said that it lives, and when that was heard.
    heard: HashMap<String, (String, Option<Instant>)>,
    /// Whether this one has said so.
    has_begun: bool,
    /// Whether it has said that it ends.
    has_ended: bool,
}

impl Lives {
    /// Says that this gateway lives; gives back what others held that do not.
    pub(super) async fn beat(&self, own: &Arc<Own>, now: Instant) -> Result<(), StoreError> {
        if self.0.lock().has_ended {
            return Ok(());
        }
        let keys = [own.link.key("gateways")];
        let args = [own.gateway.clone().into_bytes()];
        let answer = own.link.run(&own.scripts.beat, &keys, &args).await?;
        let (beats, all): (String, HashMap<String, String>) = redis::from_redis_value(answer)
            .map_err(|error| StoreError(format!("it answered something else: {error}")))?;
        let had_begun = std::mem::replace(&mut self.0.lock().has_begun, true);
        if had_begun && beats == "1" {
            own.restore().await?;
        }
        for (gateway, beats) in self.silent(own, all, now) {
            own.bury(&gateway, &beats).await?;
        }
        own.forget_undone(now).await
    }

    /// This gateway ends, and holds nothing.
    pub(super) async fn end(&self, own: &Own) -> Result<(), Failure> {
        self.0.lock().has_ended = true;
        for hash in ["gateways", "told"] {
            own.link.ask(redis::cmd("HDEL").arg(own.link.key(hash)).arg(&own.gateway)).await?;
        }
        own.link.ask(redis::cmd("DEL").arg(own.leases_key(&own.gateway))).await.map(drop)
    }

    /// Those that have said nothing for long.
    fn silent(&self, own: &Own, all: HashMap<String, String>, now: Instant) -> Vec<(String, String)> {
        let mut state = self.0.lock();
        state.heard.retain(|gateway, _| all.contains_key(gateway));
        let mut silent = Vec::new();
        for (gateway, beats) in all.into_iter().filter(|(gateway, _)| *gateway != own.gateway) {
            let heard = state.heard.entry(gateway.clone()).or_insert_with(|| (beats.clone(), Some(now)));
            if heard.0 != beats {
                *heard = (beats, Some(now));
            } else if heard.1.is_some_and(|at| now.duration_since(at) >= SILENT_MAX) {
                silent.push((gateway, beats));
            }
        }
        silent
    }
}

/// Goes on for as long as the store is used.
pub(super) fn go_on(own: &Arc<Own>, lives: &Lives) {
    beside(beats(Arc::downgrade(own), lives.clone()));
    beside(looks(Arc::downgrade(own)));
}

async fn beats(own: Weak<Own>, lives: Lives) {
    let mut tick = tokio::time::interval(BEAT);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    tick.tick().await;
    loop {
        tick.tick().await;
        let Some(own) = own.upgrade() else { return };
        if let Err(error) = lives.beat(&own, Instant::now()).await {
            tracing::debug!(%error, "this gateway could not say that it lives");
        }
    }
}

/// Looks whether those who wait were told all that they should be.
async fn looks(own: Weak<Own>) {
    let mut tick = tokio::time::interval(LOOK);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut sent_before = 0;
    loop {
        tick.tick().await;
        let Some(own) = own.upgrade() else { return };
        if own.bells.is_empty() {
            continue;
        }
        // What was sent then has been heard by now, or never will be.
        if own.bells.heard() < sent_before {
            own.bells.has_missed(sent_before);
        }
        sent_before = own.sent().await.unwrap_or(sent_before);
    }
}

impl Own {
    /// How often this gateway was told that it is worth asking.
    async fn sent(&self) -> Result<u64, Failure> {
        let mut command = redis::cmd("HGET");
        command.arg(self.link.key("told")).arg(&self.gateway);
        let sent: Option<u64> = redis::from_redis_value(self.link.ask(&command).await?).unwrap_or_default();
        Ok(sent.unwrap_or(0))
    }

    /// Others took this gateway for dead, or the server came back empty: it says what it holds.
    async fn restore(self: &Arc<Self>) -> Result<(), StoreError> {
        tracing::warn!("the store's server had forgotten this gateway: what it holds is counted anew");
        for (name, held) in self.running.all() {
            let mut keys = self.first_keys(&self.gateway, self.link.key("line:"));
            keys.extend(held.tail.keys.iter().cloned());
            let numbers =
                [held.landed.tokens, held.landed.cost].map(|number| number.to_string().into_bytes());
            let mut args = vec![Vec::new(), name.clone().into_bytes(), held.tail.written().into_bytes()];
            args.extend(numbers);
            args.extend(held.tail.counts.iter().chain(&held.tail.amounts).cloned());
            self.link.run(&self.scripts.restore, &keys, &args).await?;
            if !self.running.has(&name) {
                // It has ended meanwhile, and may have been told before.
                self.end_unknown(name, Arc::clone(&held.tail));
            }
        }
        // Their places are lost: they ask for new ones.
        self.bells.begin_anew();
        Ok(())
    }

    /// Forgets what was given back so long ago that nothing of it is on its way any more.
    async fn forget_undone(&self, now: Instant) -> Result<(), StoreError> {
        let over = self.queue.undone_before(now.checked_sub(UNDONE_KEPT));
        if !over.is_empty() {
            let mut command = redis::cmd("HDEL");
            command.arg(self.leases_key(&self.gateway)).arg(over);
            self.link.ask(&command).await?;
        }
        Ok(())
    }

    /// Gives back what a dead gateway held.
    async fn bury(&self, gateway: &str, beats: &str) -> Result<(), StoreError> {
        let living = self.link.key("gateways");
        let args = [gateway, beats].map(Vec::from);
        let ended = self.link.run(&self.scripts.end_of_life, &[living], &args).await?;
        if ended != Value::Int(1) {
            return Ok(());
        }
        tracing::warn!(gateway, "a gateway has said nothing for long: what it held is given back");
        self.bury_leases(gateway).await?;
        self.bury_places(gateway).await
    }

    async fn bury_leases(&self, gateway: &str) -> Result<(), StoreError> {
        for (name, kept) in self.scanned(&self.leases_key(gateway)).await? {
            let Some(tail) = kept.splitn(4, ' ').nth(3).and_then(Tail::read) else {
                // It only waits, or was given back, and holds nothing.
                self.link.ask(redis::cmd("HDEL").arg(self.leases_key(gateway)).arg(name)).await?;
                continue;
            };
            let mut keys = self.first_keys(gateway, self.link.key("gateways"));
            keys.extend(tail.keys);
            let mut args: Vec<Vec<u8>> = ["", &name, "bury", gateway, "0", "0"].map(Vec::from).into();
            args.extend(tail.counts.into_iter().chain(tail.amounts));
            self.link.run(&self.scripts.settle, &keys, &args).await?;
        }
        self.link.ask(redis::cmd("HDEL").arg(self.link.key("told")).arg(gateway)).await?;
        Ok(())
    }

    async fn bury_places(&self, gateway: &str) -> Result<(), StoreError> {
        for (number, kept) in self.scanned(&self.link.key("waiters")).await? {
            let mut parts = kept.split(' ');
            if let (Some(whose), _, Some(line)) = (parts.next(), parts.next(), parts.next())
                && whose == gateway
            {
                let keys = self.first_keys(gateway, line.to_owned());
                self.link.run(&self.scripts.leave, &keys, &[number.into_bytes()]).await?;
            }
        }
        Ok(())
    }

    /// All fields of a hash, read in parts.
    async fn scanned(&self, key: &str) -> Result<Vec<(String, String)>, StoreError> {
        let (mut cursor, mut all) = ("0".to_owned(), Vec::new());
        loop {
            let mut command = redis::cmd("HSCAN");
            command.arg(key).arg(&cursor).arg("COUNT").arg(READ_AT_ONCE);
            let answer = self.link.ask_much(&command).await?;
            let (next, fields): (String, Vec<String>) = redis::from_redis_value(answer)
                .map_err(|error| StoreError(format!("it answered something else: {error}")))?;
            let pairs = fields.chunks_exact(2).filter_map(|pair| match pair {
                [name, value] => Some((name.clone(), value.clone())),
                _ => None,
            });
            all.extend(pairs);
            if next == "0" {
                return Ok(all);
            }
            cursor = next;
        }
    }
}
