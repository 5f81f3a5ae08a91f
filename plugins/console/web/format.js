// Figures and times as people read them. Money stays the text that the API gave: it is grouped, never computed with.

const DIGITS = /\B(?=(\d{3})+(?!\d))/g;
const UNITS = 10n ** 10n;

/** A whole number with its digits in groups. */
export function count(value) {
  if (value === null || value === undefined) return "–";
  return String(value).replace(DIGITS, "\u2009");
}

/** A number in short: 1.2 k, 3.4 M. */
export function short(value) {
  if (value === null || value === undefined) return "–";
  const steps = [[1e12, "T"], [1e9, "G"], [1e6, "M"], [1e3, "k"]];
  const step = steps.find(([size]) => Math.abs(value) >= size);
  if (!step) return Number.isInteger(value) ? String(value) : value.toFixed(Math.abs(value) < 10 ? 2 : 1);
  const scaled = value / step[0];
  return `${scaled.toFixed(scaled < 10 ? 2 : scaled < 100 ? 1 : 0)}\u2009${step[1]}`;
}

/** Dollars as the API writes them, in two parts: what is read at a glance, and the digits after the cents. */
export function money(text) {
  if (text === null || text === undefined) return ["–", ""];
  const [whole, part = ""] = String(text).split(".");
  const sign = whole.startsWith("-") ? "−" : "";
  const digits = whole.replace("-", "").replace(DIGITS, "\u2009");
  return [`${sign}$${digits}.${part.slice(0, 2).padEnd(2, "0")}`, part.slice(2)];
}

/** Dollars as units of 1e-10, exact. */
export function units(text) {
  const [whole, part = ""] = String(text ?? "0").split(".");
  const value = BigInt(whole.replace("-", "") || "0") * UNITS + BigInt(part.slice(0, 10).padEnd(10, "0"));
  return whole.startsWith("-") ? -value : value;
}

/** Units of 1e-10 as dollars, exact. */
export function dollars(value) {
  const sign = value < 0n ? "-" : "";
  const size = value < 0n ? -value : value;
  const part = String(size % UNITS).padStart(10, "0").replace(/0+$/, "");
  return `${sign}${size / UNITS}${part ? `.${part}` : ""}`;
}

/** A part of a whole in per cent, of numbers or of units. */
export function part(some, all) {
  if (typeof some === "bigint" || typeof all === "bigint") {
    const whole = BigInt(all);
    return whole > 0n ? Number((BigInt(some) * 10000n) / whole) / 100 : 100;
  }
  return all > 0 ? (some / all) * 100 : 100;
}

/** How much more or less than before, in per cent; null where there was nothing. */
export function change(now, before) {
  const [one, other] = [BigInt(now), BigInt(before)];
  return other === 0n ? null : Number(((one - other) * 1000n) / other) / 10;
}

/** Milliseconds, in the unit that suits them. */
export function span(ms) {
  if (ms === null || ms === undefined) return "–";
  if (ms < 1) return `${ms.toFixed(2)}\u2009ms`;
  if (ms < 1000) return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)}\u2009ms`;
  if (ms < 60000) return `${(ms / 1000).toFixed(ms < 10000 ? 2 : 1)}\u2009s`;
  return `${Math.floor(ms / 60000)}\u2009min ${Math.round((ms % 60000) / 1000)}\u2009s`;
}

const DAY = new Intl.DateTimeFormat(undefined, { month: "short", day: "numeric" });
const TIME = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });

/** A moment in the viewer's zone: today's by its time alone. */
export function moment(text) {
  const time = new Date(text);
  if (Number.isNaN(time.getTime())) return String(text);
  const today = time.toDateString() === new Date().toDateString();
  const year = time.getFullYear() === new Date().getFullYear() ? "" : ` ${time.getFullYear()}`;
  return today ? TIME.format(time) : `${DAY.format(time)}${year} ${TIME.format(time)}`;
}

/** The same moment in UTC, for whoever points at it. */
export function utc(text) {
  const time = new Date(text);
  return Number.isNaN(time.getTime()) ? String(text) : `${time.toISOString().replace("T", " ").replace("Z", "")} UTC`;
}

/** How long it is until a moment, or since it. */
export function away(text, now = Date.now()) {
  const ms = new Date(text).getTime() - now;
  const size = Math.abs(ms);
  const steps = [[86400000, "d"], [3600000, "h"], [60000, "min"], [1000, "s"]];
  const [step, unit] = steps.find(([step]) => size >= step) ?? [1000, "s"];
  const words = `${Math.round(size / step)}\u2009${unit}`;
  return ms >= 0 ? `in ${words}` : `${words} ago`;
}

/** A day of a time zone, as the API takes it, so many days away from a moment. */
export function day(zone, days = 0, now = new Date()) {
  const [year, month, date] = calendar(zone, now);
  return new Date(Date.UTC(year, month - 1, date + days)).toISOString().slice(0, 10);
}

/** The first day of a month of a time zone, so many months away. */
export function firstOfMonth(zone, months = 0, now = new Date()) {
  const [year, month] = calendar(zone, now);
  return new Date(Date.UTC(year, month - 1 + months, 1)).toISOString().slice(0, 10);
}

/** A moment so many days before, at the same time of the day of a time zone, whatever its clocks did between. */
export function daysBefore(zone, days, now) {
  const then = now.getTime() - days * 86400000;
  return new Date(then + offset(zone, now) - offset(zone, new Date(then)));
}

/**
 * What of the month before is as far as this month is by now: where that month has no such day, the whole of it. The API
 * takes a moment, or a day of its time zone.
 */
export function monthBefore(zone, now = new Date()) {
  const [year, month, date] = calendar(zone, now);
  const days = new Date(Date.UTC(year, month - 1, 0)).getUTCDate();
  return date > days ? firstOfMonth(zone, 0, now) : daysBefore(zone, days, now).toISOString();
}

/** How far a time zone's clocks are ahead of UTC at a moment, in milliseconds. */
function offset(zone, time) {
  const format = new Intl.DateTimeFormat("en-US", { timeZone: zone, hourCycle: "h23", year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric", second: "numeric" });
  const part = Object.fromEntries(format.formatToParts(time).map(({ type, value }) => [type, Number(value)]));
  return Date.UTC(part.year, part.month - 1, part.day, part.hour, part.minute, part.second) - Math.floor(time.getTime() / 1000) * 1000;
}

function calendar(zone, now) {
  const format = new Intl.DateTimeFormat("en-CA", { timeZone: zone, year: "numeric", month: "2-digit", day: "2-digit" });
  return format.format(now).split("-").map(Number);
}

/** All tokens of a row of usage. */
export const tokens = (row) =>
  row.input_tokens + row.output_tokens + row.cache_write_tokens + row.cache_read_tokens;
