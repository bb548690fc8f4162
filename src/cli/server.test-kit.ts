// A small server for tests of the command line: it executes each document against the committed schema.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { buildSchema, graphql } from "graphql";
import { z } from "zod";
import { sha256 } from "../kit/hash.ts";

const schema = buildSchema(readFileSync(join(import.meta.dir, "../../schema/schema.graphql"), "utf8"));
export const KEY = "esp_test";
export const WEIGHTS = "weights of the model";
const AT = "2026-01-31T10:00:00.000Z";

/** What the server was asked, and what it holds; reset for each test that looks. */
export const asked: {
  inputs: Record<string, unknown>[];
  uploads: Map<string, Uint8Array>;
  patches: number;
  runReads: number;
} = {
  inputs: [],
  uploads: new Map(),
  patches: 0,
  runReads: 0,
};

const notFound = {
  __typename: "NotFoundError",
  code: "MODEL_NOT_FOUND",
  message: "no such model",
  hint: "list",
};
const fit = { fits: true, neededBytes: 1, availableBytes: 2, sentence: "It fits." };
const base = {
  __typename: "BaseModel",
  ...{
    id: "base_1",
    name: "toy",
    status: "ready",
    architecture: "LlamaForCausalLM",
    format: "hf",
    parameters: 1e6,
  },
  ...{
    dtype: "F32",
    contextLength: 256,
    vocabSize: 300,
    sizeBytes: 4e6,
    hash: "ab",
    precisions: ["FP32", "INT8"],
  },
  ...{ fit, createdAt: AT, lineage: [], dependants: [], dependantCount: 0 },
};
const live = {
  __typename: "LiveModel",
  ...{ id: "dep_1", name: "toy_d_int8", status: "LIVE", health: "ready", precision: "INT8", requests: 1 },
  ...{ source: { id: "base_1", kind: "BASE", name: "toy", usable: true }, aliases: ["pet"], createdAt: AT },
  ...{ lineage: [], dependants: [], dependantCount: 0 },
};
const run = {
  __typename: "Run",
  ...{ id: "run_1", kind: "DEPLOY", name: "Deploy toy", status: "RUNNING", attempt: 1, progress: 0.5 },
  ...{ subjectId: "dep_1", createdAt: AT, logLines: ["one"] },
};
const failed = {
  ...run,
  id: "run_2",
  status: "FAILED",
  error: { code: "SMOKE_FAILED", message: "it said nothing" },
};
const imported = { ...run, id: "run_3", kind: "IMPORT_MODEL", status: "SUCCEEDED", subjectId: "base_1" };
const dataset = {
  __typename: "Dataset",
  id: "ds_1",
  name: "support",
  status: "ready",
  versions: pageOf([]),
  version: ({ number }: { number: number }) => (number === 1 ? { id: "dsv_1", number } : null),
  createdAt: AT,
  ...{ dependants: [], dependantCount: 0 },
};
const training = (at: number) => ({
  ...{ __typename: "Training", id: `trn_${at}`, name: `t${at}`, method: "sft", parameters: {}, save: false },
  ...{ base, datasetVersion: { id: "dsv_1", number: 1 }, run, createdAt: AT },
});
const nodes: Record<string, object> = {
  base_1: base,
  dep_1: live,
  run_2: failed,
  run_3: imported,
  ds_1: dataset,
};

/** A connection over all of `items`, by place in the list; what it was asked for is really cut out. */
function pageOf(items: object[]) {
  return ({ first = 50, after }: { first?: number; after?: string | null }) => {
    const from = after ? Number(after) + 1 : 0;
    const nodes = items.slice(from, from + first);
    const endCursor = nodes.length > 0 ? String(from + nodes.length - 1) : null;
    const hasNextPage = from + nodes.length < items.length;
    const edges = nodes.map((node, at) => ({ node, cursor: String(from + at) }));
    return { nodes, edges, totalCount: items.length, pageInfo: { hasNextPage, endCursor } };
  };
}

type Input = { input: Record<string, unknown> };
const noted =
  (answer: object) =>
  ({ input }: Input): object => {
    asked.inputs.push(input);
    return answer;
  };
const rootValue = {
  baseModels: pageOf([base]),
  datasets: pageOf([dataset]),
  customizedModels: pageOf([]),
  completeModels: pageOf([]),
  liveModels: pageOf([live]),
  registeredModels: pageOf([{ id: "als_1", alias: "pet", live, createdAt: AT }]),
  // More than one page of the command line.
  trainings: pageOf(Array.from({ length: 230 }, (_, at) => training(at))),
  trainers: pageOf([]),
  methods: [
    {
      name: "sft",
      title: "Supervised",
      parameters: {
        properties: {
          target_modules: { anyOf: [{ const: "all" }, { type: "array" }] },
          note: { type: "string" },
        },
      },
    },
  ],
  apiKeys: pageOf([{ id: "key_1", name: "k", scopes: ["admin"], prefix: "esp_", createdAt: AT }]),
  models: pageOf([]),
  runs: pageOf([failed]),
  node: ({ id }: { id: string }) => {
    // Runs for two looks, then has ended.
    if (id === "run_1") return ++asked.runReads < 3 ? run : { ...run, status: "SUCCEEDED", progress: 1 };
    if (id.startsWith("trn_")) return training(Number(id.slice(4)));
    return nodes[id] ?? null;
  },
  model: ({ name }: { name: string }) => {
    if (name === "toy") return { id: "base_1", kind: "BASE", name, usable: true };
    return name === "pet" ? { id: "dep_1", kind: "LIVE", name, usable: true } : null;
  },
  dataset: ({ name }: { name: string }) => (name === "support" || name === "toy" ? dataset : null),
  importModel: ({ input }: Input) => {
    // As a server does whose key is no admin's: paths are not for it.
    if (input["path"]) return { ...notFound, __typename: "RefusedError", code: "PATH_REFUSED" };
    return noted({ __typename: "ImportModelSuccess", run: imported })({ input });
  },
  importDataset: noted({ __typename: "ImportDatasetSuccess", dataset, run: imported }),
  startTraining: noted({ ...notFound, __typename: "InputError", code: "PARAMETER_INVALID" }),
  saveModel: () => notFound,
  deployModel: noted({ __typename: "DeployModelSuccess", live, run }),
  registerModel: () => ({
    __typename: "RefusedError",
    code: "NAME_TAKEN",
    message: "taken",
    hint: "another",
  }),
  unregisterModel: () => ({ __typename: "DeleteSuccess", id: "als_1", name: "pet" }),
  retireLive: () => ({ __typename: "DeleteSuccess", id: "dep_1", name: "toy_d_int8" }),
  stopLive: () => ({ __typename: "LiveSuccess", live }),
  startLive: () => ({ __typename: "LiveSuccess", live }),
  delete: ({ confirm }: { confirm: boolean }) =>
    confirm
      ? { __typename: "DeleteSuccess", id: "ds_1", name: "support" }
      : { __typename: "RefusedError", code: "HAS_DEPENDANTS", message: "used by toy", hint: "Confirm" },
  cancelRun: () => ({ __typename: "RunSuccess", run: failed }),
  retryRun: () => ({ __typename: "RunSuccess", run: { ...run, id: "run_3" } }),
  createApiKey: () => ({
    __typename: "ApiKeySuccess",
    apiKey: { id: "key_2", name: "k", scopes: [], prefix: "e", createdAt: AT },
    secret: "esp_x",
  }),
  revokeApiKey: () => ({
    __typename: "ApiKeySuccess",
    apiKey: { id: "key_2", name: "k", scopes: [], prefix: "e", createdAt: AT, revokedAt: AT },
  }),
  sendMessage: noted({
    __typename: "SendMessageSuccess",
    conversation: { id: "cnv_1" },
    reply: { id: "msg_1", model: "toy" },
  }),
};

const body = z.object({ query: z.string(), variables: z.record(z.string(), z.unknown()) });

/** Answers as the real server does, for one model, one dataset and three runs. */
export async function answer(request: Request): Promise<Response> {
  const { pathname } = new URL(request.url);
  if (request.headers.get("authorization") !== `Bearer ${KEY}`)
    return Response.json({ error: { code: "UNAUTHENTICATED", message: "no credentials" } }, { status: 401 });
  if (pathname === "/uploads") {
    const id = `upl_${asked.uploads.size + 1}`;
    asked.uploads.set(id, new Uint8Array());
    return Response.json({ id, offset: 0 }, { status: 201 });
  }
  const upload = /^\/uploads\/(upl_\d+)$/.exec(pathname)?.[1];
  if (upload !== undefined) {
    const held = asked.uploads.get(upload) ?? new Uint8Array();
    // The first piece arrives, but its answer is lost.
    const more = request.method === "PATCH" ? await request.bytes() : new Uint8Array();
    if (request.method === "PATCH" && Number(request.headers.get("upload-offset")) !== held.length)
      return Response.json({ error: { code: "UPLOAD_OFFSET_WRONG", message: "elsewhere" } }, { status: 409 });
    asked.uploads.set(upload, new Uint8Array(Buffer.concat([held, more])));
    if (request.method === "PATCH" && ++asked.patches === 1) return new Response("lost", { status: 502 });
    return Response.json({ offset: held.length + more.length });
  }
  if (pathname === "/files/base_1/") {
    const files = [{ path: "config.json", sha256: sha256(WEIGHTS), sizeBytes: WEIGHTS.length }];
    return Response.json({ id: "base_1", name: "toy", files });
  }
  if (pathname === "/files/base_1/config.json") return new Response(WEIGHTS);
  const { query, variables } = body.parse(await request.json());
  if (query.startsWith("subscription")) {
    const piece = (text: string, done: boolean) =>
      `event: next\ndata: ${JSON.stringify({ data: { replyTokens: { text, done, finishReason: done ? "stop" : null, usage: null, citations: null, error: null } } })}\n\n`;
    const text = `:\n\n${piece("Hello", false)}${piece(" there", true)}event: complete\ndata\n\n`;
    return new Response(text, { headers: { "content-type": "text/event-stream" } });
  }
  return Response.json(await graphql({ schema, source: query, variableValues: variables, rootValue }));
}
