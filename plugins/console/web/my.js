// The page of a key's holder: what the key may do, has used and has left, and settings to begin with.

import { html, render, useEffect, useState } from "./vendor/preact.js";
import { begin, query, useGet, useShared } from "./api.js";
import { count, day, span } from "./format.js";
import { Choice, Copied, Count, Empty, Head, Limit, Loaded, Money, Notices, SignOut, Status, Table, Time, outcome } from "./parts.js";
import { MEASURES, Plot } from "./plot.js";
import { SignIn, SignInAgain } from "./signin.js";
import { setTheme, theme, THEMES } from "./theme.js";
import { SETTINGS } from "./pages/settings.js";

const FILES = new URL(".", import.meta.url).pathname.replace(/\/$/, "");

function Limits({ from: me }) {
  return html`<section class="card half" aria-label="Limits"><header><h2>Limits</h2></header><${Loaded} from=${me}>${(key) => html`
    ${key.limits.length ? key.limits.map((limit) => html`<${Limit} of=${limit} name=${limit.of === "group" ? `Group ${key.group}` : "This key"} plain />`) : html`<${Empty} title="Your key has no limits">Neither it nor its group is bounded in requests, tokens or cost.<//>`}
    <p class="dim small at-once">At once: <span class="num">${key.concurrency.held}</span> of ${key.concurrency.limit ?? "any number of"} requests${key.concurrency.waiting > 0 && html`, ${key.concurrency.waiting} wait in line`}.</p>`}<//></section>`;
}

function Used({ zone }) {
  const [measure, set] = useState("cost");
  const from = day(zone, -29);
  const usage = useGet(query("/v1/usage", { from, bucket: "day", group_by: "model" }), 30000);
  const sums = useGet(query("/v1/usage", { from, group_by: "model" }), 30000);
  return html`<section class="card" aria-label="Usage"><header><h2>The last 30 days</h2><${Choice} label="What" options=${Object.entries(MEASURES).map(([key, { name }]) => [key, name])} value=${measure} set=${set} /></header>
    <${Loaded} from=${usage} rows=${8}>${({ data }) => (data.length ? html`<${Plot} rows=${data} group="model" measure=${measure} bucket="day" zone=${zone} label=${`${MEASURES[measure].name} by model`} />` : html`<${Empty} title="Nothing was used yet">Take one of the settings below, and ask for something.<//>`)}<//>
    <${Loaded} from=${sums} rows=${3}>${({ data }) => data.length > 0 && html`<${Table} label="Usage by model" rows=${data} columns=${[
      { name: "Model", cell: (row) => html`<bdi>${row.model}</bdi>` },
      { name: "Requests", end: true, cell: (row) => html`<${Count} of=${row.requests} />` },
      { name: "Cost", end: true, cell: (row) => html`<${Money} of=${row.cost} />` },
      { name: "Input", end: true, wide: true, cell: (row) => html`<${Count} of=${row.input_tokens + row.cache_read_tokens + row.cache_write_tokens} />` },
      { name: "Output", end: true, wide: true, cell: (row) => html`<${Count} of=${row.output_tokens} />` },
    ]} />`}<//></section>`;
}

function Models() {
  const models = useGet("/v1/models");
  return html`<section class="card half" aria-label="Models"><header><h2>Models that you may ask for</h2>${models.data && html`<span class="dim small">${count(models.data.data.length)}</span>`}</header>
    <${Loaded} from=${models} rows=${6}>${({ data }) => (data.length ? html`<ul class="models">${data.slice(0, 200).map((model) => html`<li><code><bdi>${model.id}</bdi></code></li>`)}</ul>` : html`<${Empty} title="None is listed">No account of this gateway names its models: ask for one by its own name.<//>`)}<//></section>`;
}

function Last() {
  const [cursors, turn] = useState([]);
  const requests = useGet(query("/v1/requests", { limit: 12, cursor: cursors.at(-1) }), cursors.length ? 0 : 5000);
  return html`<section class="card" aria-label="Last requests"><header><h2>Last requests</h2></header><${Loaded} from=${requests} rows=${6}>${({ data, next_cursor }) => html`
    <${Table} label="Last requests" rows=${data} id=${(row) => row.request_id} empty=${html`<${Empty} title="No requests yet">What you ask for shows here within a second of its end.<//>`} columns=${[
      { name: "Time", cell: (row) => html`<${Time} at=${row.time} />` },
      { name: "Status", cell: (row) => html`<${Status} of=${row.status} outcome=${row.outcome} />${row.outcome !== "completed" && html` <span class="dim small">${outcome(row.outcome)}</span>`}` },
      { name: "Model", cell: (row) => html`<bdi>${row.model}</bdi>` },
      { name: "Cost", end: true, cell: (row) => html`<${Money} of=${row.cost} />` },
      { name: "Input", end: true, wide: true, cell: (row) => html`<${Count} of=${row.input_tokens + row.cache_read_tokens + row.cache_write_tokens} />` },
      { name: "Output", end: true, wide: true, cell: (row) => html`<${Count} of=${row.output_tokens} />` },
      { name: "Whole", end: true, wide: true, cell: (row) => html`<span class="num">${span(row.duration_ms)}</span>` },
      { name: "Request id", wide: true, cell: (row) => html`<${Copied} text=${row.request_id} />` },
    ]} />
    ${(cursors.length > 0 || next_cursor) && html`<nav class="pager" aria-label="Pages of this list"><button type="button" disabled=${!cursors.length} onClick=${() => turn(cursors.slice(0, -1))}>Newer</button><button type="button" disabled=${!next_cursor} onClick=${() => turn([...cursors, next_cursor])}>Older</button></nav>`}`}<//></section>`;
}

/** Settings with the gateway's address filled in, and the key left out. */
function Settings() {
  const [name, set] = useState(SETTINGS[0].name);
  // An operators' own listener has this page too, and takes no calls: whoever is there knows the other address.
  const [base, point] = useState(location.origin);
  const shown = SETTINGS.find((one) => one.name === name);
  return html`<section class="card" aria-label="Ready settings"><header><h2>Ready settings</h2><${Choice} label="For" options=${SETTINGS.map((one) => [one.name, one.name])} value=${name} set=${set} /></header>
    <label class="field base"><span>Address of the gateway</span><input name="base" value=${base} onInput=${(event) => point(event.target.value.replace(/\/+$/, ""))} /></label>
    <p class="dim">${shown.says} Your key goes where <code>YOUR_KEY</code> stands.</p>
    ${shown.parts.map(([title, text]) => html`<div class="part"><h3>${title}</h3><div class="snippet"><pre tabindex="0" aria-label=${title}>${text(base)}</pre><${Copied} text=${text(base)} /></div></div>`)}</section>`;
}

function My() {
  const shared = useShared();
  const me = useGet("/v1/me", 5000);
  const [name, choose] = useState(theme());
  const turn = () => { const next = THEMES[(THEMES.indexOf(name) + 1) % THEMES.length]; setTheme(next); choose(next); };
  useEffect(() => { document.title = `${shared.signed === "out" ? "Sign in" : shared.name ?? "My key"} · Sluice`; }, [shared.signed, shared.name]);
  if (shared.signed === "unknown") return html`<${Notices} /><main class="alone dim" aria-busy="true">Asking the gateway…</main>`;
  if (shared.signed === "out") return html`<${Notices} /><${SignIn} files=${FILES} />`;
  return html`<header class="topbar"><a class="brand" href="/my"><img src=${`${FILES}/icon.svg`} alt="" width="22" height="22" />Sluice</a><span class="push"></span>
      <button type="button" class="small-button" onClick=${turn} aria-label=${`Theme: ${name}. Change it`}>Theme: ${name}</button><${SignOut} /></header>
    <${Notices} /><main class="own"><${Head} title=${html`<bdi>${shared.name}</bdi>`} about="What this key may do, has used and has left." />
    <div class="grid"><${Limits} from=${me} /><${Models} />${me.data && html`<${Used} zone=${me.data.timezone} />`}<${Last} /><${Settings} /></div></main>
    ${shared.signed === "ended" && html`<${SignInAgain} />`}`;
}

document.getElementById("app").replaceChildren();
render(html`<${My} />`, document.getElementById("app"));
begin();
