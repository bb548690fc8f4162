// The peer of decode.ts, run by Node: decodes with node-llama-cpp on each line of stdin and prints tokens a second.
import { createInterface } from "node:readline";
import { getLlama } from "node-llama-cpp";

const [modelPath = "", prompt = "", tokensText = "128", threadsText = "2"] = process.argv.slice(2);
const tokens = Number(tokensText);
const threads = Number(threadsText);
const llama = await getLlama({ gpu: false, build: "never", logLevel: "error", maxThreads: threads });
const model = await llama.loadModel({ modelPath });
const context = await model.createContext({ contextSize: 1024, threads });
const sequence = context.getSequence();
const ids = model.tokenize(`<|im_start|>user\n${prompt}<|im_end|>\n<|im_start|>assistant\n`, true);

async function decode() {
  await sequence.clearHistory();
  let made = 0;
  let first = 0;
  let last = 0;
  for await (const _token of sequence.evaluate(ids, { temperature: 0, yieldEogToken: true })) {
    last = performance.now();
    if (made === 0) first = last;
    made++;
    if (made === tokens) break;
  }
  return ((made - 1) * 1000) / (last - first);
}

console.log("ready");
for await (const _line of createInterface({ input: process.stdin })) console.log(String(await decode()));
