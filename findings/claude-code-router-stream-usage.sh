#!/usr/bin/env bash
# claude-code-router 2.0.0 tells 0 tokens of a stream whose upstream tells its usage in a chunk of its own, as OpenAI does,
# where that chunk comes in one piece with the one before it; its own transformer `streamoptions` has asked for it.
#
# With `stream_options.include_usage` the Chat Completions API streams one more chunk before `[DONE]`, with the usage of the
# whole request and an empty `choices`, right behind the chunk with the `finish_reason`: mostly both are in one packet. At
# the `finish_reason` the router leaves what else it has read, and goes on with what it reads next. So the same stream
# has its usage or has none, by how it was cut on its way.
#
# Seen: "0 in, 0 out" where both chunks are written at once, 10 and 5 where the second is written half a second later.
set -euo pipefail

work=$(mktemp -d)
router=
trap '[ -z "$router" ] || kill "$router" 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-save --no-audit --no-fund --ignore-scripts @musistudio/claude-code-router@2.0.0 >/dev/null

cat > upstream.mjs <<'JS'
// Chat Completions as OpenAI documents them: with `include_usage` the last chunk has the usage and no choice.
import http from 'node:http';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';

const usage = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 };
const base = { id: 'c', created: 1, model: 'm' };
let apart = false;
let asks = false;
const server = http.createServer(async (request, response) => {
  let body = '';
  for await (const piece of request) body += piece;
  const asked = JSON.parse(body);
  if (!asked.stream) {
    response.setHeader('content-type', 'application/json');
    const message = { role: 'assistant', content: 'Hello.' };
    const choices = [{ index: 0, message, finish_reason: 'stop' }];
    return response.end(JSON.stringify({ ...base, object: 'chat.completion', choices, usage }));
  }
  asks ||= asked.stream_options?.include_usage === true;
  response.setHeader('content-type', 'text/event-stream');
  const line = (more) => `data: ${JSON.stringify({ ...base, object: 'chat.completion.chunk', ...more })}\n\n`;
  response.write(line({ choices: [{ index: 0, delta: { role: 'assistant', content: 'Hello.' }, finish_reason: null }] }));
  const finish = { choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] };
  const last = line({ choices: [], usage });
  if (apart) {
    response.write(line(finish));
    await setTimeout(500);
    response.write(last);
  } else {
    response.write(line(finish) + last);
  }
  response.end('data: [DONE]\n\n');
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const port = Number(process.argv[2]);
writeFileSync(`${process.env.HOME}/.claude-code-router/config.json`, JSON.stringify({
  HOST: '127.0.0.1', PORT: port, APIKEY: 'key', LOG: false, NON_INTERACTIVE_MODE: true,
  Providers: [{ name: 'up', api_key: 'any', models: ['m'], transformer: { use: ['streamoptions'] },
    api_base_url: `http://127.0.0.1:${server.address().port}/v1/chat/completions` }],
  Router: { default: 'up,m' },
}));
console.log('ready');
await once(process.stdin, 'data');

const ask = async (stream) => {
  const body = { model: 'claude', max_tokens: 9, stream, messages: [{ role: 'user', content: 'Hi.' }] };
  const headers = { 'content-type': 'application/json', 'x-api-key': 'key' };
  const answer = await fetch(`http://127.0.0.1:${port}/v1/messages`, { method: 'POST', headers, body: JSON.stringify(body) });
  if (!stream) return (await answer.json()).usage;
  const events = (await answer.text()).split('\n').filter((line) => line.startsWith('data: ')).map((line) => JSON.parse(line.slice(6)));
  return events.find((event) => event.type === 'message_delta').usage;
};
const told = (usage) => `${usage.input_tokens} in, ${usage.output_tokens} out`;
console.log(`whole: ${told(await ask(false))}`);
console.log(`streamed, usage in one piece with the end: ${told(await ask(true))}`);
apart = true;
console.log(`streamed, usage half a second behind the end: ${told(await ask(true))}`);
console.log(`include_usage asked for: ${asks}`);
process.exit();
JS

export HOME=$work
mkdir .claude-code-router
port=$(node -e "const s=require('net').createServer().listen(0,'127.0.0.1',()=>{console.log(s.address().port);s.close()})")
mkfifo go
exec 3<>go
node upstream.mjs "$port" <go >told &
until grep -q ready told 2>/dev/null; do sleep 0.1; done
node node_modules/@musistudio/claude-code-router/dist/cli.js start >router.log 2>&1 & router=$!
until (exec 4<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do sleep 0.2; done
echo go >&3
wait %1 || true
told=$(sed 1d told)
expected="whole: 10 in, 5 out
streamed, usage in one piece with the end: 0 in, 0 out
streamed, usage half a second behind the end: 10 in, 5 out
include_usage asked for: true"
printf '%s\n' "$told"
[ "$told" = "$expected" ] || { printf 'changed; before it was:\n%s\n' "$expected" >&2; exit 1; }
