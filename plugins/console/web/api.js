// The gateway's public routes, asked with the cookie of a session, and what became of the connection to them.

import { useCallback, useEffect, useLayoutEffect, useRef, useState } from "./vendor/preact.js";

/** How long a lost connection is left alone before it is tried again, in milliseconds, and at most. */
const AGAIN = [1000, 15000];

/** Whose page this is: `operator` or `holder`. */
export const who = document.documentElement.querySelector("meta[name=who]")?.content
  ?? (location.pathname.startsWith("/my") ? "holder" : "operator");

/** What the gateway refused, in its own words. */
export class Refused extends Error {
  constructor(status, error) {
    super(error.message || `the gateway answered ${status}`);
    Object.assign(this, { status, code: error.code || error.type, field: error.field ?? error.param, problems: error.problems ?? [], id: error.request_id });
  }
}

/** What all parts of a page know: whether somebody is signed in, and whether the gateway is there. */
export const state = { signed: "unknown", lost: false, name: null, round: 0 };
const watchers = new Set();

/** Changes it, and tells everybody. */
export function tell(change) {
  Object.assign(state, change);
  for (const watcher of watchers) watcher();
}

/** What is known now; the caller is drawn again when it changes. */
export function useShared() {
  const [, draw] = useState(0);
  // At once, and not when there is time for it: what is told before that would never be drawn.
  useLayoutEffect(() => {
    const watcher = () => draw((number) => number + 1);
    watchers.add(watcher);
    return () => watchers.delete(watcher);
  }, []);
  return state;
}

async function fetched(method, path, body, signal) {
  const headers = { "x-sluice-console": "1" };
  if (body !== undefined) headers["content-type"] = "application/json";
  try {
    const answer = await fetch(path, { method, headers, signal, cache: "no-store", credentials: "same-origin", body: body === undefined ? undefined : JSON.stringify(body) });
    found();
    return answer;
  } catch (error) {
    if (error.name !== "AbortError") lost();
    throw error;
  }
}

/** Asks the gateway; what it refuses is thrown in its own words. */
export async function ask(method, path, body, signal) {
  const answer = await fetched(method, path, body, signal);
  const text = await answer.text();
  let told;
  try {
    told = text ? JSON.parse(text) : null;
  } catch {
    told = null;
  }
  if (answer.ok) return told;
  if (answer.status === 401 && !path.startsWith("/session/") && state.signed !== "unknown") tell({ signed: "ended" });
  throw new Refused(answer.status, told?.error ?? { message: text.slice(0, 300) });
}

export const get = (path, signal) => ask("GET", path, undefined, signal);

/** A path with a query of what is set: lists are repeated. */
export function query(path, values) {
  const pairs = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== undefined && one !== null && one !== "") pairs.append(name, one);
    }
  }
  const text = pairs.toString();
  return text ? `${path}?${text}` : path;
}

/** What a path answers, asked again every so many milliseconds while somebody looks; what was there stays until there is more. */
export function useGet(path, every = 0) {
  const shared = useShared();
  const [found, set] = useState({ data: null, error: null, path: null });
  const [turn, again] = useState(0);
  const reload = useCallback(() => again((number) => number + 1), []);
  useEffect(() => {
    if (!path || shared.signed !== "in") return undefined;
    const stop = new AbortController();
    let timer;
    const load = async () => {
      if (document.hidden && every) {
        timer = setTimeout(load, every);
        return;
      }
      try {
        const data = await get(path, stop.signal);
        set({ data, error: null, path });
      } catch (error) {
        if (error.name === "AbortError") return;
        // A lost connection is told once for the whole page; what was seen stays.
        if (error instanceof Refused && error.status !== 401) set((old) => ({ data: old.path === path ? old.data : null, error, path }));
      }
      if (every) timer = setTimeout(load, every);
    };
    load();
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, [path, every, turn, shared.signed, shared.round]);
  return { data: found.data, error: found.error, stale: found.path !== path, reload };
}

/** An action of a button: whether it runs, what came of it, and what was refused. */
export function useAct(work) {
  const [now, set] = useState({ runs: false, error: null });
  const alive = useRef(true);
  useEffect(() => () => { alive.current = false; }, []);
  const act = async (...given) => {
    set({ runs: true, error: null });
    try {
      const done = await work(...given);
      if (alive.current) set({ runs: false, error: null });
      return done;
    } catch (error) {
      if (alive.current) set({ runs: false, error });
      return undefined;
    }
  };
  return [act, now.runs, now.error];
}

let waiting = null;
let wait = AGAIN[0];

function lost() {
  if (!state.lost) tell({ lost: true });
  if (waiting) return;
  waiting = setTimeout(async () => {
    waiting = null;
    wait = Math.min(wait * 2, AGAIN[1]);
    await fresh().catch(() => {});
  }, wait);
}

function found() {
  wait = AGAIN[0];
  if (!state.lost) return;
  tell({ lost: false, round: state.round + 1 });
}

/** Loads the page anew where the gateway has another build of it by now. What somebody has typed is not thrown away: they are asked. */
export async function fresh() {
  const own = document.querySelector("meta[name=build]").content;
  const answer = await fetched("GET", `${who === "holder" ? "/my" : "/console"}/build`);
  if (!answer.ok) return;
  const { build } = await answer.json();
  if (build === own) return;
  // A dialog may have a secret that is shown this once; that of signing in again has nothing of its own.
  if (document.querySelector("dialog[open]:not([data-again]), form[data-typed]")) tell({ outdated: true });
  else location.reload();
}

/** Who is signed in, asked once at the beginning. */
export async function begin() {
  try {
    const session = await get(`/session/${who}`);
    tell({ signed: "in", name: session.name });
  } catch (error) {
    if (error instanceof Refused) tell({ signed: "out" });
    else setTimeout(begin, 2000);
  }
}

/** Signs in; the secret is sent once and kept nowhere. */
export async function signIn(secret) {
  const session = await ask("POST", `/session/${who}`, { secret });
  const again = state.signed === "ended" && state.name !== session.name;
  // Another key's page has nothing of the one before.
  if (again) location.reload();
  tell({ signed: "in", name: session.name, round: state.round + 1 });
}

/** Signs out, at the gateway first: where that was not reached, nobody is. */
export async function signOut() {
  await ask("DELETE", `/session/${who}`);
  tell({ signed: "out", name: null });
}

// A tab that has been away for long may be of another build, and its gateway another process.
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) fresh().catch(() => {});
});
setInterval(() => {
  if (!document.hidden) fresh().catch(() => {});
}, 60000);
