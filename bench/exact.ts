// Exact answers on the sample's held-out rows: trains by the command line, asks by /v1, counts, and says how sure that is.
import { z } from "zod";

const root = new URL("..", import.meta.url).pathname;
const Row = z.object({
  split: z.string(),
  messages: z.array(z.object({ role: z.string(), content: z.string() })),
});
const Reply = z.object({ choices: z.array(z.object({ message: z.object({ content: z.string() }) })).min(1) });
const Curves = z.object({
  data: z.object({
    trainings: z.object({
      nodes: z.array(
        z.object({
          name: z.string(),
          metrics: z.array(z.object({ step: z.number(), loss: z.number().nullable() })),
        }),
      ),
    }),
  }),
});

/** More tokens than a right answer has: one that is still going on then is wrong already. */
const ANSWER_TOKENS = 24;

export type Espalier = { command: string[]; url: string; key: string };
export type Learned = {
  /** What was set; the rest are the product's defaults. */
  settings: Record<string, string>;
  steps: number;
  /** Of the first and of the last step. */
  loss: number[];
  /** From the command to the customized model's being there. */
  trainSeconds: number;
  answerSeconds: number;
  rows: number;
  exact: { base: number; customized: number };
  /** 95 % Wilson interval of the customized model's share, the rows taken as independent. */
  interval: [number, number];
};

/** Trains a customized model on the sample and asks it and its base for every held-out row, greedily. */
export async function learnSample(
  at: Espalier,
  input: { base: string; dataset: string; name: string; settings: Record<string, string> },
): Promise<Learned> {
  const { base, dataset, name, settings } = input;
  const started = performance.now();
  const sets = Object.entries(settings).flatMap(([key, value]) => ["--set", `${key}=${value}`]);
  const train = Bun.spawn(
    [
      ...at.command,
      ...["train", "--base", base, "--dataset", dataset, "--method", "sft", "--name", name],
      ...[...sets, "--wait", "--json"],
    ],
    {
      env: { ...process.env, ESPALIER_URL: at.url, ESPALIER_KEY: at.key },
      stdout: "pipe",
      stderr: "inherit",
    },
  );
  const said = await new Response(train.stdout).text();
  if ((await train.exited) !== 0) throw new Error(`training failed: ${said}`);
  const trainSeconds = (performance.now() - started) / 1000;
  const { data } = Curves.parse(
    await post(at, "/graphql", { query: "{ trainings { nodes { name metrics { step loss } } } }" }),
  );
  const curve = data.trainings.nodes.find((one) => one.name === name)?.metrics ?? [];

  const rows = await heldOutRows();
  const asked = performance.now();
  const exact = { customized: await exactOf(at, name, rows), base: await exactOf(at, base, rows) };
  return {
    settings,
    steps: curve.at(-1)?.step ?? 0,
    loss: curve.flatMap((point) => point.loss ?? []).filter((_, i, all) => i === 0 || i === all.length - 1),
    trainSeconds,
    answerSeconds: (performance.now() - asked) / 1000,
    rows: rows.length,
    exact,
    interval: wilson(exact.customized, rows.length),
  };
}

async function heldOutRows(): Promise<z.infer<typeof Row>[]> {
  const text = await Bun.file(`${root}samples/support-messages.jsonl`).text();
  return text
    .trim()
    .split("\n")
    .map((line) => Row.parse(JSON.parse(line)))
    .filter((row) => row.split === "test");
}

/** How many rows the model answers exactly, white space at the ends aside. */
async function exactOf(at: Espalier, model: string, rows: z.infer<typeof Row>[]): Promise<number> {
  let right = 0;
  for (const { messages } of rows) {
    const body = { model, messages: messages.slice(0, -1), temperature: 0, max_tokens: ANSWER_TOKENS };
    const reply = Reply.parse(await post(at, "/v1/chat/completions", body));
    if (reply.choices[0]?.message.content.trim() === messages.at(-1)?.content.trim()) right++;
  }
  return right;
}

async function post({ url, key }: Espalier, path: string, body: object): Promise<unknown> {
  const response = await fetch(`${url}${path}`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return response.json();
}

/** Wilson's score interval of a share, at 95 %. */
export function wilson(right: number, of: number): [number, number] {
  const z95 = 1.959964;
  const share = right / of;
  const spread = z95 * Math.sqrt((share * (1 - share)) / of + z95 ** 2 / (4 * of ** 2));
  const middle = share + z95 ** 2 / (2 * of);
  const scale = 1 + z95 ** 2 / of;
  return [(middle - spread) / scale, (middle + spread) / scale];
}
