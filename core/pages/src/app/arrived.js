// A chunk of a streamed turn, taken into its run. Part of `update.js`, which calls it for each.
import { folded } from "./folded.js";
import { isLive } from "./state.js";
import * as request from "./request.js";

/** @param {object} state @param {{run:number, chunk:object}} action @returns {object[]} effects */
export function arrived(state, { run: id, chunk }) {
  const run = state.runs.get(id);
  if (!run || !isLive(run)) return [];
  if (chunk.error) {
    Object.assign(run, { phase: "failed", failure: { text: chunk.error.message, code: chunk.error.code || null, retry: true } });
    run.text = run.text || request.finalText(run);
    return [];
  }
  const choice = (chunk.choices || [])[0];
  if (choice && choice.delta && choice.delta.content) run.text += choice.delta.content;
  const event = chunk.unmask, take = event && EVENTS[event.event];
  return (take && take(state, run, event)) || [];
}

/** An event that changes the canvas. */
function moved(state, run, event) {
  const isAtEnd = run.at === run.events.length;
  run.phase = run.phase === "paused" ? "paused" : "running";
  run.events.push(event);
  run.log.push(event);
  if (run.pace === "live" && state.delay === 0) run.at = run.events.length;
  else if (run.pace === "live" && isAtEnd) return [{ do: "later", key: `run ${run.id}`, ms: 1000 * state.delay, action: { type: "tick", run: run.id } }];
  return [];
}

const EVENTS = {
  queued(state, run, { ahead, seconds }) { Object.assign(run, { phase: "queued", ahead: { ahead, seconds } }); },
  loading(state, run, { stage, done, total }) { Object.assign(run, { phase: "loading", loading: { stage, done, total } }); },
  start(state, run, event) {
    const { turn, notes, ignored, left_out: leftOut, predicted, ...start } = event;
    Object.assign(run, { phase: "running", name: turn || null, start, notes: notes || [], ignored: ignored || [], leftOut: leftOut || 0, predicted: predicted || null,
      seed: start.params ? start.params.seed : null });
    run.log.push(start);
  },
  step: moved,
  edit: moved,
  paused(state, run, event) {
    run.phase = "paused";
    run.log.push(event);
  },
  resumed(state, run, event) {
    run.phase = "running";
    run.log.push(event);
  },
  done(state, run, event) {
    const now = run.start && folded(run, run.at);
    Object.assign(run, { end: event, phase: event.reason === "stopped" ? "stopped" : "done", seed: event.seed ?? run.seed, ignored: event.ignored || run.ignored });
    if (typeof event.text === "string") run.text = event.text;
    else run.text = run.text || (now ? request.finalText(run) : "");
    run.log.push(event);
    // Catches up at the pace of the delay, if there is one.
    return run.pace === "live" && run.at < run.events.length ? [{ do: "tick", run: run.id }] : [];
  },
};
