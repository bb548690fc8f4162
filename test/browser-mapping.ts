// The form of a training in the browser: rows under the mapping that is being chosen, and where they are cut.
import { expect } from "bun:test";
import { z } from "zod";
import type { Walk } from "./browser-kit.ts";

const seenShape = z.object({
  dataset: z.object({
    latest: z.object({
      id: z.string(),
      renderedRow: z.object({
        keptTokenCount: z.number(),
        tokens: z.array(z.object({ text: z.string(), counts: z.boolean(), kept: z.boolean() })),
      }),
    }),
  }),
});
/** A row as GraphQL shows it: the texts that are learned, and those that are cut off. */
async function seenRow(
  walk: Walk,
  baseId: string,
  dataset: string,
  index: number,
  mapping: object | null,
  maxLength: number | null,
) {
  const { latest } = seenShape.parse(
    await walk.graphql(
      "query ($name: String!, $base: ID!, $index: Int!, $mapping: JSON, $most: Int) { dataset(name: $name) { latest { id renderedRow(index: $index, baseId: $base, mapping: $mapping, maxLength: $most) { keptTokenCount tokens { text counts kept } } } } }",
      { name: dataset, base: baseId, index, mapping, most: maxLength },
    ),
  ).dataset;
  const { tokens, keptTokenCount } = latest.renderedRow;
  const textOf = (those: typeof tokens) => those.map(({ text }) => text).join("");
  return {
    versionId: latest.id,
    keptTokenCount,
    learned: textOf(tokens.filter(({ counts }) => counts)),
    cut: textOf(tokens.filter(({ kept }) => !kept)),
  };
}

/** Maps the columns who, where and what of a table, and sees each row anew. */
export async function seesMappings(walk: Walk, baseId: string, dataset: string): Promise<void> {
  const { page } = walk;
  const mapping = { prompt: "who", completion: "what" };
  const first = await seenRow(walk, baseId, dataset, 0, mapping, null);
  expect(first.learned).toContain("Ada lives in Oslo");
  await walk.open(`/train?base=${baseId}&dataset=${first.versionId}`);
  await page.getByText("Map the prompt and completion columns first.").first().waitFor();
  const choose = async (column: string, value: string): Promise<void> => {
    await page.getByRole("combobox", { name: column }).click();
    await page.getByRole("option", { name: value, exact: true }).click();
  };
  await choose("Prompt column", "who");
  await choose("Completion column", "what");
  const learned = async (wanted: string): Promise<void> => {
    await page
      .locator("mark", { hasText: wanted.trim().slice(0, 8) })
      .first()
      .waitFor();
    expect((await page.locator(".e-tokens mark").allTextContents()).join("")).toBe(wanted);
  };
  await learned(first.learned);
  await page.getByLabel("Row", { exact: true }).fill("1");
  await learned((await seenRow(walk, baseId, dataset, 1, mapping, null)).learned);
  // Another mapping is seen at once, before anything is started.
  await choose("Completion column", "where");
  const other = await seenRow(walk, baseId, dataset, 1, { prompt: "who", completion: "where" }, null);
  expect(other.learned).toContain("Rome");
  await learned(other.learned);
  await walk.look("training-mapping", { picture: false });
}

/** Makes Longest row smaller than the first row, and sees where it is cut. */
export async function seesCuts(walk: Walk, baseId: string, dataset: string): Promise<void> {
  const { page } = walk;
  const { versionId } = await seenRow(walk, baseId, dataset, 0, null, null);
  await walk.open(`/train?base=${baseId}&dataset=${versionId}`);
  await page.locator("mark").first().waitFor();
  expect(await page.locator(".e-tokens del").count()).toBe(0);
  await page.getByText(/^0 of \d+ looked at$/).waitFor();
  await page.locator('input[name="max_length"]').fill("40");
  await page.getByText("Only the first 40 are kept: the rest, struck out, is cut off.").waitFor();
  await page.getByText(/^\d+ of \d+ rows looked at are cut after 40 tokens/).waitFor();
  const narrow = await seenRow(walk, baseId, dataset, 0, null, 40);
  expect(narrow.keptTokenCount).toBe(40);
  expect((await page.locator(".e-tokens del").allTextContents()).join("")).toBe(narrow.cut);
  await walk.look("training-cut", { picture: false });
}
