// What tests of assessments stand on: a toy, a model tuned from it, a knowledge base and rows, in a world of their own.
import { join } from "node:path";
import { z } from "zod";
import { writeToyModel } from "../src/inference/toy.test-kit.ts";
import { joinByHand } from "./trainer-by-hand.ts";
import { startWorld, type World } from "./world.ts";

export const ERRORS = "... on UserError { code text: message hint field value }";
const withRun = z.looseObject({ run: z.object({ id: z.string() }) });
const MAIN = [process.execPath, join(import.meta.dir, "../src/main.ts")];

/** Starts what a mutation starts, with GraphQL text as its input; its run's id. */
export async function begin(world: Filled, name: string, input: string): Promise<string> {
  const typename = `${name[0]?.toUpperCase()}${name.slice(1)}Success`;
  const query = `mutation { ${name}(input: ${input}) { __typename ... on ${typename} { run { id } } ${ERRORS} } }`;
  return withRun.parse(await world.act(query)).run.id;
}

export async function importRows(world: Filled, name: string, rows: readonly object[]): Promise<void> {
  const text = rows.map((row) => `${JSON.stringify(row)}\n`).join("");
  const uploadId = await world.upload(`${name}.jsonl`, new TextEncoder().encode(text));
  await world.succeeded(await begin(world, "importDataset", `{ name: "${name}", uploadId: "${uploadId}" }`));
}

/** What a world has that is filled; a walk through a browser has the same of the server that it walks. */
export type Filled = Pick<World, "folder" | "key" | "fetch" | "act" | "succeeded" | "upload">;

export async function assessWorld(): Promise<World> {
  const world = await startWorld([["trainer"], ["read"]]);
  await fill(world);
  return world;
}

/** Makes base `toy`, customized model `tuned`, knowledge base `handbook` and 12 rows named `rows`. */
export async function fill(world: Filled): Promise<void> {
  const path = join(world.folder, "toy");
  // Roomier than other toys: a question with passages has more letters than those hold.
  await writeToyModel(path, { config: { max_position_embeddings: 4_096 } });
  await world.succeeded(await begin(world, "importModel", `{ name: "toy", path: ${JSON.stringify(path)} }`));
  const pairs = Array.from({ length: 8 }, (_, at) => ({ prompt: `q${at}`, completion: `a${at}` }));
  await importRows(world, "pairs", pairs);
  const trainer = await joinByHand(world);
  await begin(
    world,
    "startTraining",
    '{ name: "tuned", baseId: "toy", datasetVersionId: "pairs", method: "sft", save: false }',
  );
  await trainer.deliver((await trainer.lease()).run);
  await world.act(
    `mutation { createKnowledgeBase(input: { name: "handbook" }) { __typename ... on KnowledgeBaseSuccess { knowledgeBase { id } } ${ERRORS} } }`,
  );
  const uploadId = await world.upload(
    "leave.md",
    new TextEncoder().encode("Everybody has 28 days of leave."),
  );
  await world.succeeded(
    await begin(
      world,
      "addDocuments",
      `{ knowledgeBase: "handbook", files: [{ name: "leave.md", uploadId: "${uploadId}" }] }`,
    ),
  );
  const asked = ["How many days of leave?", "What is the weather?", "Who has leave?"];
  const rows = Array.from({ length: 12 }, (_, at) => ({
    question: `${asked[at % 3]} ${at}`,
    answer: `a${at}`,
  }));
  await importRows(world, "rows", rows);
}

/** Runs the command line against a world. */
export async function cli(
  world: World,
  ...args: string[]
): Promise<{ code: number; json: Record<string, unknown> }> {
  const child = Bun.spawn([...MAIN, ...args, "--json"], {
    env: { ...process.env, ESPALIER_URL: world.server.url, ESPALIER_KEY: world.key("admin") },
    stdout: "pipe",
    stderr: "ignore",
  });
  const text = await new Response(child.stdout).text();
  return { code: await child.exited, json: z.record(z.string(), z.unknown()).parse(JSON.parse(text)) };
}
