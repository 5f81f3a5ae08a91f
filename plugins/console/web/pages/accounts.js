// Accounts: which take requests, which do not and until when, and what an operator can do about it.

import { html, useState } from "../vendor/preact.js";
import { ask, query, useAct, useGet } from "../api.js";
import { count, span } from "../format.js";
import { Dialog, Empty, Field, Find, Head, Limit, Loaded, Problem, State, Table, Time, Until, sent, typed, usePaged } from "../parts.js";
import { Link, ask as address, useRoute } from "../route.js";

/** The path of an account. */
const path = (name, verb = "") => `/admin/v1/accounts/${encodeURIComponent(name)}${verb}`;

/** The page. */
export function Accounts() {
  const { asked } = useRoute();
  const accounts = useGet("/admin/v1/accounts", 5000);
  const [open, show] = useState(null);
  const find = asked.get("find") ?? "";
  return html`<${Head} title="Accounts" about="Upstream credentials. What is changed here is kept over restarts, until the file’s own value changes.">
      <${Find} label="Find an account" value=${find} set=${(text) => address({ find: text })} />
    <//>
    <section class="card" aria-label="Accounts"><${Loaded} from=${accounts} rows=${8}>${({ data }) => html`<${List} all=${data} find=${find} show=${show} reload=${accounts.reload} />`}<//></section>
    ${open && html`<${One} name=${open} close=${() => { show(null); accounts.reload(); }} />`}`;
}

function List({ all, find, show, reload }) {
  const words = find.toLowerCase();
  const fits = all.filter((account) => [account.name, account.provider, account.state, ...account.pools].some((text) => text.toLowerCase().includes(words)));
  const [rows, pager] = usePaged(fits);
  if (!all.length) return html`<${Empty} title="There are no accounts">Add <code>[[accounts]]</code> to the configuration, and reload it on <${Link} to="/console/configuration">its page<//>.<//>`;
  return html`<${Table} label="Accounts" rows=${rows} id=${(row) => row.name} empty=${html`<${Empty} title="No account is called so">${count(all.length)} accounts have other names, pools and states.<//>`} columns=${[
    { name: "Account", cell: (row) => html`<button type="button" class="link" onClick=${() => show(row.name)}><bdi title=${row.name}>${row.name}</bdi></button><div class="dim small">${row.provider} · <bdi>${row.pools.join(", ")}</bdi></div><div class="narrow"><${Acts} of=${row} reload=${reload} /></div>`, sort: (row) => row.name },
    { name: "State", cell: (row) => html`<${State} of=${row.state} />${row.until && html` <span class="dim small">until <${Time} at=${row.until} />, <${Until} at=${row.until} /></span>`}${row.reason && html`<div class="dim small">${row.reason}</div>`}${row.models.map((model) => html`<div class="dim small"><bdi>${model.model}</bdi> ${model.state.replaceAll("_", " ")} until <${Time} at=${model.until} /></div>`)}`, sort: (row) => row.state },
    { name: "In flight", end: true, cell: (row) => html`<span class="num">${row.in_flight}${row.concurrency ? ` of ${row.concurrency}` : ""}</span>`, sort: (row) => row.in_flight },
    { name: "Priority", end: true, wide: true, cell: (row) => html`<span class="num">${row.priority}</span>`, sort: (row) => row.priority },
    { name: "Weight", end: true, wide: true, cell: (row) => html`<span class="num">${row.weight}</span>`, sort: (row) => row.weight },
    { name: "Last used", end: true, wide: true, cell: (row) => html`<${Time} at=${row.last_used} ago />`, sort: (row) => row.last_used },
    { name: "", end: true, wide: true, cell: (row) => html`<${Acts} of=${row} reload=${reload} />` },
  ]} />${pager}`;
}

/** What can be done in the list itself. */
function Acts({ of: account, reload }) {
  const [turn, turns, refused] = useAct(async () => { await ask("PATCH", path(account.name), { enabled: !account.enabled }); reload(); });
  const [recover, recovers, failed] = useAct(async () => { await ask("POST", path(account.name, "/recover")); reload(); });
  const troubled = account.enabled && (account.state !== "ready" || account.models.length > 0);
  return html`<div class="acts">${troubled && html`<button type="button" class="small-button" disabled=${recovers} onClick=${recover}>Recover</button> `}
    <button type="button" class="small-button" disabled=${turns} onClick=${turn}>${account.enabled ? "Disable" : "Enable"}</button>
    ${(refused || failed) && html`<div class="bad-text small" role="alert">${(refused ?? failed).message}</div>`}</div>`;
}

/** One account: its figures, its limits, a test, and what can be changed. */
function One({ name, close }) {
  const account = useGet(path(name), 3000);
  const limits = useGet(query("/admin/v1/limits", { of: "account", name }), 10000);
  return html`<${Dialog} title=${html`<bdi>${name}</bdi>`} close=${close}>
    <${Loaded} from=${account}>${(row) => html`<dl class="facts">
        <div><dt>State</dt><dd><${State} of=${row.state} /></dd></div>
        <div><dt>Since</dt><dd><${Time} at=${row.since} /></dd></div>
        <div><dt>Until</dt><dd><${Time} at=${row.until} /></dd></div>
        <div><dt>Provider</dt><dd>${row.provider}</dd></div>
        <div><dt>Pools</dt><dd><bdi>${row.pools.join(", ")}</bdi></dd></div>
        <div><dt>Last used</dt><dd><${Time} at=${row.last_used} /></dd></div>
      </dl>
      ${row.reason && html`<p class="dim">${row.reason}</p>`}
      ${limits.data?.data.length > 0 && html`<h3>Limits</h3>${limits.data.data.map((limit) => html`<${Limit} of=${limit} />`)}`}
      <${Test} name=${name} /><${Change} of=${row} done=${account.reload} />`}<//>
  <//>`;
}

function Test({ name }) {
  const [model, set] = useState("");
  const [told, tell] = useState(null);
  const [act, runs, error] = useAct(async (own) => { tell(await ask("POST", path(name, "/test"), model.trim() ? { model: model.trim() } : {})); sent(own); });
  const send = (event) => { event.preventDefault(); tell(null); act(event.currentTarget); };
  return html`<form class="filters" onSubmit=${send} onInput=${typed} aria-label="Test">
      <${Field} label="Test with one tiny request"><input name="model" placeholder="a model, or the account’s own" value=${model} onInput=${(event) => set(event.target.value)} /><//>
      <button disabled=${runs}>${runs ? "Testing…" : "Test"}</button>
    </form><${Problem} of=${error} />
    ${told && html`<p role="status" data-tested><span class=${`tag ${told.ok ? "good" : "bad"}`}>${told.ok ? "It answers" : "It does not"}</span> <span class="num dim">${told.status ?? "no status"} · ${span(told.latency_ms)} · <bdi>${told.model}</bdi></span>${told.error && html`<br /><bdi>${told.error}</bdi>`}</p>`}`;
}

/** What may be changed at run time. */
const NUMBERS = [["priority", "Priority", "lower is tried first"], ["weight", "Weight", "its share of the load"], ["concurrency", "Requests at once", "0: no bound"]];

function Change({ of: row, done }) {
  const [form, set] = useState({});
  const [act, runs, error] = useAct(async (changes, own) => { await ask("PATCH", path(row.name), changes); sent(own); set({}); done(); });
  const changes = Object.fromEntries(Object.entries(form).filter(([name, value]) => value !== "" && Number(value) !== row[name]).map(([name, value]) => [name, Number(value)]));
  const send = (event) => { event.preventDefault(); act(changes, event.currentTarget); };
  return html`<form class="form" onSubmit=${send} onInput=${typed}>
    ${error && !error.field && html`<${Problem} of=${error} />`}
    ${NUMBERS.map(([name, label, hint]) => html`<${Field} label=${label} hint=${hint} error=${error?.field === name ? error : null}><input type="number" min="0" name=${name} value=${form[name] ?? row[name]} onInput=${(event) => set({ ...form, [name]: event.target.value })} /><//>`)}
    <footer class="full"><button class="primary" disabled=${runs || !Object.keys(changes).length}>${runs ? "Changing…" : "Change"}</button></footer>
  </form>`;
}
