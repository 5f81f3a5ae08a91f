//! A client's connection: one request after the other, every answer checked.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::Result;
use crate::answer::Answer;
use crate::message::Exchange;

/// Bytes read at once.
const BUFFER: usize = 32 * 1024;

/// An open connection with nothing under way.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    /// Connects.
    pub(crate) async fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address)
            .await
            .map_err(|error| format!("can't connect to {address}: {error}"))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: vec![0; BUFFER] })
    }

    /// Sends a request and reads its answer to the last byte.
    pub(crate) async fn exchange(&mut self, exchange: &Exchange) -> Result<()> {
        self.stream.write_all(&exchange.request).await?;
        let mut answer = Answer::expecting(&exchange.answer);
        while !answer.is_whole() {
            let count = self.stream.read(&mut self.buffer).await?;
            if count == 0 {
                return Err("a connection was closed in the middle of an answer".into());
            }
            answer.take(self.buffer.get(..count).unwrap_or_default())?;
        }
        Ok(())
    }
}
