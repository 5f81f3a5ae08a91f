// The list of requests: filtered, paged, and live while that is wanted.

import { html, useEffect, useState } from "../vendor/preact.js";
import { query, useGet } from "../api.js";
import { span } from "../format.js";
import { Count, Empty, Head, Loaded, Money, Select, Status, Table, Time, outcome } from "../parts.js";
import { Link, ask, useRoute } from "../route.js";
import { REFUSALS, why } from "./overview.js";

const FIELDS = ["key", "model", "account", "user", "group", "status", "request_id"];
const SHOWS = [["", "All"], ["failed", "Upstream failed"], ["refused", "Refused"], ["gone", "Client gone"]];
const OUTCOMES = { failed: ["upstream_error"], refused: REFUSALS, gone: ["client_gone"] };

/** Whether the gateway itself refused it, so that it can be explained. */
export const refused = (row) => row.outcome.startsWith("refused:");

/** The columns of a list of requests, for operators. */
const COLUMNS = [
  { name: "Time", cell: (row) => html`<${Link} to=${`/console/requests/${row.id}`}><${Time} at=${row.time} /><//>` },
  { name: "Status", cell: (row) => html`<${Status} of=${row.status} outcome=${row.outcome} />${row.outcome !== "completed" && html`<span class="dim small wide"> ${outcome(row.outcome)}</span>`}` },
  { name: "Key", cell: (row) => html`<bdi title=${row.key}>${row.key}</bdi><div class="narrow dim small"><bdi>${row.model}</bdi>${row.outcome !== "completed" && html`<div>${outcome(row.outcome)} ${refused(row) && html`<${Link} to=${why(row)}>Why?<//>`}</div>`}</div>` },
  { name: "Model", wide: true, cell: (row) => html`<bdi title=${row.model}>${row.model}</bdi>` },
  { name: "Account", wide: true, cell: (row) => (row.account ? html`<bdi title=${row.account}>${row.account}</bdi>${row.attempts > 1 && html` <span class="tag">${row.attempts} attempts</span>`}` : html`<span class="dim">none</span>`) },
  { name: "Cost", end: true, cell: (row) => html`<${Money} of=${row.cost} />` },
  { name: "Input", end: true, wide: true, cell: (row) => html`<${Count} of=${row.input_tokens + row.cache_read_tokens + row.cache_write_tokens} />` },
  { name: "Output", end: true, wide: true, cell: (row) => html`<${Count} of=${row.output_tokens} />` },
  { name: "First byte", end: true, wide: true, cell: (row) => html`<span class="num">${span(row.ttfb_ms)}</span>` },
  { name: "Whole", end: true, wide: true, cell: (row) => html`<span class="num">${span(row.duration_ms)}</span>` },
  { name: "", end: true, wide: true, cell: (row) => refused(row) && html`<${Link} to=${why(row)}>Why?<//>` },
];

/** The page. */
export function Requests() {
  const { asked } = useRoute();
  const [cursors, setCursors] = useState([]);
  const cursor = cursors.at(-1);
  const live = asked.get("live") === "1" && !cursor;
  const filters = Object.fromEntries(FIELDS.map((name) => [name, asked.getAll(name)]));
  const path = query("/admin/v1/requests", { limit: 50, cursor, from: asked.get("from"), to: asked.get("to"), outcome: OUTCOMES[asked.get("show")], ...filters });
  useEffect(() => setCursors([]), [asked.toString()]);
  const requests = useGet(path, live ? 2000 : 0);
  return html`<${Head} title="Requests" about="Newest first. Each has its way, its usage and its priced lines.">
      <button type="button" aria-pressed=${live ? "true" : "false"} onClick=${() => { setCursors([]); ask({ live: live ? "" : "1" }); }}>${live ? "Live: on" : "Live: off"}</button>
      ${!live && html`<button type="button" onClick=${requests.reload}>Look again</button>`}
    <//>
    <section class="card" aria-label="Requests">
      <div class="filters many">
        <label class="field"><span>Show</span><${Select} options=${SHOWS} value=${asked.get("show") ?? ""} set=${(show) => ask({ show })} /></label>
        ${FIELDS.map((name) => html`<label class="field"><span>${(name[0].toUpperCase() + name.slice(1)).replace("_", " ")}</span><input value=${asked.get(name) ?? ""} onChange=${(event) => ask({ [name]: event.target.value.trim() })} data-find=${name === "key" ? true : undefined} /></label>`)}
      </div>
      <${Loaded} from=${requests} rows=${12}>${({ data, next_cursor }) => html`
        <${Table} label="Requests" columns=${COLUMNS} rows=${data} id=${(row) => row.id}
          empty=${html`<${Empty} title="No request fits">Leave out a filter, or point a client at this gateway: a request shows here within a second of its end.<//>`} />
        ${(cursors.length > 0 || next_cursor) && html`<nav class="pager" aria-label="Pages of this list">
          <button type="button" disabled=${!cursors.length} onClick=${() => setCursors(cursors.slice(0, -1))}>Newer</button>
          <button type="button" disabled=${!next_cursor} onClick=${() => setCursors([...cursors, next_cursor])}>Older</button>
        </nav>`}`}<//>
    </section>`;
}
