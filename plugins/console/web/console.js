// The console: who is signed in, the frame around each page, and which page an address is.

import { html, render, useEffect, useState } from "./vendor/preact.js";
import { begin, useShared } from "./api.js";
import { Empty, Notices, SignOut } from "./parts.js";
import { Link, useRoute } from "./route.js";
import { SignIn, SignInAgain } from "./signin.js";
import { setTheme, theme, THEMES } from "./theme.js";
import { Overview } from "./pages/overview.js";
import { Usage } from "./pages/usage.js";
import { Requests } from "./pages/requests.js";
import { OneRequest } from "./pages/request.js";
import { Accounts } from "./pages/accounts.js";
import { Keys } from "./pages/keys.js";
import { Groups } from "./pages/groups.js";
import { Prices } from "./pages/prices.js";
import { Plugins } from "./pages/plugins.js";
import { Configuration } from "./pages/configuration.js";
import { Explain } from "./pages/explain.js";

/** Where the files of this build are. */
const FILES = new URL(".", import.meta.url).pathname.replace(/\/$/, "");

const PAGES = [
  ["/console", "Overview", Overview], ["/console/usage", "Usage", Usage], ["/console/requests", "Requests", Requests], null,
  ["/console/accounts", "Accounts", Accounts], ["/console/keys", "Keys", Keys], ["/console/groups", "Groups", Groups], null,
  ["/console/explain", "Explain", Explain], ["/console/prices", "Prices", Prices], ["/console/plugins", "Plugins", Plugins], ["/console/configuration", "Configuration", Configuration],
];

function page(path) {
  const one = path.match(/^\/console\/requests\/(\d+)$/);
  if (one) return ["Request", html`<${OneRequest} id=${one[1]} />`];
  const found = PAGES.find((entry) => entry?.[0] === path);
  if (found) return [found[1], html`<${found[2]} />`];
  return ["Nothing here", html`<${Empty} title="There is no such page"><${Link} to="/console">To the overview<//><//>`];
}

function Side({ path }) {
  const [open, set] = useState(false);
  const [name, choose] = useState(theme());
  useEffect(() => set(false), [path]);
  const turn = () => {
    const next = THEMES[(THEMES.indexOf(name) + 1) % THEMES.length];
    setTheme(next);
    choose(next);
  };
  const current = (to) => (to === path || (to === "/console/requests" && path.startsWith(`${to}/`)) ? "page" : undefined);
  return html`<aside class=${open ? "side open" : "side"}>
    <div class="bar-top"><${Link} to="/console" class="brand"><img src=${`${FILES}/icon.svg`} alt="" width="22" height="22" />Sluice<//>
      <button type="button" class="menu" aria-expanded=${open ? "true" : "false"} aria-controls="pages" onClick=${() => set(!open)}>Menu</button></div>
    <nav id="pages" aria-label="Pages">${PAGES.map((entry) => (entry ? html`<${Link} to=${entry[0]} aria-current=${current(entry[0])}>${entry[1]}<//>` : html`<hr />`))}</nav>
    <div class="foot">
      <a href="/docs/">API reference</a>
      <button type="button" class="small-button" onClick=${turn} aria-label=${`Theme: ${name}. Change it`}>Theme: ${name}</button>
      <${SignOut} />
    </div>
  </aside>`;
}

function Console() {
  const shared = useShared();
  const { path } = useRoute();
  const [title, shown] = page(path);
  useEffect(() => {
    document.title = `${shared.signed === "out" ? "Sign in" : title} · Sluice`;
  }, [title, shared.signed]);
  useEffect(() => {
    // Who goes on by keyboard or hears the page begins at its heading.
    if (document.activeElement && document.activeElement !== document.body && document.activeElement.closest(".side")) document.querySelector("main h1")?.focus();
  }, [path]);
  if (shared.signed === "unknown") return html`<${Notices} /><main class="alone dim" aria-busy="true">Asking the gateway…</main>`;
  if (shared.signed === "out") return html`<${Notices} /><${SignIn} files=${FILES} />`;
  return html`<a class="skip" href="#main" onClick=${(event) => { event.preventDefault(); document.querySelector("main h1")?.focus(); }}>To the content</a>
    <div class="frame"><${Side} path=${path} /><div><${Notices} /><main class="main" id="main" key=${path}>${shown}</main></div></div>
    ${shared.signed === "ended" && html`<${SignInAgain} />`}`;
}

// A slash goes to what is looked for on the page.
addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.target.closest("input, textarea, select")) return;
  const find = document.querySelector("[data-find]");
  if (!find) return;
  event.preventDefault();
  find.focus();
});

document.getElementById("app").replaceChildren();
render(html`<${Console} />`, document.getElementById("app"));
begin();
