// The report that stays in the database: whatever it is made from takes it away, whoever writes that.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { type SQL, sql } from "drizzle-orm";
import { putAssessed } from "./assessed.test-kit.ts";
import { startWorld, type World } from "./world.ts";

setDefaultTimeout(60_000);
const REPORT = `query ($id: ID!) { node(id: $id) { ... on Assessment { report {
  sentence candidates { answered failed unscored interval { n mean low high } }
  pairs { n wins ties losses p } agreements { first second n } judges { label judgements } } } } }`;
/** One write of each kind to everything that a report is made from: by whom it may be, it must be seen. */
const WRITES: [what: string, write: (id: string) => SQL][] = [
  [
    "an answer changes",
    (id) => sql`UPDATE answers SET latency_ms = latency_ms + 1000 WHERE assessment_id = ${id}`,
  ],
  [
    "a score changes",
    (id) =>
      sql`UPDATE scores SET value = 0 WHERE grader = 0 AND answer_id = (SELECT MIN(id) FROM answers WHERE assessment_id = ${id} AND error IS NULL)`,
  ],
  [
    "a score comes",
    (id) =>
      sql`INSERT INTO scores (answer_id, grader, value) SELECT id, 7, 1 FROM answers WHERE assessment_id = ${id} LIMIT 1`,
  ],
  [
    "a score goes",
    (id) =>
      sql`DELETE FROM scores WHERE grader = 7 AND answer_id IN (SELECT id FROM answers WHERE assessment_id = ${id})`,
  ],
  [
    "a judgement comes",
    (
      id,
    ) => sql`INSERT INTO judgements (id, assessment_id, grader, row, answer_id, other_id, sent, input_tokens, output_tokens, latency_ms, created_at)
    SELECT 'judgement_of_test', assessment_id, 0, row, id, '', '[]', 0, 0, 1, 0 FROM answers WHERE assessment_id = ${id} LIMIT 1`,
  ],
  ["a judgement changes", (id) => sql`UPDATE judgements SET value = 1 WHERE assessment_id = ${id}`],
  ["a judgement goes", (id) => sql`DELETE FROM judgements WHERE assessment_id = ${id}`],
  [
    "a rating comes",
    (
      id,
    ) => sql`INSERT INTO ratings (id, assessment_id, grader, row, answer_id, other_id, rater_id, rater, value, created_at)
    SELECT 'rating_of_test', assessment_id, 0, row, id, '', 'x', 'x', 1, 0 FROM answers WHERE assessment_id = ${id} LIMIT 1`,
  ],
  ["a rating changes", (id) => sql`UPDATE ratings SET value = 0 WHERE assessment_id = ${id}`],
  ["a rating goes", (id) => sql`DELETE FROM ratings WHERE assessment_id = ${id}`],
  ["an answer goes", (id) => sql`DELETE FROM answers WHERE assessment_id = ${id} AND error IS NOT NULL`],
  [
    "an answer comes",
    (
      id,
    ) => sql`INSERT INTO answers (id, assessment_id, candidate_id, row, sent, text, input_tokens, output_tokens, latency_ms, created_at)
    SELECT 'answer_of_test', assessment_id, candidate_id, 9999, '[]', 'x', 0, 0, 1, 0 FROM answers WHERE assessment_id = ${id} LIMIT 1`,
  ],
];

let world: World;
let id = "";
beforeAll(async () => {
  world = await startWorld([["read"]]);
  const { accounts, store, close } = await world.beside();
  id = await putAssessed(store, {
    name: "kept",
    projectId: (await accounts.firstProject()).id,
    datasetVersionId: "gone",
    datasetName: "rows@1",
    rows: [0, 1, 2, 3],
    graders: [{ kind: "exact" }, { kind: "contains" }],
    candidates: [{ name: "one", modelId: "base_one" }],
    said: (_, row) => (row === 3 ? { text: null, scores: [] } : { text: "x", scores: [1, row % 2] }),
  });
  await close();
});

afterAll(() => world?.close());

test("a kept report is what would be worked out anew, and goes with whatever changes it", async () => {
  const { store, close } = await world.beside();
  try {
    const kept = async (): Promise<string | null | undefined> =>
      (await store.db.query.assessmentReports.findFirst({ where: (t, { eq }) => eq(t.assessmentId, id) }))
        ?.report;
    const first = await world.graphql(REPORT, { id });
    expect(await kept()).toBeString();
    expect(await world.graphql(REPORT, { id })).toEqual(first);
    for (const [what, write] of WRITES) {
      await store.write((tx) => tx.run(write(id)), "test");
      expect([what, await kept()]).toEqual([what, null]);
      await world.graphql(REPORT, { id });
      expect([what, typeof (await kept())]).toEqual([what, "string"]);
    }
    // Of the writes above these are left: two graders' values of one answer, and one answer more.
    expect(await world.graphql(REPORT, { id })).not.toEqual(first);
  } finally {
    await close();
  }
});

test("a kept report of another version of the program is worked out anew", async () => {
  const { store, close } = await world.beside();
  try {
    const wanted = await world.graphql(REPORT, { id });
    await store.write(
      (tx) => tx.run(sql`UPDATE assessment_reports SET made_by = 'another', report = '{"candidates":[]}'`),
      "test",
    );
    expect(await world.graphql(REPORT, { id })).toEqual(wanted);
  } finally {
    await close();
  }
});
