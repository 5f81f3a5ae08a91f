//! Settings, and what is wrong with them.

use crate::{Bearer, Settings};
use sluice_api::plugin::testing::with_section;

/// What is wrong with an account's `oauth`, by place.
fn wrong(oauth: &str) -> Vec<String> {
    #[derive(serde::Deserialize)]
    struct Account {
        oauth: Settings,
    }
    let built = with_section(&format!("oauth = {{ {oauth} }}"), |section| {
        let account: Account = section.read()?;
        Bearer::new(section, account.oauth)
    });
    let Err(problems) = built else { return Vec::new() };
    assert!(!format!("{problems:?}").contains("planted"), "{problems:?}");
    problems
        .into_iter()
        .map(|problem| problem.path.trim_start_matches("accounts.account.").to_owned())
        .collect()
}

#[test]
fn a_mistake_says_where_and_repeats_no_secret() {
    let refresh = |more: &str| format!("refresh_token = \"planted\", token_url = \"https://h/t\"{more}");
    for (oauth, places) in [
        (refresh(""), &[][..]),
        (refresh(", client_id = \"c\", client_secret = \"planted\", access_token = \"planted\""), &[]),
        ("access_token = \"planted\", expires_at = \"2027-01-31T12:00:00Z\"".to_owned(), &[]),
        (String::new(), &["oauth"]),
        ("refresh_token = \"planted\"".to_owned(), &["oauth.token_url"]),
        (
            "access_token = \"planted\", token_url = \"https://h\", client_id = \"c\"".to_owned(),
            &["oauth.token_url", "oauth.client_id"],
        ),
        (refresh(", client_secret = \"planted\""), &["oauth.client_secret"]),
        (refresh(", expires_at = \"2027-01-31T12:00:00Z\""), &["oauth.expires_at"]),
        ("access_token = \"planted\", expires_at = \"planted\"".to_owned(), &["oauth.expires_at"]),
        ("access_token = \"plan\\nted\"".to_owned(), &["oauth.access_token"]),
        ("access_token = 1.5".to_owned(), &["oauth.access_token"]),
        (refresh(", access_tokens = \"planted\""), &["oauth.access_tokens"]),
        (
            "refresh_token = \"planted\", token_url = \"h/t\", client_secret = \"planted\"".to_owned(),
            &["oauth.client_secret", "oauth.token_url"],
        ),
    ] {
        assert_eq!(wrong(&oauth), places, "{oauth}");
    }
    for url in ["", "h", "/t", "ftp://h/t", "https://u:planted@h/t", "https://"] {
        assert_eq!(
            wrong(&format!("refresh_token = \"r\", token_url = \"{url}\"")),
            ["oauth.token_url"],
            "{url}"
        );
    }
}
