//! What is wrong is told with its place, and what a start would refuse, a check does too.

use std::collections::HashMap;
use std::sync::Arc;

use sluice_api::limiter::{Limit, Mode, Principal};
use sluice_api::settings::Problem;
use sluice_reading::load_text;

use super::check;
use crate::key::{Group, Key};
use crate::resolved::Resolved;

/// A configuration of the tests' plugins, one that is right.
const RIGHT: &str = "[[accounts]]\nname = \"a\"\nprovider = \"test-secretive\"\n";

fn checked(text: &str) -> Result<Resolved, Vec<Problem>> {
    let mut kinds = String::new();
    for (table, kind) in [("store", "test-store"), ("scheduler", "test-scheduler"), ("cost", "test-cost")] {
        if !text.contains(&format!("{table}.kind")) && !text.contains(&format!("[{table}]")) {
            kinds.push_str(&format!("{table}.kind = \"{kind}\"\n"));
        }
    }
    check(&load_text(&(kinds + text)).unwrap())
}

/// Problems as `path: message`.
fn told(text: &str) -> Vec<String> {
    let problems = checked(text).err().unwrap_or_default();
    problems.iter().map(|problem| format!("{}: {}", problem.path, problem.message)).collect()
}

fn refused(cases: &[(&str, &str)]) {
    for (text, says) in cases {
        let told = told(text);
        assert!(told.iter().any(|problem| problem.starts_with(says)), "{text}\n{told:#?}");
        assert!(!told.join("").contains("planted"), "{told:#?}");
    }
}

#[test]
fn what_a_start_would_refuse_or_ignore_is_a_problem() {
    let of_account = |more: &str| format!("{RIGHT}{more}");
    refused(&[
        (
            &of_account("proxy = \"http://u:planted@h:port\""),
            "accounts.a.proxy: the proxy's URL can't be read",
        ),
        (&of_account("headers = { host = \"planted\" }"), "accounts.a.headers.host: Sluice sets this header"),
        (
            &of_account("headers = { Content-Length = \"1\" }"),
            "accounts.a.headers.Content-Length: Sluice sets",
        ),
        (&of_account("connect_timeout = \"0\""), "accounts.a.connect_timeout: it must be more than 0"),
        ("telemetry.log = \"info,a=planned\"", "telemetry.log: the filter"),
        ("telemetry.log = \"inof\"", "telemetry.log: a level is wanted"),
        (
            "server.listen = \"127.0.0.1:80\"\nadmin.listen = \"127.0.0.1:80\"",
            "admin.listen: operators can't have",
        ),
        (
            "server.listen = \"0.0.0.0:80\"\nadmin.listen = \"127.0.0.1:80\"",
            "admin.listen: operators can't have",
        ),
        (
            "server.max_body = \"2MiB\"\nserver.max_buffered = \"1MiB\"",
            "server.max_buffered: it is less than",
        ),
        ("server.header_timeout = \"0\"", "server.header_timeout: it must be more than 0"),
        ("admin.token = \"123456789012345\"", "admin.token: it has fewer than 16 characters"),
        (
            "server.metrics_token = \"123456789012345\"",
            "server.metrics_token: it has fewer than 16 characters",
        ),
        ("[[keys]]\nname = \"k\"\nkey = \"test\"", "keys.k.key: it is a word from an example"),
        (
            "[[keys]]\nname = \"k\"\nhash = \"sha256:8f40e201fb42ef15350e408d21c92642e918cc538feaf4044709c2a3ecdd5d6d\"",
            "keys.k.hash: it is the hash of a word",
        ),
        ("upstream.idle_timeout = \"0\"", "upstream.idle_timeout: it must be more than 0"),
        (
            "limits.kinds = [\"test-limiter\", \"test-limiter\"]",
            "limits.kinds: `test-limiter` stands there twice",
        ),
        ("store.kind = 5", "store.kind: wrong type"),
        (&of_account("discover = true"), "accounts.a.discover: no list is read"),
        (
            &of_account("models = [\"claude-*\"]\nlist = [\"claude-1\", \"m\"]"),
            "accounts.a.list[1]: the account's `models`",
        ),
        (&of_account("list = [\"../m\"]"), "accounts.a.list[0]: the model's name has"),
        // Only some providers take it.
        (&of_account("oauth = { access_token = \"planted\" }"), "accounts.a.oauth: unknown key"),
    ]);
    for fine in [
        "",
        "telemetry.log = \"warn,sluice_engine=debug,hyper=off\"",
        "server.listen = \"127.0.0.1:0\"\nadmin.listen = \"127.0.0.1:0\"",
        "server.max_body = \"1MiB\"\nserver.max_buffered = \"1MiB\"",
        "server.metrics_token = \"1234567890123456\"",
        &of_account("discover = false\nlist = [\"m\", \"n\"]\nmodels = [\"m*\"]\nmodel_map = { n = \"x\" }"),
    ] {
        assert_eq!(told(fine), Vec::<String>::new(), "{fine}");
    }
}

#[test]
fn a_value_that_can_mean_nothing_is_refused_with_its_place() {
    let of_account = |more: &str| format!("{RIGHT}{more}");
    let of_key = |more: &str| format!("[[keys]]\nname = \"k\"\nkey = \"planted\"\n{more}");
    refused(&[
        (&of_account("cost_multiplier = 2"), "accounts.a.cost_multiplier: wrong type"),
        (&of_account("cost_multiplier = \"1e3\""), "accounts.a.cost_multiplier: invalid value"),
        (&of_key("queue = { size = 16 }"), "keys.k.queue: `wait` is missing"),
        (&of_key("queue = { size = 0, wait = \"20s\" }"), "keys.k.queue.size: a queue in which"),
        (&of_key("queue = { size = 16, wait = \"20\" }"), "keys.k.queue.wait: invalid value"),
        (&of_key("mode = \"hrad\""), "keys.k.mode: unknown value"),
        (&of_key("expires = \"tomorrow\""), "keys.k.expires:"),
        ("[[routes]]\nmodel = \"m\"\npools = []\napi = [\"openai\"]", "routes[0].api[0]: unknown value"),
        (
            "[[routes]]\nmodel = \"m\"\npools = []\nrewrite = \"../m\"",
            "routes[0].rewrite: the model's name has",
        ),
        ("stats.timezone = \"Mars/Olympus\"", "stats.timezone: there is no time zone"),
        ("stats.retention_days = 0", "stats.retention_days: records must be kept"),
        ("telemetry.otlp_endpoint = \"localhost:4317\"", "telemetry.otlp_endpoint: its scheme"),
        ("[cost]\nkind = \"test-cost\"\nunknown_model = \"refuse\"", "cost.unknown_model: unknown value"),
        ("[scheduler]\nkind = \"test-scheduler\"\nfailures = 0", "scheduler.failures: an account can't"),
        (
            "[scheduler]\nkind = \"test-scheduler\"\ncooldown = { max = \"1\" }",
            "scheduler.cooldown.max: invalid value",
        ),
    ]);
    for fine in ["1.00", "0", "0.85", "12.3456789012"] {
        assert!(told(&of_account(&format!("cost_multiplier = \"{fine}\"\n"))).is_empty(), "{fine}");
    }
    assert!(told(&of_key("expires = 2030-01-01T00:00:00Z")).is_empty());
}

/// Limits that can't be meant: as they are written, where in them it is told, and how it begins.
const WRONG_LIMITS: [(&str, &str, &str); 21] = [
    (r#"[{ per = "year", cost = "1" }]"#, "[0].per", "invalid value"),
    (r#"[{ per = 5, cost = "1" }]"#, "[0].per", "wrong type"),
    (r#"[{ cost = "1" }]"#, "[0]", "`per` is missing"),
    (r#"[{ per = "0", cost = "1" }]"#, "[0].per", "invalid value"),
    (r#"[{ per = "999ms", cost = "1" }]"#, "[0].per", "a window is at least 1 s long; found \"999ms\""),
    (r#"[{ per = "31d", cost = "1" }]"#, "[0].per", "a window is at most stats.retention_days"),
    (r#"[{ per = "day" }]"#, "[0]", "a limit needs"),
    (r#"[{ per = "day", requests = 0 }]"#, "[0].requests", "a limit of 0 requests"),
    (r#"[{ per = "day", tokens = 0 }]"#, "[0].tokens", "a limit of 0 tokens"),
    (r#"[{ per = "day", tokens = -1 }]"#, "[0].tokens", "invalid"),
    (
        r#"[{ per = "day", requests = 9007199254740993 }]"#,
        "[0].requests",
        "a limit is at most 9007199254740992",
    ),
    (r#"[{ per = "day", cost = 5 }]"#, "[0].cost", "wrong type"),
    (r#"[{ per = "day", cost = "0.00" }]"#, "[0].cost", "a limit of 0 dollars"),
    (r#"[{ per = "day", cost = "-1" }]"#, "[0].cost", "invalid value"),
    (r#"[{ per = "day", cost = "1e3" }]"#, "[0].cost", "invalid value"),
    (r#"[{ per = "day", cost = "900000000.0000000001" }]"#, "[0].cost", "a limit is at most \"900000000\""),
    (r#"[{ per = "total", cost = "1", zone = "UTC" }]"#, "[0].zone", "unknown key"),
    (r#"[{ per = "day", requests = 1, models = ["["] }]"#, "[0].models", "the glob"),
    (
        r#"[{ per = "1m", requests = 1 }, { per = "60s", requests = 2 }]"#,
        "[1].requests",
        "limits[0] counts requests",
    ),
    (
        r#"[{ per = "day", cost = "1", models = ["a", "b"] }, { per = "day", tokens = 1, cost = "2", models = ["b", "a"] }]"#,
        "[1].cost",
        "limits[0] counts cost of the same models",
    ),
    (r#"[{ per = "day", requests = 1 }, { per = "day" }]"#, "[1]", "a limit needs"),
];

#[test]
fn a_limit_that_can_not_be_meant_is_refused_whoever_has_it() {
    for (limits, at, says) in WRONG_LIMITS {
        refused(&[
            (&format!("{RIGHT}limits = {limits}"), &format!("accounts.a.limits{at}: {says}")),
            (
                &format!("[[groups]]\nname = \"g\"\nlimits = {limits}"),
                &format!("groups.g.limits{at}: {says}"),
            ),
            (
                &format!("[[keys]]\nname = \"k\"\nkey = \"planted\"\nlimits = {limits}"),
                &format!("keys.k.limits{at}: {says}"),
            ),
        ]);
    }
}

#[test]
fn what_bounds_requests_of_keys_groups_and_routes_is_checked() {
    let of_key = |more: &str| format!("[[keys]]\nname = \"k\"\nkey = \"planted\"\n{more}");
    let of_group = |more: &str| format!("[[groups]]\nname = \"g\"\n{more}\n");
    let queue = "queue = { size = 16, wait = \"20s\" }";
    let route = format!("{RIGHT}pools = [\"p\"]\n[[routes]]\nmodel = \"m\"\npools = [\"p\"]\n");
    refused(&[
        (&of_key(queue), "keys.k.queue: a queue needs `concurrency`"),
        (&(of_group("") + &of_key(&format!("group = \"g\"\n{queue}"))), "keys.k.queue: a queue needs"),
        (&of_key("max_output_tokens = 0"), "keys.k.max_output_tokens: no model answers with 0"),
        (&of_group("max_output_tokens = -1"), "groups.g.max_output_tokens: invalid"),
        (&of_group("max_output_tokens = 9007199254740993"), "groups.g.max_output_tokens: it is at most"),
        (&format!("{route}max_output_tokens = 0"), "routes[0].max_output_tokens: no model answers"),
    ]);
    for fine in [
        of_key(&format!("concurrency = 1\n{queue}\nmode = \"hard\"\nmax_output_tokens = 1")),
        of_group("concurrency = 1") + &of_key(&format!("group = \"g\"\n{queue}")),
        format!("{route}max_output_tokens = 8000"),
        of_key(
            r#"limits = [{ per = "1s", requests = 9007199254740992 }, { per = "30d", cost = "900000000" }, { per = "day", requests = 1, tokens = 1, cost = "0.0000000001" }, { per = "day", tokens = 1, models = ["m"] }]"#,
        ),
    ] {
        assert_eq!(told(&fine), Vec::<String>::new(), "{fine}");
    }
}

#[test]
fn what_is_checked_is_in_force_as_it_is_written() {
    let text = format!(
        "{RIGHT}limits = [{{ per = \"day\", cost = \"50\" }}]\n[[groups]]\nname = \"g\"\nconcurrency = 7\n\
        max_output_tokens = 9\nlimits = [{{ per = \"month\", tokens = 5, models = [\"a-*\"] }}]\n[[keys]]\nname = \"k\"\n\
        key = \"planted\"\ngroup = \"g\"\nmode = \"hard\"\nlimits = [{{ per = \"1m\", requests = 60, tokens = 2 }}]\n"
    );
    let config = checked(&text).unwrap();
    let parts =
        |limits: &[Limit]| limits.iter().map(|one| (one.most, one.part.to_string())).collect::<Vec<_>>();
    assert_eq!(parts(&config.accounts[0].limits), [(500_000_000_000, "cost/day".to_owned())]);
    let group = Arc::new(Group::from_config(&config.groups[0]));
    let party = group.party();
    assert_eq!((party.concurrency, group.max_output_tokens), (7, Some(9)));
    assert_eq!(parts(party.limits), [(5, "tokens/month\na-*".to_owned())]);
    assert!(party.limits[0].counts("a-1") && !party.limits[0].counts("b"));
    let key = Key::from_config(&config.keys[0], &HashMap::from([("g".to_owned(), group)]));
    assert_eq!(
        parts(key.party().limits),
        [(60, "requests/60000ms".to_owned()), (2, "tokens/60000ms".to_owned())]
    );
    assert_eq!((key.mode, key.party().principal), (Mode::Hard, Principal::Key("k".into())));
}

#[test]
fn plugins_of_every_kind_have_settings_of_their_own() {
    for (table, own) in [
        ("[scheduler]\nkind = \"test-scheduler\"\nattempts = 2\n", "scheduler"),
        ("[cost]\nkind = \"test-cost\"\n", "cost"),
        ("[limits]\nkinds = [\"test-limiter\"]\n[limits.test-limiter]\n", "limits.test-limiter"),
        ("[limits.test-limiter]\n", "limits.test-limiter"),
    ] {
        assert_eq!(
            told(&format!("{table}depth = 3\nwebhook = \"planted\"")),
            Vec::<String>::new(),
            "{table}"
        );
        let wrong = checked(&format!("{table}depth = \"deep\"\nweb_hook = 1\n")).unwrap_err();
        let at = |key: &str| {
            let path = format!("{own}.{key}");
            wrong.iter().find(|problem| problem.path == path).unwrap_or_else(|| panic!("{path}: {wrong:#?}"))
        };
        assert_eq!(at("depth").message, "wrong type");
        assert_eq!(at("web_hook").nearest.as_deref(), Some("webhook"));
    }
    for (text, path, nearest) in [
        ("[scheduler]\nkind = \"test-scheduler\"\natempts = 2", "scheduler.atempts", "attempts"),
        ("[scheduler]\nkind = \"test-scheduler\"\ndeptth = 2", "scheduler.deptth", "depth"),
        ("[cost]\nkind = \"test-cost\"\nunknown_modle = \"allow\"", "cost.unknown_modle", "unknown_model"),
        ("[store]\nkind = \"test-store\"\nurll = []", "store.urll", "url"),
        ("[store]\nkind = \"test-store\"\nkin = 1", "store.kin", "kind"),
        ("[limits]\nkindes = []", "limits.kindes", "kinds"),
        ("[limits.test-limter]\ndepth = 1", "limits.test-limter", "test-limiter"),
        (&format!("{RIGHT}wieght = 1"), "accounts.a.wieght", "weight"),
        (&format!("{RIGHT}credentail = 1"), "accounts.a.credentail", "credential"),
    ] {
        let told = checked(text).unwrap_err();
        assert_eq!((told.len(), told[0].path.as_str()), (1, path), "{told:#?}");
        assert_eq!(told[0].nearest.as_deref(), Some(nearest), "{told:#?}");
    }
    refused(&[
        (
            "limits = { kinds = [], test-limiter = { depth = 1 } }",
            "limits.test-limiter: the limiter `test-limiter` is not at work",
        ),
        ("limits.no-limiter = {}", "limits.no-limiter: unknown key"),
        ("limits.test-limiter = 5", "limits.test-limiter: wrong type"),
    ]);
}

#[test]
fn a_mistake_in_one_place_is_not_told_in_another() {
    let text = "[[accounts]]\nname = \"a\"\nprovider = \"test-secretive\"\npools = [\"own\"]\nweight = 0\n\
        [[groups]]\nname = \"g\"\nconcurrency = -1\n[[routes]]\nmodel = \"m\"\npools = [\"own\"]\n\
        [[keys]]\nname = \"k\"\nkey = \"s\"\naccounts = [\"a\"]\ngroup = \"g\"\npools = [\"own\"]\n";
    let told = told(text);
    assert_eq!(told.len(), 2, "{told:#?}");
}

#[test]
fn a_wrong_type_never_repeats_what_may_be_a_secret() {
    for text in [
        "accounts = \"planted\"",
        "keys = [\"planted\"]",
        "admin = \"planted\"",
        "admin.token = [\"planted\"]",
        "[[keys]]\nname = \"k\"\nkey = 1.5\n",
        "[[keys]]\nname = \"k\"\nkey = { key = \"planted\" }",
        "[[keys]]\nname = \"k\"\nhash = \"planted\"",
        &format!("{RIGHT}headers = \"planted\""),
        &format!("{RIGHT}credential = [\"planted\"]"),
        &format!("{RIGHT}password = [\"planted\"]"),
        &format!("{RIGHT}tokens = \"planted\""),
    ] {
        let problems = checked(text).unwrap_err();
        let shown = format!("{problems:?}");
        assert!(!shown.contains("planted") && !shown.contains("1.5"), "{shown}");
    }
}

#[test]
fn a_certificate_goes_with_its_key_and_files_are_read_when_they_are_checked() {
    let of_account = |more: &str| format!("{RIGHT}{more}");
    refused(&[
        ("[upstream]\nca = \"/nowhere/ca.pem\"", "upstream.ca: the file /nowhere/ca.pem can't be read"),
        ("[upstream]\nclient_cert = \"a\"", "upstream.client_key: client_cert needs the key"),
        ("[upstream]\nclient_key = \"a\"", "upstream.client_cert: client_key needs the certificate"),
        ("[upstream]\nhttp = \"3\"", "upstream.http"),
        (&of_account("ca = \"/dev/null\""), "accounts.a.ca: the file /dev/null has no certificate in PEM"),
        (&of_account("client_cert = \"/dev/null\""), "accounts.a.client_key: client_cert needs the key"),
        (&of_account("http = 2"), "accounts.a.http"),
    ]);
}
