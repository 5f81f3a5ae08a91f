//! HTTP/1.1 as the upstream speaks it, over whatever carries it.

use memchr::memmem;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::{MissedTickBehavior, interval};

use super::answers::{Answers, Ready};
use crate::Result;
use crate::site::Stream;

/// Longest request that is read: above the largest of the benchmark.
const REQUEST_MAX: usize = 2 * 1024 * 1024;

/// Answers requests until the proxy closes the connection.
pub(super) async fn converse(mut stream: impl Stream, answers: &Answers) -> Result<()> {
    let mut request = Vec::with_capacity(4096);
    loop {
        request.clear();
        let body = loop {
            if let Some(body) = whole(&request)? {
                break body;
            }
            if stream.read_buf(&mut request).await? == 0 {
                return Ok(());
            }
        };
        write(answers.to(body)?, &mut stream).await?;
    }
}

async fn write(ready: &Ready, stream: &mut impl Stream) -> Result<()> {
    if let [piece] = ready.framed.as_slice() {
        stream.write_all(piece).await?;
        return Ok(stream.flush().await?);
    }
    let mut ticks = interval(ready.gap);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for piece in &ready.framed {
        ticks.tick().await;
        stream.write_all(piece).await?;
        stream.flush().await?;
    }
    Ok(())
}

/// The body of a request, when all of it is there.
fn whole(request: &[u8]) -> Result<Option<&[u8]>> {
    let Some(end) = memmem::find(request, b"\r\n\r\n") else {
        return if request.len() < REQUEST_MAX { Ok(None) } else { Err("a request has no end".into()) };
    };
    let (head, body) = request.split_at_checked(end + 4).unwrap_or_default();
    let head = String::from_utf8_lossy(head);
    let length = head
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, value)| value.trim().parse().ok())
        .filter(|length| *length <= REQUEST_MAX)
        .ok_or("a request has no usable content-length")?;
    Ok((body.len() >= length).then_some(body))
}
