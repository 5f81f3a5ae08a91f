//! Errors of servers as whoever runs a gateway can act on them.

use redis::{ErrorKind, RedisError};

/// What some of their codes say.
const CODES: [(&str, &str); 5] = [
    ("WRONGPASS", "it does not take this user and password: look at those in store.url"),
    ("NOAUTH", "it wants a password: write it in store.url, as redis://:PASSWORD@HOST"),
    ("LOADING", "it is loading its data"),
    ("CLUSTERDOWN", "its cluster has no owner for the keys, or not all nodes that it needs"),
    ("MASTERDOWN", "it is a replica that has lost its master"),
];

/// An error in words; what has none of ours, as it is.
pub(super) fn worded(error: &RedisError) -> String {
    let told = error.to_string();
    let known = error.code().and_then(|code| CODES.iter().find(|(known, _)| *known == code));
    match (known, error.kind()) {
        (Some((code, words)), _) => format!("{words} ({code})"),
        (None, ErrorKind::AuthenticationFailed) => format!("it does not let us in: {told}"),
        (None, ErrorKind::Parse) => {
            "what answers there is no Redis: look at host and port in store.url".to_owned()
        }
        _ if error.is_timeout() => "it does not answer in time".to_owned(),
        _ => told,
    }
}

#[cfg(test)]
mod tests {
    use redis::{RedisError, Value, parse_redis_value};

    use super::worded;

    #[test]
    fn what_an_operator_can_mend_is_said_so() {
        let told = |text: &str| match parse_redis_value(format!("-{text}\r\n").as_bytes()).unwrap() {
            Value::ServerError(error) => worded(&error.into()),
            other => panic!("{other:?}"),
        };
        for (text, says) in [
            ("WRONGPASS invalid username-password pair", "look at those in store.url (WRONGPASS)"),
            ("NOAUTH HELLO must be called with the client already authenticated", "wants a password"),
            ("LOADING Redis is loading the dataset in memory", "loading its data (LOADING)"),
            ("ERR max number of clients reached", "max number of clients reached"),
        ] {
            assert!(told(text).contains(says), "{}", told(text));
        }
        let rubbish = parse_redis_value(b"HTTP/1.1 400 Bad Request\r\n").unwrap_err();
        assert!(worded(&rubbish).contains("no Redis"), "{}", worded(&rubbish));
        let late: RedisError = std::io::Error::from(std::io::ErrorKind::TimedOut).into();
        assert_eq!(worded(&late), "it does not answer in time");
    }
}
