//! The servers are back: they are told what was used, and then they count again.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Duration;

use jiff::Timestamp;
use sluice_api::store::{StoreError, Used};
use tokio::time::Instant;

use super::spent::Spent;
use super::spool::Line;
use super::{Alone, Local, Stage, Told, name_there};
use crate::counts::Own;
use crate::counts::encode::Tail;
use crate::counts::queue::{How, Name, Op, Queue, amounts};
use crate::link::pause;
use crate::opening;

/// How long what others held when they were seen last counts: as long as for a gateway that says nothing any more.
const HELD_MAX: Duration = Duration::from_secs(30);

/// Waits between two looks grow so often: who keeps the connection says at once that there is none.
const OFTEN: u32 = 3;

/// How often at most all is told before the servers count again: what has come meanwhile is told after that.
const ROUNDS: usize = 3;

/// Moments that are told at once.
const MOMENTS: usize = 2_000;

/// How long servers know what they were told, in milliseconds: far longer than anything is told again.
const KNOWN: &str = "86400000";

/// How long what has ended is waited for until it is told.
const ENDED_MAX: Duration = Duration::from_secs(5);

/// Looks whether the servers are back, again and again, and tells them all.
pub(super) async fn comes_back(own: Weak<Own>) {
    let mut failed = 0;
    let mut forgets = true;
    loop {
        pause(failed.min(OFTEN)).await;
        let Some(own) = own.upgrade() else { return };
        if forgets && own.alone.has_been_alone_for(HELD_MAX) {
            forgets = false;
            own.alone.mirror.forget_others();
        }
        match own.returns().await {
            Ok(()) if own.alone.is_told() => return,
            Ok(()) => (failed, forgets) = (0, true),
            Err(error) => {
                failed += 1;
                tracing::debug!(%error, "the store is still out of reach");
            }
        }
    }
}

impl Alone {
    fn has_been_alone_for(&self, length: Duration) -> bool {
        let state = self.state.lock();
        state.on && state.since.elapsed() >= length
    }

    /// Whether nothing is left to be told; then nobody looks after it any more.
    fn is_told(&self) -> bool {
        let mut state = self.state.lock();
        let moves = state.leases.values().any(|local| local.stage != Stage::There);
        let is_told = !state.on
            && !moves
            && state.spent.is_empty()
            && state.ended.is_empty()
            && state.telling.is_empty();
        state.returns = !is_told;
        is_told
    }

    /// What has ended by now is told together.
    fn gather(&self) -> Vec<Arc<Told>> {
        let mut state = self.state.lock();
        if !state.spent.is_empty() || !state.ended.is_empty() {
            let name =
                state.spool.next().unwrap_or_else(|| format!("{:016x}", getrandom::u64().unwrap_or(0)));
            let (spent, ended) = (std::mem::take(&mut state.spent), std::mem::take(&mut state.ended));
            let leases = std::mem::take(&mut state.ended_here) + ended.len() as u64;
            state.telling.push(Arc::new(Told { name, spent, ended, leases }));
        }
        state.telling.clone()
    }

    fn was_told(&self, told: &Arc<Told>) {
        let mut state = self.state.lock();
        state.telling.retain(|one| !Arc::ptr_eq(one, told));
        state.spool.done(&told.name);
    }

    /// Leases that run on: the servers are to be told of them.
    fn moving(&self) -> Vec<(String, Arc<Tail>)> {
        let mut state = self.state.lock();
        let moves = |(name, local): (&String, &mut Local)| {
            if local.stage == Stage::Here {
                local.stage = Stage::Moving;
            }
            (local.stage != Stage::There).then(|| (name.clone(), Arc::clone(&local.tail)))
        };
        state.leases.iter_mut().filter_map(moves).collect()
    }

    /// The servers count again.
    fn ends(&self) {
        let mut state = self.state.lock();
        if std::mem::replace(&mut state.on, false) {
            self.is_on.store(false, Ordering::Relaxed);
            tracing::info!(
                requests = state.admitted,
                seconds = state.since.elapsed().as_secs(),
                "the store is back, and was told what was used meanwhile"
            );
        }
    }
}

impl Own {
    /// Tells the servers all, where they are back; then they count again.
    async fn returns(self: &Arc<Self>) -> Result<(), StoreError> {
        opening::ready(&self.link).await?;
        // They may have forgotten what is held here, or others may have given it back.
        self.lives.beat(self, Instant::now()).await?;
        for _ in 0..ROUNDS {
            if !self.tell_all().await? {
                break;
            }
        }
        self.alone.ends();
        while self.tell_all().await? {}
        Ok(())
    }

    /// Tells all that is to be told by now; whether there was anything.
    async fn tell_all(self: &Arc<Self>) -> Result<bool, StoreError> {
        let _turn = self.alone.telling.lock().await;
        let moving = self.alone.moving();
        let telling = self.alone.gather();
        let any = !moving.is_empty() || !telling.is_empty();
        for (name, tail) in moving {
            self.move_one(&name, tail).await?;
        }
        for told in telling {
            self.hand_over(&told.name, &told.spent, self.alone.now()).await?;
            let ended: Vec<Name> = told.ended.iter().cloned().map(Name::Lease).collect();
            tokio::time::timeout(ENDED_MAX, self.queue.are_told(&ended))
                .await
                .map_err(|_| StoreError("it was not told all that has ended in time".to_owned()))?;
            self.alone.was_told(&told);
        }
        Ok(any)
    }

    /// Tells of a lease that runs on: it is held there from now on.
    async fn move_one(self: &Arc<Self>, name: &str, tail: Arc<Tail>) -> Result<(), StoreError> {
        let there = name_there(name);
        self.running.begin(there.clone(), Arc::clone(&tail));
        self.restore_one(there.clone()).await?;
        let mut state = self.alone.state.lock();
        let Some(local) = state.leases.get_mut(name) else { return Ok(()) };
        let (stage, landed) = (local.stage, local.landed);
        local.stage = Stage::There;
        let (how, used) = match stage {
            Stage::Ended(used) => {
                state.leases.remove(name);
                self.running.end(&there);
                (How::End, used)
            }
            _ if landed != Used::NOTHING => {
                self.running.land(&there, landed);
                (How::Land, landed)
            }
            _ => return Ok(()),
        };
        // With the lock, so that nothing is told of it in between.
        let op =
            Op::Progress { how, used, tail, told: self.told(self.alone.now()), line: None, alone: false };
        Queue::push(self, Name::Lease(there), op);
        Ok(())
    }

    /// Tells what was used, once, by this name, however often it is told.
    async fn hand_over(&self, name: &str, spent: &Spent, now: Timestamp) -> Result<(), StoreError> {
        for parcel in spent.parcels(now.as_microsecond(), MOMENTS) {
            let mut keys = vec![self.link.key(&format!("handed:{name}"))];
            let number = parcel.len().to_string().into_bytes();
            keys.extend(parcel.keys);
            let mut args = vec![self.told(now), KNOWN.into(), number];
            args.extend(parcel.counts.into_iter().chain(parcel.moments));
            self.link.run(&self.scripts.hand, &keys, &args).await?;
        }
        Ok(())
    }

    /// Tells what a process before has left in this gateway's folder.
    pub(in crate::counts) async fn tell_left(&self) -> Result<(), StoreError> {
        let left = self.alone.state.lock().spool.left()?;
        for (name, lines) in left {
            let mut spent = Spent::default();
            // Of one that has ended twice the first word counts: the second is of the same end.
            let mut ended = HashMap::new();
            for line in lines {
                match line {
                    Line::Spent(entries) => entries.iter().for_each(|entry| spent.add(entry)),
                    Line::Ended { gateway, name, tail, counts, tokens, cost } => {
                        let used = if counts { Used::new(tokens, cost) } else { Used::NOTHING };
                        ended.entry((gateway, name)).or_insert((tail, used));
                    }
                }
            }
            self.hand_over(&name, &spent, self.alone.now()).await?;
            for ((gateway, name), (tail, used)) in ended {
                self.tell_ended((&gateway, name), &tail, used).await?;
            }
            self.alone.state.lock().spool.done(&name);
            tracing::info!(
                "the process before has used limits while the store was out of reach: they are counted now"
            );
        }
        Ok(())
    }

    /// A request of a process before has ended.
    async fn tell_ended(
        &self,
        (gateway, name): (&str, String),
        tail: &str,
        used: Used,
    ) -> Result<(), StoreError> {
        let Some(tail) = Tail::read(tail) else { return Ok(()) };
        let mut keys = self.first_keys(gateway, self.link.key("line:"));
        keys.extend(tail.keys.iter().cloned());
        let mut args = vec![Vec::new(), name.into_bytes(), b"end".to_vec()];
        args.extend(amounts(used));
        args.extend(tail.settled());
        self.link.run(&self.scripts.settle, &keys, &args).await?;
        Ok(())
    }
}

#[cfg(test)]
impl Own {
    /// Tells, as of a moment, that requests which took these have used so much at these moments.
    pub(in crate::counts) async fn hand(
        &self,
        name: &str,
        (takes, used): (&[sluice_api::limiter::Take], &[(Used, Timestamp)]),
        now: Timestamp,
    ) {
        let mut spent = Spent::default();
        let tail = Tail::new(&self.link, takes.iter(), now);
        for (used, at) in used {
            super::spent::entries(&tail, *used, (*at, *at)).iter().for_each(|entry| spent.add(entry));
        }
        self.hand_over(name, &spent, now).await.unwrap();
    }
}

#[cfg(test)]
impl Alone {
    /// Whether nobody has anything more to tell.
    pub(in crate::counts) fn has_told_all(&self) -> bool {
        !self.state.lock().returns
    }

    /// As if the servers had been out of reach for so long.
    pub(in crate::counts) fn has_begun(&self, ago: Duration) {
        let mut state = self.state.lock();
        state.since = state.since.checked_sub(ago).unwrap();
    }
}
