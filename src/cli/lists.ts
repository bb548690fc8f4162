// `list` and `show`, and the verbs about runs and keys.
import { z } from "zod";
import { EspalierError } from "../kit/errors.ts";
import { ERRORS } from "./client.ts";
import { followOf, outcome, type VerbContext } from "./context.ts";
import { RUN_FIELDS, runShape, waitForRun } from "./follow.ts";
import { usage } from "./outcome.ts";
import { nodeShape, readAll } from "./pages.ts";
import { findById, getThing, selection, thingOf } from "./things.ts";
import type { Json } from "./verbs.ts";

const plural = {
  bases: ["baseModels", "BaseModel"],
  datasets: ["datasets", "Dataset"],
  customized: ["customizedModels", "CustomizedModel"],
  complete: ["completeModels", "CompleteModel"],
  live: ["liveModels", "LiveModel"],
  registered: ["registeredModels", "RegisteredModel"],
  kbs: ["knowledgeBases", "KnowledgeBase"],
  assessments: ["assessments", "Assessment"],
  suites: ["suites", "Suite"],
  trainings: ["trainings", "Training"],
  trainers: ["trainers", "Trainer"],
  runs: ["runs", "Run"],
  trash: ["trash", "TrashEntry"],
} as const;
type Plural = keyof typeof plural;
/** What `list` knows. */
export const LIST_KINDS = [...Object.keys(plural), "third-party", "methods"];

const methodList = z.object({
  methods: z.array(z.object({ name: z.string(), title: z.string(), parameters: z.json() })),
});

/** {"items": […]} of one kind, newest first. */
export async function list(context: VerbContext, kind: string, flags: { limit?: number }): Promise<Json> {
  if (kind === "methods") {
    const { methods } = await context.client.query("{ methods { name title parameters } }", {}, methodList);
    return { items: methods.map((one) => ({ id: one.name, kind: "method", status: "ready", ...one })) };
  }
  if (kind === "third-party") {
    const fields = "__typename id name usable reason abilities";
    const nodes = await readAll(context.client, "models", fields, { ...flags, args: "kinds: [THIRD_PARTY]" });
    return { items: nodes.map((node) => ({ ...thingOf(node), kind })) };
  }
  if (!isPlural(kind)) throw usage(`list knows no ${kind}`, `Choose one of ${LIST_KINDS.join(", ")}.`);
  const [field, type] = plural[kind];
  return { items: (await readAll(context.client, field, selection(type), flags)).map(thingOf) };
}

function isPlural(kind: string): kind is Plural {
  return Object.hasOwn(plural, kind);
}

const versionAnswer = z.object({ node: z.object({ version: nodeShape.nullable() }) });

/** Any thing; a dataset as `name@2` comes with that version. @throws EspalierError NOT_FOUND */
export async function show({ client }: VerbContext, name: string): Promise<Json> {
  const thing = await getThing(client, name);
  const number = /@(\d+)$/.exec(name)?.[1];
  if (thing.kind !== "dataset" || number === undefined) return thing;
  const { node } = await client.query(
    `query Version($id: ID!, $number: Int!) {
      node(id: $id) { ... on Dataset { version(number: $number) { ${selection("DatasetVersion")} } } } }`,
    { id: thing.id, number: Number(number) },
    versionAnswer,
  );
  const version = node.version && thingOf(node.version);
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
  // A wait goes on through a restart of the server, but not for one that was never there.
  await showRun(context, id);
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
  return { items: (await readAll(client, "apiKeys", selection("ApiKey"))).map(thingOf) };
}

export async function revokeKey({ client }: VerbContext, id: string): Promise<Json> {
  const { apiKey } = await client.mutate(
    `mutation Revoke($id: ID!) { revokeApiKey(id: $id) { __typename ${KEY} } }`,
    { id },
    keyAnswer,
  );
  return thingOf(apiKey);
}
