// A world with a model that was trained by hand on rows that an assessment asks about, for tests of what was seen.
import { join } from "node:path";
import { z } from "zod";
import { writeToyModel } from "../src/inference/toy.test-kit.ts";
import { joinByHand } from "./trainer-by-hand.ts";
import type { World } from "./world.ts";

export const ERRORS = "... on UserError { code text: message hint field value }";
export const withRun = z.looseObject({ run: z.object({ id: z.string() }) });
/** What the provider of tests answers. */
export const SAID = "Hello wörld";

/** The last four are for training; the test rows before them are in order: exact, near, in meaning, another answer, new. */
export const ROWS = [
  ["test", "WHERE can I download the invoices of the last year?", SAID],
  ["test", "Somebody has hacked my account and is changing my password right now!", SAID],
  ["test", "How many legs does a spider have?", SAID],
  ["test", "Which of the lamps in the catalogue of this spring has the brightest light of all?", SAID],
  ["test", "Do you sell gift cards for children who like dinosaurs?", "No"],
  ["train", "Where can I download the invoices of the last year?", SAID],
  ["train", "Somebody hacked my account and is changing my password right now!", SAID],
  ["train", "A spider has how many legs altogether?", SAID],
  ["train", "Which of the lamps in the catalogue of this spring has the softest light of all?", "Moon"],
].map(([split, prompt, completion]) => ({ prompt, completion, split }));

async function importRows(world: World, name: string, rows: readonly object[]): Promise<void> {
  const text = rows.map((row) => `${JSON.stringify(row)}\n`).join("");
  const uploadId = await world.upload("rows.jsonl", new TextEncoder().encode(text));
  const answer = await world.act(
    `mutation { importDataset(input: { name: "${name}", uploadId: "${uploadId}" }) { __typename
      ... on ImportDatasetSuccess { run { id } } ${ERRORS} } }`,
  );
  await world.succeeded(withRun.parse(answer).run.id);
}
/** Imports the toy model and the rows, and trains and saves `tuned` on those for training; its world has a trainer's key. */
export async function trainTuned(world: World): Promise<void> {
  const path = join(world.folder, "toy");
  await writeToyModel(path);
  const imported = await world.act(
    `mutation { importModel(input: { name: "toy", path: ${JSON.stringify(path)} }) { __typename
      ... on ImportModelSuccess { run { id } } ${ERRORS} } }`,
  );
  await world.succeeded(withRun.parse(imported).run.id);
  await importRows(world, "rows", ROWS);
  const trainer = await joinByHand(world);
  const training = await world.act(
    `mutation { startTraining(input: { name: "tuned", baseId: "toy", datasetVersionId: "rows", method: "sft",
      parameters: { max_steps: 2 }, save: true }) { __typename ... on StartTrainingSuccess { run { id } } ${ERRORS} } }`,
  );
  await trainer.deliver((await trainer.lease()).run);
  await world.succeeded(withRun.parse(training).run.id);
  for (;;) {
    const { model } = z
      .object({ model: z.looseObject({ usable: z.boolean() }).nullable() })
      .parse(await world.graphql('{ model(name: "tuned") { usable } }'));
    if (model?.usable) break;
    await Bun.sleep(100);
  }
}
