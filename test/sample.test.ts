// The shipped sample: made by its generator, balanced, and honestly split by template.
import { expect, test } from "bun:test";
import { makeSample, sampleText, systemPrompt } from "../scripts/make-sample.ts";
import { heldOutTemplates, slots, teams, trainingTemplates } from "../scripts/sample-templates.ts";

/** The 4-grams of each stretch of words between slots. */
function fourGrams(text: string): string[] {
  return text.split(/\{\w+\}/).flatMap((stretch) => {
    const words = stretch.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
    return words.slice(3).map((_, at) => words.slice(at, at + 4).join(" "));
  });
}

const rows = makeSample();
const userText = (row: (typeof rows)[number]): string => row.messages[1]?.content ?? "";

test("the committed file is what the generator makes", async () => {
  const committed = await Bun.file(new URL("../samples/support-messages.jsonl", import.meta.url)).text();
  expect(committed === sampleText()).toBe(true);
});

test("no held-out template shares four words in a row with a training template", () => {
  const training = new Set(trainingTemplates.flatMap((template) => fourGrams(template.text)));
  expect(training.size).toBeGreaterThan(400);
  const shared = heldOutTemplates
    .flatMap((template) => fourGrams(template.text))
    .filter((g) => training.has(g));
  expect(shared).toEqual([]);
});

test("held-out templates and rows never occur in training", () => {
  expect(heldOutTemplates.length).toBeGreaterThanOrEqual(12);
  expect(trainingTemplates.length).toBeGreaterThanOrEqual(60);
  const training = new Set(trainingTemplates.map((template) => template.text));
  expect(heldOutTemplates.filter((template) => training.has(template.text))).toEqual([]);
  const trainingTexts = new Set(rows.filter((row) => row.split === "train").map(userText));
  expect(rows.filter((row) => row.split === "test" && trainingTexts.has(userText(row)))).toEqual([]);
});

test("every slot that a template names has values", () => {
  for (const template of [...trainingTemplates, ...heldOutTemplates]) {
    for (const slot of template.text.matchAll(/\{(\w+)\}/g)) expect(slots[slot[1] ?? ""]).toBeDefined();
  }
});

test("there are at least 300 training rows, balanced by team and urgency", () => {
  for (const split of ["train", "test"] as const) {
    const part = rows.filter((row) => row.split === split);
    expect(part.length).toBeGreaterThanOrEqual(split === "train" ? 300 : 36);
    for (const team of teams) {
      for (const urgent of [true, false]) {
        const answer = `{"team": "${team}", "urgent": ${urgent}}`;
        const count = part.filter((row) => row.messages[2]?.content === answer).length;
        expect(count).toBe(part.length / (2 * teams.length));
      }
    }
  }
});

test("every row carries the one system prompt, which names each team", () => {
  expect(rows.every((row) => row.messages[0]?.content === systemPrompt)).toBe(true);
  for (const team of teams) expect(systemPrompt).toContain(team);
});
