// The command line against a small server that speaks the committed schema: documents, exit codes, the --json contract.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { unzipSync } from "fflate";
import { buildSchema, graphql } from "graphql";
import { z } from "zod";
import { EspalierError } from "../kit/errors.ts";
import { sha256 } from "../kit/hash.ts";
import { type LocalVerbs, runCli } from "./cli.ts";

const schema = buildSchema(readFileSync(join(import.meta.dir, "../../schema/schema.graphql"), "utf8"));
const folder = mkdtempSync(join(tmpdir(), "espalier-cli-"));
const KEY = "esp_test";
const WEIGHTS = "weights of the model";
const AT = "2026-01-31T10:00:00.000Z";

/** What the server was asked, and what it holds; reset for each test that looks. */
const asked: { inputs: Record<string, unknown>[]; uploads: Map<string, Uint8Array> } = {
  inputs: [],
  uploads: new Map(),
};
let patches = 0;
let runReads = 0;

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
  ...{ fit, createdAt: AT, lineage: [], dependants: [] },
};
const live = {
  __typename: "LiveModel",
  ...{ id: "dep_1", name: "toy_d_int8", status: "LIVE", health: "ready", precision: "INT8", requests: 1 },
  ...{ source: { id: "base_1", kind: "BASE", name: "toy", usable: true }, aliases: ["pet"], createdAt: AT },
  ...{ lineage: [], dependants: [] },
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
  versions: [],
  createdAt: AT,
  dependants: [],
};
const nodes: Record<string, object> = {
  base_1: base,
  dep_1: live,
  run_2: failed,
  run_3: imported,
  ds_1: dataset,
};

type Input = { input: Record<string, unknown> };
const noted =
  (answer: object) =>
  ({ input }: Input): object => {
    asked.inputs.push(input);
    return answer;
  };
const rootValue = {
  baseModels: [base],
  datasets: [dataset],
  customizedModels: [],
  completeModels: [],
  liveModels: [live],
  registeredModels: [{ id: "als_1", alias: "pet", live, createdAt: AT }],
  trainings: [],
  trainers: [],
  apiKeys: [{ id: "key_1", name: "k", scopes: ["admin"], prefix: "esp_", createdAt: AT }],
  models: [],
  runs: {
    edges: [{ cursor: "run_2", node: failed }],
    pageInfo: { hasNextPage: false, hasPreviousPage: false },
    totalCount: 1,
  },
  node: ({ id }: { id: string }) => {
    // Runs for two looks, then has ended.
    if (id === "run_1") return ++runReads < 3 ? run : { ...run, status: "SUCCEEDED", progress: 1 };
    return nodes[id] ?? null;
  },
  model: ({ name }: { name: string }) => {
    if (name === "toy") return { id: "base_1", kind: "BASE", name, usable: true };
    return name === "pet" ? { id: "dep_1", kind: "LIVE", name, usable: true } : null;
  },
  dataset: ({ name }: { name: string }) => (name === "support" || name === "toy" ? dataset : null),
  importModel: ({ input }: Input) => {
    // As a server in a container does: the address is local, the files are not.
    if (input["path"]) return notFound;
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

async function answer(request: Request): Promise<Response> {
  const { pathname } = new URL(request.url);
  if (request.headers.get("authorization") !== `Bearer ${KEY}`)
    return Response.json({ error: { code: "UNAUTHENTICATED", message: "no credentials" } }, { status: 401 });
  if (pathname === "/uploads") {
    asked.uploads.set("upl_1", new Uint8Array());
    return Response.json({ id: "upl_1", offset: 0 }, { status: 201 });
  }
  if (pathname === "/uploads/upl_1") {
    const held = asked.uploads.get("upl_1") ?? new Uint8Array();
    // The first piece arrives, but its answer is lost.
    const more = request.method === "PATCH" ? await request.bytes() : new Uint8Array();
    if (request.method === "PATCH" && Number(request.headers.get("upload-offset")) !== held.length)
      return Response.json({ error: { code: "UPLOAD_OFFSET_WRONG", message: "elsewhere" } }, { status: 409 });
    asked.uploads.set("upl_1", new Uint8Array([...held, ...more]));
    if (request.method === "PATCH" && ++patches === 1) return new Response("lost", { status: 502 });
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
      `event: next\ndata: ${JSON.stringify({ data: { replyTokens: { text, done, finishReason: done ? "stop" : null, usage: null, error: null } } })}\n\n`;
    const text = `:\n\n${piece("Hello", false)}${piece(" there", true)}event: complete\ndata\n\n`;
    return new Response(text, { headers: { "content-type": "text/event-stream" } });
  }
  return Response.json(await graphql({ schema, source: query, variableValues: variables, rootValue }));
}

let server: Bun.Server<undefined>;
beforeAll(() => {
  server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: answer });
});
afterAll(async () => {
  await server.stop(true);
  rmSync(folder, { recursive: true });
});

const never = (): never => {
  throw new Error("not called in these tests");
};
const local: LocalVerbs = {
  serve: async () => {
    throw new EspalierError("SCHEMA_NEWER", "newer", { status: 409 });
  },
  trainer: never,
  engine: never,
  doctor: async () => ({ ok: false, checks: [] }),
  configPrint: never,
  backup: async () => {
    throw new EspalierError("BACKUP_DAMAGED", "damaged");
  },
  restore: async (flags) => flags,
  keyCreate: async (flags) => ({ id: "key_1", ...flags, key: "esp_local" }),
  userCreate: async ({ name, password }) => ({ id: "usr_1", name, long: password.length >= 12 }),
  userReset: never,
  version: () => ({ version: "1.2.3" }),
};

async function cli(argv: readonly string[], env: { url?: string; key?: string } = {}) {
  let stdout = "";
  let stderr = "";
  const code = await runCli(argv, {
    local,
    env: { url: server.url.origin, key: KEY, ...env },
    stdout: { write: (text) => (stdout += text) },
    stderr: { write: (text) => (stderr += text) },
  });
  return { code, stdout, stderr };
}

/** Runs with --json: exactly one document on stdout and nothing on stderr. */
async function document(...argv: string[]) {
  const { code, stdout, stderr } = await cli([...argv, "--json"]);
  expect(stderr).toBe("");
  expect(stdout.endsWith("\n")).toBe(true);
  expect(stdout.trimEnd().includes("\n")).toBe(false);
  return { code, json: z.record(z.string(), z.unknown()).parse(JSON.parse(stdout)) };
}

const errorOf = z.object({
  error: z.object({ code: z.string(), message: z.string(), hint: z.string().nullable() }),
});

test.each([
  ["no such verb", ["bogus"], 2, "USAGE"],
  ["nothing", [], 2, "USAGE"],
  ["a group alone", ["run"], 2, "USAGE"],
  ["an unknown option", ["show", "toy", "--colour"], 2, "USAGE"],
  ["an argument too many", ["show", "toy", "toy"], 2, "USAGE"],
  ["a missing option", ["register", "toy"], 2, "USAGE"],
  ["text for a number", ["chat", "toy", "hi", "--temperature", "warm"], 2, "USAGE"],
  ["a --set without value", ["train", "--base", "b", "--dataset", "d", "--set", "steps"], 2, "USAGE"],
  ["an unknown precision", ["deploy", "toy", "--precision", "int3"], 2, "USAGE"],
  ["an unknown kind", ["list", "cats"], 2, "USAGE"],
  ["a missing thing", ["show", "nobody"], 3, "NOT_FOUND"],
  ["a missing run", ["run", "wait", "run_9"], 3, "NOT_FOUND"],
  ["a missing file", ["dataset", "import", "/nowhere.jsonl", "--name", "d"], 3, "PATH_NOT_FOUND"],
  ["a typed not found", ["save", "nobody"], 3, "MODEL_NOT_FOUND"],
  ["a taken alias", ["register", "toy", "--alias", "pet"], 4, "NAME_TAKEN"],
  ["a refused parameter", ["train", "--base", "b", "--dataset", "d", "--set", "r=0"], 4, "PARAMETER_INVALID"],
  ["what depends on it", ["delete", "support"], 4, "HAS_DEPENDANTS"],
  ["a name of two things", ["delete", "toy"], 4, "NAME_AMBIGUOUS"],
  ["a stage of later versions", ["list", "kbs"], 4, "NOT_IN_THIS_VERSION"],
  ["a failed run", ["run", "wait", "run_2"], 1, "SMOKE_FAILED"],
  ["a damaged backup", ["backup", "x.tar"], 1, "BACKUP_DAMAGED"],
  ["a newer schema", ["serve"], 6, "SCHEMA_NEWER"],
])("%s ends with its exit code and one error document", async (_, argv, code, name) => {
  const { code: got, json } = await document(...argv);
  expect({ got, name: errorOf.parse(json).error.code }).toEqual({ got: code, name });
  const readable = await cli(argv);
  expect(readable).toMatchObject({ code, stdout: "" });
  expect(readable.stderr).toContain(name);
});

test("a server that is not there is code 5, a wrong key code 4", async () => {
  expect(await cli(["list", "bases"], { url: "http://127.0.0.1:1" })).toMatchObject({ code: 5, stdout: "" });
  expect((await cli(["list", "bases", "--url", "http://127.0.0.1:1"])).code).toBe(5);
  const refused = await cli(["list", "bases", "--json"], { key: "wrong" });
  expect(refused.code).toBe(4);
  expect(errorOf.parse(JSON.parse(refused.stdout)).error.hint).toContain("ESPALIER_KEY");
});

test.each([
  "bases",
  "datasets",
  "customized",
  "complete",
  "live",
  "registered",
  "trainings",
  "trainers",
  "runs",
  "third-party",
])("list %s asks what the schema has and answers items", async (kind) => {
  const { code, json } = await document("list", kind);
  expect(code).toBe(0);
  const items = z.object({
    items: z.array(z.object({ id: z.string(), name: z.string(), status: z.string() })),
  });
  expect(items.parse(json).items.length).toBeLessThan(3);
  expect((await cli(["list", kind])).stdout).toMatch(/none yet|NAME/);
});

test("enum values become words, and a registered model is named by its alias", async () => {
  const { json } = await document("list", "registered");
  expect(json["items"]).toMatchObject([{ id: "als_1", kind: "registered", name: "pet", status: "live" }]);
  expect((await document("show", "toy")).json).toMatchObject({
    kind: "base",
    status: "ready",
    precisions: ["fp32", "int8"],
  });
});

test("without --wait the thing made, with --wait the finished thing and never the run", async () => {
  runReads = 0;
  expect((await document("deploy", "toy")).json).toMatchObject({
    id: "dep_1",
    name: "toy_d_int8",
    runId: "run_1",
  });
  expect(asked.inputs.at(-1)).toMatchObject({ modelId: "toy", precision: "FP32" });
  const { code, json } = await document("deploy", "toy", "--precision", "int8", "--wait");
  expect(code).toBe(0);
  expect(runReads).toBe(3);
  expect(json).toMatchObject({
    id: "dep_1",
    kind: "live",
    name: "toy_d_int8",
    status: "live",
    precision: "int8",
  });
  expect(json["runId"]).toBeUndefined();
});

test("a wait shows the states for people on stderr only", async () => {
  runReads = 0;
  const { stdout, stderr } = await cli(["deploy", "toy", "--precision", "int8", "--wait"]);
  expect(stderr).toBe("Deploy toy: running\nDeploy toy: succeeded\n");
  expect(stdout).toContain("toy_d_int8");
});

test("a file is uploaded whole although an answer was lost, with its mapping", async () => {
  patches = 0;
  const file = join(folder, "rows.jsonl");
  const text = '{"q":"1","a":"2"}\n'.repeat(50);
  writeFileSync(file, text);
  const argv = [
    "dataset",
    "import",
    file,
    "--name",
    "support",
    "--map",
    "prompt=q",
    "--map",
    "completion=a=b",
  ];
  const { code, json } = await document(...argv);
  expect(code).toBe(0);
  expect(json).toMatchObject({ id: "ds_1", name: "support", runId: "run_3" });
  expect(patches).toBe(1);
  expect(new TextDecoder().decode(asked.uploads.get("upl_1"))).toBe(text);
  const mapping = { prompt: "q", completion: "a=b" };
  expect(asked.inputs.at(-1)).toEqual({ name: "support", uploadId: "upl_1", keepGoodRows: false, mapping });
});

test("a folder that the server does not see is uploaded as a zip without other weights", async () => {
  const path = join(folder, "model");
  mkdirSync(path);
  const files = {
    "config.json": "{}",
    "model.safetensors": "w".repeat(9_000_000),
    "pytorch_model.bin": "pickle",
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(path, name), text);
  const { json } = await document("model", "import", path, "--name", "toy", "--wait");
  expect(json).toMatchObject({ id: "base_1", name: "toy", status: "ready" });
  expect(asked.inputs.at(-1)).toEqual({ name: "toy", uploadId: "upl_1" });
  const sent = unzipSync(asked.uploads.get("upl_1") ?? new Uint8Array());
  expect(Object.keys(sent)).toEqual(["config.json", "model.safetensors"]);
  expect(sent["model.safetensors"]?.length).toBe(9_000_000);
});

test("chat streams its text, and with --json answers it at once", async () => {
  expect((await cli(["chat", "toy", "hi", "--temperature", "0", "--max-tokens", "8"])).stdout).toBe(
    "Hello there\n",
  );
  expect(asked.inputs.at(-1)).toEqual({ model: "toy", text: "hi", temperature: 0, maxTokens: 8 });
  const { json } = await document("chat", "toy", "hi");
  expect(json).toMatchObject({ text: "Hello there", finishReason: "stop", conversationId: "cnv_1" });
  expect((await cli(["chat", "toy", "hi", "--kb", "x"])).code).toBe(4);
});

test("export writes a checked folder once, and nothing over what is there", async () => {
  const to = join(folder, "out");
  expect((await document("export", "toy", "--to", to)).json).toMatchObject({ status: "exported", path: to });
  expect(readFileSync(join(to, "config.json"), "utf8")).toBe(WEIGHTS);
  expect((await document("export", "toy", "--to", to)).json).toMatchObject({
    error: { code: "TARGET_EXISTS" },
  });
  expect(readdirSync(folder).filter((name) => name.startsWith(".espalier"))).toEqual([]);
});

test.each([
  ["unregister", ["unregister", "pet"], { status: "unregistered" }],
  ["retire", ["retire", "toy_d_int8"], { status: "retired" }],
  ["stop", ["stop", "pet"], { id: "dep_1" }],
  ["start", ["start", "pet"], { id: "dep_1" }],
  ["delete --yes", ["delete", "support", "--yes"], { status: "deleted", name: "support" }],
  ["run show", ["run", "show", "run_2"], { id: "run_2", status: "failed", work: "deploy" }],
  ["run cancel", ["run", "cancel", "run_2"], { id: "run_2" }],
  ["run retry", ["run", "retry", "run_2"], { id: "run_3" }],
  ["run wait", ["run", "wait", "run_3"], { id: "run_3", status: "succeeded" }],
  ["key create", ["key", "create", "--name", "k"], { id: "key_2", key: "esp_x" }],
  ["key create --data", ["key", "create", "--data", "d"], { key: "esp_local", data: "d", scopes: ["admin"] }],
  ["key list", ["key", "list"], { items: [{ id: "key_1", status: "active" }] }],
  ["key revoke", ["key", "revoke", "k"], { status: "revoked" }],
  ["user create", ["user", "create", "--data", "d", "--name", "anna"], { name: "anna", long: true }],
  ["restore", ["restore", "f", "--verify"], { file: "f", verify: true }],
  ["version", ["version"], { version: "1.2.3" }],
  ["--version", ["--version"], { version: "1.2.3" }],
])("%s answers its thing", async (_, argv, wanted) => {
  const { code, json } = await document(...argv);
  expect(code).toBe(0);
  expect(json).toMatchObject(wanted);
});

test("doctor that finds something wrong is code 1", async () => {
  expect((await cli(["doctor"])).code).toBe(1);
});

test("--help of every verb has an example, and completion names them all", async () => {
  const { stdout } = await cli(["--help"]);
  const verbs = [...stdout.matchAll(/^ {2}([a-z]+) /gm)].map(([, name]) => name ?? "");
  expect(verbs.length).toBeGreaterThan(20);
  const groups = ["config", "user", "model", "dataset", "run", "key"];
  for (const verb of verbs.filter((name) => !groups.includes(name)))
    expect((await cli([verb, "--help"])).stdout).toContain(`Example:\n  espalier ${verb}`);
  for (const shell of ["bash", "zsh", "fish"]) {
    const script = (await cli(["completion", shell])).stdout;
    for (const verb of verbs) expect(script).toContain(verb);
  }
});
