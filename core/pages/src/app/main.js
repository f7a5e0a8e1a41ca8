// Joins the parts: an action changes the state, its effects go out, and the next frame shows what has become of it.
import { Effects, recall } from "./effects.js";
import { begin, live } from "./state.js";
import { update } from "./update.js";
import { Frame } from "./view/frame.js";

const state = begin(recall());
const frame = new Frame(dispatch);
const effects = new Effects(() => state, dispatch, { follow: (turn) => frame.transcript.follow(turn) });
const CHANCE = ["send", "retry", "refill"];
let isDue = false;

/** @param {{type:string}} action */
function dispatch(action) {
  if (action.type === "open") return void open(action.file);
  // Two sides of a comparison share a seed; else the server draws one.
  const seed = state.isCompared ? crypto.getRandomValues(new Uint32Array(1))[0] : null;
  for (const effect of update(state, CHANCE.includes(action.type) ? { seed, ...action } : action)) effects.perform(effect);
  if (isDue) return;
  isDue = true;
  requestAnimationFrame(draw);
}

function draw() {
  isDue = false;
  frame.draw(state);
}

/** Reads a trace that the user has picked. */
async function open(file) {
  const text = file.size > 1 << 26 ? "" : await file.text();
  const events = [];
  for (const line of text.split("\n").filter((it) => it.trim())) {
    try { events.push(JSON.parse(line)); } catch { return dispatch({ type: "notice", text: `${file.name}, line ${events.length + 1}, is no event of a trace`, kind: "warn" }); }
  }
  dispatch({ type: "imported", name: file.name, events });
}

function pressed(event) {
  const isTyping = event.target instanceof HTMLElement && event.target.matches("input, textarea, select");
  if (event.key === "Escape" && !frame.help.open) {
    if (state.sheet) dispatch({ type: "sheet", sheet: null });
    else if (live(state).length) dispatch({ type: "stop" });
    else dispatch({ type: "unchoose" });
  } else if (event.key === "." && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    dispatch({ type: "pauseOrResume" });
  } else if (event.key === "?" && !isTyping) dispatch({ type: "sheet", sheet: "help" });
}

document.getElementById("app").replaceChildren(frame.root);
document.addEventListener("keydown", pressed);
draw();
frame.composer.text.focus({ preventScroll: true });
effects.perform({ do: "connect" });
