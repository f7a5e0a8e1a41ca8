// The canvas of one run as text: a span for each token, of which a step redraws those that it touched.
import { texts } from "../../wire.js";
import { kindOf, labelOf, nameOf } from "../../token.js";
import { folded, visible } from "../folded.js";
import { isLive, span as spanOf } from "../state.js";
import { h, redraw } from "./dom.js";

export class Cells {
  /** @param {(action:object)=>void} dispatch @param {number} run */
  constructor(dispatch, run) {
    this.run = run;
    this.dispatch = dispatch;
    this.spans = new Map();
    this.layout = "";
    this.list = h("div", { class: "cells", tabIndex: 0, role: "listbox", "aria-multiselectable": "true", "aria-label": "the answer, token by token",
      onclick: (event) => this.clicked(event), onpointerup: () => this.selected(), onkeydown: (event) => this.pressed(event) });
    this.root = this.list;
  }

  /** @param {object} state @param {object} run @param {Set<number>|null} differ offsets at which the rival differs */
  draw(state, run, differ) {
    const now = folded(run, run.at);
    if (!now) return;
    const { from, end: visibleEnd } = visible(run, now), end = state.isRaw ? now.cells.length : visibleEnd;
    const shown = texts(now.cells), isMoving = isLive(run) || run.at < run.events.length;
    const chosen = state.chosen && state.chosen.run === run.id ? spanOf(state.chosen) : null;
    const size = (run.start.params && run.start.params.block_length) || 0;
    const open = isMoving && now.state.blocks > 1 && size ? [from + now.state.block * size, from + (now.state.block + 1) * size] : null;
    const order = [];
    for (let at = from; at < end; at++) {
      const cell = now.cells[at], isSpecial = cell.piece.special && cell.mark !== "masked";
      if (isSpecial && !state.isRaw && !isMoving) continue;
      order.push(at);
      let kind = kindOf(cell, now.state, state.colours, isMoving && run.at > 0);
      if (isSpecial) kind += state.isRaw ? " special" : " ended";
      if (cell.mark === "masked" && open && at >= open[0] && at < open[1]) kind += " open";
      if (cell.mark === "masked" && isMoving && run.phase !== "paused") kind += " waiting";
      if (run.holes.includes(at)) kind += " hole";
      if (chosen && at >= chosen[0] && at <= chosen[1]) kind += " chosen";
      if (differ && cell.mark !== "masked" && differ.has(at - from)) kind += " differs";
      const text = cell.mark === "masked" || (isSpecial && !state.isRaw) ? "░░" : isSpecial || state.isRaw ? nameOf(cell.piece).replaceAll("\n", "⏎") : shown[at];
      this.cell(at, cell, kind, text);
    }
    this.arrange(order, now.cells.length - end);
    const active = state.chosen && state.chosen.run === run.id ? `c${run.id}-${state.chosen.to}` : "";
    if (this.list.getAttribute("aria-activedescendant") !== active) {
      if (active) this.list.setAttribute("aria-activedescendant", active);
      else this.list.removeAttribute("aria-activedescendant");
    }
  }

  cell(at, cell, kind, text) {
    let span = this.spans.get(at);
    if (!span) {
      span = h("span", { role: "option", id: `c${this.run}-${at}` });
      span.dataset.at = String(at);
      this.spans.set(at, span);
    }
    if (span.cell === cell && span.kind === kind && span.said === text) return;
    if (span.kind !== kind) span.className = span.kind = kind;
    if (span.said !== text || span.cell !== cell) {
      const was = cell.mark === "changed" && cell.was && cell.was.trim() ? [h("s", {}, cell.was), text] : [text];
      span.replaceChildren(...was);
      span.setAttribute("aria-label", labelOf(cell, at));
    }
    span.setAttribute("aria-selected", String(kind.includes(" chosen")));
    span.cell = cell;
    span.said = text;
  }

  /** Puts the spans in order, if others are shown than before. */
  arrange(order, behind) {
    const key = `${order.length}:${order[0]}:${order[order.length - 1]}:${behind}:${this.spans.size}`;
    redraw(this.list, key, () => {
      const parts = order.map((at) => this.spans.get(at));
      if (behind > 0) parts.push(h("span", { class: "folded" }, ` end · ${behind} ${behind === 1 ? "position" : "positions"} behind it`));
      return parts;
    });
  }

  /** The position of a token under a node. */
  at(node) {
    const element = node instanceof Element ? node : node && node.parentElement, span = element && element.closest("[data-at]");
    return span && this.list.contains(span) ? Number(span.dataset.at) : null;
  }

  clicked(event) {
    const at = this.at(event.target), picked = getSelection();
    if (picked && !picked.isCollapsed && !event.shiftKey) return;
    if (event.shiftKey && picked) picked.removeAllRanges();
    if (at !== null) this.dispatch({ type: "choose", run: this.run, at, extend: event.shiftKey });
  }

  /** Text that was selected by dragging chooses its tokens. */
  selected() {
    const picked = getSelection();
    if (!picked || picked.isCollapsed) return;
    const [from, to] = [this.at(picked.anchorNode), this.at(picked.focusNode)];
    if (from !== null && to !== null && from !== to) this.dispatch({ type: "span", run: this.run, from, to });
  }

  pressed(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const action = by ? { type: "neighbour", run: this.run, by, extend: event.shiftKey } : { "[": { type: "step", by: -1 }, "]": { type: "step", by: 1 },
      "{": { type: "step", by: -10 }, "}": { type: "step", by: 10 }, Home: { type: "edge", end: false }, End: { type: "edge", end: true }, " ": { type: "play", run: this.run },
      p: { type: "pin" }, m: { type: "mask" } }[event.key];
    if (!action && event.key !== "ArrowUp" && event.key !== "ArrowDown") return;
    event.preventDefault();
    if (action) this.dispatch(action);
    else this.line(event.key === "ArrowDown" ? 1 : -1, event.shiftKey);
  }

  /** The token above or below the chosen one. */
  line(by, extend) {
    const chosen = this.list.querySelector(`#${CSS.escape(this.list.getAttribute("aria-activedescendant") || "none")}`);
    if (!chosen) return this.dispatch({ type: "neighbour", run: this.run, by, extend });
    const own = chosen.getBoundingClientRect();
    let best = null, distance = Infinity;
    for (const span of this.list.querySelectorAll("[data-at]")) {
      const box = span.getBoundingClientRect(), lines = Math.round((box.top - own.top) / own.height) * by;
      const far = lines > 0 ? lines * 1e4 + Math.abs(box.left - own.left) : Infinity;
      if (far < distance) [best, distance] = [span, far];
    }
    if (best) this.dispatch({ type: extend ? "span" : "choose", run: this.run, at: Number(best.dataset.at), from: Number(chosen.dataset.at), to: Number(best.dataset.at), extend });
  }
}
