// Where the next question is written, with the words that its answer has to hold, and what stops an answer.
import { live } from "../state.js";
import { h, icon, iconButton, redraw, say, show } from "./dom.js";

export class Composer {
  constructor(dispatch) {
    this.dispatch = dispatch;
    this.text = h("textarea", { rows: 1, placeholder: "Message…", "aria-label": "message", oninput: () => { this.size(); dispatch({ type: "typed", text: this.text.value }); }, onkeydown: (event) => this.pressed(event) });
    this.words = h("input", { type: "text", id: "pins", placeholder: "0:Once, 5:upon", autocomplete: "off", spellcheck: false, oninput: () => dispatch({ type: "words", text: this.words.value }) });
    this.pins = h("div", { class: "pins" }, icon("pin"), h("label", { for: "pins" }, "words in the answer"), this.words);
    this.pinning = iconButton("pin", "words at positions of the answer", () => dispatch({ type: "pinning" }));
    this.pause = iconButton("pause", "pause", () => dispatch({ type: "pauseOrResume" }), { title: "pause or go on (Ctrl .)" });
    this.act = h("button", { type: "button", class: "send", onclick: () => dispatch({ type: this.isLive ? "stop" : "send" }) });
    this.notice = h("p", { class: "notice", role: "status" });
    this.plan = h("span", { class: "plan-line" });
    const importer = h("input", { type: "file", accept: ".jsonl,.json,application/jsonl", hidden: true, onchange: () => { if (importer.files[0]) dispatch({ type: "open", file: importer.files[0] }); importer.value = ""; } });
    this.below = h("div", { class: "below" }, this.plan, h("span", { class: "space" }), importer,
      h("button", { type: "button", class: "plain small", "aria-label": "open a trace", onclick: () => importer.click() }, icon("open"), h("span", { class: "word" }, "open a trace")), h("button", { type: "button", class: "plain small", "aria-label": "clear", onclick: () => dispatch({ type: "clear" }) }, icon("clear"), h("span", { class: "word" }, "clear")));
    this.root = h("form", { class: "composer", onsubmit: (event) => event.preventDefault() }, this.notice, this.pins, h("div", { class: "line" }, this.pinning, this.text, this.pause, this.act), this.below);
  }

  pressed(event) {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.ctrlKey || event.altKey) return;
    event.preventDefault();
    if (!this.isLive) this.dispatch({ type: "send" });
  }

  size() {
    this.text.style.height = "auto";
    this.text.style.height = `${Math.min(240, this.text.scrollHeight + 2)}px`;
  }

  draw(state) {
    const running = live(state);
    this.isLive = running.length > 0;
    if (this.text.value !== state.draft) {
      this.text.value = state.draft;
      this.size();
    }
    if (this.words.value !== state.pins) this.words.value = state.pins;
    show(this.pins, state.isPinning || state.pins !== "");
    this.pinning.setAttribute("aria-pressed", String(!this.pins.hidden));
    show(this.pause, this.isLive && running.some((it) => it.phase === "running" || it.phase === "paused"));
    const isPaused = running.some((it) => it.phase === "paused");
    redraw(this.pause, String(isPaused), () => [icon(isPaused ? "play" : "pause")]);
    this.pause.setAttribute("aria-label", isPaused ? "go on" : "pause");
    redraw(this.act, String(this.isLive), () => [icon(this.isLive ? "stop" : "send"), h("span", { class: "word" }, this.isLive ? "stop" : "send")]);
    this.act.setAttribute("aria-label", this.isLive ? "stop" : "send");
    this.act.classList.toggle("is-stop", this.isLive);
    this.act.disabled = !this.isLive && (!state.draft.trim() || state.link.phase !== "ready");
    show(this.notice, Boolean(state.notice));
    if (state.notice) {
      say(this.notice, state.notice.text);
      this.notice.className = `notice ${state.notice.kind}`;
    }
    const plan = state.plans.A;
    say(this.plan, plan && !plan.failure && typeof plan.forwards === "number" ? `${plan.forwards} forwards${plan.seconds ? ` ≈ ${plan.seconds < 10 ? `${plan.seconds.toFixed(1)} s` : `${Math.round(plan.seconds)} s`}` : ""} · ${plan.exact ? "exact" : "approximate"}` : plan && plan.failure ? plan.failure : "");
    this.plan.classList.toggle("failure", Boolean(plan && plan.failure));
  }
}
