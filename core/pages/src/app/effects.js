// All that the page does to the world: asks the server, waits, keeps, saves files. Addresses are relative to the page's own.
import { markdownOf, svgOf } from "./export.js";
import { SseReader } from "./sse.js";

const KEPT = "unmask", KEY = "unmask-key";

/** What an earlier visit kept, and the key that `unmask serve --open` put behind the `#` of the address, which goes no further. */
export function recall() {
  const key = new URLSearchParams(location.hash.slice(1)).get("key");
  if (key) {
    sessionStorage.setItem(KEY, key);
    history.replaceState(null, "", location.pathname + location.search);
  }
  let kept = {};
  try { kept = JSON.parse(localStorage.getItem(KEPT) || "{}"); } catch { localStorage.removeItem(KEPT); }
  return { key: key || sessionStorage.getItem(KEY), kept };
}

export class Effects {
  /** @param {()=>object} state @param {(action:object)=>void} dispatch @param {{follow:(turn:number)=>void}} view */
  constructor(state, dispatch, view) {
    Object.assign(this, { state, dispatch, view, timers: new Map(), streams: new Map(), plans: { A: 0, B: 0 } });
  }

  perform(effect) {
    const act = { save: this.save, key: this.key, connect: this.connect, probe: this.probe, plan: this.plan, later: this.later, tick: this.tick, stream: this.stream, stop: this.stop,
      control: this.control, likelihood: this.likelihood, export: this.export, follow: this.follow }[effect.do];
    return act.call(this, effect);
  }

  async ask(path, body, more = {}) {
    const { key } = this.state().link, headers = { ...(key ? { authorization: `Bearer ${key}` } : {}), ...(body ? { "content-type": "application/json" } : {}) };
    return fetch(path, { method: body ? "POST" : "GET", headers, body: body && JSON.stringify(body), credentials: "omit", cache: "no-store", ...more });
  }

  /** An answer as JSON; throws `{text, code, status}` of a refusal. */
  async json(path, body) {
    const answer = await this.ask(path, body), said = await answer.json().catch(() => null);
    if (!answer.ok) throw Object.assign(new Error(said && said.error ? said.error.message : `the server answered ${answer.status}`), { status: answer.status, code: said && said.error && said.error.code });
    return said;
  }

  async connect() {
    try {
      const [models, state, table] = await Promise.all(["v1/models", "unmask/v1/state", "page/settings.json"].map((it) => this.json(it)));
      const of = ({ id, unmask }) => ({ id, name: (unmask && unmask.name) || id, family: unmask && unmask.family, context: unmask && unmask.context, loaded: Boolean(unmask && unmask.loaded), defaults: (unmask && unmask.defaults) || {} });
      const { name, device, precision } = (state.loaded && state.loaded.backend) || {};
      this.dispatch({ type: "connected", models: models.data.map(of), table, device: [name, device, precision].filter(Boolean).join(" ") });
    } catch (error) {
      const phase = error.status === 401 ? "no key" : error.status === 503 ? "loading" : "offline";
      this.dispatch({ type: "unconnected", phase, text: error.status ? error.message : "Start `unmask serve` again, or look whether its address is still this one." });
    }
  }

  async probe() {
    const isThere = await fetch("health", { cache: "no-store" }).then((it) => it.ok, () => false);
    if (!isThere) this.dispatch({ type: "unconnected", phase: "offline", text: "Start `unmask serve` again, or look whether its address is still this one." });
  }

  async plan({ side, body }) {
    const turn = ++this.plans[side];
    const plan = await this.json("unmask/v1/plan", body).catch((error) => ({ failure: error.status ? error.message : "" }));
    if (turn === this.plans[side]) this.dispatch({ type: "planned", side, plan: plan.failure === "" ? null : plan });
  }

  later({ key, ms, action }) {
    clearTimeout(this.timers.get(key));
    this.timers.set(key, setTimeout(() => { this.timers.delete(key); this.dispatch(action); }, ms));
  }

  tick({ run }) {
    if (!this.timers.has(`run ${run}`)) this.dispatch({ type: "tick", run });
  }

  async stream({ run, body }) {
    const control = new AbortController(), lost = (text) => this.dispatch({ type: "lost", run, text });
    let hasBegun = false;
    this.streams.set(run, control);
    try {
      const answer = await this.ask("v1/chat/completions", body, { signal: control.signal });
      if (!answer.ok) return await this.refuse(run, answer);
      hasBegun = true;
      const bytes = answer.body.getReader(), reader = new SseReader();
      for (;;) {
        const { done, value } = await bytes.read();
        if (done) return lost("the server ended the answer before it was whole");
        for (const data of reader.push(value)) {
          if (data === "[DONE]") return;
          this.dispatch({ type: "chunk", run, chunk: JSON.parse(data) });
        }
      }
    } catch (error) {
      if (control.signal.aborted) this.dispatch({ type: "stopped", run });
      else lost(!(error instanceof TypeError) ? error.message : hasBegun ? "it broke before the answer was whole" : "the server cannot be reached");
    } finally {
      this.streams.delete(run);
    }
  }

  async refuse(run, answer) {
    const said = await answer.json().catch(() => null), error = (said && said.error) || { message: `the server answered ${answer.status}`, code: null };
    const wait = Number(answer.headers.get("retry-after"));
    const text = answer.status === 429 && wait ? `${error.message}; try again in ${wait} s` : error.message;
    this.dispatch({ type: "refused", run, failure: { text, code: error.code, retry: answer.status !== 400 } });
    if (answer.status === 401) this.dispatch({ type: "unconnected", phase: "no key", text: error.message });
  }

  /** Ends a turn: by its name, so that the server tells how it ended; before it has one, by hanging up. */
  async stop({ run, name }) {
    const hangUp = () => { const stream = this.streams.get(run); if (stream) stream.abort(); };
    if (!name) return hangUp();
    await this.json(`unmask/v1/turns/${encodeURIComponent(name)}`, { do: "stop" }).catch(hangUp);
  }

  async control({ name, what }) {
    await this.json(`unmask/v1/turns/${encodeURIComponent(name)}`, { do: what }).catch((error) => this.dispatch({ type: "notice", text: error.message, kind: "warn" }));
  }

  async likelihood({ body, chosen }) {
    const said = await this.json("unmask/v1/loglikelihood", body).then((it) => ({ found: it.data[0] }), (error) => ({ failure: error.message }));
    this.dispatch({ type: "measured", chosen, ...said });
  }

  save({ kept }) {
    localStorage.setItem(KEPT, JSON.stringify(kept));
  }

  key({ key }) {
    sessionStorage.setItem(KEY, key);
  }

  follow({ turn }) {
    requestAnimationFrame(() => this.view.follow(turn));
  }

  export({ run: id, format }) {
    const state = this.state(), run = state.runs.get(id), turn = state.turns.find((it) => it.id === run.turn);
    const made = { md: () => [markdownOf(state), "text/markdown"], jsonl: () => [run.log.map((it) => JSON.stringify(it) + "\n").join(""), "application/jsonl"], svg: () => [svgOf(run, turn.asked, colours()), "image/svg+xml"] }[format];
    const [text, type] = made();
    const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(new Blob([text], { type })), download: `${fileName(turn.asked)}.${format === "jsonl" ? "trace.jsonl" : format}` });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  }
}

/** A question as the name of a file. */
function fileName(text) {
  return text.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-|-$/g, "").slice(0, 40) || "unmask";
}

/** The colours of the page as they are now, by their roles. */
function colours() {
  const probe = document.createElement("i"), found = {};
  document.body.append(probe);
  for (const role of ["ground", "raised", "line", "text", "muted", "accent", "mask", "low", "middle", "high", "given"]) {
    probe.style.color = `var(--${role})`;
    found[role] = getComputedStyle(probe).color;
  }
  probe.remove();
  return found;
}
