// When each position was unmasked: steps from left to right, positions from top to bottom, coloured by how sure the commit was.
import { band } from "../../wire.js";
import { isLive } from "../state.js";
import { h } from "./dom.js";

/** Around the picture, in pixels. */
const PAD = 5;

export class Plot {
  constructor(dispatch, run) {
    this.dispatch = dispatch;
    this.id = run;
    this.root = h("canvas", { class: "plot", "aria-hidden": "true", onpointerdown: (event) => this.moved(event), onpointermove: (event) => event.buttons && this.moved(event) });
    const again = () => {
      this.key = this.found = this.made = null;
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
    if (this.look !== look) this.found = this.made = null;
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
    const at = { dx: (wide - 2 * PAD) / this.steps, dy: (high - 2 * PAD) / this.length, scale, width, height, colour: (this.found ||= this.colours()) };
    this.layers(run, at);
    // What was shown and what is to come are pictures already, cut where the run stands now.
    const cut = Math.max(0, Math.min(width, Math.round((PAD + run.at * at.dx) * scale)));
    pen.setTransform(1, 0, 0, 1, 0, 0);
    pen.clearRect(0, 0, width, height);
    pen.globalAlpha = 1;
    if (run.at > 0) {
      pen.fillStyle = at.colour.line;
      pen.fillRect(Math.round((PAD + (run.at - 0.5) * at.dx) * scale), 0, Math.max(1, Math.round(scale)), height);
    }
    if (cut > 0) pen.drawImage(this.past.canvas, 0, 0, cut, height, 0, 0, cut, height);
    if (cut < width) pen.drawImage(this.future.canvas, cut, 0, width - cut, height, cut, 0, width - cut, height);
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    if (run.at > 0 && run.at <= run.events.length) this.column(pen, run.events[run.at - 1], run.at - 1, at, null, 1);
  }

  /** Draws the events that the two pictures do not have yet; all of them if places or colours are others than before. */
  layers(run, at) {
    const key = [at.dx, at.dy, at.width, at.height, at.scale, this.from, this.look].join();
    if (this.made !== key || this.has > run.events.length || !this.past) {
      const layer = () => Object.assign(document.createElement("canvas"), { width: at.width, height: at.height }).getContext("2d");
      [this.made, this.has, this.past, this.future] = [key, 0, layer(), layer()];
      for (const pen of [this.past, this.future]) pen.setTransform(at.scale, 0, 0, at.scale, 0, 0);
    }
    for (; this.has < run.events.length; this.has++) {
      this.column(this.past, run.events[this.has], this.has, at, null, 0.75);
      this.column(this.future, run.events[this.has], this.has, at, at.colour.line, 1);
    }
  }

  /** The commits of one step, in one colour or in that of each. */
  column(pen, event, step, { dx, dy, colour }, only, alpha) {
    const size = [Math.max(2, Math.min(9, dx - 1)), Math.max(2, Math.min(9, dy - 0.5))];
    pen.globalAlpha = alpha;
    for (const commit of event.commits) {
      if (commit.position < this.from) continue;
      pen.fillStyle = only || (commit.kind === "remasked" ? colour.mask : colour[band(commit.confidence)]);
      pen.fillRect(PAD + (step + 0.5) * dx - size[0] / 2, PAD + (commit.position - this.from + 0.5) * dy - size[1] / 2, ...size);
    }
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
    this.dispatch({ type: "go", run: this.id, at: Math.max(0, Math.ceil(((event.clientX - box.left - PAD) / (box.width - 2 * PAD)) * this.steps)) });
  }
}
