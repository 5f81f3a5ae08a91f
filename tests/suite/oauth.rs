//! OAuth accounts: one refresh for all who wait, one more try after a 401, and a rotated token that is never lost.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use sluice_tests::client::post;
use sluice_tests::dialects::{Dialect, dialect};
use sluice_tests::gateway::{Gateway, KEY, account, key};
use sluice_tests::moment::{now, rfc3339};
use sluice_tests::proxy::{Manner, Proxy};
use sluice_tests::refusal::{NO_ANSWER, Style};
use sluice_tests::upstream::{Request, Step, Upstream, whole};

/// When the access token in the configuration ended.
pub(crate) const ENDED: &str = "expires_at = \"2020-01-01T00:00:00Z\", ";

/// Longer than it takes a process to end that waits for nothing.
const AWHILE: Duration = Duration::from_millis(500);

/// The number of a token that ends in one.
fn number(token: &str) -> u64 {
    token.rsplit('-').next().and_then(|number| number.parse().ok()).unwrap_or(u64::MAX)
}

/// An authorization server that rotates, and an upstream that takes its tokens, at one address.
pub(crate) struct World {
    server: Upstream,
    /// The number of the last tokens that it gave; the configured ones are number 0.
    issued: Arc<AtomicU64>,
    /// Up to this number the upstream takes no token any more.
    revoked: Arc<AtomicU64>,
}

impl World {
    pub(crate) fn new(dialect: &'static Dialect) -> Self {
        let (issued, revoked) = (Arc::<AtomicU64>::default(), Arc::<AtomicU64>::default());
        let (given, dead) = (Arc::clone(&issued), Arc::clone(&revoked));
        let server = Upstream::start(move |request| {
            if request.line == "POST /token" {
                return rotate(request, &given);
            }
            let bearer = request.header("authorization").unwrap_or_default();
            let keys = ["x-api-key", "x-goog-api-key"].iter().any(|name| request.header(name).is_some());
            let token = number(bearer);
            let good = token <= given.load(Ordering::SeqCst) && token > dead.load(Ordering::SeqCst);
            if good && !keys { whole(200, "", dialect.answer) } else { whole(401, "", "{}") }
        });
        Self { server, issued, revoked }
    }

    /// An account that begins with the tokens of number 0.
    pub(crate) fn account(&self, provider: &str, tokens: &str, more: &str) -> String {
        Self::at(&format!("http://{}", self.server.address), provider, tokens, more)
    }

    fn at(url: &str, provider: &str, tokens: &str, more: &str) -> String {
        format!(
            "[[accounts]]\nname = \"first\"\nprovider = \"{provider}\"\nbase_url = \"{url}\"\npriority = 1\n{more}\n\
             oauth = {{ access_token = \"planted-access-0\", refresh_token = \"planted-refresh-0\", {tokens}\
             token_url = \"{url}/token\", client_id = \"id\", client_secret = \"planted-client\" }}\n"
        )
    }

    /// The upstream takes none of the tokens any more that were given until now.
    pub(crate) fn revoke(&self) {
        self.revoked.store(self.issued.load(Ordering::SeqCst), Ordering::SeqCst);
    }

    /// The forms with which it was asked for tokens.
    pub(crate) fn refreshes(&self) -> Vec<String> {
        let seen = self.server.seen();
        let asked = seen.iter().filter(|request| request.line == "POST /token");
        asked.map(|request| String::from_utf8_lossy(&request.body).into_owned()).collect()
    }
}

/// Gives new tokens for the last refresh token, and for no other: each is good once.
fn rotate(request: &Request, issued: &AtomicU64) -> Vec<Step> {
    let form = String::from_utf8_lossy(&request.body).into_owned();
    let fields: Vec<&str> = form.split('&').collect();
    let [grant, refresh, rest @ ..] = fields.as_slice() else { return whole(400, "", "{}") };
    let last = issued.load(Ordering::SeqCst);
    let known =
        *grant == "grant_type=refresh_token" && rest == ["client_id=id", "client_secret=planted%2Dclient"];
    if !known || number(&refresh.replace("%2D", "-")) != last {
        return whole(400, "", r#"{"error":"invalid_grant"}"#);
    }
    issued.store(last + 1, Ordering::SeqCst);
    let tokens = format!(
        r#"{{"access_token":"planted-access-{0}","token_type":"Bearer","expires_in":3600,"refresh_token":"planted-refresh-{0}"}}"#,
        last + 1
    );
    whole(200, "", &tokens)
}

/// Asks this many times at once; each answer is the upstream's, from the first account's first attempt.
fn ask(gateway: &Gateway, dialect: &'static Dialect, times: usize) {
    thread::scope(|scope| {
        for _ in 0..times {
            scope.spawn(|| {
                let answer = gateway.post(dialect.paths[0], dialect.request);
                assert_eq!((answer.status, answer.text().as_str()), (200, dialect.answer));
            });
        }
    });
    let record = gateway.record();
    assert_eq!((record["account"].as_str(), record["attempts"].as_u64()), (Some("first"), Some(1)));
    assert!(!gateway.log().contains("planted"), "{}", gateway.log());
}

#[test]
fn an_access_token_that_has_ended_is_refreshed_once_for_all_who_ask() {
    for (provider, api) in [("claude-official", "anthropic"), ("gemini", "gemini")] {
        let dialect = dialect(api);
        let world = World::new(dialect);
        let gateway = Gateway::start(&(world.account(provider, ENDED, "") + &key("")));
        ask(&gateway, dialect, 20);
        assert_eq!(world.refreshes().len(), 1, "{provider}");
        let calls = world.server.seen().into_iter().filter(|request| request.line != "POST /token");
        let bearers: Vec<_> = calls.map(|call| call.header("authorization").map(ToOwned::to_owned)).collect();
        assert_eq!(bearers, vec![Some("Bearer planted-access-1".to_owned()); 20], "{provider}");
    }
}

#[test]
fn an_access_token_that_is_refused_is_refreshed_and_the_same_account_answers() {
    for (provider, api) in [("claude-official", "anthropic"), ("gemini", "gemini")] {
        let dialect = dialect(api);
        for times in [1, 20] {
            let world = World::new(dialect);
            let second = Upstream::start(|_| whole(500, "", "{}"));
            let config = world.account(provider, "", "") + &account("second", provider, &second.address, "");
            let gateway = Gateway::start(&(config + &key("")));
            ask(&gateway, dialect, times);
            assert_eq!((world.refreshes().len(), second.accepted()), (1, 0), "{provider}, {times}");
        }
    }
}

/// How many of these there are once it is so many.
fn reach(gateway: &Gateway, what: &str, count: &AtomicU64, so_many: u64) {
    gateway.until(what, |_| count.load(Ordering::SeqCst) >= so_many);
    assert_eq!(count.load(Ordering::SeqCst), so_many, "{what}");
}

#[test]
fn a_storm_of_refusals_of_one_token_is_one_refresh_however_late_some_of_them_are() {
    const AT_ONCE: u64 = 64;
    for (provider, api) in [("claude-official", "anthropic"), ("gemini", "gemini")] {
        let dialect = dialect(api);
        let (issued, held) = (Arc::<AtomicU64>::default(), Arc::<AtomicU64>::default());
        let gates = Arc::<Mutex<Vec<mpsc::Sender<()>>>>::default();
        let (given, holds, doors) = (Arc::clone(&issued), Arc::clone(&held), Arc::clone(&gates));
        let server = Upstream::start(move |request| match request.header("authorization") {
            _ if request.line == "POST /token" => rotate(request, &given),
            Some(bearer) if number(bearer) == 1 => whole(200, "", dialect.answer),
            // Refused, but not before it is let go.
            _ => {
                let (go, gate) = mpsc::channel();
                doors.lock().unwrap().push(go);
                holds.fetch_add(1, Ordering::SeqCst);
                std::iter::once(Step::Wait(gate)).chain(whole(401, "", "{}")).collect()
            }
        });
        let world = World { server, issued, revoked: Arc::default() };
        let second = Upstream::start(|_| whole(500, "", "{}"));
        let config = world.account(provider, "", "") + &account("second", provider, &second.address, "");
        let gateway = Gateway::start(&(config + &key("concurrency = 1000")));
        let served = AtomicU64::new(0);
        thread::scope(|scope| {
            for _ in 0..AT_ONCE {
                scope.spawn(|| {
                    let answer = gateway.post(dialect.paths[0], dialect.request);
                    assert_eq!((answer.status, answer.text().as_str()), (200, dialect.answer));
                    served.fetch_add(1, Ordering::SeqCst);
                });
            }
            reach(&gateway, "all have the old token", &held, AT_ONCE);
            let late: Vec<_> = gates.lock().unwrap().drain(..).skip(AT_ONCE as usize / 2).collect();
            reach(&gateway, "the first half is served", &served, AT_ONCE / 2);
            // What is refused only now was sent before there was a new token.
            drop(late);
        });
        assert_eq!((world.refreshes().len(), second.accepted()), (1, 0), "{provider}");
        let told = gateway.admin("GET", "/requests?limit=100", "").json();
        let told = told["data"].as_array().unwrap();
        assert_eq!(told.len() as u64, AT_ONCE);
        assert!(
            told.iter()
                .all(|record| (&record["account"], &record["attempts"]) == (&"first".into(), &1.into()))
        );
        let state = gateway.admin("GET", "/accounts/first", "").json();
        assert_eq!(state["state"], "ready", "{state}");
        assert!(!gateway.log().contains("planted"), "{}", gateway.log());
    }
}

#[test]
fn a_rotated_refresh_token_outlives_the_gateway() {
    let dialect = dialect("anthropic");
    let world = World::new(dialect);
    let config = world.account("claude-official", ENDED, "") + &key("");
    let gateway = Gateway::start(&config);
    ask(&gateway, dialect, 1);
    let folder = Arc::clone(&gateway.folder);
    // Killed, not asked to end.
    drop(gateway);

    let gateway = Gateway::start_in(folder, &config);
    ask(&gateway, dialect, 1);
    assert_eq!(world.refreshes().len(), 1, "the access token is kept, too");
    // The configured refresh token is worth nothing any more; the rotated one is.
    world.revoked.store(1, Ordering::SeqCst);
    ask(&gateway, dialect, 1);
    assert_eq!(world.issued.load(Ordering::SeqCst), 2);
    assert!(world.refreshes()[1].contains("refresh_token=planted%2Drefresh%2D1&"), "{:?}", world.refreshes());
}

#[test]
fn a_token_that_ends_soon_is_renewed_while_requests_go_on_with_it() {
    let dialect = dialect("anthropic");
    let (go, waits) = mpsc::channel();
    let waits = Mutex::new(Some(waits));
    let issued = Arc::<AtomicU64>::default();
    let server = Upstream::start({
        let issued = Arc::clone(&issued);
        move |request| {
            if request.line != "POST /token" {
                return whole(200, "", dialect.answer);
            }
            let wait = waits.lock().unwrap().take().map(Step::Wait);
            wait.into_iter().chain(rotate(request, &issued)).collect()
        }
    });
    let url = format!("http://{}", server.address);
    let soon = format!("expires_at = \"{}\", ", rfc3339(now() + Duration::from_secs(58)));
    let gateway = Gateway::start(&(World::at(&url, "claude-official", &soon, "") + &key("")));
    ask(&gateway, dialect, 1);
    gateway.until("a refresh", |_| issued.load(Ordering::SeqCst) == 1);
    // The endpoint says nothing, and nobody waits for it.
    ask(&gateway, dialect, 10);
    let calls = || server.seen().into_iter().filter(|request| request.line != "POST /token");
    let bearers = || calls().map(|call| number(call.header("authorization").unwrap())).collect::<Vec<_>>();
    assert_eq!(bearers(), vec![0; 11]);
    go.send(()).unwrap();
    gateway.until("the new token", |gateway| {
        ask(gateway, dialect, 1);
        bearers().last() == Some(&1)
    });
    assert_eq!(issued.load(Ordering::SeqCst), 1, "one refresh");
}

#[test]
fn a_graceful_stop_never_loses_a_rotated_refresh_token() {
    let dialect = dialect("anthropic");
    let (go, waits) = mpsc::channel();
    let waits = Mutex::new(Some(waits));
    let issued = Arc::<AtomicU64>::default();
    let server = Upstream::start({
        let issued = Arc::clone(&issued);
        move |request| {
            if request.line != "POST /token" {
                return whole(200, "", dialect.answer);
            }
            let wait = waits.lock().unwrap().take().map(Step::Wait);
            wait.into_iter().chain(rotate(request, &issued)).collect()
        }
    });
    let url = format!("http://{}", server.address);
    let config = World::at(&url, "claude-official", ENDED, "") + &key("");
    let gateway = Gateway::start(&config);
    // Its client has gone, so that no connection is waited for.
    let headers = [("x-api-key", KEY)];
    let asking = post(&gateway.address, dialect.paths[0], &headers, dialect.request.as_bytes());
    gateway.until("a refresh", |_| issued.load(Ordering::SeqCst) == 1);
    drop(asking);
    gateway.until("the request's end", |gateway| gateway.record()["status"] == 499);
    gateway.signal("TERM");
    gateway.until("the end of listening", |gateway| std::net::TcpStream::connect(&gateway.address).is_err());
    assert!(gateway.lives_on(AWHILE), "it ended while a refresh was under way: {}", gateway.log());
    go.send(()).unwrap();
    let folder = Arc::clone(&gateway.folder);
    let (status, log) = gateway.wait();
    assert!(status.success() && !log.contains("were cut"), "{log}");

    let gateway = Gateway::start_in(folder, &config);
    ask(&gateway, dialect, 1);
    assert_eq!(issued.load(Ordering::SeqCst), 1, "what was rotated is kept");
}

#[test]
fn a_token_endpoint_that_is_no_good_leaves_the_request_to_the_next_account() {
    let dialect = dialect("anthropic");
    let nonsense: fn() -> Vec<Step> = || whole(200, "", "<html>planted</html>");
    let refused: fn() -> Vec<Step> =
        || whole(400, "", r#"{"error":"invalid_grant","error_description":"planted"}"#);
    let broken: fn() -> Vec<Step> = || vec![Step::Close];
    let away: fn() -> Vec<Step> = || whole(400, "", r#"{"error":"temporarily_unavailable"}"#);
    for (endpoint, state) in [(refused, Some("unauthorized")), (nonsense, None), (broken, None), (away, None)]
    {
        let first =
            Upstream::start(
                move |request| {
                    if request.line == "POST /token" { endpoint() } else { whole(401, "", "{}") }
                },
            );
        let second = Upstream::start(|_| whole(200, "", dialect.answer));
        let url = format!("http://{}", first.address);
        let config = World::at(&url, "claude-official", ENDED, "")
            + &account("second", "claude-official", &second.address, "priority = 2")
            + &key("");
        let gateway = Gateway::start(&config);
        let answer = gateway.post(dialect.paths[0], dialect.request);
        assert_eq!((answer.status, answer.text().as_str()), (200, dialect.answer));
        let record = gateway.record();
        assert_eq!((record["account"].as_str(), record["attempts"].as_u64()), (Some("second"), Some(2)));
        assert!(first.seen().iter().all(|request| request.line == "POST /token"));

        if let Some(state) = state {
            // It is out: nobody asks for its tokens again.
            assert_eq!(gateway.post(dialect.paths[0], dialect.request).status, 200);
            assert_eq!((gateway.record()["attempts"].as_u64(), first.seen().len()), (Some(1), 1));
            let shown = gateway.admin("GET", "/accounts/first", "").json();
            assert_eq!(shown["state"], state, "{shown}");
            assert!(shown["reason"].as_str().unwrap().contains("the token endpoint"), "{shown}");
            assert!(!shown.to_string().contains("planted"), "{shown}");
        } else {
            // It may only be away: nobody is asked for new credentials.
            let shown = gateway.admin("GET", "/accounts/first", "").json();
            assert_eq!(shown["state"], "ready", "{shown}");
            assert!(!gateway.log().contains("new credentials"), "{}", gateway.log());
        }
        assert!(!gateway.log().contains("planted"), "{}", gateway.log());
    }
}

#[test]
fn why_there_are_no_tokens_is_told_to_operators_and_clients_learn_that_there_are_none() {
    let dialect = dialect("anthropic");
    let refuses = Upstream::start(|_| whole(400, "", r#"{"error":"invalid_grant"}"#));
    for (address, cause) in [
        ("127.0.0.1:1", "the token endpoint failed: the connection to the upstream failed"),
        (&refuses.address, "the token endpoint refused the refresh token"),
    ] {
        let config = World::at(&format!("http://{address}"), "claude-official", ENDED, "") + &key("");
        let gateway = Gateway::start(&config);
        let answer = gateway.post(dialect.paths[0], dialect.request);
        NO_ANSWER.check(Style::Anthropic, &answer, cause);
        let text = answer.text();
        assert!(text.contains("ask your operator") && !text.contains("token endpoint"), "{text}");
        let told = gateway.record()["tries"].to_string();
        assert!(told.contains(cause), "{told}");
    }
}

#[test]
fn tokens_are_refreshed_by_the_accounts_own_proxy() {
    let dialect = dialect("anthropic");
    let world = World::new(dialect);
    let proxy = Proxy::http(Manner::Forward(world.server.address.clone()));
    let way = format!("proxy = \"http://{}\"", proxy.address);
    // A name that no resolver knows, so that only the proxy can have been asked for it.
    let url = "http://upstream.invalid:81";
    let gateway = Gateway::start(&(World::at(url, "claude-official", ENDED, &way) + &key("")));
    ask(&gateway, dialect, 1);
    // What comes after goes by the same connection.
    assert_eq!(proxy.asked()[0].to, format!("{url}/token"));
    let seen = world.server.seen();
    assert_eq!((seen.len(), seen[0].line.as_str()), (2, "POST /token"));
}

#[test]
fn a_token_endpoint_that_says_nothing_holds_a_request_no_longer_than_an_answer_may_take() {
    let claude = dialect("anthropic");
    let silent = Upstream::start(|_| vec![Step::Hang]);
    let good = Upstream::start(|_| whole(200, "", claude.answer));
    let url = format!("http://{}", silent.address);
    let first = World::at(&url, "claude-official", ENDED, "first_byte_timeout = \"300ms\"");
    let second = account("second", "claude-console", &good.address, "priority = 2");
    let gateway = Gateway::start(&(first + &second + &key("")));
    // Nothing was paid yet, so that another account may be asked for an answer that is not streamed, too.
    let answer = gateway.post(claude.paths[0], claude.request);
    assert_eq!((answer.status, answer.text().as_str()), (200, claude.answer));
    assert_eq!(gateway.record()["account"], "second");
    assert!(silent.seen().iter().all(|request| request.line == "POST /token"));
}
