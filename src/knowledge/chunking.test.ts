import { expect, test } from "bun:test";
import { type Chunk, type ChunkSettings, type CountTokens, chunkDocument } from "./chunking.ts";
import { type Block, documentText } from "./documents/document.ts";
import { parseDocument } from "./documents/parse.ts";

/** Words and marks, and long words in parts of four letters, as subword tokenizers do; two tokens around every text. */
const wordpieces: CountTokens = async (texts) =>
  texts.map((text) =>
    (text.match(/[\p{L}\p{N}]+|[^\s\p{L}\p{N}]/gu) ?? []).reduce(
      (sum, word) => sum + Math.ceil(word.length / 4),
      2,
    ),
  );
/** Bytes, of which joined texts have more than their parts: what stands between them counts. */
const bytes: CountTokens = async (texts) => texts.map((text) => Buffer.byteLength(text));

/** Numbers in 0..1 that are the same each time. */
function mulberry(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

async function randomDocument(seed: number): Promise<Block[]> {
  const random = mulberry(seed);
  const upTo = (most: number): number => Math.floor(random() * most);
  const word = (): string => "abcdefghijklmnopqrstuvwxyzäß漢字🌿".slice(upTo(9), 9 + upTo(20)) || "x";
  const words = (most: number): string => Array.from({ length: 1 + upTo(most) }, word).join(" ");
  const parts: (() => string)[] = [
    () => `${"#".repeat(1 + upTo(3))} ${words(6)}`,
    () => Array.from({ length: 1 + upTo(12) }, () => `${words(25)}.`).join(" "),
    () => Array.from({ length: 1 + upTo(9) }, () => `- ${words(12)}`).join("\n"),
    () => `\`\`\`\n${Array.from({ length: 1 + upTo(20) }, () => `  ${words(8)};`).join("\n")}\n\`\`\``,
    () => {
      const row = (): string => `| ${Array.from({ length: 3 }, () => words(4)).join(" | ")} |`;
      return `${row()}\n| --- | --- | --- |\n${Array.from({ length: 1 + upTo(30) }, row).join("\n")}`;
    },
    () => words(2).repeat(1 + upTo(200)),
    () => words(400),
  ];
  const source = Array.from({ length: 1 + upTo(30) }, () => parts[upTo(parts.length)]?.() ?? "").join("\n\n");
  const { blocks } = await parseDocument(new TextEncoder().encode(source), "random.md");
  return blocks.map((block, at) => ({ ...block, page: 1 + Math.floor(at / 5) }));
}

/** The header that stands before the text of a chunk which begins inside a table. */
const headerOf = (chunk: Chunk, whole: string): string =>
  chunk.text.slice(0, chunk.text.length - whole.slice(chunk.start, chunk.end).length);

async function check(blocks: Block[], settings: ChunkSettings, countTokens: CountTokens): Promise<Chunk[]> {
  const chunks = await chunkDocument({ blocks }, settings, countTokens);
  const whole = documentText({ blocks });
  const counts = await countTokens(chunks.map(({ text }) => text));
  let covered = 0;
  for (const [at, chunk] of chunks.entries()) {
    expect(chunk.ordinal).toBe(at);
    expect(chunk.tokens).toBe(counts[at] ?? -1);
    expect(chunk.tokens).toBeLessThanOrEqual(settings.maxTokens);
    expect(chunk.text.endsWith(whole.slice(chunk.start, chunk.end))).toBe(true);
    const header = headerOf(chunk, whole);
    if (header !== "") expect(header).toMatch(/^\|.*\|\n\|( --- \|)+\n$/);
    // Nothing is lost between two chunks, and each brings something new.
    expect(whole.slice(covered, chunk.start).trim()).toBe("");
    expect(chunk.end).toBeGreaterThan(covered);
    if (chunk.start < covered) {
      const repeated = whole.slice(chunk.start, covered);
      const [tokens = 0, around = 0] = await countTokens([repeated, ""]);
      expect(tokens - around).toBeLessThanOrEqual(settings.overlapTokens);
    }
    covered = chunk.end;
  }
  expect(whole.slice(covered).trim()).toBe("");
  return chunks;
}

test("random documents lose nothing, and no chunk is above the limit or repeats more than the overlap", async () => {
  let overlaps = 0;
  for (let seed = 1; seed <= 60; seed++) {
    const blocks = await randomDocument(seed);
    for (const settings of [
      { maxTokens: 24, overlapTokens: 6 },
      { maxTokens: 128, overlapTokens: 32 },
      { maxTokens: 256, overlapTokens: 0 },
    ]) {
      const chunks = await check(blocks, settings, wordpieces);
      expect(await chunkDocument({ blocks }, settings, wordpieces)).toEqual(chunks);
      overlaps += chunks.filter((chunk, at) => chunk.start < (chunks[at - 1]?.end ?? 0)).length;
    }
  }
  expect(overlaps).toBeGreaterThan(100);
});

test("a tokenizer that counts what stands between pieces is obeyed", async () => {
  for (let seed = 100; seed < 110; seed++) {
    // Overlap is promised in tokens of the pieces; what stands between them is few and counted in the limit.
    await check(await randomDocument(seed), { maxTokens: 200, overlapTokens: 0 }, bytes);
  }
});

const markdown = async (source: string) => parseDocument(new TextEncoder().encode(source), "a.md");
const sentences = (count: number, subject: string): string =>
  Array.from({ length: count }, (_, at) => `The ${subject} number ${at + 1} grows along its wire.`).join(" ");

test("chunks follow sections: their headings stay with them and none ends with a heading", async () => {
  const { blocks } = await markdown(
    `# Garden\n\n## Pears\n\n${sentences(9, "pear")}\n\n## Apples\n\n${sentences(9, "apple")}`,
  );
  const chunks = await check(blocks, { maxTokens: 80, overlapTokens: 20 }, wordpieces);
  expect(chunks[0]?.text.startsWith("Garden\n\nPears\n\nThe pear number 1")).toBe(true);
  expect(chunks[0]?.headings).toEqual(["Garden"]);
  const apples = chunks.findIndex(({ text }) => text.includes("apple"));
  expect(chunks[apples]?.text.startsWith("Apples\n\n")).toBe(true);
  expect(chunks[apples]?.headings).toEqual(["Garden", "Apples"]);
  expect(chunks[1]?.headings).toEqual(["Garden", "Pears"]);
  for (const { text } of chunks) expect(text).toMatch(/\.$/);
  // Cut inside a section: the next chunk begins with a whole sentence of this one.
  const [first, second] = chunks;
  expect(second && first && second.start < first.end).toBe(true);
  expect(second?.text).toMatch(/^The pear number \d+ grows/);
});

test("a table is cut between rows only, and every part says its header", async () => {
  const rows = Array.from({ length: 40 }, (_, at) => `| ${at} | pear ${at} | ${at * 3} kg |`);
  const { blocks } = await markdown(`| id | name | harvest |\n|---|---|---|\n${rows.join("\n")}`);
  const chunks = await check(blocks, { maxTokens: 100, overlapTokens: 20 }, wordpieces);
  expect(chunks.length).toBeGreaterThan(3);
  for (const { text } of chunks) {
    expect(text.startsWith("| id | name | harvest |\n| --- | --- | --- |\n| ")).toBe(true);
    for (const line of text.split("\n").slice(2)) expect(rows).toContain(line);
  }
});

test("pages and short sections: a chunk says from which page to which it goes, and gathers what is short", async () => {
  const { blocks } = await markdown("# A\n\none.\n\n# B\n\ntwo.\n\n# C\n\nthree.");
  const paged = blocks.map((block, at) => ({ ...block, page: at + 1 }));
  const chunks = await check(paged, { maxTokens: 64, overlapTokens: 0 }, wordpieces);
  expect(chunks).toHaveLength(1);
  expect(chunks[0]).toMatchObject({ pageFrom: 1, pageTo: 6, headings: [] });
  expect(await chunkDocument({ blocks: [] }, { maxTokens: 64, overlapTokens: 0 }, wordpieces)).toEqual([]);
  expect(chunkDocument({ blocks }, { maxTokens: 64, overlapTokens: 40 }, wordpieces)).rejects.toThrow(
    RangeError,
  );
});

test("a word of a million letters and a paragraph without an end are cut all the same", async () => {
  const { blocks } = await markdown(
    `${"x".repeat(1_000_000)}\n\n${"漢字".repeat(5_000)}\n\n${"🌿".repeat(999)}`,
  );
  const chunks = await check(blocks, { maxTokens: 256, overlapTokens: 32 }, wordpieces);
  expect(chunks.every(({ text }) => text.isWellFormed())).toBe(true);
});
