// The pure parts of the page: events out of bytes, Markdown, files. Run by `node --test`.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { markdownOf, rows, svgOf } from "../src/app/export.js";
import { inline, markdown } from "../src/app/markdown.js";
import { SseReader } from "../src/app/sse.js";
import { labelOf, percent } from "../src/token.js";
import { begin, figures, fold, progress } from "../src/wire.js";
import { start, steps } from "./recorded.mjs";

test("events are whole however their bytes are cut", () => {
  for (const end of ["\n", "\r\n", "\r"]) {
    const bytes = new TextEncoder().encode([": hello", "data: {\"a\":\"ä€𝄞\"}", "", "event: x", "data:one", "data: two", "", "data: [DONE]", "", ""].join(end) + "x");
    for (let cut = 0; cut <= bytes.length; cut++) {
      for (const second of [cut, Math.min(bytes.length, cut + 1)]) {
        const reader = new SseReader(), parts = [bytes.slice(0, cut), bytes.slice(cut, second), bytes.slice(second)];
        assert.deepEqual(parts.flatMap((it) => reader.push(it)), ["{\"a\":\"ä€𝄞\"}", "one\ntwo", "[DONE]"], `${JSON.stringify(end)} cut at ${cut}`);
      }
    }
  }
});

test("an event without end is not taken", () => {
  const reader = new SseReader(), part = new TextEncoder().encode("x".repeat(1 << 19));
  reader.push(part);
  reader.push(part);
  assert.throws(() => reader.push(part), /too long/);
});

/** A tree in short form. */
const short = (tree) => tree.map((it) => (typeof it === "string" ? it : `<${it.tag}${it.href ? ` ${it.href}` : ""}>${short(it.children)}</>`)).join("");

test("Markdown becomes a tree", () => {
  for (const [text, expected] of [
    ["a\nb\n\nc", "<p>a\nb</><p>c</>"],
    ["# A *b*", "<h3>A <em>b</></>"],
    ["**a** _b_ `c<d>` a_b_c", "<p><strong>a</> <em>b</> <code>c<d></> a_b_c</>"],
    ["- a\n- b\n  - c\n\nd", "<ul><li>a</><li>b<ul><li>c</></></></><p>d</>"],
    ["1. a\n2) b", "<ol><li>a</><li>b</></>"],
    ["```js\n*a*\n<b>\n```\nx", "<pre><code>*a*\n<b></></><p>x</>"],
    ["```\nopen", "<pre><code>open</></>"],
    ["> a\n> b", "<blockquote><p>a\nb</></>"],
    ["| a | b |\n|---|:-:|\n| 1 | *2* |", "<table><thead><tr><th>a</><th>b</></></><tbody><tr><td>1</><td><em>2</></></></></>"],
    ["[x](https://a.b/c)", "<p><a https://a.b/c>x</></>"],
    ["[x](javascript:alert(1))", "<p>[x](javascript:alert(1))</>"],
    ["![a cat](https://a.b/cat.png)", "<p>[a cat]</>"],
    ["<img src=x onerror=alert(1)>", "<p><img src=x onerror=alert(1)></>"],
    ["\\*a\\*", "<p>*a*</>"],
    ["---", "<hr></>"],
    ["2 * 3 * 4", "<p>2 * 3 * 4</>"],
    ["", ""],
  ]) assert.equal(short(markdown(text)), expected, text);
  assert.deepEqual(inline("plain"), ["plain"]);
});

test("Markdown of any text ends, and keeps its words", () => {
  const bits = ["*", "_", "`", "[", "](", ")", "!", "#", ">", "-", "1.", "|", "\n", "\n\n", "  ", "word", "```", "\\"];
  let state = 7;
  const draw = (below) => ((state = (Math.imul(state, 1664525) + 1013904223) >>> 0) >>> 8) % below;
  for (let n = 0; n < 2000; n++) {
    const text = Array.from({ length: draw(24) }, () => bits[draw(bits.length)]).join("");
    const words = (it) => (it.match(/word/g) || []).length;
    // A word may stand behind the fence of a code block, where a language would, or in the address of an image.
    if (!/```|!\[/.test(text)) assert.equal(words(short(markdown(text))), words(text), JSON.stringify(text));
    else markdown(text);
  }
});

test("rows of a picture hold all characters and are never too long", () => {
  const pieces = [{ text: "a".repeat(70) }, { text: " b" }, { text: "\n" }, { text: "äöü".repeat(20) }, { text: " word" }];
  const all = rows(pieces);
  assert.ok(all.every((row) => row.reduce((sum, it) => sum + [...it.text].length, 0) <= 64));
  assert.equal(all.flat().map((it) => it.text).join("").replaceAll(" ", ""), pieces.map((it) => it.text).join("").replace(/[\s]/g, ""));
});

test("a picture holds the canvas of its step, and text of a run stays text", () => {
  const run = { start, events: steps, at: 1 }, colours = new Proxy({}, { get: () => "#000" });
  const svg = svgOf(run, "<script>a</script>", colours);
  assert.match(svg, /^<svg [^]*<\/svg>\n$/);
  assert.match(svg, />It<\/text>/);
  assert.match(svg, /step 1\/4/);
  assert.equal((svg.match(/fill="#000" opacity/g) || []).length, 4, "a box for each mask");
  assert.doesNotMatch(svg, /<script>/);
});

test("of a run whose server told text alone the parts are shown, and the time", () => {
  const counted = fold({ start, events: steps }, 2);
  assert.deepEqual([progress(counted.state), ...figures(counted)], ["step 2/4", "2 forwards", "", "0.02 s", "150.0 tok/s"]);
  const alone = { ...start, backend: { ...start.backend, text_alone: true } }, told = fold({ start: alone, events: steps }, 2);
  assert.deepEqual([progress(told.state), ...figures(told)], ["part 2/4", "0.02 s"]);
  const svg = svgOf({ start: alone, events: steps, at: 2 }, "a", new Proxy({}, { get: () => "#000" }));
  assert.match(svg, /part 2\/4/);
  assert.doesNotMatch(svg, /step|forward/);
});

test("a conversation is a document", () => {
  const run = { id: 1, side: "A", start, text: "It is ä" };
  assert.equal(markdownOf({ turns: [{ asked: "a?", versions: [{ A: 1, B: null }], version: 0 }], runs: new Map([[1, run]]) }), "**You:** a?\n\n**demo:** It is ä\n");
});

test("every colour of text can be read on every ground, light and dark", () => {
  const css = readFileSync(new URL("../src/tokens.css", import.meta.url), "utf8");
  const pairs = Object.fromEntries([...css.matchAll(/--([\w-]+): light-dark\((#\w+), (#\w+)\)/g)].map(([, role, light, dark]) => [role, [light, dark]]));
  const channel = (value) => (value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
  const luminance = (hex) => {
    const whole = hex.length === 4 ? [...hex.slice(1)].map((it) => it + it).join("") : hex.slice(1);
    const [r, g, b] = [0, 2, 4].map((at) => channel(parseInt(whole.slice(at, at + 2), 16) / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (one, two) => {
    const [low, high] = [luminance(one), luminance(two)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };
  const texts = Object.keys(pairs).filter((role) => !["ground", "raised", "sunken", "line", "mask"].includes(role));
  assert.ok(texts.length >= 12);
  for (const look of [0, 1]) for (const text of texts) for (const ground of ["ground", "raised", "sunken"]) {
    const found = contrast(pairs[text][look], pairs[ground][look]);
    assert.ok(found >= 4.5, `${text} on ${ground}, ${look ? "dark" : "light"}: ${found.toFixed(2)}`);
  }
});

test("a cell is said in words", () => {
  const { cells } = fold({ start, events: steps }, 1);
  assert.equal(labelOf(cells[3], 3), "position 3, is, 90 %, step 1");
  assert.equal(labelOf(cells[4], 4), "position 4, masked");
  assert.equal(labelOf(begin(start)[0], 0), "position 0, p, given");
  assert.deepEqual([0, 0.0001, 0.004, 0.5, 0.997, 0.9999, 1].map(percent), ["0.0 %", "< 0.1 %", "0.4 %", "50 %", "99.7 %", "> 99.9 %", "100.0 %"]);
});
