// docs/features.md stays true: a row that works names a test of its own, every such test is named, the README agrees.
import { expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { readFeatures, withWorks } from "../scripts/works.ts";

const root = join(import.meta.dir, "..");
const read = (path: string): string => readFileSync(join(root, path), "utf8");
const features = readFeatures(read("docs/features.md"));

test("every row that works names a test; a named test exists and begins with the row's id", () => {
  for (const { id, state, test: named } of features) {
    if (state === "works") expect(`${id} ${named}`).not.toBe(`${id} `);
    if (named === "") continue;
    const path = named.replaceAll("`", "");
    const text = existsSync(join(root, path)) ? read(path) : "";
    expect(`${id} in ${path}: ${text.includes(`"${id} `)}`).toBe(`${id} in ${path}: true`);
  }
});

test("every browser test of a feature is named by its row", () => {
  for (const file of readdirSync(import.meta.dir).filter((name) => /^browser-.+\.test\.ts$/.test(name)))
    for (const [, id] of read(`test/${file}`).matchAll(/"([RPN]\d+) [a-z]/g))
      expect([id, features.find((one) => one.id === id)?.test]).toEqual([id, `\`test/${file}\``]);
});

test("the README says what docs/features.md says", () => {
  // Mend: bun scripts/works.ts --write
  expect(read("README.md")).toBe(withWorks(read("README.md"), read("docs/features.md")));
});
