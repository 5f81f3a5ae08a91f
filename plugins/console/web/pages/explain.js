// Why a request would go where it goes, or be refused: step by step, with no request sent.

import { html, useEffect, useState } from "../vendor/preact.js";
import { ask, useAct, useGet } from "../api.js";
import { Empty, Field, Head, Money, Problem, Select, Table, sent, typed } from "../parts.js";
import { ask as address, useRoute } from "../route.js";

const APIS = ["anthropic", "openai-chat", "openai-responses", "openai-embeddings", "openai-images", "gemini"];

/** The page. */
export function Explain() {
  const { asked } = useRoute();
  const keys = useGet("/admin/v1/keys");
  const [form, set] = useState({ key: asked.get("key") ?? "", api: asked.get("api") ?? "anthropic", model: asked.get("model") ?? "", session: asked.get("session") ?? "" });
  const [told, tell] = useState(null);
  const [act, runs, error] = useAct(async (own) => {
    tell(null);
    const question = { key: form.key.trim(), api: form.api, model: form.model.trim(), ...(form.session.trim() ? { session: form.session.trim() } : {}) };
    tell(await ask("POST", "/admin/v1/explain", question));
    if (own) sent(own);
  });
  useEffect(() => {
    if (asked.get("run")) act();
  }, []);
  const send = (event) => { event.preventDefault(); address({ ...form, run: "1" }); act(event.currentTarget); };
  const input = (name, more) => html`<input name=${name} value=${form[name]} onInput=${(event) => set({ ...form, [name]: event.target.value })} ...${more} />`;
  return html`<${Head} title="Explain" about="What would become of a request now: nothing is sent, and nothing is counted." />
    <div class="stack">
    <section class="card" aria-label="Question"><form class="filters" onSubmit=${send} onInput=${typed}>
      <${Field} label="Key">${input("key", { required: true, list: "keys", "data-find": true })}<//>
      <datalist id="keys">${(keys.data?.data ?? []).slice(0, 500).map((key) => html`<option value=${key.name} />`)}</datalist>
      <${Field} label="API"><${Select} name="api" options=${APIS.map((api) => [api, api])} value=${form.api} set=${(api) => set({ ...form, api })} /><//>
      <${Field} label="Model">${input("model", { required: true })}<//>
      <${Field} label="Session, if any">${input("session")}<//>
      <button class="primary" disabled=${runs}>${runs ? "Asking…" : "Explain"}</button>
    </form><${Problem} of=${error} /></section>
    ${!told && !error && html`<section class="card"><${Empty} title="Ask about a key and a model">The answer says each step that decides, which accounts there are and why one is taken, and what it is expected to cost.<//></section>`}
    ${told && html`
      <section class="card" aria-label="Decision"><header><h2><span class=${`tag ${told.allowed ? "good" : "bad"}`} data-allowed>${told.allowed ? "It would be served" : "It would be refused"}</span>${told.account && html` by <bdi>${told.account}</bdi>`}</h2>${told.expected_price !== null && html`<span class="dim">expected price <${Money} of=${told.expected_price} /></span>`}</header>
        <ol class="steps">${told.steps.map((step) => html`<li><b>${step.step}</b><span><span class=${`tag ${/refus|denied|none|no /.test(step.decision) ? "bad" : "accent"}`}>${step.decision}</span></span><span class="reason"><bdi>${step.reason.replaceAll("`", "")}</bdi></span></li>`)}</ol></section>
      ${told.accounts.length > 0 && html`<section class="card" aria-label="Accounts"><header><h2>Accounts</h2></header><${Table} label="Accounts" rows=${told.accounts} columns=${[
        { name: "Account", cell: (row) => html`<bdi>${row.name}</bdi>` }, { name: "", cell: (row) => (row.taken ? html`<span class="tag good">taken</span>` : html`<span class="tag">not taken</span>`) }, { name: "Why", cell: (row) => row.reason },
      ]} /></section>`}`}
    </div>`;
}
