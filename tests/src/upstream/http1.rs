//! The scripted upstream over HTTP/1.1.

use std::io::{BufRead, BufReader, Read, Write};

use super::{Connection, State};
use crate::client::PATIENCE;
use crate::link::Link;
use crate::moment;
use crate::script::{Request, Script, Step};

/// An answer on its way.
struct Answer<'a> {
    link: &'a mut Link,
    /// A head that goes with the body's first piece.
    held: Vec<u8>,
    chunked: bool,
}

pub(super) fn serve(
    link: &Link,
    connection: &Connection,
    script: &Script,
    state: &State,
) -> std::io::Result<()> {
    let mut reader = BufReader::new(link.clone());
    let mut writer = link.clone();
    while let Some(request) = read(&mut reader, connection)? {
        let _open = state.opened();
        let steps = script(&request);
        state.seen.lock().unwrap().push(request);
        let mut answer = Answer { link: &mut writer, held: Vec::new(), chunked: false };
        for step in steps {
            if matches!(step, Step::Hang) || connection.is_silent() {
                answer.flush()?;
                return drain(&mut reader);
            }
            if !answer.take(step)? {
                return Ok(());
            }
        }
        answer.flush()?;
    }
    Ok(())
}

/// Reads until the other side closes.
fn drain(reader: &mut impl Read) -> std::io::Result<()> {
    std::io::copy(reader, &mut std::io::sink()).map(|_| ())
}

impl Answer<'_> {
    /// Does a step; says whether the connection goes on.
    fn take(&mut self, step: Step) -> std::io::Result<bool> {
        match step {
            Step::Head { status, lines, length } => {
                self.chunked = length.is_none();
                let framing = length.map_or_else(
                    || "transfer-encoding: chunked\r\n".to_owned(),
                    |length| format!("content-length: {length}\r\n"),
                );
                self.held = format!("HTTP/1.1 {status} X\r\n{lines}{framing}\r\n").into_bytes();
                // A length promises a body that comes at once.
                if self.chunked {
                    self.flush()?;
                }
            }
            Step::Data(data) if self.chunked => {
                let size = format!("{:x}\r\n", data.len());
                self.write(&[size.as_bytes(), &data, b"\r\n"].concat())?;
            }
            Step::Data(bytes) | Step::Bytes(bytes) => self.write(&bytes)?,
            Step::End if self.chunked => self.write(b"0\r\n\r\n")?,
            Step::Trailers(lines) => self.write(format!("0\r\n{lines}\r\n").as_bytes())?,
            Step::End | Step::Hang => self.flush()?,
            Step::Wait(go) => {
                self.flush()?;
                let _ = go.recv_timeout(PATIENCE);
            }
            Step::Pause(time) => {
                self.flush()?;
                moment::pause(time);
            }
            Step::Close | Step::Reset(_) => {
                self.flush()?;
                self.link.close();
                return Ok(false);
            }
            Step::Frame(..) | Step::GoAway { .. } => panic!("HTTP/1.1 has no frames"),
        }
        Ok(true)
    }

    fn write(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        let mut all = std::mem::take(&mut self.held);
        all.extend_from_slice(bytes);
        self.link.write_all(&all)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        match self.held.is_empty() {
            true => Ok(()),
            false => self.write(&[]),
        }
    }
}

fn read(reader: &mut BufReader<Link>, connection: &Connection) -> std::io::Result<Option<Request>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut headers = Vec::new();
    loop {
        let mut header = String::new();
        reader.read_line(&mut header)?;
        let header = header.trim_end();
        if header.is_empty() {
            break;
        }
        let (name, value) = header.split_once(':').unwrap_or((header, ""));
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length =
        headers.iter().find(|(name, _)| name == "content-length").and_then(|(_, value)| value.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body)?;
    let line = line.trim_end().trim_end_matches(" HTTP/1.1").to_owned();
    Ok(Some(Request { line, headers, body, protocol: "HTTP/1.1", connection: connection.number }))
}
