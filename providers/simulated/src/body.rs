//! Bodies: pieces with a wait before each, and a break where one is asked for.

use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody};
use sluice_api::error::{Error, Kind};
use sluice_api::provider::Body;

/// One piece, of known length.
pub(crate) fn whole(bytes: Bytes) -> Body {
    Full::new(bytes).map_err(|never| match never {}).boxed_unsync()
}

/// Pieces one by one; with `cut` it breaks off after half of them.
pub(crate) fn paced(mut pieces: Vec<Bytes>, delay: Duration, cut: bool) -> Body {
    if pieces.len() == 1 && delay.is_zero() && !cut {
        return whole(pieces.pop().unwrap_or_default());
    }
    let kept = if cut { pieces.len().div_ceil(2).max(1) } else { pieces.len() };
    if cut && pieces.len() == 1 {
        pieces = pieces.iter().map(|piece| piece.slice(..piece.len() / 2)).collect();
    }
    pieces.truncate(kept);
    let frames = stream::unfold((pieces.into_iter(), cut), move |(mut pieces, cut)| async move {
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        match pieces.next() {
            Some(piece) => Some((Ok(Frame::data(piece)), (pieces, cut))),
            None if cut => {
                let broken = Error::new(Kind::Upstream, "the simulated account was told to break off");
                Some((Err(broken), (pieces, false)))
            }
            None => None,
        }
    });
    StreamBody::new(frames).boxed_unsync()
}
