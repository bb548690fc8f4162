// Two toy models of which one says what is right on 18 of 20 rows, assessed, and the calls of tests about gates.
import { expect } from "bun:test";
import { join } from "node:path";
import { z } from "zod";
import { writeToyModel } from "../src/inference/toy.test-kit.ts";
import type { World } from "./world.ts";

export const ERRORS = "... on UserError { code text: message hint field value }";
const START = `mutation ($input: StartAssessmentInput!) { startAssessment(input: $input) { __typename
  ... on AssessmentSuccess { assessment { id name } run { id } } ${ERRORS} } }`;
export const GATE = `mutation ($name: String!, $rule: GateRuleInput!) { createGate(name: $name, rule: $rule) { __typename
  ... on CreateGateSuccess { gate { id name rule } } ${ERRORS} } }`;
export const DEPLOY = `mutation ($input: DeployModelInput!) { deployModel(input: $input) { __typename
  ... on DeployModelSuccess { live { id name } run { id } } ${ERRORS} } }`;
export const REGISTER = `mutation ($input: RegisterModelInput!) { registerModel(input: $input) { __typename
  ... on RegisterModelSuccess { registered { id alias } } ${ERRORS} } }`;
export const CHECK = `query ($model: String!) { gateCheck(model: $model) { passes results {
  gate { name } state sentence hint figure low high n candidate assessment { name } } } }`;
export const started = z.looseObject({
  assessment: z.object({ id: z.string() }),
  run: z.object({ id: z.string() }),
});
export const deployed = z.looseObject({
  live: z.object({ id: z.string(), name: z.string() }),
  run: z.object({ id: z.string() }),
});
const checked = z.object({
  gateCheck: z.object({
    passes: z.boolean(),
    results: z.array(z.looseObject({ state: z.string(), sentence: z.string(), hint: z.string().nullable() })),
  }),
});

const ROWS = 20;
/** The one model, of which another with the same seed is a copy. */
export const GOOD_SEED = 7;

export function createGateKit(world: () => World) {
  async function assess(name: string, models: readonly string[], change: object = {}): Promise<string> {
    const input = {
      ...{ name, dataset: "rows", question: "{{question}}", reference: "answer", graders: ["exact"] },
      ...{ candidates: models.map((model) => ({ model })), maxTokens: 4, ...change },
    };
    const { assessment, run } = started.parse(await world().act(START, { input }));
    await world().succeeded(run.id);
    return assessment.id;
  }
  async function importRows(name: string, answers: readonly string[]): Promise<void> {
    const text = answers.map((answer, at) => `${JSON.stringify({ question: `q${at}`, answer })}\n`).join("");
    const uploadId = await world().upload("rows.jsonl", new TextEncoder().encode(text));
    const answer = await world().act(
      `mutation { importDataset(input: { name: "${name}", uploadId: "${uploadId}" }) { __typename
        ... on ImportDatasetSuccess { run { id } } ${ERRORS} } }`,
    );
    await world().succeeded(z.looseObject({ run: z.object({ id: z.string() }) }).parse(answer).run.id);
  }
  const gate = (name: string, rule: object) => world().act(GATE, { name, rule });
  const ungate = (name: string) =>
    world().act(`mutation ($g: ID!) { deleteGate(gate: $g) { __typename ${ERRORS} } }`, { g: name });
  const check = async (model: string) => checked.parse(await world().graphql(CHECK, { model })).gateCheck;
  const told = async (query: string, input: object, key?: string) =>
    Object.values(await world().graphql(query, { input }, key))[0];
  /** A live model that is ready; there is no gate, or it passes. */
  async function live(model: string, name: string, more: object = {}): Promise<string> {
    const input = { modelId: model, name, precision: "FP32", ...more };
    const { live, run } = deployed.parse(await world().act(DEPLOY, { input }));
    await world().succeeded(run.id);
    return live.id;
  }
  async function importModel(name: string, seed: number): Promise<void> {
    const path = join(world().folder, name);
    await writeToyModel(path, { seed });
    const imported = await world().act(
      `mutation { importModel(input: { name: "${name}", path: ${JSON.stringify(path)} }) { __typename
        ... on ImportModelSuccess { run { id } } ${ERRORS} } }`,
    );
    await world().succeeded(z.looseObject({ run: z.object({ id: z.string() }) }).parse(imported).run.id);
  }
  /** The models `good` and `poor`, the dataset `rows`, and the assessment `quality` of both. */
  async function prepare(): Promise<void> {
    await importModel("good", GOOD_SEED);
    await importModel("poor", 11);
    // What the one says is right, on all rows but two.
    await importRows(
      "first",
      Array.from({ length: ROWS }, () => "?"),
    );
    await assess("listening", ["good"], { dataset: "first" });
    const heard = z
      .object({
        assessment: z.object({ answers: z.object({ nodes: z.array(z.object({ text: z.string() })) }) }),
      })
      .parse(await world().graphql('{ assessment(name: "listening") { answers { nodes { text } } } }'));
    const words = heard.assessment.answers.nodes.map(({ text }) => text.trim());
    expect(words.filter((word) => word !== "")).toHaveLength(ROWS);
    await importRows(
      "rows",
      words.map((word, at) => (at < 2 ? "no" : word)),
    );
    await assess("quality", ["good", "poor"]);
  }
  return { prepare, importModel, assess, gate, ungate, check, told, live };
}
