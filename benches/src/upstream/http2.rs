//! HTTP/2 as the upstream speaks it: a bounded number of streams on a connection, and each event a frame of its own.

use std::sync::Arc;

use bytes::Bytes;
use h2::RecvStream;
use h2::server::{Builder, SendResponse};
use http::{Request, Response};
use tokio::time::{MissedTickBehavior, interval};

use super::answers::Answers;
use crate::Result;
use crate::site::Stream;

/// Streams on a connection, as vendors' servers allow them.
const STREAMS_MAX: u32 = 100;

/// What a request may have on its way, and all of a connection's together.
const STREAM_WINDOW: u32 = 1024 * 1024;
const CONNECTION_WINDOW: u32 = 16 * STREAM_WINDOW;

/// Answers requests until the proxy closes the connection.
pub(super) async fn converse(stream: impl Stream, answers: &Arc<Answers>) -> Result<()> {
    let mut connection = Builder::new()
        .max_concurrent_streams(STREAMS_MAX)
        .initial_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .handshake::<_, Bytes>(stream)
        .await?;
    while let Some(accepted) = connection.accept().await {
        let (request, respond) = accepted?;
        let answers = Arc::clone(answers);
        tokio::spawn(async move {
            if let Err(error) = answer(request, respond, &answers).await {
                eprintln!("upstream: {error}");
            }
        });
    }
    Ok(())
}

async fn answer(
    request: Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
    answers: &Answers,
) -> Result<()> {
    let ready = answers.to(&whole(request.into_body()).await?)?;
    let mut head = Response::builder().status(ready.status).header("content-type", ready.content_type);
    head = head.header("request-id", "req_01benchmark");
    if let [piece] = ready.pieces.as_slice() {
        head = head.header("content-length", piece.len());
    }
    let mut stream = respond.send_response(head.body(())?, false)?;
    let mut ticks = (!ready.gap.is_zero()).then(|| interval(ready.gap));
    if let Some(ticks) = &mut ticks {
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    }
    for (number, piece) in ready.pieces.iter().enumerate() {
        if let Some(ticks) = &mut ticks {
            ticks.tick().await;
        }
        stream.send_data(piece.clone(), number + 1 == ready.pieces.len())?;
    }
    Ok(())
}

async fn whole(mut body: RecvStream) -> Result<Vec<u8>> {
    let mut whole = Vec::new();
    while let Some(data) = body.data().await {
        let data = data?;
        body.flow_control().release_capacity(data.len())?;
        whole.extend_from_slice(&data);
    }
    Ok(whole)
}
