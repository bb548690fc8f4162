// The stages of a model's life: train, save, deploy, register, and their ends.
import { z } from "zod";
import { EspalierError, isEspalierError } from "../kit/errors.ts";
import { confirmed } from "./ask.ts";
import { type Client, ERRORS } from "./client.ts";
import { outcome, type VerbContext } from "./context.ts";
import { RUN_FIELDS, runShape } from "./follow.ts";
import { usage } from "./outcome.ts";
import { nodeShape, readAll } from "./pages.ts";
import { findById, getThing, idsOf, nothingNamed, selection, type Thing, thingOf } from "./things.ts";
import type { Json } from "./verbs.ts";

const runStarted = z.object({ run: runShape });
const trainingStarted = z.object({ training: nodeShape, run: runShape });
const liveStarted = z.object({ live: nodeShape, run: runShape });
const registered = z.object({ registered: nodeShape });
const live = z.object({ live: nodeShape });
const changed = z.object({ id: z.string(), name: z.string() });

export type TrainFlags = {
  base: string;
  dataset: string;
  method: string;
  name: string;
  set?: readonly string[];
  map?: readonly string[];
  save?: boolean;
};

/** Starts a training; with --wait ends with the customized model, with --save with the complete one. */
export async function train(context: VerbContext, flags: TrainFlags, mapping: Json): Promise<Json> {
  const input = {
    name: flags.name,
    baseId: flags.base,
    datasetVersionId: flags.dataset,
    method: flags.method,
    parameters: await withLists(context, flags.method, parametersOf(flags.set ?? [])),
    save: flags.save ?? false,
    ...(mapping === null ? {} : { mapping }),
  };
  const { training, run } = await context.client.mutate(
    `mutation Train($input: StartTrainingInput!) { startTraining(input: $input) { __typename
      ... on StartTrainingSuccess { training { ${selection("Training")} } run { ${RUN_FIELDS} } } ${ERRORS} } }`,
    { input },
    trainingStarted,
  );
  return outcome(context, run.id, { ...thingOf(training), runId: run.id });
}

/** --set k=v … as an object: numbers, true, false, null, lists and objects as JSON, anything else as text. */
export function parametersOf(pairs: readonly string[]): Record<string, unknown> {
  const parameters: Record<string, unknown> = {};
  for (const pair of pairs) {
    const at = pair.indexOf("=");
    if (at < 1)
      throw usage(`--set ${pair} is not understood`, "Say --set name=value, e.g. --set max_steps=40.");
    parameters[pair.slice(0, at)] = valueIn(pair.slice(at + 1));
  }
  return parameters;
}

function valueIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // 1., .5 and +1 are numbers to everybody but JSON.
    return text.trim() !== "" && /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : text;
  }
}

const methods = z.object({
  methods: z.array(
    z.object({
      name: z.string(),
      parameters: z.looseObject({ properties: z.record(z.string(), z.unknown()) }),
    }),
  ),
});
const listSchema = z.union([
  z.looseObject({ type: z.literal("array") }),
  z
    .looseObject({ anyOf: z.array(z.looseObject({ type: z.string().optional() })) })
    .refine(({ anyOf }) => anyOf.some(({ type }) => type === "array")),
]);

/** Texts with commas as lists, for the parameters that take lists: `target_modules=q_proj,v_proj`. */
async function withLists({ client }: VerbContext, method: string, given: Record<string, unknown>) {
  const parameters = { ...given };
  const texts = Object.entries(given).filter(([, value]) => typeof value === "string" && value.includes(","));
  if (texts.length === 0) return parameters;
  const known = (await client.query("{ methods { name parameters } }", {}, methods)).methods;
  const properties = known.find(({ name }) => name === method)?.parameters.properties ?? {};
  for (const [name, value] of texts)
    if (listSchema.safeParse(properties[name]).success) parameters[name] = String(value).split(",");
  return parameters;
}

/** Merges base and adapter into a complete model. */
export async function save(context: VerbContext, model: string, { name }: { name?: string }): Promise<Json> {
  const { run } = await context.client.mutate(
    `mutation Save($input: SaveModelInput!) { saveModel(input: $input) { __typename
      ... on SaveModelSuccess { run { ${RUN_FIELDS} } } ${ERRORS} } }`,
    { input: { customizedId: model, ...(name === undefined ? {} : { name }) } },
    runStarted,
  );
  const made = name ?? run.name.replace(/^Save /, "");
  return outcome(context, run.id, {
    id: run.subjectId,
    kind: "complete",
    name: made,
    status: "saving",
    runId: run.id,
  });
}

const PRECISIONS = ["fp32", "int8", "native"];

/** Serves a base, customized or complete model. Its own quantisation for a GGUF, else fp32, when unsaid. */
export async function deploy(
  context: VerbContext,
  model: string,
  flags: { name?: string; precision?: string; overrideReason?: string },
): Promise<Json> {
  if (flags.precision !== undefined && !PRECISIONS.includes(flags.precision))
    throw usage(`--precision ${flags.precision} is not known`, `Choose one of ${PRECISIONS.join(", ")}.`);
  const precision = flags.precision ?? (await preferredPrecision(context, model));
  const input = {
    modelId: model,
    precision: precision.toUpperCase(),
    ...(flags.name === undefined ? {} : { name: flags.name }),
    ...(flags.overrideReason === undefined ? {} : { overrideReason: flags.overrideReason }),
  };
  const started = await context.client.mutate(
    `mutation Deploy($input: DeployModelInput!) { deployModel(input: $input) { __typename
      ... on DeployModelSuccess { live { ${selection("LiveModel")} } run { ${RUN_FIELDS} } } ${ERRORS} } }`,
    { input },
    liveStarted,
  );
  return outcome(context, started.run.id, { ...thingOf(started.live), runId: started.run.id });
}

/** What the server names first among the precisions of the model or of its base. */
async function preferredPrecision({ client }: VerbContext, model: string): Promise<string> {
  const shape = z.looseObject({
    kind: z.string(),
    base: z.object({ id: z.string() }).optional(),
    precisions: z.array(z.string()).optional(),
  });
  const thing = shape.parse(await getThing(client, model));
  if (thing.kind === "complete") return "fp32";
  const base = thing.base ? shape.parse(await getThing(client, thing.base.id)) : thing;
  return base.precisions?.[0] ?? "fp32";
}

/** Gives a live model a stable name. */
export async function register(
  { client }: VerbContext,
  model: string,
  flags: { alias: string; overrideReason?: string },
): Promise<Json> {
  const answer = await client.mutate(
    `mutation Register($input: RegisterModelInput!) { registerModel(input: $input) { __typename
      ... on RegisterModelSuccess { registered { ${selection("RegisteredModel")} } } ${ERRORS} } }`,
    { input: { liveId: model, ...flags } },
    registered,
  );
  return thingOf(answer.registered);
}

export async function unregister(
  context: VerbContext,
  alias: string,
  flags: { yes?: boolean },
): Promise<Json> {
  await confirmed(context, `Free the alias ${alias}? Programs that ask for it are then refused.`, flags);
  const { client } = context;
  const gone = await client.mutate(
    `mutation Unregister($alias: String!) { unregisterModel(alias: $alias) { __typename
      ... on DeleteSuccess { id name } ${ERRORS} } }`,
    { alias },
    changed,
  );
  return { ...gone, kind: "registered", status: "unregistered" };
}

export async function retire(context: VerbContext, model: string, flags: { yes?: boolean }): Promise<Json> {
  await confirmed(context, `Retire ${model} for good?`, flags);
  const { client } = context;
  const gone = await client.mutate(
    `mutation Retire($id: ID!) { retireLive(id: $id) { __typename ... on DeleteSuccess { id name } ${ERRORS} } }`,
    { id: model },
    changed,
  );
  return { ...gone, kind: "live", status: "retired" };
}

/** Takes a live model out of service, or puts it back. */
export async function setService(
  { client }: VerbContext,
  model: string,
  verb: "stop" | "start",
): Promise<Json> {
  const answer = await client.mutate(
    `mutation Service($id: ID!) { ${verb}Live(id: $id) { __typename
      ... on LiveSuccess { live { ${selection("LiveModel")} } } ${ERRORS} } }`,
    { id: model },
    live,
  );
  return thingOf(answer.live);
}

/** The one thing of a name or id. @throws EspalierError NAME_AMBIGUOUS, NOT_FOUND */
async function onlyThing(client: Client, name: string): Promise<Thing> {
  const ids = await idsOf(client, name);
  const found = Object.entries(ids).filter(([, id]) => id !== null);
  if (new Set(found.map(([, id]) => id)).size > 1)
    throw new EspalierError(
      "NAME_AMBIGUOUS",
      `"${name}" names ${found.map(([kind, id]) => `a ${kind} (${id})`).join(" and ")}`,
      {
        hint: "Say which by its id.",
        value: name,
        status: 409,
      },
    );
  const id = found[0]?.[1] ?? null;
  const thing = id === null ? await getThing(client, name) : await findById(client, id);
  if (!thing) throw nothingNamed(name);
  return thing;
}

/** Gives a thing another name. */
export async function rename({ client }: VerbContext, name: string, wanted: string): Promise<Json> {
  const { id } = await onlyThing(client, name);
  await client.mutate(
    `mutation Rename($id: ID!, $name: String!) { rename(id: $id, name: $name) { __typename
      ... on RenameSuccess { id name } ${ERRORS} } }`,
    { id, name: wanted },
    changed,
  );
  return (await findById(client, id)) ?? Promise.reject(nothingNamed(wanted));
}

/** Deletes a thing; what depends on it only with --yes. */
export async function remove(context: VerbContext, name: string, { yes }: { yes?: boolean }): Promise<Json> {
  const { client } = context;
  const thing = await onlyThing(client, name);
  await confirmed(context, `Delete ${thing.kind} ${thing.name}?`, yes ? { yes } : {});
  try {
    const gone = await client.mutate(
      `mutation Delete($id: ID!, $confirm: Boolean) { delete(id: $id, confirm: $confirm) { __typename
        ... on DeleteSuccess { id name } ${ERRORS} } }`,
      { id: thing.id, confirm: yes ?? false },
      changed,
    );
    return { ...gone, kind: thing.kind, status: "deleted" };
  } catch (error) {
    if (!isEspalierError(error)) throw error;
    if (error.status === 404) throw nothingNamed(name);
    if (error.code !== "HAS_DEPENDANTS") throw error;
    throw new EspalierError(error.code, error.message, {
      hint: "Give --yes to delete these too.",
      value: name,
      status: 409,
    });
  }
}

/** What was deleted, by its id or name; of several with one name, the one deleted last. @throws EspalierError NOT_IN_TRASH */
async function deletedThing(client: VerbContext["client"], name: string) {
  const entries = await readAll(client, "trash", selection("TrashEntry"));
  const entry = entries.find((one) => one.id === name) ?? entries.find((one) => one["name"] === name);
  if (entry) return entry;
  throw new EspalierError("NOT_IN_TRASH", `nothing named "${name.slice(0, 200)}" is among what was deleted`, {
    hint: "`espalier list trash` shows what can come back.",
    value: name.slice(0, 200),
    status: 404,
  });
}

/** Brings back what was deleted. */
export async function undelete({ client }: VerbContext, name: string): Promise<Json> {
  const { id } = await deletedThing(client, name);
  await client.mutate(
    `mutation Undelete($id: ID!) { undelete(id: $id) { __typename ... on UndeleteSuccess { id name } ${ERRORS} } }`,
    { id },
    changed,
  );
  return (await findById(client, id)) ?? Promise.reject(nothingNamed(name));
}

/** Ends what was deleted before its time. */
export async function purge(context: VerbContext, name: string, options: { yes?: boolean }): Promise<Json> {
  const { client } = context;
  const entry = await deletedThing(client, name);
  await confirmed(context, `Delete ${entry["kind"]} ${entry["name"]} for good?`, options);
  const gone = await client.mutate(
    `mutation Purge($id: ID!) { purge(id: $id) { __typename ... on PurgeSuccess { id name } ${ERRORS} } }`,
    { id: entry.id },
    changed,
  );
  return { ...gone, kind: entry["kind"], status: "purged" };
}
