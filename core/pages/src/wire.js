// Folds the events of a run (see `wire.rs` of the runtime) into a canvas with a mark for each token, as `fold.rs` does.
// Pure: no page, no clock. Used by the replay page and by `tests/`.

/** @typedef {{id:number, text:string|null, bytes:number[]|null, special:boolean}} Piece */
/** @typedef {{step:number, kind:string, piece:Piece, confidence:number}} Change */
/** @typedef {{piece:Piece, mark:"masked"|"given"|"committed"|"changed", step:number, isOfStep:boolean, order:number, confidence:number,
 *   entropy:number, kind:string, was:string|null, top:[number,number,string][], history:Change[]}} Cell */

/** A token's text as its line has it: one member, named after its kind. @returns {Piece} */
function pieceOf(id, line) {
  if (line && typeof line.text === "string") return { id, text: line.text, bytes: null, special: false };
  if (line && Array.isArray(line.bytes)) return { id, text: null, bytes: line.bytes, special: false };
  if (line && typeof line.special === "string") return { id, text: line.special, bytes: null, special: true };
  return { id, text: null, bytes: null, special: true };
}

/** Splits lines into runs: each begins with a start. */
export function runs(events) {
  const all = [];
  for (const event of events) {
    if (event.event === "start") all.push({ start: event, events: [], end: null });
    else if (all.length === 0) throw new Error("an event comes before any start");
    else if (event.event === "done" || event.event === "failed") all[all.length - 1].end = event;
    else all[all.length - 1].events.push(event);
  }
  return all;
}

/** The canvas before the first step. @returns {Cell[]} */
export function begin(start) {
  const { mask, tokens, given } = start.canvas;
  const isGiven = (at) => given.some(([first, behind]) => first <= at && at < behind);
  return tokens.map((id, at) => {
    const mark = id === mask ? "masked" : isGiven(at) ? "given" : "committed";
    return cell(pieceOf(id, (start.pieces || {})[id]), mark, mark === "committed" ? 1 : 0);
  });
}

/** @returns {Cell} */
function cell(piece, mark, confidence) {
  return { piece, mark, step: 0, isOfStep: false, order: 0, confidence, entropy: 0, kind: mark, was: null, top: [], history: [] };
}

/** Applies one event to `cells`, in place. `state` counts commits, knows the last step and where the answer begins (`from`). */
export function apply(cells, event, start, state) {
  if (event.event === "step") Object.assign(state, { step: event.step, steps: event.steps, nfe: event.nfe, saved: event.nfe_saved,
    masked: event.masked, block: event.block, blocks: event.blocks, fed: event.fed, ms: state.ms + event.ms });
  for (const commit of event.commits || []) {
    const at = commit.position, before = cells[at];
    const behind = commit.kind === "inserted" ? cells.length + 1 : cells.length;
    if (!(at >= 0 && at < behind)) throw new Error(`${commit.kind} at position ${at} of a canvas of ${cells.length}`);
    if (commit.kind === "deleted") {
      cells.splice(at, 1);
      state.from -= at < state.from ? 1 : 0;
      continue;
    }
    const piece = pieceOf(commit.token, commit);
    const mark = commit.token === start.canvas.mask ? "masked"
      : commit.kind === "pinned" ? "given"
      : commit.kind === "new" || commit.kind === "inserted" ? "committed" : "changed";
    const now = cell(piece, mark, commit.confidence);
    Object.assign(now, { step: state.step, isOfStep: event.event === "step", order: mark === "masked" ? 0 : ++state.order, entropy: commit.entropy, kind: commit.kind,
      was: commit.was ? commit.was[1] : null, top: commit.top || [] });
    now.history = [...(before && commit.kind !== "inserted" ? before.history : []),
      { step: state.step, kind: commit.kind, piece, confidence: commit.confidence }];
    if (commit.kind !== "inserted") cells[at] = now;
    else {
      cells.splice(at, 0, now);
      state.from += at < state.from ? 1 : 0;
    }
  }
}

/** The canvas after the first `count` events of a run. */
export function fold(run, count) {
  const cells = begin(run.start);
  const state = { step: 0, steps: 0, nfe: 0, saved: 0, masked: cells.filter((it) => it.mark === "masked").length,
    block: 0, blocks: 1, fed: [0, 0], ms: 0, order: 0, from: run.start.canvas.answer_start, textAlone: Boolean(run.start.backend?.text_alone) };
  for (const event of run.events.slice(0, count)) apply(cells, event, run.start, state);
  return { cells, state };
}

/** How far it is: `step 3/8`; of a server that told text alone, how much of that had come. */
export const progress = (state) => `${state.textAlone ? "part" : "step"} ${state.step}/${state.steps || "?"}`;

/** What it took: forwards, seconds, tokens a second; of text alone the seconds are all that is known. */
export function figures({ cells, state }) {
  const seconds = `${(state.ms / 1000).toFixed(2)} s`, rate = state.ms > 0 ? (1000 * (cells.length - state.from - state.masked)) / state.ms : 0;
  return state.textAlone ? [seconds] : [`${state.nfe} ${state.nfe === 1 ? "forward" : "forwards"}`, state.saved >= 1 ? `${state.saved.toFixed(0)} saved` : "", seconds, rate ? `${rate.toFixed(1)} tok/s` : ""];
}

/** What a reader sees of tokens: specials left out, bytes that together are characters put together. One text for each cell. */
export function texts(cells) {
  const shown = cells.map(() => "");
  let at = 0;
  while (at < cells.length) {
    const piece = cells[at].piece;
    if (cells[at].mark === "masked" || piece.special || piece.bytes === null) {
      shown[at] = cells[at].mark === "masked" || piece.special ? "" : piece.text || "";
      at += 1;
      continue;
    }
    let behind = at;
    const bytes = [];
    while (behind < cells.length && cells[behind].mark !== "masked" && cells[behind].piece.bytes) bytes.push(...cells[behind++].piece.bytes);
    shown[at] = new TextDecoder().decode(new Uint8Array(bytes));
    at = behind;
  }
  return shown;
}

/** Where the visible answer ends: the first end token that has only settled tokens before it, or the canvas's length. */
export function visibleEnd({ cells, state }, start) {
  for (let at = state.from; at < cells.length; at++) {
    if (cells[at].mark === "masked") return cells.length;
    if (start.canvas.ends.includes(cells[at].piece.id)) return at;
  }
  return cells.length;
}

/** The answer's text as it stands, masks as `▒`. */
export function plain({ cells, state }, start) {
  const end = visibleEnd({ cells, state }, start), shown = texts(cells);
  return cells.map((it, at) => (at < state.from || at >= end ? "" : it.mark === "masked" ? "▒" : shown[at])).join("");
}

/** How sure a commit was: the bands of the screen. */
export function band(confidence) {
  return confidence < 0.3 ? "low" : confidence < 0.7 ? "middle" : "high";
}
