// Starting a training: the name that is made up, by API and by command line, and the forecast that a run corrects.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { z } from "zod";
import { contractVersion, leaseResponse } from "../schema/trainer.ts";
import { writeToyModel } from "../src/inference/toy.test-kit.ts";
import { limits } from "../src/kit/limits.ts";
import { startWorld, type World } from "./world.ts";

const errors = "... on UserError { code text: message }";
const runOf = z.object({ run: z.object({ id: z.string() }) });
const started = z.object({ training: z.object({ name: z.string() }), run: z.object({ id: z.string() }) });
let world: World;

beforeAll(async () => {
  world = await startWorld();
  for (const [name, template] of [
    ["toy", undefined],
    ["plain", null],
  ] as const) {
    const path = join(world.folder, name);
    await writeToyModel(path, template === null ? { template } : {});
    const base = await world.act(
      `mutation ($name: String!, $path: String!) { importModel(input: { name: $name, path: $path }) { __typename ... on ImportModelSuccess { run { id } } ${errors} } }`,
      { name, path },
    );
    await world.succeeded(runOf.parse(base).run.id);
  }
  const pair = (completion: string) => ({ prompt: "a".repeat(20), completion });
  const turns = [
    { role: "user", content: "a" },
    { role: "assistant", content: "b" },
  ];
  for (const [name, row] of [
    ["short", pair("b")],
    ["long", pair("b".repeat(400))],
    ["chats", { messages: turns }],
  ] as const) {
    const line = `${JSON.stringify(row)}\n`;
    const uploadId = await world.upload(`${name}.jsonl`, new TextEncoder().encode(line.repeat(100)));
    const made = await world.act(
      `mutation ($name: String!, $id: ID!) { importDataset(input: { name: $name, uploadId: $id }) { __typename ... on ImportDatasetSuccess { run { id } } ${errors} } }`,
      { name, id: uploadId },
    );
    await world.succeeded(runOf.parse(made).run.id);
  }
}, 60_000);
afterAll(() => world?.close());

const input = (change: object = {}) => ({
  input: { name: "", baseId: "toy", datasetVersionId: "short", method: "sft", ...change },
});

async function start(change: object = {}) {
  return started.parse(
    await world.act(
      `mutation ($input: StartTrainingInput!) { startTraining(input: $input) { __typename ... on StartTrainingSuccess { training { name } run { id } } ${errors} } }`,
      input(change),
    ),
  );
}

async function forecast(change: object = {}) {
  const { trainingForecast } = await world.graphql(
    "query ($input: StartTrainingInput!) { trainingForecast(input: $input) { steps seconds cut { sampled cut lost p95 max } warnings refusals { code } } }",
    input(change),
  );
  return z
    .object({
      steps: z.number(),
      seconds: z.number().nullable(),
      cut: z.record(z.string(), z.number()).nullable(),
      warnings: z.array(z.string()),
      refusals: z.array(z.object({ code: z.string() })),
    })
    .parse(trainingForecast);
}

async function generated(step: string, model: string, precision?: string): Promise<string> {
  const { generatedName } = await world.graphql(
    "query ($model: String!, $step: NamedStep!, $precision: Precision) { generatedName(model: $model, step: $step, precision: $precision) }",
    { model, step, precision },
  );
  return z.string().parse(generatedName);
}

test("an empty name is generated from base and day, and trainings that start at once do not share it", async () => {
  const said = await generated("TRAIN", "toy");
  expect(said).toMatch(/^toy_train_\d{8}_1$/);
  const stem = said.slice(0, -1);
  const names = await Promise.all(Array.from({ length: 3 }, async () => (await start()).training.name));
  expect(names.sort()).toEqual([`${stem}1`, `${stem}2`, `${stem}3`]);
  expect(await generated("TRAIN", "toy")).toBe(`${stem}4`);
  const child = Bun.spawn(
    [process.execPath, join(import.meta.dir, "../src/main.ts")].concat(
      "train --base toy --dataset short --json".split(" "),
    ),
    {
      env: { ...process.env, ESPALIER_URL: world.server.url, ESPALIER_KEY: world.key("admin") },
      stdout: "pipe",
      stderr: "inherit",
    },
  );
  const done = z.object({ name: z.string() }).parse(JSON.parse(await new Response(child.stdout).text()));
  expect([await child.exited, done.name]).toEqual([0, `${stem}4`]);
}, 60_000);

test("a name that a training under way will give is taken, and free again when that is cancelled", async () => {
  const wanted = { name: "mine" };
  const { run } = await start(wanted);
  await expect(start(wanted)).rejects.toThrow("NAME_TAKEN");
  const cancel = "mutation ($id: ID!) { cancelRun(id: $id) { __typename } }";
  await world.graphql(cancel, { id: run.id });
  const again = await start(wanted);
  await world.graphql(cancel, { id: again.run.id });
  expect(again.training.name).toBe("mine");
}, 60_000);

test("deployments generate a name with the precision that they end up with", async () => {
  expect(await generated("DEPLOY", "toy", "INT8")).toBe("toy_d_1_int8");
  // A Hugging Face folder has no precision of its own.
  expect(await generated("DEPLOY", "toy", "NATIVE")).toBe("toy_d_1_fp32");
  const deploy = `mutation { deployModel(input: { modelId: "toy", precision: NATIVE }) { __typename ... on DeployModelSuccess { live { name } run { id } } ${errors} } }`;
  const made = await Promise.all([world.act(deploy), world.act(deploy)]);
  const shape = z.looseObject({ live: z.object({ name: z.string() }), run: z.object({ id: z.string() }) });
  const lives = made.map((one) => shape.parse(one));
  expect(lives.map(({ live }) => live.name).sort()).toEqual(["toy_d_1_fp32", "toy_d_2_fp32"]);
  for (const { run } of lives) await world.succeeded(run.id);
}, 60_000);

test("a forecast says how many rows max_length cuts, and what would do", async () => {
  expect((await forecast()).cut).toEqual({ sampled: 100, cut: 0, lost: 0, p95: 22, max: 22 });
  // A character is a token; the answer begins behind the question's 20, and an end token follows it.
  const narrow = await forecast({ parameters: { max_length: 20 } });
  expect(narrow.cut).toEqual({ sampled: 100, cut: 100, lost: 100, p95: 22, max: 22 });
  expect(narrow.warnings).toContain(
    "100 of 100 rows looked at are cut after 20 tokens, and 100 of 100 keep nothing to learn; the longest has 22. 22 would hold 95 % of the rows whole.",
  );
  // The base model reads no more than 256 tokens, whatever the form says.
  const long = await forecast({ datasetVersionId: "long" });
  expect(long.cut).toEqual({ sampled: 100, cut: 100, lost: 0, p95: 421, max: 421 });
  expect(long.warnings.join()).toContain("cut after 256 tokens; the longest has 421.");
}, 60_000);

test("a row as the model sees it shows where a training cuts it", async () => {
  const { dataset } = await world.graphql(
    '{ dataset(name: "short") { latest { renderedRow(baseId: "toy", index: 0, maxLength: 21) { tokenCount keptTokenCount lossTokenCount tokens { text counts kept } } } } }',
  );
  expect(dataset).toMatchObject({
    latest: { renderedRow: { tokenCount: 22, keptTokenCount: 21, lossTokenCount: 1 } },
  });
  const shape = z.object({
    latest: z.object({ renderedRow: z.object({ tokens: z.array(z.unknown()) }) }),
  });
  expect(shape.parse(dataset).latest.renderedRow.tokens.slice(19)).toEqual([
    { text: "a", counts: false, kept: true },
    { text: "b", counts: true, kept: true },
    { text: "~", counts: false, kept: false },
  ]);
}, 60_000);

test("conversations for a base without a chat template are refused before anything is queued", async () => {
  const runs = async () =>
    z
      .object({ runs: z.object({ totalCount: z.number() }) })
      .parse(await world.graphql("{ runs { totalCount } }"));
  const before = await runs();
  const wish = { baseId: "plain", datasetVersionId: "chats" };
  const refused = start(wish).then(
    () => "started",
    (error: unknown) => String(error),
  );
  expect(await refused).toContain("CHAT_TEMPLATE_MISSING");
  expect(await refused).toContain(
    "plain has no chat template, so it cannot read the conversations of chats.",
  );
  expect((await forecast(wish)).refusals).toEqual([{ code: "CHAT_TEMPLATE_MISSING" }]);
  expect(await runs()).toEqual(before);
  // Pairs need no template, and a base with one takes both.
  expect((await forecast({ baseId: "plain" })).refusals).toEqual([]);
  expect((await forecast({ datasetVersionId: "chats" })).refusals).toEqual([]);
}, 60_000);

test("a forecast knows the steps at once, and the time after a first training", async () => {
  const before = await forecast();
  // 95 of the 100 rows are trained on, four a step.
  expect(before).toMatchObject({ steps: 24, seconds: null, refusals: [] });
  expect(before.warnings.join()).toContain("Few steps (24)");
  expect((await forecast({ parameters: { max_steps: 60 } })).warnings.join()).not.toContain("few");
  expect((await forecast({ parameters: { max_steps: 600 } })).warnings.join()).toContain("learns by heart");
  expect((await forecast({ parameters: { r: 0 } })).refusals).toEqual([{ code: "PARAMETER_INVALID" }]);

  // A training of 20 steps that spent 2 s on each, and 12 s before and after them.
  const say = async (path: string, body: object): Promise<unknown> =>
    (await world.fetch(`/trainer/v1/${path}`, { method: "POST", body: JSON.stringify(body) })).json();
  const hello = await say("hello", {
    contractVersion,
    name: "by hand",
    host: { hostname: "h", os: "linux", arch: "x", python: "3", packages: {}, cpuCount: 1, memoryBytes: 1 },
    devices: [{ kind: "cpu", name: "cpu", memoryBytes: 1 }],
    methods: [],
  });
  const { trainerId } = z.object({ trainerId: z.string() }).parse(hello);
  const { run } = leaseResponse.parse(await say("lease", { trainerId, waitMs: 5_000 }));
  // The standard 512 is more than the toy reads.
  expect(run.spec.parameters.max_length).toBe(256);
  const events = Array.from({ length: 20 }, (_, i) => ({
    ...{ seq: i + 1, at: 1_000_000 + 2_000 * i, type: "metrics" },
    ...{ step: i + 1, totalSteps: 20, epoch: 1, loss: 1 },
  }));
  await say(`runs/${run.id}/events`, { attempt: run.attempt, events });
  const artifacts: unknown[] = [];
  for (const name of ["adapter_config.json", "adapter_model.safetensors"]) {
    const put = await world.fetch(`/trainer/v1/runs/${run.id}/artifacts/${name}`, {
      method: "PUT",
      headers: {
        "x-sha256": new Bun.CryptoHasher("sha256").update("{}").digest("hex"),
        "x-attempt": String(run.attempt),
      },
      body: "{}",
    });
    artifacts.push(await put.json());
  }
  const numbers = { steps: 20, totalSteps: 20, trainRows: 1, validationRows: 0, skippedRows: 0 };
  const result = { ...numbers, trainLoss: 1, evalLoss: null, trainedTokens: 1, trainableParameters: 1 };
  await say(`runs/${run.id}/finish`, {
    attempt: run.attempt,
    status: "succeeded",
    artifacts,
    result: { ...result, durationMs: 52_000, parameters: {} },
  });

  const seconds = async (change: object = {}): Promise<number> => (await forecast(change)).seconds ?? -1;
  expect(await seconds()).toBeCloseTo(12 + 24 * 2, 0);
  expect(await seconds({ parameters: { max_steps: 60 } })).toBeCloseTo(12 + 60 * 2, 0);
  // Twice the rows in a step is twice the work; so are rows of twice the length, up to where they are cut.
  expect(await seconds({ parameters: { per_device_train_batch_size: 8 } })).toBeCloseTo(12 + 12 * 4, 0);
  expect(await seconds({ datasetVersionId: "long" })).toBeGreaterThan(12 + 24 * 2 * 5);
  expect(await seconds({ datasetVersionId: "long", parameters: { max_length: 8 } })).toBeLessThan(
    12 + 24 * 2,
  );
  expect((await forecast({ parameters: { dtype: "bf16" } })).seconds).toBeNull();
}, 60_000);

test("a base that many were trained on names the first of them and counts all", async () => {
  const thing = z.object({
    name: z.string(),
    dependantCount: z.number(),
    dependants: z.array(z.object({ kind: z.string() })),
  });
  const shape = z.object({ baseModels: z.object({ nodes: z.array(thing) }) });
  const ask = async () => {
    const all = await world.graphql("{ baseModels { nodes { name dependantCount dependants { kind } } } }");
    const toy = shape.parse(all).baseModels.nodes.find(({ name }) => name === "toy");
    if (!toy) throw new Error("the toy is gone");
    return toy;
  };
  const before = await ask();
  expect(before.dependants).toHaveLength(before.dependantCount);
  for (let i = 0; i < limits.dependantsShown; i++) await start({ name: `many-${i}` });
  const after = await ask();
  expect(after.dependantCount).toBe(before.dependantCount + limits.dependantsShown);
  expect(after.dependants).toHaveLength(limits.dependantsShown);
}, 60_000);
