//! What is wrong is told with its place, and what a start would refuse, a check does too.

use sluice_api::settings::Problem;
use sluice_reading::load_text;

use super::check;
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
fn what_is_not_at_work_yet_is_checked_all_the_same() {
    let of_account = |more: &str| format!("{RIGHT}{more}");
    let of_key = |more: &str| format!("[[keys]]\nname = \"k\"\nkey = \"planted\"\n{more}");
    refused(&[
        (&of_account("cost_multiplier = 2"), "accounts.a.cost_multiplier: wrong type"),
        (&of_account("cost_multiplier = \"1e3\""), "accounts.a.cost_multiplier: invalid value"),
        (
            &of_account("limits = [{ per = \"year\", cost = \"1\" }]"),
            "accounts.a.limits[0].per: invalid value",
        ),
        (
            &of_account("limits = [{ per = \"31d\", cost = \"1\" }]"),
            "accounts.a.limits[0].per: a window is at most",
        ),
        (&of_account("limits = [{ per = \"day\" }]"), "accounts.a.limits[0]: a limit needs"),
        (&of_account("limits = [{ per = \"day\", cost = 5 }]"), "accounts.a.limits[0].cost: wrong type"),
        (
            &of_account("limits = [{ per = \"day\", cost = \"5\" }]"),
            "accounts.a.limits: limits are not available",
        ),
        (
            "[[groups]]\nname = \"g\"\nlimits = [{ per = \"day\", tokens = -1 }]",
            "groups.g.limits[0].tokens: invalid",
        ),
        (
            &of_key("limits = [{ per = \"day\", requests = 1, models = [\"[\"] }]"),
            "keys.k.limits[0].models: the glob",
        ),
        (&of_key("queue = { size = 16 }"), "keys.k.queue: `wait` is missing"),
        (&of_key("queue = { size = 0, wait = \"20s\" }"), "keys.k.queue.size: a queue in which"),
        (&of_key("queue = { size = 16, wait = \"20\" }"), "keys.k.queue.wait: invalid value"),
        (&of_key("queue = { size = 16, wait = \"20s\" }"), "keys.k.queue: a queue is not available"),
        (&of_key("mode = \"hrad\""), "keys.k.mode: unknown value"),
        (&of_key("mode = \"hard\""), "keys.k.mode: mode \"hard\" is not available"),
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
        ("limits.rate = {}", "limits.rate: `rate` is not available yet"),
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
