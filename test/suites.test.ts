// Suites through the API and the command line: the same questions for every new candidate, all of a run or nothing, and
// scores that are those of the assessments.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { z } from "zod";
import { assessWorld, cli, ERRORS, importRows } from "./assess-kit.ts";
import type { World } from "./world.ts";

setDefaultTimeout(120_000);
const ASSESS = `mutation ($input: StartAssessmentInput!) { startAssessment(input: $input) { __typename
  ... on AssessmentSuccess { run { id } } ${ERRORS} } }`;
const SUITE = `... on SuiteSuccess { suite { id name entries { id: entryId name dataset isThere graders } runCount } } ${ERRORS}`;
const CREATE = `mutation ($name: String!, $assessments: [String!]) { createSuite(name: $name, assessments: $assessments) { __typename ${SUITE} } }`;
const START = `mutation ($suite: ID!, $candidates: [CandidateInput!]!) { startSuite(suite: $suite, candidates: $candidates) {
  __typename ... on StartSuiteSuccess { number runs { id } } ${ERRORS} } }`;
const REPORT = `query ($name: String!, $number: Int) { suite(name: $name) { runCount run(number: $number) {
  number sentence isClear entries { entry dataset assessment { name report { candidates { interval { mean } } } } }
  lead { best second difference low high p n entries }
  lines { name cells { answered interval { mean n } } overall { mean low high entries n method } } }
  history { number name mean low high entries of } } }`;
const withRun = z.looseObject({ run: z.object({ id: z.string() }) });
const begun = z.looseObject({ number: z.number(), runs: z.array(z.object({ id: z.string() })) });
const mean = z.object({ mean: z.number() });
const overall = mean.extend({ low: z.number(), high: z.number(), entries: z.number(), n: z.number() });
const shape = z.object({
  suite: z.object({
    runCount: z.number(),
    run: z.object({
      number: z.number(),
      sentence: z.string(),
      entries: z.array(
        z.object({
          entry: z.string(),
          dataset: z.string(),
          assessment: z
            .object({
              name: z.string(),
              report: z.object({ candidates: z.array(z.object({ interval: mean.nullable() })) }),
            })
            .nullable(),
        }),
      ),
      lead: z.looseObject({ best: z.string(), second: z.string(), difference: z.number() }).nullable(),
      lines: z.array(
        z.object({
          name: z.string(),
          cells: z.array(z.object({ interval: mean.nullable(), answered: z.number() })),
          overall: overall.nullable(),
        }),
      ),
    }),
    history: z.array(
      overall.omit({ n: true }).extend({ number: z.number(), name: z.string(), of: z.number() }),
    ),
  }),
});
let world: World;

const read = async (name: string, number?: number) =>
  shape.parse(await world.graphql(REPORT, { name, number })).suite;
async function run(suite: string, models: readonly string[]): Promise<number> {
  const candidates = models.map((model) => ({ model }));
  const { number, runs } = begun.parse(await world.act(START, { suite, candidates }));
  for (const { id } of runs) await world.succeeded(id);
  return number;
}

beforeAll(async () => {
  world = await assessWorld();
  const common = { question: "{{question}}", candidates: [{ model: "toy" }], maxTokens: 4 };
  await importRows(
    world,
    "few",
    Array.from({ length: 3 }, (_, at) => ({ question: `Hello ${at}`, answer: "x" })),
  );
  for (const [name, more] of [
    ["letters", { dataset: "rows", graders: ["regex:[a-m]"] }],
    ["figures", { dataset: "rows", graders: ["regex:[0-9]", "regex:."], sample: { size: 5, seed: 3 } }],
    ["greeting", { dataset: "few", reference: "answer", graders: ["contains"] }],
  ] as const)
    await world.succeeded(
      withRun.parse(await world.act(ASSESS, { input: { ...common, name, ...more } })).run.id,
    );
}, 120_000);
afterAll(() => world?.close());

test("a suite keeps assessments as they were defined, with the version of their dataset", async () => {
  const made = await world.act(CREATE, { name: "nightly", assessments: ["letters", "figures"] });
  expect(made).toMatchObject({
    suite: {
      name: "nightly",
      runCount: 0,
      entries: [
        { name: "letters", dataset: "rows@1", isThere: true, graders: ["regex:[a-m]"] },
        { name: "figures", dataset: "rows@1", graders: ["regex:[0-9]", "regex:."] },
      ],
    },
  });
  const added = await world.act(
    `mutation { addToSuite(suite: "nightly", assessment: "greeting") { __typename ${SUITE} } }`,
  );
  expect(added).toMatchObject({ suite: { entries: [{}, {}, { name: "greeting", dataset: "few@1" }] } });
});

test("a run asks every entry of every candidate; each entry counts the same in the whole", async () => {
  expect(await run("nightly", ["toy", "tuned"])).toBe(1);
  const { run: found, history } = await read("nightly");
  expect(found.entries.map(({ entry, dataset, assessment }) => [entry, dataset, assessment?.name])).toEqual([
    ["letters", "rows@1", "nightly 1: letters"],
    ["figures", "rows@1", "nightly 1: figures"],
    ["greeting", "few@1", "nightly 1: greeting"],
  ]);
  expect(found.lines.map(({ name }) => name)).toEqual(["toy", "tuned"]);
  found.lines.forEach((line, at) => {
    const means = found.entries.map(
      ({ assessment }) => assessment?.report.candidates[at]?.interval?.mean ?? -1,
    );
    expect(line.cells.map(({ interval }) => interval?.mean)).toEqual(means);
    expect(line.cells.map(({ answered }) => answered)).toEqual([12, 5, 3]);
    expect(line.overall).toMatchObject({ entries: 3, n: 20 });
    expect(line.overall?.mean).toBeCloseTo(means.reduce((sum, one) => sum + one, 0) / 3, 9);
    expect(line.overall?.low).toBeLessThanOrEqual(line.overall?.mean ?? -1);
    const point = history.find(({ name }) => name === line.name);
    expect(point).toMatchObject({ number: 1, entries: 3, of: 3 });
    expect(point?.mean).toBeCloseTo(line.overall?.mean ?? -1, 9);
  });
  const [toy = 0, tuned = 0] = found.lines.map((line) => line.overall?.mean ?? -1);
  expect(toy).not.toBe(tuned);
  expect(found.lead?.best).toBe(tuned > toy ? "tuned" : "toy");
  expect(found.lead?.difference).toBeCloseTo(Math.abs(tuned - toy), 9);
  expect(found.sentence).toContain("over 3 entries, 20 rows");
});

test("a second run asks the same rows, and the history has both", async () => {
  expect(await run("nightly", ["tuned"])).toBe(2);
  const [first, second, whole] = [await read("nightly", 1), await read("nightly", 2), await read("nightly")];
  expect([whole.runCount, whole.run.number]).toEqual([2, 2]);
  // The same model at temperature 0 on the same rows says the same.
  expect(second.run.lines[0]?.cells).toEqual(first.run.lines[1]?.cells ?? []);
  expect(second.history.map(({ number, name }) => [number, name])).toEqual([
    [1, "toy"],
    [1, "tuned"],
    [2, "tuned"],
  ]);
});

test("what is deleted since is said, and stays out of the scores", async () => {
  const { run: before } = await read("nightly");
  const gone = `mutation ($id: ID!) { delete(id: $id, confirm: true) { __typename ... on DeleteSuccess { id } ${ERRORS} } }`;
  await world.act(gone, { id: "nightly 2: greeting" });
  const { run: after, history } = await read("nightly");
  expect(after.entries[2]).toMatchObject({ entry: "greeting", dataset: "few@1", assessment: null });
  expect(after.lines[0]?.overall).toMatchObject({ entries: 2, n: 17 });
  expect(after.lines[0]?.cells.slice(0, 2)).toEqual(before.lines[0]?.cells.slice(0, 2) ?? []);
  expect(history.at(-1)).toMatchObject({ number: 2, entries: 2, of: 3 });

  await world.act(gone, { id: "few" });
  const candidates = [{ model: "toy" }];
  expect(await world.graphql(START, { suite: "nightly", candidates })).toMatchObject({
    startSuite: { code: "DATASET_GONE", text: 'few@1 of "greeting" was deleted since.', field: "suite" },
  });
  // Nothing of the run was made.
  expect((await read("nightly")).runCount).toBe(2);
  expect(await world.graphql('{ assessment(name: "nightly 3: letters") { id } }')).toEqual({
    assessment: null,
  });
  await world.act(`mutation { takeOutOfSuite(suite: "nightly", entry: "greeting") { __typename ${SUITE} } }`);
  expect(await run("nightly", ["toy"])).toBe(3);
});

const refused: [what: string, mutation: string, code: string][] = [
  ["a name that is taken", 'createSuite(name: "nightly")', "NAME_TAKEN"],
  ["no candidate", 'startSuite(suite: "nightly", candidates: [])', "ASSESSMENT_INVALID"],
  ["an unknown model", 'startSuite(suite: "nightly", candidates: [{ model: "x" }])', "MODEL_NOT_FOUND"],
  ["an unknown entry", 'takeOutOfSuite(suite: "nightly", entry: "x")', "SUITE_INVALID"],
  ["a copy under a name that is taken", 'copySuite(suite: "nightly", name: "nightly")', "NAME_TAKEN"],
  ["a name that is a path", 'rename(id: "nightly", name: "../x")', "NAME_INVALID"],
];
test.each(refused)("refused: %s", async (_what, mutation, code) => {
  const answer = await world.graphql(`mutation { done: ${mutation} { __typename ${ERRORS} } }`);
  expect(answer).toMatchObject({ done: { code } });
});

test("a suite without entries cannot run, and one holds no more than the limit", async () => {
  await world.act(CREATE, { name: "empty" });
  const candidates = [{ model: "toy" }];
  expect(await world.graphql(START, { suite: "empty", candidates })).toMatchObject({
    startSuite: { code: "SUITE_EMPTY", field: "suite" },
  });
  expect(await world.graphql(CREATE, { name: "full", assessments: Array(25).fill("letters") })).toMatchObject(
    { createSuite: { code: "SUITE_INVALID", field: "assessments" } },
  );
  expect(await world.graphql('{ suite(name: "full") { id } }')).toEqual({ suite: null });
});

test("copied, renamed, deleted and brought back: entries and runs come along, a copy begins anew", async () => {
  const copied = await world.act(
    `mutation { copySuite(suite: "nightly", name: "weekly") { __typename ${SUITE} } }`,
  );
  expect(copied).toMatchObject({
    suite: { name: "weekly", runCount: 0, entries: [{ name: "letters" }, { name: "figures" }] },
  });
  const changed = (name: string, args: string) =>
    world.act(
      `mutation { ${name}(${args}) { __typename ... on ${name[0]?.toUpperCase()}${name.slice(1)}Success { id name } ${ERRORS} } }`,
    );
  expect(await changed("rename", 'id: "nightly", name: "every night"')).toMatchObject({
    name: "every night",
  });
  const before = await read("every night");
  const { id } = z.looseObject({ id: z.string() }).parse(await changed("delete", 'id: "every night"'));
  expect(
    await world.graphql('{ suite(name: "every night") { id } trash { nodes { kind name alongside } } }'),
  ).toMatchObject({
    suite: null,
    trash: { nodes: [{ kind: "suite", name: "every night", alongside: [] }, {}, {}] },
  });
  await world.act(CREATE, { name: "every night" });
  expect(await changed("undelete", `id: "${id}"`)).toMatchObject({ name: "every night_2" });
  expect(await read("every night_2")).toEqual(before);
});

test("the command line makes, runs, reports, lists and deletes suites", async () => {
  const made = await cli(world, "suite", "create", "--name", "bycli", "--assessment", "letters");
  expect(made).toMatchObject({
    code: 0,
    json: { kind: "suite", name: "bycli", entries: [{ name: "letters" }] },
  });
  expect((await cli(world, "suite", "add", "bycli", "figures")).code).toBe(0);
  const ran = await cli(world, "suite", "run", "bycli", "--candidate", "toy", "--wait");
  expect(ran).toMatchObject({
    code: 0,
    json: { kind: "suite", name: "bycli", number: 1, candidates: [{ name: "toy" }] },
  });
  const { json } = await cli(world, "suite", "report", "bycli", "--run", "1");
  expect(json).toEqual(ran.json);
  expect(z.object({ verdict: z.string() }).parse(json).verdict).toStartWith("toy scores ");
  expect(JSON.stringify((await cli(world, "suite", "list")).json)).toContain("bycli");
  expect((await cli(world, "suite", "delete", "bycli", "--yes")).json).toMatchObject({ status: "deleted" });
  expect((await cli(world, "suite", "report", "bycli")).code).toBe(3);
});
