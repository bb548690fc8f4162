// The report of an assessment through the API: rows by filters, one row, parts of the rows, an earlier assessment, and the
// files; what hostile answers say stays text.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { z } from "zod";
import { putAssessed } from "./assessed.test-kit.ts";
import { startWorld, type World } from "./world.ts";

setDefaultTimeout(60_000);
const ROWS = 60;
const HOSTILE = "<script>alert(1)</script> \u202egnp.exe\u001b & \"'</td></table>=1+1";
let world: World;
/** Ids of the assessments by name, and of the candidates by assessment and place. */
const ids = new Map<string, string>();
const asked = new Map<string, string[]>();

async function importRows(rows: readonly object[], name = "rows"): Promise<{ version: string }> {
  const uploadId = await world.upload(
    "rows.jsonl",
    new TextEncoder().encode(rows.map((row) => JSON.stringify(row)).join("\n")),
  );
  const made = await world.act(
    `mutation { importDataset(input: { name: "${name}", uploadId: "${uploadId}" }) { __typename
      ... on ImportDatasetSuccess { run { id } } ... on UserError { code message } } }`,
  );
  await world.succeeded(z.looseObject({ run: z.object({ id: z.string() }) }).parse(made).run.id);
  const { dataset } = z
    .object({ dataset: z.object({ latest: z.object({ id: z.string() }) }) })
    .parse(await world.graphql(`{ dataset(name: "${name}") { latest { id } } }`));
  return { version: dataset.latest.id };
}
const rowOf = (row: number) => ({
  question: `What is ${row}?`,
  answer: `It is ${row}.`,
  topic: row % 3 === 0 ? "fruit" : row % 3 === 1 ? "Bäume" : "",
  size: row * 2,
  essay: "long ".repeat(40) + row,
});

beforeAll(async () => {
  world = await startWorld([["read"]]);
  const rows = Array.from({ length: ROWS }, (_, row) => rowOf(row));
  const first = await importRows(rows);
  // The second version lacks ten rows of the first and has them in another order.
  const second = await importRows(rows.slice(10).toReversed());
  const { accounts, store, close } = await world.beside();
  const projectId = (await accounts.firstProject()).id;
  const common = {
    projectId,
    graders: [{ kind: "exact" as const }, { kind: "contains" as const }],
  };
  const put = async (wish: Omit<Parameters<typeof putAssessed>[1], keyof typeof common>): Promise<void> => {
    ids.set(wish.name, await putAssessed(store, { ...common, ...wish }));
  };
  await put({
    name: "now",
    datasetVersionId: first.version,
    datasetName: "rows@1",
    rows: rows.map((_, row) => row),
    candidates: [
      { name: "one", modelId: "base_one" },
      { name: "two", modelId: "base_two" },
    ],
    said: (candidate, row) => {
      // Row 5 fails for the first, row 6 of the second is unscored by the second grader.
      if (candidate === 0 && row === 5) return { text: null, scores: [] };
      const isRight = candidate === 0 || row % 4 !== 0;
      return {
        text:
          row === 8 && candidate === 1 ? HOSTILE : `It is ${isRight ? row : "nothing"}, says ${candidate}.`,
        scores: candidate === 1 && row === 6 ? [1, null] : [Number(isRight), Number(isRight)],
        reference: `It is ${row}.`,
        asked: row === 7 ? "Über 100 % of \\ and _?" : `What is ${row}?`,
      };
    },
  });
  await put({
    name: "before",
    datasetVersionId: second.version,
    datasetName: "rows@2",
    question: "Answer: {{question}}",
    rows: Array.from({ length: ROWS - 10 }, (_, row) => row),
    candidates: [{ name: "one", modelId: "base_one" }],
    // Row r of the second version is row 59 - r of the first; it is right on the even ones of the first.
    said: (_, row) => ({
      text: "It is.",
      scores: [Number((59 - row) % 2 === 0), Number((59 - row) % 2 === 0)],
    }),
  });
  await close();
  for (const [name, id] of ids) {
    const shape = z.object({
      node: z.object({ candidates: z.array(z.object({ candidateId: z.string() })) }),
    });
    const { node } = shape.parse(
      await world.graphql(
        "query ($id: ID!) { node(id: $id) { ... on Assessment { candidates { candidateId } } } }",
        { id },
      ),
    );
    asked.set(
      name,
      node.candidates.map(({ candidateId }) => candidateId),
    );
  }
});
afterAll(() => world?.close());

const ROWS_QUERY = `query ($id: ID!, $filter: AssessedRowsFilter, $first: Int, $after: String) { node(id: $id) { ... on Assessment {
  rows(filter: $filter, first: $first, after: $after) { totalCount pageInfo { hasNextPage endCursor } nodes { row answers { text } } } } } }`;
const rowsShape = z.object({
  node: z.object({
    rows: z.object({
      totalCount: z.number(),
      pageInfo: z.object({ hasNextPage: z.boolean(), endCursor: z.string().nullable() }),
      nodes: z.array(
        z.object({ row: z.number(), answers: z.array(z.object({ text: z.string().nullable() })) }),
      ),
    }),
  }),
});
const now = (): string => ids.get("now") ?? "";
const candidate = (place: number, of = "now"): string => asked.get(of)?.[place] ?? "";
async function rows(filter: object, page: object = {}) {
  return rowsShape.parse(await world.graphql(ROWS_QUERY, { id: now(), filter, ...page })).node.rows;
}

test("rows come by what is said of them, and count themselves", async () => {
  const all = await rows({});
  expect([all.totalCount, all.nodes.length]).toEqual([ROWS, 50]);
  const apart = await rows({ show: "DISAGREE" });
  // Every fourth row, the one that failed, and the one that is unscored.
  const expected = Array.from({ length: ROWS }, (_, row) => row).filter(
    (row) => row % 4 === 0 || row === 5 || row === 6,
  );
  expect(apart.nodes.map(({ row }) => row)).toEqual(expected);
  expect(apart.totalCount).toBe(expected.length);
  const better = await rows({ show: "BETTER", candidate: candidate(0), than: candidate(1) });
  expect(better.nodes.map(({ row }) => row)).toEqual(expected.filter((row) => row % 4 === 0));
  expect((await rows({ show: "WORSE", candidate: candidate(0) })).totalCount).toBe(0);
  expect((await rows({ show: "FAILED" })).nodes).toEqual([
    { row: 5, answers: [{ text: null }, { text: "It is 5, says 1." }] },
  ]);
  expect((await rows({ show: "UNSCORED" })).nodes.map(({ row }) => row)).toEqual([6]);
  // By the first grader alone that row is scored.
  expect((await rows({ show: "UNSCORED", grader: 0 })).totalCount).toBe(0);
});

test("pages follow one another and hold each row once", async () => {
  const seen: number[] = [];
  for (let after: string | null = null; ; ) {
    const page: Awaited<ReturnType<typeof rows>> = await rows({ show: "ALL" }, { first: 7, after });
    seen.push(...page.nodes.map(({ row }) => row));
    if (!page.pageInfo.hasNextPage) break;
    after = page.pageInfo.endCursor;
  }
  expect(seen).toEqual(Array.from({ length: ROWS }, (_, row) => row));
});

test("a text is found in questions, right answers and answers, signs of LIKE too", async () => {
  const found = async (search: string) => (await rows({ search })).nodes.map(({ row }) => row);
  expect(await found("it is 7.")).toEqual([7]);
  expect(await found("SAYS 1")).toHaveLength(50);
  expect(await found("über 100 % of \\ and _")).toEqual([7]);
  expect(await found("100 %%")).toEqual([]);
  expect(await found("alert(1)")).toEqual([8]);
  expect(await found("x' OR 1=1 --")).toEqual([]);
});

test("rows of one group of a column, with the rest of the filter", async () => {
  const shape = z.object({
    node: z.object({
      facets: z.array(
        z.object({
          column: z.string(),
          kind: z.string(),
          groups: z.array(z.object({ key: z.string(), label: z.string(), rows: z.number() })),
        }),
      ),
    }),
  });
  const { node } = shape.parse(
    await world.graphql(
      "query ($id: ID!) { node(id: $id) { ... on Assessment { facets { column kind groups { key label rows } } } } }",
      {
        id: now(),
      },
    ),
  );
  // The essays are too long and the questions too many to be groups.
  expect(node.facets.map(({ column, kind }) => [column, kind])).toEqual([
    ["topic", "values"],
    ["size", "ranges"],
  ]);
  expect(node.facets[0]?.groups).toEqual([
    { key: '"Bäume"', label: "Bäume", rows: 20 },
    { key: '"fruit"', label: "fruit", rows: 20 },
    { key: "null", label: "", rows: 20 },
  ]);
  expect(node.facets[1]?.groups.map(({ rows }) => rows)).toEqual([12, 12, 12, 12, 12]);
  const slice = { column: "topic", key: '"fruit"' };
  expect((await rows({ slice })).totalCount).toBe(20);
  expect((await rows({ slice, show: "DISAGREE" })).nodes.map(({ row }) => row)).toEqual([
    0, 6, 12, 24, 36, 48,
  ]);
  expect((await rows({ slice: { column: "topic", key: "no" } })).totalCount).toBe(0);
});

test("one row with everything: what was sent to whom, scores, and the row of the dataset", async () => {
  const query = `query ($id: ID!, $row: Int!) { node(id: $id) { ... on Assessment { row(number: $row) { row columns answers {
    sent { role content } reference text scores { grader value } inputTokens outputTokens costUsd latencyMs finishReason citations { number } } } } } }`;
  const answer = await world.graphql(query, { id: now(), row: 8 });
  expect(answer).toMatchObject({
    node: {
      row: {
        row: 8,
        columns: rowOf(8),
        answers: [
          {
            sent: [{ role: "user", content: "What is 8?" }],
            scores: [{ value: 1 }, { value: 1 }],
            citations: null,
          },
          {
            sent: [{ role: "system", content: "Be candidate 1." }, { role: "user" }],
            text: HOSTILE,
            scores: [{ value: 0 }, { value: 0 }],
            finishReason: "stop",
          },
        ],
      },
    },
  });
  expect(await world.graphql(query, { id: now(), row: 4_000 })).toEqual({ node: { row: null } });
});

test("slices have what their rows alone give, with p corrected", async () => {
  const query = `query ($id: ID!) { node(id: $id) { ... on Assessment { slices(column: "topic") { kind compared { name }
    slices { label rows scores { interval { n mean low high } } difference { n wins losses difference p adjustedP } } } } } }`;
  const answer = await world.graphql(query, { id: now() });
  expect(answer).toMatchObject({
    node: {
      slices: {
        kind: "values",
        compared: [{ name: "one" }, { name: "two" }],
        slices: [
          {
            label: "Bäume",
            rows: 20,
            scores: [{ interval: { n: 20, mean: 1 } }, { interval: { n: 20, mean: 0.75 } }],
          },
          { label: "fruit", rows: 20, difference: { n: 19, wins: 5, losses: 0 } },
          { label: "", rows: 20, difference: { n: 19, wins: 5, losses: 0 } },
        ],
      },
    },
  });
});

const COMPARE = `query ($id: ID!, $with: ID!, $candidate: ID, $against: ID) { node(id: $id) { ... on Assessment {
  comparison(with: $with, candidate: $candidate, against: $against) { commonRows matchedBy other { name }
    pairs { candidate { name } against { name } interval { n mean } againstInterval { n mean }
      difference { n wins ties losses difference p adjustedP } }
    settings { name candidate here there } } } } }`;
test("an earlier assessment is compared on the rows whose content is the same, and what was set otherwise is said", async () => {
  const answer = await world.graphql(COMPARE, { id: now(), with: "before" });
  expect(answer).toMatchObject({
    node: {
      comparison: {
        commonRows: 50,
        matchedBy: "content",
        other: { name: "before" },
        pairs: [
          {
            candidate: { name: "one" },
            against: { name: "one" },
            interval: { n: 50, mean: 1 },
            againstInterval: { n: 50, mean: 0.5 },
            difference: { n: 50, wins: 25, ties: 25, losses: 0, difference: 0.5 },
          },
        ],
        settings: [
          { name: "dataset", candidate: null, here: "rows@1", there: "rows@2" },
          { name: "question", here: "{{question}}", there: "Answer: {{question}}" },
        ],
      },
    },
  });
  const chosen = await world.graphql(COMPARE, {
    id: now(),
    with: ids.get("before"),
    candidate: candidate(1),
    against: candidate(0, "before"),
  });
  expect(chosen).toMatchObject({
    node: { comparison: { pairs: [{ candidate: { name: "two" }, against: { name: "one" } }] } },
  });
  const itself = await world.graphql(COMPARE, { id: now(), with: "now" });
  expect(itself).toMatchObject({
    node: {
      comparison: {
        commonRows: ROWS,
        matchedBy: "number",
        settings: [],
        pairs: [{ difference: { difference: 0 } }, {}],
      },
    },
  });
  expect(await world.graphql(COMPARE, { id: now(), with: "nobody" })).toEqual({ node: { comparison: null } });
  expect(
    await world.graphql("query ($id: ID!) { node(id: $id) { ... on Assessment { comparable { name } } } }", {
      id: now(),
    }),
  ).toEqual({ node: { comparable: [{ name: "before" }] } });
});

const wrong: [what: string, selection: string, code: string][] = [
  [
    "a candidate of nobody",
    'rows(filter: { candidate: "cnd_x" }) { totalCount }',
    "ASSESSMENT_FILTER_INVALID",
  ],
  ["a grader that is not there", "rows(filter: { grader: 2 }) { totalCount }", "ASSESSMENT_FILTER_INVALID"],
  [
    "a long text",
    `rows(filter: { search: "${"x".repeat(300)}" }) { totalCount }`,
    "ASSESSMENT_FILTER_INVALID",
  ],
  [
    "a group of no column",
    'rows(filter: { slice: { column: "essay", key: "x" } }) { totalCount }',
    "SLICE_INVALID",
  ],
  ["slices of no column", 'slices(column: "nothing") { kind }', "SLICE_INVALID"],
  ["a cursor of nothing", 'rows(after: "x") { totalCount }', "CURSOR_INVALID"],
  ["too large a page", "rows(first: 1000) { totalCount }", "PAGE_TOO_LARGE"],
  [
    "candidates of another",
    'comparison(with: "before", candidate: "cnd_x", against: "cnd_y") { commonRows }',
    "ASSESSMENT_FILTER_INVALID",
  ],
];
test.each(wrong)("refused: %s", async (_, selection, code) => {
  await expect(
    world.graphql(`query ($id: ID!) { node(id: $id) { ... on Assessment { ${selection} } } }`, { id: now() }),
  ).rejects.toThrow(code);
});

test("the HTML report says it all in one file that nothing can run in", async () => {
  const response = await world.fetch(`/files/${now()}.html?by=topic`, { key: world.key("read") });
  expect(response.headers.get("content-type")).toBe("text/html; charset=utf-8");
  expect(response.headers.get("content-disposition")).toContain("attachment");
  expect(response.headers.get("content-security-policy")).toStartWith("default-src 'none'");
  const html = await response.text();
  const { node } = z
    .object({ node: z.object({ report: z.object({ sentence: z.string() }) }) })
    .parse(
      await world.graphql(
        "query ($id: ID!) { node(id: $id) { ... on Assessment { report { sentence } } } }",
        { id: now() },
      ),
    );
  expect(html).toContain(node.report.sentence.replaceAll("<", "&lt;"));
  expect(html).toContain('http-equiv="Content-Security-Policy" content="default-src \'none\'');
  expect(html).not.toMatch(/<script|\bsrc=|\bhref=|url\(/);
  expect(html).not.toContain("\u001b");
  expect(html).toContain(
    "&lt;script&gt;alert(1)&lt;/script&gt; \u202egnp.exe\ufffd &amp; &quot;&#39;&lt;/td&gt;",
  );
  expect(html).toContain("By topic");
  expect(html).toContain("Bäume");
  // A head and the 17 rows on which they differ.
  expect(html.match(/<tr><td>\d+<\/td>/g)).toHaveLength(17);
  expect(html).toEndWith("</body></html>\n");
  expect((await world.fetch(`/files/${now()}.html?by=essay`)).status).toBe(400);
  expect((await world.fetch(`/files/asm_${"0".repeat(26)}.html`)).status).toBe(404);
  expect((await world.fetch(`/files/${now()}.html`, { method: "HEAD" })).status).toBe(200);
});

test("a deleted dataset leaves the report, and what needs its columns says so", async () => {
  const { dataset } = z
    .object({ dataset: z.object({ id: z.string() }) })
    .parse(await world.graphql('{ dataset(name: "rows") { id } }'));
  await world.act(
    "mutation ($id: ID!) { delete(id: $id, confirm: true) { __typename ... on DeleteSuccess { id } ... on UserError { code message } } }",
    dataset,
  );
  expect((await rows({ show: "DISAGREE" })).totalCount).toBe(17);
  const one = await world.graphql(
    "query ($id: ID!) { node(id: $id) { ... on Assessment { row(number: 1) { columns } } } }",
    { id: now() },
  );
  expect(one).toEqual({ node: { row: { columns: null } } });
  await expect(world.graphql(COMPARE, { id: now(), with: "before" })).rejects.toThrow("DATASET_GONE");
});
