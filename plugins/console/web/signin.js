// Signing in, with the admin token or a key; and again, over the page, where a session has ended.

import { html, useEffect, useRef, useState } from "./vendor/preact.js";
import { signIn, useAct, who } from "./api.js";
import { Field, Problem, escaped, stays } from "./parts.js";

const WORDS = {
  operator: { title: "Console", about: "For operators of this gateway.", label: "Admin token", hint: "As `sluice admin-token` prints it, or as the configuration has it.", other: ["/my", "I have an API key"] },
  holder: { title: "My key", about: "What your key may do, has used and has left.", label: "API key", hint: "It is sent once to this gateway, and kept in no page.", other: null },
};

/** The form. What is typed stays where it is wrong. */
export function SignInForm() {
  const [secret, set] = useState("");
  const input = useRef();
  const [act, runs, error] = useAct(signIn);
  useEffect(() => input.current.focus(), []);
  const words = WORDS[who];
  const send = async (event) => {
    event.preventDefault();
    await act(secret);
    input.current?.focus();
  };
  return html`<form onSubmit=${send}>
    ${error && error.field !== "secret" && html`<${Problem} of=${error} />`}
    <input hidden autocomplete="username" value=${who} />
    <${Field} label=${words.label} hint=${words.hint.replaceAll("`", "")} error=${error?.field === "secret" ? error : null}>
      <input ref=${input} type="password" name="secret" autocomplete="current-password" required value=${secret} onInput=${(event) => set(event.target.value)} />
    <//>
    <button class="primary" disabled=${runs}>${runs ? "Signing in…" : "Sign in"}</button>
  </form>`;
}

/** A page with nothing but the form. */
export function SignIn({ files }) {
  const words = WORDS[who];
  return html`<main class="door"><div class="card">
    <h1 tabindex="-1"><img src=${`${files}/icon.svg`} alt="" width="26" height="26" />${words.title}</h1>
    <p class="dim">${words.about}</p>
    <${SignInForm} />
    ${words.other && html`<p class="dim small"><a href=${words.other[0]}>${words.other[1]}</a></p>`}
  </div></main>`;
}

/** The form over the page: what is typed there stays. */
export function SignInAgain() {
  const box = useRef();
  useEffect(() => {
    const [from, own] = [document.activeElement, box.current];
    own.showModal();
    return () => {
      own.close();
      from?.focus?.();
    };
  }, []);
  return html`<dialog ref=${box} data-again aria-labelledby="again" onKeyDown=${escaped(() => {})} onCancel=${(event) => event.preventDefault()} onClose=${stays}>
    <header><h2 id="again">Sign in again</h2></header>
    <p class="dim">Your session has ended. What you have typed is still there.</p>
    <${SignInForm} />
  </dialog>`;
}
