//! Which gateways live: each says so again and again, and what one held that says nothing for long is given back by the others.

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use redis::Value;
use sluice_api::store::{StoreError, Used};
use tokio::time::Instant;

use super::Own;
use super::encode::Tail;
use super::queue::{Name, Op, Queue};
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

/// How often one has said that it lives whom others have found dead.
const DEAD: &str = "0";

/// Of how many things that are told one after the other one is that this gateway lives.
const BEAT_WITHIN: usize = 500;

/// How many of what a dead gateway left are read at once.
const READ_AT_ONCE: usize = 200;

/// After how long without an answer nothing is told but that this gateway lives: others may have taken it for dead by the
/// time that it is heard again, and what it holds must be there before it is settled.
const UNHEARD_MAX: Duration = Duration::from_secs(15);

/// What is known of the gateways.
#[derive(Debug, Default)]
pub(super) struct Lives(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// How often each of the others has said that it lives, and when that was heard.
    others: HashMap<String, (String, Instant)>,
    /// How often this one has said so, as it was answered last, and when.
    own: Option<(u64, Instant)>,
    /// Whether what it holds has to be told anew.
    forgotten: bool,
    /// Whether it has said that it ends.
    has_ended: bool,
    /// Whether what dead ones held is being given back.
    buries: bool,
}

impl Lives {
    /// Says that this gateway lives; which others say nothing any more, with how often they have said so before.
    pub(super) async fn beat(
        &self,
        own: &Arc<Own>,
        now: Instant,
    ) -> Result<Vec<(String, String)>, StoreError> {
        if self.0.lock().has_ended {
            return Ok(Vec::new());
        }
        let keys = [own.link.key("gateways")];
        let args = [own.gateway.clone().into_bytes()];
        let answer = own.link.run(&own.scripts.beat, &keys, &args).await?;
        let (beats, all): (u64, HashMap<String, String>) = redis::from_redis_value(answer)
            .map_err(|error| StoreError(format!("it answered something else: {error}")))?;
        let (forgotten, silent) = self.0.lock().heard(own, (beats, all), now);
        if forgotten {
            own.restore().await?;
            self.0.lock().forgotten = false;
        }
        own.forget_undone(now).await?;
        Ok(silent)
    }

    /// Gives back what these held, which say nothing any more, one after the other; not where that is done already.
    pub(super) async fn bury(&self, own: &Own, silent: Vec<(String, String)>) {
        if silent.is_empty() || std::mem::replace(&mut self.0.lock().buries, true) {
            return;
        }
        for (gateway, beats) in silent {
            // One that can't be done is nobody else's end; it is tried again with the next beat.
            if let Err(error) = own.bury(&gateway, &beats).await {
                tracing::warn!(%error, gateway, "what a dead gateway held could not be given back yet");
            }
        }
        self.0.lock().buries = false;
    }

    /// Whether others may have taken this gateway for dead, or its server may have forgotten it, since it was heard last.
    pub(super) fn is_unheard(&self, now: Instant) -> bool {
        let state = self.0.lock();
        state.forgotten || state.own.is_some_and(|(_, at)| now.duration_since(at) >= UNHEARD_MAX)
    }

    /// This gateway ends, and holds nothing.
    pub(super) async fn end(&self, own: &Own) -> Result<(), Failure> {
        self.0.lock().has_ended = true;
        own.end(&own.gateway, "").await
    }
}

impl State {
    /// What was answered: whether this gateway was forgotten, and which others say nothing for long, with how often they
    /// have said before that they live.
    fn heard(
        &mut self,
        own: &Own,
        (beats, mut all): (u64, HashMap<String, String>),
        now: Instant,
    ) -> (bool, Vec<(String, String)>) {
        let before = self.own.replace((beats, now));
        self.forgotten |= before.is_some_and(|(before, _)| beats <= before);
        all.remove(&own.gateway);
        self.others.retain(|gateway, _| all.contains_key(gateway));
        // Time in which this one heard nobody says nothing of the others.
        if before.is_none_or(|(_, at)| now.duration_since(at) >= UNHEARD_MAX) {
            self.others.values_mut().for_each(|(_, at)| *at = now);
        }
        let mut silent = Vec::new();
        for (gateway, beats) in all {
            let other = self.others.entry(gateway.clone()).or_insert_with(|| (beats.clone(), now));
            if other.0 != beats {
                *other = (beats.clone(), now);
            }
            // One at 0 is dead by somebody else's word, who may not have come to the end with it.
            if beats == DEAD || now.duration_since(other.1) >= SILENT_MAX {
                silent.push((gateway, beats));
            }
        }
        (self.forgotten, silent)
    }
}

/// Goes on for as long as the store is used.
pub(super) fn go_on(own: &Arc<Own>) {
    beside(beats(Arc::downgrade(own)));
    beside(looks(Arc::downgrade(own)));
}

async fn beats(own: Weak<Own>) {
    let mut tick = tokio::time::interval(BEAT);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    tick.tick().await;
    loop {
        // At once where the way is back, as others may have taken it for dead.
        let back = own.upgrade().map(|own| own.back.clone());
        let Some(back) = back else { return };
        tokio::select! {
            _ = tick.tick() => {}
            () = back.notified() => {}
        }
        let Some(own) = own.upgrade() else { return };
        match own.lives.beat(&own, Instant::now()).await {
            // Beside, as it may take longer than others wait for this one.
            Ok(silent) if !silent.is_empty() => beside(async move { own.lives.bury(&own, silent).await }),
            Ok(_) => {}
            Err(error) => tracing::debug!(%error, "this gateway could not say that it lives"),
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
        match own.sent().await {
            // The server has forgotten how often it told: it may have forgotten places, too.
            Ok(sent) if sent < sent_before => {
                own.bells.begin_anew();
                sent_before = 0;
            }
            Ok(sent) => sent_before = sent,
            // Whoever waits asks, and is told that the store is away.
            Err(_) => own.bells.ring_all(),
        }
    }
}

impl Own {
    /// How often this gateway was told that it is worth asking.
    async fn sent(&self) -> Result<u64, StoreError> {
        let mut command = redis::cmd("HGET");
        command.arg(self.link.key("told")).arg(&self.gateway);
        let sent = self.link.ask(&command).await.map_err(StoreError::from)?;
        redis::from_redis_value::<Option<u64>>(sent)
            .map(Option::unwrap_or_default)
            .map_err(|error| StoreError(format!("it answered something else: {error}")))
    }

    /// Others took this gateway for dead, or the server came back empty: it says what it holds.
    async fn restore(self: &Arc<Self>) -> Result<(), StoreError> {
        tracing::warn!("the store's server had forgotten this gateway: what it holds is counted anew");
        self.link.ask(redis::cmd("PERSIST").arg(self.leases_key(&self.gateway))).await?;
        for (at, name) in self.running.names().into_iter().enumerate() {
            if at % BEAT_WITHIN == BEAT_WITHIN - 1 {
                let living = [self.link.key("gateways")];
                self.link.run(&self.scripts.beat, &living, &[self.gateway.clone().into_bytes()]).await?;
            }
            self.restore_one(name).await?;
        }
        // Their places are lost: they ask for new ones.
        self.bells.begin_anew();
        Ok(())
    }

    /// Says that it holds a lease, where the server does not know that.
    pub(super) async fn restore_one(self: &Arc<Self>, name: String) -> Result<(), StoreError> {
        // As it is now: it may have ended meanwhile, and is told of as it does.
        let Some(held) = self.running.get(&name) else { return Ok(()) };
        let mut keys = self.first_keys(&self.gateway, self.link.key("line:"));
        keys.extend(held.tail.keys.iter().cloned());
        let mut args = vec![Vec::new(), name.clone().into_bytes(), held.tail.written().into_bytes()];
        args.extend(held.tail.counts.iter().chain(&held.tail.amounts).cloned());
        self.link.run(&self.scripts.restore, &keys, &args).await?;
        if self.running.get(&name).is_none() {
            // It was told that it ended perhaps before it was counted anew.
            let used = Used::new(held.landed.tokens, held.landed.cost);
            Queue::push_unless_pending(self, Name::Lease(name), Op::ends(used, held.tail));
        }
        Ok(())
    }

    /// Forgets what was given back so long ago that nothing of it is on its way any more.
    async fn forget_undone(&self, now: Instant) -> Result<(), StoreError> {
        let over = self.queue.undone_before(now.checked_sub(UNDONE_KEPT));
        if !over.is_empty() {
            let mut command = redis::cmd("HDEL");
            command.arg(self.leases_key(&self.gateway)).arg(&over);
            if let Err(failure) = self.link.ask(&command).await {
                self.queue.undone_again(over);
                return Err(failure.into());
            }
        }
        Ok(())
    }

    /// Gives back what a dead gateway held.
    async fn bury(&self, gateway: &str, beats: &str) -> Result<(), StoreError> {
        if beats != DEAD {
            let living = self.link.key("gateways");
            let args = [gateway, beats].map(Vec::from);
            let ended = self.link.run(&self.scripts.end_of_life, &[living], &args).await?;
            if ended != Value::Int(1) {
                return Ok(());
            }
            tracing::warn!(gateway, "a gateway has said nothing for long: what it held is given back");
        }
        self.bury_leases(gateway).await?;
        self.bury_places(gateway).await?;
        self.end(gateway, DEAD).await.map_err(StoreError::from)
    }

    /// A gateway is none of the living, nor of the dead: nothing is left of it.
    async fn end(&self, gateway: &str, beats: &str) -> Result<(), Failure> {
        let keys = [self.link.key("gateways"), self.link.key("told"), self.leases_key(gateway)];
        self.link.run(&self.scripts.end, &keys, &[gateway, beats].map(Vec::from)).await.map(drop)
    }

    async fn bury_leases(&self, gateway: &str) -> Result<(), StoreError> {
        for (name, kept) in self.scanned(&self.leases_key(gateway)).await? {
            // One that only waits, or was given back, holds nothing.
            if kept.starts_with(['-', 'w', 'b']) {
                continue;
            }
            let written = kept.splitn(4, ' ').nth(3).unwrap_or_default();
            let tail = Tail::read(written).ok_or_else(|| {
                StoreError(format!("another version of Sluice must give back what {gateway} held"))
            })?;
            let mut keys = self.first_keys(gateway, self.link.key("gateways"));
            keys.extend(tail.keys.iter().cloned());
            let mut args: Vec<Vec<u8>> = ["", &name, "bury", gateway, "0", "0"].map(Vec::from).into();
            args.extend(tail.settled());
            self.link.run(&self.scripts.settle, &keys, &args).await?;
        }
        Ok(())
    }

    async fn bury_places(&self, gateway: &str) -> Result<(), StoreError> {
        for (number, kept) in self.scanned(&self.link.key("waiters")).await? {
            let mut parts = kept.split(' ');
            if let (Some(whose), _, Some(line)) = (parts.next(), parts.next(), parts.next())
                && whose == gateway
            {
                let mut keys = self.first_keys(gateway, line.to_owned());
                keys.push(self.link.key("gateways"));
                let args = [gateway.as_bytes().to_vec(), number.into_bytes()];
                self.link.run(&self.scripts.leave, &keys, &args).await?;
            }
        }
        Ok(())
    }

    /// All fields of a hash, read in parts.
    pub(super) async fn scanned(&self, key: &str) -> Result<Vec<(String, String)>, StoreError> {
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
