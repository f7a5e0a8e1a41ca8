// Chromium by its pipe: no driver, no package.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const KEYS = { Enter: 13, Escape: 27, Tab: 9, ArrowLeft: 37, ArrowUp: 38, ArrowRight: 39, ArrowDown: 40, Home: 36, End: 35, " ": 32 };
export const CTRL = 2, SHIFT = 8;

/** @param {string} binary @param {string[]} more flags */
export async function launch(binary, more = []) {
  const profile = mkdtempSync(join(tmpdir(), "unmask-chromium-"));
  const flags = ["--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe", `--user-data-dir=${profile}`, ...more, "about:blank"];
  const child = spawn(binary, flags, { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] });
  let rest = "", next = 1;
  const waiting = new Map(), listeners = [];
  child.stdio[4].setEncoding("utf8");
  child.stdio[4].on("data", (text) => {
    rest += text;
    for (let end; (end = rest.indexOf("\0")) >= 0; rest = rest.slice(end + 1)) {
      const said = JSON.parse(rest.slice(0, end));
      if (!said.id) listeners.forEach((it) => it(said));
      else {
        const { ok, no } = waiting.get(said.id);
        waiting.delete(said.id);
        if (said.error) no(new Error(said.error.message));
        else ok(said.result);
      }
    }
  });
  const send = (method, params = {}, sessionId) => new Promise((ok, no) => {
    const id = next++;
    waiting.set(id, { ok, no });
    child.stdio[3].write(JSON.stringify({ id, method, params, sessionId }) + "\0");
  });
  const isGone = new Promise((ok) => child.on("exit", ok));
  return {
    async close() {
      send("Browser.close").catch(() => {});
      await isGone;
      rmSync(profile, { recursive: true, force: true, maxRetries: 9, retryDelay: 100 });
    },
    page: (url, looks) => open(send, listeners, url, looks),
  };
}

async function open(send, listeners, url, { width = 1280, height = 800, dark = true, reduced = false, forced = false, scale = 1 } = {}) {
  // A profile of its own: nothing that another page keeps.
  const { browserContextId } = await send("Target.createBrowserContext");
  const { targetId } = await send("Target.createTarget", { url: "about:blank", browserContextId });
  const { sessionId } = await send("Target.attachToTarget", { targetId, flatten: true });
  const call = (method, params) => send(method, params, sessionId), faults = [], requests = [];
  const heard = {
    "Runtime.exceptionThrown": ({ exceptionDetails: it }) => faults.push(it.exception ? it.exception.description : it.text),
    "Runtime.consoleAPICalled": ({ type, args }) => ["error", "warning"].includes(type) && faults.push(args.map((it) => it.value ?? it.description).join(" ")),
    "Log.entryAdded": ({ entry }) => ["error", "warning"].includes(entry.level) && faults.push(`${entry.text} ${entry.url || ""}`),
    "Runtime.bindingCalled": ({ name, payload }) => name === "violated" && faults.push(`policy: ${payload}`),
    "Network.requestWillBeSent": ({ request }) => requests.push(request.url),
  };
  listeners.push((it) => it.sessionId === sessionId && heard[it.method] && heard[it.method](it.params));
  for (const domain of ["Page", "Runtime", "Log", "Network", "DOM", "Accessibility"]) await call(`${domain}.enable`);
  // What the page's policy forbids and is tried is a fault.
  await call("Runtime.addBinding", { name: "violated" });
  await call("Page.addScriptToEvaluateOnNewDocument", { source: "addEventListener('securitypolicyviolation', (it) => violated(`${it.effectiveDirective} ${it.blockedURI}`));" });
  await call("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor: scale, mobile: false });
  await call("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value: dark ? "dark" : "light" }, { name: "prefers-reduced-motion", value: reduced ? "reduce" : "no-preference" }, { name: "forced-colors", value: forced ? "active" : "none" }] });
  await call("Page.navigate", { url });
  async function evaluate(expression) {
    const said = await call("Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true });
    if (said.exceptionDetails) throw new Error(said.exceptionDetails.exception.description);
    return said.result.value;
  }
  return {
    call, evaluate, faults, requests,
    /** Waits until an expression of the page is true, and returns it. */
    async until(expression, ms = 60_000) {
      for (const end = Date.now() + ms; ;) {
        const value = await evaluate(expression).catch(() => undefined);
        if (value) return value;
        if (Date.now() > end) throw new Error(`never true: ${expression}\n${faults.join("\n")}\n${await evaluate("document.body.innerText")}`);
        await new Promise((ok) => setTimeout(ok, 25));
      }
    },
    /** Presses a key, as the whole of what a hand does. */
    async key(key, modifiers = 0) {
      const text = key === "Enter" ? "\r" : key.length === 1 && !(modifiers & CTRL) ? key : undefined;
      const it = { key, code: key === " " ? "Space" : key, modifiers, windowsVirtualKeyCode: KEYS[key] || key.toUpperCase().charCodeAt(0) };
      await call("Input.dispatchKeyEvent", { type: "keyDown", ...it, text });
      await call("Input.dispatchKeyEvent", { type: "keyUp", ...it });
    },
    type: (text) => call("Input.insertText", { text }),
    async shot(file) {
      writeFileSync(file, Buffer.from((await call("Page.captureScreenshot", { format: "png" })).data, "base64"));
    },
    close: () => send("Target.disposeBrowserContext", { browserContextId }),
  };
}
