// openai for Node: answers, streams, steps beside them, errors.
import assert from "node:assert/strict";
import { createRequire } from "node:module";

const OpenAI = createRequire(process.env.NODE_PATH + "/")("openai").default;
const client = new OpenAI({ baseURL: process.argv[2], apiKey: "none", maxRetries: 0 });
const messages = [{ role: "user", content: "What is the capital of France?" }];

const text = (await client.chat.completions.create({ model: "demo", messages })).choices[0].message.content;
assert.equal(text, "The capital of France is Paris.");
let streamed = "", steps = 0;
for await (const chunk of await client.chat.completions.create({ model: "demo", messages, stream: true, unmask: { stream: "steps" } })) {
  streamed += chunk.choices[0]?.delta?.content ?? "";
  if (chunk.unmask?.event === "step") steps += 1;
}
assert.equal(streamed, text);
assert.equal(steps, 32);
assert.equal(await client.chat.completions.stream({ model: "demo", messages }).finalContent(), text);
await assert.rejects(client.chat.completions.create({ model: "demo", messages, n: 9 }), (error) => error.status === 400 && error.param === "n");
console.log("ok");
