//! Bodies that change as they are read: one that is turned when it is whole, one that is decoded piece by piece.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http_body::Frame;
use sluice_api::error::{Error, Kind};
use sluice_api::provider::Body;

use crate::errors;
use crate::frames::{Frames, Message};

/// What is made of a body that broke off or is too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// The failure goes on.
    Fails,
    /// What has come is turned all the same.
    Turns,
}

/// A body that is held until it is whole, and then turned into another.
pub(crate) struct Turned<F> {
    inner: Body,
    held: BytesMut,
    most: usize,
    cut: Cut,
    turn: Option<F>,
}

impl<F: FnOnce(&[u8]) -> Result<Bytes, Error> + Send + Unpin> Turned<F> {
    /// Holds at most `most` bytes.
    pub(crate) fn new(inner: Body, most: usize, cut: Cut, turn: F) -> Self {
        Self { inner, held: BytesMut::new(), most, cut, turn: Some(turn) }
    }

    fn turned(&mut self) -> Option<Result<Frame<Bytes>, Error>> {
        let turn = self.turn.take()?;
        Some(turn(&self.held).map(Frame::data))
    }

    fn failed(&mut self, error: Error) -> Option<Result<Frame<Bytes>, Error>> {
        if self.cut == Cut::Turns {
            return self.turned();
        }
        self.turn.take().map(|_| Err(error))
    }
}

impl<F: FnOnce(&[u8]) -> Result<Bytes, Error> + Send + Unpin> http_body::Body for Turned<F> {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        while self.turn.is_some() {
            match ready!(Pin::new(&mut self.inner).poll_frame(cx)) {
                Some(Ok(frame)) => {
                    let Ok(data) = frame.into_data() else { continue };
                    let room = self.most - self.held.len();
                    self.held.extend_from_slice(data.get(..room).unwrap_or(&data));
                    if data.len() > room {
                        let message = format!("the upstream's answer is longer than {} bytes", self.most);
                        return Poll::Ready(self.failed(Error::new(Kind::Upstream, message)));
                    }
                }
                Some(Err(error)) => return Poll::Ready(self.failed(error)),
                None => return Poll::Ready(self.turned()),
            }
        }
        Poll::Ready(None)
    }
}

/// What is written for the events of an event stream.
pub(crate) trait Writer: Send + Unpin {
    /// Writes what an event stands for.
    ///
    /// # Errors
    ///
    /// When the event can't be read; the stream can't go on then.
    fn event(&mut self, name: &str, payload: &[u8], out: &mut Vec<u8>) -> Result<(), Error>;
}

/// An event stream, decoded as it is polled: all that a chunk completes is handed on with it.
pub(crate) struct Decoded<W> {
    inner: Body,
    frames: Frames,
    writer: W,
    end: Option<Result<(), Error>>,
}

impl<W: Writer> Decoded<W> {
    pub(crate) fn new(inner: Body, writer: W) -> Self {
        Self { inner, frames: Frames::default(), writer, end: None }
    }

    /// Writes what is complete; a failure waits until that is handed on.
    fn write(&mut self) -> Vec<u8> {
        let mut out = Vec::new();
        while self.end.is_none() {
            let written = match self.frames.next() {
                Ok(Some(Message::Event { name, payload })) => self.writer.event(&name, &payload, &mut out),
                Ok(Some(Message::Exception { name, message })) => {
                    errors::event(&name, &message, &mut out);
                    self.end = Some(Ok(()));
                    break;
                }
                Ok(None) => break,
                Err(error) => Err(error),
            };
            self.end = written.err().map(Err);
        }
        out
    }
}

impl<W: Writer> http_body::Body for Decoded<W> {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let this = &mut *self;
        loop {
            if let Some(end) = &mut this.end {
                return Poll::Ready(std::mem::replace(end, Ok(())).err().map(Err));
            }
            match ready!(Pin::new(&mut this.inner).poll_frame(cx)) {
                Some(Ok(frame)) => {
                    let Ok(data) = frame.into_data() else { continue };
                    this.frames.feed(&data);
                    let out = this.write();
                    if !out.is_empty() {
                        return Poll::Ready(Some(Ok(Frame::data(Bytes::from(out)))));
                    }
                }
                Some(Err(error)) => this.end = Some(Err(error)),
                None if this.frames.is_open() => {
                    let message = "the upstream's event stream ended inside a message";
                    this.end = Some(Err(Error::new(Kind::Upstream, message)));
                }
                None => this.end = Some(Ok(())),
            }
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::collections::VecDeque;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use bytes::Bytes;
    use http_body::Frame;
    use http_body_util::BodyExt;
    use sluice_api::error::{Error, Kind};
    use sluice_api::provider::Body;

    use super::{Cut, Turned};

    /// A body of these pieces; `Err` breaks it off.
    pub(crate) fn pieces(pieces: Vec<Result<Vec<u8>, ()>>) -> Body {
        struct Pieces(VecDeque<Result<Vec<u8>, ()>>);
        impl http_body::Body for Pieces {
            type Data = Bytes;
            type Error = Error;
            fn poll_frame(
                mut self: Pin<&mut Self>,
                _: &mut Context<'_>,
            ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
                let next = self.0.pop_front();
                Poll::Ready(next.map(|piece| match piece {
                    Ok(data) => Ok(Frame::data(Bytes::from(data))),
                    Err(()) => Err(Error::new(Kind::Upstream, "broke off")),
                }))
            }
        }
        Pieces(pieces.into()).boxed_unsync()
    }

    /// What a body hands on, piece by piece, and how it ended.
    pub(crate) fn read<B: http_body::Body<Data = Bytes, Error = Error> + Unpin>(
        mut body: B,
    ) -> (Vec<String>, Result<(), String>) {
        let mut cx = Context::from_waker(std::task::Waker::noop());
        let mut read = Vec::new();
        loop {
            match Pin::new(&mut body).poll_frame(&mut cx) {
                Poll::Ready(Some(Ok(frame))) => {
                    read.push(String::from_utf8(frame.into_data().unwrap().to_vec()).unwrap());
                }
                Poll::Ready(Some(Err(error))) => return (read, Err(error.to_string())),
                Poll::Ready(None) => return (read, Ok(())),
                Poll::Pending => panic!("it waits"),
            }
        }
    }

    #[test]
    fn a_turned_body_is_bounded_and_whole() {
        let held = |most, cut, parts: &[Result<&str, ()>]| {
            let parts = parts.iter().map(|part| part.map(|text| text.as_bytes().to_vec())).collect();
            let turn = |held: &[u8]| Ok(Bytes::from([b"<", held, b">"].concat()));
            read(Turned::new(pieces(parts), most, cut, turn))
        };
        let text = |text: &str| (vec![text.to_owned()], Ok(()));
        assert_eq!(held(4, Cut::Fails, &[Ok("ab"), Ok("cd")]), text("<abcd>"));
        assert_eq!(held(9, Cut::Fails, &[]), text("<>"));
        assert!(held(3, Cut::Fails, &[Ok("ab"), Ok("cd")]).1.unwrap_err().contains("longer than 3"));
        assert_eq!(held(3, Cut::Turns, &[Ok("ab"), Ok("cd")]), text("<abc>"));
        assert_eq!(held(9, Cut::Turns, &[Ok("ab"), Err(())]), text("<ab>"));
        assert_eq!(held(9, Cut::Fails, &[Ok("ab"), Err(())]).1.unwrap_err(), "broke off");
    }
}
