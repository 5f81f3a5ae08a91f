// Groups: teams and customers, whose limits bind all their keys together.

import { html, useState } from "../vendor/preact.js";
import { ask, query, useAct, useGet } from "../api.js";
import { Dialog, Empty, Field, Head, Limit, Loaded, Problem, Table, Time, typed, usePaged } from "../parts.js";
import { Link } from "../route.js";
import { Limits, limitsOf, rowsOf } from "./limits.js";

const path = (name) => `/admin/v1/groups/${encodeURIComponent(name)}`;

/** The page. */
export function Groups() {
  const groups = useGet("/admin/v1/groups", 15000);
  const [open, show] = useState(null);
  const [makes, make] = useState(false);
  return html`<${Head} title="Groups" about="A team or a customer. The limits of a group bind all its keys together."><button type="button" class="primary" onClick=${() => make(true)}>New group</button><//>
    <section class="card" aria-label="Groups"><${Loaded} from=${groups} rows=${5}>${({ data }) => html`<${List} all=${data} show=${show} />`}<//></section>
    ${makes && html`<${Dialog} title="New group" wide close=${() => make(false)}><${Form} cancel=${() => make(false)} done=${() => { make(false); groups.reload(); }} /><//>`}
    ${open && html`<${One} name=${open} close=${() => { show(null); groups.reload(); }} />`}`;
}

function List({ all, show }) {
  const [rows, pager] = usePaged(all);
  if (!all.length) return html`<${Empty} title="There are no groups">A group gives a team one budget over all its keys. Make one with <b>New group</b>.<//>`;
  return html`<${Table} label="Groups" rows=${rows} id=${(row) => row.name} columns=${[
    { name: "Group", cell: (row) => html`<button type="button" class="link" onClick=${() => show(row.name)}><bdi title=${row.name}>${row.name}</bdi></button>${row.not_in_force && html`<div class="bad-text small">${row.not_in_force}</div>`}`, sort: (row) => row.name },
    { name: "Limits", end: true, cell: (row) => html`<span class="num">${row.limits.length}</span>`, sort: (row) => row.limits.length },
    { name: "Requests at once", end: true, cell: (row) => html`<span class="num">${row.concurrency || "no bound"}</span>`, sort: (row) => row.concurrency },
    { name: "Made", wide: true, cell: (row) => html`<${Time} at=${row.created} />` },
    { name: "From", end: true, cell: (row) => html`<span class="tag">${row.source === "config" ? "file" : "console or API"}</span>` },
  ]} />${pager}`;
}

function One({ name, close }) {
  const group = useGet(path(name));
  const limits = useGet(query("/admin/v1/limits", { of: "group", name }), 5000);
  const [changes, change] = useState(false);
  const [sure, ask_] = useState(false);
  const [remove, removes, error] = useAct(async () => { await ask("DELETE", path(name)); close(); });
  return html`<${Dialog} title=${html`<bdi>${name}</bdi>`} wide close=${close}><${Loaded} from=${group}>${(row) => (changes
    ? html`<${Form} of=${row} cancel=${() => change(false)} done=${() => { change(false); group.reload(); limits.reload(); }} />`
    : html`${limits.data?.data.length ? limits.data.data.map((limit) => html`<${Limit} of=${limit} />`) : html`<p class="dim">It has no limits.</p>`}
      <${Problem} of=${error} />
      ${row.source === "config" && html`<p class="dim" data-file>This group stands in the configuration file, which alone can change it. Change it there, and <${Link} to="/console/configuration">reload<//>.</p>`}
      <footer><${Link} to=${query("/console/usage", { group: row.name, group_by: "key" })} class="button">Usage<//><${Link} to=${query("/console/keys", { find: row.name })} class="button">Keys<//>
      ${row.source !== "config" && html`<button type="button" onClick=${() => change(true)}>Change</button>${sure ? html`<button type="button" class="danger" disabled=${removes} onClick=${remove}>Really delete</button>` : html`<button type="button" class="danger" onClick=${() => ask_(true)}>Delete</button>`}`}</footer>`)}<//>
  <//>`;
}

function Form({ of: row, cancel, done }) {
  const [form, set] = useState(() => ({ name: row?.name ?? "", concurrency: String(row?.concurrency ?? 0), max_output_tokens: row?.max_output_tokens ?? "", limits: rowsOf(row?.limits ?? []) }));
  const [act, runs, error] = useAct(async () => {
    const fields = { concurrency: Number(form.concurrency) || 0, limits: limitsOf(form.limits), ...(form.max_output_tokens === "" ? (row ? { max_output_tokens: null } : {}) : { max_output_tokens: Number(form.max_output_tokens) }) };
    await (row ? ask("PATCH", path(row.name), fields) : ask("POST", "/admin/v1/groups", { name: form.name.trim(), ...fields }));
    done();
  });
  const send = (event) => { event.preventDefault(); act(); };
  const input = (name, more) => html`<input name=${name} value=${form[name]} onInput=${(event) => set({ ...form, [name]: event.target.value })} ...${more} />`;
  return html`<form class="form" onSubmit=${send} onInput=${typed}><${Problem} of=${error} />
    ${!row && html`<${Field} label="Name">${input("name", { required: true, maxlength: 256 })}<//>`}
    <${Field} label="Requests at once" hint="0: no bound">${input("concurrency", { type: "number", min: 0 })}<//>
    <${Field} label="Most output tokens" hint="Empty: as the client asks">${input("max_output_tokens", { type: "number", min: 1 })}<//>
    <${Limits} rows=${form.limits} set=${(limits) => set({ ...form, limits })} />
    <footer><button type="button" onClick=${cancel}>Cancel</button><button class="primary" disabled=${runs}>${row ? "Change" : "Make the group"}</button></footer></form>`;
}
