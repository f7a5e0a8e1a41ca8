// The AI SDK by its provider for servers of this kind.
import assert from "node:assert/strict";
import { pathToFileURL } from "node:url";
import { createRequire } from "node:module";

const from = createRequire(process.env.NODE_PATH + "/");
const load = (name) => import(pathToFileURL(from.resolve(name)));
const [{ generateText, streamText }, { createOpenAICompatible }] = await Promise.all([load("ai"), load("@ai-sdk/openai-compatible")]);
const model = createOpenAICompatible({ name: "unmask", baseURL: process.argv[2] })("demo");
const prompt = "What is the capital of France?";

const { text } = await generateText({ model, prompt, maxRetries: 0 });
assert.equal(text, "The capital of France is Paris.");
let streamed = "";
for await (const part of streamText({ model, prompt, maxRetries: 0, providerOptions: { unmask: { unmask: { stream: "steps" } } } }).textStream) streamed += part;
assert.equal(streamed, text);
console.log("ok");
