//! Finding the server that has our keys: the only one there is, or the owner of their slot in a cluster.

use std::collections::VecDeque;
use std::time::Duration;

use redis::{RedisResult, Value};

use super::fault::Fault;
use super::line::{Line, Push};
use super::servers::{Place, Servers};
use super::wording::worded;

/// How a server is looked for.
pub(super) struct Seek {
    /// The servers of the settings.
    pub(super) servers: Servers,
    /// One of our keys, there or not: its slot is the one of all.
    pub(super) key: String,
    /// How long a connection, and then an answer, is waited for.
    pub(super) timeout: Duration,
    /// What hears what the server tells unasked.
    pub(super) push: Push,
}

/// What earlier looks have shown.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Where the owner was last, or is said to be.
    pub(super) owner: Option<Place>,
    /// The other nodes of its cluster: they are asked where those of the settings are gone.
    peers: Vec<Place>,
}

/// What a place is.
enum Found {
    Owner(Line),
    Elsewhere(Place),
}

impl Seek {
    /// A connection to the owner, looked for where it was last, then at the places of the settings, then at all others.
    pub(super) async fn owner(&self, known: &mut Known) -> Result<Line, String> {
        let mut ahead: VecDeque<Place> = known.owner.iter().cloned().collect();
        ahead.extend(self.servers.places());
        ahead.extend(known.peers.iter().cloned());
        let (mut seen, mut whys) = (Vec::new(), Vec::new());
        while let Some(place) = ahead.pop_front() {
            if seen.contains(&place) {
                continue;
            }
            match self.look(&place, known).await {
                Ok(Found::Owner(line)) => {
                    known.owner = Some(place);
                    return Ok(line);
                }
                Ok(Found::Elsewhere(owner)) => ahead.push_front(owner),
                Err(why) => whys.push(format!("{place}: {why}")),
            }
            seen.push(place);
        }
        Err(whys.join("; "))
    }

    async fn look(&self, place: &Place, known: &mut Known) -> Result<Found, String> {
        let line = Line::connect(&self.servers, place, self.timeout, &self.push).await;
        let line = line.map_err(|error| worded(&error))?;
        let mut questions = redis::pipe();
        questions.cmd("EXISTS").arg(&self.key).cmd("ROLE").cmd("CLUSTER").arg("SLOTS");
        let answers = tokio::time::timeout(self.timeout, line.send_together(&questions)).await;
        let answers =
            answers.map_err(|_| "it does not answer".to_owned())?.map_err(|error| worded(&error))?;
        let [exists, role, slots]: [RedisResult<Value>; 3] =
            answers.try_into().map_err(|_| "its answers are not those of Redis".to_owned())?;
        if let Ok(slots) = slots {
            known.peers = nodes(&slots, place);
        }
        if let Err(error) = exists {
            return match Fault::of(&error) {
                Fault::Moved(node) => Place::told(&node, place)
                    .map(Found::Elsewhere)
                    .ok_or_else(|| format!("it says that the keys are at {node:?}, which is no place")),
                _ => Err(worded(&error)),
            };
        }
        // Whether it may be asked for its role is for its operator to say; a write would tell, too.
        if role.is_ok_and(|role| is_replica(&role)) {
            return Err("it is a read-only replica: the URL must lead to the master".to_owned());
        }
        Ok(Found::Owner(line))
    }
}

fn is_replica(role: &Value) -> bool {
    let Value::Array(parts) = role else { return false };
    parts.first().and_then(text).is_some_and(|role| role == "slave")
}

/// The nodes that an answer to `CLUSTER SLOTS` names: of each range its two ends, and then the nodes that have it.
fn nodes(slots: &Value, by: &Place) -> Vec<Place> {
    let Value::Array(ranges) = slots else { return Vec::new() };
    let mut found = Vec::new();
    for range in ranges {
        let Value::Array(range) = range else { continue };
        for node in range.iter().skip(2) {
            let Value::Array(node) = node else { continue };
            let (host, port) = (node.first().and_then(text).unwrap_or_default(), node.get(1));
            let Some(Value::Int(port)) = port else { continue };
            let Ok(port) = u16::try_from(*port) else { continue };
            let place = Place { host: by.host_or(&host), port };
            if !found.contains(&place) {
                found.push(place);
            }
        }
    }
    found
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::BulkString(bytes) => String::from_utf8(bytes.clone()).ok(),
        Value::SimpleString(text) => Some(text.clone()),
        _ => None,
    }
}
