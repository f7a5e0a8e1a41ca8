// What the page does with what the user and the server say. Run by `node --test`.
import assert from "node:assert/strict";
import { test } from "node:test";
import { agreement, folded, settled } from "../src/app/folded.js";
import { begin, live, messagesBefore, shown, valueOf } from "../src/app/state.js";
import { update } from "../src/app/update.js";
import { chunks, start, steps, trace } from "./recorded.mjs";

const MODELS = [{ id: "demo", name: "demo", family: "llada", context: 64, loaded: true, defaults: { length: 6, steps: 4, temperature: 0, threshold: null } }];
const TABLE = [{ key: "threshold", one_of: "transfer", domain: { kind: "optional" } }, { key: "factor", one_of: "transfer", domain: { kind: "optional" } }, { key: "steps", one_of: null, domain: { kind: "count" } }];

function page() {
  const state = begin();
  update(state, { type: "connected", models: MODELS, table: TABLE, device: "cpu" });
  return state;
}

function asked(state, text = "a?", seed = null) {
  update(state, { type: "typed", text });
  const effects = update(state, { type: "send", seed });
  return { effects, runs: state.turns.length ? shown(state, state.turns.at(-1)) : [] };
}

function answered(state, text) {
  const { effects, runs } = asked(state, text);
  for (const chunk of chunks()) update(state, { type: "chunk", run: runs[0].id, chunk });
  return { effects, run: runs[0] };
}

test("a turn goes from the question through its steps to an answer", () => {
  const state = page(), { effects, run } = answered(state, "a?");
  const { body } = effects.find((it) => it.do === "stream");
  assert.deepEqual(body, { model: "demo", messages: [{ role: "user", content: "a?" }], stream: true, unmask: { stream: "steps", top: 5, overflow: "drop_oldest" } });
  assert.equal(state.draft, "");
  assert.deepEqual([run.phase, run.text, run.name, run.seed, run.notes, run.ignored, run.leftOut, run.at], ["done", "It is ä", "turn-1", 7, ["steps 5 → 4"], ["top_p"], 2, 3]);
  assert.equal(run.start.turn, undefined, "what the server adds to the start is no part of the trace");
  assert.deepEqual(run.log.map((it) => it.event), ["start", "step", "step", "step", "done"]);
});

test("what was said goes along with the next question, and only a question that may be sent is", () => {
  const state = page();
  answered(state, "a?");
  const { effects } = asked(state, "b?");
  assert.deepEqual(effects[0].body.messages.map((it) => it.content), ["a?", "It is ä", "b?"]);
  update(state, { type: "typed", text: "c?" });
  assert.deepEqual(update(state, { type: "send", seed: null }), [], "one answer at a time");
  const offline = page();
  update(offline, { type: "unconnected", phase: "offline", text: "" });
  assert.equal(asked(offline).effects.length, 0);
});

test("a run shows what comes until it is scrubbed, and again at its end", () => {
  const state = page(), { runs: [run] } = asked(state);
  const all = chunks();
  for (const chunk of all.slice(0, 4)) update(state, { type: "chunk", run: run.id, chunk });
  assert.equal(run.at, 2);
  update(state, { type: "go", run: run.id, at: 1 });
  update(state, { type: "chunk", run: run.id, chunk: all[4] });
  assert.deepEqual([run.at, run.events.length, run.pace], [1, 3, "still"]);
  update(state, { type: "go", run: run.id, at: 99 });
  assert.deepEqual([run.at, run.pace], [3, "live"]);
});

test("every step shows what the trace holds there", () => {
  const state = page(), { run } = answered(state);
  const texts = [0, 1, 2, 3, 1].map((at) => settled(run, folded(run, at)));
  assert.deepEqual(texts, ["", "It is", "It is ä", "It is ä", "It is"]);
});

test("a delay shows steps one by one, however fast they come", () => {
  const state = page();
  update(state, { type: "delay", delay: 0.5 });
  const { run } = answered(state);
  assert.deepEqual([run.phase, run.at], ["done", 0]);
  const effects = update(state, { type: "tick", run: run.id });
  assert.equal(run.at, 1);
  assert.deepEqual([effects[0].do, effects[0].ms], ["later", 500]);
  for (let n = 0; n < 5; n++) update(state, { type: "tick", run: run.id });
  assert.deepEqual([run.at, run.pace], [3, "still"]);
});

test("playing begins anew at the end and rests there", () => {
  const state = page(), { run } = answered(state);
  assert.deepEqual(update(state, { type: "play" }).map((it) => it.do), ["tick"]);
  assert.deepEqual([run.at, run.pace], [0, "play"]);
  for (let n = 0; n < 4; n++) update(state, { type: "tick", run: run.id });
  assert.deepEqual([run.at, run.pace], [3, "still"]);
});

test("pause, going on and stop reach the running turn by its name", () => {
  const state = page(), { runs: [run] } = asked(state);
  assert.deepEqual(update(state, { type: "pauseOrResume" }), [], "it has no name yet");
  assert.deepEqual(update(state, { type: "stop" }), [{ do: "stop", run: run.id, name: null }]);
  for (const chunk of chunks().slice(0, 3)) update(state, { type: "chunk", run: run.id, chunk });
  assert.deepEqual(update(state, { type: "pauseOrResume" }), [{ do: "control", name: "turn-1", what: "pause" }]);
  update(state, { type: "chunk", run: run.id, chunk: { choices: [], unmask: { event: "paused", step: 1 } } });
  assert.equal(run.phase, "paused");
  assert.deepEqual(update(state, { type: "pauseOrResume" }), [{ do: "control", name: "turn-1", what: "resume" }]);
  update(state, { type: "chunk", run: run.id, chunk: { choices: [], unmask: { event: "done", reason: "stopped", seed: 7, ignored: [] } } });
  assert.deepEqual([run.phase, run.text, live(state).length], ["stopped", "It is", 0]);
});

test("what goes wrong is told, and what has come is kept", () => {
  const state = page(), { runs: [one] } = asked(state);
  update(state, { type: "refused", run: one.id, failure: { text: "too long", code: "context_length_exceeded", retry: false } });
  assert.deepEqual([one.phase, one.failure.text], ["failed", "too long"]);
  const { runs: [two] } = asked(state);
  for (const chunk of chunks().slice(0, 3)) update(state, { type: "chunk", run: two.id, chunk });
  assert.deepEqual(update(state, { type: "lost", run: two.id, text: "gone" }), [{ do: "probe" }]);
  assert.deepEqual([two.phase, two.text, two.events.length], ["offline", "It is", 1]);
  const { runs: [three] } = asked(state);
  for (const chunk of [...chunks().slice(0, 3), { error: { message: "broken", code: null } }]) update(state, { type: "chunk", run: three.id, chunk });
  assert.deepEqual([three.phase, three.failure.text, three.text], ["failed", "broken", "It is"]);
  update(state, { type: "chunk", run: three.id, chunk: chunks()[3] });
  assert.equal(three.events.length, 1, "late news of an ended turn is nothing");
});

test("a token can be pinned in the next answer, once a place", () => {
  const state = page(), { run } = answered(state);
  update(state, { type: "choose", run: run.id, at: 3 });
  update(state, { type: "pin" });
  update(state, { type: "pin" });
  assert.equal(state.pins, "1:is");
  update(state, { type: "choose", run: run.id, at: 2, extend: true });
  update(state, { type: "pin" });
  assert.equal(state.pins, "1:is, 0:It is");
  assert.equal(asked(state).effects[0].body.unmask.pins, "1:is, 0:It is");
});

test("a masked part is refilled from both sides, as another version of the same answer", () => {
  const state = page(), { run } = answered(state);
  update(state, { type: "span", run: run.id, from: 3, to: 4 });
  update(state, { type: "mask" });
  assert.deepEqual(run.holes, [3, 4]);
  update(state, { type: "mask" });
  assert.deepEqual(run.holes, []);
  update(state, { type: "mask" });
  const [effect] = update(state, { type: "refill", run: run.id, seed: null });
  assert.deepEqual(effect.body.unmask.parts, [{ tokens: [30] }, { hole: 2 }]);
  assert.deepEqual([state.turns.length, state.turns[0].versions.length, state.turns[0].version], [1, 2, 1]);
  update(state, { type: "stop" });
  update(state, { type: "stopped", run: effect.run });
  update(state, { type: "version", turn: state.turns[0].id, by: -1 });
  assert.equal(shown(state, state.turns[0])[0], run);
});

test("settings that exclude each other do, and those of the model are not sent", () => {
  const state = page();
  update(state, { type: "set", key: "threshold", value: 0.9 });
  update(state, { type: "set", key: "factor", value: 2 });
  update(state, { type: "set", key: "temperature", value: 0.5 });
  update(state, { type: "set", key: "seed", value: 3 });
  assert.deepEqual(state.sets.A, { factor: 2, temperature: 0.5, seed: 3 });
  assert.equal(valueOf(state, "A", "steps"), 4);
  const { body } = asked(state).effects[0];
  assert.deepEqual([body.temperature, body.seed, body.unmask], [0.5, 3, { factor: 2, stream: "steps", top: 5, overflow: "drop_oldest" }]);
});

test("two sides answer one question with one seed, move together, and their difference is counted", () => {
  const state = page();
  update(state, { type: "compare" });
  update(state, { type: "set", key: "steps", value: 2 });
  const { effects, runs } = asked(state, "a?", 5);
  const bodies = effects.filter((it) => it.do === "stream").map((it) => it.body);
  assert.deepEqual(bodies.map((it) => [it.seed, it.unmask.steps]), [[5, undefined], [5, 2]]);
  const other = JSON.parse(JSON.stringify(chunks()));
  other[3].unmask.commits[0].token = 99;
  runs.forEach((run, at) => [chunks(), other][at].forEach((chunk) => update(state, { type: "chunk", run: run.id, chunk })));
  update(state, { type: "go", run: runs[0].id, at: 1 });
  assert.deepEqual(runs.map((it) => it.at), [1, 1]);
  const { share, differ, length } = agreement(...runs);
  assert.deepEqual([Math.round(100 * share), [...differ], length], [67, [2], 3]);
  assert.deepEqual(messagesBefore(state, null).map((it) => it.content), ["a?", "It is ä"]);
});

test("a trace is read back as it was saved, and what is none is said", () => {
  const state = page(), { run } = answered(state);
  const again = page();
  update(again, { type: "imported", name: "t.jsonl", events: JSON.parse(JSON.stringify(run.log)) });
  const [read] = shown(again, again.turns[0]);
  assert.deepEqual([read.text, read.at, read.phase, read.imported, again.turns[0].asked], ["It is ä", 3, "done", "t.jsonl", "a?"]);
  assert.deepEqual(messagesBefore(again, null), [], "it is not part of the conversation");
  update(again, { type: "imported", name: "bad", events: [steps[0]] });
  assert.match(again.notice.text, /bad is no trace/);
  update(again, { type: "imported", name: "worse", events: [start, { ...steps[0], commits: [{ position: 99, token: 1, kind: "new" }] }] });
  assert.match(again.notice.text, /worse is damaged/);
  assert.equal(again.turns.length, 1);
  update(again, { type: "imported", name: "t", events: trace });
  assert.equal(again.turns.length, 2);
});

test("clearing ends what runs and forgets what was said", () => {
  const state = page();
  answered(state, "a?");
  const { runs: [run] } = asked(state, "b?");
  const effects = update(state, { type: "clear" });
  assert.deepEqual(effects[0], { do: "stop", run: run.id, name: null });
  assert.deepEqual([state.turns, state.runs.size], [[], 0]);
  assert.deepEqual(update(state, { type: "chunk", run: run.id, chunk: chunks()[1] }), []);
});

test("a key is kept for the tab, and nothing that was said is kept", () => {
  const state = page();
  assert.deepEqual(update(state, { type: "keyed", key: "k" }), [{ do: "key", key: "k" }, { do: "connect" }]);
  update(state, { type: "connected", models: MODELS, table: TABLE, device: "cpu" });
  const { run } = answered(state, "secret?");
  const saved = update(state, { type: "theme", theme: "dark" })[0];
  assert.equal(saved.do, "save");
  assert.doesNotMatch(JSON.stringify(saved), /secret|It is/);
  assert.ok(run);
});
