// `list` and `show`, and the verbs about runs and keys.
import { z } from "zod";
import { EspalierError } from "../kit/errors.ts";
import { ERRORS } from "./client.ts";
import { followOf, outcome, type VerbContext } from "./context.ts";
import { RUN_FIELDS, runShape, waitForRun } from "./follow.ts";
import { usage } from "./outcome.ts";
import { findById, getThing, nodeShape, selection, thingOf } from "./things.ts";
import type { Json } from "./verbs.ts";

const plural = {
  bases: ["baseModels", "BaseModel"],
  datasets: ["datasets", "Dataset"],
  customized: ["customizedModels", "CustomizedModel"],
  complete: ["completeModels", "CompleteModel"],
  live: ["liveModels", "LiveModel"],
  registered: ["registeredModels", "RegisteredModel"],
  trainings: ["trainings", "Training"],
  trainers: ["trainers", "Trainer"],
} as const;
type Plural = keyof typeof plural;
const LATER = ["kbs", "assessments"];
/** What `list` knows. */
export const LIST_KINDS = [...Object.keys(plural), "third-party", "methods", "runs"];

const items = z.record(z.string(), z.array(nodeShape));
const runPage = z.object({
  runs: z.object({
    edges: z.array(z.object({ node: nodeShape })),
    pageInfo: z.object({ hasNextPage: z.boolean(), endCursor: z.string().nullable() }),
  }),
});
const methodList = z.object({
  methods: z.array(z.object({ name: z.string(), title: z.string(), parameters: z.json() })),
});
const PAGE = 200;

/** {"items": […]} of one kind, newest first. */
export async function list(context: VerbContext, kind: string, flags: { limit?: number }): Promise<Json> {
  const limit = flags.limit ?? Number.POSITIVE_INFINITY;
  if (kind === "runs") return { items: await listRuns(context, limit) };
  if (LATER.includes(kind))
    throw new EspalierError("NOT_IN_THIS_VERSION", `this version of Espalier has no ${kind}`, {
      hint: `It lists ${LIST_KINDS.join(", ")}.`,
      value: kind,
      status: 409,
    });
  if (kind === "methods") {
    const { methods } = await context.client.query("{ methods { name title parameters } }", {}, methodList);
    return { items: methods.map((one) => ({ id: one.name, kind: "method", status: "ready", ...one })) };
  }
  if (kind === "third-party") {
    const { models } = await context.client.query(
      "{ models(kinds: [THIRD_PARTY]) { __typename id name usable reason } }",
      {},
      items,
    );
    return { items: (models ?? []).map((node) => ({ ...thingOf(node), kind })).slice(0, limit) };
  }
  if (!isPlural(kind)) throw usage(`list knows no ${kind}`, `Choose one of ${LIST_KINDS.join(", ")}.`);
  const [field, type] = plural[kind];
  const answer = await context.client.query(`{ ${field} { ${selection(type)} } }`, {}, items);
  return { items: (answer[field] ?? []).map(thingOf).slice(0, limit) };
}

function isPlural(kind: string): kind is Plural {
  return Object.hasOwn(plural, kind);
}

async function listRuns({ client }: VerbContext, limit: number): Promise<Json[]> {
  const all: Json[] = [];
  for (let after: string | null = null; all.length < limit; ) {
    const { runs }: z.infer<typeof runPage> = await client.query(
      `query Runs($first: Int, $after: String) { runs(first: $first, after: $after) {
        edges { node { ${selection("Run")} } } pageInfo { hasNextPage endCursor } } }`,
      { first: Math.min(PAGE, limit), after },
      runPage,
    );
    all.push(...runs.edges.map(({ node }) => thingOf(node)));
    if (!runs.pageInfo.hasNextPage) break;
    after = runs.pageInfo.endCursor;
  }
  return all.slice(0, limit);
}

const versions = z.object({ versions: z.array(z.object({ id: z.string(), number: z.number() })) });

/** Any thing; a dataset as `name@2` comes with that version. @throws EspalierError NOT_FOUND */
export async function show({ client }: VerbContext, name: string): Promise<Json> {
  const thing = await getThing(client, name);
  const number = /@(\d+)$/.exec(name)?.[1];
  if (thing.kind !== "dataset" || number === undefined) return thing;
  const found = versions.parse(thing).versions.find((one) => one.number === Number(number));
  const version = found ? await findById(client, found.id) : null;
  if (version) return { ...thing, version };
  throw new EspalierError("NOT_FOUND", `${thing.name} has no version ${number}`, {
    hint: `\`espalier show ${thing.name}\` lists its versions.`,
    value: name,
    status: 404,
  });
}

export async function showRun({ client }: VerbContext, id: string): Promise<Json> {
  const run = await findById(client, id);
  if (run?.kind === "run") return run;
  throw new EspalierError("NOT_FOUND", `there is no run ${id.slice(0, 100)}`, {
    hint: "`espalier list runs` shows their ids.",
    value: id.slice(0, 100),
    status: 404,
  });
}

/** Waits for a run's end and returns the run. @throws EspalierError with the run's own error. */
export async function awaitRun(context: VerbContext, id: string): Promise<Json> {
  await waitForRun(followOf(context), id);
  return showRun(context, id);
}

const ended = z.object({ run: runShape });

export async function cancelRun(context: VerbContext, id: string): Promise<Json> {
  await context.client.mutate(runVerb("cancelRun"), { id }, ended);
  if (!context.wait) return showRun(context, id);
  await waitForRun(followOf(context), id).catch((error: unknown) => {
    if (!(error instanceof EspalierError) || error.code !== "RUN_CANCELLED") throw error;
  });
  return showRun(context, id);
}

export async function retryRun(context: VerbContext, id: string): Promise<Json> {
  const { run } = await context.client.mutate(runVerb("retryRun"), { id }, ended);
  return outcome(context, run.id, await showRun(context, run.id));
}

function runVerb(name: "cancelRun" | "retryRun"): string {
  return `mutation Verb($id: ID!) { ${name}(id: $id) { __typename ... on RunSuccess { run { ${RUN_FIELDS} } } ${ERRORS} } }`;
}

const keyAnswer = z.object({ apiKey: nodeShape, secret: z.string().nullable() });
const KEY = `... on ApiKeySuccess { apiKey { ${selection("ApiKey")} } secret } ${ERRORS}`;

export async function createKey({ client }: VerbContext, flags: { name: string; scopes: readonly string[] }) {
  const { apiKey, secret } = await client.mutate(
    `mutation Key($name: String!, $scopes: [String!]!) { createApiKey(name: $name, scopes: $scopes) { __typename ${KEY} } }`,
    flags,
    keyAnswer,
  );
  return { ...thingOf(apiKey), key: secret };
}

export async function listKeys({ client }: VerbContext): Promise<Json> {
  const answer = await client.query(`{ apiKeys { ${selection("ApiKey")} } }`, {}, items);
  return { items: (answer["apiKeys"] ?? []).map(thingOf) };
}

export async function revokeKey({ client }: VerbContext, id: string): Promise<Json> {
  const { apiKey } = await client.mutate(
    `mutation Revoke($id: ID!) { revokeApiKey(id: $id) { __typename ${KEY} } }`,
    { id },
    keyAnswer,
  );
  return thingOf(apiKey);
}
