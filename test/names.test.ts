// Names of models: generated at every step, promised to what runs under way will make, and changed without harm.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { z } from "zod";
import { writeToyModel } from "../src/inference/toy.test-kit.ts";
import { joinByHand } from "./trainer-by-hand.ts";
import { startWorld, type World } from "./world.ts";

setDefaultTimeout(60_000);
const errors = "... on UserError { code text: message field }";
const withRun = z.looseObject({ run: z.object({ id: z.string() }) });
let world: World;
let trainer: Awaited<ReturnType<typeof joinByHand>>;

/** Starts what the mutation starts; its run's id. */
const begin = async (name: string, input: string, more = ""): Promise<string> => {
  const typename = `${name[0]?.toUpperCase()}${name.slice(1)}Success`;
  const query = `mutation { ${name}(input: ${input}) { __typename ... on ${typename} { run { id } ${more} } ${errors} } }`;
  return withRun.parse(await world.act(query)).run.id;
};
const train = (name: string, save = false) =>
  begin(
    "startTraining",
    `{ name: "${name}", baseId: "toy", datasetVersionId: "rows", method: "sft", save: ${save} }`,
  );
/** Names of everything that can be picked as a model, by kind. */
async function names(): Promise<Record<string, string[]>> {
  const { models } = await world.graphql("{ models { nodes { kind name } } }");
  const { nodes } = z
    .object({ nodes: z.array(z.object({ kind: z.string(), name: z.string() })) })
    .parse(models);
  const byKind = Object.groupBy(nodes, ({ kind }) => kind);
  return Object.fromEntries(
    Object.entries(byKind).map(([kind, of]) => [kind, (of ?? []).map(({ name }) => name).sort()]),
  );
}
const generated = async (step: string, model: string): Promise<string> =>
  z
    .object({ generatedName: z.string() })
    .parse(
      await world.graphql(
        "query ($model: String!, $step: NamedStep!) { generatedName(model: $model, step: $step) }",
        { model, step },
      ),
    ).generatedName;

beforeAll(async () => {
  world = await startWorld([["trainer"]]);
  await writeToyModel(join(world.folder, "toy"));
  await world.succeeded(
    await begin("importModel", `{ name: "toy", path: ${JSON.stringify(join(world.folder, "toy"))} }`),
  );
  const rows = Array.from({ length: 8 }, (_, i) => JSON.stringify({ prompt: `q${i}`, completion: `a${i}` }));
  const uploadId = await world.upload("rows.jsonl", new TextEncoder().encode(`${rows.join("\n")}\n`));
  await world.succeeded(await begin("importDataset", `{ name: "rows", uploadId: "${uploadId}" }`));
  trainer = await joinByHand(world);
}, 60_000);
afterAll(() => world?.close());

test("left to the server, every step names what it makes after what it was made from", async () => {
  const trained = await generated("TRAIN", "toy");
  expect(trained).toMatch(/^toy_train_\d{8}_1$/);
  await train("");
  await trainer.deliver((await trainer.lease()).run);
  expect((await names())["CUSTOMIZED"]).toEqual([trained]);

  // Two savings under way at once do not want the same name.
  const saves = await Promise.all([1, 2].map(() => begin("saveModel", `{ customizedId: "${trained}" }`)));
  for (const run of saves) await world.succeeded(run);
  expect((await names())["COMPLETE"]).toEqual([`${trained}_s_1`, `${trained}_s_2`]);

  await world.succeeded(
    await begin("deployModel", `{ modelId: "${trained}_s_1", precision: INT8 }`, "live { id }"),
  );
  expect((await names())["LIVE"]).toEqual([`${trained}_s_1_d_1_int8`]);
});

test("a training that saves leaves its name to the adapter when it was generated, else to the whole", async () => {
  const trained = await generated("TRAIN", "toy");
  const saved = async (run: Promise<string>): Promise<void> => {
    const id = await run;
    await trainer.deliver((await trainer.lease()).run);
    const shape = z.object({
      trainings: z.object({
        nodes: z.array(
          z.object({ run: z.object({ id: z.string() }), saving: z.object({ id: z.string() }).nullable() }),
        ),
      }),
    });
    const { trainings } = shape.parse(
      await world.graphql("{ trainings { nodes { run { id } saving { id } } } }"),
    );
    await world.succeeded(trainings.nodes.find(({ run: { id: of } }) => of === id)?.saving?.id ?? "none");
  };
  await saved(train("", true));
  await saved(train("sorter", true));
  const { CUSTOMIZED = [], COMPLETE = [] } = await names();
  expect(CUSTOMIZED).toContain(trained);
  expect(COMPLETE).toContain(`${trained}_s_1`);
  expect(CUSTOMIZED).toContain("sorter_adapter");
  expect(COMPLETE).toContain("sorter");
});

test("a long name gives way to what the step adds, and stays a name", async () => {
  const long = `a${"é".repeat(118)}z`;
  await world.succeeded(
    await begin("importModel", `{ name: "${long}", path: ${JSON.stringify(join(world.folder, "toy"))} }`),
  );
  const name = await generated("DEPLOY", long);
  expect([...name]).toHaveLength(120);
  expect(name).toMatch(/^aé+_d_1_fp32$/);
});

const renameQuery = `mutation ($id: ID!, $name: String!) { rename(id: $id, name: $name) { __typename ... on RenameSuccess { id name } ... on UserError { code text: message field } } }`;
async function rename(id: string, name: string) {
  const { rename: answer } = await world.graphql(renameQuery, { id, name });
  return z
    .looseObject({ __typename: z.string(), id: z.string().optional(), code: z.string().optional() })
    .parse(answer);
}
async function idOf(model: string): Promise<string> {
  const found = await world.graphql("query ($model: String!) { model(name: $model) { id } }", { model });
  return z.object({ model: z.object({ id: z.string() }) }).parse(found).model.id;
}

test("a renamed model is found by its new name alone, and its lineage follows", async () => {
  const { LIVE: [live = ""] = [] } = await names();
  const whole = live.replace(/_d_1_int8$/, "");
  const trained = whole.replace(/_s_1$/, "");
  for (const [old, name] of [
    [trained, "triage"],
    [whole, "triage whole"],
    [live, "triage-live"],
    ["rows", "tickets"],
    ["toy", "base"],
  ] as const)
    expect(await rename(old, name)).toMatchObject({ __typename: "RenameSuccess", name });
  const gone = await world.fetch(`/v1/models/${encodeURIComponent(live)}`);
  expect(gone.status).toBe(404);
  const listed = await world.fetch("/v1/models");
  const { data } = z.object({ data: z.array(z.object({ id: z.string() })) }).parse(await listed.json());
  const ids = data.map(({ id }) => id);
  for (const name of ["triage", "triage whole", "triage-live", "base"]) expect(ids).toContain(name);
  for (const old of [trained, whole, live, "toy"]) expect(ids).not.toContain(old);
  const { liveModels } = await world.graphql("{ liveModels { nodes { name lineage { kind name } } } }");
  expect(liveModels).toMatchObject({
    nodes: [
      {
        name: "triage-live",
        lineage: [
          { kind: "complete", name: "triage whole" },
          { kind: "customized", name: "triage" },
          { kind: "training", name: trained },
          { kind: "dataset", name: "tickets@1" },
          { kind: "base", name: "base" },
        ],
      },
    ],
  });
  expect(await rename("base", "toy")).toMatchObject({ name: "toy" });
  expect(await rename("tickets", "rows")).toMatchObject({ name: "rows" });
});

test("a name is refused that is no name, that another has, or that a run under way will give", async () => {
  const toy = await idOf("toy");
  expect(await rename(toy, "a/b")).toMatchObject({ __typename: "InputError", code: "NAME_INVALID" });
  expect(await rename(toy, "triage")).toMatchObject({ __typename: "RefusedError", code: "NAME_TAKEN" });
  expect(await rename(toy, " toy ")).toMatchObject({ __typename: "RenameSuccess", name: "toy" });
  await train("soon");
  expect(await rename(toy, "soon")).toMatchObject({ code: "NAME_TAKEN", field: "name" });
  await trainer.deliver((await trainer.lease()).run);
  const uploadId = await world.upload(
    "more.jsonl",
    new TextEncoder().encode('{"prompt":"q","completion":"a"}\n'),
  );
  await world.succeeded(await begin("importDataset", `{ name: "more", uploadId: "${uploadId}" }`));
  expect(await rename("more", "rows")).toMatchObject({ code: "NAME_TAKEN" });
  // A dataset whose only import failed is shown nowhere, so its name is free.
  const bad = await world.upload("bad.jsonl", new TextEncoder().encode("[1]\n"));
  const failing = await begin("importDataset", `{ name: "bad", uploadId: "${bad}" }`);
  await expect(world.succeeded(failing)).rejects.toThrow();
  expect(await rename("more", "bad")).toMatchObject({ __typename: "RenameSuccess", name: "bad" });
  // What programs rely on by name is no thing to rename.
  await world.act(
    `mutation { registerModel(input: { liveId: "triage-live", alias: "helper" }) { __typename ${errors} } }`,
  );
  expect(await rename("helper", "aid")).toMatchObject({ code: "NOT_RENAMABLE" });
});

test("a rename while runs use the name is harmless: each ends, and what it makes bears the name of then", async () => {
  await train("before");
  const { run } = await trainer.lease();
  const { trainings } = await world.graphql("{ trainings(first: 1) { nodes { id name } } }");
  const [training] = z
    .object({ nodes: z.array(z.object({ id: z.string(), name: z.string() })) })
    .parse(trainings).nodes;
  expect(training?.name).toBe("before");
  await rename("toy", "moved");
  expect(await rename(training?.id ?? "", "after")).toMatchObject({ name: "after" });
  // The old name is free at once, the new one is promised.
  expect(await rename("moved", "after")).toMatchObject({ code: "NAME_TAKEN" });
  expect(await rename("moved", "before")).toMatchObject({ name: "before" });
  await trainer.deliver(run);
  expect((await names())["CUSTOMIZED"]).toContain("after");

  const saving = await begin("saveModel", `{ customizedId: "after", name: "kept" }`);
  await rename("after", "later");
  await world.succeeded(saving);
  const starting = await begin("deployModel", `{ modelId: "kept", name: "kept-live", precision: FP32 }`);
  await rename("kept-live", "served");
  await rename("kept", "merged");
  await world.succeeded(starting);
  const { liveModels } = await world.graphql(
    "{ liveModels(first: 1) { nodes { name status lineage { name } } } }",
  );
  expect(liveModels).toEqual({
    nodes: [
      {
        name: "served",
        status: "LIVE",
        lineage: ["merged", "later", "after", "rows@1", "before"].map((name) => ({ name })),
      },
    ],
  });
  expect(await rename(training?.id ?? "", "later")).toMatchObject({ name: "later" });
  expect(await rename("before", "toy")).toMatchObject({ name: "toy" });
});
