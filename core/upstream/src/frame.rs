//! Frames of HTTP/2 as they stand on a connection (RFC 9113, section 4.1).

/// The length of a frame's head.
pub(crate) const HEAD: usize = 9;

/// The type of DATA.
pub(crate) const DATA: u8 = 0;
/// The type of WINDOW_UPDATE.
pub(crate) const WINDOW_UPDATE: u8 = 8;

/// Flag: a stream's last frame.
pub(crate) const END_STREAM: u8 = 1;
/// Flag: the payload's first byte says how many of its last ones are padding.
pub(crate) const PADDED: u8 = 8;

#[cfg(test)]
pub(crate) use script::{Frame, HEADERS, RST_STREAM, SETTINGS, head, read, written};

/// What tests write and read by hand.
#[cfg(test)]
mod script {
    use tokio::io::{AsyncReadExt as _, DuplexStream};

    pub(crate) const HEADERS: u8 = 1;
    pub(crate) const RST_STREAM: u8 = 3;
    pub(crate) const SETTINGS: u8 = 4;
    pub(crate) const END_HEADERS: u8 = 4;

    /// A frame's type, flags, stream and payload.
    pub(crate) type Frame = (u8, u8, u32, Vec<u8>);

    /// The head of a 200, in the table of HPACK.
    pub(crate) fn head(flags: u8, stream: u32) -> Frame {
        (HEADERS, END_HEADERS | flags, stream, vec![0x88])
    }

    /// Frames as bytes.
    pub(crate) fn written(frames: &[Frame]) -> Vec<u8> {
        let frame = |(kind, flags, stream, payload): &Frame| {
            let [_, length @ ..] = u32::try_from(payload.len()).unwrap().to_be_bytes();
            [&length[..], &[*kind, *flags], &stream.to_be_bytes(), payload].concat()
        };
        frames.iter().flat_map(frame).collect()
    }

    /// The next frame; `None` where the connection has ended.
    pub(crate) async fn read(stream: &mut DuplexStream) -> Option<Frame> {
        let mut head = [0; super::HEAD];
        stream.read_exact(&mut head).await.ok()?;
        let [a, b, c, kind, flags, number @ ..] = head;
        let mut payload = vec![0; u32::from_be_bytes([0, a, b, c]) as usize];
        stream.read_exact(&mut payload).await.unwrap();
        Some((kind, flags, u32::from_be_bytes(number), payload))
    }
}
