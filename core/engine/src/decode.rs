//! Content codings: what a client or an upstream compressed, made plain within bounds.

use std::io::Read;

use async_compression::tokio::bufread::{BrotliDecoder, GzipDecoder, ZstdDecoder};
use bytes::Bytes;
use futures_util::TryStreamExt;
use http::HeaderValue;
use http_body::Frame;
use http_body_util::{BodyExt, BodyStream, StreamBody};
use sluice_api::provider::Body;
use sluice_api::{Error, Kind};
use tokio_util::io::{ReaderStream, StreamReader};

/// Decodes a request body; `too_large` makes the error for one that is longer than `max` when decoded.
pub(crate) fn request(
    coding: &HeaderValue,
    body: &Bytes,
    max: usize,
    too_large: impl Fn() -> Error,
) -> Result<Bytes, Error> {
    let coding = coding.to_str().unwrap_or_default().trim().to_ascii_lowercase();
    let source: &[u8] = body;
    let broken = |error: &dyn std::fmt::Display| {
        Error::bad_request(
            None,
            format!("the request body is not the {coding} that content-encoding says: {error}"),
        )
    };
    let reader: Box<dyn Read + '_> = match coding.as_str() {
        "" | "identity" => return Ok(body.clone()),
        "gzip" | "x-gzip" => Box::new(flate2::read::MultiGzDecoder::new(source)),
        "zstd" => Box::new(zstd::Decoder::with_buffer(source).map_err(|error| broken(&error))?),
        other => {
            let message = format!("content-encoding `{other}` is not supported: send gzip, zstd or none");
            return Err(Error::bad_request(None, message));
        }
    };
    let mut plain = Vec::new();
    let bound = max as u64 + 1;
    reader.take(bound).read_to_end(&mut plain).map_err(|error| broken(&error))?;
    if plain.len() > max {
        return Err(too_large());
    }
    Ok(plain.into())
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
    use super::{request, response};
    use bytes::Bytes;
    use futures_util::StreamExt;
    use http::HeaderValue;
    use http_body::Frame;
    use http_body_util::{BodyExt, StreamBody};
    use sluice_api::provider::Body;
    use sluice_api::{Error, Kind};
    use std::io::Write;

    fn gzip(plain: &[u8]) -> Bytes {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap().into()
    }

    fn check(coding: &'static str, body: &Bytes, max: usize) -> Result<Bytes, Kind> {
        request(&HeaderValue::from_static(coding), body, max, || Error::new(Kind::TooLarge, ""))
            .map_err(|error| error.kind())
    }

    #[test]
    fn compressed_bodies_are_decoded_within_the_bound() {
        let zstd = Bytes::from(zstd::encode_all(&b"{}"[..], 1).unwrap());
        assert_eq!(check("gzip", &gzip(b"{}"), 10), Ok(Bytes::from("{}")));
        assert_eq!(check("zstd", &zstd, 10), Ok(Bytes::from("{}")));
        assert_eq!(check("identity", &Bytes::from("{}"), 10), Ok(Bytes::from("{}")));
        assert_eq!(check("gzip", &gzip(&[b' '; 1_000_000]), 999_999), Err(Kind::TooLarge));
        assert_eq!(check("gzip", &Bytes::from("{}"), 10), Err(Kind::BadRequest));
        assert_eq!(check("br", &Bytes::from("{}"), 10), Err(Kind::BadRequest));
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
