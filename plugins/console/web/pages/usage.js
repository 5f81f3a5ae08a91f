// Usage by any grouping, bucket and filter of the API: a table with sums, a plot, and an address to share.

import { html, useState } from "../vendor/preact.js";
import { query, useGet } from "../api.js";
import { count, day, dollars, tokens, units } from "../format.js";
import { Choice, Count, Empty, Head, Loaded, Money, Select, Problem, Table, Time, sent, typed, usePaged } from "../parts.js";
import { MEASURES, Plot } from "../plot.js";
import { Link, ask } from "../route.js";
import { useRoute } from "../route.js";
import { useZone } from "./overview.js";

const FIELDS = ["key", "group", "user", "tag", "model", "account", "provider", "api"];
const BUCKETS = [["", "Whole"], ["hour", "Hour"], ["day", "Day"], ["month", "Month"]];
const RANGES = [["1", "Today"], ["7", "7 days"], ["30", "30 days"], ["90", "90 days"]];
const NUMBERS = [["requests", "Requests"], ["errors", "Errors"], ["input_tokens", "Input"], ["output_tokens", "Output"], ["cache_read_tokens", "Cache read"], ["cache_write_tokens", "Cache write"], ["reasoning_tokens", "Reasoning"], ["unpriced_requests", "Unpriced"]];
const WIDE = new Set(["reasoning_tokens", "unpriced_requests", "cache_write_tokens", "errors"]);

/** A word at the beginning of a heading. */
const cased = (word) => word[0].toUpperCase() + word.slice(1);

/** The page. */
export function Usage() {
  const { asked } = useRoute();
  const { zone, error } = useZone();
  const [measure, setMeasure] = useState("cost");
  if (!zone) return html`<${Head} title="Usage" /><${Problem} of=${error} />`;
  const groups = (asked.get("group_by") ?? "model").split(",").filter((name) => FIELDS.includes(name));
  const bucket = asked.has("bucket") ? asked.get("bucket") : "day";
  const from = asked.get("from") ?? day(zone, -6);
  const filters = FIELDS.flatMap((name) => asked.getAll(name).map((value) => [name, value]));
  const path = query("/admin/v1/usage", { from, to: asked.get("to"), bucket: bucket === "whole" ? "" : bucket, group_by: groups.join(","), ...Object.fromEntries(FIELDS.map((name) => [name, asked.getAll(name)])) });
  const usage = useGet(path);
  const turn = (name) => ask({ group_by: (groups.includes(name) ? groups.filter((one) => one !== name) : [...groups, name]).join(",") || "none" });
  return html`<${Head} title="Usage" about="Sums of the records, exact to the last digit. The address of this page is a link to what you see.">
      <${Choice} label="Time" options=${RANGES} value=${RANGES.find(([days]) => !asked.get("to") && from === day(zone, 1 - Number(days)))?.[0]} set=${(days) => ask({ from: day(zone, 1 - Number(days)), to: "" })} />
    <//>
    <div class="stack">
    <section class="card" aria-label="What is asked">
      <div class="filters">
        <label class="field"><span>From</span><input type="date" value=${from.slice(0, 10)} onChange=${(event) => ask({ from: event.target.value })} /></label>
        <label class="field"><span>Until, not included</span><input type="date" value=${(asked.get("to") ?? "").slice(0, 10)} onChange=${(event) => ask({ to: event.target.value })} /></label>
        <div class="field"><span>Bucket</span><${Choice} label="Bucket" options=${BUCKETS.map(([key, name]) => [key || "whole", name])} value=${bucket || "whole"} set=${(value) => ask({ bucket: value })} /></div>
        <${Filter} />
      </div>
      <div class="filters"><span class="dim small">Grouped by</span><div class="choice" role="group" aria-label="Grouped by">${FIELDS.map((name) => html`<button type="button" aria-pressed=${groups.includes(name) ? "true" : "false"} onClick=${() => turn(name)}>${name}</button>`)}</div></div>
      ${filters.length > 0 && html`<div class="filters" aria-label="Filters">${filters.map(([name, value]) => html`<button type="button" class="small-button" aria-label=${`Leave out the filter ${name} ${value}`} onClick=${() => ask({ [name]: asked.getAll(name).filter((one) => one !== value) })}>${name}: <bdi>${value}</bdi> ✕</button>`)}</div>`}
    </section>
    <${Loaded} from=${usage.stale ? { data: null, error: null } : usage} rows=${10}>${({ data }) => html`<${Told} rows=${data} groups=${groups} bucket=${bucket} zone=${zone} measure=${measure} setMeasure=${setMeasure} />`}<//>
    </div>`;
}

/** Adds a filter by a field and a value. */
function Filter() {
  const [name, setName] = useState("model");
  const [value, setValue] = useState("");
  const send = (event) => {
    event.preventDefault();
    if (!value.trim()) return;
    ask({ [name]: [...new URLSearchParams(location.search).getAll(name), value.trim()] });
    setValue("");
    sent(event.currentTarget);
  };
  return html`<form class="filters" onSubmit=${send} onInput=${typed}>
    <label class="field"><span>Only</span><${Select} options=${FIELDS.map((one) => [one, one])} value=${name} set=${setName} /></label>
    <label class="field"><span>is</span><input value=${value} onInput=${(event) => setValue(event.target.value)} data-find /></label>
    <button>Add</button>
  </form>`;
}

function Told({ rows, groups, bucket, zone, measure, setMeasure }) {
  const bucketed = bucket && bucket !== "whole";
  const sorted = bucketed ? [...rows].sort((one, other) => (one.bucket < other.bucket ? 1 : one.bucket > other.bucket ? -1 : 0)) : [...rows].sort((one, other) => Number(units(other.cost) > units(one.cost)) * 2 - 1);
  const [shown, pager] = usePaged(sorted, 100);
  if (!rows.length) return html`<section class="card"><${Empty} title="Nothing was used">No request of this time fits. Widen the time, or leave out a filter.<//></section>`;
  // Rows by tag overlap, so that their sum would count a request for each of its tags.
  const overlap = groups.includes("tag");
  const sum = (name) => rows.reduce((all, row) => all + BigInt(row[name]), 0n);
  const columns = [
    ...(bucketed ? [{ name: cased(bucket), cell: (row) => (bucket === "hour" ? html`<${Time} at=${row.bucket} />` : html`<span class="num" title=${row.bucket}>${new Intl.DateTimeFormat(undefined, { timeZone: zone, year: "numeric", month: "short", ...(bucket === "day" ? { day: "numeric" } : {}) }).format(new Date(row.bucket))}</span>`), sort: (row) => row.bucket }] : []),
    ...groups.map((name) => ({ name: name === "api" ? "API" : cased(name), cell: (row) => (row[name] === null ? html`<span class="dim">none</span>` : html`<bdi title=${row[name]}>${row[name]}</bdi>`), sort: (row) => row[name] })),
    { name: "Cost", end: true, cell: (row) => html`<${Money} of=${row.cost} />`, sort: (row) => units(row.cost) },
    ...NUMBERS.map(([name, label]) => ({ name: label, end: true, wide: WIDE.has(name), cell: (row) => html`<${Count} of=${row[name]} />`, sort: (row) => row[name] })),
  ];
  const lead = (bucketed ? 1 : 0) + groups.length;
  const foot = overlap ? null : [...(lead ? ["Sum"] : []), ...Array.from({ length: Math.max(0, lead - 1) }, () => ""), html`<${Money} of=${dollars(rows.reduce((all, row) => all + units(row.cost), 0n))} />`, ...NUMBERS.map(([name]) => html`<${Count} of=${sum(name)} />`)];
  return html`${bucketed && html`<section class="card" aria-label="Plot"><header><h2>${MEASURES[measure].name}${groups[0] ? ` by ${groups[0]}` : ""}</h2>
      <${Choice} label="What" options=${Object.entries(MEASURES).map(([key, { name }]) => [key, name])} value=${measure} set=${setMeasure} /></header>
      <${Plot} rows=${rows} group=${groups[0]} measure=${measure} bucket=${bucket} zone=${zone} label=${MEASURES[measure].name} /></section>`}
    <section class="card" aria-label="Rows"><header><h2>${count(rows.length)} rows</h2><button type="button" onClick=${() => save(columns, sorted, groups, bucketed)}>Save as CSV</button></header>
      <${Table} label="Usage" columns=${columns} rows=${shown} foot=${foot} />${pager}
      ${overlap && html`<p class="dim small">Rows by tag overlap: a request counts in each of its tags, so they have no sum.</p>`}
    </section>`;
}

/** What is seen, as the API told it: for a spreadsheet, where no name is taken for a formula. */
function save(columns, rows, groups, bucketed) {
  const names = [...(bucketed ? ["bucket"] : []), ...groups, ...NUMBERS.map(([name]) => name), "cost"];
  const cell = (value) => {
    const text = String(value ?? "");
    const plain = /^[=+\-@\t\r]/.test(text) && typeof value === "string" && !/^-?[\d.]+$/.test(text) ? `'${text}` : text;
    return /[",\n\r]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
  };
  const lines = [names.join(","), ...rows.map((row) => names.map((name) => cell(row[name])).join(","))];
  const url = URL.createObjectURL(new Blob([`${lines.join("\r\n")}\r\n`], { type: "text/csv" }));
  const link = Object.assign(document.createElement("a"), { href: url, download: "usage.csv" });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}

export { Link, tokens };
