//! Checks an HTTP/1.1 answer, piece by piece as it comes, against the body that is expected.

/// The end of a head.
const HEAD_END: &[u8] = b"\r\n\r\n";

/// Longest head that is read: a proxy under test sends a few hundred bytes.
const HEAD_MAX: usize = 16 * 1024;

/// Most hexadecimal digits of a chunk's size: no answer here is longer than 4 GiB.
const SIZE_DIGITS_MAX: u8 = 8;

/// What is wrong with an answer.
#[derive(Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum Wrong {
    #[error("an answer is not 200: {0}")]
    Status(String),
    #[error("an answer's head has no usable length")]
    Length,
    #[error("an answer's chunks are malformed")]
    Framing,
    #[error("an answer's body is not what the upstream sent, {0} bytes before its end")]
    Differs(usize),
    #[error("an answer ended {0} bytes early")]
    Early(usize),
    #[error("something came after an answer's end")]
    Late,
}

/// An answer on its way.
#[derive(Debug)]
pub(crate) struct Answer<'a> {
    /// What is still expected of the body.
    left: &'a [u8],
    /// Length of the whole body.
    size: usize,
    head: Vec<u8>,
    state: State,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum State {
    Head,
    Sized,
    ChunkSize { digits: u8, size: usize },
    ChunkData(usize),
    ChunkEnd,
    LastLine,
    Whole,
}

/// Before the first digit of a chunk's size.
const NEXT_CHUNK: State = State::ChunkSize { digits: 0, size: 0 };

impl<'a> Answer<'a> {
    /// One that should have this body, without its framing.
    pub(crate) fn expecting(body: &'a [u8]) -> Self {
        Self { left: body, size: body.len(), head: Vec::with_capacity(512), state: State::Head }
    }

    /// Whether any of its body has come.
    pub(crate) fn has_begun(&self) -> bool {
        self.left.len() < self.size
    }

    /// Whether all of it has come.
    pub(crate) fn is_whole(&self) -> bool {
        self.state == State::Whole
    }

    /// Takes what was read next.
    pub(crate) fn take(&mut self, mut data: &[u8]) -> Result<(), Wrong> {
        while let Some((&first, rest)) = data.split_first() {
            data = match self.state {
                State::Sized => self.body(data, self.left.len(), State::Whole)?,
                State::ChunkData(size) => self.body(data, size, State::ChunkEnd)?,
                State::Whole => return Err(Wrong::Late),
                _ => {
                    self.byte(first)?;
                    rest
                }
            };
        }
        Ok(())
    }

    /// Compares up to `size` bytes; `then` follows when that many have come.
    fn body<'d>(&mut self, data: &'d [u8], size: usize, then: State) -> Result<&'d [u8], Wrong> {
        let (piece, rest) = data.split_at(size.min(data.len()));
        let (expected, left) =
            self.left.split_at_checked(piece.len()).ok_or(Wrong::Differs(self.left.len()))?;
        if expected != piece && !alike(expected, piece) {
            return Err(Wrong::Differs(self.left.len()));
        }
        self.left = left;
        if piece.len() == size {
            self.state = then;
        } else if let State::ChunkData(left) = &mut self.state {
            *left -= piece.len();
        }
        Ok(rest)
    }

    /// A byte of the head or of the framing.
    fn byte(&mut self, byte: u8) -> Result<(), Wrong> {
        self.state = match (self.state, byte) {
            (State::Head, _) => {
                self.head.push(byte);
                if self.head.ends_with(HEAD_END) { self.framing()? } else { self.short_head()? }
            }
            (state, b'\r') => state,
            (State::ChunkEnd, b'\n') => NEXT_CHUNK,
            (State::ChunkSize { digits: 1.., size: 0 }, b'\n') => State::LastLine,
            (State::ChunkSize { digits: 1.., size }, b'\n') => State::ChunkData(size),
            (State::ChunkSize { digits: 0..SIZE_DIGITS_MAX, size }, _) => self.digit(size, byte)?,
            (State::LastLine, b'\n') if self.left.is_empty() => State::Whole,
            (State::LastLine, b'\n') => return Err(Wrong::Early(self.left.len())),
            _ => return Err(Wrong::Framing),
        };
        Ok(())
    }

    fn short_head(&self) -> Result<State, Wrong> {
        if self.head.len() < HEAD_MAX { Ok(State::Head) } else { Err(Wrong::Length) }
    }

    fn digit(&self, size: usize, byte: u8) -> Result<State, Wrong> {
        let State::ChunkSize { digits, .. } = self.state else { return Err(Wrong::Framing) };
        let value = char::from(byte).to_digit(16).ok_or(Wrong::Framing)?;
        Ok(State::ChunkSize { digits: digits + 1, size: size * 16 + value as usize })
    }

    /// What the head says of the body.
    fn framing(&self) -> Result<State, Wrong> {
        let head = String::from_utf8_lossy(&self.head);
        let mut lines = head.lines();
        let status = lines.next().unwrap_or_default();
        if !status.starts_with("HTTP/1.1 200") {
            return Err(Wrong::Status(status.to_owned()));
        }
        for (name, value) in lines.filter_map(|line| line.split_once(':')) {
            let value = value.trim();
            if name.eq_ignore_ascii_case("content-length") {
                let right = value.parse() == Ok(self.left.len()) && !self.left.is_empty();
                return if right { Ok(State::Sized) } else { Err(Wrong::Length) };
            }
            if name.eq_ignore_ascii_case("transfer-encoding") && value.eq_ignore_ascii_case("chunked") {
                return Ok(NEXT_CHUNK);
            }
        }
        Err(Wrong::Length)
    }
}

/// Whether a piece is what is expected, where a byte that is zero stands for any.
fn alike(expected: &[u8], piece: &[u8]) -> bool {
    expected.iter().zip(piece).all(|(expected, found)| *expected == 0 || expected == found)
}

#[cfg(test)]
#[path = "answer_tests.rs"]
mod tests;
