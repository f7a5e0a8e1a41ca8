// Canvases of runs at any step, kept so that a step more costs that step alone. Pure but for what it keeps.
import { apply, fold, texts, visibleEnd } from "../wire.js";

// Apart, so that looking at both does not fold each anew.
const atEnd = new WeakMap(), between = new WeakMap();

/** The canvas of `run` after its first `count` events, or null before it has one. */
export function folded(run, count) {
  if (!run.start) return null;
  const kept = count === run.events.length ? atEnd : between, before = kept.get(run);
  if (before && before.start === run.start && before.count <= count) {
    for (const event of run.events.slice(before.count, count)) apply(before.folded.cells, event, run.start, before.folded.state);
    before.count = count;
    return before.folded;
  }
  const now = fold(run, count);
  kept.set(run, { start: run.start, count, folded: now });
  return now;
}

/** The same whole canvas from the start, for whoever needs two moments at once. */
export const apart = (run, count) => (run.start ? fold(run, count) : null);

/** What the visible answer is made of: positions, from the answer's start to its end. */
export function visible(run, now) {
  return { from: now.state.from, end: visibleEnd(now, run.start) };
}

/** The text from the answer's start to the first mask or end: it can no longer change where nothing is edited. */
export function settled(run, now) {
  const shown = texts(now.cells);
  let text = "";
  for (let at = now.state.from; at < now.cells.length; at++) {
    if (now.cells[at].mark === "masked" || run.start.canvas.ends.includes(now.cells[at].piece.id)) break;
    text += shown[at];
  }
  return text;
}

/** The answer as it stands, masks left out. */
export function answer(run, now) {
  const { from, end } = visible(run, now);
  return texts(now.cells).slice(from, end).join("");
}

/** How far two runs agree: the share of positions with the same token over the longer visible answer, and where they differ. */
export function agreement(a, b) {
  const one = folded(a, a.events.length), two = folded(b, b.events.length);
  if (!one || !two) return null;
  const first = visible(a, one), second = visible(b, two);
  const length = Math.max(first.end - first.from, second.end - second.from), differ = new Set();
  for (let offset = 0; offset < length; offset++) {
    const ours = first.from + offset < first.end ? one.cells[first.from + offset] : null;
    const theirs = second.from + offset < second.end ? two.cells[second.from + offset] : null;
    if (!ours || !theirs || ours.piece.id !== theirs.piece.id) differ.add(offset);
  }
  return { share: length ? (length - differ.size) / length : 1, differ, length };
}
