// Which page is shown: its path and its query are all that it is made of, so that each address can be shared.

import { html, useLayoutEffect, useState } from "./vendor/preact.js";

const watchers = new Set();

/** Goes to an address of the console. */
export function go(path, { replace } = {}) {
  history[replace ? "replaceState" : "pushState"](null, "", path);
  for (const watcher of watchers) watcher();
}

addEventListener("popstate", () => {
  for (const watcher of watchers) watcher();
});

/** Where we are: the path, and the query by name. */
export function useRoute() {
  const [, draw] = useState(0);
  useLayoutEffect(() => {
    const watcher = () => draw((number) => number + 1);
    watchers.add(watcher);
    return () => watchers.delete(watcher);
  }, []);
  return { path: location.pathname.replace(/\/+$/, "") || "/console", asked: new URLSearchParams(location.search) };
}

/** Changes the query of the address; what is empty leaves it. */
export function ask(change) {
  const asked = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(change)) {
    asked.delete(name);
    for (const one of Array.isArray(value) ? value : [value]) if (one) asked.append(name, one);
  }
  const text = asked.toString();
  go(text ? `${location.pathname}?${text}` : location.pathname, { replace: true });
}

/** A link to another page of the console, without loading it anew. */
export function Link({ to, children, ...rest }) {
  const press = (event) => {
    if (event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    go(to);
    scrollTo(0, 0);
  };
  return html`<a href=${to} onClick=${press} ...${rest}>${children}</a>`;
}
