// A server with the page's files and answers that a test writes: for what the program is not in when a test wants it.
import { createServer } from "node:http";
import { readFileSync } from "node:fs";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../core/pages/src/", import.meta.url));
const TYPES = { ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".html": "text/html" };

/** @param {Record<string, (answer:import("node:http").ServerResponse)=>void>} [answers] by path; the page's files besides, and 404 for all else */
export async function serve(answers = {}) {
  const server = createServer((request, answer) => {
    request.resume();
    if (answers[request.url]) return answers[request.url](answer);
    try {
      const name = request.url === "/" ? "app/index.html" : request.url.replace(/^\/page\//, ""), bytes = readFileSync(join(ROOT, name));
      answer.writeHead(200, { "content-type": TYPES[extname(name)] }).end(bytes);
    } catch {
      json({ error: { message: "nothing is here", code: "not_found" } }, 404)(answer);
    }
  });
  await new Promise((ok) => server.listen(0, "127.0.0.1", ok));
  return { url: `http://127.0.0.1:${server.address().port}/`, close: () => { server.close(); server.closeAllConnections(); } };
}

export const json = (value, status = 200) => (answer) => answer.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));

/** A stream of chunks, and what becomes of it then. */
export const stream = (events, then = () => {}) => (answer) => {
  answer.writeHead(200, { "content-type": "text/event-stream" });
  for (const unmask of events) answer.write(`data: ${JSON.stringify({ choices: [{ index: 0, delta: {} }], unmask })}\n\n`);
  then(answer);
};

/** A server with one model. */
export const READY = {
  "/v1/models": json({ data: [{ id: "demo", unmask: { name: "demo", family: "llada", context: 64, loaded: true, defaults: {} } }] }),
  "/unmask/v1/state": json({ loaded: { backend: { name: "candle", device: "cpu", precision: "f32" } } }),
  "/unmask/v1/plan": json({ length: 2, steps: 2, forwards: 2, exact: true, fits: true, notes: [] }),
  "/page/settings.json": json([]),
  "/health": json({ status: "ok" }),
};
