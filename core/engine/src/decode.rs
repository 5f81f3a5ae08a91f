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
        "zstd" => read(ZstdDecoder::new(reader)),
        _ => read(GzipDecoder::new(reader)),
    })
}

fn read<R: tokio::io::AsyncRead + Send + 'static>(reader: R) -> Body {
    let frames = ReaderStream::new(reader).map_ok(Frame::data).map_err(|error| {
        Error::new(Kind::Upstream, format!("the upstream's compressed body broke off: {error}"))
    });
    BodyExt::boxed_unsync(StreamBody::new(frames))
}

#[cfg(test)]
mod tests {
    use super::request;
    use bytes::Bytes;
    use http::HeaderValue;
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
}
