// One request: its way through the gateway, what it used, and what that cost, line by line.

import { html } from "../vendor/preact.js";
import { query, useGet } from "../api.js";
import { span } from "../format.js";
import { Copied, Count, Empty, Head, Loaded, Money, Status, Table, Time, outcome } from "../parts.js";
import { Link } from "../route.js";
import { refused } from "./requests.js";
import { why } from "./overview.js";

/** The page. */
export function OneRequest({ id }) {
  const request = useGet(`/admin/v1/requests/${id}`);
  return html`<${Head} title="Request" about=${request.data ? html`<code>${request.data.request_id}</code> <${Copied} text=${request.data.request_id} />` : ""}>
      <${Link} to="/console/requests" class="button">All requests<//>
      ${request.data && refused(request.data) && html`<${Link} to=${why(request.data)} class="button">Why was it refused?<//>`}
    <//>
    <${Loaded} from=${request} rows=${12}>${(row) => html`<div class="stack">
      <section class="card" aria-label="Facts"><dl class="facts">
        <${Fact} name="When"><${Time} at=${row.time} /><//>
        <${Fact} name="Ended"><${Status} of=${row.status} outcome=${row.outcome} /> ${outcome(row.outcome)}<//>
        <${Fact} name="Key"><${Link} to=${query("/console/keys", { find: row.key })}><bdi>${row.key}</bdi><//>${row.group && html` <span class="dim">in <bdi>${row.group}</bdi></span>`}<//>
        <${Fact} name="Asked through">${row.api}, ${row.operation}${row.stream ? ", streamed" : ""}<//>
        <${Fact} name="Model"><bdi>${row.model}</bdi>${row.upstream_model && row.upstream_model !== row.model && html` <span class="dim">as <bdi>${row.upstream_model}</bdi></span>`}<//>
        <${Fact} name="Served by">${row.account ? html`<bdi>${row.account}</bdi> <span class="dim">${row.provider}, pool <bdi>${row.pool ?? "none"}</bdi></span>` : "no account"}<//>
        <${Fact} name="Cost"><${Money} of=${row.cost} />${row.cost !== row.list_cost && html` <span class="dim">list <${Money} of=${row.list_cost} /></span>`}<//>
        <${Fact} name="Session">${row.session ? html`<code>${row.session}</code>` : "none known"}<//>
        <${Fact} name="User and tags">${row.user ? html`<bdi>${row.user}</bdi>` : "no user"}${row.tags.map((tag) => html` <span class="tag"><bdi>${tag}</bdi></span>`)}<//>
        <${Fact} name="Client">${row.client ?? "unknown"}<//>
      </dl></section>
      <${Way} row=${row} />
      <div class="grid">
        <section class="card third" aria-label="Usage"><header><h2>Usage</h2>${row.usage_estimated && html`<span class="tag warn">estimated</span>`}${row.usage_inconsistent && html`<span class="tag warn">contradicts itself</span>`}</header><${Classes} row=${row} /></section>
        <section class="card two-thirds" aria-label="Priced lines"><header><h2>Priced lines</h2>${row.price && html`<span class="dim small"><bdi>${row.price.entry}</bdi> · ${row.price.rule} · ${row.price.list} · <code title=${row.price.hash}>${row.price.hash.slice(0, 19)}</code></span>`}</header>
          <${Table} label="Priced lines" rows=${row.lines} foot=${row.lines.length ? ["Sum at the list’s rates", "", "", html`<${Money} of=${row.list_cost} />`] : null}
            empty=${html`<${Empty} title="Nothing was priced">${row.usage ? "No price is known for this model: it counts as unpriced, never as free." : "It used nothing that has a price."}<//>`}
            columns=${[
              { name: "Class", cell: (line) => html`${line.class.replaceAll("_", " ")}${line.rule && html` <span class="dim small">by ${line.rule}</span>`}${line.model && html` <span class="dim small">of <bdi>${line.model}</bdi></span>`}` },
              { name: "Quantity", end: true, cell: (line) => html`<${Count} of=${line.quantity} />` },
              { name: "Each", end: true, cell: (line) => html`<span class="num">$${line.rate}</span>` },
              { name: "Amount", end: true, cell: (line) => html`<${Money} of=${line.amount} />` },
            ]} />
          ${row.served && row.served.multiplier !== "1" && html`<p class="dim small">The account takes ${row.served.multiplier} times the list’s price.</p>`}
        </section>
      </div>
      ${row.raw_usage && html`<section class="card" aria-label="Usage as upstream wrote it"><details><summary>Usage as its upstream wrote it</summary><pre class="wrap">${row.raw_usage}</pre></details></section>`}
    </div>`}<//>`;
}

const Fact = ({ name, children }) => html`<div><dt>${name}</dt><dd>${children}</dd></div>`;

/** Its way: what is known of the times stands to scale, attempts that were not timed only in their order. */
function Way({ row }) {
  const whole = Math.max(row.duration_ms, 0.001);
  const first = row.ttfb_ms ?? null;
  const at = (ms) => `${Math.min(100, Math.max(0, (ms / whole) * 100))}%`;
  const tries = row.tries.length ? row.tries : row.account ? [{ account: row.account, status: row.status, error: null, fault: null }] : [];
  return html`<section class="card" aria-label="Its way"><header><h2>Its way</h2><span class="dim small">the whole took ${span(row.duration_ms)}</span></header>
    <ol class="way">
      <li><span>The gateway’s own part</span><span class="track"><i class="wait" style=${{ left: 0, width: at(row.overhead_ms) }}></i></span><span class="end num">${span(row.overhead_ms)}</span></li>
      ${tries.map((one, index) => html`<li><span>Attempt ${index + 1}: <bdi>${one.account}</bdi></span><span>${one.status !== null ? html`<${Status} of=${one.status} outcome=${one.fault ? "upstream_error" : ""} />` : html`<span class="tag bad">no answer</span>`} ${one.fault && html`<span class="tag warn">fault: ${one.fault}</span>`}</span><span class="end num">${one.cost && html`<${Money} of=${one.cost} />`}</span>
        ${one.error && html`<span class="why dim"><bdi>${one.error}</bdi></span>`}</li>`)}
      ${!tries.length && html`<li><span>No attempt</span><span class="dim">${refused(row) ? "it was refused before" : "it ended before"}</span><span></span></li>`}
      ${first !== null && html`<li><span>Until the first byte</span><span class="track"><i class="first" style=${{ left: 0, width: at(first) }}></i></span><span class="end num">${span(first)}</span></li>
      <li><span>From there to the end</span><span class="track"><i style=${{ left: at(first), width: at(whole - first) }}></i></span><span class="end num">${span(Math.max(0, row.duration_ms - first))}</span></li>`}
      <li><span>End</span><span><${Status} of=${row.status} outcome=${row.outcome} /> ${outcome(row.outcome)}</span><span class="end num">${span(row.duration_ms)}</span></li>
    </ol></section>`;
}

/** What was used, class by class, without those of which there was nothing. */
function Classes({ row }) {
  const used = Object.entries(row.usage ?? {}).filter(([, value]) => typeof value === "number" && value > 0);
  return html`<${Table} label="Usage" rows=${used} empty=${html`<${Empty} title="No usage is known">It ended before anything was used.<//>`}
    columns=${[{ name: "Class", cell: ([name]) => name.replaceAll("_", " ") }, { name: "Quantity", end: true, cell: ([, value]) => html`<${Count} of=${value} />` }]} />`;
}
