// Does the sample show learning? Trains on its training rows through a running server, then asks base and customized
// model for the held-out rows and counts exact answers. Prints one JSON document.
//   ESPALIER_URL=… ESPALIER_KEY=… bun bench/learning.ts [SEED] [MAX_STEPS]
import { z } from "zod";

const [seed = "1", steps = "110"] = process.argv.slice(2);
const root = new URL("..", import.meta.url).pathname;
const url = process.env.ESPALIER_URL ?? "http://127.0.0.1:7420";
const command = process.env.ESPALIER_BIN ?? `${root}dist/espalier`;
const base = "SmolLM2-135M-Instruct";
const name = `learning-${seed}-${steps}-${process.pid}`;

const Row = z.object({
  split: z.string(),
  messages: z.array(z.object({ role: z.string(), content: z.string() })),
});
const Reply = z.object({ choices: z.array(z.object({ message: z.object({ content: z.string() }) })).min(1) });

const rows = (await Bun.file(`${root}samples/support-messages.jsonl`).text())
  .trim()
  .split("\n")
  .map((line) => Row.parse(JSON.parse(line)))
  .filter((row) => row.split === "test");

const started = performance.now();
const settings = [
  `max_steps=${steps}`,
  `seed=${seed}`,
  "learning_rate=1e-3",
  "r=8",
  "lora_alpha=16",
  "per_device_train_batch_size=4",
];
const train = Bun.spawn(
  [command, "train", "--base", base, "--dataset", "support-messages", "--method", "sft", "--name", name]
    .concat(settings.flatMap((one) => ["--set", one]))
    .concat("--wait", "--json"),
  { stdout: "pipe", stderr: "inherit" },
);
const said = await new Response(train.stdout).text();
if ((await train.exited) !== 0) throw new Error(`training failed: ${said}`);
const trainSeconds = (performance.now() - started) / 1000;

/** How many held-out rows the model answers exactly, white space at the ends aside. */
async function exact(model: string): Promise<number> {
  let right = 0;
  for (const { messages } of rows) {
    const response = await fetch(`${url}/v1/chat/completions`, {
      method: "POST",
      headers: { authorization: `Bearer ${process.env.ESPALIER_KEY}`, "content-type": "application/json" },
      body: JSON.stringify({ model, messages: messages.slice(0, -1), temperature: 0, max_tokens: 40 }),
    });
    if (!response.ok) throw new Error(`${model}: ${response.status} ${await response.text()}`);
    const answer = Reply.parse(await response.json()).choices[0]?.message.content.trim();
    if (answer === messages.at(-1)?.content.trim()) right++;
  }
  return right;
}

const customized = await exact(name);
const figures = { seed: Number(seed), steps: Number(steps), trainSeconds, rows: rows.length };
console.log(JSON.stringify({ ...figures, exact: { base: await exact(base), customized } }));
