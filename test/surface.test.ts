// The command line's fixed surface through the executable: documents, exit codes 0 to 6, names that the next verb takes.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ConnectionPool } from "@libsql/client/sqlite3";
import { z } from "zod";
import { writeToyModel } from "../src/inference/toy.test-kit.ts";
import { createUser, type Served } from "./command.ts";

setDefaultTimeout(60_000);
const user = createUser();
const data = join(user.folder, "data");
let server: Served;
let env: Record<string, string> = {};

const errorShape = z.object({
  error: z.object({ code: z.string(), message: z.string().min(5), hint: z.string().nullable() }),
});
const thing = z.looseObject({ id: z.string(), name: z.string(), status: z.string() });
const key = z.looseObject({ id: z.string(), name: z.string(), key: z.string().startsWith("esp_") });
const rows = (count: number): string =>
  Array.from(
    { length: count },
    (_, i) => `${JSON.stringify({ prompt: `q${i}`, completion: `a${i}` })}\n`,
  ).join("");

/** A verb that has to succeed: its document. */
async function made(...args: string[]) {
  const { code, document } = await user.json(args, { env });
  if (code !== 0) throw new Error(`${args.join(" ")}: ${JSON.stringify(document)}`);
  return thing.parse(document);
}
/** A verb that has to fail: exit code and error code. */
async function fails(args: readonly string[], extra: Record<string, string> = {}) {
  const { code, document } = await user.json(args, { env: { ...env, ...extra } });
  return { code, error: errorShape.parse(document).error };
}

beforeAll(async () => {
  await writeToyModel(join(user.work, "toy"));
  writeFileSync(join(user.work, "rows.jsonl"), rows(40));
  writeFileSync(join(user.work, "bad.jsonl"), '{"prompt":"q"}\n[1]\n');
  // Before set-up and without a server: the way in for scripts.
  const { code, document } = await user.json(["key", "create", "--data", data, "--name", "first"]);
  expect(code).toBe(0);
  server = await user.serve(data);
  expect(server.setupUrl).toContain("/setup");
  env = { ESPALIER_URL: server.url, ESPALIER_KEY: key.parse(document).key };
});
afterAll(() => user.close());

test("each verb's name goes into the next, with --wait as the finished thing", async () => {
  const base = await made("model", "import", "toy", "--name", "toy", "--wait");
  expect(base).toMatchObject({ kind: "base", name: "toy", status: "ready" });
  const dataset = await made("dataset", "import", "rows.jsonl", "--name", "rows", "--wait");
  expect(dataset).toMatchObject({ kind: "dataset", name: "rows", status: "ready" });
  expect(await made("show", "rows@1")).toMatchObject({ name: "rows", version: { number: 1, rowCount: 40 } });
  const live = await made("deploy", base.name, "--precision", "fp32", "--name", "toy-live", "--wait");
  expect(live).toMatchObject({ kind: "live", status: "live", precision: "fp32" });
  const alias = await made("register", live.name, "--alias", "pet", "--wait");
  expect(alias).toMatchObject({ kind: "registered", name: "pet" });
  for (const model of [base.name, live.name, alias.name]) {
    const chat = ["chat", model, "hi", "--temperature", "0", "--max-tokens", "4"];
    const { document } = await user.json(chat, { env });
    expect(z.object({ text: z.string() }).parse(document).text.length).toBeGreaterThan(0);
    expect(await made("show", model)).toMatchObject({ name: model });
  }
  expect(await made("rename", live.name, "toy-renamed", "--wait")).toMatchObject({
    ...{ id: live.id, kind: "live", name: "toy-renamed", precision: "fp32" },
  });
  expect(await made("rename", "toy-renamed", live.name)).toMatchObject({ id: live.id, name: live.name });
  expect(await made("rename", "rows", "tickets")).toMatchObject({ kind: "dataset", name: "tickets" });
  expect(await made("rename", "tickets", "rows")).toMatchObject({ id: dataset.id, name: "rows" });
  expect(await made("stop", live.name)).toMatchObject({ status: "stopped" });
  expect(await made("start", live.name, "--wait")).toMatchObject({ name: live.name });
  const exported = await made("export", base.name, "--to", "out");
  expect(readdirSync(join(user.work, "out")).sort()).toEqual(readdirSync(join(user.work, "toy")).sort());
  expect(exported).toMatchObject({ status: "exported" });
});

test.each([
  ["bases", "toy"],
  ["datasets", "rows"],
  ["live", "toy-live"],
  ["registered", "pet"],
  ["runs", "Import toy"],
  ["customized", ""],
  ["complete", ""],
  ["third-party", ""],
  ["trainings", ""],
  ["trainers", ""],
  ["trash", ""],
  ["methods", "sft"],
])("list %s is {items}, each shown by its name, and a table for people", async (kind, part) => {
  const { code, document } = await user.json(["list", kind], { env });
  expect(code).toBe(0);
  const { items } = z.strictObject({ items: z.array(thing) }).parse(document);
  const table = await user.run(["list", kind], { env });
  expect(table).toMatchObject({ code: 0, stderr: "" });
  if (part === "") {
    expect({ items, text: table.stdout }).toEqual({ items: [], text: "none yet\n" });
    return;
  }
  const names = items.map(({ name }) => name);
  expect(names.some((name) => name.includes(part))).toBe(true);
  const lines = table.stdout.trimEnd().split("\n");
  expect(lines).toHaveLength(items.length + 1);
  expect(lines[0]).toMatch(/^[A-Z ]+$/);
  for (const [index, item] of items.entries()) expect(lines[index + 1]).toContain(item.name);
  if (kind === "methods") return;
  const first = items[0];
  expect(await made("show", first?.id ?? "")).toMatchObject({ id: first?.id, name: first?.name });
});

test.each([
  [["bogus"], 2, "USAGE"],
  [[], 2, "USAGE"],
  [["list", "cats"], 2, "USAGE"],
  [["rename", "toy"], 2, "USAGE"],
  [["deploy", "toy", "--precision", "int3"], 2, "USAGE"],
  [["serve", "--port", "99999"], 2, "CONFIG_INVALID"],
  [["show", "nobody"], 3, "NOT_FOUND"],
  [["run", "show", "run_9"], 3, "NOT_FOUND"],
  [["model", "import", "/nowhere", "--name", "x"], 3, "PATH_NOT_FOUND"],
  [["restore", "/nowhere.tar", "--data", "fresh"], 3, "BACKUP_NOT_FOUND"],
  [["rename", "nobody", "x"], 3, "NOT_FOUND"],
  [["undelete", "nobody"], 3, "NOT_IN_TRASH"],
  [["purge", "nobody", "--yes"], 3, "NOT_IN_TRASH"],
  [["register", "toy-live", "--alias", "toy"], 4, "ALIAS_TAKEN"],
  [["rename", "toy", "pet"], 4, "NAME_TAKEN"],
  [["rename", "toy", "../x"], 4, "NAME_INVALID"],
  [["rename", "pet", "x"], 4, "NOT_RENAMABLE"],
  [["train", "--base", "toy", "--dataset", "rows", "--name", "t", "--set", "r=0"], 4, "PARAMETER_INVALID"],
  [["retire", "pet"], 4, "HAS_DEPENDANTS"],
  [["delete", "toy"], 4, "HAS_DEPENDANTS"],
  [["assessment", "report", "nobody"], 3, "ASSESSMENT_NOT_FOUND"],
  [
    ["dataset", "collect", "--from-assessment", "nobody", "--candidate", "x", "--name", "d"],
    3,
    "ASSESSMENT_NOT_FOUND",
  ],
  [["dataset", "collect", "--name", "d"], 2, "USAGE"],
  [["chat", "toy", "hi", "--kb", "k"], 3, "KNOWLEDGE_BASE_NOT_FOUND"],
  [["dataset", "import", "bad.jsonl", "--name", "bad", "--wait"], 1, "ROW_NOT_OBJECT"],
] as const)("%p ends with %p, %s", async (args, code, name) => {
  const failed = await fails(args);
  expect({ code: failed.code, name: failed.error.code }).toEqual({ code, name });
  const readable = await user.run(args, { env });
  expect(readable).toMatchObject({ code, stdout: "" });
  expect(readable.stderr).toContain(`(${name})`);
});

test("a wrong key is 4, no server is 5, a newer schema is 6", async () => {
  expect(await fails(["list", "bases"], { ESPALIER_KEY: "esp_wrong" })).toMatchObject({ code: 4 });
  const gone = await fails(["list", "bases"], { ESPALIER_URL: "http://127.0.0.1:9" });
  expect(gone).toMatchObject({ code: 5, error: { code: "UNREACHABLE" } });
  const newer = join(user.folder, "newer");
  await user.json(["key", "create", "--data", newer]);
  const pool = new ConnectionPool(join(newer, "espalier.db"), {}, 1);
  const database = pool.acquireSync();
  database.exec(
    "INSERT INTO schema_migrations (number, name, sha256, applied_at) VALUES (9999, 'later', 'x', 0)",
  );
  pool.close();
  for (const args of [
    ["serve", "--data", newer, "--port", "0"],
    ["key", "create", "--data", newer],
    ["backup", "b.tar", "--data", newer],
  ])
    expect(await fails(args)).toMatchObject({ code: 6, error: { code: "SCHEMA_NEWER" } });
});

test("a setting that a verb does not need cannot break it, one that it needs is named", async () => {
  const broken = { ESPALIER_PORT: "abc" };
  expect(await user.run(["--help"], { env: broken })).toMatchObject({ code: 0, stderr: "" });
  expect(await user.json(["version"], { env: broken })).toMatchObject({ code: 0 });
  expect((await user.json(["list", "bases"], { env: { ...env, ...broken } })).code).toBe(0);
  const refused = await fails(["config", "print"], broken);
  expect(refused).toMatchObject({ code: 2, error: { code: "CONFIG_INVALID" } });
  expect(refused.error.message).toContain("ESPALIER_PORT=abc");
  expect(await fails(["list", "bases"], { ESPALIER_URL: "ftp://x" })).toMatchObject({ code: 2 });
});

test("config print shows where each value is from, and no secret", async () => {
  const { document } = await user.json(["config", "print"], { env });
  const { items } = z.object({ items: z.array(z.looseObject({ key: z.string() })) }).parse(document);
  expect(items.find((item) => item.key === "key")).toMatchObject({ value: "…", origin: "environment" });
  expect(JSON.stringify(document)).not.toContain(env.ESPALIER_KEY ?? "?");
});

test("Ctrl-C on a waiting verb says that the run goes on, and how to wait for it and end it", async () => {
  // Nobody trains here, so the run stays queued.
  const train = ["train", "--base", "toy", "--dataset", "rows", "--name", "later", "--wait"];
  const child = user.start(train, { env });
  const reader = child.stderr.getReader();
  const decoder = new TextDecoder();
  let said = "";
  while (!said.includes("queued")) said += decoder.decode((await reader.read()).value);
  child.kill("SIGINT");
  for (let part = await reader.read(); !part.done; part = await reader.read())
    said += decoder.decode(part.value);
  expect(await child.exited).toBe(1);
  const id = /`espalier run wait (run_\w+)`/.exec(said)?.[1] ?? "";
  expect(said).toContain(`the run ${id} goes on`);
  expect(said).toContain(`espalier run cancel ${id}`);
  expect(await made("run", "show", id)).toMatchObject({ status: "queued" });
  expect(await made("run", "cancel", id, "--wait")).toMatchObject({ id, status: "cancelled" });
  expect(await fails(["run", "wait", id])).toMatchObject({ code: 1, error: { code: "RUN_CANCELLED" } });
  const again = await made("run", "retry", id);
  expect(again).toMatchObject({ retryOf: id });
  await made("run", "cancel", again.id);
});

test("keys are made beside the server, listed without their secrets, and revoked at once", async () => {
  const { document } = await user.json(["key", "create", "--data", data, "--name", "beside"]);
  const second = key.parse(document);
  const other = { env: { ...env, ESPALIER_KEY: second.key } };
  expect((await user.json(["list", "bases"], other)).code).toBe(0);
  const third = key.parse(
    (await user.json(["key", "create", "--name", "reader", "--scopes", "read"], { env })).document,
  );
  const reader = { ESPALIER_KEY: third.key };
  expect(await fails(["deploy", "toy"], reader)).toMatchObject({ code: 4 });
  const list = await user.json(["key", "list"], { env });
  expect(JSON.stringify(list.document)).not.toContain(third.key);
  expect(await made("key", "revoke", "beside")).toMatchObject({ name: "beside", status: "revoked" });
  expect((await user.json(["list", "bases"], other)).code).toBe(4);
});

test("a person made beside the server signs in, and after a reset only with the new password", async () => {
  const signIn = async (password: string): Promise<number> => {
    const body = JSON.stringify({ name: "anna", password });
    const headers = { "content-type": "application/json", origin: server.url };
    return (await fetch(`${server.url}/auth/sign-in`, { method: "POST", headers, body })).status;
  };
  const create = ["user", "create", "--data", data, "--name", "anna", "--password-stdin"];
  expect((await user.json(create, { stdin: "a first password\n" })).code).toBe(0);
  expect(await signIn("a first password")).toBe(200);
  const reset = await user.json(["user", "reset", "--data", data, "--name", "anna"]);
  const { password } = z.object({ password: z.string() }).parse(reset.document);
  expect([await signIn("a first password"), await signIn(password)]).toEqual([401, 200]);
  expect(await fails(create)).toMatchObject({ code: 4 });
});

test("a backup of the running server restores what was there; one flipped byte is found and named", async () => {
  expect((await user.json(["backup", "b.tar", "--data", data])).code).toBe(0);
  expect(await fails(["backup", "b.tar", "--data", data])).toMatchObject({ code: 4 });
  const restored = await user.json(["restore", "b.tar", "--data", "restored", "--verify"]);
  expect(restored).toMatchObject({ code: 0, document: { verified: true } });
  const copy = await user.serve(join(user.work, "restored"));
  const bases = await user.json(["list", "bases"], { env: { ...env, ESPALIER_URL: copy.url } });
  expect(JSON.stringify(bases.document)).toContain('"toy"');
  expect(await copy.stop()).toBe(0);

  const bytes = readFileSync(join(user.work, "b.tar"));
  const at = bytes.indexOf('"hidden_size"');
  expect(at).toBeGreaterThan(0);
  bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
  writeFileSync(join(user.work, "flipped.tar"), bytes);
  const damaged = await fails(["restore", "flipped.tar", "--data", "damaged", "--verify"]);
  expect(damaged).toMatchObject({ code: 1, error: { code: "BACKUP_DAMAGED" } });
  expect(damaged.error.message).toMatch(/blobs\/[0-9a-f]{2}\/[0-9a-f]{62}/);
  expect(readdirSync(user.work)).not.toContain("damaged");
});

test("what is unregistered, retired and deleted is gone", async () => {
  expect(await made("unregister", "pet")).toMatchObject({ status: "unregistered" });
  const { document } = await user.json(["list", "live"], { env });
  const [live] = z.object({ items: z.array(thing) }).parse(document).items;
  expect(await made("retire", live?.name ?? "")).toMatchObject({ status: "retired" });
  expect(await made("delete", "toy", "--yes")).toMatchObject({ kind: "base", status: "deleted" });
  const { document: trash } = await user.json(["list", "trash"], { env });
  expect(trash).toMatchObject({ items: [{ kind: "base", name: "toy", status: "deleted" }] });
  expect(await made("undelete", "toy")).toMatchObject({ kind: "base", name: "toy", status: "ready" });
  expect(await made("delete", "toy", "--yes")).toMatchObject({ status: "deleted" });
  expect(await fails(["show", "toy"])).toMatchObject({ code: 3 });
  expect(await made("purge", "toy", "--yes")).toMatchObject({ kind: "base", name: "toy", status: "purged" });
  expect(await fails(["undelete", "toy"])).toMatchObject({ code: 3, error: { code: "NOT_IN_TRASH" } });
});

test("a second server on the same folder or port is refused by name, and the first goes on", async () => {
  const second = await fails(["serve", "--data", data, "--port", "0"]);
  expect(second).toMatchObject({ code: 4, error: { code: "DATA_FOLDER_IN_USE" } });
  const port = new URL(server.url).port;
  mkdirSync(join(user.work, "empty"));
  const taken = await fails(["serve", "--data", "empty", "--port", port]);
  expect(taken.error).toMatchObject({ code: "PORT_UNUSABLE" });
  expect(taken.error.message).toContain(port);
  expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
});
