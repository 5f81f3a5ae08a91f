#!/usr/bin/env bash
# hyper-util's SOCKS5 connector drops what comes behind the proxy's last reply in the same read.
#
# Seen with hyper-util 0.1.21 (`client::legacy::connect::proxy::SocksV5`). A proxy says that it is connected, and passes on
# what the server says first (as servers of mail or shells do):
#
#   in one write    read through the connector: ""
#   in two writes   read through the connector: "220 ready"
#
# Which of the two it is, is the network's to say. The connector hands out the stream that it was given, without what it
# has read beyond the reply. Where the client speaks first, as in HTTP and TLS, nothing is there to be lost.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
mkdir src
cat > Cargo.toml <<'TOML'
[workspace]
[package]
name = "told"
version = "0.1.0"
edition = "2024"
[dependencies]
hyper-util = { version = "=0.1.21", features = ["client-legacy", "client-proxy", "tokio"] }
http = "1"
tokio = { version = "1", features = ["io-util", "macros", "rt"] }
tower = { version = "=0.5.3", features = ["util"] }
TOML
cat > src/main.rs <<'RUST'
use std::io::Error;

use http::Uri;
use hyper_util::client::legacy::connect::proxy::SocksV5;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tower::{ServiceExt, service_fn};

const GREETED: [u8; 2] = [5, 0];
const CONNECTED: [u8; 10] = [5, 0, 0, 1, 127, 0, 0, 1, 0, 25];
const FIRST: &[u8] = b"220 ready";

#[tokio::main(flavor = "current_thread")]
async fn main() {
    for writes in [1, 2] {
        let (near, mut far) = tokio::io::duplex(1024);
        tokio::spawn(async move {
            let mut read = [0; 64];
            let _ = far.read(&mut read).await;
            far.write_all(&GREETED).await.unwrap();
            let _ = far.read(&mut read).await;
            if writes == 1 {
                far.write_all(&[&CONNECTED[..], FIRST].concat()).await.unwrap();
            } else {
                far.write_all(&CONNECTED).await.unwrap();
                // Until the reply has been read, and somebody waits for more.
                for _ in 0..10 {
                    tokio::task::yield_now().await;
                }
                far.write_all(FIRST).await.unwrap();
            }
        });
        let mut near: Option<DuplexStream> = Some(near);
        let over = service_fn(move |_: Uri| {
            std::future::ready(Ok::<_, Error>(TokioIo::new(near.take().unwrap())))
        });
        let socks = SocksV5::new(Uri::from_static("socks5://proxy:1080"), over);
        let stream = socks.oneshot(Uri::from_static("http://server:25")).await;
        let mut text = String::new();
        let mut stream = stream.ok().expect("the proxy has connected").into_inner();
        stream.read_to_string(&mut text).await.unwrap();
        println!("{writes}: {text:?}");
    }
}
RUST
told=$(cargo run --quiet)
expected='1: ""
2: "220 ready"'
printf '%s\n' "$told"
[ "$told" = "$expected" ] || { printf 'changed; before it was:\n%s\n' "$expected" >&2; exit 1; }
