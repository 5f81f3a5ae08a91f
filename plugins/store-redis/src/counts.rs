//! What limits count, in the servers: each step is one script, which is done whole or not at all.

mod alone;
mod bells;
mod encode;
mod lives;
mod queue;
mod running;
mod scripts;
mod spawn;
mod strays;
mod take;
mod together;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use sluice_api::limiter::{Bucket, Take};
use sluice_api::store::{
    Asked, Lease, Level, Line, Lined, Place, Seed, ServedAlone, StoreError, Taken, Turn, Used,
};

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::link::{Failure, Heard, Link};
use alone::Alone;
use bells::Bells;
use encode::{Span, Tail, level, line_key, texts};
use lives::Lives;
use queue::{How, Name, Op, Queue};
use running::Running;
use scripts::Scripts;
use together::{Step, Together};

/// How long what is still to be told is waited for at the end.
const CLOSE_MAX: Duration = Duration::from_secs(5);

/// How many counts are looked at in one step: others wait meanwhile.
const LOOKED_AT_ONCE: usize = 200;

pub(crate) use alone::Outage;

/// What limits count. Its methods are those of [`sluice_api::store::Store`] of the same names.
#[derive(Debug)]
pub(crate) struct Counts {
    own: Arc<Own>,
}

/// What every step of this process needs.
#[derive(Debug)]
struct Own {
    link: Arc<Link>,
    scripts: Scripts,
    /// The name of this process among all gateways.
    gateway: String,
    /// What it holds.
    running: Running,
    /// Who asks.
    together: Together,
    /// Who waits.
    bells: Bells,
    /// What is still to be told.
    queue: Queue,
    /// Which gateways live.
    lives: Lives,
    /// What is counted here while the servers are out of reach.
    alone: Alone,
    /// The way is back that was lost.
    back: Arc<Notify>,
    /// The same, for whoever compares what is known here and there.
    anew: Arc<Notify>,
    /// Whose time it is.
    time: Time,
}

/// Whose time windows go by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Time {
    /// The servers'.
    Servers,
    /// The one that is told, for tests.
    #[cfg(test)]
    Told,
}

impl Counts {
    /// Those of a process of this name.
    #[cfg(test)]
    pub(crate) fn new(link: Arc<Link>, gateway: String, time: Time) -> Self {
        Self::with(link, (gateway, time), Outage::default())
    }

    /// Those of a process of this name, with what is done while the servers are out of reach.
    pub(crate) fn with(link: Arc<Link>, (gateway, time): (String, Time), outage: Outage) -> Self {
        let own = Own {
            running: Running::default(),
            together: Together::default(),
            bells: Bells::default(),
            queue: Queue::default(),
            lives: Lives::default(),
            alone: Alone::new(outage),
            back: Arc::default(),
            anew: Arc::default(),
            scripts: Scripts::new(),
            link,
            gateway,
            time,
        };
        Self { own: Arc::new(own) }
    }

    /// Says that this process lives from now on, and goes on saying so.
    pub(crate) async fn open(&self) -> Result<(), StoreError> {
        self.own.lives.beat(&self.own, Instant::now()).await?;
        self.own.tell_left().await?;
        let own = Arc::downgrade(&self.own);
        let ear = move |heard: Heard<'_>| {
            if let Some(own) = own.upgrade() {
                if matches!(heard, Heard::Listening) {
                    own.back.notify_one();
                    own.anew.notify_one();
                }
                own.bells.hear(heard);
            }
        };
        self.own.link.listen(self.own.channel(), Box::new(ear));
        lives::go_on(&self.own);
        spawn::beside(strays::compares(Arc::downgrade(&self.own)));
        if self.own.alone.admits() {
            spawn::beside(alone::looks(Arc::downgrade(&self.own)));
        }
        Ok(())
    }

    pub(crate) async fn take_all(&self, asked: Asked) -> Result<Taken, StoreError> {
        let own = Arc::clone(&self.own);
        let asked = match own.alone.take(&own.link, asked) {
            Ok(taken) => return taken,
            Err(asked) => asked,
        };
        // Whoever asks may go away; what is taken then must not stay taken.
        let asked = spawn::to_the_end(async move { own.take_anyway(asked).await }, {
            let step = Step::begin(&self.own);
            move |taken| step.own().give_back(taken)
        });
        asked.await.unwrap_or_else(|| Err(StoreError("the gateway ends".to_owned())))
    }

    pub(crate) async fn line_up(&self, line: Line, slots: Vec<Take>) -> Result<Lined, StoreError> {
        let own = Arc::clone(&self.own);
        let name = format!("line-{:x}", getrandom::u64().unwrap_or_default());
        let lined = spawn::to_the_end(async move { own.line_up(name, line, slots).await }, {
            let step = Step::begin(&self.own);
            move |lined| {
                if let Ok(Lined::Waits(place)) = lined {
                    Own::leave(step.own(), place);
                }
            }
        });
        lined.await.unwrap_or_else(|| Err(StoreError("the gateway ends".to_owned())))
    }

    pub(crate) fn settle(&self, lease: &Lease, used: Used, now: Timestamp) {
        self.own.ends(lease, used, now);
    }

    pub(crate) fn land(&self, lease: &mut Lease, used: Used, now: Timestamp) {
        self.own.lands(lease, used, now);
    }

    /// Whether the servers are out of reach, and requests are served.
    pub(crate) fn are_alone(&self) -> bool {
        self.own.alone.is_on()
    }

    /// What was served then, where requests are.
    pub(crate) fn served_alone(&self) -> Option<ServedAlone> {
        self.own.alone.admits().then(|| self.own.alone.served())
    }

    pub(crate) fn turn(&self, place: &Place) -> Turn {
        self.own.alone.turn(place).unwrap_or_else(|| self.own.bells.turn(place.number))
    }

    pub(crate) fn leave(&self, place: Place) {
        Own::leave(&self.own, place);
    }

    pub(crate) async fn waiting(&self, keys: Vec<Arc<str>>) -> Result<Vec<u64>, StoreError> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        if self.are_alone() {
            return Ok(self.own.alone.counts().waiting(&keys));
        }
        let mut lengths = Vec::with_capacity(keys.len());
        for part in keys.chunks(LOOKED_AT_ONCE) {
            let lines: Vec<String> = part.iter().map(|key| line_key(&self.own.link, key)).collect();
            let answer = self.own.link.run(&self.own.scripts.lengths, &lines, &[]).await?;
            lengths.extend(texts(answer)?.iter().map(|length| length.parse::<u64>().unwrap_or(0)));
        }
        Ok(lengths)
    }

    pub(crate) async fn levels(&self, takes: &[Take], now: Timestamp) -> Result<Vec<Level>, StoreError> {
        let alone = &self.own.alone;
        if alone.is_on() {
            return Ok(alone.counts().levels(takes, now));
        }
        let levels = self.own.levels(takes, now).await;
        levels.or_else(|failure| {
            let known = alone.admits() && failure.is_outage();
            if known { Ok(alone.counts().levels(takes, now)) } else { Err(failure.into()) }
        })
    }

    pub(crate) async fn held(&self, bucket: &Bucket) -> Result<u64, StoreError> {
        let take = Take::one(bucket.clone(), 1);
        let levels = self.levels(&[take], Timestamp::UNIX_EPOCH).await?;
        Ok(levels.first().map_or(0, |level| level.used))
    }

    /// Those of these takes whose windows nothing was ever counted in.
    pub(crate) async fn forgotten(&self, mut takes: Vec<Take>) -> Result<Vec<Take>, StoreError> {
        takes.retain(|take| !take.is_slot());
        if takes.is_empty() || self.are_alone() {
            return Ok(Vec::new());
        }
        self.own.sees_from_now(&takes).await?;
        let mut there = Vec::with_capacity(takes.len());
        for part in takes.chunks(LOOKED_AT_ONCE) {
            let keys: Vec<String> = part.iter().map(|take| encode::count_key(&self.own.link, take)).collect();
            there.append(&mut texts(self.own.link.run(&self.own.scripts.known, &keys, &[]).await?)?);
        }
        let mut there = there.iter().map(|there| there == "1");
        takes.retain(|_| !there.next().unwrap_or(true));
        Ok(takes)
    }

    /// Is told what was used of windows before anything was counted in them, as of a moment.
    pub(crate) async fn seed(&self, seeds: Vec<Seed>, now: Timestamp) -> Result<(), StoreError> {
        for mut seed in seeds {
            seed.used.sort_unstable();
            let take = Take::within(seed.bucket, seed.window, 0, 0);
            let tail = Tail::new(&self.own.link, [&take].into_iter(), now);
            let mut args = vec![self.own.told(now)];
            args.extend(tail.counts);
            for (at, amount) in seed.used {
                let ago = Span::between(at, now).map_or(0, |span| span.0);
                args.extend([ago.to_string().into_bytes(), amount.to_string().into_bytes()]);
            }
            self.own.link.run(&self.own.scripts.seed, &tail.keys, &args).await?;
        }
        Ok(())
    }

    /// Has counts end by themselves which nobody counts in any more.
    pub(crate) async fn drop_counts(&self, takes: &[Take]) -> Result<(), StoreError> {
        let tail = Tail::new(&self.own.link, takes.iter(), Timestamp::UNIX_EPOCH);
        for keys in tail.keys.chunks(LOOKED_AT_ONCE) {
            self.own.link.run(&self.own.scripts.drop, keys, &[]).await?;
        }
        Ok(())
    }

    /// Tells what is still to be told, and that this process is none of the living any more.
    pub(crate) async fn close(&self) {
        if tokio::time::timeout(CLOSE_MAX, self.settled()).await.is_err() {
            tracing::warn!(
                "the store could not be told of all that ended: others give it back within a minute"
            );
            return;
        }
        if let Err(error) = self.own.lives.end(&self.own).await {
            tracing::debug!(%error, "the store could not be told that this gateway ends");
        }
    }

    /// Ends when what was to be told so far is: what was asked for by somebody who has left as well.
    pub(crate) async fn settled(&self) {
        self.own.together.is_over().await;
        self.own.queue.is_empty().await;
    }
}

impl Own {
    /// The channel on which it is told that it is worth asking.
    fn channel(&self) -> String {
        format!("{}:{}", self.link.key("told"), self.gateway)
    }

    fn leases_key(&self, gateway: &str) -> String {
        self.link.key(&format!("leases:{gateway}"))
    }

    /// The keys that every script about leases and lines has first, but for the line.
    fn own_keys(&self, gateway: &str) -> Vec<String> {
        let key = |name| self.link.key(name);
        let leases = self.leases_key(gateway);
        vec![leases, key("wanted"), key("waiters"), key("places"), key("told"), key("anybody")]
    }

    /// The same with a line.
    fn first_keys(&self, gateway: &str, line: String) -> Vec<String> {
        let mut keys = self.own_keys(gateway);
        keys.push(line);
        keys
    }

    /// The time that a script is told.
    #[cfg_attr(
        not(test),
        expect(unused_variables, reason = "nobody but a test tells the servers what time it is")
    )]
    fn told(&self, now: Timestamp) -> Vec<u8> {
        match self.time {
            Time::Servers => Vec::new(),
            #[cfg(test)]
            Time::Told => now.as_microsecond().to_string().into_bytes(),
        }
    }

    /// How full these are, each in its turn.
    async fn levels(&self, takes: &[Take], now: Timestamp) -> Result<Vec<Level>, Failure> {
        let mut levels = Vec::with_capacity(takes.len());
        for part in takes.chunks(LOOKED_AT_ONCE) {
            levels.append(&mut self.some_levels(part, now).await?);
        }
        Ok(levels)
    }

    async fn some_levels(&self, takes: &[Take], now: Timestamp) -> Result<Vec<Level>, Failure> {
        let tail = Tail::new(&self.link, takes.iter(), now);
        let mut args = vec![self.told(now)];
        args.extend(tail.counts.iter().cloned());
        let answer = self.link.run(&self.scripts.look, &tail.keys, &args).await?;
        let answer = texts(answer).map_err(|error| Failure::Answered(error.0))?;
        let of = |(take, index): (&Take, &usize)| {
            let at = 3 * index.saturating_sub(1);
            level(answer.get(at..at + 3).unwrap_or_default(), take.window, now)
        };
        Ok(takes.iter().zip(&tail.which).map(of).collect())
    }

    /// A request that runs, or has ended, has used so much; it is known by this name, and as having taken this where it is not
    /// what it says itself.
    fn progress(
        self: &Arc<Self>,
        (name, tail): (String, Option<Arc<Tail>>),
        lease: &Lease,
        how: How,
        (used, now): (Used, Timestamp),
    ) {
        let running = if how == How::Land { self.running.land(&name, used) } else { self.running.end(&name) };
        let tail = running
            .or(tail)
            .unwrap_or_else(|| Arc::new(Tail::new(&self.link, lease.takes.iter(), lease.since)));
        Queue::push(
            self,
            Name::Lease(name),
            Op::Progress { how, used, tail, told: self.told(now), line: None, alone: false },
        );
    }

    fn leave(own: &Arc<Self>, place: Place) {
        if own.alone.leave(&place) {
            return;
        }
        own.bells.forget(place.number);
        let line = line_key(&own.link, &place.key);
        Queue::push(own, Name::Place(place.number), Op::Leave { line });
    }

    /// Nobody has waited for what came of asking.
    fn give_back(self: &Arc<Self>, taken: Result<Taken, StoreError>) {
        match taken {
            Ok(Taken::All(leases)) => {
                leases.iter().for_each(|lease| self.ends(lease, Used::NOTHING, lease.since));
            }
            Ok(Taken::Waits(place)) => Self::leave(self, place),
            Ok(Taken::Refused(_)) | Err(_) => {}
        }
    }
}

#[cfg(test)]
impl Counts {
    /// Says that this process lives, and looks after the others, as if it were so late.
    pub(crate) async fn beat(&self, now: Instant) -> Result<(), StoreError> {
        let silent = self.own.lives.beat(&self.own, now).await?;
        self.own.lives.bury(&self.own, silent).await;
        Ok(())
    }

    /// Compares what it holds with what its server knows of that, at these moments.
    pub(crate) async fn compare(&self, moments: impl IntoIterator<Item = Instant>) {
        let mut strays = strays::Strays::default();
        for moment in moments {
            strays.compare(&self.own, moment).await.unwrap();
        }
    }

    /// Ends when it can.
    pub(crate) async fn can_compare(&self) {
        let compares = async || strays::Strays::default().compare(&self.own, Instant::now()).await.is_ok();
        crate::tests::event::until("what is held can be compared", compares).await;
    }

    /// Gives a lease back as if nobody knew whether it was taken.
    pub(crate) fn undo(&self, lease: &Lease) {
        let tail = Arc::new(Tail::new(&self.own.link, lease.takes.iter(), lease.since));
        self.own.undo(encode::lease_name(lease.id), tail, (None, lease.since));
    }

    /// Gives a place in the line of a key up as if nobody knew whether it was given.
    pub(crate) fn undo_place(&self, name: &str, key: &str) {
        let line = line_key(&self.own.link, key);
        let nothing = Arc::new(Tail::new(&self.own.link, [].into_iter(), Timestamp::UNIX_EPOCH));
        self.own.undo(name.to_owned(), nothing, (Some(line), Timestamp::UNIX_EPOCH));
    }

    /// Tells, as of a moment, that requests which took these have used so much at these moments while nobody was told.
    pub(crate) async fn hand(&self, name: &str, used: (&[Take], &[(Used, Timestamp)]), now: Timestamp) {
        self.own.hand(name, used, now).await;
    }

    /// Whether nobody has anything more to tell of an outage.
    pub(crate) fn have_told_all(&self) -> bool {
        self.own.alone.has_told_all()
    }

    /// As if the servers had been out of reach for so long.
    pub(crate) fn have_been_alone_for(&self, length: Duration) {
        self.own.alone.has_begun(length);
    }

    /// Waits in a line under this name.
    pub(crate) async fn line_up_as(
        &self,
        name: &str,
        line: Line,
        slots: Vec<Take>,
    ) -> Result<Lined, StoreError> {
        Arc::clone(&self.own).line_up(name.to_owned(), line, slots).await
    }
}
