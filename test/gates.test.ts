// Gates through the API and the command line: what does not pass is neither deployed nor registered, with its figure;
// an override takes a right and a reason, and is kept.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { z } from "zod";
import { projects } from "../schema/tables/accounts.ts";
import { newId } from "../src/kit/ids.ts";
import { createUser } from "./command.ts";
import {
  CHECK,
  createGateKit,
  DEPLOY,
  deployed,
  ERRORS,
  GATE,
  GOOD_SEED,
  REGISTER,
  started,
} from "./gate-kit.ts";
import { startWorld, type World } from "./world.ts";

setDefaultTimeout(120_000);
const OVERRIDES = "{ gateOverrides { nodes { name action alias reason createdBy held { gate sentence } } } }";

let world: World;
const { prepare, importModel, assess, gate, ungate, check, told, live } = createGateKit(() => world);

beforeAll(async () => {
  world = await startWorld([["read"], ["read", "serve"], ["read", "serve", "gates"]]);
  await prepare();
});
afterAll(() => world?.close());

const input = (modelId: string, more: object = {}) => ({ modelId, precision: "FP32", ...more });
/** 18 of 20 rows, with Wilson's interval. */
const GOOD = "good scores 0.90 [0.70, 0.97] (exact, 20 rows of quality)";

test("a preview says what a rule would let pass, before there is a gate", async () => {
  const rule = { assessment: "quality", atLeast: 0.8 };
  const preview = await world.graphql(
    "query ($rule: GateRuleInput!) { gatePreview(rule: $rule) { results { model passes figure gate { id } } } }",
    { rule },
  );
  expect(preview).toEqual({
    gatePreview: {
      results: [
        { model: "good", passes: true, figure: 0.9, gate: null },
        { model: "poor", passes: false, figure: 0, gate: null },
      ],
    },
  });
  expect((await check("poor")).results).toEqual([]);
});

test("what falls short is neither deployed nor registered, and the figure is said; what passes is both", async () => {
  // Deployed while nothing held it.
  const before = await live("poor", "poor-before");
  await gate("sure", { assessment: "quality", grader: "exact", atLeast: 0.8, lowerBoundAtLeast: 0.6 });
  expect(await told(DEPLOY, input("poor", { name: "poor-live" }))).toMatchObject({
    __typename: "RefusedError",
    code: "GATE_HOLDS",
    field: "gate",
    value: "sure",
    text: "The gate sure holds. poor scores 0.00 [0.00, 0.16] (exact, 20 rows of quality); it takes 0.80 or more.",
  });
  expect(await world.graphql('{ model(name: "poor-live") { id } }')).toEqual({ model: null });
  // A gate that was made after it was deployed holds its registration.
  expect(await told(REGISTER, { liveId: before, alias: "support" })).toMatchObject({ code: "GATE_HOLDS" });
  const passed = await check("good");
  expect(passed).toMatchObject({
    passes: true,
    results: [
      {
        state: "passed",
        sentence: `${GOOD}, which passes.`,
        hint: null,
        figure: 0.9,
        n: 20,
        candidate: "good",
        assessment: { name: "quality" },
      },
    ],
  });
  const id = await live("good", "good-live");
  expect(await told(REGISTER, { liveId: id, alias: "support" })).toMatchObject({
    registered: { alias: "support" },
  });
  await ungate("sure");
});

test("the lower bound counts where it is asked for", async () => {
  await gate("surer", { assessment: "quality", atLeast: 0.8, lowerBoundAtLeast: 0.7 });
  expect(await told(DEPLOY, input("good"))).toMatchObject({
    // In two digits it would not be seen to fall short.
    text: "The gate surer holds. good scores 0.90 [0.699, 0.9721] (exact, 20 rows of quality); its lower bound has to be 0.70 or more.",
  });
  await ungate("surer");
});

test("not worse than the live one: by the difference on the same rows, and by who had the alias last", async () => {
  await gate("no-worse", { assessment: "quality", notWorseThan: "support", byAtMost: 0.02 });
  expect((await check("poor")).results).toMatchObject([
    {
      state: "failed",
      sentence: expect.stringMatching(
        /^poor differs from good by −0\.90 \[−1\.00, −0\.7\d*\] \(exact, 20 rows of quality\); its lower bound has to be −0\.02 or more\.$/,
      ),
    },
  ]);
  expect(await check("good")).toMatchObject({ passes: true, results: [{ figure: 0, low: 0, n: 20 }] });
  await world.act(`mutation { unregisterModel(alias: "support") { __typename ${ERRORS} } }`);
  expect(await check("poor")).toMatchObject({ passes: false, results: [{ state: "failed" }] });
  expect(await told(REGISTER, { liveId: "good-live", alias: "support" })).toMatchObject({
    registered: { alias: "support" },
  });
  await ungate("no-worse");
});

test("a row that no grader could score holds; one grader of several is judged alone", async () => {
  // Of the right answers "no" at least has no number.
  await assess("mixed", ["good", "poor"], { graders: ["exact", "numeric:0"] });
  await gate("mean", { assessment: "mixed", atLeast: 0 });
  expect((await check("good")).results).toMatchObject([
    {
      state: "partial",
      figure: null,
      sentence: expect.stringMatching(/^In mixed only \d+ of 20 rows are scored for good; all are needed\.$/),
    },
  ]);
  await ungate("mean");
  await gate("one", { assessment: "mixed", grader: "exact", atLeast: 0.8 });
  expect((await check("good")).results).toMatchObject([{ state: "passed", figure: 0.9 }]);
  await ungate("one");
  await gate("beside", { assessment: "mixed", grader: "exact", notWorseThan: "good", byAtMost: 0.02 });
  expect((await check("poor")).results).toMatchObject([
    { state: "failed", figure: -0.9, n: 20, assessment: { name: "mixed" } },
  ]);
  expect(await check("good-live")).toMatchObject({ passes: true, results: [{ figure: 0 }] });
  await ungate("beside");
});

test("a model that is not assessed is held until an assessment with the same settings lets it pass", async () => {
  await importModel("next", GOOD_SEED);
  await gate("exact", { assessment: "quality", atLeast: 0.8 });
  const held = { code: "GATE_HOLDS", text: "The gate exact holds. next is not assessed yet as in quality." };
  expect(await told(DEPLOY, input("next"))).toMatchObject(held);
  expect((await check("next")).results[0]?.hint).toContain("espalier gate check next --assess --wait");
  // Another grader, other rows, another length or system prompt make another test.
  await assess("other grader", ["next"], { graders: ["contains"] });
  await assess("other rows", ["next"], { sample: { kind: "first", size: 5 } });
  await assess("longer", ["next"], { maxTokens: 5 });
  const told5 = [{ model: "next", systemPrompt: "The answers are …" }];
  await assess("prompted", [], { candidates: told5 });
  expect(await told(DEPLOY, input("next"))).toMatchObject(held);
  const { run } = started.parse(
    await world.act(
      `mutation { assessForGate(gate: "exact", model: "next") { __typename
        ... on AssessmentSuccess { assessment { id name } run { id } } ${ERRORS} } }`,
    ),
  );
  await world.succeeded(run.id);
  expect(await check("next")).toMatchObject({
    passes: true,
    results: [{ candidate: "next", figure: 0.9, assessment: { name: "quality next" } }],
  });
  await live("next", "next-live");
  await ungate("exact");
});

test("a gate whose assessment was deleted says so, and holds until it is back or the gate is removed", async () => {
  const id = await assess("doomed", ["good"]);
  await gate("orphan", { assessment: "doomed", atLeast: 0.1 });
  expect(await check("good")).toMatchObject({ passes: true });
  const verb = (name: string, success: string) =>
    world.act(`mutation ($id: ID!) { ${name}(id: $id) { __typename ... on ${success} { id } ${ERRORS} } }`, {
      id,
    });
  await verb("delete", "DeleteSuccess");
  expect(await told(DEPLOY, input("good"))).toMatchObject({
    code: "GATE_HOLDS",
    text: "The gate orphan holds. The assessment doomed was deleted, so nothing can pass.",
  });
  expect(await world.graphql("{ gates { nodes { name assessmentName assessment { id } } } }")).toEqual({
    gates: { nodes: [{ name: "orphan", assessmentName: "doomed", assessment: null }] },
  });
  // Another of its name is not the one that was meant.
  await assess("doomed", ["good"], { graders: ["contains"] });
  expect(await check("good")).toMatchObject({ passes: false, results: [{ state: "assessment-gone" }] });
  await verb("undelete", "UndeleteSuccess");
  expect(await check("good")).toMatchObject({ passes: true });
  await verb("delete", "DeleteSuccess");
  await verb("purge", "PurgeSuccess");
  expect(await check("good")).toMatchObject({ passes: false, results: [{ state: "assessment-gone" }] });
  await ungate("orphan");
  expect(await check("good")).toEqual({ passes: true, results: [] });
});

describe("an override", () => {
  beforeAll(() => gate("quality", { assessment: "quality", atLeast: 0.8 }));
  afterAll(() => ungate("quality"));
  const overrides = async () =>
    z
      .object({ gateOverrides: z.object({ nodes: z.array(z.looseObject({ name: z.string() })) }) })
      .parse(await world.graphql(OVERRIDES)).gateOverrides.nodes;

  test("takes the right, and a reason", async () => {
    const wish = input("poor", { name: "poor-live", overrideReason: "The shop opens today." });
    expect(await told(DEPLOY, wish, world.key("read", "serve"))).toMatchObject({ code: "SCOPE_MISSING" });
    await expect(told(DEPLOY, wish, world.key("read"))).rejects.toThrow("SCOPE_MISSING");
    for (const overrideReason of ["  ", "x".repeat(1_001)])
      expect(await told(DEPLOY, { ...wish, overrideReason })).toMatchObject({
        __typename: "InputError",
        code: "GATE_REASON_INVALID",
        field: "overrideReason",
      });
    expect(await overrides()).toEqual([]);
  });

  test("is kept in the transaction in which the model goes live, or neither is", async () => {
    const wish = { overrideReason: "The shop opens today." };
    // The name is refused inside the transaction.
    expect(await told(DEPLOY, input("poor", { ...wish, name: "good" }))).toMatchObject({
      code: "NAME_TAKEN",
    });
    expect(await overrides()).toEqual([]);
    const made = await told(
      DEPLOY,
      input("poor", { ...wish, name: "poor-live" }),
      world.key("read", "serve", "gates"),
    );
    const { live, run } = deployed.parse(made);
    await world.succeeded(run.id);
    const sentence = "poor scores 0.00 [0.00, 0.16] (exact, 20 rows of quality); it takes 0.80 or more.";
    const kept = {
      name: "poor-live",
      action: "deploy",
      alias: null,
      reason: "The shop opens today.",
      createdBy: "read,serve,gates",
      held: [{ gate: "quality", sentence }],
    };
    expect(await overrides()).toEqual([kept]);
    // Registering is another step, and another decision.
    expect(await told(REGISTER, { liveId: live.id, alias: "shop" })).toMatchObject({ code: "GATE_HOLDS" });
    await told(REGISTER, { liveId: live.id, alias: "shop", overrideReason: "As agreed." });
    const page = await world.graphql(
      "query ($id: ID!) { node(id: $id) { ... on LiveModel { gateOverrides { nodes { action alias reason } } } } }",
      { id: live.id },
    );
    expect(page).toEqual({
      node: {
        gateOverrides: {
          nodes: [
            { action: "register", alias: "shop", reason: "As agreed." },
            { action: "deploy", alias: null, reason: "The shop opens today." },
          ],
        },
      },
    });
    await world.act(`mutation { unregisterModel(alias: "shop") { __typename ${ERRORS} } }`);
    await world.act(`mutation { retireLive(id: "poor-live") { __typename ${ERRORS} } }`);
    expect(await overrides()).toHaveLength(2);
  });

  test("is none where nothing held the model", async () => {
    const before = (await overrides()).length;
    await live("good", "good-again", { overrideReason: "Just in case." });
    expect(await overrides()).toHaveLength(before);
  });
});

test("who may not makes, removes and overrides no gate; whoever reads sees them", async () => {
  const rule = { assessment: "quality", atLeast: 0.8 };
  const key = world.key("read", "serve");
  await expect(world.graphql(GATE, { name: "mine", rule }, key)).rejects.toThrow("SCOPE_MISSING");
  await gate("theirs", rule);
  await expect(
    world.graphql('mutation { deleteGate(gate: "theirs") { __typename } }', {}, key),
  ).rejects.toThrow("SCOPE_MISSING");
  expect(await world.graphql("{ gates { nodes { name rule } } }", {}, world.key("read"))).toEqual({
    gates: { nodes: [{ name: "theirs", rule: "The score is at least 0.80." }] },
  });
  await ungate("theirs");
});

test("a gate of another project holds nothing here", async () => {
  const { store, accounts, close } = await world.beside();
  const id = newId("project");
  await store.write((tx) => tx.insert(projects).values({ id, name: "elsewhere", createdAt: 1 }));
  const { secret } = await accounts.createMachineKey({ name: "elsewhere", scopes: ["admin"], project: id });
  await close();
  const rule = { assessment: "quality", atLeast: 1 };
  expect(Object.values(await world.graphql(GATE, { name: "foreign", rule }, secret))[0]).toMatchObject({
    code: "ASSESSMENT_NOT_FOUND",
  });
  await gate("ours", { assessment: "quality", atLeast: 1 });
  expect(await world.graphql("{ gates { nodes { name } } }", {}, secret)).toEqual({ gates: { nodes: [] } });
  expect(await world.graphql(CHECK, { model: "good" }, secret)).toEqual({ gateCheck: null });
  await ungate("ours");
});

const wrong: [what: string, name: string, rule: object, code: string, field: string][] = [
  ["a deleted or unknown assessment", "g", { assessment: "gone", atLeast: 1 }, "ASSESSMENT_NOT_FOUND", "id"],
  ["a grader it does not have", "g", { grader: "json", atLeast: 1 }, "GATE_INVALID", "grader"],
  ["nothing", "g", {}, "GATE_INVALID", "atLeast"],
  ["two things", "g", { atLeast: 1, notWorseThan: "good" }, "GATE_INVALID", "notWorseThan"],
  ["80 for 0.8", "g", { atLeast: 80 }, "GATE_INVALID", "atLeast"],
  [
    "a lower bound below 0",
    "g",
    { atLeast: 0.5, lowerBoundAtLeast: -1 },
    "GATE_INVALID",
    "lowerBoundAtLeast",
  ],
  [
    "a lower bound of a comparison",
    "g",
    { notWorseThan: "good", lowerBoundAtLeast: 0.5 },
    "GATE_INVALID",
    "lowerBoundAtLeast",
  ],
  ["two points as 2", "g", { notWorseThan: "good", byAtMost: 2 }, "GATE_INVALID", "byAtMost"],
  ["points of no comparison", "g", { atLeast: 0.5, byAtMost: 0.1 }, "GATE_INVALID", "byAtMost"],
  ["an unknown model", "g", { notWorseThan: "nobody" }, "MODEL_NOT_FOUND", "notWorseThan"],
  ["a name that is a path", "../g", { atLeast: 1 }, "NAME_INVALID", "name"],
];
test.each(wrong)("refused: %s", async (_, name, rule, code, field) => {
  const answer = await world.graphql(GATE, { name, rule: { assessment: "quality", ...rule } });
  expect(answer).toMatchObject({ createGate: { code, field, hint: expect.stringMatching(/.{10}/) } });
  expect(await world.graphql("{ gates { totalCount } }")).toEqual({ gates: { totalCount: 0 } });
});

test("at the command line: made, listed, checked with exit code 4 or 0, overridden, removed", async () => {
  const user = createUser();
  const env = { ESPALIER_URL: world.server.url, ESPALIER_KEY: world.key("admin") };
  const run = (...args: string[]) => user.json(args, { env });
  const added = await run(
    ...["gate", "add", "--name", "cli", "--assessment", "quality", "--at-least", "0.8", "--lower", "0.6"],
  );
  expect(added).toMatchObject({
    code: 0,
    document: {
      kind: "gate",
      name: "cli",
      status: "ready",
      assessment: "quality",
      rule: "The score is at least 0.80, and its lower bound at least 0.60.",
    },
  });
  expect(await run("gate", "list")).toMatchObject({ code: 0, document: { items: [{ name: "cli" }] } });
  expect(await run("gate", "check", "good")).toMatchObject({ code: 0, document: { passed: true } });
  expect(await run("gate", "check", "poor")).toMatchObject({
    code: 4,
    document: {
      model: "poor",
      passed: false,
      items: [{ gate: "cli", status: "failed", passed: false, figure: 0, n: 20, assessment: "quality" }],
    },
  });
  expect(await run("gate", "check", "nobody")).toMatchObject({
    code: 3,
    document: { error: { code: "MODEL_NOT_FOUND" } },
  });
  expect(await run("deploy", "poor", "--name", "poor-cli")).toMatchObject({
    code: 4,
    document: { error: { code: "GATE_HOLDS", message: expect.stringContaining("0.00 [0.00, 0.16]") } },
  });
  const reason = ["--override-reason", "For a demonstration."];
  expect(await run("deploy", "poor", "--name", "poor-cli", ...reason, "--wait")).toMatchObject({
    code: 0,
    document: { name: "poor-cli", status: "live" },
  });
  await importModel("later", GOOD_SEED);
  expect(await run("gate", "check", "later")).toMatchObject({
    code: 4,
    document: {
      items: [{ status: "unassessed", hint: expect.stringContaining("gate check later --assess") }],
    },
  });
  expect(await run("gate", "check", "later", "--assess", "--wait")).toMatchObject({
    code: 0,
    document: { passed: true, items: [{ candidate: "later", figure: 0.9, assessment: "quality later" }] },
  });
  expect(await run("gate", "remove", "cli", "--yes")).toMatchObject({ code: 0 });
  expect(await run("gate", "remove", "cli", "--yes")).toMatchObject({ code: 3 });
});
