// A run for the tests, made by hand in the shape of the wire; and the chunks in which a server sends one.
const MASK = 2, END = 1;
const step = (n, commits, masked) => ({ event: "step", step: n, steps: 4, call: n - 1, block: n > 2 ? 1 : 0, blocks: 2, fed: [0, 8], length: 8, masked, ms: 10, nfe: n, nfe_saved: 0,
  commits: commits.map(([position, token, piece, confidence = 0.9, kind = "new"]) => ({ position, token, ...piece, confidence, entropy: 0.2, kind, top: [[token, confidence, piece.text || ""]] })) });

export const start = { event: "start", v: 1, id: "x", at: "2026-01-01T00:00:00Z", program: "test", family: "llada", model: { key: "demo", name: "demo", hub: null, identity: null, files: [] },
  tokenizer: null, backend: { name: "b", version: "1", device: "cpu", precision: "f32", threads: null }, params: { length: 6, steps: 4, block_length: 3, seed: 7 }, exact: true, approximation: null,
  continues: null, canvas: { mask: MASK, ends: [END], tokens: [9, 9, MASK, MASK, MASK, MASK, MASK, MASK], answer_start: 2, given: [[0, 2]], padding: 0 },
  pieces: { 9: { text: "p" }, 2: { special: "<mask>" } }, messages: [{ role: "user", content: "a?" }] };
export const steps = [
  step(1, [[3, 31, { text: " is" }], [2, 30, { text: "It" }, 0.2]], 4),
  step(2, [[4, 32, { text: " ä" }, 0.5]], 3),
  step(3, [[5, END, { special: "<end>" }, 0.99]], 2),
];
export const done = { event: "done", reason: "end_token", text: "It is ä", stats: { steps: 3, nfe: 3 } };
export const trace = [start, ...steps, done];

/** As chunks of the API: what is settled as text, events beside it. */
export const chunks = () => [
  { choices: [{ index: 0, delta: { role: "assistant", content: "" }, finish_reason: null }] },
  { choices: [{ index: 0, delta: {}, finish_reason: null }], unmask: { ...start, turn: "turn-1", notes: ["steps 5 → 4"], ignored: ["top_p"], left_out: 2, predicted: { forwards: 4, seconds: 1 } } },
  { choices: [{ index: 0, delta: { content: "It is" }, finish_reason: null }], unmask: steps[0] },
  { choices: [{ index: 0, delta: { content: " ä" }, finish_reason: null }], unmask: steps[1] },
  { choices: [{ index: 0, delta: {}, finish_reason: null }], unmask: steps[2] },
  { choices: [{ index: 0, delta: {}, finish_reason: "stop" }], unmask: { event: "done", reason: "end_token", seed: 7, ignored: ["top_p"], stats: {} } },
];
