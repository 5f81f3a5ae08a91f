#!/usr/bin/env bash
# A client that has gone away while its answer is awaited goes unnoticed in HAProxy, unless `option abortonclose` is set.
#
# Seen with HAProxy 2.6.12-1+deb12u4 (Debian 12's package, amd64). A client sends a GET and closes its connection before
# the server has answered:
#
#   default               the server's connection stays open, and the request runs on (looked at for 3 seconds)
#   option abortonclose   the server's connection is reset at once
#
# The manual's entry of the option speaks first of requests that wait in a queue. Before a model's API it decides whether
# a long answer that nobody waits for is computed, and paid for, to its end. As a closed connection may also be a client
# that has only finished sending, neither is wrong.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get download -q -o APT::Sandbox::User= haproxy=2.6.12-1+deb12u4 >/dev/null
dpkg-deb -x haproxy_*.deb .
cat > told.py <<'PY'
import socket, subprocess, sys, time

option = sys.argv[1]
server = socket.create_server(("127.0.0.1", 0))
with socket.create_server(("127.0.0.1", 0)) as free:
    front = free.getsockname()
with open("haproxy.cfg", "w") as config:
    config.write(f"""defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  {option}
listen front
  bind 127.0.0.1:{front[1]}
  server only 127.0.0.1:{server.getsockname()[1]}
""")
proxy = subprocess.Popen(["usr/sbin/haproxy", "-db", "-f", "haproxy.cfg"])
try:
    client = None
    while client is None:
        try:
            client = socket.create_connection(front)
        except ConnectionRefusedError:
            time.sleep(0.05)
    client.sendall(b"GET / HTTP/1.1\r\nhost: example.com\r\n\r\n")
    asked, _ = server.accept()
    assert asked.recv(65536).startswith(b"GET / ")
    client.close()
    asked.settimeout(3)
    try:
        left = asked.recv(1) == b""
    except ConnectionResetError:
        left = True
    except TimeoutError:
        left = False
    print(option or "default", "the server is left" if left else "the request runs on", sep=": ")
finally:
    proxy.terminate()
    proxy.wait()
PY
told=$(python3 told.py ''; python3 told.py 'option abortonclose')
expected='default: the request runs on
option abortonclose: the server is left'
printf '%s\n' "$told"
[ "$told" = "$expected" ] || { printf 'changed; before it was:\n%s\n' "$expected" >&2; exit 1; }
