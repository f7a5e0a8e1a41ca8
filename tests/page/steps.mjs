// What a step of a canvas of a thousand cells costs in the browser: `node tests/page/steps.mjs [CHROMIUM]` prints it. It needs
// no server, since the page opens recorded runs without one.
import { rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { launch } from "./browser.mjs";
import { serve } from "./canned.mjs";

const STEPS = 60, PARTS = { ScriptDuration: "scripts", RecalcStyleDuration: "styles", LayoutDuration: "layout", TaskDuration: "all" };

/** A recorded run of 128 steps over masks, as lines. */
function recorded(length) {
  const start = { event: "start", v: 1, id: "x", model: { key: "k", name: "large" }, backend: { name: "b", version: "1", device: "cpu", precision: "f32" }, params: { length, seed: 1 }, exact: true,
    canvas: { mask: 2, ends: [1], tokens: Array(length).fill(2), answer_start: 0, given: [], padding: 0 }, pieces: {}, messages: [] };
  const step = (n) => ({ event: "step", step: n, steps: 128, call: n - 1, block: 0, blocks: 1, fed: [0, length], length, masked: length - 8 * n, ms: 1, nfe: n, nfe_saved: 0,
    commits: Array.from({ length: 8 }, (_, by) => ({ position: (n * 8 + by * 37) % length, token: 50 + by, text: " word", confidence: 0.9, entropy: 0.1, kind: "new", top: [] })) });
  return [start, ...Array.from({ length: 128 }, (_, n) => step(n + 1))].map((it) => JSON.stringify(it) + "\n").join("");
}

/** Opens such a run and goes through its first steps: the median of what scripts and layout took, and the mean of each part. */
export async function stepsOf(page, length) {
  const file = join(tmpdir(), `unmask-page-large-${process.pid}.jsonl`);
  writeFileSync(file, recorded(length));
  // What reads the page aloud has a tree of its own to keep, which nobody else pays for.
  await page.call("Accessibility.disable");
  // Of processors, so that other work on the machine counts little.
  await page.call("Performance.enable", { timeDomain: "threadTicks" });
  const { root } = await page.call("DOM.getDocument");
  const { nodeId } = await page.call("DOM.querySelector", { nodeId: root.nodeId, selector: "input[type=file]" });
  await page.call("DOM.setFileInputFiles", { nodeId, files: [file] });
  await page.until(`document.querySelectorAll('.cells [data-at]').length === ${length}`);
  rmSync(file);
  await page.evaluate("(() => { const it = document.querySelector('.controls input'); it.value = 0; it.dispatchEvent(new Event('input')); })()");
  await page.until("document.querySelector('.controls input').value === '0' && document.querySelectorAll('.cells .masked').length > 0");
  const parts = async () => Object.fromEntries((await page.call("Performance.getMetrics")).metrics.filter((it) => PARTS[it.name]).map((it) => [PARTS[it.name], 1000 * it.value]));
  const before = await parts();
  const median = await page.evaluate(`new Promise((ok) => {
    const slider = document.querySelector('.controls input'), times = [];
    let at = 1;
    const next = () => {
      let began;
      requestAnimationFrame(() => { began = performance.now(); });
      slider.value = at;
      slider.dispatchEvent(new Event('input'));
      // In the same frame, behind the page's own drawing.
      requestAnimationFrame(() => {
        document.querySelector('.cells').getBoundingClientRect();
        times.push(performance.now() - began);
        at += 1;
        if (at <= ${STEPS}) next();
        else ok(times.sort((a, b) => a - b)[${STEPS / 2}]);
      });
    };
    next();
  })`);
  const after = await parts(), mean = Object.entries(after).map(([name, ms]) => `${name} ${((ms - before[name]) / STEPS).toFixed(1)}`);
  return { median, text: `a step of ${length} cells: ${median.toFixed(1)} ms of scripts and layout, median of ${STEPS}; of processors, a step: ${mean.join(", ")} ms` };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const server = await serve(), browser = await launch(process.argv[2] || "chromium");
  for (let n = 0; n < 3; n++) {
    const page = await browser.page(server.url, {});
    await page.until("document.querySelector('input[type=file]')");
    process.stdout.write(`${(await stepsOf(page, 1024)).text}\n`);
    await page.close();
  }
  await browser.close();
  server.close();
}
