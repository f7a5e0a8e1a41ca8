// The conversation: a question, then its answer's versions, of which one is shown.
import { settled, folded } from "../folded.js";
import { isLive, live, shown } from "../state.js";
import { h, iconButton, say, show } from "./dom.js";
import { RunView } from "./run.js";

const EXAMPLES = ["What is the capital of France?", "What is gold?", "Hello! Who are you?"];

class TurnView {
  constructor(dispatch, turn) {
    this.dispatch = dispatch;
    this.views = new Map();
    this.asked = h("p", { class: "asked" });
    this.runs = h("div", { class: "runs" });
    this.older = iconButton("back", "the version before", () => dispatch({ type: "version", turn: turn.id, by: -1 }));
    this.newer = iconButton("on", "the version after", () => dispatch({ type: "version", turn: turn.id, by: 1 }));
    this.count = h("span", { class: "version" });
    this.retry = iconButton("retry", "answer again", () => dispatch({ type: "retry", turn: turn.id }));
    const as = (format) => h("button", { type: "button", class: "plain small", onclick: () => dispatch({ type: "export", run: this.first, format }), "aria-label": `save as .${format}` }, `.${format}`);
    this.acts = h("div", { class: "acts" }, this.retry, this.older, this.count, this.newer, h("span", { class: "space" }), ...["md", "jsonl", "svg"].map(as));
    this.root = h("article", { class: "turn" }, this.asked, this.runs, this.acts);
  }

  draw(state, turn) {
    const all = shown(state, turn);
    this.first = all[0].id;
    say(this.asked, turn.asked);
    const views = all.map((run) => {
      if (!this.views.has(run.id)) this.views.set(run.id, new RunView(this.dispatch, run.id));
      return this.views.get(run.id);
    });
    const key = all.map((run) => run.id).join();
    if (this.key !== key) this.runs.replaceChildren(...views.map((it) => it.root));
    this.key = key;
    this.runs.classList.toggle("two", all.length > 1);
    all.forEach((run, at) => views[at].draw(state, run, all.length > 1 ? all[1 - at] : null));
    show(this.acts, !all.some(isLive));
    show(this.retry, !all[0].imported);
    for (const it of [this.older, this.count, this.newer]) show(it, turn.versions.length > 1);
    say(this.count, `${turn.version + 1}/${turn.versions.length}`);
    this.older.disabled = turn.version === 0;
    this.newer.disabled = turn.version + 1 === turn.versions.length;
  }
}

export class Transcript {
  constructor(dispatch) {
    this.dispatch = dispatch;
    this.turns = new Map();
    this.list = h("div", { class: "turns" });
    this.link = h("div", { class: "link-state", role: "status" });
    const letters = [..."unmask"].map((letter) => h("span", { class: "letter" }, letter));
    const example = (text) => h("button", { type: "button", class: "plain", onclick: () => { dispatch({ type: "typed", text }); dispatch({ type: "send" }); } }, text);
    this.hello = h("div", { class: "hello" }, h("h1", { "aria-label": "unmask" }, ...letters),
      h("p", {}, "A diffusion language model writes all of its answer at once, and sharpens it step by step. Ask something, watch it, go back to any step, and look at what it weighed."),
      h("div", { class: "examples" }, ...EXAMPLES.map(example)));
    this.said = h("div", { class: "sr-only", "aria-live": "polite" });
    this.root = h("main", { class: "transcript" }, this.link, this.hello, this.list, this.said);
    this.spoken = { at: 0, run: 0, length: 0, ended: 0 };
  }

  draw(state) {
    this.drawLink(state);
    show(this.hello, state.turns.length === 0 && (state.link.phase === "ready" || state.link.phase === "starting"));
    for (const id of [...this.turns.keys()]) {
      if (state.turns.some((it) => it.id === id)) continue;
      this.turns.get(id).root.remove();
      this.turns.delete(id);
    }
    for (const turn of state.turns) {
      if (!this.turns.has(turn.id)) {
        const view = new TurnView(this.dispatch, turn);
        this.turns.set(turn.id, view);
        this.list.append(view.root);
      }
      this.turns.get(turn.id).draw(state, turn);
    }
    this.speak(state);
  }

  drawLink(state) {
    const { phase, text } = state.link;
    show(this.link, phase !== "ready" && phase !== "starting");
    const key = `${phase}:${text}`;
    if (this.linkKey === key) return;
    this.linkKey = key;
    if (phase === "no key") {
      const field = h("input", { type: "password", "aria-label": "key", placeholder: "key", autocomplete: "off" });
      this.link.replaceChildren(h("h2", {}, "This server asks for a key"), h("p", {}, "`unmask serve --open` prints an address that carries it; or paste one of the keys of its key file."),
        h("form", { class: "key", onsubmit: (event) => { event.preventDefault(); if (field.value.trim()) this.dispatch({ type: "keyed", key: field.value.trim() }); } }, field, h("button", { class: "primary" }, "go on")));
    } else {
      const title = { offline: "The server cannot be reached", "model gone": "There is no model", loading: "The model is being loaded" }[phase] || phase;
      this.link.replaceChildren(h("h2", {}, title), h("p", {}, text), h("button", { type: "button", class: "plain", onclick: () => this.dispatch({ type: "again" }) }, "try again"));
    }
  }

  /** Tells those who listen what has settled, every two seconds at most. */
  speak(state) {
    const run = live(state)[0] || state.runs.get(this.spoken.run), now = Date.now();
    if (!run || !run.start || (isLive(run) && now - this.spoken.at < 2000)) return;
    // What has ended is said to its end once.
    if (!isLive(run) && this.spoken.ended === run.id) return;
    if (!isLive(run)) this.spoken.ended = run.id;
    if (this.spoken.run !== run.id) this.spoken = { at: now, run: run.id, length: 0, ended: this.spoken.ended };
    const text = settled(run, folded(run, run.at));
    if (text.length <= this.spoken.length) return;
    this.said.textContent = text.slice(this.spoken.length);
    Object.assign(this.spoken, { at: now, length: text.length });
  }

  /** Brings the newest turn into sight. */
  follow(turn) {
    const view = this.turns.get(turn);
    if (view) view.root.scrollIntoView({ block: "start", behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
  }
}
