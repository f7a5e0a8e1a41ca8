// The page of two recorded runs side by side, on one slider. All that is shown comes from the traces; how whole answers compare
// by their words is said by the program.
import { figures, fold, progress, runs, texts, visibleEnd } from "./wire.js";
import { COLOURS, kindOf, labelOf, make, nameOf, portrait } from "./token.js";

const $ = (id) => document.getElementById(id);
const WAYS = ["step", "share of forwards"];
const sides = ["a", "b"].map((name) => {
  const all = runs(JSON.parse($(`trace-${name}`).textContent));
  return { name, run: all[all.length - 1], folded: null };
});
const longest = Math.max(...sides.map((it) => it.run.events.length));
const words = JSON.parse($("words").textContent);
// `at`: of `longest`. Tokens are chosen by their offset in each answer, which may have none; in that of `side` there is one.
const page = { at: longest, way: 0, colours: 0, chosen: null, side: 0, places: [], others: [] };

const prompt = (run) => run.start.canvas.tokens.slice(0, run.start.canvas.answer_start);
const isSamePrompt = JSON.stringify(sides.map((it) => prompt(it.run))[0]) === JSON.stringify(prompt(sides[1].run));

/** Events of a run that are shown. */
function shown(run) {
  if (WAYS[page.way] === "step") return Math.min(page.at, run.events.length);
  const steps = run.events.filter((it) => it.event === "step");
  const all = steps.length ? steps[steps.length - 1].nfe : 0, most = (all * page.at) / Math.max(1, longest);
  const behind = run.events.findIndex((it) => it.event === "step" && it.nfe > most + 1e-9);
  return behind < 0 ? run.events.length : behind;
}

/** How both compare as they are shown: by words once both are whole, else by tokens, if positions mean the same. */
function compared() {
  if (words && sides.every((it) => shown(it.run) === it.run.events.length)) {
    const places = words.places.map((both) => both.map(([from, to]) => Array.from({ length: to - from }, (_, at) => from + at)));
    return { places, said: words.said };
  }
  if (!isSamePrompt) return { places: [], said: "the prompts are other tokens · words are compared once both are whole" };
  const [a, b] = sides.map((it) => it.folded.cells.slice(it.folded.state.from));
  // What was given or edited is of no step and was there first, as for the program.
  const others = [], step = (at) => (a[at].isOfStep ? a[at].step : null), order = (at) => step(at) ?? -1;
  let decided = 0;
  for (let at = 0; at < Math.min(a.length, b.length); at++) {
    if (a[at].mark === "masked" || b[at].mark === "masked") continue;
    decided++;
    if (a[at].piece.id !== b[at].piece.id) others.push(at);
  }
  const [at] = [...others].sort((one, two) => order(one) - order(two) || one - two);
  const first = () => {
    const names = sides[0].folded.state.textAlone ? ["part", "byte"] : ["step", "token"];
    const place = [step(at) === null ? "" : `${names[0]} ${step(at)}`, `${names[1]} ${at}`].filter(Boolean).join(", ");
    return `first difference: ${place} ${[a, b].map((it) => quoted(nameOf(it[at].piece))).join(" / ")}`;
  };
  const said = [at === undefined ? "no difference" : first(), `same so far: ${decided - others.length} of ${decided}`].join(" · ");
  return { places: others.map((it) => [[it], [it]]), said };
}

const quoted = (text) => text ? `“${text.trim()}”` : "nothing";

function draw() {
  for (const it of sides) it.folded = fold(it.run, shown(it.run));
  const { places, said } = compared();
  page.places = places;
  page.others = sides.map((_, index) => new Set(places.flatMap((it) => it[index])));
  sides.forEach(side);
  $("difference").textContent = said;
  $("slider").value = String(page.at);
  $("panels").hidden = page.chosen === null;
  sides.forEach((it, index) => {
    const offset = page.chosen === null ? null : page.chosen[index], chosen = offset === null ? null : cellAt(index, offset);
    $(`panel-${it.name}`).replaceChildren(...(chosen ? portrait(chosen, offset, it.folded.state) : []));
  });
}

const cellAt = (index, offset) => sides[index].folded.cells[sides[index].folded.state.from + offset];

function side({ name, run, folded }, index) {
  const { cells, state } = folded, end = visibleEnd(folded, run.start), text = texts(cells), parts = [];
  const isMoving = folded.state.step > 0 && shown(run) < run.events.length;
  for (let at = state.from; at < end; at++) {
    const it = cells[at], offset = at - state.from;
    if (it.piece.special && it.mark !== "masked") continue;
    const kinds = [kindOf(it, state, COLOURS[page.colours], isMoving), page.others[index].has(offset) ? "other" : "", page.chosen && offset === page.chosen[index] ? "chosen" : ""];
    const span = make("span", kinds.filter(Boolean).join(" "), it.mark === "masked" ? "▒▒▒" : text[at]);
    span.dataset.at = offset;
    span.setAttribute("role", "img");
    span.setAttribute("aria-label", labelOf(it, offset) + (page.others[index].has(offset) ? ", other in the other answer" : ""));
    parts.push(span);
  }
  $(`answer-${name}`).replaceChildren(...parts);
  $(`figures-${name}`).textContent = [progress(state), ...figures(folded)].filter(Boolean).join(" · ");
}

function go(at) {
  page.at = Math.max(0, Math.min(longest, at));
  draw();
}

function choose(offsets, side = 0) {
  Object.assign(page, { chosen: offsets, side });
  draw();
  const span = document.querySelector(".answer .chosen");
  if (span) span.scrollIntoView({ block: "nearest" });
}

/** To the first difference behind the chosen token, or the first of all. */
function next() {
  if (!page.places.length) return;
  const { chosen, side, places } = page, before = chosen ? places.findLastIndex((it) => it[side][0] <= chosen[side]) : -1;
  const offsets = places[(before + 1) % places.length].map((it) => it[0] ?? null);
  choose(offsets, offsets[0] === null ? 1 : 0);
}

function turn(key, all, word) {
  page[key] = (page[key] + 1) % all.length;
  $(key).textContent = `${word} ${all[page[key]]}`;
  draw();
}

const KEYS = {
  ArrowLeft: (event) => go(page.at - (event.shiftKey ? 10 : 1)), ArrowRight: (event) => go(page.at + (event.shiftKey ? 10 : 1)),
  Home: () => go(0), End: () => go(longest), n: next, c: () => $("colours").click(), s: () => $("way").click(), Escape: () => choose(null),
};

document.addEventListener("keydown", (event) => {
  const act = event.ctrlKey || event.metaKey || event.altKey ? null : KEYS[event.key];
  if (!act) return;
  event.preventDefault();
  act(event);
});
$("slider").max = String(longest);
$("slider").addEventListener("input", (event) => go(Number(event.target.value)));
$("way").addEventListener("click", () => turn("way", WAYS, "by"));
$("colours").addEventListener("click", () => turn("colours", COLOURS, "colours:"));
$("next").addEventListener("click", next);
sides.forEach(({ name }, index) => $(`answer-${name}`).addEventListener("click", (event) => {
  const at = event.target.dataset ? event.target.dataset.at : undefined;
  choose(at === undefined || (page.chosen && Number(at) === page.chosen[index]) ? null : [Number(at), Number(at)], index);
}));
$("controls").hidden = false;
const asked = /at=(\d+)/.exec(location.hash);
go(asked ? Number(asked[1]) : longest);
