#!/usr/bin/env bash
# In hyper's HTTP/1.1, `read_buf_exact_size` bounds the head of an answer too: one that is longer than it is an error.
#
# Seen with hyper 1.12.0, as a client. An answer whose head has 5,000 bytes:
#
#   read_buf_exact_size(4096)   error: message head is too large
#   read_buf_exact_size(8192)   200
#   neither set                 200
#
# The option reads as one for memory: how much is read at once. As it takes the place of `max_buf_size`, whose least is
# 8,192 bytes, so that no ordinary head fails, it also takes the place of the bound on heads, and has no least of its own.
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
hyper = { version = "=1.12.0", features = ["client", "http1"] }
hyper-util = { version = "=0.1.21", features = ["tokio"] }
http-body-util = "=0.1.5"
tokio = { version = "1", features = ["io-util", "macros", "rt"] }
TOML
cat > src/main.rs <<'RUST'
use http_body_util::Empty;
use hyper::body::Bytes;
use hyper::client::conn::http1::Builder;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

#[tokio::main(flavor = "current_thread")]
async fn main() {
    for size in [Some(4096), Some(8192), None] {
        let (near, mut far) = tokio::io::duplex(65536);
        let mut builder = Builder::new();
        if size.is_some() {
            builder.read_buf_exact_size(size);
        }
        let (mut sender, connection) = builder.handshake(TokioIo::new(near)).await.unwrap();
        tokio::spawn(connection);
        tokio::spawn(async move {
            let mut asked = [0; 1024];
            let _ = far.read(&mut asked).await;
            let head = format!("HTTP/1.1 200 OK\r\nx: {}\r\ncontent-length: 0\r\n\r\n", "y".repeat(4957));
            let _ = far.write_all(head.as_bytes()).await;
            let _ = far.read(&mut asked).await;
        });
        match sender.send_request(hyper::Request::new(Empty::<Bytes>::new())).await {
            Ok(answer) => println!("{size:?}: {}", answer.status().as_u16()),
            Err(error) => println!("{size:?}: {error}"),
        }
    }
}
RUST
told=$(cargo run --quiet)
expected='Some(4096): message head is too large
Some(8192): 200
None: 200'
printf '%s\n' "$told"
[ "$told" = "$expected" ] || { printf 'changed; before it was:\n%s\n' "$expected" >&2; exit 1; }
