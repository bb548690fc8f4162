// Rows added to a version: each content once, whatever else the row says, and in the shape of the dataset.
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { joinRows } from "./append.ts";
import type { DatasetVersionRow } from "./datasets.ts";
import { type CollectedRow, fitterFor } from "./fit.ts";
import type { Row } from "./rows-types.ts";
import type { Mapping, Shape } from "./shape.ts";

const folder = mkdtempSync(join(tmpdir(), "espalier-append-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let files = 0;
function fileOf(rows: readonly Row[]): string {
  const path = join(folder, `${files++}.jsonl`);
  writeFileSync(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  return path;
}
async function joined(base: readonly Row[] | null, added: readonly Row[], mapping?: Mapping) {
  const joinedPath = join(folder, `joined-${files++}`);
  const basePath = base === null ? null : fileOf(base);
  const counts = await joinRows(fileOf(added), { basePath, joinedPath, mapping });
  const lines = readFileSync(joinedPath, "utf8").trimEnd().split("\n");
  return { ...counts, rows: lines.map((line): unknown => JSON.parse(line)) };
}

test("the version's rows stay as they are, a repeated content is counted and not added", async () => {
  // A line separator of Unicode ends no line of JSON.
  const base = [{ prompt: "a\u2028b", completion: "x" }];
  const again = { completion: "x", prompt: "a\u2028b", collected_from: { assessment: "one" } };
  const fresh = { prompt: "c", completion: "y", collected_from: { assessment: "one" } };
  const { rows, ...counts } = await joined(base, [again, fresh, { ...fresh, collected_from: null }]);
  expect(counts).toEqual({ added: 1, alreadyThere: 2 });
  expect(rows).toEqual([...base, fresh]);
});

test("messages with the same turns are the same row; preferences differ by what is rejected", async () => {
  const turns = [
    { role: "user", content: "q" },
    { role: "assistant", content: "a" },
  ];
  expect(await joined([{ messages: turns, topic: 1 }], [{ messages: turns }])).toMatchObject({ added: 0 });
  const pair = { prompt: "q", chosen: "a", rejected: "b" };
  expect(await joined([pair], [{ ...pair, rejected: "c" }, pair])).toMatchObject({
    added: 1,
    alreadyThere: 1,
  });
  const mapping = { prompt: "question", completion: "answer" };
  const row = { question: "q", answer: "a" };
  expect(await joined([{ ...row, id: 7 }], [row], mapping)).toMatchObject({ added: 0, alreadyThere: 1 });
});

const asked: CollectedRow = {
  prompt: [{ role: "user", content: "q" }],
  chosen: "good",
  rejected: "bad",
  whence: { assessment: "one" },
};
const told: CollectedRow = { ...asked, prompt: [{ role: "system", content: "s" }, ...asked.prompt] };
const longer: CollectedRow = {
  ...asked,
  prompt: [...asked.prompt, { role: "assistant", content: "a" }, ...asked.prompt],
};

/** As much of a version as the fitting reads. */
const versionOf = (
  shape: Shape,
  hasOwnSplits = false,
  mapping: Mapping | null = null,
): DatasetVersionRow => ({
  id: "dsv_1",
  datasetId: "ds_1",
  number: 1,
  sha256: "",
  indexSha256: "",
  shape,
  rowCount: 1,
  sizeBytes: 1,
  columns: [],
  mapping,
  splits: { train: 1, validation: 0, test: 0 },
  statistics: { trainable: true, hasOwnSplits },
  createdAt: 1,
});
const whence = { collected_from: { assessment: "one" } };

test.each<[Shape, unknown, unknown, unknown, unknown]>([
  [
    "sharegpt",
    null,
    {
      conversations: [
        { from: "human", value: "q" },
        { from: "gpt", value: "good" },
      ],
    },
    expect.anything(),
    expect.anything(),
  ],
  [
    "alpaca",
    null,
    { instruction: "q", input: "", output: "good" },
    { instruction: "q", input: "", output: "good", system: "s" },
    null,
  ],
  ["prompt-completion", { prompt: "x" }, { prompt: "q", completion: "good" }, null, null],
  [
    "prompt-completion",
    { prompt: [] },
    { prompt: [{ role: "user", content: "q" }], completion: [{ role: "assistant", content: "good" }] },
    expect.anything(),
    expect.anything(),
  ],
])("an example is written as %s, or not where that loses a turn", (shape, sample, plain, system, turns) => {
  const target = { name: "d", version: versionOf(shape), sample };
  const fit = fitterFor(target, { kind: "example", split: null });
  expect(fit(asked)).toEqual({ ...(plain as object), ...whence });
  expect(fit(told)).toEqual(system === null ? null : expect.objectContaining(whence));
  expect(fit(longer)).toEqual(turns === null ? null : expect.objectContaining(whence));
});

test("splits, mappings of templates and strange shapes are refused or kept", () => {
  const wanted = { kind: "example", split: null } as const;
  const into = (version: DatasetVersionRow | null) => ({ name: "d", version, sample: null });
  expect(fitterFor(into(versionOf("messages", true)), wanted)(asked)).toMatchObject({ split: "train" });
  expect(fitterFor(into(null), { ...wanted, split: "test" })(asked)).toMatchObject({ split: "test" });
  expect(fitterFor(into(null), wanted)(asked)).not.toHaveProperty("split");
  expect(() => fitterFor(into(versionOf("messages")), { ...wanted, split: "test" })).toThrow(
    "no column split",
  );
  const template = versionOf("table", false, { prompt: "{{a}} {{b}}", completion: "c" });
  expect(() => fitterFor(into(template), wanted)).toThrow("made of templates");
  expect(() => fitterFor(into(versionOf("table")), wanted)).toThrow("holds no examples");
  expect(() => fitterFor(into(versionOf("alpaca")), { kind: "preference", split: null })).toThrow(
    "no preferences",
  );
});
