//! Sends, follows the keys where they are, and says of what failed whether it may have been done.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use redis::{RedisResult, Value};
use tokio::time::{Instant, timeout_at};

use super::failure::Failure;
use super::fault::Fault;
use super::keeper::Keeper;
use super::line::{End, Line, Push};
use super::parcel::{Parcel, Told};
use super::pause::pause;
use super::seek::Seek;
use super::servers::{Place, Servers};
use super::wording::worded;

/// Sends over a connection of its own.
pub(super) struct Post {
    keeper: Keeper,
    servers: Servers,
    timeout: Duration,
    /// The connection to the node that our keys move to, while they do.
    aside: Mutex<Option<Arc<Line>>>,
}

/// What became of one sending.
enum Sent {
    Answered(Value),
    /// Nothing was done, and it is worth sending again, so.
    Again(Told, Option<Place>),
    /// Nothing was done, and soon it may be.
    Later(String),
}

impl Post {
    /// One that finds its server so, and waits for each answer as long as that does.
    pub(super) fn new(name: &'static str, seek: Seek) -> Self {
        let (servers, timeout) = (seek.servers.clone(), seek.timeout);
        Self { keeper: Keeper::new(name, seek), servers, timeout, aside: Mutex::default() }
    }

    /// How long one sending may take.
    pub(super) const fn timeout(&self) -> Duration {
        self.timeout
    }

    /// The time of what is sent now.
    pub(super) fn until(&self) -> Instant {
        Instant::now() + self.timeout
    }

    /// Sends it until it is answered, or may have been done, or its time is up.
    pub(super) async fn deliver(&self, parcel: &Parcel<'_>) -> Result<Value, Failure> {
        self.deliver_until(parcel, self.until()).await
    }

    /// The same by a moment of one's own.
    pub(super) async fn deliver_until(&self, parcel: &Parcel<'_>, until: Instant) -> Result<Value, Failure> {
        let (mut told, mut ask, mut refused) = (Told::Short, None, 0);
        loop {
            // Whatever was sent before was surely not done: all else has returned.
            let sent = match &ask {
                None => self.send(parcel, told, until).await?,
                Some(place) => self.send_aside(parcel, told, (place, until)).await?,
            };
            let why = match sent {
                Sent::Answered(value) => return Ok(value),
                Sent::Again(how, place) => {
                    (told, ask) = (how, place);
                    "the keys moved too often".to_owned()
                }
                Sent::Later(why) => {
                    ask = None;
                    if timeout_at(until, pause(refused.min(2))).await.is_err() {
                        return Err(Failure::NotDone(why));
                    }
                    why
                }
            };
            refused += 1;
            if Instant::now() >= until {
                return Err(Failure::NotDone(why));
            }
        }
    }

    async fn send(&self, parcel: &Parcel<'_>, told: Told, until: Instant) -> Result<Sent, Failure> {
        let line = self.keeper.line(until).await?;
        let command = parcel.command(told);
        let answer = tokio::select! {
            biased;
            answer = timeout_at(until, line.send(&command)) => answer,
            // Where it is closed, or refuses, each has an answer of its own.
            () = line.silence() => return Err(no_answer(&line.place)),
        };
        let Ok(answer) = answer else {
            line.missed();
            return Err(no_answer(&line.place));
        };
        self.judge(answer, told, None, &line)
    }

    /// Sends it to the node that our keys move to.
    async fn send_aside(
        &self,
        parcel: &Parcel<'_>,
        told: Told,
        (place, until): (&Place, Instant),
    ) -> Result<Sent, Failure> {
        let line = match timeout_at(until, self.line_aside(place)).await {
            Ok(Ok(line)) => line,
            Ok(Err(error)) => return Ok(Sent::Later(format!("{place}: {}", worded(&error)))),
            Err(_) => return Err(Failure::NotDone(format!("no connection to {place} was made in time"))),
        };
        let both = parcel.with_asking(told);
        let Ok(answers) = timeout_at(until, line.send_together(&both)).await else {
            self.aside.lock().take();
            return Err(no_answer(place));
        };
        let answer = answers.and_then(|answers| answers.into_iter().next_back().unwrap_or(Ok(Value::Nil)));
        self.judge(answer, told, Some(place), &line)
    }

    /// What an answer means, of the owner or of the node that is asked in its place.
    fn judge(
        &self,
        answer: RedisResult<Value>,
        told: Told,
        aside: Option<&Place>,
        line: &Arc<Line>,
    ) -> Result<Sent, Failure> {
        let error = match answer {
            Ok(value) => return Ok(Sent::Answered(value)),
            Err(error) => error,
        };
        let why = worded(&error);
        match Fault::of(&error) {
            Fault::NoScript if matches!(told, Told::Short) => Ok(Sent::Again(Told::Whole, aside.cloned())),
            Fault::Ask(node) => match Place::told(&node, &line.place) {
                Some(place) if aside.is_none() => Ok(Sent::Again(told, Some(place))),
                _ => Ok(Sent::Later(why)),
            },
            Fault::Moved(node) => {
                let Some(place) = Place::told(&node, &line.place) else { return Err(Failure::NotDone(why)) };
                if aside.is_some() {
                    return Ok(Sent::Later(why));
                }
                self.keeper.give_up(line, End::Moved(place));
                Ok(Sent::Again(told, None))
            }
            Fault::Later => Ok(Sent::Later(why)),
            Fault::Useless => {
                match aside {
                    Some(_) => drop(self.aside.lock().take()),
                    None => self.keeper.give_up(line, End::Lost(why.clone())),
                }
                Err(Failure::NotDone(why))
            }
            Fault::NotDone | Fault::NoScript => Err(Failure::NotDone(why)),
            Fault::Unknown => {
                if aside.is_some() {
                    self.aside.lock().take();
                }
                Err(unknown(&error, why))
            }
            Fault::Never => Err(Failure::Never(why)),
        }
    }

    /// The connection to a node that is not the owner; it is kept for the next one who is sent there.
    async fn line_aside(&self, place: &Place) -> RedisResult<Arc<Line>> {
        let kept = self.aside.lock().clone();
        if let Some(line) = kept.filter(|line| line.place == *place && !line.is_over()) {
            return Ok(line);
        }
        let nobody: Push = Arc::new(|_| {});
        let line = Arc::new(Line::connect(&self.servers, place, self.timeout, &nobody).await?);
        *self.aside.lock() = Some(Arc::clone(&line));
        Ok(line)
    }
}

/// What is known of a command that may have been done.
fn unknown(error: &redis::RedisError, why: String) -> Failure {
    match error.code() {
        // It writes nothing for anybody, as it can't write its file.
        Some("MISCONF") | None => Failure::Unknown(why),
        Some(_) => Failure::Answered(why),
    }
}

fn no_answer(place: &Place) -> Failure {
    Failure::Unknown(format!("{place} did not answer in time"))
}

impl fmt::Debug for Post {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.keeper.fmt(f)
    }
}
