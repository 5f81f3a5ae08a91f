// What models cost by the list in force, rate by rate.

import { html, useState } from "../vendor/preact.js";
import { query, useGet } from "../api.js";
import { Choice, Empty, Head, Loaded, Table, Time } from "../parts.js";
import { ask, useRoute } from "../route.js";
import { count } from "../format.js";

/** The page. */
export function Prices() {
  const { asked } = useRoute();
  const model = asked.get("model") ?? "";
  const [text, set] = useState(model);
  const [cursors, turn] = useState([]);
  const cursor = model ? null : cursors.at(-1);
  const prices = useGet(query("/admin/v1/prices", { model, cursor, limit: model ? undefined : 50 }));
  const send = (event) => { event.preventDefault(); turn([]); ask({ model: text.trim() }); };
  return html`<${Head} title="Prices" about="US dollars for a million tokens, or for one of what is billed by the call. A rate that the list does not have says by which rule it is billed.">
      <form class="filters" onSubmit=${send}><label class="find"><span class="hidden">A model’s price</span><input type="search" placeholder="A model, as upstream is asked for it" value=${text} onInput=${(event) => set(event.target.value)} data-find /></label><button>Look up</button></form>
    <//>
    <${Loaded} from=${prices} rows=${10}>${({ data, next_cursor }) => (data.length
      ? html`${model && html`<p class="dim small"><bdi>${model}</bdi> is priced by <b><bdi>${data[0].entry}</bdi></b>: ${data[0].rule}. <button type="button" class="link" onClick=${() => { set(""); ask({ model: "" }); }}>All prices</button></p>`}
        ${model ? html`<${Whole} of=${data[0]} />` : html`<section class="card" aria-label="Prices"><header><h2>${data[0].list}</h2></header><${List} rows=${data} pick=${(name) => { set(name); ask({ model: name }); }} />
        <nav class="pager" aria-label="Pages of this list"><button type="button" disabled=${!cursors.length} onClick=${() => turn(cursors.slice(0, -1))}>Earlier</button><button type="button" disabled=${!next_cursor} onClick=${() => turn([...cursors, next_cursor])}>Later</button></nav></section>`}`
      : html`<section class="card"><${Empty} title="The list is empty">Lay a price file over the built-in list with <code>cost.files</code>.<//></section>`)}<//>`;
}

const CLASSES = ["input", "output", "cache_read", "cache_write_5m", "cache_write_1h"];
const rate = (row, name) => row.rates.find((one) => one.class === name && one.tier === "standard" && one.above === null && one.hours === null);

function Rate({ of: one }) {
  if (!one) return html`<span class="dim">–</span>`;
  return html`<span class=${one.source === "listed" ? "num" : "num dim"} title=${one.source === "listed" ? "as listed" : `by rule: ${one.source.rule}`}>$${one.price}</span>`;
}

const List = ({ rows, pick }) => html`<${Table} label="Prices" rows=${rows} id=${(row) => row.entry} columns=${[
  { name: "Model", cell: (row) => html`<button type="button" class="link" onClick=${() => pick(row.entry)}><bdi>${row.entry}</bdi></button>` },
  ...CLASSES.map((name) => ({ name: name.replaceAll("_", " "), end: true, wide: name.startsWith("cache_w"), cell: (row) => html`<${Rate} of=${rate(row, name)} />` })),
  { name: "Most input", end: true, wide: true, cell: (row) => html`<span class="num">${count(row.max_input_tokens)}</span>` },
]} />`;

const Whole = ({ of: row }) => html`<section class="card" aria-label="Rates"><header><h2><bdi>${row.entry}</bdi></h2><span class="dim small">${row.list} · <code title=${row.hash}>${row.hash.slice(0, 19)}</code>${row.effective_from && html` · from <${Time} at=${row.effective_from} />`}${row.effective_until && html` · until <${Time} at=${row.effective_until} />`}</span></header>
  <${Table} label="Rates" rows=${row.rates} columns=${[
    { name: "Class", cell: (one) => one.class.replaceAll("_", " ") }, { name: "Tier", cell: (one) => one.tier },
    { name: "Above", end: true, cell: (one) => html`<span class="num">${one.above === null ? "" : count(one.above)}</span>` }, { name: "Hours", wide: true, cell: (one) => one.hours ?? "" },
    { name: "Price", end: true, cell: (one) => html`<span class="num">$${one.price}</span>` }, { name: "For", wide: true, cell: (one) => (one.unit === "each" ? "each" : "a million tokens") },
    { name: "From", cell: (one) => (one.source === "listed" ? "listed" : html`<span class="dim">by rule: ${one.source.rule}</span>`) },
  ]} />${Object.keys(row.multipliers).length > 0 && html`<p class="dim small">Multipliers: ${Object.entries(row.multipliers).map(([name, by]) => `${name} × ${by}`).join(", ")}</p>`}</section>`;
