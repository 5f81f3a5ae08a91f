//! A connection before a server that answers as a test says, frame by frame.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::FutureExt as _;
use http::uri::Authority;
use http::{Request, Response};
use http_body_util::BodyExt as _;
use sluice_api::provider::Body;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio::sync::mpsc;

use super::connection::{Connection, Opening};
use super::upload::WINDOW;
use super::waiting::{Waiters, Waiting};
use super::{Tried, exchange};
use crate::frame::{
    DATA, END_STREAM, Frame, HEADERS, RST_STREAM, SETTINGS, WINDOW_UPDATE, head, read, written,
};
use crate::named;
use crate::tasks::Tasks;

/// A body that is larger than the window that a stream begins with.
const LARGE: usize = 100_000;

/// How often a connection is looked at where that matters, and where it does not.
const OFTEN: Duration = Duration::from_millis(10);
pub(super) const SELDOM: Duration = Duration::from_secs(3600);

/// How long the other task may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Answers each head by these frames, on its stream, and reads on; windows stay as they are. Tells of heads
/// and resets.
async fn serve(mut stream: DuplexStream, answer: &[Frame], tells: mpsc::UnboundedSender<(u8, u32)>) {
    stream.read_exact(&mut [0; 24]).await.unwrap();
    stream.write_all(&written(&[(SETTINGS, 0, 0, Vec::new())])).await.unwrap();
    while let Some((kind, _, number, _)) = read(&mut stream).await {
        if kind == HEADERS {
            let on_it = |(kind, flags, _, payload): &Frame| (*kind, *flags, number, payload.clone());
            stream.write_all(&written(&answer.iter().map(on_it).collect::<Vec<_>>())).await.unwrap();
        }
        if matches!(kind, HEADERS | RST_STREAM) {
            let _ = tells.send((kind, number));
        }
    }
}

/// A connection to such a server, and what that tells.
pub(super) async fn connection(
    answer: Vec<Frame>,
    look_every: Duration,
) -> (Arc<Connection>, mpsc::UnboundedReceiver<(u8, u32)>) {
    let (near, far) = tokio::io::duplex(64 * 1024);
    let (tells, told) = mpsc::unbounded_channel();
    Tasks::default().spawn(async move { serve(far, &answer, tells).await });
    (begun(near, look_every, Arc::default()).await, told)
}

async fn begun(near: DuplexStream, look_every: Duration, awaited: Arc<Waiters>) -> Arc<Connection> {
    let opening = Opening {
        stream: Box::new(near),
        named: named::next(),
        due: Instant::now() + PATIENCE,
        awaited,
        agreed: true,
        look_every,
    };
    Connection::begin(opening, &Authority::from_static("a")).await.unwrap().unwrap()
}

/// What the server tells next.
async fn next(told: &mut mpsc::UnboundedReceiver<(u8, u32)>) -> Option<(u8, u32)> {
    tokio::time::timeout(PATIENCE, told.recv()).await.expect("nothing comes")
}

fn upload() -> Request<Bytes> {
    let request = Request::post("http://a/");
    request.body(Bytes::from(vec![b'x'; LARGE])).unwrap()
}

async fn answered(connection: &Arc<Connection>) -> Response<Body> {
    let place = connection.place(LARGE).expect("no place");
    match exchange(place, &Authority::from_static("a"), upload()).await {
        Tried::Answered(response) => response,
        _ => panic!("no answer"),
    }
}

/// The connection takes another large body, sooner or later.
async fn is_free(connection: &Arc<Connection>) {
    let frees = async {
        while connection.place(LARGE).is_none() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, frees).await.expect("what is left of a body is kept");
}

#[tokio::test]
async fn what_is_left_of_a_body_goes_with_an_answer_that_came_before_it_was_up() {
    let (connection, mut told) = connection(vec![head(END_STREAM, 0)], SELDOM).await;
    for stream in [1, 3] {
        let body = answered(&connection).await.into_body().collect().await.unwrap();
        assert!(body.to_bytes().is_empty());
        assert_eq!(next(&mut told).await, Some((HEADERS, stream)));
        assert_eq!(next(&mut told).await, Some((RST_STREAM, stream)));
        is_free(&connection).await;
    }
}

#[tokio::test]
async fn what_is_left_of_a_body_goes_with_a_request_that_is_given_up() {
    let (connection, mut told) = connection(Vec::new(), SELDOM).await;
    let authority = Authority::from_static("a");
    for (stream, opens) in [(1, true), (3, true), (5, false), (7, false)] {
        let place = connection.place(LARGE).unwrap();
        let mut sending = Box::pin(exchange(place, &authority, upload()));
        assert!((&mut sending).now_or_never().is_none());
        if opens {
            assert_eq!(next(&mut told).await, Some((HEADERS, stream)));
        }
        assert!(connection.place(LARGE).is_none());
        drop(sending);
        is_free(&connection).await;
        if opens {
            assert_eq!(next(&mut told).await, Some((RST_STREAM, stream)));
        }
    }
}

#[tokio::test]
async fn an_answer_is_whole_that_tells_no_length_and_ends_its_request() {
    let data = (DATA, END_STREAM, 0, b"no".to_vec());
    let reset = (RST_STREAM, 0, 0, vec![0; 4]);
    let (connection, _told) = connection(vec![head(0, 0), data, reset], SELDOM).await;
    for _ in 0..2 {
        let body = answered(&connection).await.into_body().collect().await.unwrap();
        assert_eq!(body.to_bytes(), "no");
        is_free(&connection).await;
    }
}

#[tokio::test]
async fn nobody_is_put_on_a_connection_that_is_asked_whether_it_lives() {
    let (connection, _told) = connection(Vec::new(), OFTEN).await;
    let authority = Authority::from_static("a");
    let request = Request::get("http://a/").body(Bytes::new()).unwrap();
    let mut waits = Box::pin(exchange(connection.place(0).unwrap(), &authority, request));
    assert!((&mut waits).now_or_never().is_none());
    while connection.place(0).is_some() {
        tokio::task::yield_now().await;
    }
    assert!(!connection.is_over());
    assert!(matches!(waits.await, Tried::Failed(_)));
    assert!(connection.is_over());
}

/// What comes for the connection, or late of an earlier request, is no answer; what comes of this one is.
#[tokio::test]
async fn a_kept_connection_that_ends_is_stale_unless_it_was_heard_of_the_request() {
    let one = 1_u32.to_be_bytes().to_vec();
    for (of, stale) in [(None, true), (Some(0), true), (Some(1), true), (Some(3), false)] {
        let (near, mut far) = tokio::io::duplex(64 * 1024);
        let one = one.clone();
        Tasks::default().spawn(async move {
            far.read_exact(&mut [0; 24]).await.unwrap();
            far.write_all(&written(&[(SETTINGS, 0, 0, Vec::new())])).await.unwrap();
            for stream in [1, 3] {
                until(&mut far, |(kind, _, of, _)| (*kind, *of) == (HEADERS, stream)).await;
                let late = of.map(|of| (WINDOW_UPDATE, 0, of, one.clone()));
                let frames = if stream == 1 { Some(head(END_STREAM, stream)) } else { late };
                far.write_all(&written(frames.as_slice())).await.unwrap();
            }
        });
        let connection = begun(near, SELDOM, Arc::default()).await;
        let authority = Authority::from_static("a");
        let ask = async || {
            let request = Request::get("http://a/").body(Bytes::new()).unwrap();
            exchange(connection.place(0).unwrap(), &authority, request).await
        };
        let Tried::Answered(answer) = ask().await else { panic!("no answer") };
        answer.into_body().collect().await.unwrap();
        let tried = ask().await;
        assert_eq!(
            (matches!(tried, Tried::Stale(_)), matches!(tried, Tried::Failed(_))),
            (stale, !stale),
            "{of:?}"
        );
    }
}

/// Reads up to a frame.
async fn until(stream: &mut DuplexStream, is_it: impl Fn(&Frame) -> bool) {
    while !is_it(&read(stream).await.expect("it has ended")) {}
}

/// Bodies of a size that fits a window three times.
#[tokio::test]
async fn no_body_stands_behind_another_whose_window_the_server_keeps() {
    const SIZE: usize = 20_000;
    let (near, mut far) = tokio::io::duplex(1 << 20);
    let begins = async {
        far.read_exact(&mut [0; 24]).await.unwrap();
        far.write_all(&written(&[(SETTINGS, 0, 0, Vec::new())])).await.unwrap();
    };
    let (connection, ()) = tokio::join!(begun(near, SELDOM, Arc::default()), begins);
    let authority = Authority::from_static("a");
    let mut waiting = Vec::new();
    for stream in [1, 3, 5] {
        let request = Request::post("http://a/").body(Bytes::from(vec![b'x'; SIZE])).unwrap();
        let place = connection.place(SIZE).expect("no place");
        let mut sending = Box::pin(exchange(place, &authority, request));
        assert!((&mut sending).now_or_never().is_none());
        until(&mut far, |(kind, flags, of, _)| (*kind, *flags, *of) == (DATA, END_STREAM, stream)).await;
        waiting.push(sending);
    }
    assert!(connection.place(SIZE).is_none() && connection.place(0).is_some());
    // An answer gives nothing of it back, and a window does.
    far.write_all(&written(&[head(END_STREAM, 1)])).await.unwrap();
    assert!(matches!(waiting.remove(0).await, Tried::Answered(_)));
    assert!(connection.place(SIZE).is_none());
    let more = u32::try_from(SIZE).unwrap().to_be_bytes().to_vec();
    far.write_all(&written(&[(WINDOW_UPDATE, 0, 0, more), head(END_STREAM, 3)])).await.unwrap();
    assert!(matches!(waiting.remove(0).await, Tried::Answered(_)));
    assert!(connection.place(SIZE).is_some());
}

/// Whoever waited for a connection has been promised its window, and would open another one for what is taken of it.
#[tokio::test]
async fn the_window_is_kept_for_those_who_waited_until_they_have_come_or_gone() {
    const SIZE: usize = WINDOW as usize;
    let (near, far) = tokio::io::duplex(64 * 1024);
    Tasks::default().spawn(async move { serve(far, &[], mpsc::unbounded_channel().0).await });
    let awaited = Arc::<Waiters>::default();
    let (comes, goes) = (Waiting::new(&awaited, SIZE - 1_000), Waiting::new(&awaited, 1_000));
    let connection = begun(near, SELDOM, Arc::clone(&awaited)).await;
    assert!(connection.place(1).is_none() && connection.place(0).is_some());
    // What no window holds would stand behind those who have not come yet.
    assert!(connection.place(SIZE + 1).is_none());
    drop(goes);
    assert!(connection.place(1_000).is_some() && connection.place(1_001).is_none());
    let other = connection.place(1_000);
    drop(comes);
    let place = connection.awaited_place(SIZE - 1_000);
    assert!(other.is_some() && place.is_some());
    drop(place);
    assert!(connection.place(SIZE - 1_000).is_some());
}
