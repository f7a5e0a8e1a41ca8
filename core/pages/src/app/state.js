// What the page knows: plain data. `update.js` alone writes it, views only read it.

/** @typedef {"queued"|"loading"|"running"|"paused"|"done"|"stopped"|"failed"|"offline"} Phase */
/** @typedef {{id:number, turn:number, side:"A"|"B", phase:Phase, body:object, name:string|null, start:object|null, events:object[], log:object[], end:object|null,
 *   text:string, seed:number|null, ahead:{ahead:number, seconds:number}|null, loading:{stage:string, done:number, total:number}|null,
 *   failure:{text:string, code:string|null, retry:boolean}|null, notes:string[], ignored:string[], leftOut:number, predicted:object|null,
 *   at:number, pace:"live"|"play"|"still", view:"steps"|"text", holes:number[], imported:string|null}} Run */
/** @typedef {{id:number, asked:string, versions:{A:number, B:number|null}[], version:number}} Turn */
/** @typedef {{id:string, name:string, family:string|null, context:number|null, loaded:boolean, defaults:Record<string, any>}} Model */
/** @typedef {{run:number, from:number, to:number}} Chosen positions, both ends in; the one that moves is `to`. */

/** @param {{key?:string|null, kept?:object}} [from] */
export function begin({ key = null, kept = {} } = {}) {
  return {
    link: { phase: "starting", text: "", key },
    models: [], model: kept.model || null, device: "", table: [],
    sets: { A: kept.settings || {}, B: kept.other || {} }, side: "A", isCompared: false,
    plans: { A: null, B: null },
    draft: "", pins: "", system: kept.system || "", isPinning: false,
    turns: [], runs: new Map(), next: 1,
    /** @type {Chosen|null} */ chosen: null, likelihood: null,
    theme: kept.theme || "auto", palette: kept.palette || "unmask", colours: "confidence", isRaw: false, speed: kept.speed || 1, delay: kept.delay || 0,
    /** @type {null|"settings"|"token"|"help"|"export"} */ sheet: null,
    notice: null,
  };
}

/** What outlives the tab. */
export const kept = (state) => ({ model: state.model, settings: state.sets.A, other: state.sets.B, system: state.system, theme: state.theme,
  palette: state.palette, speed: state.speed, delay: state.delay });

/** @returns {Model|null} */
export const modelOf = (state) => state.models.find((it) => it.id === state.model) || null;

/** A setting as it will be sent: what was chosen, else the model's own. */
export function valueOf(state, side, key) {
  const model = modelOf(state);
  const own = model && model.defaults ? model.defaults[key] : undefined;
  return state.sets[side][key] ?? own ?? null;
}

/** The runs of the version that is shown. @returns {Run[]} */
export function shown(state, turn) {
  const { A, B } = turn.versions[turn.version];
  return [A, B].filter((id) => id !== null).map((id) => state.runs.get(id));
}

export const isLive = (run) => run.phase === "queued" || run.phase === "loading" || run.phase === "running" || run.phase === "paused";

/** The runs that have not ended, oldest first. */
export const live = (state) => [...state.runs.values()].filter(isLive);

/** What was said before `turn`, as the API takes it. */
export function messagesBefore(state, turn) {
  const messages = state.system.trim() ? [{ role: "system", content: state.system.trim() }] : [];
  for (const it of state.turns) {
    if (it.id === turn) break;
    const [run] = shown(state, it);
    if (run.imported || !run.text) continue;
    messages.push({ role: "user", content: it.asked }, { role: "assistant", content: run.text });
  }
  return messages;
}

/** First and last of the chosen positions. */
export const span = (chosen) => [Math.min(chosen.from, chosen.to), Math.max(chosen.from, chosen.to)];
