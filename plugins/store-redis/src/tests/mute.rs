//! Answers that are swallowed, or come long after anybody waits for them: what was asked for then is counted once, or not at all.

use std::time::Duration;

use jiff::Timestamp;
use sluice_api::limiter::Window;
use sluice_api::store::{Level, Taken, Used};

use super::event::until;
use super::faults::{TOTAL, gateway, held, level, link, slot, take, tokens};
use super::proxy::Proxy;
use super::server::Server;
use crate::counts::{Counts, Time};

/// One operation's time.
const SHORT: Duration = Duration::from_millis(150);

/// What becomes of the way.
#[derive(Clone, Copy, Debug)]
enum Way {
    Swallows,
    Delays,
}

impl Way {
    fn spoil(self, proxy: &Proxy) {
        match self {
            Self::Swallows => proxy.swallow(true),
            Self::Delays => proxy.delay(SHORT * 3),
        }
    }

    fn mend(self, proxy: &Proxy) {
        if matches!(self, Self::Swallows) {
            // No network loses the midst of what it brings: nothing more comes on a connection of which some is lost.
            proxy.refuse(true);
            proxy.cut();
            proxy.swallow(false);
            proxy.refuse(false);
        }
        proxy.delay(Duration::ZERO);
    }
}

async fn check(way: Way) {
    let server = Server::start();
    let proxy = Proxy::before(server.port);
    let one = Counts::new(link(&proxy.url(), SHORT), "one".to_owned(), Time::Servers);
    one.open().await.unwrap();
    let sees = gateway(&server.url(), "sees").await;
    let hour = Window::Rolling(Duration::from_secs(3_600));
    let takes = [slot(100), tokens(TOTAL, 5, 1_000), tokens(hour, 5, 1_000)];
    let mut used = 0;
    for round in 0..3 {
        let mut leases = Vec::new();
        // Whoever asks again does so by another number.
        let mut number = 1_000 * round + 100;
        until("the way is whole", async || {
            number += 1;
            if let Ok(Taken::All(mut taken)) = take(&one, number, &takes).await {
                leases.append(&mut taken);
            }
            leases.len() == 3
        })
        .await;
        one.settled().await;
        assert_eq!(held(&sees).await, 3, "{way:?}");
        way.spoil(&proxy);
        // One is settled, one is told of, one is given back, and one is asked for.
        let [mut runs, ends, back] = <[_; 3]>::try_from(leases).unwrap();
        one.land(&mut runs, Used::new(2, 0), Timestamp::now());
        one.settle(&ends, Used::new(4, 0), Timestamp::now());
        one.settle(&back, Used::NOTHING, Timestamp::now());
        take(&one, 1_000 * round + 1, &takes).await.unwrap_err();
        way.mend(&proxy);
        one.settled().await;
        assert_eq!(held(&sees).await, 1, "{way:?}: what nobody knows whether it was taken is given back");
        let [_, total, hour] = &takes;
        for window in [total, hour] {
            let level = level(&sees, window).await;
            assert_eq!((level.used, level.reserved), (used + 6, 3), "{way:?}, round {round}");
        }
        one.settle(&runs, Used::new(7, 0), Timestamp::now());
        one.settled().await;
        used += 11;
        assert_eq!(level(&sees, &takes[1]).await, Level::new(used, 0, None), "{way:?}, round {round}");
        assert_eq!(held(&sees).await, 0);
    }
}

#[tokio::test]
async fn what_was_done_while_answers_were_swallowed_is_counted_once() {
    check(Way::Swallows).await;
}

#[tokio::test]
async fn what_was_done_while_answers_came_too_late_is_counted_once() {
    check(Way::Delays).await;
}
