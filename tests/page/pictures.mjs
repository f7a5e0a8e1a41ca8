// Takes the pictures of the page for the README, from a server with the demo model:
//   unmask serve & node tests/page/pictures.mjs http://127.0.0.1:8484/ "$(which chromium)" tui/assets
import { join } from "node:path";
import { launch } from "./browser.mjs";

const [url, chromium, folder] = process.argv.slice(2);
const LAST = ".turn:last-child";
// Of so few steps that an order shows, and not from left to right.
const SETTINGS = { length: 32, steps: 24, remasking: "random", seed: 3 };
const browser = await launch(chromium);

/** A question at one of its steps, with a token chosen. */
async function picture(name, looks, question, step, token) {
  const page = await browser.page(url, looks);
  await page.until("document.querySelector('.dot.ready')");
  for (const [key, value] of Object.entries(SETTINGS)) {
    await page.until(`document.querySelector('#set-${key}')`);
    await page.evaluate(`(() => { const it = document.querySelector('#set-${key}'); it.focus(); it.value = '${value}'; it.dispatchEvent(new Event('change')); it.blur(); })()`);
  }
  await page.evaluate("document.querySelector('.line textarea').focus()");
  await page.type(question);
  await page.key("Enter");
  await page.until(`document.querySelector('${LAST} .phase.done')`);
  await page.evaluate(`(() => { const it = document.querySelector('${LAST} .controls input'); it.value = ${step}; it.dispatchEvent(new Event('input')); })()`);
  await page.until(`document.querySelector('${LAST} .step').innerText.startsWith('step ${step}/')`);
  if (token) {
    await page.evaluate(`[...document.querySelectorAll('${LAST} .cells [data-at]')].find((it) => it.textContent.trim() === '${token}').click()`);
    await page.until("document.querySelector('.token-body h2')");
  }
  await page.evaluate("document.activeElement.blur()");
  // The composer's plan and what fades have come to rest.
  await new Promise((ok) => setTimeout(ok, 1500));
  await page.shot(join(folder, `${name}.png`));
  await page.close();
}

// What the next answer will cost is known after one.
await fetch(`${url}v1/chat/completions`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ messages: [{ role: "user", content: "Hello" }] }) });
await picture("page", { width: 1280, height: 700 }, "What is gold?", 12, "the");
await picture("page-phone", { width: 390, height: 760, dark: false }, "What is iron?", 11);
await browser.close();
