// The command line against a small server that speaks the committed schema: documents, exit codes, the --json contract.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { EspalierError } from "../kit/errors.ts";
import { type LocalVerbs, runCli } from "./cli.ts";
import { answer, asked, KEY, WEIGHTS } from "./server.test-kit.ts";

const folder = mkdtempSync(join(tmpdir(), "espalier-cli-"));
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
  rotateSecrets: never,
  version: () => ({ version: "1.2.3" }),
};

async function cli(argv: readonly string[], env: { url?: string; key?: string } = {}) {
  let stdout = "";
  let stderr = "";
  const code = await runCli(argv, {
    local,
    connection: () => ({ url: server.url.origin, key: KEY, ...env }),
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
  [
    "a --set without value",
    ["train", "--base", "b", "--dataset", "d", "--name", "t", "--set", "steps"],
    2,
    "USAGE",
  ],
  ["an unknown precision", ["deploy", "toy", "--precision", "int3"], 2, "USAGE"],
  ["an unknown kind", ["list", "cats"], 2, "USAGE"],
  ["a missing thing", ["show", "nobody"], 3, "NOT_FOUND"],
  ["a missing run", ["run", "wait", "run_9"], 3, "NOT_FOUND"],
  ["a missing file", ["dataset", "import", "/nowhere.jsonl", "--name", "d"], 3, "PATH_NOT_FOUND"],
  ["a typed not found", ["save", "nobody"], 3, "MODEL_NOT_FOUND"],
  ["a taken alias", ["register", "toy", "--alias", "pet"], 4, "NAME_TAKEN"],
  [
    "a refused parameter",
    ["train", "--base", "b", "--dataset", "d", "--name", "t", "--set", "r=0"],
    4,
    "PARAMETER_INVALID",
  ],
  ["what depends on it", ["delete", "support"], 4, "HAS_DEPENDANTS"],
  ["a name of two things", ["delete", "toy"], 4, "NAME_AMBIGUOUS"],
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

test("lists are whole, over as many pages as they have, or as long as was asked", async () => {
  const length = async (...flags: string[]) =>
    z
      .array(z.object({ name: z.string() }))
      .parse((await document("list", "trainings", ...flags)).json["items"]);
  const all = await length();
  expect(all.map(({ name }) => name)).toEqual(Array.from({ length: 230 }, (_, at) => `t${at}`));
  expect(await length("--limit", "150")).toHaveLength(150);
  expect((await document("show", "t229")).code).toBe(0);
});

test.each([
  "bases",
  "datasets",
  "customized",
  "complete",
  "live",
  "registered",
  "trainings",
  "methods",
  "trainers",
  "runs",
  "third-party",
])("list %s asks what the schema has and answers items", async (kind) => {
  const { code, json } = await document("list", kind);
  expect(code).toBe(0);
  const items = z.object({
    items: z.array(z.object({ id: z.string(), name: z.string(), status: z.string() })),
  });
  expect(items.safeParse(json).error).toBeUndefined();
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
  asked.runReads = 0;
  expect((await document("deploy", "toy")).json).toMatchObject({
    id: "dep_1",
    name: "toy_d_int8",
    runId: "run_1",
  });
  expect(asked.inputs.at(-1)).toMatchObject({ modelId: "toy", precision: "FP32" });
  const { code, json } = await document("deploy", "toy", "--precision", "int8", "--wait");
  expect(code).toBe(0);
  expect(asked.runReads).toBe(3);
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
  asked.runReads = 0;
  const { stdout, stderr } = await cli(["deploy", "toy", "--precision", "int8", "--wait"]);
  expect(stderr).toBe("Deploy toy: running\nDeploy toy: succeeded\n");
  expect(stdout).toContain("toy_d_int8");
});

test("a file is uploaded whole although an answer was lost, with its mapping", async () => {
  asked.patches = 0;
  asked.uploads.clear();
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
  expect(asked.patches).toBe(1);
  expect(new TextDecoder().decode(asked.uploads.get("upl_1"))).toBe(text);
  const mapping = { prompt: "q", completion: "a=b" };
  expect(asked.inputs.at(-1)).toEqual({ name: "support", uploadId: "upl_1", keepGoodRows: false, mapping });
});

test("a folder that the server may not read is uploaded file by file, without other weights", async () => {
  asked.uploads.clear();
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
  expect(asked.inputs.at(-1)).toEqual({ name: "toy", uploadIds: ["upl_1", "upl_2"] });
  expect([...asked.uploads.values()].map((bytes) => bytes.length)).toEqual([2, 9_000_000]);
  rmSync(join(path, "model.safetensors"));
  expect((await document("model", "import", path, "--name", "toy")).json).toMatchObject({
    error: { code: "PICKLE_REFUSED" },
  });
});

test("--set takes numbers, JSON and text, and commas where a parameter takes a list", async () => {
  const sets = [
    "max_steps=40",
    "learning_rate=1e-3",
    "lr_scheduler_type=cosine",
    "target_modules=q,v",
    "note=a,b",
    "x=[1]",
  ];
  await cli([
    "train",
    "--base",
    "b",
    "--dataset",
    "d@2",
    "--name",
    "t",
    ...sets.flatMap((one) => ["--set", one]),
    "--save",
  ]);
  expect(asked.inputs.at(-1)).toEqual({
    ...{ name: "t", baseId: "b", datasetVersionId: "d@2", method: "sft", save: true },
    parameters: {
      ...{ max_steps: 40, learning_rate: 0.001, lr_scheduler_type: "cosine", target_modules: ["q", "v"] },
      ...{ note: "a,b", x: [1] },
    },
  });
});

test("chat streams its text, and with --json answers it at once", async () => {
  expect((await cli(["chat", "toy", "hi", "--temperature", "0", "--max-tokens", "8"])).stdout).toBe(
    "Hello there\n",
  );
  expect(asked.inputs.at(-1)).toEqual({ model: "toy", text: "hi", temperature: 0, maxTokens: 8 });
  const { json } = await document("chat", "toy", "hi");
  expect(json).toMatchObject({ text: "Hello there", finishReason: "stop", conversationId: "cnv_1" });
  await cli(["chat", "toy", "hi", "--kb", "x", "--kb", "y"]);
  expect(asked.inputs.at(-1)).toEqual({ model: "toy", text: "hi", knowledgeBases: ["x", "y"] });
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
  const groups = [
    "config",
    "user",
    "model",
    "dataset",
    "run",
    "key",
    "kb",
    "provider",
    "secret",
    "assessment",
    "gate",
    "suite",
  ];
  for (const verb of verbs.filter((name) => !groups.includes(name)))
    expect((await cli([verb, "--help"])).stdout).toContain(`Example:\n  espalier ${verb}`);
  for (const shell of ["bash", "zsh", "fish"]) {
    const script = (await cli(["completion", shell])).stdout;
    for (const verb of verbs) expect(script).toContain(verb);
  }
});
