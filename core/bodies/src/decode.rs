//! Content codings: what a client or an upstream compressed, made plain within bounds.

use std::io::{Cursor, Read};
use std::sync::Arc;

use async_compression::tokio::bufread::{BrotliDecoder, GzipDecoder, ZstdDecoder};
use bytes::Bytes;
use futures_util::TryStreamExt;
use http::HeaderValue;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use http_body::Frame;
use http_body_util::{BodyExt, BodyStream, StreamBody};
use sluice_api::error::{Error, Kind};
use sluice_api::provider::Body;
use tokio_util::io::{ReaderStream, StreamReader};

use crate::reserved::{Reserved, too_large};

/// Bytes that a request's body becomes where it is: decoding them takes less than handing them to another thread.
const AT_ONCE: usize = 64 * 1024;

/// Bytes that are decoded at a time.
const STEP: usize = 64 * 1024;

/// Largest window of zstd, as a power of two: what RFC 8878, section 3.1.1.1.2, asks of decoders. A larger one is memory
/// that a few bytes ask for.
const WINDOW_LOG_MAX: u32 = 23;

/// An answer as it would have come without its coding.
#[must_use]
pub fn answer(mut head: http::response::Parts, body: Body) -> (http::response::Parts, Body) {
    let Some(coding) = head.headers.get(CONTENT_ENCODING).and_then(|value| value.to_str().ok()) else {
        return (head, body);
    };
    match response(coding, body) {
        Ok(plain) => {
            head.headers.remove(CONTENT_ENCODING);
            head.headers.remove(CONTENT_LENGTH);
            (head, plain)
        }
        Err(body) => (head, body),
    }
}

/// Decodes a request body, which may become `max` bytes. What it becomes is reserved before it is there, and a body that
/// becomes large does so on a thread of its own: whoever waits for a worker is not delayed.
pub(crate) async fn request(
    coding: &HeaderValue,
    body: Bytes,
    max: usize,
    reserved: Reserved,
) -> Result<(Bytes, Reserved), Error> {
    let coding = coding.to_str().unwrap_or_default().trim().to_ascii_lowercase();
    if matches!(coding.as_str(), "" | "identity") {
        return Ok((body, reserved));
    }
    let turns = Arc::clone(&reserved.bodies().decoding);
    let mut unfolding = Unfolding::new(coding, body, max, reserved)?;
    if unfolding.goes_on(AT_ONCE)? {
        return Ok(unfolding.done());
    }
    let turn = turns.acquire_owned().await;
    #[expect(clippy::disallowed_methods, reason = "the request waits for it, and a stop for the request")]
    let rest = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        while !unfolding.goes_on(usize::MAX)? {}
        Ok(unfolding.done())
    });
    rest.await.unwrap_or_else(|error| Err(Error::new(Kind::Internal, error.to_string())))
}

/// A body that is being decoded.
struct Unfolding {
    coding: String,
    source: Box<dyn Read + Send>,
    plain: Vec<u8>,
    max: usize,
    /// Bytes of the body as it came.
    packed: usize,
    /// Most that the decoder itself looks back on.
    window: usize,
    reserved: Reserved,
}

impl Unfolding {
    fn new(coding: String, body: Bytes, max: usize, reserved: Reserved) -> Result<Self, Error> {
        let packed = body.len();
        let source = Cursor::new(body);
        let (source, window): (Box<dyn Read + Send>, usize) = match coding.as_str() {
            "gzip" | "x-gzip" => (Box::new(flate2::bufread::MultiGzDecoder::new(source)), 0),
            "zstd" => {
                let decoder = zstd::Decoder::with_buffer(source).and_then(|mut decoder| {
                    decoder.window_log_max(WINDOW_LOG_MAX)?;
                    Ok(decoder)
                });
                (Box::new(decoder.map_err(|error| broken(&coding, &error))?), 1 << WINDOW_LOG_MAX)
            }
            other => {
                let message = format!("content-encoding `{other}` is not supported: send gzip, zstd or none");
                return Err(Error::bad_request(None, message));
            }
        };
        Ok(Self { coding, source, plain: Vec::new(), max, packed, window, reserved })
    }

    /// Decodes until this many bytes are there, or all; whether it is all.
    fn goes_on(&mut self, until: usize) -> Result<bool, Error> {
        while self.plain.len() < until {
            self.make_room()?;
            let before = self.plain.len();
            let mut step = (&mut self.source).take(STEP as u64);
            let count = step.read_to_end(&mut self.plain).map_err(|error| broken(&self.coding, &error))?;
            if self.plain.len() > self.max {
                return Err(too_large(self.max));
            }
            if count < STEP || self.plain.len() == before {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn make_room(&mut self) -> Result<(), Error> {
        let needed = self.plain.len() + STEP;
        if needed > self.plain.capacity() {
            // Doubled each time, so that little is moved, and never beyond what may come.
            let room = (self.plain.len() * 2).min(self.max).max(needed);
            self.reserved.grow(self.packed + room + self.window.min(room))?;
            self.plain.reserve_exact(room - self.plain.len());
        }
        Ok(())
    }

    fn done(self) -> (Bytes, Reserved) {
        (self.plain.into(), self.reserved)
    }
}

fn broken(coding: &str, error: &std::io::Error) -> Error {
    let message =
        format!("the request body can't be decoded as the {coding} that content-encoding says: {error}");
    Error::bad_request(None, message)
}

/// Decodes an upstream's body as it streams; gives it back unchanged where it has no coding that is known.
pub(crate) fn response(coding: &str, body: Body) -> Result<Body, Body> {
    let coding = coding.trim().to_ascii_lowercase();
    if !matches!(coding.as_str(), "gzip" | "x-gzip" | "br" | "zstd") {
        return Err(body);
    }
    let data = BodyStream::new(body)
        .try_filter_map(|frame| std::future::ready(Ok(frame.into_data().ok())))
        .map_err(std::io::Error::other);
    let reader = StreamReader::new(Box::pin(data));
    Ok(match coding.as_str() {
        "br" => read(BrotliDecoder::new(reader)),
        // Both may come as several members one after the other, which together are the body.
        "zstd" => {
            let mut decoder = ZstdDecoder::new(reader);
            decoder.multiple_members(true);
            read(decoder)
        }
        _ => {
            let mut decoder = GzipDecoder::new(reader);
            decoder.multiple_members(true);
            read(decoder)
        }
    })
}

fn read<R: tokio::io::AsyncRead + Send + 'static>(reader: R) -> Body {
    let frames = ReaderStream::new(reader).map_ok(Frame::data).map_err(|error| {
        // What broke is the body below, or its coding.
        error.downcast::<Error>().unwrap_or_else(|error| {
            let message = "the upstream's compressed body is broken or breaks off: send the request again";
            Error::new(Kind::Upstream, message).said(error.to_string())
        })
    });
    BodyExt::boxed_unsync(StreamBody::new(frames))
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::Arc;

    use super::{AT_ONCE, STEP, Unfolding, request, response};
    use crate::reserved::{Bodies, Reserved};
    use bytes::Bytes;
    use futures_util::StreamExt;
    use http::HeaderValue;
    use http_body::Frame;
    use http_body_util::{BodyExt, StreamBody};
    use sluice_api::error::{Error, Kind};
    use sluice_api::provider::Body;

    fn gzip(plain: &[u8]) -> Bytes {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap().into()
    }

    fn zstd(plain: &[u8], window_log: u32) -> Bytes {
        let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
        encoder.window_log(window_log).unwrap();
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap().into()
    }

    /// What a body becomes where `buffered` bytes may be held.
    async fn check(coding: &'static str, body: &Bytes, max: usize, buffered: u64) -> Result<Bytes, Kind> {
        let bodies = Arc::new(Bodies::default());
        let reserved = Reserved::new(&bodies, buffered);
        let coding = HeaderValue::from_static(coding);
        let done = request(&coding, body.clone(), max, reserved).await;
        let plain = done.map(|(plain, reserved)| {
            let held = bodies.held();
            assert!(held >= plain.len() as u64 || coding == "identity", "{held} are counted");
            drop(reserved);
            plain
        });
        assert_eq!(bodies.held(), 0);
        plain.map_err(|error| error.kind())
    }

    #[tokio::test]
    async fn compressed_bodies_are_decoded_within_the_bound() {
        const ROOM: u64 = 64 << 20;
        let small = Bytes::from("{}");
        assert_eq!(check("gzip", &gzip(b"{}"), 10, ROOM).await, Ok(small.clone()));
        assert_eq!(check("zstd", &zstd(b"{}", 10), 10, ROOM).await, Ok(small.clone()));
        assert_eq!(check("identity", &small, 10, ROOM).await, Ok(small.clone()));
        let two = [gzip(b"{"), gzip(b"}")].concat().into();
        assert_eq!(check("gzip", &two, 10, ROOM).await, Ok(small.clone()));
        for length in [AT_ONCE - 1, AT_ONCE, AT_ONCE + 1, AT_ONCE + STEP, 1_000_000] {
            let plain: Vec<u8> = (0..length).map(|at| (at / 7 % 251) as u8).collect();
            for (coding, body) in [("gzip", gzip(&plain)), ("zstd", zstd(&plain, 20))] {
                assert_eq!(check(coding, &body, length, ROOM).await.as_deref(), Ok(&plain[..]), "{length}");
                assert_eq!(check(coding, &body, length - 1, ROOM).await, Err(Kind::TooLarge), "{length}");
                let cut = body.slice(..body.len() / 2);
                assert_eq!(check(coding, &cut, length, ROOM).await, Err(Kind::BadRequest), "{length}");
            }
        }
        assert_eq!(check("gzip", &small, 10, ROOM).await, Err(Kind::BadRequest));
        assert_eq!(check("br", &small, 10, ROOM).await, Err(Kind::BadRequest));
    }

    #[tokio::test]
    async fn what_a_body_becomes_is_counted_before_it_is_there() {
        let plain = vec![b' '; 4 << 20];
        for (coding, body) in [("gzip", gzip(&plain)), ("zstd", zstd(&plain, 20))] {
            assert_eq!(check(coding, &body, plain.len(), 1 << 20).await, Err(Kind::Overloaded), "{coding}");
            let bodies = Arc::new(Bodies::default());
            let reserved = Reserved::new(&bodies, 1 << 20);
            let mut unfolding = Unfolding::new(coding.to_owned(), body, plain.len(), reserved).unwrap();
            while unfolding.goes_on(usize::MAX).is_ok_and(|all| !all) {}
            assert!(unfolding.plain.capacity() <= 1 << 20, "{coding}: {}", unfolding.plain.capacity());
        }
    }

    #[tokio::test]
    async fn a_window_beyond_what_the_format_asks_of_decoders_is_refused() {
        let plain = vec![b' '; 1 << 20];
        assert!(check("zstd", &zstd(&plain, 23), plain.len(), 64 << 20).await.is_ok());
        // Of a frame whose length is told the window is no larger than that; this one tells none.
        let wide = zstd(&plain, 27);
        assert_eq!(check("zstd", &wide, plain.len(), 64 << 20).await, Err(Kind::BadRequest));
    }

    /// A body that comes in pieces of this size.
    fn coming(bytes: &[u8], step: usize) -> Body {
        let pieces: Vec<Bytes> = bytes.chunks(step).map(Bytes::copy_from_slice).collect();
        let frames = futures_util::stream::iter(pieces).map(|piece| Ok(Frame::data(piece)));
        BodyExt::boxed_unsync(StreamBody::new(frames))
    }

    async fn decoded(coding: &str, bytes: &[u8], step: usize) -> Result<Vec<u8>, Kind> {
        let body = response(coding, coming(bytes, step)).unwrap();
        body.collect().await.map(|all| all.to_bytes().to_vec()).map_err(|error| error.kind())
    }

    #[tokio::test]
    async fn an_answer_is_all_of_its_members_and_half_of_one_is_an_error() {
        let zstd = |plain: &[u8]| zstd::encode_all(plain, 1).unwrap();
        let gzips = [gzip(b"{\"a\":").to_vec(), gzip(b"1}").to_vec()];
        let zstds = [zstd(b"{\"a\":"), zstd(b"1}")];
        for (coding, members) in [("gzip", gzips), ("zstd", zstds)] {
            let bytes = members.concat();
            for step in [1, 7, bytes.len()] {
                assert_eq!(
                    decoded(coding, &bytes, step).await.as_deref(),
                    Ok(&b"{\"a\":1}"[..]),
                    "{coding} by {step}"
                );
            }
            // Between two members nothing shows that one is missing.
            for end in (1..bytes.len()).filter(|end| *end != members[0].len()) {
                let cut = decoded(coding, &bytes[..end], 5).await;
                assert_eq!(cut, Err(Kind::Upstream), "{coding} cut at {end}");
            }
        }
    }

    #[tokio::test]
    async fn what_breaks_below_the_coding_stays_what_it_was() {
        let first = Ok(Frame::data(gzip(b"{}").slice(..12)));
        let frames = futures_util::stream::iter([first, Err(Error::new(Kind::UpstreamTimeout, "late"))]);
        let body = response("gzip", BodyExt::boxed_unsync(StreamBody::new(frames))).unwrap();
        assert_eq!(body.collect().await.unwrap_err().kind(), Kind::UpstreamTimeout);
    }
}
