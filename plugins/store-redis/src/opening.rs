//! What is looked at before a server is used, and whether it can be used now.

use sluice_api::store::StoreError;

use crate::link::Link;
use crate::script::Script;

/// The layout of our keys. What is written otherwise is another one.
const LAYOUT: u64 = 1;

/// Keys whose names are always the same, and what each is; the layout is the first.
const FIXED: [(&str, &str); 15] = [
    ("layout", "string"),
    ("gateways", "hash"),
    ("waiters", "hash"),
    ("wanted", "zset"),
    ("anybody", "string"),
    ("places", "string"),
    ("told", "hash"),
    ("records", "zset"),
    ("words", "hash"),
    ("foreign", "zset"),
    ("gone", "zset"),
    ("quarters", "zset"),
    ("days", "zset"),
    ("marks", "hash"),
    ("processes", "zset"),
];

/// What the names of all others begin with.
const KINDS: [&str; 9] =
    ["documents:", "revision:", "value:", "count:", "leases:", "line:", "claim:", "quarter:", "day:"];

/// How many keys of a server are looked at when a gateway starts: a look at all would take as long as there are others.
const LOOKED_AT: usize = 20_000;
const AT_ONCE: usize = 1_000;

/// Which layout is there, from now on ours where there was none; or which of the keys is none of ours. ARGV: the layout, what
/// each key must be.
const LAID_OUT: &str = "#!lua
for index, key in ipairs(KEYS) do
  local kind = redis.call('TYPE', key).ok
  if kind ~= 'none' and kind ~= ARGV[index + 1] then return { 'foreign', key } end
end
if redis.call('TYPE', KEYS[1]).ok == 'none' then redis.call('SET', KEYS[1], ARGV[1]) end
return { 'layout', redis.call('GET', KEYS[1]) }";

/// Looks whether a server can be the store; what is only ill-advised is warned of.
///
/// # Errors
///
/// When it can't be reached, or can't be the store: what to change, in a sentence.
pub(crate) async fn open(link: &Link) -> Result<(), StoreError> {
    match looked(link).await? {
        Some(warnings) => warnings.into_iter().for_each(|warning| tracing::warn!("{warning}")),
        None => tracing::warn!(
            "the store's user may not ask for INFO: version, persistence and memory are not checked"
        ),
    }
    lay_out(link).await?;
    look_for_foreign(link).await
}

/// What is only ill-advised of what a server says of itself; nothing where it may not be asked.
async fn looked(link: &Link) -> Result<Option<Vec<&'static str>>, StoreError> {
    match link.ask(&redis::cmd("INFO")).await {
        Ok(info) => {
            let info: String =
                redis::from_redis_value(info).map_err(|error| StoreError(error.to_string()))?;
            check(&Facts(&info)).map(Some).map_err(StoreError)
        }
        Err(why) if why.to_string().contains("NoPerm") => Ok(None),
        Err(why) => Err(why.into()),
    }
}

/// Whether a server can be reached and written to now, and can still be the store: it may have been set otherwise, or be
/// another one, since it was opened.
///
/// # Errors
///
/// When it can't.
pub(crate) async fn ready(link: &Link) -> Result<(), StoreError> {
    looked(link).await?;
    lay_out(link).await
}

/// Whether the keys are of our layout, which they are from now on where there were none. It is refused wherever a script
/// that writes would be.
async fn lay_out(link: &Link) -> Result<(), StoreError> {
    let keys = FIXED.map(|(name, _)| link.key(name));
    let args = [LAYOUT.to_string()].into_iter().chain(FIXED.map(|(_, kind)| kind.to_owned()));
    let args: Vec<Vec<u8>> = args.map(String::into_bytes).collect();
    let laid_out = link.run(&Script::new(&[LAID_OUT]), &keys, &args).await?;
    let (what, found): (String, String) =
        redis::from_redis_value(laid_out).map_err(|error| StoreError(error.to_string()))?;
    if what == "foreign" { Err(foreign(&found)) } else { is_ours(&found).map_err(StoreError) }
}

/// Looks for keys under our prefix that no Sluice has written. A server has as many others as it likes: some of all are looked
/// at.
async fn look_for_foreign(link: &Link) -> Result<(), StoreError> {
    let (ours, mut cursor) = (link.key(""), "0".to_owned());
    for _ in 0..LOOKED_AT / AT_ONCE {
        let mut command = redis::cmd("SCAN");
        // A prefix has nothing in it that is more than itself in a pattern.
        command.arg(&cursor).arg("MATCH").arg(format!("{ours}*")).arg("COUNT").arg(AT_ONCE);
        let answer = match link.ask(&command).await {
            Ok(answer) => answer,
            Err(why) if why.to_string().contains("NoPerm") => return Ok(()),
            Err(why) => return Err(why.into()),
        };
        let (next, keys): (String, Vec<Vec<u8>>) =
            redis::from_redis_value(answer).map_err(|error| StoreError(error.to_string()))?;
        for key in keys {
            let key = String::from_utf8_lossy(&key);
            if !key.strip_prefix(&ours).is_some_and(is_a_name) {
                return Err(foreign(&key));
            }
        }
        if next == "0" {
            break;
        }
        cursor = next;
    }
    Ok(())
}

/// Whether one of our keys is called so.
fn is_a_name(name: &str) -> bool {
    FIXED.iter().any(|(fixed, _)| *fixed == name) || KINDS.iter().any(|kind| name.starts_with(kind))
}

fn foreign(key: &str) -> StoreError {
    StoreError(format!(
        "what is under this prefix is another program's ({key}): set another store.prefix, or another database in store.url"
    ))
}

fn is_ours(layout: &str) -> Result<(), String> {
    match layout.parse::<u64>() {
        Ok(LAYOUT) => Ok(()),
        Ok(newer) if newer > LAYOUT => Err(format!(
            "what is under this prefix was written by a newer Sluice (layout {newer}, this one knows {LAYOUT}): upgrade \
             this gateway, or set another store.prefix"
        )),
        _ => Err("what is under this prefix is another program's: set another store.prefix, or another database in \
                  store.url"
            .to_owned()),
    }
}

/// What a server says of itself, as lines of `name:value`.
struct Facts<'a>(&'a str);

impl<'a> Facts<'a> {
    fn get(&self, name: &str) -> Option<&'a str> {
        self.0.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
    }

    /// The first number of a version.
    fn version(&self, name: &str) -> Option<u64> {
        self.get(name)?.split('.').next()?.parse().ok()
    }
}

/// What is only ill-advised of what a server says of itself; or what makes it useless.
fn check(facts: &Facts<'_>) -> Result<Vec<&'static str>, String> {
    let mut warnings = Vec::new();
    let (name, version, least) = match facts.version("valkey_version") {
        Some(version) => ("Valkey", Some(version), 8),
        None => ("Redis", facts.version("redis_version"), 7),
    };
    match version {
        Some(version) if version < least => {
            return Err(format!(
                "the server is {name} {version}: Redis 7.0 or later is needed, or Valkey 8 or later"
            ));
        }
        Some(_) => {}
        None => warnings
            .push("the server does not say its version: Redis 7.0 or later is needed, or Valkey 8 or later"),
    }
    if facts.get("role") == Some("slave") {
        return Err("the server is a read-only replica: set store.url to the master".to_owned());
    }
    match facts.get("maxmemory_policy") {
        Some("noeviction") => {}
        Some(policy) => {
            return Err(format!(
                "the server's maxmemory-policy is {policy}: where memory is short it would delete counts, and slots that \
                 are taken; set it to noeviction"
            ));
        }
        None => warnings.push("the server does not say its maxmemory-policy: it must be noeviction"),
    }
    if facts.get("aof_enabled") != Some("1") {
        warnings.push(
            "the server has no append-only file: what was counted since its last snapshot is lost when it ends; set \
             appendonly to yes",
        );
    }
    Ok(warnings)
}

#[cfg(test)]
mod tests {
    use super::{Facts, check, is_ours};

    const GOOD: &str =
        "redis_version:7.0.15\r\nrole:master\r\nmaxmemory_policy:noeviction\r\naof_enabled:1\r\n";

    #[test]
    fn what_can_be_no_store_is_refused_with_what_to_change() {
        for (from, to, says) in [
            ("7.0.15", "6.2.5", "Redis 7.0 or later"),
            ("7.0.15\r\n", "7.2.4\r\nvalkey_version:7.2.5\r\n", "Valkey 8 or later"),
            ("master", "slave", "set store.url to the master"),
            ("noeviction", "allkeys-lru", "set it to noeviction"),
        ] {
            let why = check(&Facts(&GOOD.replace(from, to))).unwrap_err();
            assert!(why.contains(says), "{why}");
        }
    }

    #[test]
    fn what_is_only_ill_advised_is_warned_of() {
        for (from, to, says) in [
            ("7.0.15", "8.2.3", None),
            ("7.0.15\r\n", "7.2.4\r\nvalkey_version:8.1.8\r\n", None),
            ("aof_enabled:1", "aof_enabled:0", Some("appendonly")),
            ("maxmemory_policy", "other", Some("must be noeviction")),
            ("redis_version", "other", Some("does not say its version")),
        ] {
            let warnings = check(&Facts(&GOOD.replace(from, to))).unwrap();
            assert_eq!(warnings.len(), usize::from(says.is_some()), "{warnings:?}");
            assert!(says.is_none_or(|says| warnings[0].contains(says)), "{warnings:?}");
        }
    }

    #[test]
    fn only_our_own_layout_is_taken() {
        assert_eq!(is_ours("1"), Ok(()));
        for (found, says) in [("2", "newer"), ("0", "another program"), ("no string", "another program")] {
            assert!(is_ours(found).unwrap_err().contains(says), "{found}");
        }
    }
}
