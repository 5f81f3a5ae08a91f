//! The closed loop: connections that each send the next request when they have the whole answer to the last.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::Result;
use crate::connection::Connection;
use crate::message::Exchange;
use crate::site::Site;

/// Clients with open connections.
pub(crate) struct Clients(Vec<Connection>);

/// What clients got.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Done {
    /// Whole answers.
    pub(crate) answers: u64,
    /// From the first request to the last byte of the last answer.
    pub(crate) elapsed: Duration,
    /// From the first request to the first byte of the body that began last.
    pub(crate) begun: Duration,
}

impl Clients {
    /// Connects this many.
    pub(crate) async fn connect(site: &Site, count: usize) -> Result<Self> {
        let mut connections = Vec::with_capacity(count);
        for _ in 0..count {
            connections.push(Connection::open(site).await?);
        }
        Ok(Self(connections))
    }

    /// Starts the clients evenly over `spread`; each then begins requests for `span`, at least one. Comes back when
    /// the last answer is whole, so that nothing is under way at either end of the measurement.
    pub(crate) async fn run(
        &mut self,
        exchange: &Arc<Exchange>,
        span: Duration,
        spread: Duration,
    ) -> Result<Done> {
        let start = Instant::now();
        let clients = self.0.len().max(1) as u32;
        let mut running = JoinSet::new();
        for (number, mut connection) in self.0.drain(..).enumerate() {
            let exchange = Arc::clone(exchange);
            let first = start + spread * number as u32 / clients;
            running.spawn(async move {
                tokio::time::sleep_until(first.into()).await;
                let (mut answers, mut begun) = (0, first);
                while answers == 0 || first.elapsed() < span {
                    begun = connection.exchange(&exchange).await?;
                    answers += 1;
                }
                Result::Ok((connection, answers, begun))
            });
        }
        let (mut answers, mut last) = (0, start);
        while let Some(ended) = running.join_next().await {
            let (connection, more, begun) = ended??;
            answers += more;
            last = last.max(begun);
            self.0.push(connection);
        }
        Ok(Done { answers, elapsed: start.elapsed(), begun: last - start })
    }
}
