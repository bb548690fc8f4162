// `gate`: made, listed, removed, and asked what they say of a model.
import { z } from "zod";
import { EspalierError } from "../kit/errors.ts";
import { confirmed } from "./ask.ts";
import { type Client, ERRORS } from "./client.ts";
import { followOf, type VerbContext } from "./context.ts";
import { RUN_FIELDS, runShape, waitForRun } from "./follow.ts";
import { EXIT } from "./outcome.ts";
import { nodeShape, readAll } from "./pages.ts";
import type { Done } from "./program.ts";
import type { Json } from "./verbs.ts";

const GATE = "__typename id name rule assessmentName assessment { id name } createdBy createdAt";
const gateShape = z.looseObject({
  id: z.string(),
  name: z.string(),
  rule: z.string(),
  assessmentName: z.string(),
  assessment: z.object({ id: z.string(), name: z.string() }).nullable(),
  createdBy: z.string(),
  createdAt: z.string(),
});

/** A gate as a document; one whose assessment was deleted says so by its status. */
function gateOf(node: unknown): Json {
  const { id, name, rule, assessment, assessmentName, createdBy, createdAt } = gateShape.parse(node);
  const status = assessment ? "ready" : "assessment-gone";
  const rest = { assessment: assessment?.name ?? assessmentName, rule, createdBy, createdAt };
  return { id, kind: "gate", name, status, ...rest };
}

export type GateFlags = {
  name: string;
  assessment: string;
  grader?: string;
  atLeast?: number;
  lower?: number;
  notWorseThan?: string;
  by?: number;
};

/** Makes a gate. */
export async function add({ client }: VerbContext, flags: GateFlags): Promise<Json> {
  const { name, assessment, grader, atLeast, lower, notWorseThan, by } = flags;
  const rule = { assessment, grader, atLeast, lowerBoundAtLeast: lower, notWorseThan, byAtMost: by };
  const { gate } = await client.mutate(
    `mutation Add($name: String!, $rule: GateRuleInput!) { createGate(name: $name, rule: $rule) { __typename
      ... on CreateGateSuccess { gate { ${GATE} } } ${ERRORS} } }`,
    { name, rule },
    z.object({ gate: gateShape }),
  );
  return gateOf(gate);
}

/** {"items": […]}, oldest first. */
export async function list({ client }: VerbContext): Promise<Json> {
  return { items: (await readAll(client, "gates", GATE)).map(gateOf) };
}

/** Removes a gate; asks first. */
export async function remove(context: VerbContext, name: string, flags: { yes?: boolean }): Promise<Json> {
  await confirmed(context, `Remove the gate ${name}? It then holds nothing any more.`, flags);
  const gone = await context.client.mutate(
    `mutation Remove($gate: ID!) { deleteGate(gate: $gate) { __typename
      ... on DeleteSuccess { id name } ${ERRORS} } }`,
    { gate: name },
    z.object({ id: z.string(), name: z.string() }),
  );
  return { ...gone, kind: "gate", status: "removed" };
}

const checkShape = z.object({
  gateCheck: z
    .object({
      model: z.string(),
      passes: z.boolean(),
      results: z.array(
        z.object({
          gate: z.object({
            id: z.string(),
            name: z.string(),
            assessment: z.object({ id: z.string() }).nullable(),
          }),
          state: z.string(),
          sentence: z.string(),
          hint: z.string().nullable(),
          figure: z.number().nullable(),
          low: z.number().nullable(),
          high: z.number().nullable(),
          n: z.number().nullable(),
          candidate: z.string().nullable(),
          assessment: z.object({ name: z.string() }).nullable(),
        }),
      ),
    })
    .nullable(),
});
type Checked = NonNullable<z.infer<typeof checkShape>["gateCheck"]>;

async function ask(client: Client, model: string): Promise<Checked> {
  const { gateCheck } = await client.query(
    `query Check($model: String!) { gateCheck(model: $model) { model passes results { gate { id name assessment { id } } state
      sentence hint figure low high n candidate assessment { name } } } }`,
    { model },
    checkShape,
  );
  if (gateCheck) return gateCheck;
  throw new EspalierError("MODEL_NOT_FOUND", `there is no model "${model.slice(0, 120)}"`, {
    hint: "`espalier list bases`, `customized`, `complete` and `live` show the names.",
    value: model.slice(0, 120),
    status: 404,
  });
}

/** What each gate says of a model: exit code 0 where it passes all, 4 where one holds it. */
export async function check(
  context: VerbContext,
  model: string,
  { assess }: { assess?: boolean },
): Promise<Done> {
  let found = await ask(context.client, model);
  const assessing: string[] = [];
  if (assess) {
    // One assessment may answer several gates: what was started for the first is waited for before the next is asked.
    const tests = new Set<string>();
    for (const { gate } of found.results) {
      const test = gate.assessment?.id ?? "";
      if (!context.wait && tests.has(test)) continue;
      const now = (await ask(context.client, model)).results.find((one) => one.gate.id === gate.id);
      if (now?.state !== "unassessed") continue;
      const { run } = await context.client.mutate(
        `mutation Assess($gate: ID!, $model: String!) { assessForGate(gate: $gate, model: $model) { __typename
          ... on AssessmentSuccess { assessment { __typename id name } run { ${RUN_FIELDS} } } ${ERRORS} } }`,
        { gate: gate.id, model },
        z.object({ assessment: nodeShape, run: runShape }),
      );
      tests.add(test);
      assessing.push(run.id);
      if (context.wait) await waitForRun(followOf(context), run.id);
    }
    found = await ask(context.client, model);
  }
  const items = found.results.map(({ gate, state, assessment, low, high, ...rest }) => ({
    gate: gate.name,
    kind: "gate-result",
    status: state,
    passed: state === "passed",
    ...rest,
    ci95: low === null || high === null ? null : [low, high],
    assessment: assessment?.name ?? null,
  }));
  const runs = assessing.length > 0 ? { runIds: assessing } : {};
  return {
    document: { model: found.model, passed: found.passes, items, ...runs },
    exitCode: found.passes ? EXIT.done : EXIT.refused,
  };
}
