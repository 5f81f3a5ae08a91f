//! A name with more addresses than one, of which the first leads nowhere.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use sluice_tests::fleet::sample;
use sluice_tests::gateway::{Folder, Gateway, key, workspace};
use sluice_tests::load::sample as asks;
use sluice_tests::upstream::{GROUNDS, Upstream};

use super::{is_well, spoken};

/// How long a connection to this machine may take that will come about.
const SOON: Duration = Duration::from_millis(500);

/// A resolver to be loaded, by which `localhost` is first `::1` and then `127.0.0.1`, whatever this machine's file says.
fn resolver(folder: &Folder) -> PathBuf {
    let library = folder.0.join("two_addresses.so");
    let built = Command::new("cc")
        .args(["-shared", "-fPIC", "-o"])
        .arg(&library)
        .arg(workspace().join("tests/real/two_addresses.c"))
        .arg("-ldl")
        .output()
        .unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    library
}

/// An address at which connections wait for ever, as its queue is full; kept with what fills it.
fn black_hole(at: SocketAddr) -> (TcpListener, Vec<TcpStream>) {
    let listener = TcpListener::bind(at).unwrap();
    let queue = std::iter::from_fn(|| TcpStream::connect_timeout(&at, SOON).ok()).collect();
    (listener, queue)
}

#[test]
fn an_upstream_is_reached_by_its_second_address_where_the_first_is_dead() {
    let folder = Folder::new();
    let resolver = resolver(&folder);
    for ground in GROUNDS {
        for answers_never in [false, true] {
            let upstream = Upstream::on(ground, sample);
            let (_, port) = upstream.address.rsplit_once(':').unwrap();
            let dead = format!("[::1]:{port}").parse().unwrap();
            let held = answers_never.then(|| black_hole(dead));
            let account = upstream.account_at(&format!("localhost:{port}"), "a", "claude-console", "");
            let gateway = Gateway::with_variable("LD_PRELOAD", &resolver, &(account + &key("")));
            for stream in [false, true] {
                asks(&gateway, spoken(), stream).unwrap_or_else(|told| panic!("{ground:?}: {told}"));
            }
            is_well(&gateway, &format!("{ground:?}"));
            assert!(!gateway.log().contains("an attempt failed"), "{}", gateway.log());
            drop(held);
        }
    }
}
