//! What an error of a server or a connection says of the command, and of the connection.

use redis::{ErrorKind, RedisError, ServerErrorKind};

/// What follows from an error.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The script is not known: nothing was done, and it is to be sent whole.
    NoScript,
    /// Nothing was done: the owner is another node now, as `host:port`.
    Moved(String),
    /// Nothing was done: this one is to be asked at another node, as `host:port`.
    Ask(String),
    /// Nothing was done, and soon it may be.
    Later,
    /// Nothing was done.
    NotDone,
    /// Nothing was done, and nothing will be on this connection.
    Useless,
    /// It may have been done.
    Unknown,
    /// The server has found something that no script of ours expects: it finds it the next time, too.
    Never,
}

impl Fault {
    /// What follows from this error of a command that was sent by itself, on a connection that sends nothing again.
    pub(super) fn of(error: &RedisError) -> Self {
        let redirected = || error.redirect_node().map(|(node, _)| node.to_owned());
        match error.kind() {
            ErrorKind::Server(ServerErrorKind::NoScript) => Self::NoScript,
            ErrorKind::Server(ServerErrorKind::Moved) => redirected().map_or(Self::Later, Self::Moved),
            ErrorKind::Server(ServerErrorKind::Ask) => redirected().map_or(Self::Later, Self::Ask),
            ErrorKind::Server(ServerErrorKind::TryAgain | ServerErrorKind::ClusterDown) => Self::Later,
            // While it loads, or where it was demoted: whether that is over is asked on a new connection.
            ErrorKind::Server(
                ServerErrorKind::BusyLoading | ServerErrorKind::ReadOnly | ServerErrorKind::MasterDown,
            )
            | ErrorKind::AuthenticationFailed => Self::Useless,
            _ => match error.code() {
                Some("NOAUTH" | "WRONGPASS") => Self::Useless,
                // A script that begins with `#!lua` is refused before it starts.
                Some("OOM" | "NOREPLICAS") => Self::NotDone,
                // Of a script that fails half-way, the first half is done.
                Some("ERR" | "WRONGTYPE") => Self::Never,
                _ if error.is_connection_refusal() => Self::NotDone,
                _ => Self::Unknown,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use redis::{RedisError, Value, parse_redis_value};

    use super::Fault;

    fn told(text: &str) -> RedisError {
        match parse_redis_value(format!("-{text}\r\n").as_bytes()).unwrap() {
            Value::ServerError(error) => error.into(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_was_surely_not_done_is_known_and_all_else_is_not() {
        for (text, fault) in [
            ("NOSCRIPT No matching script.", Fault::NoScript),
            ("MOVED 1234 10.0.0.1:7001", Fault::Moved("10.0.0.1:7001".to_owned())),
            ("ASK 1234 :7001", Fault::Ask(":7001".to_owned())),
            ("TRYAGAIN Multiple keys request during rehashing of slot", Fault::Later),
            ("CLUSTERDOWN Hash slot not served", Fault::Later),
            ("LOADING Redis is loading the dataset in memory", Fault::Useless),
            ("READONLY You can't write against a read only replica.", Fault::Useless),
            ("MASTERDOWN Link with MASTER is down", Fault::Useless),
            ("NOAUTH Authentication required.", Fault::Useless),
            ("OOM command not allowed when used memory > 'maxmemory'.", Fault::NotDone),
            ("NOREPLICAS Not enough good replicas to write.", Fault::NotDone),
            ("ERR something happened in a script", Fault::Never),
            ("NOPERM this user has no permissions", Fault::Unknown),
            ("WRONGTYPE Operation against a key", Fault::Never),
            ("MISCONF Errors writing to the AOF file", Fault::Unknown),
        ] {
            assert_eq!(Fault::of(&told(text)), fault, "{text}");
        }
        for kind in [std::io::ErrorKind::TimedOut, std::io::ErrorKind::BrokenPipe] {
            assert_eq!(Fault::of(&std::io::Error::from(kind).into()), Fault::Unknown, "{kind}");
        }
        let refused = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
        assert_eq!(Fault::of(&refused.into()), Fault::NotDone);
    }
}
