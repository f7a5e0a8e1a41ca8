// What is asked of the server, out of the state. Pure.
import { answer, folded } from "./folded.js";
import { messagesBefore, modelOf } from "./state.js";

/** Settings that the API has outside of its `unmask` member. */
const PLAIN = ["temperature", "seed"];

/** The settings of one side that differ from the model's own. */
function chosenSettings(state, side) {
  const plain = {}, unmask = {};
  for (const [key, value] of Object.entries(state.sets[side])) {
    if (value === null && key === "seed") continue;
    (PLAIN.includes(key) ? plain : unmask)[key] = value;
  }
  return { plain, unmask };
}

/** A streamed chat turn. @param {{side:"A"|"B", turn:number, asked:string, seed:number|null, pins?:string, parts?:object[]|null}} what */
export function chat(state, { side, turn, asked, seed, pins = "", parts = null }) {
  const { plain, unmask } = chosenSettings(state, side);
  if (plain.seed === undefined && seed !== null) plain.seed = seed;
  if (parts) {
    unmask.parts = parts;
    delete unmask.length;
  } else if (pins.trim()) unmask.pins = pins.trim();
  return { model: state.model || undefined, messages: [...messagesBefore(state, turn), { role: "user", content: asked }], stream: true, ...plain,
    unmask: { ...unmask, stream: "steps", top: 5, overflow: "drop_oldest" } };
}

/** What a turn with these settings would cost; the server lays it out and answers. */
export function plan(state, side) {
  const { plain, unmask } = chosenSettings(state, side);
  const messages = [...messagesBefore(state, null), { role: "user", content: state.draft.trim() || "?" }];
  if (plain.temperature !== undefined) unmask.temperature = plain.temperature;
  if (state.pins.trim()) unmask.pins = state.pins.trim();
  return { model: state.model || undefined, messages, unmask };
}

/** The answer of a run as tokens and holes, in which the masked positions of `holes` and all other masks are to be filled. */
export function partsOf(run, holes) {
  const now = folded(run, run.at), parts = [];
  const behind = now.cells.findIndex((cell, at) => at >= now.state.from && cell.mark !== "masked" && run.start.canvas.ends.includes(cell.piece.id) && !holes.includes(at));
  const end = behind < 0 ? now.cells.length : behind;
  for (let at = now.state.from; at < end; at++) {
    const isHole = holes.includes(at) || now.cells[at].mark === "masked", last = parts[parts.length - 1];
    if (isHole && last && last.hole) last.hole += 1;
    else if (isHole) parts.push({ hole: 1 });
    else if (last && last.tokens) last.tokens.push(now.cells[at].piece.id);
    else parts.push({ tokens: [now.cells[at].piece.id] });
  }
  return parts;
}

/** How likely a span of an answer is after what stands before it. */
export function likelihood(state, run, from, to) {
  const tokens = folded(run, run.at).cells.map((it) => it.piece.id);
  return { model: state.model || undefined, items: [{ context: tokens.slice(0, from), continuation: tokens.slice(from, to + 1) }] };
}

/** Whether these settings change tokens for speed, as far as the page can tell before a plan has come. */
export const isChanged = (state, side) => Object.keys(state.sets[side]).length > 0 && modelOf(state) !== null;

/** The answer's text after all of its events. */
export const finalText = (run) => (run.start ? answer(run, folded(run, run.events.length)) : run.text);
