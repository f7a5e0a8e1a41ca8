// The only writer of the state: an action comes in, effects go out. Pure: no page, no clock, no network.
import { runs as runsOf } from "../wire.js";
import { arrived } from "./arrived.js";
import { folded, visible } from "./folded.js";
import * as request from "./request.js";
import { isLive, kept, live, shown, span } from "./state.js";

/** @param {object} state @param {{type:string}} action @returns {object[]} effects */
export function update(state, action) {
  const act = ACTIONS[action.type];
  if (!act) throw new Error(`no action is called ${action.type}`);
  return act(state, action) || [];
}

const save = (state) => ({ do: "save", kept: kept(state) });
const plans = (state) => [{ do: "plan", side: "A", body: request.plan(state, "A") },
  ...(state.isCompared ? [{ do: "plan", side: "B", body: request.plan(state, "B") }] : [])];
const tell = (state, text, kind = "info") => { state.notice = { text, kind }; };
const the = (state, run) => state.runs.get(run);
const turnOf = (state, run) => state.turns.find((it) => it.id === run.turn);

/** Begins a version of a turn: a run, or two from one prompt and one seed. */
function begin(state, turn, { seed, parts = null, pins = "" }) {
  const effects = [], version = { A: 0, B: null };
  for (const side of state.isCompared && !parts ? ["A", "B"] : ["A"]) {
    const body = request.chat(state, { side, turn: turn.id, asked: turn.asked, seed, parts, pins });
    const id = state.next++;
    version[side] = id;
    state.runs.set(id, { id, turn: turn.id, side, phase: "queued", body, name: null, start: null, events: [], log: [], end: null, text: "", seed: null,
      ahead: null, loading: null, failure: null, notes: [], ignored: [], leftOut: 0, predicted: null, at: 0, pace: "live", view: "steps", holes: [], imported: null });
    effects.push({ do: "stream", run: id, body });
  }
  turn.versions.push(version);
  turn.version = turn.versions.length - 1;
  state.chosen = state.likelihood = state.notice = null;
  effects.push({ do: "tick", run: version.A }, { do: "follow", turn: turn.id });
  if (version.B !== null) effects.push({ do: "tick", run: version.B });
  return effects;
}

/** The run that keys act upon: of the chosen token, else the newest one that is shown. */
export function current(state) {
  if (state.chosen) return the(state, state.chosen.run);
  const turn = state.turns[state.turns.length - 1];
  return turn ? shown(state, turn)[0] : null;
}

/** The runs that move together with `run`: its rival of the same version, by share of the events. */
function go(state, run, at) {
  const turn = turnOf(state, run), all = shown(state, turn), share = run.events.length ? at / run.events.length : 0;
  for (const it of all) {
    const to = it === run ? at : Math.round(share * it.events.length);
    it.at = Math.max(0, Math.min(it.events.length, to));
    it.pace = isLive(it) && it.at === it.events.length ? "live" : "still";
  }
}

function choose(state, run, from, to = from) {
  const now = folded(run, run.at);
  if (!now || from < 0 || from >= now.cells.length) return;
  state.chosen = { run: run.id, from, to };
  state.likelihood = null;
}

const ACTIONS = {
  connected(state, { models, table, device }) {
    state.link = { ...state.link, phase: models.length ? "ready" : "model gone", text: models.length ? "" : "the server serves no model" };
    state.models = models;
    state.table = table;
    state.device = device;
    if (!models.some((it) => it.id === state.model)) state.model = (models.find((it) => it.loaded) || models[0] || { id: null }).id;
    return models.length ? plans(state) : [];
  },
  unconnected(state, { phase, text }) { state.link = { ...state.link, phase, text }; },
  keyed(state, { key }) {
    state.link = { phase: "starting", text: "", key };
    return [{ do: "key", key }, { do: "connect" }];
  },
  again: () => [{ do: "connect" }],
  model(state, { id }) {
    state.model = id;
    return [save(state), ...plans(state)];
  },

  typed(state, { text }) {
    state.draft = text;
    return [{ do: "later", key: "plan", ms: 400, action: { type: "replan" } }];
  },
  words(state, { text }) {
    state.pins = text;
    return [{ do: "later", key: "plan", ms: 400, action: { type: "replan" } }];
  },
  pinning(state) { state.isPinning = !state.isPinning; },
  system(state, { text }) {
    state.system = text;
    return [save(state)];
  },
  replan: plans,
  planned(state, { side, plan }) {
    state.plans[side] = plan;
    // A model that was not loaded is by now, and its own settings are known.
    const model = state.models.find((it) => it.id === state.model);
    return plan && !plan.failure && model && !model.loaded ? [{ do: "connect" }] : [];
  },

  send(state, { seed }) {
    const asked = state.draft.trim();
    if (!asked || live(state).length || state.link.phase !== "ready") return [];
    const turn = { id: state.next++, asked, versions: [], version: 0 };
    state.turns.push(turn);
    const effects = begin(state, turn, { seed, pins: state.pins });
    state.draft = "";
    return effects;
  },
  retry(state, { turn, seed }) {
    const it = state.turns.find((it) => it.id === turn);
    if (!it || live(state).length || shown(state, it)[0].imported) return [];
    return begin(state, it, { seed, pins: state.pins });
  },
  version(state, { turn, by }) {
    const it = state.turns.find((it) => it.id === turn);
    it.version = Math.max(0, Math.min(it.versions.length - 1, it.version + by));
    state.chosen = null;
  },
  refill(state, { run, seed }) {
    const it = the(state, run);
    if (!it || !it.holes.length || live(state).length) return [];
    const parts = request.partsOf(it, it.holes);
    it.holes = [];
    return begin(state, turnOf(state, it), { seed, parts });
  },

  stop: (state) => live(state).map((run) => ({ do: "stop", run: run.id, name: run.name })),
  pause: (state) => control(state, "running", "pause"),
  resume: (state) => control(state, "paused", "resume"),
  pauseOrResume: (state) => [...control(state, "paused", "resume"), ...control(state, "running", "pause")],

  chunk: arrived,
  refused(state, { run, failure }) {
    const it = the(state, run);
    Object.assign(it, { phase: "failed", failure });
    if (failure.code === "model_not_found") return [{ do: "connect" }];
    return [];
  },
  lost(state, { run, text }) {
    const it = the(state, run);
    if (!isLive(it)) return [];
    it.phase = "offline";
    it.failure = { text, code: null, retry: true };
    it.text = it.text || request.finalText(it);
    return [{ do: "probe" }];
  },
  stopped(state, { run }) {
    const it = the(state, run);
    if (!isLive(it)) return;
    it.phase = "stopped";
    it.text = it.text || request.finalText(it);
  },

  go(state, { run, at }) { go(state, the(state, run), at); },
  step(state, { by }) {
    const run = current(state);
    if (run) go(state, run, run.at + by);
  },
  edge(state, { end }) {
    const run = current(state);
    if (run) go(state, run, end ? run.events.length : 0);
  },
  play(state, { run }) {
    const first = run === undefined ? current(state) : the(state, run);
    if (!first) return [];
    const all = shown(state, turnOf(state, first)), isPlaying = all.some((it) => it.pace === "play");
    for (const it of all) {
      if (!isPlaying && it.at >= it.events.length) it.at = 0;
      it.pace = isPlaying ? "still" : "play";
    }
    return isPlaying ? [] : all.map((it) => ({ do: "tick", run: it.id }));
  },
  /** Time has passed for a run: it shows one event more, and says when the next is due. */
  tick(state, { run }) {
    const it = the(state, run);
    if (!it || it.pace === "still") return [];
    if (it.at < it.events.length && (it.pace === "play" || state.delay > 0)) it.at += 1;
    if (it.at >= it.events.length && !isLive(it)) {
      it.pace = "still";
      return [];
    }
    if (it.at >= it.events.length) it.pace = "live";
    const event = it.events[it.at], own = event && event.event === "step" ? Math.min(2000, Math.max(24, event.ms)) / state.speed : 60;
    return it.pace === "live" && state.delay === 0 ? [] : [{ do: "later", key: `run ${run}`, ms: Math.max(own, it.pace === "live" ? 1000 * state.delay : 0), action: { type: "tick", run } }];
  },
  view(state, { run, view }) { for (const it of shown(state, turnOf(state, the(state, run)))) it.view = view; },

  choose(state, { run, at, extend }) {
    const it = the(state, run);
    if (extend && state.chosen && state.chosen.run === run) choose(state, it, state.chosen.from, at);
    else if (state.chosen && state.chosen.run === run && state.chosen.from === at && state.chosen.to === at) state.chosen = null;
    else choose(state, it, at);
    state.sheet = state.chosen ? "token" : null;
  },
  span(state, { run, from, to }) {
    choose(state, the(state, run), from, to);
    state.sheet = "token";
  },
  neighbour(state, { run, by, extend }) {
    const it = run === undefined ? current(state) : the(state, run), now = it && folded(it, it.at);
    if (!now) return;
    const { from, end } = visible(it, now), last = (state.isRaw ? now.cells.length : end) - 1;
    if (last < from) return;
    const own = state.chosen && state.chosen.run === it.id ? state.chosen : null;
    const to = own ? Math.max(from, Math.min(last, own.to + by)) : by > 0 ? from : last;
    choose(state, it, own && extend ? own.from : to, to);
  },
  unchoose(state) {
    state.chosen = null;
    if (state.sheet === "token") state.sheet = null;
  },

  /** Fixes the chosen words in the next answer. */
  pin(state) {
    if (!state.chosen) return [];
    const run = the(state, state.chosen.run), now = folded(run, run.at), [from, to] = span(state.chosen);
    const word = now.cells.slice(from, to + 1).map((it) => (it.mark === "masked" ? "" : it.piece.special ? "" : it.piece.text || "")).join("").trim();
    if (!word || /[,:\n]/.test(word)) {
      tell(state, "only words without comma, colon and line break can be pinned", "warn");
      return [];
    }
    const pin = `${from - now.state.from}:${word}`;
    const others = state.pins.split(",").map((it) => it.trim()).filter((it) => it && !it.startsWith(`${from - now.state.from}:`));
    state.pins = [...others, pin].join(", ");
    state.isPinning = true;
    tell(state, `“${word}” will stand at ${from - now.state.from} of the next answer`);
    return plans(state);
  },
  /** Masks the chosen positions, or unmasks them if they are masked already. */
  mask(state) {
    if (!state.chosen) return;
    const run = the(state, state.chosen.run);
    if (isLive(run) || run.imported) return tell(state, isLive(run) ? "wait for the answer to end, or stop it, before you mask a part" : "an imported run cannot be refilled", "warn");
    const [from, to] = span(state.chosen), all = Array.from({ length: to - from + 1 }, (_, by) => from + by);
    const isMasked = all.every((at) => run.holes.includes(at));
    run.holes = (isMasked ? run.holes.filter((at) => !all.includes(at)) : [...new Set([...run.holes, ...all])]).sort((a, b) => a - b);
  },
  unmask(state, { run }) { the(state, run).holes = []; },
  likelihood(state) {
    if (!state.chosen) return [];
    const run = the(state, state.chosen.run), [from, to] = span(state.chosen);
    state.likelihood = { phase: "asked" };
    return [{ do: "likelihood", body: request.likelihood(state, run, from, to), chosen: { ...state.chosen } }];
  },
  measured(state, { chosen, found, failure }) {
    const own = state.chosen;
    if (!own || own.run !== chosen.run || own.from !== chosen.from || own.to !== chosen.to) return;
    state.likelihood = failure ? { phase: "failed", text: failure } : { phase: "done", ...found };
  },

  set(state, { key, value }) {
    const rules = state.table.find((it) => it.key === key), side = state.sets[state.side];
    if (value === undefined) delete side[key];
    else side[key] = value;
    // Of several ways to do the same one can be used.
    if (rules && rules.one_of && value !== undefined && value !== null) {
      for (const other of state.table) if (other.key !== key && other.one_of === rules.one_of) delete side[other.key];
    }
    return [save(state), { do: "later", key: "plan", ms: 150, action: { type: "replan" } }];
  },
  reset(state) {
    state.sets[state.side] = {};
    return [save(state), ...plans(state)];
  },
  side(state, { side }) { state.side = side; },
  compare(state) {
    state.isCompared = !state.isCompared;
    state.side = state.isCompared ? "B" : "A";
    return plans(state);
  },
  speed(state, { speed }) {
    state.speed = speed;
    return [save(state)];
  },
  delay(state, { delay }) {
    state.delay = delay;
    return [save(state), ...live(state).map((run) => ({ do: "tick", run: run.id }))];
  },
  colours(state, { colours }) { state.colours = colours; },
  raw(state) { state.isRaw = !state.isRaw; },
  theme(state, { theme }) {
    state.theme = theme;
    return [save(state)];
  },
  palette(state, { palette }) {
    state.palette = palette;
    return [save(state)];
  },
  sheet(state, { sheet }) { state.sheet = state.sheet === sheet ? null : sheet; },
  notice(state, { text, kind }) { tell(state, text, kind); },
  heard(state) { state.notice = null; },

  clear(state) {
    const effects = live(state).map((run) => ({ do: "stop", run: run.id, name: run.name }));
    state.turns = [];
    state.runs = new Map();
    state.chosen = state.likelihood = state.notice = null;
    return [...effects, ...plans(state)];
  },
  imported(state, { name, events }) {
    let all;
    try { all = runsOf(events); } catch (error) { return void tell(state, `${name} is no trace: ${error.message}`, "warn"); }
    if (!all.length) return void tell(state, `${name} holds no run`, "warn");
    for (const it of all) {
      const asked = ([...(it.start.messages || [])].reverse().find((message) => message.role === "user") || { content: name }).content;
      const id = state.next++, turn = { id: state.next++, asked, versions: [{ A: id, B: null }], version: 0 };
      const events = it.events.filter((event) => event.commits);
      const run = { id, turn: turn.id, side: "A", phase: it.end && it.end.event === "done" ? "done" : it.end ? "failed" : "stopped", body: {}, name: null, start: it.start, events,
        log: [it.start, ...it.events, ...(it.end ? [it.end] : [])], end: it.end, text: "", seed: it.start.params ? it.start.params.seed : null, ahead: null, loading: null, failure: null,
        notes: [], ignored: [], leftOut: 0, predicted: null, at: events.length, pace: "still", view: "steps", holes: [], imported: name };
      try { run.text = request.finalText(run); } catch (error) { return void tell(state, `${name} is damaged: ${error.message}`, "warn"); }
      state.runs.set(id, run);
      state.turns.push(turn);
    }
    return [{ do: "follow", turn: state.turns[state.turns.length - 1].id }];
  },
  export(state, { run, format }) {
    state.sheet = null;
    return [{ do: "export", run, format }];
  },
};

/** Asks the server to rest or go on, for all runs in this phase. */
const control = (state, phase, what) => live(state).filter((run) => run.phase === phase && run.name).map((run) => ({ do: "control", name: run.name, what }));
