// The peer of decode.ts, run by Node: answers each line of stdin ({prompt, tokens}) with node-llama-cpp's timing.
import { createInterface } from "node:readline";
import { getLlama } from "node-llama-cpp";

const [modelPath = "", contextText = "1024", threadsText = "2"] = process.argv.slice(2);
const threads = Number(threadsText);
const llama = await getLlama({ gpu: false, build: "never", logLevel: "error", maxThreads: threads });
const model = await llama.loadModel({ modelPath });
const context = await model.createContext({ contextSize: Number(contextText), threads });
const sequence = context.getSequence();

async function decode({ prompt, tokens }) {
  const ids = model.tokenize(prompt, true);
  await sequence.clearHistory();
  let made = 0;
  let first = 0;
  let last = 0;
  const started = performance.now();
  for await (const _token of sequence.evaluate(ids, { temperature: 0, yieldEogToken: true })) {
    last = performance.now();
    if (made === 0) first = last;
    made++;
    if (made === tokens) break;
  }
  return {
    promptTokens: ids.length,
    firstTokenMs: first - started,
    decode: ((made - 1) * 1000) / (last - first),
  };
}

console.log("ready");
for await (const line of createInterface({ input: process.stdin }))
  console.log(JSON.stringify(await decode(JSON.parse(line))));
