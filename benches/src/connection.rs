//! A client's connection: one request after the other, every answer checked.

use std::time::Instant;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::Result;
use crate::answer::Answer;
use crate::message::Exchange;
use crate::site::{Site, Stream};

/// Bytes read at once.
const BUFFER: usize = 32 * 1024;

/// An open connection with nothing under way.
pub(crate) struct Connection {
    stream: Box<dyn Stream>,
    request: Vec<u8>,
    buffer: Vec<u8>,
}

impl Connection {
    /// Connects.
    pub(crate) async fn open(site: &Site) -> Result<Self> {
        Ok(Self { stream: site.connect().await?, request: Vec::new(), buffer: vec![0; BUFFER] })
    }

    /// Sends a request and reads its answer to the last byte; tells when its body began.
    pub(crate) async fn exchange(&mut self, exchange: &Exchange) -> Result<Instant> {
        self.stream.write_all(exchange.request(&mut self.request)).await?;
        self.stream.flush().await?;
        let mut answer = Answer::expecting(&exchange.answer);
        let mut began = None;
        while !answer.is_whole() {
            let count = self.stream.read(&mut self.buffer).await?;
            if count == 0 {
                return Err("a connection was closed in the middle of an answer".into());
            }
            answer.take(self.buffer.get(..count).unwrap_or_default())?;
            if began.is_none() && answer.has_begun() {
                began = Some(Instant::now());
            }
        }
        began.ok_or_else(|| "an answer has no body".into())
    }
}
