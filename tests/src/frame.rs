//! HTTP/2's frames as bytes, and header blocks that use nothing clever.

use std::io::Read;

/// What an HTTP/2 client begins with.
pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Frame types.
pub const DATA: u8 = 0;
/// A header block.
pub const HEADERS: u8 = 1;
/// The end of a stream before its time.
pub const RST_STREAM: u8 = 3;
/// What a side can take.
pub const SETTINGS: u8 = 4;
/// Are you there?
pub const PING: u8 = 6;
/// No more streams.
pub const GOAWAY: u8 = 7;
/// More may be sent.
pub const WINDOW_UPDATE: u8 = 8;
/// More of a header block.
pub const CONTINUATION: u8 = 9;

/// Flags.
pub const END_STREAM: u8 = 1;
/// Of settings and pings: an answer.
pub const ACK: u8 = 1;
/// A header block is whole.
pub const END_HEADERS: u8 = 4;
/// The payload begins with the length of what is behind it to be thrown away.
pub const PADDED: u8 = 8;
/// The payload begins with five bytes of priority.
pub const PRIORITY: u8 = 32;

/// Settings.
pub const MAX_CONCURRENT_STREAMS: u16 = 3;
/// What may be sent on a new stream.
pub const INITIAL_WINDOW_SIZE: u16 = 4;
/// The largest payload of a frame.
pub const MAX_FRAME_SIZE: u16 = 5;

/// Error codes.
pub const NO_ERROR: u32 = 0;
/// The protocol was broken.
pub const PROTOCOL_ERROR: u32 = 1;
/// Something else broke.
pub const INTERNAL_ERROR: u32 = 2;
/// The request was not looked at.
pub const REFUSED_STREAM: u32 = 7;
/// The stream is no longer wanted.
pub const CANCEL: u32 = 8;
/// Too much of something.
pub const ENHANCE_YOUR_CALM: u32 = 11;
/// Not over HTTP/2.
pub const HTTP_1_1_REQUIRED: u32 = 13;

/// What either side may send at first, on a stream and on the connection.
pub const WINDOW: i64 = 65_535;

/// The largest payload of a frame at first.
pub const PAYLOAD_MAX: usize = 16_384;

/// A frame.
#[derive(Clone, Debug)]
pub struct Frame {
    /// Its type.
    pub kind: u8,
    /// Its flags.
    pub flags: u8,
    /// Its stream; 0 is the connection.
    pub stream: u32,
    /// Its payload.
    pub payload: Vec<u8>,
}

impl Frame {
    /// Reads the next one.
    ///
    /// # Errors
    ///
    /// Where the connection has ended.
    pub fn read(from: &mut impl Read) -> std::io::Result<Self> {
        let mut head = [0; 9];
        from.read_exact(&mut head)?;
        let [a, b, c, kind, flags, stream @ ..] = head;
        let mut payload = vec![0; u32::from_be_bytes([0, a, b, c]) as usize];
        from.read_exact(&mut payload)?;
        Ok(Self { kind, flags, stream: u32::from_be_bytes(stream) & 0x7fff_ffff, payload })
    }

    /// It as bytes.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let [_, length @ ..] = u32::try_from(self.payload.len()).unwrap().to_be_bytes();
        let mut bytes = length.to_vec();
        bytes.extend_from_slice(&[self.kind, self.flags]);
        bytes.extend_from_slice(&self.stream.to_be_bytes());
        bytes.extend_from_slice(&self.payload);
        bytes
    }

    /// Whether a flag is set.
    #[must_use]
    pub fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// The payload without padding and priority.
    #[must_use]
    pub fn content(&self) -> &[u8] {
        let mut content = &self.payload[..];
        if self.has(PADDED) {
            content = &content[1..content.len() - usize::from(content[0])];
        }
        if self.kind == HEADERS && self.has(PRIORITY) {
            content = &content[5..];
        }
        content
    }

    /// The four bytes at a place of the payload, as a number.
    #[must_use]
    pub fn number(&self, at: usize) -> u32 {
        u32::from_be_bytes(self.payload[at..at + 4].try_into().unwrap())
    }

    /// The settings in it.
    pub fn settings(&self) -> impl Iterator<Item = (u16, u32)> {
        self.payload.chunks_exact(6).map(|setting| {
            let (name, value) = setting.split_at(2);
            (u16::from_be_bytes(name.try_into().unwrap()), u32::from_be_bytes(value.try_into().unwrap()))
        })
    }
}

/// Settings as a payload.
#[must_use]
pub fn settings(each: &[(u16, u32)]) -> Vec<u8> {
    each.iter().flat_map(|(name, value)| [&name.to_be_bytes()[..], &value.to_be_bytes()].concat()).collect()
}

/// Headers as a block of literals without indexing, their names new, nothing Huffman-coded.
#[must_use]
pub fn block<'a>(headers: impl IntoIterator<Item = (&'a str, &'a str)>) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in headers {
        block.push(0);
        for text in [name, value] {
            length(text.len(), &mut block);
            block.extend_from_slice(text.as_bytes());
        }
    }
    block
}

/// An integer with a prefix of seven bits (RFC 7541, section 5.1).
fn length(mut length: usize, block: &mut Vec<u8>) {
    if length < 127 {
        return block.push(u8::try_from(length).unwrap());
    }
    block.push(127);
    length -= 127;
    while length >= 128 {
        block.push(u8::try_from(length % 128).unwrap() | 128);
        length /= 128;
    }
    block.push(u8::try_from(length).unwrap());
}
