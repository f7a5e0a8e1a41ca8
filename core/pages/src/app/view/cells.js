// The canvas of one run as text: a span for each token, of which a step redraws those that it touched.
import { texts } from "../../wire.js";
import { kindOf, labelOf, nameOf } from "../../token.js";
import { folded, visible } from "../folded.js";
import { isLive, span as spanOf } from "../state.js";
import { h, isNew, redraw } from "./dom.js";

/** Tokens from which on colours change at once. */
const LARGE = 256;

export class Cells {
  /** @param {(action:object)=>void} dispatch @param {number} run */
  constructor(dispatch, run) {
    this.run = run;
    this.dispatch = dispatch;
    /** @type {HTMLElement[]} by position */
    this.spans = [];
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
    const [first, last] = state.chosen && state.chosen.run === run.id ? spanOf(state.chosen) : [-1, -1];
    const size = (run.start.params && run.start.params.block_length) || 0, isOpen = isMoving && now.state.blocks > 1 && size > 0;
    const open = isOpen ? from + now.state.block * size : -1, behind = isOpen ? open + size : -1, isWaiting = isMoving && run.phase !== "paused";
    // What all cells look like; as long as that stays, a step costs the cells that it and the step before it touched.
    const isSame = !isNew(this, [state.isRaw, state.colours, state.colours === "order" ? now.state.order : 0, isMoving, isWaiting, run.at > 0, from, first, last, open, differ, run.holes]);
    const order = [];
    for (let at = from; at < end; at++) {
      const cell = now.cells[at], isSpecial = cell.piece.special && cell.mark !== "masked";
      if (isSpecial && !state.isRaw && !isMoving) continue;
      order.push(at);
      const span = this.spans[at] || this.span(at);
      // A part of a character looks like what its neighbours make of it.
      if (isSame && span.cell === cell && !span.isFresh && cell.piece.bytes === null) continue;
      let kind = kindOf(cell, now.state, state.colours, isMoving && run.at > 0);
      if (isSpecial) kind += state.isRaw ? " special" : " ended";
      if (cell.mark === "masked" && at >= open && at < behind) kind += " open";
      if (cell.mark === "masked" && isWaiting) kind += " waiting";
      if (run.holes.includes(at)) kind += " hole";
      if (at >= first && at <= last) kind += " chosen";
      if (differ && cell.mark !== "masked" && differ.has(at - from)) kind += " differs";
      const text = cell.mark === "masked" || (isSpecial && !state.isRaw) ? "░░" : isSpecial || state.isRaw ? nameOf(cell.piece).replaceAll("\n", "⏎") : shown[at];
      this.cell(span, at, cell, kind, text);
      span.isFresh = cell.step > 0 && cell.step === now.state.step;
    }
    this.arrange(order, now.cells.length - end);
    this.list.classList.toggle("is-large", order.length > LARGE);
    const active = last >= 0 ? `c${run.id}-${state.chosen.to}` : "";
    if (this.list.getAttribute("aria-activedescendant") !== active) {
      if (active) this.list.setAttribute("aria-activedescendant", active);
      else this.list.removeAttribute("aria-activedescendant");
    }
  }

  span(at) {
    const span = h("span", { role: "option", id: `c${this.run}-${at}` }, "");
    span.dataset.at = String(at);
    return (this.spans[at] = span);
  }

  cell(span, at, cell, kind, text) {
    if (span.kind !== kind) span.className = span.kind = kind;
    if (span.said !== text || span.cell !== cell) {
      const was = cell.mark === "changed" && cell.was && cell.was.trim() ? cell.was : "";
      // A text that becomes another one in place is laid out for less than a new one.
      if (was || span.struck) span.replaceChildren(...(was ? [h("s", {}, was)] : []), document.createTextNode(text));
      else if (span.said !== text) span.firstChild.data = text;
      span.struck = was;
      const label = labelOf(cell, at);
      if (span.label !== label) span.setAttribute("aria-label", (span.label = label));
    }
    const isChosen = kind.includes(" chosen");
    if (span.isChosen !== isChosen) span.setAttribute("aria-selected", String((span.isChosen = isChosen)));
    span.cell = cell;
    span.said = text;
  }

  /** Puts the spans in order, if others are shown than before. */
  arrange(order, behind) {
    const key = `${order.length}:${order[0]}:${order[order.length - 1]}:${behind}`;
    redraw(this.list, key, () => {
      const parts = order.map((at) => this.spans[at]);
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
