// What is linked into this gateway, with the settings of each.

import { html, useState } from "../vendor/preact.js";
import { useGet } from "../api.js";
import { Find, Head, Loaded, Table } from "../parts.js";

/** The page. */
export function Plugins() {
  const plugins = useGet("/admin/v1/plugins");
  const [find, set] = useState("");
  return html`<${Head} title="Plugins" about="Everything that this gateway is made of beside its core. Configuration selects them by kind."><${Find} label="Find a plugin" value=${find} set=${set} /><//>
    <${Loaded} from=${plugins} rows=${10}>${({ data }) => {
      const fits = data.filter((one) => `${one.role} ${one.kind} ${one.summary}`.toLowerCase().includes(find.toLowerCase()));
      const roles = [...new Set(fits.map((one) => one.role))];
      return html`<div class="stack">${roles.map((role) => html`<section class="card" aria-label=${`${role}s`}><header><h2>${role[0].toUpperCase()}${role.slice(1)}s</h2></header>
        ${fits.filter((one) => one.role === role).map((one) => html`<${One} of=${one} />`)}</section>`)}</div>`;
    }}<//>`;
}

function One({ of: plugin }) {
  const required = new Set(plugin.settings.required ?? []);
  const settings = Object.entries(plugin.settings.properties ?? {});
  const type = (one) => one.$ref?.split("/").pop() ?? [one.type].flat().filter((kind) => kind !== "null").join(" or ") ?? one.oneOf?.map((kind) => kind.$ref?.split("/").pop() ?? kind.type).filter((kind) => kind !== "null").join(" or ");
  return html`<details class="plugin"><summary><b>${plugin.kind}</b> <span class="dim">${plugin.summary} · ${plugin.origin}</span></summary>
    ${settings.length ? html`<${Table} label=${`Settings of ${plugin.kind}`} rows=${settings} columns=${[
      { name: "Setting", cell: ([name]) => html`<code>${name}</code>${required.has(name) && html` <span class="tag">required</span>`}` },
      { name: "Type", wide: true, cell: ([, one]) => type(one) || (one.oneOf ?? one.anyOf ?? []).map((kind) => kind.$ref?.split("/").pop() ?? kind.type).filter((kind) => kind !== "null").join(" or ") },
      { name: "Default", wide: true, cell: ([, one]) => (one.default === undefined || one.default === null ? "" : html`<code>${JSON.stringify(one.default)}</code>`) },
      { name: "What", cell: ([, one]) => one.description ?? (one.oneOf ?? []).find((kind) => kind.description)?.description ?? "" },
    ]} />` : html`<p class="dim">It has no settings.</p>`}</details>`;
}
