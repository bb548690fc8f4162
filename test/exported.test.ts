// What is exported belongs to the user: `transformers` loads a saved model's folder and PEFT a customized one's, with the
// same logits, the same ids and the same template, from a folder and from shards.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { contractVersion, leaseResponse } from "../schema/trainer.ts";
import { sha256 } from "../src/kit/hash.ts";
import { python, runPython } from "./python.ts";
import { startWorld, type World } from "./world.ts";

const hasPython = existsSync(python);
const bases = ["llama3", "qwen2", "qwen3"];

const runOf = z.object({ run: z.object({ id: z.string() }) });
const errors = "... on UserError { code text: message }";
const checked = z.array(
  z.object({
    difference: z.number(),
    adapterChanges: z.number(),
    sameGreedy: z.boolean(),
    missing: z.array(z.string()),
    sameIds: z.boolean(),
    roundTrip: z.boolean(),
    sameChat: z.boolean(),
    endsReplies: z.boolean(),
    dtype: z.string(),
  }),
);

let world: World;
let outcome: z.infer<typeof checked> = [];

const say = (path: string, body: object) =>
  world.fetch(`/trainer/v1/${path}`, { method: "POST", body: JSON.stringify(body) });

/** Trains in name only: what PEFT made is delivered as a trainer delivers. */
async function deliver(trainerId: string, base: string, adapter: string): Promise<void> {
  await world.act(
    `mutation ($input: StartTrainingInput!) { startTraining(input: $input) { __typename ... on StartTrainingSuccess { run { id } } ${errors} } }`,
    { input: { name: `${base}-adapted`, baseId: base, datasetVersionId: "rows", method: "sft" } },
  );
  const { run } = leaseResponse.parse(await (await say("lease", { trainerId, waitMs: 10_000 })).json());
  const artifacts: unknown[] = [];
  for (const name of ["adapter_config.json", "adapter_model.safetensors"]) {
    const bytes = new Uint8Array(await readFile(join(adapter, name)));
    const headers = { "x-sha256": sha256(bytes), "x-attempt": String(run.attempt) };
    const put = await world.fetch(`/trainer/v1/runs/${run.id}/artifacts/${name}`, {
      method: "PUT",
      headers,
      body: bytes,
    });
    artifacts.push(await put.json());
  }
  const counts = { steps: 1, totalSteps: 1, trainRows: 1, validationRows: 0, skippedRows: 0 };
  const result = { ...counts, trainLoss: 1, evalLoss: null, trainedTokens: 1, trainableParameters: 1 };
  const finish = await say(`runs/${run.id}/finish`, {
    attempt: run.attempt,
    status: "succeeded",
    artifacts,
    result: { ...result, durationMs: 1, parameters: {} },
  });
  if (!finish.ok) throw new Error(await finish.text());
}

/** Downloads a model's files one by one. */
async function download(name: string): Promise<string> {
  const folder = join(world.folder, "exported", name);
  await mkdir(folder, { recursive: true });
  const list = z.object({ files: z.array(z.object({ path: z.string() })) });
  const { files } = list.parse(await (await world.fetch(`/files/${name}/`)).json());
  for (const { path } of files)
    await Bun.write(join(folder, path), await world.fetch(`/files/${name}/${encodeURIComponent(path)}`));
  return folder;
}

beforeAll(async () => {
  if (!hasPython) return;
  world = await startWorld();
  const toys = join(world.folder, "toys");
  await runPython("mask.py", ["make", toys]);
  const pathOf = (base: string): string => join(toys, base);
  await runPython("exported.py", [
    ...["adapters", world.folder],
    ...bases.map((base) => `${base}=${pathOf(base)}`),
  ]);
  const uploadId = await world.upload(
    "rows.jsonl",
    new TextEncoder().encode('{"prompt":"a","completion":"b"}\n'),
  );
  const rows = await world.act(
    `mutation ($id: ID!) { importDataset(input: { name: "rows", uploadId: $id }) { __typename ... on ImportDatasetSuccess { run { id } } ${errors} } }`,
    { id: uploadId },
  );
  await world.succeeded(runOf.parse(rows).run.id);
  const hello = await say("hello", {
    contractVersion,
    name: "by hand",
    host: { hostname: "h", os: "linux", arch: "x", python: "3", packages: {}, cpuCount: 1, memoryBytes: 1 },
    devices: [{ kind: "cpu", name: "cpu", memoryBytes: 1 }],
    methods: [],
  });
  const { trainerId } = z.object({ trainerId: z.string() }).parse(await hello.json());
  const jobs: object[] = [];
  for (const base of bases) {
    const imported = await world.act(
      `mutation ($name: String!, $path: String!) { importModel(input: { name: $name, path: $path }) { __typename ... on ImportModelSuccess { run { id } } ${errors} } }`,
      { name: base, path: pathOf(base) },
    );
    await world.succeeded(runOf.parse(imported).run.id);
    await deliver(trainerId, base, join(world.folder, `${base}-adapter`));
    const saved = await world.act(
      `mutation ($id: ID!, $name: String!) { saveModel(input: { customizedId: $id, name: $name }) { __typename ... on SaveModelSuccess { run { id } } ${errors} } }`,
      { id: `${base}-adapted`, name: `${base}-whole` },
    );
    await world.succeeded(runOf.parse(saved).run.id);
    jobs.push({
      base: pathOf(base),
      customized: await download(`${base}-adapted`),
      complete: await download(`${base}-whole`),
    });
  }
  outcome = checked.parse(JSON.parse(await runPython("exported.py", ["check"], jobs)));
}, 400_000);

afterAll(() => world?.close());

describe.skipIf(!hasPython)("exported folders, read by transformers and PEFT", () => {
  test("one of the bases lies in shards", async () => {
    const files = await readdir(join(world.folder, "toys", "qwen2"));
    expect(files.filter((name) => name.endsWith(".safetensors")).length).toBeGreaterThan(1);
  });
  for (const [at, base] of bases.entries())
    test(base, () => {
      const { difference, adapterChanges, ...rest } = outcome[at] ?? { difference: 1, adapterChanges: 0 };
      console.log(`${base}: merged against base + adapter ${difference.toExponential(2)}`);
      expect(adapterChanges).toBeGreaterThan(1e-2);
      expect(difference).toBeLessThanOrEqual(1e-3);
      expect(rest).toEqual({
        sameGreedy: true,
        missing: [],
        sameIds: true,
        roundTrip: true,
        sameChat: true,
        endsReplies: true,
        dtype: "torch.float32",
      });
    });
});
