//! A request's body on its way up, as far as the server's windows let it.

use std::task::{Context, Poll};

use bytes::Bytes;
use h2::SendStream;

/// What is still to be sent.
pub(super) struct Upload {
    stream: SendStream<Bytes>,
    left: Bytes,
    done: bool,
}

impl Upload {
    /// A body without a byte went with the head.
    pub(super) fn new(mut stream: SendStream<Bytes>, body: Bytes) -> Self {
        stream.reserve_capacity(body.len());
        let done = body.is_empty();
        Self { stream, left: body, done }
    }

    /// Sends what there is room for. What goes wrong is told by the answer.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) {
        while !self.done {
            let room = match self.stream.poll_capacity(cx) {
                Poll::Ready(Some(Ok(room))) => room,
                Poll::Ready(_) => {
                    self.done = true;
                    return;
                }
                Poll::Pending => return,
            };
            let piece = self.left.split_to(room.min(self.left.len()));
            self.done = self.left.is_empty();
            if self.stream.send_data(piece, self.done).is_err() {
                self.done = true;
            }
        }
    }

    /// Whether all of it is up, or none of it is wanted any more.
    pub(super) fn is_done(&self) -> bool {
        self.done
    }
}
