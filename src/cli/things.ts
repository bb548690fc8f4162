// The things of a project as documents: what is asked of the server for each, and how it is named and found.
import { z } from "zod";
import { EspalierError } from "../kit/errors.ts";
import type { Client } from "./client.ts";
import { type Node, nodeShape, readAll } from "./pages.ts";
import type { Json } from "./verbs.ts";

/** A thing as `--json` prints it: id, kind, name and status first, then what is its own. */
export type Thing = {
  id: string;
  kind: string;
  name: string;
  status: string;
  [key: string]: Json | undefined;
};

const runFields = `id kind name status attempt progress step totalSteps etaSeconds subjectId retryOf
  cancelRequestedAt createdAt startedAt endedAt error { code message hint field value }`;
const versionFields =
  "id number hash shape rowCount sizeBytes columns { name type emptyShare } mapping splits statistics createdAt";

/** What is asked of each type, in lists and alone. */
const FIELDS = {
  BaseModel: `id name status architecture format parameters dtype contextLength vocabSize sizeBytes licence hash
    precisions fit { fits neededBytes availableBytes sentence } createdAt`,
  CustomizedModel: "id name base { id name } training { id name } rank sizeBytes hash createdAt",
  CompleteModel: "id name base { id name } customized { id name } sizeBytes hash verification createdAt",
  LiveModel: `id name status health precision source { id kind name } aliases tokensPerSecond memoryBytes requests
    error { code message hint } createdAt`,
  RegisteredModel: "id alias live { id name status health precision source { id kind name } } createdAt",
  Dataset: `id name status latest { ${versionFields} } createdAt
    run { id status error { code message hint field value } }`,
  DatasetVersion: versionFields,
  Provider: `id name kind url hasKey timeoutMs requestsPerMinute
    models { name model abilities prices { input cachedInput output } } createdAt`,
  ThirdPartyModel: `id name model abilities prices { input cachedInput output } provider { id name kind url }
    createdAt`,
  Training: `id name method parameters save base { id name } datasetVersion { id number } customized { id name }
    run { ${runFields} } createdAt`,
  Trainer: "id name host status methods devices runId lastSeenAt",
  Run: runFields,
  KnowledgeBase: `id name status embedder { id name dimensions } chunking { maxTokens overlapTokens }
    retrieval { ranker k threshold neighbours reranker } counts { total ready failed pending } chunkCount createdAt`,
  Document: `id name state format title pages sizeBytes hash chunkCount warnings knowledgeBase { id name }
    error { code message hint field value } createdAt updatedAt`,
  Assessment: `id name dataset split rowCount graders candidates { name } run { id status progress } createdBy
    createdAt`,
  Suite: "id name entries { name dataset isThere } runCount createdBy createdAt",
  ApiKey: "id name scopes prefix createdAt lastUsedAt revokedAt",
  TrashEntry: "id kind name alongside deletedAt purgedAt",
} as const;
type Typename = keyof typeof FIELDS;

const KIND: Record<Typename, string> = {
  BaseModel: "base",
  CustomizedModel: "customized",
  CompleteModel: "complete",
  LiveModel: "live",
  RegisteredModel: "registered",
  Dataset: "dataset",
  DatasetVersion: "dataset-version",
  Provider: "provider",
  ThirdPartyModel: "third-party",
  Training: "training",
  Trainer: "trainer",
  Run: "run",
  KnowledgeBase: "kb",
  Document: "document",
  Assessment: "assessment",
  Suite: "suite",
  ApiKey: "key",
  TrashEntry: "trash",
};
/** Where a thing was made from and what was made from it, shown for one thing only. */
const LINEAGE = "lineage { id kind name relation } dependantCount dependants { id kind name relation }";
const MORE: Partial<Record<Typename, string>> = {
  BaseModel: `${LINEAGE} renderedExample`,
  CustomizedModel: LINEAGE,
  CompleteModel: LINEAGE,
  LiveModel: LINEAGE,
  Dataset:
    "versions(first: 200) { nodes { id number rowCount } } dependantCount dependants { id kind name relation }",
  Run: "logLines(last: 20)",
};

const typenames = Object.keys(FIELDS).filter(isTypename);

function isTypename(text: string): text is Typename {
  return Object.hasOwn(FIELDS, text);
}

/** The selection of one type, with its name. */
export function selection(typename: Typename): string {
  return `__typename ${FIELDS[typename]}`;
}

/** A node of the server as the document of a thing. */
export function thingOf(node: Node): Thing {
  const { __typename, id, kind, name, status, ...rest } = node;
  const type = isTypename(__typename) ? __typename : null;
  const its: Record<string, Json | undefined> = { ...rest };
  let called = typeof name === "string" ? name : id;
  let state = typeof status === "string" ? status : "ready";
  if (type === "RegisteredModel" && typeof rest["alias"] === "string") called = rest["alias"];
  if (type === "RegisteredModel") state = textAt(rest["live"], "status") ?? state;
  if (type === "Training" || type === "Assessment") state = textAt(rest["run"], "status") ?? state;
  if (type === "Document" && typeof rest["state"] === "string") state = rest["state"];
  if (type === "ApiKey") state = rest["revokedAt"] === null ? "active" : "revoked";
  if (type === "Provider" && typeof kind === "string") its["provider"] = kind;
  if (type === "Run" && typeof kind === "string") its["work"] = word(kind);
  if (type === "TrashEntry" && typeof kind === "string")
    return { id, kind, name: called, ...its, status: "deleted" };
  const what = type === null ? __typename : KIND[type];
  return { id, kind: what, name: called, status: word(state), ...worded(its) };
}

function textAt(value: Json | undefined, key: string): string | null {
  const parsed = z.looseObject({ [key]: z.string() }).safeParse(value);
  const found = parsed.success ? parsed.data[key] : null;
  return typeof found === "string" ? found : null;
}

/** IMPORT_DATASET as import-dataset: the schema writes its words large, people and tables do not. */
function word(text: string): string {
  return /^[A-Z][A-Z0-9_]*$/.test(text) ? text.toLowerCase().replaceAll("_", "-") : text;
}

const WORDS = new Set(["status", "precision", "kind", "shape", "work", "ability"]);
const SINGULAR: Record<string, string> = { precisions: "precision", abilities: "ability" };
const FOREIGN = new Set(["parameters", "mapping", "statistics", "splits", "verification", "devices"]);

/** The same document with the schema's enum values as words; what other programs wrote stays as it is. */
function worded(value: Record<string, Json | undefined>): Record<string, Json | undefined> {
  const result: Record<string, Json | undefined> = {};
  for (const [key, one] of Object.entries(value)) {
    if (key === "__typename") continue;
    result[key] = FOREIGN.has(key) ? one : wordedAt(key, one);
  }
  return result;
}

function wordedAt(key: string, value: Json | undefined): Json | undefined {
  if (typeof value === "string") return WORDS.has(key) ? word(value) : value;
  if (value === null || typeof value !== "object") return value;
  if (isList(value)) {
    const each = SINGULAR[key] ?? key;
    return value.map((one) => wordedAt(each, one) ?? null);
  }
  // A page of a nested list is its items.
  if (value["nodes"] !== undefined) return wordedAt(key, value["nodes"]);
  return worded(value);
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

const ID = /^[a-z]+_[0-9a-hjkmnp-tv-z]{26}$/;

/** Anything by its id; null when there is nothing. */
export async function findById(client: Client, id: string): Promise<Thing | null> {
  const parts = typenames.map((type) => `... on ${type} { ${FIELDS[type]} ${MORE[type] ?? ""} }`);
  // Fields of one name may have different types in different members: each is asked alone.
  const { node } = await client.query(
    "query Type($id: ID!) { node(id: $id) { __typename id } }",
    { id },
    z.object({ node: nodeShape.nullable() }),
  );
  const at = node === null ? -1 : typenames.findIndex((type) => type === node.__typename);
  if (node === null) return null;
  const part = parts[at];
  if (part === undefined) return thingOf(node);
  const full = await client.query(
    `query Thing($id: ID!) { node(id: $id) { __typename id ${part} } }`,
    { id },
    z.object({ node: nodeShape.nullable() }),
  );
  return full.node === null ? null : thingOf(full.node);
}

const found = z.object({
  model: z.object({ id: z.string(), kind: z.string() }).nullable(),
  dataset: z.object({ id: z.string() }).nullable(),
  knowledgeBase: z.object({ id: z.string() }).nullable(),
  assessment: z.object({ id: z.string() }).nullable(),
});
/** What a name may name, besides a training. */
export type Named = {
  model: string | null;
  dataset: string | null;
  kb: string | null;
  assessment: string | null;
};

/** Ids of the model (or alias), of the dataset and of the knowledge base with this name or id. */
export async function idsOf(client: Client, name: string): Promise<Named> {
  const [, plain = name] = /^(.+)@\d+$/.exec(name) ?? [];
  const { model, dataset, knowledgeBase, assessment } = await client.query(
    `query Find($name: String!, $plain: String!) {
      model(name: $name) { id kind } dataset(name: $plain) { id } knowledgeBase(name: $name) { id }
      assessment(name: $name) { id } }`,
    { name, plain },
    found,
  );
  const [of, kb] = [dataset?.id ?? null, knowledgeBase?.id ?? null];
  return { model: model?.id ?? null, dataset: of, kb, assessment: assessment?.id ?? null };
}

/**
 * A model, alias, dataset, knowledge base, training or anything with an id; a model comes before a dataset, and that before a
 * knowledge base, of the same name.
 * @throws EspalierError NOT_FOUND
 */
export async function getThing(client: Client, nameOrId: string): Promise<Thing> {
  if (ID.test(nameOrId)) {
    const byId = await findById(client, nameOrId);
    if (byId) return byId;
  }
  const ids = await idsOf(client, nameOrId);
  const id = ids.model ?? ids.dataset ?? ids.kb ?? ids.assessment ?? (await trainingOf(client, nameOrId));
  const thing = id === null ? null : await findById(client, id);
  if (!thing) throw nothingNamed(nameOrId);
  return thing;
}

/** A model whose training has not ended yet, or failed, still has its training. */
async function trainingOf(client: Client, name: string): Promise<string | null> {
  const trainings = await readAll(client, "trainings", "__typename id name");
  return trainings.find((one) => one["name"] === name)?.id ?? null;
}

export function nothingNamed(name: string): EspalierError {
  return new EspalierError("NOT_FOUND", `there is nothing named "${name.slice(0, 200)}"`, {
    hint: "`espalier list KIND` shows the names.",
    value: name.slice(0, 200),
    status: 404,
  });
}
