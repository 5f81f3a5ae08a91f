// What pages are made of: figures, times, tables, bars, forms and dialogs.

import { html, useLayoutEffect, useRef, useState } from "./vendor/preact.js";
import { Refused, signOut, useAct, useShared } from "./api.js";
import { away, count, moment, money, part, units, utc } from "./format.js";

/** An amount of dollars: every digit that the API gave, those after the cents smaller. */
export function Money({ of }) {
  const [main, rest] = money(of);
  return html`<span class="num money" title=${of === null ? "no price is known" : `$${of}`}>${main}<i>${rest}</i></span>`;
}

/** A whole number. */
export const Count = ({ of }) => html`<span class=${String(of) === "0" ? "num dim" : "num"}>${count(of)}</span>`;

/** A moment in the viewer's zone, and in UTC for whoever points at it. */
export function Time({ at, ago }) {
  if (!at) return html`<span class="dim">–</span>`;
  return html`<time datetime=${at} title=${utc(at)}>${ago ? away(at) : moment(at)}</time>`;
}

const STATES = { ready: "good", disabled: "idle", rate_limited: "warn", overloaded: "warn", quota_exceeded: "warn", failing: "bad", unauthorized: "bad" };

/** An account's state. */
export const State = ({ of }) => html`<span class=${`tag ${STATES[of] ?? "warn"}`}>${of.replaceAll("_", " ")}</span>`;

/** How a request ended: its status, coloured by whose fault it is. */
export function Status({ of, outcome }) {
  const mood = of >= 500 || outcome === "upstream_error" || outcome === "gateway_error" ? "bad" : of >= 400 ? "warn" : "good";
  return html`<span class=${`tag num ${mood}`}>${of}</span>`;
}

/** How a request ended, in words. */
export const outcome = (text) => text.replace("refused:", "refused: ").replaceAll("_", " ");

/** A limit as a bar: used, reserved, left, and when it resets. */
export function Limit({ of: limit, name, plain }) {
  const kind = limit.cost != null ? "cost" : limit.tokens != null ? "tokens" : "requests";
  const exact = (value) => (kind === "cost" ? units(value) : BigInt(value));
  const most = exact(limit[kind]);
  const [used, reserved] = [part(exact(limit.used), most), part(exact(limit.reserved ?? 0), most)];
  const mood = used + reserved >= 100 ? "bad" : used + reserved >= 80 ? "warn" : "good";
  const shown = (value) => (kind === "cost" ? html`<${Money} of=${value} />` : html`<${Count} of=${value} />`);
  const per = limit.per === "total" ? "in total" : `per ${limit.per}`;
  return html`<div class="limit">
    <div class="limit-head">
      <span>${name && html`<b><bdi>${name}</bdi></b> `}<span class="dim">${limit.of && name && !plain ? `${limit.of} · ` : ""}${kind} ${per}</span>
        ${limit.models && html` <span class="dim">on <bdi>${limit.models.join(", ")}</bdi></span>`}</span>
      <span class="limit-sum">${shown(limit.used)} <span class="dim">of</span> ${shown(limit[kind])}</span>
    </div>
    <div class="bar" role="meter" aria-label=${`${name ?? limit.of} ${kind} ${per}`} aria-valuemin="0" aria-valuemax="100" aria-valuenow=${Math.min(100, used)} aria-valuetext=${`${limit.used} of ${limit[kind]} used`}>
      <i class=${`used ${mood}`} style=${{ width: `${Math.min(100, used)}%` }}></i>
      <i class="reserved" style=${{ width: `${Math.max(0, Math.min(100 - used, reserved))}%` }}></i>
    </div>
    <div class="limit-foot dim">
      <span>${shown(limit.left)} left${reserved > 0 && html`, ${shown(limit.reserved)} reserved`}</span>
      <span>${limit.resets_at ? html`resets <${Time} at=${limit.resets_at} ago />` : limit.per === "total" ? "never resets" : ""}</span>
    </div>
  </div>`;
}

/** What the API said where it refused something. */
export function Problem({ of: error }) {
  if (!error) return null;
  const lost = !(error instanceof Refused);
  return html`<div class="problem" role="alert">
    <b>${lost ? "No answer from the gateway" : error.field ? error.field : `Refused (${error.status})`}</b>
    <p><bdi>${lost ? "It will be asked again as soon as it is there." : error.message}</bdi></p>
    ${!lost && error.problems.length > 1 && html`<ul>${error.problems.map((one) => html`<li><code>${one.path}</code> ${one.message}${one.file && html` <span class="dim">${one.file}${one.line ? `:${one.line}` : ""}</span>`}</li>`)}</ul>`}
    ${!lost && error.id && html`<p class="dim small">request id <code>${error.id}</code></p>`}
  </div>`;
}

/** What stands where there is nothing yet, and what to do about it. */
export const Empty = ({ title, children }) => html`<div class="empty"><b>${title}</b><p>${children}</p></div>`;

/** While something is awaited for the first time. */
export const Waiting = ({ rows = 3 }) =>
  html`<div class="waiting" aria-busy="true" aria-label="Loading">${Array.from({ length: rows }, () => html`<i></i>`)}</div>`;

/** What a question has come to: its refusal, what is awaited, or what there is. */
export function Loaded({ from, rows, children }) {
  if (from.error && !from.data) return html`<${Problem} of=${from.error} />`;
  if (!from.data) return html`<${Waiting} rows=${rows} />`;
  return html`${from.error && html`<${Problem} of=${from.error} />`}${children(from.data)}`;
}

/**
 * A table. Columns: `name`, `cell` of a row, and where wanted `end` (a number, set to the right), `wide` (left out where
 * it is narrow) and `sort`, what it is sorted by.
 */
export function Table({ label, columns, rows, id, foot, empty }) {
  const [order, setOrder] = useState(null);
  let shown = rows;
  if (order) {
    const { sort } = columns[order.at];
    const compare = (one, other) => {
      const [a, b] = [sort(one) ?? "", sort(other) ?? ""];
      return a < b ? -1 : a > b ? 1 : 0;
    };
    shown = [...rows].sort((one, other) => compare(one, other) * (order.down ? -1 : 1));
  }
  if (!rows.length && empty) return empty;
  const press = (at, column) => setOrder(order?.at === at ? (order.down === !!column.end ? { at, down: !order.down } : null) : { at, down: !!column.end });
  const classes = (column) => [column.end && "end", column.wide && "wide"].filter(Boolean).join(" ");
  return html`<div class="scroll" role="group" aria-label=${label} tabindex="0"><table>
    <thead><tr>${columns.map((column, at) => html`<th scope="col" class=${classes(column)} aria-sort=${order?.at === at ? (order.down ? "descending" : "ascending") : undefined}>
      ${column.sort ? html`<button type="button" class="sort" onClick=${() => press(at, column)}>${column.name}${order?.at === at ? (order.down ? " ↓" : " ↑") : ""}</button>` : column.name || html`<span class="hidden">Actions</span>`}</th>`)}</tr></thead>
    <tbody>${shown.map((row, at) => html`<tr key=${id ? id(row) : at}>${columns.map((column) => html`<td class=${classes(column)}>${column.cell(row)}</td>`)}</tr>`)}</tbody>
    ${foot && html`<tfoot><tr>${columns.map((column, at) => html`<td class=${classes(column)}>${foot[at] ?? ""}</td>`)}</tr></tfoot>`}
  </table></div>`;
}

/** So many rows at a time: nothing freezes with thousands of them. */
export function usePaged(rows, size = 50) {
  const [page, turn] = useState(0);
  const pages = Math.max(1, Math.ceil(rows.length / size));
  const now = Math.min(page, pages - 1);
  const pager = pages > 1 && html`<nav class="pager" aria-label="Pages of this list">
    <button type="button" disabled=${now === 0} onClick=${() => turn(now - 1)}>Earlier</button>
    <span class="num">${now * size + 1}–${Math.min(rows.length, (now + 1) * size)} of ${count(rows.length)}</span>
    <button type="button" disabled=${now === pages - 1} onClick=${() => turn(now + 1)}>Later</button>
  </nav>`;
  return [rows.slice(now * size, (now + 1) * size), pager];
}

/** Names that are looked for in a list. */
export function Find({ value, set, label }) {
  return html`<label class="find"><span class="hidden">${label}</span><input type="search" placeholder=${label} value=${value} onInput=${(event) => set(event.target.value)} data-find /></label>`;
}

/** A field of a form with its name above, and what is wrong with it below. */
export function Field({ label, hint, error, children }) {
  return html`<label class=${error ? "field wrong" : "field"}><span>${label}</span>${children}${hint && html`<small>${hint}</small>`}${error && html`<small class="bad-text" role="alert">${error.message}</small>`}</label>`;
}

/**
 * A dialog over the page; it closes with Escape. What is typed in it is marked, so that nothing throws it away unasked;
 * `keeps` says what else would be lost with it.
 */
export function Dialog({ title, close, children, wide, keeps }) {
  const box = useRef();
  const [asks, ask] = useState(null);
  const leave = () => {
    const loses = keeps ?? (box.current.querySelector("form[data-typed]") ? "What you have typed is not sent yet." : null);
    if (loses) ask(loses);
    else close();
  };
  // At once: what is in it is not to be lost either between being drawn and being open.
  useLayoutEffect(() => {
    const [from, own] = [document.activeElement, box.current];
    own.showModal();
    return () => {
      // While it is open, nothing behind it can have the focus.
      own.close();
      from?.focus?.();
    };
  }, []);
  return html`<dialog ref=${box} class=${wide ? "wide-dialog" : ""} aria-labelledby="dialog-title" onKeyDown=${escaped(leave)} onCancel=${(event) => { event.preventDefault(); leave(); }} onClose=${stays}>
    <header><h2 id="dialog-title">${title}</h2><button type="button" class="quiet" aria-label="Close" onClick=${leave}>✕</button></header>
    ${asks && html`<div class="problem" role="alert" data-asks><b>${asks}</b><div class="page-acts"><button type="button" onClick=${() => ask(null)}>Stay here</button><button type="button" class="danger" onClick=${close}>Close all the same</button></div></div>`}
    ${children}
  </dialog>`;
}

/** What Escape does, instead of what browsers do: they close a dialog at the second press, whatever a page says. */
export const escaped = (act) => (event) => {
  if (event.key !== "Escape") return;
  event.preventDefault();
  act();
};

/** A dialog that a browser has closed by itself is opened again: it closes when it is taken away. */
export const stays = (event) => {
  if (event.target.isConnected && event.target === event.currentTarget) event.target.showModal();
};

/** Signs out, and says so only where the gateway has done it. */
export function SignOut() {
  const [act, runs, error] = useAct(signOut);
  return html`<button type="button" class="small-button" disabled=${runs} onClick=${() => act()}>Sign out</button>
    ${error && html`<span class="bad-text small" role="alert" data-not-out>You are still signed in: ${error instanceof Refused ? error.message : "the gateway did not answer."}</span>`}`;
}

/** Until when something lasts: a time that is past is not told as one to come. */
export function Until({ at }) {
  if (at && new Date(at).getTime() <= Date.now()) return html`<span class="dim" title=${utc(at)}>any moment</span>`;
  return html`<${Time} at=${at} ago />`;
}

/** A text that can be copied. */
export function Copied({ text, label = "Copy" }) {
  const [done, set] = useState(null);
  const copy = async () => {
    let copied = true;
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // Without TLS browsers give no clipboard: the old way still works.
      const area = document.createElement("textarea");
      area.value = text;
      (document.querySelector("dialog[open]") ?? document.body).append(area);
      area.select();
      copied = document.execCommand("copy");
      area.remove();
    }
    set(copied ? "Copied" : "Not copied: select it");
    setTimeout(() => set(null), 2000);
  };
  return html`<button type="button" class="small-button" onClick=${copy}>${done ?? label}</button>`;
}

/** A line over the page while the gateway is not there, or has another build of it. */
export function Notices() {
  const shared = useShared();
  if (shared.lost) return html`<div class="notice bad" role="status">The gateway does not answer. It is asked again by itself; what you see is from before.</div>`;
  if (shared.outdated) return html`<div class="notice" role="status">The gateway has a newer page. <button type="button" class="link" onClick=${() => location.reload()}>Load it</button> once you have sent what you typed.</div>`;
  return null;
}

/** The heading of a page, with what can be done on it. */
export const Head = ({ title, about, children }) =>
  html`<header class="page-head"><div><h1 tabindex="-1">${title}</h1>${about && html`<p class="dim">${about}</p>`}</div><div class="page-acts">${children}</div></header>`;

/** Says which of a few things is chosen. */
export function Choice({ label, options, value, set }) {
  return html`<div class="choice" role="group" aria-label=${label}>${options.map(([key, name]) => html`<button type="button" aria-pressed=${value === key ? "true" : "false"} onClick=${() => set(key)}>${name}</button>`)}</div>`;
}

/** One of some values, each with its name. */
export function Select({ name, label, options, value, set }) {
  return html`<select name=${name} aria-label=${label} onChange=${(event) => set(event.target.value)}>${options.map(([key, text]) => html`<option value=${key} selected=${key === value}>${text}</option>`)}</select>`;
}

/** Marks a form as typed in, until what it was sent for is done: only then the mark is taken away. */
export const typed = (event) => { event.currentTarget.dataset.typed = "1"; };

/** Takes the mark away. */
export const sent = (form) => { delete form.dataset.typed; };
