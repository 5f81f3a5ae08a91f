// A node server before a plain address: node http2_server.mjs CERT KEY HOST:PORT; prints where it listens.
// It speaks HTTP/2 and HTTP/1.1 over TLS. An answer with a length is ended by node in a frame of its own.
import http from "node:http";
import http2 from "node:http2";
import { readFileSync } from "node:fs";

const [cert, key, plain] = process.argv.slice(2);
const [host, port] = plain.split(":");
const agent = new http.Agent({ keepAlive: true });
const HOP = new Set(["connection", "keep-alive", "transfer-encoding", "upgrade"]);
const kept = (headers) => Object.fromEntries(Object.entries(headers).filter(([name]) => !name.startsWith(":") && !HOP.has(name)));

const server = http2.createSecureServer({ cert: readFileSync(cert), key: readFileSync(key), allowHTTP1: true });
server.on("request", (request, response) => {
  let whole = false;
  const asked = { host, port, agent, method: request.method, path: request.url, headers: kept(request.headers) };
  const behind = http.request(asked, (answer) => {
    answer.on("end", () => (whole = true));
    const headers = kept(answer.headers);
    if (!headers["content-length"]) {
      response.writeHead(answer.statusCode, headers);
      answer.pipe(response);
      return;
    }
    const pieces = [];
    answer.on("data", (piece) => pieces.push(piece));
    answer.on("end", () => response.writeHead(answer.statusCode, headers).end(Buffer.concat(pieces)));
  });
  behind.on("error", () => response.destroy?.());
  response.on("close", () => whole || behind.destroy());
  request.pipe(behind);
});
server.listen(0, "127.0.0.1", () => console.log(`127.0.0.1:${server.address().port}`));
