// What goes on now, today and this month; what it is made of; and what needs somebody.

import { html, useEffect, useState } from "../vendor/preact.js";
import { query, useGet } from "../api.js";
import { change, count, day, daysBefore, firstOfMonth, money, monthBefore, short, span, tokens, units } from "../format.js";
import { Choice, Count, Empty, Head, Limit, Loaded, Money, Problem, State, Status, Table, Time, Until, outcome } from "../parts.js";
import { MEASURES, Plot } from "../plot.js";
import { Link } from "../route.js";

/** Why a request may have been refused by the gateway itself: of these the last ones are shown. */
export const REFUSALS = ["rate_limited", "budget_used", "forbidden", "bad_request", "model_not_found", "max_tokens_too_large", "no_account", "overloaded", "too_large", "response_not_found", "item_not_found", "conversation_not_found", "store_unavailable"].map((reason) => `refused:${reason}`);

/** What a plot may be stacked by. */
export const GROUPS = [["model", "Model"], ["key", "Key"], ["group", "Group"], ["account", "Account"], ["user", "User"]];

/** The time zone of the gateway's days, or why it is not known. */
export function useZone() {
  const config = useGet("/admin/v1/config");
  return { zone: config.data ? config.data.stats?.timezone?.value ?? "UTC" : null, error: config.error };
}

/** The minute that it is, so that a page left open goes on to the next day. */
function useMinute() {
  const minute = () => Math.floor(Date.now() / 60000);
  const [now, set] = useState(minute);
  useEffect(() => {
    const look = () => set(minute());
    const timer = setInterval(look, 5000);
    document.addEventListener("visibilitychange", look);
    return () => { clearInterval(timer); document.removeEventListener("visibilitychange", look); };
  }, []);
  return new Date(now * 60000);
}

function Now() {
  const live = useGet("/admin/v1/live?window=60", 3000);
  return html`<section class="card" aria-label="Now">
    <header><h2>Now</h2><span class="dim small">the last minute, of this gateway</span></header>
    <${Loaded} from=${live}>${({ overall }) => html`<div class="now">
      <dl class="tiles">
        <${Tile} name="Requests" value=${html`${overall.requests_per_second.toFixed(overall.requests_per_second < 10 ? 2 : 0)}`} note="per second" />
        <${Tile} name="Tokens" value=${short(Math.round(overall.tokens_per_minute))} note="per minute" />
        <${Tile} name="In flight" value=${count(overall.in_flight)} note="requests" />
        <${Tile} name="Errors" value=${`${(overall.error_rate * 100).toFixed(overall.error_rate && overall.error_rate < 0.1 ? 1 : 0)}\u2009%`} note="of requests" />
      </dl>
      <${Table} label="Latency" columns=${[
        { name: "Latency", cell: (row) => row[0] },
        ...["p50", "p90", "p99"].map((part) => ({ name: part, end: true, cell: (row) => html`<span class="num">${span(row[1][part])}</span>` })),
      ]} rows=${[["First byte", overall.ttfb_ms], ["Whole answer", overall.duration_ms], ["The gateway’s own part", overall.overhead_ms]]} /></div>`}
    <//>
  </section>`;
}

const Tile = ({ name, value, note }) => html`<div class="tile"><dt>${name}</dt><dd class="value">${value}</dd><dd class="note">${note}</dd></div>`;

/** How it is to the same time before, by whole numbers. */
function Change({ now, before, than }) {
  const by = change(now, before);
  if (by === null) return html`<span title=${than}>none then</span>`;
  return html`<span title=${`compared with ${than}`}>${by > 0 ? "▲" : by < 0 ? "▼" : "="} ${Math.abs(by) >= 1000 ? `${Math.round(by / 100) + 1} times` : `${Math.abs(by)}\u2009%`} <span class="hidden">compared with ${than}</span></span>`;
}

const NONE = { requests: 0, errors: 0, input_tokens: 0, output_tokens: 0, cache_write_tokens: 0, cache_read_tokens: 0, cost: "0", unpriced_requests: 0 };

function Sums({ title, from, before, until, than, link }) {
  const now = useGet(query("/admin/v1/usage", { from }), 15000);
  const then = useGet(query("/admin/v1/usage", { from: before, to: until }));
  return html`<section class="card half" aria-label=${title}>
    <header><h2>${title} <span class="dim small">against ${than}</span></h2><${Link} to=${link}>Usage<//></header>
    ${then.error && html`<${Problem} of=${then.error} />`}
    <${Loaded} from=${now.stale ? { data: null, error: null } : now}>${({ data }) => {
      // What it was then is not known before it is told: nothing is not the same as none.
      const [sums, past] = [data[0] ?? NONE, then.data && (then.data.data[0] ?? NONE)];
      return html`<dl class="tiles sums">
        <${Tile} name="Cost" value=${html`<${Money} of=${sums.cost} />`} note=${past && html`<${Change} now=${units(sums.cost)} before=${units(past.cost)} than=${than} />`} />
        <${Tile} name="Requests" value=${count(sums.requests)} note=${past && html`<${Change} now=${sums.requests} before=${past.requests} than=${than} />`} />
        <${Tile} name="Tokens" value=${html`<span title=${count(tokens(sums))}>${short(tokens(sums))}</span>`} note=${past && html`<${Change} now=${tokens(sums)} before=${tokens(past)} than=${than} />`} />
        <${Tile} name="Errors" value=${count(sums.errors)} note=${sums.unpriced_requests ? `${count(sums.unpriced_requests)} without a price` : "all priced"} />
      </dl>`;
    }}<//>
  </section>`;
}

function Over({ zone }) {
  const [range, setRange] = useState("30d");
  const [group, setGroup] = useState("model");
  const [measure, setMeasure] = useState("cost");
  const days = range === "30d";
  const asked = days ? { from: day(zone, -29), bucket: "day", group_by: group } : { bucket: "hour", group_by: group };
  const usage = useGet(query("/admin/v1/usage", asked), days ? 60000 : 15000);
  return html`<section class="card" aria-label="Over time">
    <header><h2>Over time</h2><div class="page-acts">
      <${Choice} label="Time" options=${[["24h", "24 h"], ["30d", "30 days"]]} value=${range} set=${setRange} />
      <${Choice} label="What" options=${Object.entries(MEASURES).map(([key, { name }]) => [key, name])} value=${measure} set=${setMeasure} />
      <${Choice} label="Stacked by" options=${GROUPS} value=${group} set=${setGroup} />
    </div></header>
    <${Loaded} from=${usage} rows=${8}>${({ data }) => (data.length && !usage.stale
      ? html`<${Plot} rows=${data} group=${group} measure=${measure} bucket=${asked.bucket} zone=${zone} label=${`${MEASURES[measure].name} by ${group}`} />`
      : usage.stale ? html`<div class="plot-box"></div>` : html`<${Empty} title="No requests in this time">Point a client at this gateway with one of its <${Link} to="/console/keys">keys<//>: what it uses shows here within a second.<//>`)}
    <//>
  </section>`;
}

function Fullest() {
  const limits = useGet("/admin/v1/limits?limit=6", 10000);
  return html`<section class="card third" aria-label="Fullest limits">
    <header><h2>Fullest limits</h2><${Link} to="/console/keys">Keys<//></header>
    <${Loaded} from=${limits}>${({ data }) => (data.length
      ? data.map((limit) => html`<${Limit} of=${limit} name=${limit.name} />`)
      : html`<${Empty} title="Nothing is limited">Keys, groups and accounts can have limits of requests, tokens and cost.<//>`)}
    <//>
  </section>`;
}

function NotReady() {
  const accounts = useGet("/admin/v1/accounts", 5000);
  return html`<section class="card third" aria-label="Accounts that are not ready">
    <header><h2>Accounts that are not ready</h2><${Link} to="/console/accounts">Accounts<//></header>
    <${Loaded} from=${accounts}>${({ data }) => {
      const some = data.filter((account) => account.state !== "ready" || account.models.length);
      if (!data.length) return html`<${Empty} title="There are no accounts">Add <code>[[accounts]]</code> to the configuration and reload it.<//>`;
      if (!some.length) return html`<${Empty} title=${`All ${data.length} are ready`}>Every account takes requests.<//>`;
      return html`<${Table} label="Accounts that are not ready" rows=${some.slice(0, 8)} columns=${[
        { name: "Account", cell: (row) => html`<bdi>${row.name}</bdi>${row.reason && html`<div class="dim small">${row.reason}</div>`}` },
        { name: "State", cell: (row) => html`<${State} of=${row.state} />${row.models.length > 0 && html` <span class="dim small">${row.models.length} ${row.models.length === 1 ? "model" : "models"}</span>`}` },
        { name: "Until", end: true, cell: (row) => html`<${Until} at=${row.until ?? row.models.map((model) => model.until).filter(Boolean).sort()[0]} />` },
      ]} />${some.length > 8 && html`<p class="dim small">and ${some.length - 8} more</p>`}`;
    }}<//>
  </section>`;
}

function Refusals() {
  const requests = useGet(query("/admin/v1/requests", { limit: 7, outcome: REFUSALS }), 5000);
  return html`<section class="card third" aria-label="Last refusals">
    <header><h2>Last refusals</h2><${Link} to=${query("/console/requests", { show: "refused" })}>All<//></header>
    <${Loaded} from=${requests}>${({ data }) => html`<${Table} label="Last refusals" rows=${data} id=${(row) => row.id}
      empty=${html`<${Empty} title="Nothing was refused">Requests that the gateway refuses itself show here, with the reason.<//>`}
      columns=${[
        { name: "When", cell: (row) => html`<${Link} to=${`/console/requests/${row.id}`}><${Time} at=${row.time} /><//>` },
        { name: "Key", cell: (row) => html`<bdi>${row.key}</bdi><div class="dim small">${outcome(row.outcome).replace("refused: ", "")}</div>` },
        { name: "", end: true, cell: (row) => html`<${Link} to=${why(row)}>Why?<//>` },
      ]} />`}<//>
  </section>`;
}

/** Where a refusal is explained. */
export const why = (row) => query("/console/explain", { key: row.key, api: row.api, model: row.model, run: "1" });

/** The first page. */
export function Overview() {
  const { zone, error } = useZone();
  const now = useMinute();
  return html`<${Head} title="Overview" about=${zone ? `Days and months are those of ${zone}.` : ""} />
    <${Problem} of=${error} />
    <div class="grid">
      <${Now} />
      ${zone && html`
        <${Sums} title="Today" from=${day(zone, 0, now)} before=${day(zone, -1, now)} until=${daysBefore(zone, 1, now).toISOString()} than="yesterday by this time" link=${query("/console/usage", { from: day(zone, 0, now), bucket: "hour" })} />
        <${Sums} title="This month" from=${firstOfMonth(zone, 0, now)} before=${firstOfMonth(zone, -1, now)} until=${monthBefore(zone, now)} than="last month by this day" link=${query("/console/usage", { from: firstOfMonth(zone, 0, now), bucket: "day" })} />
        <${Over} zone=${zone} />`}
      <${Fullest} /><${NotReady} /><${Refusals} />
    </div>`;
}

export { money, Count };
