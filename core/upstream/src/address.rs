//! A host's addresses, raced, so that one that does not answer costs a moment and not the request.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::net::TcpStream;

use super::names::Names;

/// How long an address is tried alone before the next one is tried beside it (RFC 8305, section 5).
const HEAD_START: Duration = Duration::from_millis(250);

/// A host without the brackets of an IPv6 address.
pub(super) fn bare(host: &str) -> &str {
    host.trim_start_matches('[').trim_end_matches(']')
}

/// The addresses of a host, by its name or itself one, in the order in which they are to be tried.
///
/// # Errors
///
/// When the name has no address.
pub(super) async fn of(host: &str, port: u16, names: &Names) -> io::Result<Vec<SocketAddr>> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    names.look_up(host, port).await.map(|found| interleaved(&found))
}

/// The addresses with families in turn, the first one's first: where one family leads nowhere, the second address
/// tried is of the other (RFC 8305, section 4).
fn interleaved(found: &[SocketAddr]) -> Vec<SocketAddr> {
    let first_is_v6 = found.first().is_some_and(SocketAddr::is_ipv6);
    let (first, second): (Vec<_>, Vec<_>) =
        found.iter().copied().partition(|address| address.is_ipv6() == first_is_v6);
    let (mut first, mut second) = (first.into_iter(), second.into_iter());
    let mut order = Vec::new();
    loop {
        let pair = [first.next(), second.next()];
        if pair == [None, None] {
            return order;
        }
        order.extend(pair.into_iter().flatten());
    }
}

/// Connects to whichever address accepts first.
///
/// # Errors
///
/// When none does: the first one's reason, or the first that is not this machine's own.
pub(super) async fn race(addresses: Vec<SocketAddr>) -> io::Result<TcpStream> {
    let mut waiting = addresses.into_iter();
    let mut running = FuturesUnordered::new();
    let mut reason: Option<io::Error> = None;
    loop {
        running.extend(waiting.next().map(TcpStream::connect));
        let more = waiting.len() > 0;
        // The next one gets its turn when one has failed, or has had its head start.
        loop {
            tokio::select! {
                connected = running.next() => match connected {
                    Some(Ok(stream)) => return Ok(stream),
                    Some(Err(error)) => {
                        if reason.as_ref().is_none_or(|told| is_own(told) && !is_own(&error)) {
                            reason = Some(error);
                        }
                        if more {
                            break;
                        }
                    }
                    None => return Err(reason.unwrap_or_else(|| io::Error::other("the name has no address"))),
                },
                () = tokio::time::sleep(HEAD_START), if more => break,
            }
        }
    }
}

/// No descriptor is left to the process, or to the system.
const NO_DESCRIPTOR: [i32; 2] = [24, 23];

/// Whether it is this machine that has nothing left to connect with.
pub(super) fn is_own(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::AddrNotAvailable
        || error.raw_os_error().is_some_and(|code| NO_DESCRIPTOR.contains(&code))
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;
    use std::net::SocketAddr;
    use std::time::Duration;

    use tokio::net::{TcpListener, TcpSocket, TcpStream};
    use tokio::time::timeout;

    use super::{Names, interleaved, is_own, of, race};

    /// An address that lets connections wait for ever: its queue is full. What fills it is kept beside it.
    async fn black_hole(at: &str) -> (SocketAddr, TcpListener, Vec<TcpStream>) {
        let at: SocketAddr = at.parse().unwrap();
        let socket = if at.is_ipv6() { TcpSocket::new_v6() } else { TcpSocket::new_v4() }.unwrap();
        socket.bind(at).unwrap();
        let listener = socket.listen(1).unwrap();
        let address = listener.local_addr().unwrap();
        let mut queue = Vec::new();
        while let Ok(connected) = timeout(Duration::from_millis(200), TcpStream::connect(address)).await {
            queue.push(connected.unwrap());
        }
        (address, listener, queue)
    }

    async fn listening() -> (SocketAddr, TcpListener) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        (listener.local_addr().unwrap(), listener)
    }

    async fn refusing() -> SocketAddr {
        listening().await.0
    }

    #[tokio::test]
    async fn an_address_that_does_not_answer_or_refuses_is_not_the_end() {
        let (dead, _held, _queue) = black_hole("127.0.0.1:0").await;
        let (dead_v6, _held_v6, _queue_v6) = black_hole("[::1]:0").await;
        let (good, _listener) = listening().await;
        let refused = refusing().await;
        for order in [
            vec![good],
            vec![dead, good],
            vec![dead_v6, good],
            vec![refused, good],
            vec![dead_v6, dead, refused, good],
        ] {
            // Only a bound on hanging: a dead address alone would wait for minutes.
            let connected = timeout(Duration::from_secs(20), race(order.clone())).await;
            assert_eq!(connected.expect("it hung").unwrap().peer_addr().unwrap(), good, "{order:?}");
        }
    }

    #[tokio::test]
    async fn where_every_address_fails_the_reason_is_told() {
        let refused = refusing().await;
        let failed = race(vec![refused, refused]).await.unwrap_err();
        assert_eq!(failed.kind(), ErrorKind::ConnectionRefused);
        assert!(race(Vec::new()).await.unwrap_err().to_string().contains("no address"));
        let unknown = of("nowhere.invalid", 80, &Names::default()).await.unwrap_err();
        assert!(unknown.to_string().contains("nowhere.invalid could not be looked up"), "{unknown}");
    }

    #[test]
    fn what_this_machine_lacks_is_its_own() {
        for (code, own) in [(24, true), (23, true), (111, false)] {
            assert_eq!(is_own(&std::io::Error::from_raw_os_error(code)), own, "{code}");
        }
        assert!(is_own(&ErrorKind::AddrNotAvailable.into()));
    }

    #[test]
    fn families_take_turns() {
        let addresses = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect::<Vec<_>>();
        for (found, order) in [
            (
                &["[::1]:1", "[::2]:1", "1.1.1.1:1", "2.2.2.2:1"][..],
                &["[::1]:1", "1.1.1.1:1", "[::2]:1", "2.2.2.2:1"][..],
            ),
            (&["1.1.1.1:1", "[::1]:1", "2.2.2.2:1"], &["1.1.1.1:1", "[::1]:1", "2.2.2.2:1"]),
            (&["1.1.1.1:1", "2.2.2.2:1"], &["1.1.1.1:1", "2.2.2.2:1"]),
            (&[], &[]),
        ] {
            assert_eq!(interleaved(&addresses(found)), addresses(order));
        }
    }
}
