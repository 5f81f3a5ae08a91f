// The configuration in force: each value with where it came from; and reading it again.

import { html, useState } from "../vendor/preact.js";
import { ask, useAct, useGet } from "../api.js";
import { Empty, Find, Head, Loaded, Problem } from "../parts.js";

/** The page. */
export function Configuration() {
  const config = useGet("/admin/v1/config");
  const [find, set] = useState("");
  const [done, tell] = useState(false);
  const [reload, runs, error] = useAct(async (force) => {
    tell(false);
    await ask("POST", force ? "/admin/v1/reload?force=true" : "/admin/v1/reload");
    tell(true);
    config.reload();
  });
  const lost = error && error.problems.some((one) => /force|leaves no|is gone|is empty/.test(one.message));
  return html`<${Head} title="Configuration" about="What was written, as it is in force; defaults are not listed. Secrets are never shown.">
      <${Find} label="Find a setting" value=${find} set=${set} />
      <button type="button" class="primary" disabled=${runs} onClick=${() => reload(false)}>${runs ? "Reading…" : "Reload"}</button>
    <//>
    ${error && html`<div data-problems><${Problems} of=${error} />${lost && html`<p><button type="button" class="danger" onClick=${() => reload(true)}>It is meant: reload all the same</button></p>`}</div>`}
    ${done && html`<p class="done" role="status"><span class="tag good">Reloaded</span> What was read is in force.</p>`}
    <${Loaded} from=${config} rows=${12}>${(tables) => {
      const names = Object.keys(tables);
      if (!names.length) return html`<section class="card"><${Empty} title="Nothing is configured">All is as it is by default. See the reference of settings, and write a <code>sluice.toml</code>.<//></section>`;
      return html`<div class="stack">${names.map((name) => html`<${Section} name=${name} value=${tables[name]} find=${find.toLowerCase()} />`)}</div>`;
    }}<//>`;
}

/** Every problem with its place: the configuration in force stays. */
function Problems({ of: error }) {
  if (!error.problems?.length) return html`<${Problem} of=${error} />`;
  return html`<div class="problem" role="alert"><b>Not reloaded: ${error.problems.length === 1 ? "one problem" : `${error.problems.length} problems`}. What was in force stays.</b>
    <ul>${error.problems.map((one) => html`<li><code>${one.path}</code> ${one.message}${one.found && html`, found ${one.found}`}${one.allowed && html`; allowed: ${one.allowed}`}${one.nearest && html`; nearest: <code>${one.nearest}</code>`} <span class="dim small">${one.file}${one.line ? `, line ${one.line}` : ""}</span></li>`)}</ul></div>`;
}

const isValue = (value) => value !== null && typeof value === "object" && "value" in value && "from" in value && Object.keys(value).length === 2;

/** The values of a table, each by its path. */
function values(value, path = "") {
  if (isValue(value)) return [[path, value]];
  if (Array.isArray(value)) {
    if (value.every(isValue) && value.length) return [[path, { value: value.map((one) => one.value), from: [...new Set(value.map((one) => one.from))].join(", ") }]];
    return value.flatMap((one, at) => values(one, `${path}[${at}]`));
  }
  if (value !== null && typeof value === "object") return Object.entries(value).flatMap(([key, one]) => values(one, path ? `${path}.${key}` : key));
  return [[path, { value, from: "" }]];
}

function Section({ name, value, find }) {
  const entries = Array.isArray(value) ? value : [value];
  const shown = entries.map((entry) => [entry, values(entry).filter(([path, one]) => `${name}.${path} ${JSON.stringify(one.value)}`.toLowerCase().includes(find))]).filter(([, rows]) => rows.length);
  const [all, more] = useState(false);
  if (!shown.length) return null;
  const some = all ? shown : shown.slice(0, 20);
  return html`<section class="card" aria-label=${name}><header><h2><code>${Array.isArray(value) ? `[[${name}]]` : `[${name}]`}</code></h2>${Array.isArray(value) && html`<span class="dim small">${shown.length}</span>`}</header>
    ${some.map(([entry, rows]) => html`<div class="config-entry">${entry.name?.value && html`<h3><bdi>${entry.name.value}</bdi></h3>`}${rows.filter(([path]) => path !== "name" || !entry.name?.value).map(([path, one]) => html`<div class="config-row"><code>${path}</code><span class="mono"><bdi>${one.value === "***" ? html`<span class="dim">a secret</span>` : typeof one.value === "string" ? one.value : JSON.stringify(one.value)}</bdi></span><span class="dim small">${one.from}</span></div>`)}</div>`)}
    ${!all && shown.length > some.length && html`<button type="button" class="small-button" onClick=${() => more(true)}>Show ${shown.length - some.length} more</button>`}</section>`;
}
