#!/usr/bin/env bash
# utoipa writes a response without `description` where its text is empty, and so a document that is not valid OpenAPI.
#
# Seen with utoipa 6.0.0 (and utoipa-gen 6.0.1). A response that is declared with `description = ""`, or by its status
# and body alone, comes out without the member:
#
#   a text      {"description":"Done"}
#   empty       {}
#   left out    {}
#
# OpenAPI 3.1 (Response Object) requires `description`, and lets it be empty. Nothing tells whoever builds the document:
# a validator, or a generator of clients, does so later.
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
utoipa = "=6.0.0"
utoipa-gen = "=6.0.1"
serde_json = "1"
TOML
cat > src/main.rs <<'RUST'
use utoipa::OpenApi;

#[utoipa::path(get, path = "/a", responses((status = 200, description = "Done"), (status = 201, description = ""), (status = 202)))]
fn a() {}

#[derive(OpenApi)]
#[openapi(paths(a))]
struct Document;

fn main() {
    let _ = a;
    let document = serde_json::to_value(Document::openapi()).unwrap();
    let responses = &document["paths"]["/a"]["get"]["responses"];
    for (what, status) in [("a text", "200"), ("empty", "201"), ("left out", "202")] {
        println!("{what}: {}", responses[status]);
    }
}
RUST
told=$(cargo run --quiet)
expected='a text: {"description":"Done"}
empty: {}
left out: {}'
printf '%s\n' "$told"
[ "$told" = "$expected" ] || { printf 'changed; before it was:\n%s\n' "$expected" >&2; exit 1; }
