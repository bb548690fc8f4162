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
