// What is known of the chosen token, or of a span of them, and what can be done with it.
import { texts } from "../../wire.js";
import { percent, portrait } from "../../token.js";
import { folded } from "../folded.js";
import { isLive, span } from "../state.js";
import { h, icon, iconButton, redraw } from "./dom.js";

export class Token {
  constructor(dispatch) {
    this.dispatch = dispatch;
    this.body = h("div", { class: "token-body", "aria-live": "polite" });
    this.acts = h("div", { class: "acts" });
    this.root = h("section", { class: "inspector", "aria-label": "token" }, h("header", {}, h("h2", {}, "token"), h("span", { class: "space" }),
      iconButton("close", "close", () => dispatch({ type: "unchoose" }))), this.body, this.acts);
  }

  draw(state) {
    const run = state.chosen && state.runs.get(state.chosen.run), now = run && folded(run, run.at);
    this.root.classList.toggle("is-empty", !now);
    if (!now) return redraw(this.body, "none", () => [h("p", { class: "muted" }, "Choose a token to see what the model weighed there; drag, or Shift and an arrow, for several.")]), this.acts.replaceChildren();
    const [from, to] = span(state.chosen), cells = now.cells.slice(from, to + 1);
    if (!cells.length) return;
    const key = [run.id, from, to, cells[0], run.at, JSON.stringify(state.likelihood)];
    if (this.key && key.every((it, at) => it === this.key[at]) && this.holes === run.holes && this.phase === run.phase) return;
    [this.key, this.holes, this.phase] = [key, run.holes, run.phase];
    this.body.replaceChildren(...(from === to ? portrait(cells[0], from, now.state) : this.several(now, from, to, cells)), ...this.likelihood(state));
    const isMasked = cells.every((_, by) => run.holes.includes(from + by)), act = (name, label, type, props = {}) =>
      h("button", { type: "button", class: "plain small", onclick: () => this.dispatch({ type }), ...props }, icon(name), label);
    this.acts.replaceChildren(act("pin", "pin", "pin", { title: "fix it in the next answer (p)" }), act("mask", isMasked ? "unmask" : "mask", "mask", { title: "mask it and refill (m)", disabled: isLive(run) || Boolean(run.imported) }),
      act("scale", "likelihood", "likelihood", { title: "how likely the model holds it after what stands before it", disabled: isLive(run) || Boolean(run.imported) || cells.some((it) => it.mark === "masked") }));
  }

  several(now, from, to, cells) {
    const committed = cells.filter((it) => it.mark === "committed" || it.mark === "changed"), mean = committed.reduce((sum, it) => sum + it.confidence, 0) / (committed.length || 1);
    const least = committed.reduce((least, it) => (!least || it.confidence < least.confidence ? it : least), null);
    return [h("h2", {}, texts(now.cells).slice(from, to + 1).join("").trim().replaceAll("\n", "⏎") || "masked"), h("p", {}, `positions ${from} to ${to} · ${cells.length} tokens`),
      ...(least ? [h("p", {}, `mean confidence ${percent(mean)} · least ${percent(least.confidence)}`)] : [])];
  }

  likelihood(state) {
    const it = state.likelihood;
    if (!it) return [];
    const text = it.phase === "asked" ? "measuring…" : it.phase === "failed" ? it.text : `log-likelihood ${it.ll.toFixed(2)}${it.se ? ` ± ${it.se.toFixed(2)}` : ""} nat · ${it.nfe} forwards`;
    return [h("p", { class: it.phase === "failed" ? "failure" : "measured" }, text)];
  }
}
