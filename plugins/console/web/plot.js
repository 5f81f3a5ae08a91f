// Stacked bars over time, drawn by uPlot. What is drawn is scaled; what is told is what the API gave.

import { html, useEffect, useLayoutEffect, useMemo, useRef, useState } from "./vendor/preact.js";
import uPlot from "./vendor/uplot.js";
import { count, dollars, moment, short, tokens, units } from "./format.js";
import { Count, Money } from "./parts.js";

/** Series that are told apart; what is less goes together. */
const SERIES = 9;

/** The measures that rows of usage have: how each is summed exactly, drawn and shown. */
export const MEASURES = {
  cost: { name: "Cost", exact: (row) => units(row.cost), shown: (value) => html`<${Money} of=${dollars(value)} />`, drawn: (value) => Number(value) / 1e10, axis: (value) => (value === 0 ? "$0" : `$${value < 0.01 ? value.toPrecision(1) : short(value)}`) },
  tokens: { name: "Tokens", exact: (row) => BigInt(tokens(row)), shown: (value) => html`<${Count} of=${value} />`, drawn: Number, axis: short },
  requests: { name: "Requests", exact: (row) => BigInt(row.requests), shown: (value) => html`<${Count} of=${value} />`, drawn: Number, axis: short },
};

/** Rows of usage as series over buckets: the largest ones each, the rest together. */
export function series(rows, group, measure) {
  const { exact } = MEASURES[measure];
  const [sums, cells, buckets] = [new Map(), new Map(), new Set()];
  for (const row of rows) {
    const name = group ? row[group] ?? "" : "all";
    const value = exact(row);
    buckets.add(row.bucket);
    sums.set(name, (sums.get(name) ?? 0n) + value);
    const cell = `${row.bucket}\u0000${name}`;
    cells.set(cell, (cells.get(cell) ?? 0n) + value);
  }
  const order = [...sums].sort((one, other) => (other[1] > one[1] ? 1 : other[1] < one[1] ? -1 : 0));
  const shown = order.slice(0, SERIES).map(([name]) => name);
  const rest = order.slice(SERIES).map(([name]) => name);
  const times = [...buckets].sort();
  const of = (bucket, names) => names.reduce((sum, name) => sum + (cells.get(`${bucket}\u0000${name}`) ?? 0n), 0n);
  const list = shown.map((name) => ({ name: name === "" ? "none" : name, sum: sums.get(name), values: times.map((time) => of(time, [name])) }));
  if (rest.length) {
    list.push({ name: `${rest.length} others`, sum: rest.reduce((sum, name) => sum + sums.get(name), 0n), values: times.map((time) => of(time, rest)) });
  }
  return { times, list };
}

/** Every bucket between two moments, so that what is missing is a gap and not a neighbour. */
function filled({ times, list }, every) {
  if (times.length < 2 || every !== 3600) return { times, list };
  const known = new Map(times.map((time, at) => [new Date(time).getTime(), at]));
  const [first, last] = [new Date(times[0]).getTime(), new Date(times.at(-1)).getTime()];
  const all = [];
  for (let time = first; time <= last; time += every * 1000) all.push(time);
  return {
    times: all.map((time) => new Date(time).toISOString()),
    list: list.map((one) => ({ ...one, values: all.map((time) => (known.has(time) ? one.values[known.get(time)] : 0n)) })),
  };
}

const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** The plot, and its legend with the sum of each series. */
export function Plot({ rows, group, measure, bucket, zone, label }) {
  const [box, tip] = [useRef(), useRef()];
  const [theme, themed] = useState(0);
  const [at, point] = useState(null);
  const { drawn, shown, axis } = MEASURES[measure];
  const found = useMemo(() => filled(series(rows, group, measure), bucket === "hour" ? 3600 : 0), [rows, group, measure, bucket]);
  useEffect(() => {
    const draw = () => themed((number) => number + 1);
    const media = matchMedia("(prefers-color-scheme: dark)");
    addEventListener("theme", draw);
    media.addEventListener("change", draw);
    return () => { removeEventListener("theme", draw); media.removeEventListener("change", draw); };
  }, []);
  useLayoutEffect(() => {
    if (!found.times.length) return undefined;
    const host = box.current;
    const stacked = [];
    const sums = found.times.map(() => 0n);
    for (const one of found.list) {
      one.values.forEach((value, index) => { sums[index] += value; });
      stacked.unshift(sums.map((sum) => drawn(sum)));
    }
    const bars = uPlot.paths.bars({ size: [0.78, 42], align: 0, radius: 0.06 });
    const fills = found.list.map((_, index) => color(`--s${index}`)).reverse();
    const text = { stroke: color("--dim"), font: "11px system-ui, sans-serif", ticks: { show: false } };
    const plot = new uPlot({
      width: host.clientWidth || 320, height: 220, padding: [10, 6, 0, 0],
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1e3), bucket === "hour" ? Intl.DateTimeFormat().resolvedOptions().timeZone : zone),
      legend: { show: false }, cursor: { y: false, drag: { x: false, y: false }, points: { show: false } },
      scales: { x: { range: (_, low, high) => { const half = bucket === "hour" ? 1800 : bucket === "month" ? 15 * 86400 : 43200; return [low - half, high + half]; } }, y: { range: (_, low, high) => [0, high > 0 ? high * 1.06 : 1] } },
      axes: [
        { ...text, grid: { show: false }, space: 56, size: 26, incrs: bucket === "hour" ? [1, 2, 3, 6, 12].map((hours) => hours * 3600) : bucket === "month" ? [30 * 86400, 60 * 86400, 180 * 86400] : [1, 2, 3, 7, 14].map((days) => days * 86400), values: (_, splits) => splits.map((value) => tick(value, bucket, zone)) },
        { ...text, grid: { stroke: color("--line"), width: 1 }, size: 54, values: (_, splits) => splits.map((value) => axis(value)) },
      ],
      series: [{}, ...fills.map((fill) => ({ fill, width: 0, stroke: fill, paths: bars, points: { show: false } }))],
      hooks: { setCursor: [(self) => {
        point(self.cursor.idx ?? null);
        if (tip.current) tip.current.style.left = `${Math.min(Math.max(self.cursor.left + 54, 90), host.clientWidth - 90)}px`;
      }] },
    }, [found.times.map((time) => new Date(time).getTime() / 1000), ...stacked], host);
    const resized = new ResizeObserver(() => plot.setSize({ width: host.clientWidth, height: 220 }));
    resized.observe(host);
    return () => { resized.disconnect(); plot.destroy(); };
  }, [found, theme, bucket, zone]);
  if (!found.times.length) return null;
  const pointed = at !== null && at >= 0 && found.times[at];
  return html`<div class="plot">
    <div class="plot-box" role="img" aria-label=${`${label}: ${found.list.map((one) => one.name).join(", ")}`}>
      <div ref=${box}></div>
      ${pointed && html`<div class="tip" ref=${tip} aria-hidden="true"><b>${bucket === "hour" ? moment(pointed) : tick(new Date(pointed).getTime() / 1000, bucket, zone)}</b>
        ${found.list.map((one, index) => one.values[at] > 0n && html`<span><i class=${`dot s${index}`}></i><bdi>${one.name}</bdi>${shown(one.values[at])}</span>`)}</div>`}
    </div>
    <ul class="legend">${found.list.map((one, index) => html`<li><i class=${`dot s${index}`}></i><bdi title=${one.name}>${one.name}</bdi>${shown(one.sum)}</li>`)}</ul>
  </div>`;
}

function tick(seconds, bucket, zone) {
  const time = new Date(seconds * 1000);
  if (bucket === "hour") {
    const hour = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).format(time);
    return hour === "00:00" ? new Intl.DateTimeFormat(undefined, { month: "short", day: "numeric" }).format(time) : hour;
  }
  const parts = bucket === "month" ? { month: "short", year: "numeric" } : { month: "short", day: "numeric" };
  return new Intl.DateTimeFormat(undefined, { timeZone: zone, ...parts }).format(time);
}

export { count };
