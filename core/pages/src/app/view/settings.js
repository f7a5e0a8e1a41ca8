// The settings of the next answer, as the server's table has them, with what they will cost; and how the page looks.
import { modelOf, valueOf } from "../state.js";
import { clock, h, icon, isNew, redraw, say, show } from "./dom.js";

const MAIN = ["length", "steps", "block_length", "temperature", "cfg_scale", "remasking", "seed"];
const FASTER = ["threshold", "factor", "cache"];

/** The range of a slider: first, last, step. @returns {[number, number, number]} */
export function range(row, state, side) {
  const { domain, key } = row, model = modelOf(state), own = (name) => (model && model.defaults && Number(model.defaults[name])) || 0;
  const length = Number(valueOf(state, side, "length")) || 128;
  if (domain.kind === "count") {
    const most = { answer: Math.max(256, 2 * own("length")), block: length, steps: length }[domain.of] || 128;
    return key === "length" ? [8, Math.min(most, (model && model.context) || most), 8] : [1, Math.max(2, most), 1];
  }
  const [from, to] = domain.arrows;
  return [from ?? 0, to ?? 10, 1 / domain.per_one];
}

class Row {
  constructor(dispatch, row) {
    this.row = row;
    this.dispatch = dispatch;
    const id = `set-${row.key}`, set = (value) => dispatch({ type: "set", key: row.key, value });
    const { kind, words } = row.domain;
    this.back = h("button", { type: "button", class: "default", title: "back to the model’s own", "aria-label": `${row.label}: back to the model’s own`, onclick: () => set(undefined) }, "●");
    this.value = h("input", { id, type: "text", inputMode: "decimal", class: "figure", spellcheck: false, autocomplete: "off", "aria-label": row.label, "aria-describedby": `${id}-about`, onchange: () => this.typed(set) });
    this.slider = h("input", { type: "range", "aria-label": `${row.label}, slider`, oninput: () => set(Number(this.slider.value)) });
    this.box = h("input", { id, type: "checkbox", onchange: () => set(kind === "switch" ? this.box.checked : this.box.checked ? this.usual() : null) });
    this.list = h("select", { id, onchange: () => set(this.list.value) }, ...(words || []).map((it) => h("option", { value: it }, it.replaceAll("_", " "))));
    const parts = { switch: [this.box], choice: [this.list], seed: [this.value], optional: [this.box, this.slider, this.value], count: [this.slider, this.value], number: [this.slider, this.value] }[kind];
    if (kind === "optional") this.value.removeAttribute("id");
    this.root = h("div", { class: `setting ${kind}` }, h("label", { for: id }, row.label), this.back, h("div", { class: "control" }, ...parts), h("p", { class: "about", id: `${id}-about` }, row.about));
  }

  usual() {
    return this.row.domain.arrows[1] < 1 ? 0.9 : 1;
  }

  typed(set) {
    const text = this.value.value.trim(), { kind } = this.row.domain;
    if (text === "" || text === "random") return set(kind === "seed" ? null : undefined);
    if (text === "off" && kind === "optional") return set(null);
    if (text === "auto" && this.row.key === "length") return set("auto");
    const number = Number(text.replace(",", "."));
    const isFit = Number.isFinite(number) && number >= 0 && (kind === "number" || kind === "optional" || (Number.isSafeInteger(number) && (kind === "seed" || number > 0)));
    this.value.setAttribute("aria-invalid", String(!isFit));
    if (isFit) set(number);
  }

  draw(state) {
    const side = state.side, value = valueOf(state, side, this.row.key), { kind, digits } = this.row.domain;
    const isChanged = Object.hasOwn(state.sets[side], this.row.key);
    this.root.classList.toggle("is-changed", isChanged);
    this.back.style.visibility = isChanged ? "visible" : "hidden";
    if (kind === "switch") this.box.checked = value === true;
    if (kind === "choice" && value !== null) this.list.value = String(value);
    if (kind === "optional") {
      this.box.checked = value !== null;
      this.slider.disabled = this.value.disabled = value === null;
    }
    if (kind === "count" || kind === "number" || kind === "optional") {
      const [from, to, step] = range(this.row, state, side);
      Object.assign(this.slider, { min: String(from), max: String(to), step: String(step) });
      if (typeof value === "number") this.slider.value = String(value);
    }
    if (document.activeElement === this.value) return;
    this.value.setAttribute("aria-invalid", "false");
    this.value.value = kind === "seed" ? (isChanged && value !== null ? String(value) : "random") : value === null ? "off"
      : typeof value === "number" && kind !== "count" ? String(Number(value.toFixed(Math.max(2, digits || 0)))) : String(value);
  }
}

export class Settings {
  constructor(dispatch) {
    this.dispatch = dispatch;
    this.rows = [];
    const side = (name) => h("button", { type: "button", onclick: () => dispatch({ type: "side", side: name }) }, name);
    this.sides = { A: side("A"), B: side("B") };
    this.tabs = h("span", { class: "toggle", role: "group", "aria-label": "settings of" }, this.sides.A, this.sides.B);
    this.compare = h("button", { type: "button", class: "plain small", onclick: () => dispatch({ type: "compare" }) }, icon("compare"), "A | B");
    this.reset = h("button", { type: "button", class: "plain small", onclick: () => dispatch({ type: "reset" }) }, "reset");
    this.plan = h("p", { class: "plan", role: "status" });
    this.main = h("div", {});
    this.faster = h("div", {});
    this.more = h("div", {});
    this.delay = h("input", { type: "range", min: "0", max: "1", step: "0.05", "aria-label": "delay", id: "set-delay", oninput: () => dispatch({ type: "delay", delay: Number(this.delay.value) }) });
    this.delaySaid = h("output", { class: "figure" });
    this.system = h("textarea", { rows: 2, id: "set-system", placeholder: "instructions before the conversation", onchange: () => dispatch({ type: "system", text: this.system.value }) });
    const choice = (name, label, words) => {
      const list = h("select", { id: `look-${name}`, onchange: () => dispatch({ type: name, [name]: list.value }) }, ...words.map((it) => h("option", { value: it }, it)));
      this[name] = list;
      return h("div", { class: "setting choice" }, h("label", { for: `look-${name}` }, label), h("span"), h("div", { class: "control" }, list));
    };
    const looks = [choice("theme", "theme", ["auto", "light", "dark"]), choice("palette", "palette", ["unmask", "original"]), choice("colours", "colours", ["confidence", "order", "entropy", "none"])];
    this.raw = h("input", { type: "checkbox", id: "look-raw", onchange: () => dispatch({ type: "raw" }) });
    this.root = h("section", { class: "settings", "aria-label": "settings" },
      h("header", {}, h("h2", {}, "settings"), this.tabs, h("span", { class: "space" }), this.compare, this.reset), this.plan,
      this.main, h("h3", {}, "faster, not exact"), this.faster, h("details", {}, h("summary", {}, "everything else"), this.more),
      h("h3", {}, "watching"), h("div", { class: "setting number" }, h("label", { for: "set-delay" }, "delay"), h("span"), h("div", { class: "control" }, this.delay, this.delaySaid), h("p", { class: "about" }, "Each step is shown for this long at least.")),
      ...looks, h("div", { class: "setting switch" }, h("label", { for: "look-raw" }, "raw tokens"), h("span"), h("div", { class: "control" }, this.raw)),
      h("div", { class: "setting wide" }, h("label", { for: "set-system" }, "system"), this.system));
  }

  draw(state) {
    // A field that is left shows its own value again.
    if (!isNew(this, [JSON.stringify([state.sets, state.plans]), state.table, state.side, state.isCompared, state.model, state.models, state.delay, state.theme, state.palette, state.colours, state.isRaw, state.system, document.activeElement])) return;
    if (this.table !== state.table) this.build(state.table);
    for (const row of this.rows) row.draw(state);
    show(this.tabs, state.isCompared);
    for (const [name, button] of Object.entries(this.sides)) button.setAttribute("aria-pressed", String(state.side === name));
    this.compare.setAttribute("aria-pressed", String(state.isCompared));
    this.compare.title = state.isCompared ? "one answer again" : "two answers from one prompt and seed, by two sets of settings";
    this.reset.disabled = Object.keys(state.sets[state.side]).length === 0;
    this.drawPlan(state.plans[state.side]);
    this.delay.value = String(state.delay);
    say(this.delaySaid, `${state.delay.toFixed(2)} s`);
    for (const name of ["theme", "palette", "colours"]) this[name].value = state[name];
    this.raw.checked = state.isRaw;
    if (document.activeElement !== this.system) this.system.value = state.system;
  }

  build(table) {
    this.table = table;
    this.rows = table.map((row) => new Row(this.dispatch, row));
    const of = (keys) => keys.map((key) => this.rows.find((it) => it.row.key === key)).filter(Boolean).map((it) => it.root);
    this.main.replaceChildren(...of(MAIN));
    this.faster.replaceChildren(...of(FASTER));
    this.more.replaceChildren(...this.rows.filter((it) => !MAIN.includes(it.row.key) && !FASTER.includes(it.row.key)).map((it) => it.root));
  }

  /** What will run, and what it takes. */
  drawPlan(plan) {
    redraw(this.plan, JSON.stringify(plan), () => {
      if (!plan) return [""];
      if (plan.failure) return [h("span", { class: "failure" }, plan.failure)];
      const parts = [`${plan.forwards_are_most ? "at most " : ""}${plan.forwards} forwards`, plan.seconds ? ` ≈ ${plan.seconds < 10 ? `${plan.seconds.toFixed(1)} s` : clock(plan.seconds)}` : "",
        ` · ${plan.exact ? "exact" : `≈ ${plan.approximation || "not exact"}`}`];
      const notes = [...(plan.notes || []), ...(plan.fits === false ? [plan.why_not || "prompt and answer are longer than the context"] : [])];
      return [h("strong", {}, parts.join("")), ...(notes.length ? [h("span", { class: "muted" }, ` · ${notes.join(" · ")}`)] : [])];
    });
  }
}
