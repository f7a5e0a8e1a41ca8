// The page of two recorded runs side by side, on one slider. All that is shown comes from the traces.
import { figures, fold, progress, runs, texts, visibleEnd } from "./wire.js";
import { COLOURS, kindOf, labelOf, make, nameOf, portrait } from "./token.js";

const $ = (id) => document.getElementById(id);
const WAYS = ["step", "share of forwards"];
const sides = ["a", "b"].map((name) => {
  const all = runs(JSON.parse($(`trace-${name}`).textContent));
  return { name, run: all[all.length - 1], folded: null };
});
const longest = Math.max(...sides.map((it) => it.run.events.length));
// `at`: of `longest`. A token is chosen by its offset in the answer, or none.
const page = { at: longest, way: 0, colours: 0, chosen: null, others: [] };

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

/** Offsets that both have decided, and those of them that are other tokens. */
function compared() {
  const [a, b] = sides.map((it) => it.folded.cells.slice(it.folded.state.from));
  const decided = [], others = [];
  for (let at = 0; at < Math.min(a.length, b.length); at++) {
    if (a[at].mark === "masked" || b[at].mark === "masked") continue;
    decided.push(at);
    if (a[at].piece.id !== b[at].piece.id) others.push(at);
  }
  return { decided, others };
}

function draw() {
  for (const it of sides) it.folded = fold(it.run, shown(it.run));
  const { decided, others } = compared();
  page.others = isSamePrompt ? others : [];
  for (const it of sides) side(it);
  const first = page.others.length ? [...page.others].sort((a, b) => cellAt(0, a).step - cellAt(0, b).step || a - b)[0] : null;
  $("difference").textContent = !isSamePrompt ? "The prompts are other tokens: only the texts can be compared."
    : [first === null ? "no difference" : `first difference: step ${cellAt(0, first).step}, token ${first} “${nameOf(cellAt(0, first).piece).trim()}” / “${nameOf(cellAt(1, first).piece).trim()}”`,
      `same so far: ${decided.length - page.others.length} of ${decided.length}`].join(" · ");
  $("slider").value = String(page.at);
  $("panels").hidden = page.chosen === null;
  sides.forEach((it, index) => {
    const chosen = page.chosen === null ? null : cellAt(index, page.chosen);
    $(`panel-${it.name}`).replaceChildren(...(chosen ? portrait(chosen, page.chosen, it.folded.state) : []));
  });
}

const cellAt = (index, offset) => sides[index].folded.cells[sides[index].folded.state.from + offset];

function side({ name, run, folded }) {
  const { cells, state } = folded, end = visibleEnd(folded, run.start), text = texts(cells), parts = [];
  const isMoving = folded.state.step > 0 && shown(run) < run.events.length;
  for (let at = state.from; at < end; at++) {
    const it = cells[at], offset = at - state.from;
    if (it.piece.special && it.mark !== "masked") continue;
    const kinds = [kindOf(it, state, COLOURS[page.colours], isMoving), page.others.includes(offset) ? "other" : "", offset === page.chosen ? "chosen" : ""];
    const span = make("span", kinds.filter(Boolean).join(" "), it.mark === "masked" ? "▒▒▒" : text[at]);
    span.dataset.at = offset;
    span.setAttribute("role", "img");
    span.setAttribute("aria-label", labelOf(it, offset) + (page.others.includes(offset) ? ", other in the other answer" : ""));
    parts.push(span);
  }
  $(`answer-${name}`).replaceChildren(...parts);
  $(`figures-${name}`).textContent = [progress(state), ...figures(folded)].filter(Boolean).join(" · ");
}

function go(at) {
  page.at = Math.max(0, Math.min(longest, at));
  draw();
}

function choose(offset) {
  page.chosen = offset;
  draw();
  const span = offset === null ? null : document.querySelector(`#answer-a [data-at="${offset}"]`);
  if (span) span.scrollIntoView({ block: "nearest" });
}

function next() {
  if (page.others.length) choose(page.others.find((at) => page.chosen === null || at > page.chosen) ?? page.others[0]);
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
for (const { name } of sides) $(`answer-${name}`).addEventListener("click", (event) => {
  const at = event.target.dataset ? event.target.dataset.at : undefined;
  choose(at === undefined || Number(at) === page.chosen ? null : Number(at));
});
$("controls").hidden = false;
const asked = /at=(\d+)/.exec(location.hash);
go(asked ? Number(asked[1]) : longest);
