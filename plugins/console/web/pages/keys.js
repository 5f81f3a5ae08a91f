// Keys: made, limited, rotated and revoked; a secret is shown once.

import { html, useState } from "../vendor/preact.js";
import { ask, query, useAct, useGet } from "../api.js";
import { count } from "../format.js";
import { Copied, Dialog, Empty, Field, Find, Head, Limit, Loaded, Problem, Select, Table, Time, typed, usePaged } from "../parts.js";
import { Link, ask as address, useRoute } from "../route.js";
import { Limits, limitsOf, listOf, rowsOf } from "./limits.js";

const FAMILIES = ["claude", "gemini", "openai"];
const path = (id, verb = "") => `/admin/v1/keys/${encodeURIComponent(id)}${verb}`;

/** The page. */
export function Keys() {
  const { asked } = useRoute();
  const keys = useGet("/admin/v1/keys", 15000);
  const [open, show] = useState(null);
  const [makes, make] = useState(false);
  const [secret, tell] = useState(null);
  const find = asked.get("find") ?? "";
  return html`<${Head} title="Keys" about="What clients send. Only the hash of a secret is kept: it is shown once, when it is made.">
      <${Find} label="Find a key" value=${find} set=${(text) => address({ find: text })} />
      <button type="button" class="primary" onClick=${() => make(true)}>New key</button>
    <//>
    <section class="card" aria-label="Keys"><${Loaded} from=${keys} rows=${8}>${({ data }) => html`<${List} all=${data} find=${find} show=${show} />`}<//></section>
    ${makes && html`<${Dialog} title="New key" wide close=${() => make(false)}><${Form} cancel=${() => make(false)} done=${(key) => { make(false); tell(key); keys.reload(); }} /><//>`}
    ${open && html`<${One} id=${open} close=${() => { show(null); keys.reload(); }} told=${(key) => { show(null); tell(key); keys.reload(); }} />`}
    ${secret && html`<${Secret} of=${secret} close=${() => tell(null)} />`}`;
}

function List({ all, find, show }) {
  const words = find.toLowerCase();
  const fits = all.filter((key) => [key.name, key.id, key.group ?? "", key.user ?? "", ...key.tags].some((text) => text.toLowerCase().includes(words)));
  const [rows, pager] = usePaged(fits);
  if (!all.length) return html`<${Empty} title="There are no keys">Nobody can use this gateway yet. Make the first key with <b>New key</b>, or add <code>[[keys]]</code> to the configuration.<//>`;
  return html`<${Table} label="Keys" rows=${rows} id=${(row) => row.id} empty=${html`<${Empty} title="No key is called so">${count(all.length)} keys have other names, groups, users and tags.<//>`} columns=${[
    { name: "Key", cell: (row) => html`<button type="button" class="link" onClick=${() => show(row.id)}><bdi title=${row.name}>${row.name}</bdi></button>${row.not_in_force && html`<div class="bad-text small">${row.not_in_force}</div>`}`, sort: (row) => row.name },
    { name: "Group", cell: (row) => (row.group ? html`<bdi title=${row.group}>${row.group}</bdi>` : html`<span class="dim">none</span>`), sort: (row) => row.group },
    { name: "User", wide: true, cell: (row) => (row.user ? html`<bdi title=${row.user}>${row.user}</bdi>` : html`<span class="dim">none</span>`), sort: (row) => row.user },
    { name: "Tags", wide: true, cell: (row) => row.tags.map((tag) => html`<span class="tag"><bdi>${tag}</bdi></span> `) },
    { name: "Limits", end: true, cell: (row) => html`<span class="num">${row.limits.length}</span>`, sort: (row) => row.limits.length },
    { name: "Expires", wide: true, cell: (row) => (row.expires ? html`<${Time} at=${row.expires} />` : html`<span class="dim">never</span>`), sort: (row) => row.expires },
    { name: "Last used", wide: true, cell: (row) => html`<${Time} at=${row.last_used} ago />`, sort: (row) => row.last_used },
    { name: "From", end: true, cell: (row) => html`<span class="tag">${row.source === "config" ? "file" : "console or API"}</span>`, sort: (row) => row.source },
  ]} />${pager}`;
}

/** One key: how full it is, and what can be done with it. */
function One({ id, close, told }) {
  const key = useGet(path(id));
  const [changes, change] = useState(false);
  const [sure, ask_] = useState(null);
  const [rotate, rotates, refused] = useAct(async () => told(await ask("POST", path(id, "/rotate"))));
  const [revoke, revokes, failed] = useAct(async () => { await ask("DELETE", path(id)); close(); });
  return html`<${Dialog} title=${html`<bdi>${key.data?.name ?? id}</bdi>`} wide close=${close}>
    <${Loaded} from=${key}>${(row) => (changes
      ? html`<${Form} of=${row} cancel=${() => change(false)} done=${() => { change(false); key.reload(); }} />`
      : html`
      <dl class="facts">
        <div><dt>Id</dt><dd><code>${row.id}</code></dd></div>
        <div><dt>Group</dt><dd><bdi>${row.group ?? "none"}</bdi></dd></div>
        <div><dt>User</dt><dd><bdi>${row.user ?? "none"}</bdi></dd></div>
        <div><dt>APIs</dt><dd>${row.allow.join(", ")}</dd></div>
        <div><dt>Models</dt><dd><bdi>${row.models.join(", ") || "all"}</bdi></dd></div>
        <div><dt>Requests at once</dt><dd class="num">${row.concurrency || "no bound"}${row.queue && html`, ${row.queue.size} may wait ${row.queue.wait}`}</dd></div>
        <div><dt>Expires</dt><dd>${row.expires ? html`<${Time} at=${row.expires} />` : "never"}</dd></div>
        <div><dt>Last used</dt><dd><${Time} at=${row.last_used} /></dd></div>
        <div><dt>Mode</dt><dd>${row.mode}</dd></div>
      </dl>
      <${Filled} name=${row.name} group=${row.group} />
      <${Problem} of=${refused ?? failed} />
      ${row.source === "config"
        ? html`<p class="dim" data-file>This key stands in the configuration file, which alone can change it. Change it there, and <${Link} to="/console/configuration">reload<//>.</p>
          <footer><${Link} to=${query("/console/usage", { key: row.name, group_by: "model" })} class="button">Usage<//><${Link} to=${query("/console/requests", { key: row.name })} class="button">Requests<//></footer>`
        : sure
        ? html`<div class="problem" role="alert"><b>${sure === "revoke" ? "Revoke this key?" : "Rotate this key’s secret?"}</b><p>${sure === "revoke" ? "It stops at once and can not be brought back. Its records stay." : "The old secret stops at once. The new one is shown once."}</p></div>
          <footer><button type="button" onClick=${() => ask_(null)}>Keep it</button><button type="button" class="danger" disabled=${rotates || revokes} onClick=${sure === "revoke" ? revoke : rotate}>${sure === "revoke" ? "Revoke" : "Rotate"}</button></footer>`
        : html`<footer>
          <${Link} to=${query("/console/usage", { key: row.name, group_by: "model" })} class="button">Usage<//><${Link} to=${query("/console/requests", { key: row.name })} class="button">Requests<//>
          <button type="button" onClick=${() => change(true)}>Change</button><button type="button" onClick=${() => ask_("rotate")}>Rotate</button><button type="button" class="danger" onClick=${() => ask_("revoke")}>Revoke</button></footer>`}`)}<//>
  <//>`;
}

/** How full a key's limits are, and its group's. */
function Filled({ name, group }) {
  const own = useGet(query("/admin/v1/limits", { of: "key", name }), 5000);
  const shared = useGet(group ? query("/admin/v1/limits", { of: "group", name: group }) : null, 5000);
  const all = [...(own.data?.data ?? []), ...(shared.data?.data ?? [])];
  if (own.error) return html`<${Problem} of=${own.error} />`;
  if (!all.length) return html`<p class="dim">${own.data ? "It has no limits." : ""}</p>`;
  return html`<section class="filled"><h3>Limits</h3>${all.map((limit) => html`<${Limit} of=${limit} name=${limit.of === "group" ? limit.name : null} />`)}</section>`;
}

/** A form of a key's fields: of a new one, or of one that is changed, of which only what differs is sent. */
function Form({ of: row, cancel, done }) {
  const groups = useGet("/admin/v1/groups");
  const [more, extend] = useState(false);
  const [form, set] = useState(() => ({
    name: row?.name ?? "", group: row?.group ?? "", user: row?.user ?? "", tags: (row?.tags ?? []).join(", "), allow: row?.allow ?? FAMILIES,
    models: (row?.models ?? []).join(", "), pools: (row?.pools ?? []).join(", "), accounts: (row?.accounts ?? []).join(", "), expires: row?.expires ?? "",
    concurrency: String(row?.concurrency ?? 0), queue_size: row?.queue?.size ?? "", queue_wait: row?.queue?.wait ?? "", max_output_tokens: row?.max_output_tokens ?? "", mode: row?.mode ?? "soft", limits: rowsOf(row?.limits ?? []),
  }));
  const fields = () => ({
    name: form.name.trim(), group: form.group || null, user: form.user.trim() || null, tags: listOf(form.tags), allow: form.allow, models: listOf(form.models), pools: listOf(form.pools), accounts: listOf(form.accounts),
    expires: form.expires.trim() || null, concurrency: Number(form.concurrency) || 0, queue: form.queue_size === "" ? null : { size: Number(form.queue_size), ...(form.queue_wait.trim() ? { wait: form.queue_wait.trim() } : {}) }, max_output_tokens: form.max_output_tokens === "" ? null : Number(form.max_output_tokens), mode: form.mode, limits: limitsOf(form.limits),
  });
  const [act, runs, error] = useAct(async () => {
    const now = fields();
    if (!row) {
      const given = Object.fromEntries(Object.entries(now).filter(([name, value]) => name === "allow" || (value !== null && !(Array.isArray(value) && !value.length))));
      return done(await ask("POST", "/admin/v1/keys", given));
    }
    const before = { ...row, limits: limitsOf(rowsOf(row.limits)) };
    const changed = Object.fromEntries(Object.entries(now).filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(before[name] ?? null)));
    return done(await ask("PATCH", path(row.id), changed));
  });
  const send = (event) => { event.preventDefault(); act(); };
  const input = (name, more = {}) => html`<input name=${name} value=${form[name]} onInput=${(event) => set({ ...form, [name]: event.target.value })} ...${more} />`;
  const wrong = (name) => (error?.field === name || error?.field?.startsWith(`${name}[`) ? error : null);
  const allow = (family) => set({ ...form, allow: form.allow.includes(family) ? form.allow.filter((one) => one !== family) : FAMILIES.filter((one) => one === family || form.allow.includes(one)) });
  return html`<form class="form" onSubmit=${send} onInput=${typed}>
    <${Problem} of=${error} />
    <${Field} label="Name" error=${wrong("name")}>${input("name", { required: true, maxlength: 256, autocomplete: "off" })}<//>
    <${Field} label="Group" hint="Its limits bind all its keys together." error=${wrong("group")}><${Select} name="group" options=${[["", "none"], ...(groups.data?.data ?? []).map((group) => [group.name, group.name])]} value=${form.group} set=${(group) => set({ ...form, group })} /><//>
    <${Field} label="User" hint="A label to ask usage by." error=${wrong("user")}>${input("user")}<//>
    <${Field} label="Tags" hint="With commas between." error=${wrong("tags")}>${input("tags")}<//>
    <${Limits} rows=${form.limits} set=${(limits) => set({ ...form, limits })} />
    <${Field} label="Requests at once" hint="0: no bound" error=${wrong("concurrency")}>${input("concurrency", { type: "number", min: 0 })}<//>
    <${Field} label="Wait in line" hint="How many requests, instead of being refused; empty: none" error=${error?.field === "queue" ? error : wrong("queue.size")}>${input("queue_size", { type: "number", min: 1 })}<//>
    <${Field} label="Wait at most" hint="Like 30s" error=${wrong("queue.wait")}>${input("queue_wait")}<//>
    <${Field} label="Expires" hint="RFC 3339, like 2027-01-01T00:00:00Z; empty: never" error=${wrong("expires")}>${input("expires", { placeholder: "never" })}<//>
    <details class="full" onToggle=${(event) => extend(event.currentTarget.open)}><summary>More: APIs, models, pools, accounts, mode</summary>${more && html`<div class="form">
      <fieldset class="full"><legend>APIs</legend>${wrong("allow") && html`<small class="bad-text" role="alert">${error.message}</small> `}${FAMILIES.map((family) => html`<label class="check"><input type="checkbox" checked=${form.allow.includes(family)} onChange=${() => allow(family)} />${family}</label>`)}</fieldset>
      <${Field} label="Models" hint="Globs with commas between; ! leaves out; empty: all" error=${wrong("models")}>${input("models", { placeholder: "claude-*, !claude-opus-*" })}<//>
      <${Field} label="Most output tokens" hint="Empty: as the client asks" error=${wrong("max_output_tokens")}>${input("max_output_tokens", { type: "number", min: 1 })}<//>
      <${Field} label="Bound to pools" error=${wrong("pools")}>${input("pools")}<//>
      <${Field} label="Bound to accounts" error=${wrong("accounts")}>${input("accounts")}<//>
      <${Field} label="Mode" hint="soft: refuse once a limit is reached; hard: reserve the worst case, never exceed"><${Select} name="mode" options=${[["soft", "soft"], ["hard", "hard"]]} value=${form.mode} set=${(mode) => set({ ...form, mode })} /><//>
    </div>`}</details>
    <footer><button type="button" onClick=${cancel}>Cancel</button><button class="primary" disabled=${runs}>${row ? (runs ? "Changing…" : "Change") : runs ? "Making…" : "Make the key"}</button></footer>
  </form>`;
}

/** A secret, this once. */
function Secret({ of: key, close }) {
  return html`<${Dialog} title="The key’s secret" keeps="The secret is shown this once, and then never again." close=${close}>
    <p>This is the only time that it is shown: give it to the holder of <b><bdi>${key.name}</bdi></b> now. Only its hash is kept.</p>
    <div class="secret"><code data-secret>${key.key}</code><${Copied} text=${key.key} /></div>
    <p class="dim small">Its holder finds limits, usage and ready settings at <code>${location.origin}/my</code>.</p>
    <footer><button type="button" class="primary" onClick=${close}>I have it</button></footer>
  <//>`;
}
