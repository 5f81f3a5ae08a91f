//! A request's body, read whole: within its time, and counted as it comes.

use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use http_body_util::BodyExt;
use sluice_api::error::{Error, Kind};
use sluice_config::resolved::ServerConfig;
use sluice_upstream::timer::in_time;

use crate::decode;
use crate::reserved::{Bodies, Reserved, too_large};

/// Least that room is made for.
const STEP: usize = 8 * 1024;

/// How many times `server.body_timeout` a body may take on the whole, besides what its length allows: the time-out
/// itself starts anew with each piece, so that a byte now and then would hold a key's slot for ever.
const TIMES: u32 = 4;

/// Bytes for which a body may take a second more: slower than any network that a person would wait for.
const SLOWEST: u32 = 4 * 1024;

/// A body.
#[derive(Debug)]
pub struct Body {
    /// What has come, decoded.
    pub bytes: Bytes,
    _reserved: Reserved,
}

/// Reads a body, decodes it, and holds it within `server.max_body` and `server.max_buffered`. What has come counts,
/// not the length that is told: a client that sends nothing takes no room from others.
///
/// # Errors
///
/// 413, 503 and 408 where it exceeds a bound, 400 where it breaks off or is not what its coding says.
pub async fn read<B>(
    bodies: &Arc<Bodies>,
    server: &ServerConfig,
    headers: &HeaderMap,
    mut body: B,
) -> Result<Body, Error>
where
    B: http_body::Body<Data = Bytes> + Unpin,
    B::Error: std::fmt::Display,
{
    let max = usize::try_from(server.max_body).unwrap_or(usize::MAX);
    let told = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if told.is_some_and(|length| length > max) {
        return Err(too_large(max));
    }
    let pace = Pace { started: Instant::now(), wait: server.body_timeout };
    let mut reserved = Reserved::new(bodies, server.max_buffered);
    let mut whole = BytesMut::new();
    let mut first: Option<Bytes> = None;
    while let Some(frame) = next_frame(&mut body, &pace, whole.len()).await? {
        let Ok(data) = frame.into_data() else { continue };
        if whole.len() + first.as_ref().map_or(0, Bytes::len) + data.len() > max {
            return Err(too_large(max));
        }
        // A body that comes in one piece is used as it is.
        match first.take() {
            None if whole.is_empty() && Some(data.len()) == told => first = Some(data),
            held => {
                let held = held.unwrap_or_default();
                make_room(&mut whole, held.len() + data.len(), told.unwrap_or(max), &mut reserved)?;
                whole.extend_from_slice(&held);
                whole.extend_from_slice(&data);
            }
        }
    }
    let bytes = first.unwrap_or_else(|| whole.freeze());
    reserved.grow(bytes.len())?;
    let (bytes, reserved) = match headers.get(CONTENT_ENCODING) {
        None => (bytes, reserved),
        Some(coding) => decode::request(coding, bytes, max, reserved).await?,
    };
    Ok(Body { bytes, _reserved: reserved })
}

/// Makes room for `more` bytes: doubled each time, so that what has come is seldom moved and holds no more than its
/// like again, and never beyond what can come.
fn make_room(whole: &mut BytesMut, more: usize, most: usize, reserved: &mut Reserved) -> Result<(), Error> {
    let needed = whole.len() + more;
    if needed > whole.capacity() {
        let room = needed.saturating_mul(2).max(STEP).min(most).max(needed);
        reserved.grow(room)?;
        whole.reserve(room - whole.len());
    }
    Ok(())
}

/// How fast a body has to come.
struct Pace {
    started: Instant,
    /// `server.body_timeout`.
    wait: Duration,
}

/// Why a wait for a body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Slow {
    /// No piece came for `server.body_timeout`.
    Silent,
    /// It takes too long on the whole.
    Trickling,
}

impl Pace {
    /// How long the next piece is waited for, when so many bytes have come.
    fn due(&self, now: Instant, come: usize) -> (Instant, Slow) {
        let allowed = Duration::from_secs(come as u64) / SLOWEST;
        let whole = self.started + self.wait * TIMES + allowed;
        let piece = now + self.wait;
        if piece <= whole { (piece, Slow::Silent) } else { (whole, Slow::Trickling) }
    }
}

async fn next_frame<B>(
    body: &mut B,
    pace: &Pace,
    come: usize,
) -> Result<Option<http_body::Frame<Bytes>>, Error>
where
    B: http_body::Body<Data = Bytes> + Unpin,
    B::Error: std::fmt::Display,
{
    let (due, slow) = pace.due(Instant::now(), come);
    match in_time(due, pin!(body.frame())).await {
        Some(Some(Ok(frame))) => Ok(Some(frame)),
        Some(None) => Ok(None),
        Some(Some(Err(error))) => {
            Err(Error::bad_request(None, format!("the request body broke off or is malformed: {error}")))
        }
        None => {
            let wait = pace.wait.as_secs_f32();
            let message = match slow {
                Slow::Silent => format!("no piece of the request body came for {wait} s"),
                Slow::Trickling => format!(
                    "the request body comes too slowly: it may take {TIMES} times {wait} s, and a second more for each {SLOWEST} bytes"
                ),
            };
            Err(Error::new(Kind::RequestTimeout, message))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{Pace, SLOWEST, Slow, TIMES};

    #[test]
    fn a_body_may_rest_between_pieces_but_not_take_for_ever() {
        let wait = Duration::from_secs(30);
        let started = Instant::now();
        let pace = Pace { started, wait };
        let all = wait * TIMES;
        let second = SLOWEST as usize;
        for (after, come, due, slow) in [
            (Duration::ZERO, 0, wait, Slow::Silent),
            (wait, 1, wait * 2, Slow::Silent),
            (all - wait, 1, all, Slow::Silent),
            (all - wait / 2, 1, all, Slow::Trickling),
            (all - wait / 2, second * 15, all + wait / 2, Slow::Silent),
            (all, second * 10, all + Duration::from_secs(10), Slow::Trickling),
        ] {
            let (at, why) = pace.due(started + after, come);
            let near = at.duration_since(started).abs_diff(due) < Duration::from_millis(1);
            assert!(near && why == slow, "{after:?} {come}: {:?} {why:?}", at - started);
        }
    }
}
