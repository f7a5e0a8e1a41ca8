// The page of one recorded run: a canvas, a slider over its steps, a panel for a token. All that is shown comes from the trace.
import { figures, fold, progress, runs, texts, visibleEnd } from "./wire.js";
import { COLOURS, kindOf, labelOf, make, nameOf, portrait } from "./token.js";

const $ = (id) => document.getElementById(id);
const events = JSON.parse($("trace").textContent);
const all = runs(events);
const run = all[all.length - 1];
const start = run.start;
const SPEEDS = [1, 2, 4, 0.25, 0.5];
// `at`: events applied. A position of the answer is chosen, or none.
const page = { at: run.events.length, chosen: null, colours: 0, raw: false, speed: 0, timer: null, spans: [], folded: fold(run, run.events.length) };

function go(at) {
  page.at = Math.max(0, Math.min(run.events.length, at));
  page.folded = fold(run, page.at);
  draw();
}

function draw() {
  const { cells, state } = page.folded;
  const from = state.from, end = page.raw ? cells.length : visibleEnd(page.folded, start), shown = texts(cells);
  const box = $("answer");
  page.spans = [];
  const parts = [], isMoving = page.at > 0 && page.at < run.events.length;
  for (let at = from; at < end; at++) {
    const it = cells[at];
    const isSpecial = it.piece.special && it.mark !== "masked";
    if (isSpecial && !page.raw) continue;
    const text = it.mark === "masked" ? "▒▒▒" : isSpecial || page.raw ? nameOf(it.piece) : shown[at];
    const span = make("span", kindOf(it, state, COLOURS[page.colours], isMoving) + (isSpecial ? " special" : "") + (at === page.chosen ? " chosen" : ""), text);
    span.dataset.at = at;
    span.setAttribute("role", "img");
    span.setAttribute("aria-label", labelOf(it, at));
    page.spans.push(span);
    parts.push(span);
  }
  if (end < cells.length) parts.push(make("span", "folded", ` end · ${cells.length - end} positions behind it`));
  box.replaceChildren(...parts);
  $("slider").value = String(page.at);
  const done = page.at === run.events.length && run.end;
  const why = done ? (run.end.event === "done" ? run.end.reason.replaceAll("_", " ") : "failed") : page.at === run.events.length ? "unfinished" : "";
  $("figures").textContent = [progress(state), ...figures(page.folded), why].filter(Boolean).join(" · ");
  [...$("bars").children].forEach((bar, index) => bar.classList.toggle("past", index < page.at));
  panel(cells);
}

function panel(cells) {
  const box = $("panel"), it = page.chosen === null ? null : cells[page.chosen];
  box.hidden = !it;
  if (!it) return;
  box.replaceChildren(...portrait(it, page.chosen, page.folded.state));
}

function choose(at) {
  page.chosen = at;
  draw();
  remember();
}

function beside(by) {
  const places = page.spans.map((it) => Number(it.dataset.at));
  if (places.length === 0) return;
  const now = places.indexOf(page.chosen);
  choose(places[now < 0 ? (by > 0 ? 0 : places.length - 1) : (now + by + places.length) % places.length]);
}

function unsure() {
  const { cells } = page.folded, places = page.spans.map((it) => Number(it.dataset.at)).filter((at) => ["committed", "changed"].includes(cells[at].mark));
  places.sort((a, b) => cells[a].confidence - cells[b].confidence);
  const least = places.slice(0, Math.max(3, Math.ceil(places.length / 10))).sort((a, b) => a - b);
  if (least.length) choose(least.find((at) => page.chosen === null || at > page.chosen) ?? least[0]);
}

function rest() {
  clearTimeout(page.timer);
  page.timer = null;
  $("play").textContent = "▶";
}

function tick() {
  if (page.at >= run.events.length) return rest();
  go(page.at + 1);
  const event = run.events[page.at - 1];
  const wait = event && event.event === "step" ? Math.min(2000, Math.max(30, event.ms)) : 30;
  page.timer = setTimeout(tick, wait / SPEEDS[page.speed]);
}

function play() {
  if (page.timer !== null) return rest();
  if (page.at >= run.events.length) go(0);
  $("play").textContent = "❚❚";
  page.timer = setTimeout(tick, 200);
}

function remember() {
  const parts = [`step=${page.at}`];
  if (page.chosen !== null) parts.push(`token=${page.chosen}`);
  try { history.replaceState(null, "", `#${parts.join("&")}`); } catch { /* a page from a file may not have a history */ }
}

function help() {
  const rows = [["← →", "a step back, on"], ["Shift ← →", "ten steps"], ["Home End", "first, last"], ["Space", "play, rest"], ["[ ]", "a token back, on"],
    ["n", "the next unsure token"], ["c", "colours"], ["t", "raw tokens"], ["Esc", "close the panel"]];
  $("help").replaceChildren(...rows.map(([key, what]) => { const p = make("div"); p.append(make("kbd", "", key), what); return p; }));
  $("help").showModal();
}

const KEYS = {
  ArrowLeft: (event) => go(page.at - (event.shiftKey ? 10 : 1)), ArrowRight: (event) => go(page.at + (event.shiftKey ? 10 : 1)),
  Home: () => go(0), End: () => go(run.events.length), " ": play, "[": () => beside(-1), "]": () => beside(1), n: unsure,
  c: () => $("colours").click(), t: () => $("raw").click(), "?": help, Escape: () => choose(null),
};

function listen() {
  document.addEventListener("keydown", (event) => {
    const act = event.ctrlKey || event.metaKey || event.altKey || $("help").open ? null : KEYS[event.key];
    const isButton = event.target instanceof HTMLButtonElement && event.key === " ";
    if (!act || isButton) return;
    event.preventDefault();
    if (event.key !== " ") rest();
    act(event);
    remember();
  });
  $("play").addEventListener("click", play);
  $("slider").addEventListener("input", (event) => { rest(); go(Number(event.target.value)); remember(); });
  $("answer").addEventListener("click", (event) => {
    const at = event.target.dataset ? event.target.dataset.at : undefined;
    choose(at === undefined || Number(at) === page.chosen ? null : Number(at));
  });
  $("bars").addEventListener("click", (event) => {
    const box = $("bars").getBoundingClientRect();
    rest();
    go(1 + Math.floor(((event.clientX - box.left) / box.width) * run.events.length));
    remember();
  });
  $("colours").addEventListener("click", () => { page.colours = (page.colours + 1) % COLOURS.length; $("colours").textContent = `colours: ${COLOURS[page.colours]}`; draw(); });
  $("raw").addEventListener("click", () => { page.raw = !page.raw; $("raw").setAttribute("aria-pressed", String(page.raw)); draw(); });
  $("low").addEventListener("click", unsure);
  $("faster").addEventListener("click", () => { page.speed = (page.speed + 1) % SPEEDS.length; $("faster").textContent = `${SPEEDS[page.speed]}×`; });
  $("save").addEventListener("click", () => {
    const lines = events.map((event) => JSON.stringify(event) + "\n");
    $("save").href = URL.createObjectURL(new Blob(lines, { type: "application/jsonl" }));
  });
  window.addEventListener("hashchange", recall);
}

function recall() {
  const asked = new URLSearchParams(location.hash.slice(1));
  const token = Number(asked.get("token"));
  if (asked.has("token") && token >= 0 && token < page.folded.cells.length) page.chosen = token;
  if (asked.has("step")) go(Number(asked.get("step")) || 0);
}

function show() {
  const most = Math.max(1, ...run.events.map((it) => (it.commits || []).length));
  $("bars").replaceChildren(...run.events.map((event) => {
    const bar = make("i");
    bar.style.height = `${Math.max(4, (100 * (event.commits || []).length) / most)}%`;
    return bar;
  }));
  $("slider").max = String(run.events.length);
  $("controls").hidden = $("choices").hidden = false;
  listen();
  recall();
  draw();
  const isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
  if (!location.hash && !isStill && run.events.length) play();
}

show();
