// What an assessment would ask and take, before it is asked; and questions with pictures.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { z } from "zod";
import { ERRORS, START, started } from "./assessment-kit.ts";
import { createProviderKit } from "./provider-kit.ts";
import { startWorld, type World } from "./world.ts";

setDefaultTimeout(60_000);
let world: World;
const kit = createProviderKit(() => world);
const ROWS = 6;
let bad: string;

async function assess(name: string, input: object): Promise<void> {
  const { run } = started.parse(await world.act(START, { input: { name, ...input } }));
  await world.succeeded(run.id);
}

beforeAll(async () => {
  world = await startWorld([["read"]]);
  await world.importRows(
    "rows",
    Array.from({ length: ROWS }, (_, at) => ({ question: `q${at}`, answer: "right" })),
  );
  bad = `${(await kit.provide("openai", "well", { say: () => "wrong" })).name}/some-model`;
  // It has answered before, so its speed is known.
  await assess("before", {
    ...{ dataset: "rows", question: "{{question}}", graders: ["regex:x"] },
    candidates: [{ model: bad }],
  });
});
afterAll(async () => {
  await world?.close();
  await kit.close();
});

const PREVIEW = `query ($input: StartAssessmentInput!, $rows: [Int!]) { assessmentPreview(input: $input, rows: $rows) {
  __typename ... on AssessmentPreviewSuccess { rowCount
    rows { row reference problem candidates { name sent { role content pictures } } judges { name sent { content } } }
    forecast { costUsd seconds parts { name calls inputTokens outputTokens isMost costUsd latencyMs } } } ${ERRORS} } }`;

test("a preview shows rows as they would be asked and what that takes, and asks nobody", async () => {
  const { name: judging, server } = await kit.provide("openai", "well", { say: () => '{"verdict": "tie"}' });
  const judge = `${judging}/some-model`;
  const { name, server: asked } = await kit.provide("openai", "well", {
    models: [{ model: "priced", prices: { input: 1, output: 2 } }],
    say: () => "right",
  });
  const input = {
    dataset: "rows",
    question: "Say {{question}}.",
    reference: "answer",
    graders: ["exact"],
    candidates: [{ model: `${name}/priced` }, { model: bad, systemPrompt: "Be short." }],
    judges: [{ model: judge }],
    maxTokens: 50,
  };
  const preview = await world.graphql(PREVIEW, { input, rows: [4, 0] });
  expect(preview).toMatchObject({
    assessmentPreview: {
      rowCount: ROWS,
      rows: [
        { row: 4, reference: "right", problem: null, candidates: [{ sent: [{ content: "Say q4." }] }, {}] },
        { row: 0 },
      ],
      forecast: {
        seconds: null,
        parts: [
          { calls: ROWS, outputTokens: 50 * ROWS, isMost: true, latencyMs: null },
          { name: bad, isMost: false },
          { name: `judge:${judge}`, calls: 2 * ROWS },
        ],
      },
    },
  });
  expect(JSON.stringify(preview)).toContain("Be short.");
  expect(JSON.stringify(preview)).toContain("(answer B)");
  expect([asked.asked.length, server.asked.length]).toEqual([0, 0]);
  const refused = await world.graphql(PREVIEW, { input, rows: [99] });
  expect(refused).toMatchObject({ assessmentPreview: { code: "ROW_NOT_FOUND", field: "rows" } });
  // Asked once, its speed and its price are known.
  await assess("priced", { ...input, judges: [] });
  const { forecast } = z
    .object({
      assessmentPreview: z.looseObject({
        forecast: z.object({ costUsd: z.number(), seconds: z.number().nullable() }),
      }),
    })
    .parse(await world.graphql(PREVIEW, { input: { ...input, judges: [] } })).assessmentPreview;
  expect(forecast.seconds).not.toBeNull();
  // About two tokens in at 1 $, seven out at 2 $ a million, six times.
  expect(forecast.costUsd).toBeGreaterThan(6 * 14e-6);
  expect(forecast.costUsd).toBeLessThan(6 * 20e-6);
});

test("a picture in a column goes to a model that sees, and is named to others", async () => {
  const png =
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
  await world.importRows("pictures", [{ image1: png, question: "What is it?" }]);
  const { name, server } = await kit.provide("openai", "well", {
    models: [{ model: "sees", abilities: ["TEXT", "VISION"] }],
    say: () => "a dot",
  });
  await assess("pictures", {
    dataset: "pictures",
    question: "{{image1}} {{question}}",
    candidates: [{ model: `${name}/sees` }, { model: bad }],
    graders: ["regex:dot"],
  });
  expect(JSON.stringify(server.asked[0]?.body)).toContain(png.slice(0, 60));
  const found = await world.graphql(
    '{ assessment(name: "pictures") { report { candidates { interval { mean } failed } } answers(first: 2) { nodes { sent { content pictures } } } } }',
  );
  expect(found).toMatchObject({
    assessment: {
      report: {
        candidates: [
          { interval: { mean: 1 }, failed: 0 },
          { interval: null, failed: 1 },
        ],
      },
    },
  });
  expect(JSON.stringify(found)).toContain('{"content":"[image1] What is it?","pictures":["image1"]}');
});
