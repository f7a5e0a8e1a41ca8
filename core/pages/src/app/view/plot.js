// When each position was unmasked: steps from left to right, positions from top to bottom, coloured by how sure the commit was.
import { band } from "../../wire.js";
import { isLive } from "../state.js";
import { h } from "./dom.js";

export class Plot {
  constructor(dispatch, run) {
    this.dispatch = dispatch;
    this.id = run;
    this.root = h("canvas", { class: "plot", "aria-hidden": "true", onpointerdown: (event) => this.moved(event), onpointermove: (event) => event.buttons && this.moved(event) });
    const again = () => {
      this.key = this.found = null;
      this.paint();
    };
    new ResizeObserver(([entry]) => {
      this.size = entry.contentRect;
      again();
    }).observe(this.root);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
  }

  draw(state, run, at) {
    this.run = run;
    this.steps = Math.max(run.events.length, isLive(run) && run.start.exact ? at.steps : 0, 1);
    this.from = run.start.canvas.answer_start;
    this.length = Math.max(1, run.start.canvas.tokens.length - this.from);
    const look = `${state.theme}${state.palette}`;
    if (this.look !== look) this.found = null;
    this.look = look;
    this.paint();
  }

  paint() {
    const { run, root } = this, key = run && [run.at, run.events.length, this.steps, this.look].join();
    if (!run || key === this.key || !this.size || !this.size.width) return;
    this.key = key;
    const scale = devicePixelRatio || 1, wide = this.size.width, high = this.size.height, pen = root.getContext("2d");
    const [width, height] = [Math.round(wide * scale), Math.round(high * scale)];
    // A new size is a new picture; the old one is wiped for less.
    if (root.width !== width || root.height !== height) [root.width, root.height] = [width, height];
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    pen.clearRect(0, 0, wide, high);
    pen.globalAlpha = 1;
    const colour = (this.found ||= this.colours()), pad = 5, dx = (wide - 2 * pad) / this.steps, dy = (high - 2 * pad) / this.length;
    const size = [Math.max(2, Math.min(9, dx - 1)), Math.max(2, Math.min(9, dy - 0.5))];
    const x = pad + (run.at - 0.5) * dx;
    if (run.at > 0) {
      pen.fillStyle = colour.line;
      pen.fillRect(Math.round(x), 0, 1, high);
    }
    run.events.forEach((event, step) => {
      const isPast = step < run.at;
      for (const commit of event.commits) {
        if (commit.position < this.from) continue;
        pen.fillStyle = !isPast ? colour.line : commit.kind === "remasked" ? colour.mask : colour[band(commit.confidence)];
        pen.globalAlpha = !isPast || step === run.at - 1 ? 1 : 0.75;
        pen.fillRect(pad + (step + 0.5) * dx - size[0] / 2, pad + (commit.position - this.from + 0.5) * dy - size[1] / 2, ...size);
      }
    });
  }

  colours() {
    const probe = h("i"), found = {}, isOriginal = document.documentElement.dataset.palette === "original";
    this.root.parentElement.append(probe);
    for (const role of ["line", "mask", "low", "middle", "high"]) {
      probe.style.color = `var(--${role})`;
      found[role] = getComputedStyle(probe).color;
    }
    probe.remove();
    return isOriginal ? { ...found, low: "#ff6666", middle: "#ffaa33", high: "#66cc66" } : found;
  }

  moved(event) {
    const box = this.root.getBoundingClientRect();
    this.dispatch({ type: "go", run: this.id, at: Math.max(0, Math.ceil(((event.clientX - box.left - 5) / (box.width - 10)) * this.steps)) });
  }
}
