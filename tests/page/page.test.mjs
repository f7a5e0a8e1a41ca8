// The page of `unmask serve`, as a hand and an eye have it: Chromium against the program with the demo model.
// `page.rs` starts both servers and runs this; UNMASK_PAGE_SHOTS names a folder for pictures.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { SseReader } from "../../core/pages/src/app/sse.js";
import { labelOf } from "../../core/pages/src/token.js";
import { fold, texts, visibleEnd } from "../../core/pages/src/wire.js";
import { CTRL, SHIFT, launch } from "./browser.mjs";
import { READY, json, serve, stream } from "./canned.mjs";
import { stepsOf } from "./steps.mjs";

const { UNMASK_PAGE: URL_OPEN, UNMASK_PAGE_KEYED: URL_KEYED, UNMASK_PAGE_KEY: KEY, UNMASK_CHROMIUM: CHROMIUM, UNMASK_PAGE_SHOTS: SHOTS } = process.env;
const FRANCE = "What is the capital of France?", LAST = ".turn:last-child";
let browser;

before(async () => { browser = await launch(CHROMIUM); });
after(async () => { await browser.close(); });

const ready = (page) => page.until("document.querySelector('.dot.ready')");
const text = (page, selector) => page.evaluate(`document.querySelector(${JSON.stringify(selector)})?.innerText ?? null`);
const click = (page, selector) => page.evaluate(`document.querySelector(${JSON.stringify(selector)}).click()`);
const shot = async (page, name) => SHOTS && page.shot(join(SHOTS, `${name}.png`));
const phase = (page, wanted) => page.until(`document.querySelector('${LAST} .phase') && [...document.querySelectorAll('${LAST} .phase')].every((it) => it.classList.contains(${JSON.stringify(wanted)}))`);

async function begin(looks) {
  const page = await browser.page(URL_OPEN, looks);
  await ready(page);
  return page;
}

async function ask(page, question, wanted = "done") {
  const turns = await page.evaluate("document.querySelectorAll('.turn').length");
  await page.evaluate("document.querySelector('.line textarea').focus()");
  await page.type(question);
  await page.key("Enter");
  await page.until(`document.querySelectorAll('.turn').length === ${turns + 1}`);
  await phase(page, wanted);
}

/** Nothing went wrong that nobody expected, and nobody else was asked for anything. */
function clean(page, expected = /^$/) {
  assert.deepEqual(page.faults.filter((it) => !expected.test(it)), []);
  const own = new URL(URL_OPEN).origin, keyed = new URL(URL_KEYED).origin;
  assert.deepEqual(page.requests.filter((it) => ![own, keyed].includes(new URL(it).origin) && !it.startsWith("blob:")), []);
}

/** The same turn by the API. */
async function byTheApi(question) {
  const answer = await fetch(`${URL_OPEN}v1/chat/completions`, { method: "POST", headers: { "content-type": "application/json" },
    body: JSON.stringify({ messages: [{ role: "user", content: question }], stream: true, unmask: { stream: "steps", top: 5 } }) });
  const reader = new SseReader(), run = { start: null, events: [] };
  let settled = "";
  for await (const bytes of answer.body) {
    for (const data of reader.push(bytes)) {
      if (data === "[DONE]") return { run, settled };
      const chunk = JSON.parse(data);
      settled += chunk.choices[0].delta.content || "";
      if (chunk.unmask && chunk.unmask.event === "start") run.start = chunk.unmask;
      if (chunk.unmask && chunk.unmask.event === "step") run.events.push(chunk.unmask);
    }
  }
  throw new Error("it has no end");
}

test("a turn with the keyboard alone, and every step of it is what the API tells", async () => {
  const { run, settled } = await byTheApi(FRANCE);
  const page = await begin();
  await shot(page, "hello");
  await page.type(FRANCE);
  await page.key("Enter");
  await phase(page, "done");
  assert.match(settled, /Paris/);
  // Back from the composer to the canvas.
  for (let n = 0; n < 40 && !(await page.evaluate("document.activeElement.classList.contains('cells')")); n++) await page.key("Tab", SHIFT);
  assert.equal(await page.evaluate("document.activeElement.className"), "cells");
  const shown = () => page.evaluate("[...document.querySelectorAll('.cells [data-at]:not(.ended)')].map((it) => it.classList.contains('masked') ? '▒' : it.textContent).join('')");
  for (let step = run.events.length; step >= 0; step--) {
    const now = fold(run, step), end = visibleEnd(now, run.start), all = texts(now.cells);
    const expected = now.cells.map((it, at) => (at < now.state.from || at >= end ? "" : it.mark === "masked" ? "▒" : all[at])).join("");
    await page.until(`document.querySelector('.controls input').value === "${step}"`);
    assert.equal(await shown(), expected, `step ${step}`);
    await page.key("[");
  }
  await page.key("End");
  await page.until(`document.querySelector('.controls input').value === "${run.events.length}"`);
  // A token, said in words.
  await page.key("ArrowRight");
  const now = fold(run, run.events.length), at = now.state.from;
  assert.equal(await page.until("document.getElementById(document.querySelector('.cells').getAttribute('aria-activedescendant'))?.getAttribute('aria-label')"), labelOf(now.cells[at], at));
  assert.match(await text(page, ".token-body"), /confidence .* %/);
  await page.key("ArrowRight", SHIFT);
  await page.until("document.querySelectorAll('.cells .chosen').length === 2");
  await page.until("document.querySelector('.token-body').innerText.includes('2 tokens')");
  await page.evaluate("[...document.querySelectorAll('.inspector .acts button')].find((it) => it.textContent === 'likelihood').click()");
  await page.until("document.querySelector('.measured')?.innerText.includes(' nat')");
  await page.evaluate("document.querySelector('.cells').focus()");
  // Pinned, then masked and refilled.
  await page.key("p");
  await page.until("document.querySelector('#pins').value.startsWith('0:')");
  await page.key("m");
  await page.until("document.querySelectorAll('.cells .hole').length === 2");
  await shot(page, "token");
  await click(page, ".holes .primary");
  await page.until("document.querySelector('.version').textContent === '2/2'");
  await phase(page, "done");
  assert.match(await text(page, `${LAST} .cells`), /Paris/);
  await page.key("?");
  clean(page);
  await page.close();
});

test("it can be paused, scrubbed while it runs, and stopped", async () => {
  const page = await begin();
  await page.evaluate("(() => { const it = document.querySelector('#set-length'); it.focus(); it.value = '192'; it.dispatchEvent(new Event('change')); it.blur(); })()");
  await page.until("document.querySelector('.plan').innerText.includes('forwards')");
  await page.evaluate("document.querySelector('.line textarea').focus()");
  await page.type("Tell me about Japan.");
  await page.key("Enter");
  await page.until(`document.querySelector('${LAST} .bars, ${LAST} .plot') && Number(document.querySelector('${LAST} .controls input').max) >= 3`);
  await page.key(".", CTRL);
  await phase(page, "paused");
  await page.evaluate(`(() => { const it = document.querySelector('${LAST} .controls input'); it.value = 1; it.dispatchEvent(new Event('input')); })()`);
  await page.until(`document.querySelector('${LAST} .step').innerText.startsWith('step 1/')`);
  await shot(page, "paused");
  await page.key(".", CTRL);
  await phase(page, "running");
  assert.match(await text(page, `${LAST} .step`), /^step 1\//, "it stays where it was put");
  await page.key("Escape");
  await phase(page, "stopped");
  clean(page);
  await page.close();
});

test("what cannot be answered is said, with what to do", async () => {
  const page = await begin();
  await page.evaluate("(() => { const it = document.querySelector('#set-length'); it.focus(); it.value = '4000'; it.dispatchEvent(new Event('change')); it.blur(); })()");
  await ask(page, "a", "failed");
  assert.match(await text(page, `${LAST} .failure`), /\d/);
  await shot(page, "failed");
  clean(page, /status of 400/);
  await page.close();
});

test("a server with keys asks for one, and takes it from the address or from the field", async () => {
  const bare = await browser.page(URL_KEYED);
  await bare.until("document.querySelector('.key input')");
  await shot(bare, "key");
  await bare.evaluate(`(() => { const it = document.querySelector('.key input'); it.value = ${JSON.stringify(KEY)}; it.form.requestSubmit(); })()`);
  await ready(bare);
  clean(bare, /status of 401/);
  const given = await browser.page(`${URL_KEYED}#key=${KEY}`);
  await ready(given);
  assert.equal(await given.evaluate("location.hash"), "", "it does not stay in the address");
  await ask(given, FRANCE);
  assert.match(await text(given, `${LAST} .cells`), /Paris/);
  clean(given);
  assert.equal(await given.evaluate("JSON.stringify(localStorage)").then((it) => it.includes(KEY)), false);
  await bare.close();
  await given.close();
});

test("whatever becomes of a server or a turn is said, with what to do", async () => {
  const start = { event: "start", v: 1, id: "t", turn: "t-1", model: { key: "demo", name: "demo" }, backend: { name: "candle", version: "1", device: "cpu", precision: "f32" }, params: { length: 2, seed: 1 }, exact: true,
    canvas: { mask: 2, ends: [1], tokens: [40, 2, 2], answer_start: 1, given: [[0, 1]], padding: 0 }, pieces: {}, messages: [] };
  const step = { event: "step", step: 1, steps: 2, call: 0, block: 0, blocks: 1, fed: [0, 3], length: 3, masked: 1, ms: 1, nfe: 1, nfe_saved: 0,
    commits: [{ position: 1, token: 50, text: "Half", confidence: 0.5, entropy: 0.1, kind: "new", top: [] }] };
  const refused = (status, code, message) => json({ error: { message, code } }, status), all = (answer) => Object.fromEntries(["/v1/models", "/unmask/v1/state"].map((it) => [it, answer]));
  const chat = (answer) => ({ "/v1/chat/completions": answer });
  // What the server answers, where the page tells of it, and its words.
  for (const [name, answers, where, words] of [
    ["loading", all(refused(503, "loading", "no model is loaded yet; ask again")), ".link-state", /being loaded[^]*ask again[^]*try again/],
    ["gone", { "/v1/models": json({ data: [] }) }, ".link-state", /no model[^]*try again/],
    ["nobody", all((answer) => answer.destroy()), ".link-state", /cannot be reached[^]*unmask serve[^]*try again/],
    ["queued", chat(stream([{ event: "queued", ahead: 2, seconds: 75 }])), ".status", /2 ahead · about 1:15/],
    ["a load", chat(stream([{ event: "loading", model: "demo", stage: "reading weights", done: 1, total: 4 }])), ".status", /reading weights · 25 %/],
    ["context", chat(refused(400, "context_length_exceeded", "the prompt has 80 tokens, 64 fit")), ".failure", /does not fit[^]*80 tokens/],
    ["full", chat((answer) => answer.writeHead(429, { "content-type": "application/json", "retry-after": "7" }).end('{"error":{"message":"16 requests wait","code":"queue_full"}}')), ".status", /16 requests wait; try again in 7 s[^]*try again/],
    ["cut", { ...chat(stream([start, step], (answer) => answer.end())), "/health": (answer) => answer.destroy() }, ".run", /Half[^]*try again|try again[^]*Half/],
    ["error", chat(stream([start, step], (answer) => answer.end('data: {"error":{"message":"out of memory","code":"out_of_memory"}}\n\n'))), ".status", /out of memory[^]*try again/],
  ]) {
    const server = await serve({ ...READY, ...answers }), page = await browser.page(server.url), isAsked = where !== ".link-state";
    if (isAsked) {
      await ready(page);
      await page.type("a?");
      await page.key("Enter");
    }
    const said = await page.until(`(() => { const it = [...document.querySelectorAll(${JSON.stringify(where)})].find((it) => !it.hidden); return it && ${words}.test(it.innerText) && it.innerText; })()`);
    assert.match(said, words, name);
    await shot(page, `state ${name}`);
    assert.deepEqual(page.faults.filter((it) => !/Failed to load resource|net::ERR/.test(it)), [], name);
    await page.close();
    server.close();
  }
});

test("no text becomes more than text", async () => {
  const page = await begin(), evil = "<img src=x onerror=\"document.title='broken'\"><script>document.title='broken'</script>";
  await ask(page, evil);
  const start = { event: "start", v: 1, id: "x", model: { key: "k", name: evil }, backend: { name: "b", version: "1", device: "cpu", precision: "f32" }, params: { length: 1, seed: 1 }, exact: true,
    canvas: { mask: 2, ends: [1], tokens: [40, 2], answer_start: 1, given: [[0, 1]], padding: 0 }, pieces: { 40: { text: "p" } }, messages: [{ role: "user", content: `${evil} **b**` }] };
  const step = { event: "step", step: 1, steps: 1, call: 0, block: 0, blocks: 1, fed: [0, 2], length: 2, masked: 0, ms: 1, nfe: 1, nfe_saved: 0,
    commits: [{ position: 1, token: 50, text: evil, confidence: 0.5, entropy: 0.1, kind: "new", top: [[50, 0.5, evil]] }] };
  const file = join(tmpdir(), `unmask-page-${process.pid}.jsonl`);
  writeFileSync(file, [start, step, { event: "done", reason: "complete", text: evil, stats: {} }].map((it) => JSON.stringify(it) + "\n").join(""));
  const { root } = await page.call("DOM.getDocument");
  const { nodeId } = await page.call("DOM.querySelector", { nodeId: root.nodeId, selector: "input[type=file]" });
  await page.call("DOM.setFileInputFiles", { nodeId, files: [file] });
  await page.until(`document.querySelector('${LAST} .phase').innerText === 'imported'`);
  assert.equal(await text(page, `${LAST} .cells`), evil);
  await click(page, `${LAST} .cells [data-at]`);
  await page.until("document.querySelector('.token-body h2').innerText.includes('onerror')");
  await click(page, `${LAST} .toggle button:last-child`);
  await page.until(`document.querySelector('${LAST} .markdown').innerText.includes('onerror')`);
  assert.equal(await page.evaluate("document.title"), "unmask");
  assert.equal(await page.evaluate("document.querySelectorAll('img, main script').length"), 0);
  clean(page);
  // What would go elsewhere does not, and is heard of: the tests above would have failed.
  for (const [tried, directive] of Object.entries({ "new Image().src = 'http://127.0.0.1:9/x'": "img-src", "fetch('http://127.0.0.1:9/').catch(() => 0)": "connect-src", "void document.body.insertAdjacentHTML('beforeend', 'x')": "require-trusted-types-for" })) {
    await page.evaluate(tried).catch(() => {});
    for (let n = 0; n < 200 && !page.faults.some((it) => it.startsWith(`policy: ${directive}`)); n++) await new Promise((ok) => setTimeout(ok, 25));
    assert.ok(page.faults.some((it) => it.startsWith(`policy: ${directive}`)), `${directive}: ${page.faults}`);
  }
  await page.close();
});

test("two sides answer one question", async () => {
  const page = await begin();
  await page.evaluate("[...document.querySelectorAll('.settings button')].find((it) => it.textContent.includes('A | B')).click()");
  await page.evaluate("(() => { const it = document.querySelector('#set-steps'); it.focus(); it.value = '4'; it.dispatchEvent(new Event('change')); it.blur(); })()");
  await ask(page, FRANCE);
  assert.equal(await page.evaluate(`document.querySelectorAll('${LAST} .run').length`), 2);
  assert.match(await text(page, `${LAST} .figures`), /agree \d+ %/);
  await shot(page, "compare");
  await page.evaluate("(() => { const it = document.querySelector('#look-palette'); it.value = 'original'; it.dispatchEvent(new Event('change')); })()");
  await page.until("document.documentElement.dataset.palette === 'original'");
  await shot(page, "original");
  clean(page);
  await page.close();
});

for (const [name, looks] of Object.entries({ "1280 dark": {}, "1280 light": { dark: false }, "390 dark": { width: 390, height: 844 }, "390 light": { width: 390, height: 844, dark: false },
  "320 dark": { width: 320, height: 640 }, "320 reduced": { width: 320, height: 640, dark: false, reduced: true } })) {
  test(`at ${name} nothing goes sideways and everything can be hit`, async () => {
    const page = await begin(looks);
    await ask(page, FRANCE);
    await click(page, `${LAST} .cells [data-at]:nth-child(3)`);
    const isWide = () => page.evaluate("[document.documentElement, document.querySelector('.transcript'), document.querySelector('aside')].some((it) => it.scrollWidth > it.clientWidth + 1)");
    assert.equal(await isWide(), false);
    await shot(page, `${name} token`);
    if ((looks.width || 1280) < 1024) {
      await click(page, ".head .only-narrow");
      await page.until("getComputedStyle(document.querySelector('.settings')).display !== 'none' && document.querySelector('aside').offsetHeight > 0");
      assert.equal(await isWide(), false);
      await shot(page, `${name} settings`);
      const small = "[...document.querySelectorAll('button, select, input[type=range]')].filter((it) => it.offsetParent && !it.classList.contains('default')).map((it) => [it.getAttribute('aria-label') || it.innerText, Math.round(it.getBoundingClientRect().height)]).filter(([, high]) => high < 43)";
      assert.deepEqual(await page.evaluate(small), [], "targets are 44 px");
    }
    clean(page);
    await page.close();
  });
}

test("with forced colours every mark is still one", async () => {
  const page = await begin({ forced: true });
  await ask(page, FRANCE);
  await page.evaluate(`(() => { const it = document.querySelector('${LAST} .controls input'); it.value = 3; it.dispatchEvent(new Event('input')); })()`);
  await page.until(`document.querySelector('${LAST} .step').innerText.startsWith('step 3/')`);
  await click(page, `${LAST} .cells [data-at]:nth-child(5)`);
  await page.until("document.querySelector('.cells .chosen')");
  const has = (selector, side) => page.evaluate(`getComputedStyle(document.querySelector(${JSON.stringify(selector)})).${side}Style`);
  assert.equal(await has(".cells .masked", "borderTop"), "solid");
  assert.equal(await has(".cells .fresh", "outline"), "solid");
  assert.equal(await has(".cells .chosen", "outline"), "solid");
  assert.equal(await has(".send", "borderTop"), "solid");
  assert.notEqual(await page.evaluate(`getComputedStyle(document.querySelector('${LAST} .toggle [aria-pressed=true]')).backgroundColor`), await page.evaluate(`getComputedStyle(document.querySelector('${LAST} .toggle [aria-pressed=false]')).backgroundColor`));
  await shot(page, "forced colours");
  clean(page);
  await page.close();
});

test("with text of twice the size nothing is cut off or goes sideways", async () => {
  const large = await launch(CHROMIUM, ["--blink-settings=defaultFontSize=32"]);
  for (const [width, height] of [[1280, 900], [640, 900]]) {
    const page = await large.page(URL_OPEN, { width, height });
    await ready(page);
    assert.equal(await page.evaluate("getComputedStyle(document.documentElement).fontSize"), "32px");
    await shot(page, `twice ${width} hello`);
    await ask(page, FRANCE);
    await click(page, `${LAST} .cells [data-at]:nth-child(3)`);
    await shot(page, `twice ${width} token`);
    const fits = () => page.evaluate(`[...document.querySelectorAll('html, main, aside, button, select, h2, .step, .figures')].filter((it) => it.checkVisibility() && it.scrollWidth > it.clientWidth + 1 && getComputedStyle(it).display !== 'inline').map((it) => it.outerHTML.slice(0, 80))`);
    assert.deepEqual(await fits(), []);
    await page.key("Escape");
    await click(page, ".head .only-narrow");
    await page.until("document.querySelector('.settings').checkVisibility()");
    assert.deepEqual(await fits(), []);
    await shot(page, `twice ${width} settings`);
    clean(page);
    await page.close();
  }
  await large.close();
});

test("what is on the page has names", async () => {
  const page = await begin();
  await ask(page, FRANCE);
  const { nodes } = await page.call("Accessibility.getFullAXTree");
  const of = (role) => nodes.filter((it) => !it.ignored && it.role && it.role.value === role).map((it) => (it.name ? it.name.value : ""));
  for (const role of ["button", "textbox", "slider", "combobox", "checkbox", "switch", "listbox", "option", "main"]) {
    if (role !== "main") assert.deepEqual(of(role).filter((name) => !name.trim()), [], `each ${role} has a name`);
  }
  assert.ok(of("option").some((it) => /^position \d+, \w+, .*%, step \d+$/.test(it)), JSON.stringify(of("option").slice(0, 5)));
  assert.deepEqual(of("main").length, 1);
  clean(page);
  await page.close();
});

test("a thousand cells take a step", async (context) => {
  const page = await begin();
  context.diagnostic((await stepsOf(page, 1024)).text);
  assert.equal(await page.evaluate("document.querySelector('.controls input').value"), "60");
  assert.equal(await page.evaluate("document.querySelectorAll('.cells .masked').length"), 1024 - 60 * 8);
  assert.equal(await page.evaluate("document.querySelectorAll('.cells .fresh').length"), 8);
  clean(page);
  await page.close();
});
