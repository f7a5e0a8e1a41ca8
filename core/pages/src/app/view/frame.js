// The page as a whole: its head, its two columns, the sheets of small screens, the help.
import { modelOf } from "../state.js";
import { Composer } from "./composer.js";
import { h, iconButton, redraw, say } from "./dom.js";
import { Settings } from "./settings.js";
import { Token } from "./token.js";
import { Transcript } from "./transcript.js";

const KEYS = [["Enter", "send"], ["Shift Enter", "a new line"], ["Esc", "stop, or close"], ["Ctrl .", "pause, go on"], ["← → ↑ ↓", "a token on the canvas"], ["Shift ← →", "several tokens"], ["[ ]", "a step back, on"],
  ["Home End", "first, last step"], ["Space", "play"], ["p", "pin in the next answer"], ["m", "mask, to refill"], ["?", "these keys"]];

export class Frame {
  constructor(dispatch) {
    this.transcript = new Transcript(dispatch);
    this.composer = new Composer(dispatch);
    this.settings = new Settings(dispatch);
    this.token = new Token(dispatch);
    this.model = h("select", { "aria-label": "model", onchange: () => dispatch({ type: "model", id: this.model.value }) });
    this.device = h("span", { class: "muted device" });
    this.dot = h("span", { class: "dot", role: "img" });
    this.help = h("dialog", { class: "help", "aria-label": "keys", onclose: () => { if (this.state.sheet === "help") dispatch({ type: "sheet", sheet: "help" }); } }, h("h2", {}, "keys"),
      h("dl", {}, ...KEYS.flatMap(([key, what]) => [h("dt", {}, h("kbd", {}, key)), h("dd", {}, what)])), h("form", { method: "dialog" }, h("button", { class: "primary" }, "close")));
    this.head = h("header", { class: "head" }, h("span", { class: "brand" }, "un", h("b", {}, "mask")), this.dot, this.model, this.device, h("span", { class: "space" }),
      iconButton("look", "light or dark", () => dispatch({ type: "theme", theme: this.isDark() ? "light" : "dark" })),
      iconButton("help", "keys", () => dispatch({ type: "sheet", sheet: "help" })),
      iconButton("settings", "settings", () => dispatch({ type: "sheet", sheet: "settings" }), { class: "icon-button only-narrow" }));
    this.aside = h("aside", {}, this.token.root, this.settings.root);
    this.close = iconButton("close", "close the settings", () => dispatch({ type: "sheet", sheet: null }), { class: "icon-button only-narrow" });
    this.settings.root.querySelector("header").append(this.close);
    this.root = h("div", { class: "frame" }, this.head, this.transcript.root, this.composer.root, this.aside, this.help);
  }

  isDark() {
    return this.state.theme === "dark" || (this.state.theme === "auto" && matchMedia("(prefers-color-scheme: dark)").matches);
  }

  draw(state) {
    this.state = state;
    document.documentElement.dataset.theme = state.theme;
    document.documentElement.dataset.palette = state.palette;
    redraw(this.model, state.models.map((it) => it.id).join(), () => state.models.map((it) => h("option", { value: it.id }, it.name)));
    if (state.model) this.model.value = state.model;
    this.model.disabled = state.models.length < 2;
    const own = modelOf(state);
    say(this.device, own ? [state.device, own.family].filter(Boolean).join(" · ") : "");
    this.dot.className = `dot ${state.link.phase.replace(" ", "-")}`;
    this.dot.setAttribute("aria-label", `server: ${state.link.phase}`);
    this.root.dataset.sheet = state.sheet || "";
    this.transcript.draw(state);
    this.composer.draw(state);
    this.settings.draw(state);
    this.token.draw(state);
    if (state.sheet === "help" && !this.help.open) this.help.showModal();
    if (state.sheet !== "help" && this.help.open) this.help.close();
  }
}
