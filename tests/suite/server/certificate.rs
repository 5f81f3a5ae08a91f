//! The certificate that clients are shown, renewed while the gateway runs.

use sluice_tests::client::send;
use sluice_tests::gateway::{Folder, Gateway, KEY, key};
use sluice_tests::tls::{Certificate, shown};

#[test]
fn a_client_that_comes_without_tls_is_told_so_in_its_dialect() {
    let folder = Folder::new();
    let gateway = Gateway::start(&(Certificate::make(&folder.0).settings() + &key("")));
    for (path, told) in
        [("/v1/messages", "invalid_request_error"), ("/v1beta/models/m:generateContent", "INVALID_ARGUMENT")]
    {
        let answer = send(&gateway.address, "POST", path, &[("x-api-key", KEY)], b"{}");
        assert_eq!(answer.status, 400);
        let text = answer.text();
        assert!(text.contains(told) && text.contains("https://"), "{text}");
    }
}

#[test]
fn a_renewed_certificate_is_taken_on_reload_and_a_broken_one_is_refused() {
    let folder = Folder::new();
    let first = Certificate::make(&folder.0);
    let before = std::fs::read_to_string(&first.cert).unwrap();
    let gateway = Gateway::start(&(first.settings() + &key("")));
    assert_eq!(shown(&gateway.address), before);

    let after = std::fs::read_to_string(Certificate::make(&folder.0).cert).unwrap();
    assert_ne!(after, before);
    assert_eq!(shown(&gateway.address), before, "nothing is read before a reload");
    assert_eq!(gateway.admin("POST", "/reload", "").status, 200);
    assert_eq!(shown(&gateway.address), after);

    std::fs::write(&first.key, "no key").unwrap();
    let refused = gateway.admin("POST", "/reload", "");
    assert_eq!(refused.status, 422);
    assert!(refused.text().contains("server.tls.key"), "{}", refused.text());
    assert_eq!(shown(&gateway.address), after, "what was in force stays");

    let third = std::fs::read_to_string(Certificate::make(&folder.0).cert).unwrap();
    gateway.signal("HUP");
    gateway.until("the third certificate", |gateway| shown(&gateway.address) == third);
}
