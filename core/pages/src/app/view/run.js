// One run: its canvas or why there is none, the steps to scrub over, its figures.
import { figures, progress } from "../../wire.js";
import { agreement, folded } from "../folded.js";
import { markdown } from "../markdown.js";
import { finalText } from "../request.js";
import { isLive } from "../state.js";
import { Cells } from "./cells.js";
import { clock, h, icon, iconButton, isNew, nodes, redraw, say, show } from "./dom.js";
import { Plot } from "./plot.js";

const WORDS = { complete: "complete", masks_left: "masks left", end_token: "ended", stopped: "stopped" };
const SPEEDS = [0.25, 0.5, 1, 2, 4, 8];

export class RunView {
  constructor(dispatch, id) {
    this.dispatch = dispatch;
    this.id = id;
    this.cells = new Cells(dispatch, id);
    this.title = h("span", { class: "run-name" });
    this.block = h("span", { class: "muted" });
    this.phase = h("span", { class: "phase" });
    const view = (name) => h("button", { type: "button", onclick: () => dispatch({ type: "view", run: id, view: name }) }, name);
    this.views = { steps: view("steps"), text: view("text") };
    this.status = h("div", { class: "status" });
    this.text = h("div", { class: "markdown" });
    this.holes = h("div", { class: "holes" });
    this.plot = new Plot(dispatch, id);
    this.playing = iconButton("play", "play", () => dispatch({ type: "play", run: id }));
    this.slider = h("input", { type: "range", min: "0", value: "0", "aria-label": "step", oninput: () => dispatch({ type: "go", run: id, at: Number(this.slider.value) }) });
    this.step = h("output", { class: "step" });
    this.speed = h("select", { "aria-label": "speed", onchange: () => dispatch({ type: "speed", speed: Number(this.speed.value) }) },
      ...SPEEDS.map((it) => h("option", { value: String(it) }, `${it}×`)));
    this.controls = h("div", { class: "controls" }, this.playing,
      iconButton("back", "a step back", () => dispatch({ type: "go", run: id, at: this.at - 1 })), iconButton("on", "a step on", () => dispatch({ type: "go", run: id, at: this.at + 1 })),
      this.slider, this.step, this.speed);
    this.figures = h("p", { class: "figures" });
    this.remarks = h("p", { class: "remarks" });
    this.root = h("section", { class: "run" },
      h("header", {}, this.title, this.block, h("span", { class: "space" }), this.phase, h("span", { class: "toggle", role: "group", "aria-label": "what is shown" }, this.views.steps, this.views.text)),
      this.status, this.cells.root, this.text, this.holes, this.plot.root, this.controls, this.figures, this.remarks);
  }

  draw(state, run, rival) {
    const chosen = state.chosen && state.chosen.run === run.id ? state.chosen : null;
    // A conversation has many runs, of which one moves.
    if (!isNew(this, [run.at, run.events.length, run.phase, run.pace, run.view, run.text, run.start, run.end, run.failure, run.ahead, run.loading, run.holes, run.notes, run.ignored, chosen,
      state.isRaw, state.colours, state.speed, state.theme, state.palette, state.models, rival, rival && rival.events.length, rival && rival.start, rival && rival.phase])) return;
    this.run = run;
    this.at = run.at;
    const now = folded(run, run.at), isText = run.view === "text";
    const backend = run.start && run.start.backend;
    say(this.title, rival ? `${run.side} · ${this.model(state, run)}` : this.model(state, run));
    this.title.title = backend ? `${backend.name} ${backend.device} ${backend.precision}` : "";
    say(this.block, now && now.state.blocks > 1 && (isLive(run) || run.at < run.events.length) ? `block ${now.state.block + 1}/${now.state.blocks}` : "");
    say(this.phase, run.imported ? "imported" : run.phase === "done" ? WORDS[run.end.reason] || run.end.reason : run.phase);
    this.phase.className = `phase ${run.phase}`;
    for (const [name, button] of Object.entries(this.views)) button.setAttribute("aria-pressed", String(run.view === name));
    this.root.classList.toggle("is-live", isLive(run));
    this.drawStatus(run);
    show(this.cells.root, Boolean(now) && !isText);
    show(this.text, isText && (Boolean(now) || Boolean(run.text)));
    const compared = rival && now && rival.start ? agreement(run, rival) : null;
    if (now && !isText) this.cells.draw(state, run, compared ? compared.differ : null);
    if (isText) {
      const text = run.at === run.events.length ? run.text || finalText(run) : finalText({ ...run, events: run.events.slice(0, run.at) });
      redraw(this.text, text, () => nodes(markdown(text)));
    }
    this.drawHoles(run);
    this.drawControls(state, run, now);
    say(this.figures, now ? this.told(run, now, compared) : "");
    this.drawRemarks(run);
  }

  model(state, run) {
    const named = run.start && run.start.model, known = state.models.find((it) => it.id === run.body.model);
    return named ? named.name || named.key : known ? known.name : run.body.model || "model";
  }

  /** Why there is no canvas yet, or why it goes on no more. */
  drawStatus(run) {
    const { phase, failure, ahead, loading } = run;
    const isWaiting = !run.start && isLive(run);
    show(this.status, isWaiting || Boolean(failure));
    if (this.status.hidden) return;
    redraw(this.status, JSON.stringify([phase, failure, ahead, loading]), () => {
      if (failure) {
        const again = h("button", { type: "button", class: "plain", onclick: () => this.dispatch({ type: "retry", turn: run.turn }) }, icon("retry"), "try again");
        const what = phase === "offline" ? "The connection is gone; what has come is kept." : failure.code === "context_length_exceeded" ? "This does not fit the model’s context." : null;
        return [h("p", { class: "failure", role: "alert" }, what && h("strong", {}, what), what && h("br"), failure.text), failure.retry && again];
      }
      if (phase === "loading" && loading) {
        const share = loading.total ? loading.done / loading.total : 0;
        return [h("p", {}, `loading · ${loading.stage}${loading.total ? ` · ${Math.round(100 * share)} %` : ""}`), h("progress", loading.total ? { value: share, max: 1 } : {})];
      }
      const what = ahead && ahead.ahead ? `${ahead.ahead} ahead${ahead.seconds ? ` · about ${clock(ahead.seconds)}` : ""}` : "waiting for the engine";
      return [h("p", { class: "muted" }, what), h("progress")];
    });
  }

  drawHoles(run) {
    show(this.holes, run.holes.length > 0);
    redraw(this.holes, run.holes.join(), () => [h("span", {}, `${run.holes.length} masked again`),
      h("button", { type: "button", class: "primary", onclick: () => this.dispatch({ type: "refill", run: run.id }) }, "refill"),
      h("button", { type: "button", class: "plain", onclick: () => this.dispatch({ type: "unmask", run: run.id }) }, "undo")]);
  }

  drawControls(state, run, now) {
    const has = Boolean(now) && run.events.length > 0;
    show(this.controls, has);
    show(this.plot.root, has);
    if (!has) return;
    this.slider.max = String(run.events.length);
    this.slider.value = String(run.at);
    this.slider.setAttribute("aria-valuetext", progress(now.state).replace("/", " of "));
    say(this.step, progress(now.state));
    const isPlaying = run.pace === "play";
    redraw(this.playing, String(isPlaying), () => [icon(isPlaying ? "pause" : "play")]);
    this.playing.setAttribute("aria-label", isPlaying ? "rest" : "play");
    if (this.speed.value !== String(state.speed)) this.speed.value = String(state.speed);
    this.plot.draw(state, run, now.state);
  }

  told(run, now, compared) {
    const { state } = now;
    const left = isLive(run) && state.nfe && state.steps > state.step ? ((state.steps - state.step) * state.ms) / state.nfe / 1000 : 0;
    const exact = state.textAlone ? "" : run.start.exact ? "exact" : run.start.approximation ? `≈ ${run.start.approximation}` : "";
    return [...figures(now), left ? `left ${clock(left)}` : "", exact, compared ? `agree ${Math.round(100 * compared.share)} % · ${compared.differ.size} of ${compared.length} differ` : ""].filter(Boolean).join(" · ");
  }

  /** What the server says that it did differently than asked. */
  drawRemarks(run) {
    const remarks = [...run.notes, ...(run.leftOut ? [`${run.leftOut} older ${run.leftOut === 1 ? "message was" : "messages were"} left out of the prompt`] : []),
      ...(run.ignored.length ? [`ignored: ${run.ignored.map((it) => (typeof it === "string" ? it : it.param || JSON.stringify(it))).join(", ")}`] : [])];
    show(this.remarks, remarks.length > 0);
    say(this.remarks, remarks.join(" · "));
  }
}
