// Limits as they are written: any number of them, each of requests, tokens or cost in a window.

import { html } from "../vendor/preact.js";
import { Select } from "../parts.js";

const UNITS = [["requests", "requests"], ["tokens", "tokens"], ["cost", "dollars"]];

/** Limits as a form has them: one of a unit each, as the API takes several in one. */
export const rowsOf = (limits) =>
  limits.flatMap((limit) => UNITS.filter(([unit]) => limit[unit] !== null && limit[unit] !== undefined)
    .map(([unit]) => ({ per: limit.per, unit, amount: String(limit[unit]), models: (limit.models ?? []).join(", ") })));

/** The same as the API takes them. Dollars stay text. */
export const limitsOf = (rows) =>
  rows.filter((row) => row.amount !== "").map((row) => {
    const models = listOf(row.models);
    const amount = row.unit === "cost" ? row.amount.trim() : Number(row.amount);
    return { per: row.per.trim(), [row.unit]: amount, ...(models.length ? { models } : {}) };
  });

/** Names with commas between. */
export const listOf = (text) => text.split(",").map((one) => one.trim()).filter(Boolean);

/** The limits of a form. */
export function Limits({ rows, set }) {
  const change = (at, part) => set(rows.map((row, index) => (index === at ? { ...row, ...part } : row)));
  return html`<fieldset class="limits full"><legend>Limits</legend>
    ${rows.map((row, at) => html`<div class="limit-row" key=${at}>
      <input aria-label=${`Amount of limit ${at + 1}`} inputmode="decimal" placeholder="20" value=${row.amount} onInput=${(event) => change(at, { amount: event.target.value })} />
      <${Select} label=${`Unit of limit ${at + 1}`} options=${UNITS} value=${row.unit} set=${(unit) => change(at, { unit })} />
      <input aria-label=${`Window of limit ${at + 1}`} list="windows" placeholder="day" value=${row.per} onInput=${(event) => change(at, { per: event.target.value })} />
      <input aria-label=${`Models of limit ${at + 1}`} placeholder="all models" value=${row.models} onInput=${(event) => change(at, { models: event.target.value })} />
      <button type="button" class="quiet" aria-label=${`Remove limit ${at + 1}`} onClick=${() => set(rows.filter((_, index) => index !== at))}>✕</button>
    </div>`)}
    <datalist id="windows">${["1m", "1h", "5h", "day", "week", "month", "total"].map((per) => html`<option value=${per} />`)}</datalist>
    <button type="button" class="small-button" onClick=${() => set([...rows, { per: "day", unit: "cost", amount: "", models: "" }])}>Add a limit</button>
  </fieldset>`;
}
