// The provider verbs as a user types them; a provider's key is nowhere in clear, and moves to another secret key.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { createUser, type Served } from "./command.ts";
import { KEY, startWire, WIRES, WORDS } from "./provider-wire.ts";

const user = createUser();
const data = join(user.folder, "data");
const wire = startWire(WIRES.openai);
let server: Served;
let env: Record<string, string>;
const keyShape = z.looseObject({ key: z.string() });
const errorShape = z.object({
  error: z.object({ code: z.string(), message: z.string(), hint: z.string().nullable() }),
});

beforeAll(async () => {
  const made = await user.json(["key", "create", "--data", data]);
  server = await user.serve(data, ["--log-level", "debug"]);
  env = { ESPALIER_URL: server.url, ESPALIER_KEY: keyShape.parse(made.document).key };
});
afterAll(async () => {
  await user.close();
  await wire.close();
});

const add = ["provider", "add", "--name", "acme", "--kind", "openai", "--url", wire.url, "--model", "gpt-4o"];

test("a private address is refused until it is confirmed; the refusal says how", async () => {
  const refused = await user.json([...add, "--key-stdin"], { env, stdin: `${KEY}\n` });
  expect(refused.code).toBe(4);
  const { error } = errorShape.parse(refused.document);
  expect(error.code).toBe("ADDRESS_PRIVATE");
  expect(error.hint).toContain("--allow-private");
  const added = await user.json([...add, "--key-stdin", "--allow-private", "--input-price", "2.5"], {
    env,
    stdin: `${KEY}\n`,
  });
  expect(added).toMatchObject({
    code: 0,
    document: {
      kind: "provider",
      name: "acme",
      status: "ready",
      provider: "openai",
      hasKey: true,
      models: [{ name: "acme/gpt-4o", abilities: ["text", "vision"], prices: { input: 2.5 } }],
    },
  });
});

test("it is tested, listed, chatted with and shown as a model", async () => {
  expect(await user.json(["provider", "test", "acme"], { env })).toMatchObject({
    code: 0,
    document: { name: "acme", model: "acme/gpt-4o", answer: WORDS.join("") },
  });
  expect(await user.json(["provider", "list"], { env })).toMatchObject({
    document: { items: [{ name: "acme", models: [{ model: "gpt-4o" }] }] },
  });
  expect(await user.json(["list", "third-party"], { env })).toMatchObject({
    document: { items: [{ kind: "third-party", name: "acme/gpt-4o", status: "ready" }] },
  });
  expect(await user.json(["chat", "acme/gpt-4o", "Hello"], { env })).toMatchObject({
    code: 0,
    document: { text: WORDS.join("") },
  });
  expect(await user.json(["deploy", "acme/gpt-4o"], { env })).toMatchObject({
    code: 4,
    document: { error: { code: "MODEL_NOT_HERE" } },
  });
  expect(await user.json(["show", "acme/gpt-4o"], { env })).toMatchObject({
    document: { kind: "third-party", provider: { name: "acme" } },
  });
});

test("a failed test has the provider's words and an exit code of its own", async () => {
  wire.manner = "busy-long";
  const failed = await user.json(["provider", "test", "acme"], { env });
  wire.manner = "well";
  expect(failed.code).not.toBe(0);
  expect(errorShape.parse(failed.document).error.message).toBe(
    "acme answered 429: Rate limit reached for requests.",
  );
});

test("the key is in no file of the data folder, no backup, no log and no answer", async () => {
  await user.json(["backup", join(user.folder, "b.tar"), "--data", data]);
  for (const path of filesIn(data)) expect([path, readFileSync(path).includes(KEY)]).toEqual([path, false]);
  const backup = readFileSync(join(user.folder, "b.tar"));
  expect(backup.includes(KEY)).toBe(false);
  const secretKey = readFileSync(join(data, "secret.key"), "utf8").trim();
  expect(statSync(join(data, "secret.key")).mode & 0o777).toBe(0o600);
  expect(backup.includes(secretKey) || backup.includes(Buffer.from(secretKey, "base64"))).toBe(false);
  expect(server.log()).not.toContain(KEY);
  const types = await introspect();
  const fields = types.filter(({ name }) => ["Provider", "ThirdPartyModel"].includes(name));
  expect(fields.length).toBe(2);
  for (const { name, fields: all } of fields) {
    const scalars = all.filter(({ type }) => ["SCALAR", "LIST"].includes(type.ofType?.kind ?? type.kind));
    const plain = scalars.filter(({ type }) => type.ofType?.kind !== "LIST").map((one) => one.name);
    const text = await graphql(
      `{ providers { nodes { ${name === "Provider" ? plain.join(" ") : `models { ${plain.join(" ")} }`} } } }`,
    );
    expect(text).not.toContain("errors");
    expect(text).not.toContain(KEY);
    expect(text).not.toContain("v1.");
  }
});

test("what is removed waits in the trash with its key sealed, moves to another secret key there, and comes back working", async () => {
  expect(await user.json(["provider", "remove", "acme", "--yes"], { env })).toMatchObject({
    code: 0,
    document: { kind: "provider", name: "acme", status: "removed" },
  });
  expect(await user.json(["list", "third-party"], { env })).toMatchObject({ document: { items: [] } });
  expect((await user.json(["chat", "acme/gpt-4o", "Hello"], { env })).code).not.toBe(0);
  const gone = await user.json(["list", "trash"], { env });
  expect(gone).toMatchObject({
    document: { items: [{ kind: "provider", name: "acme", alongside: ["acme/gpt-4o"], status: "deleted" }] },
  });
  expect(JSON.stringify(gone.document)).not.toMatch(/v1\.|sealed/);
  await user.json(["backup", join(user.folder, "gone.tar"), "--data", data]);
  expect(readFileSync(join(user.folder, "gone.tar")).includes(KEY)).toBe(false);
  for (const path of filesIn(data)) expect([path, readFileSync(path).includes(KEY)]).toEqual([path, false]);
  expect(await user.json(["secret", "rotate", "--data", data])).toMatchObject({
    code: 0,
    document: { resealed: 1 },
  });
  expect(await user.json(["undelete", "acme"], { env })).toMatchObject({
    code: 0,
    document: { kind: "provider", name: "acme", hasKey: true, models: [{ name: "acme/gpt-4o" }] },
  });
  expect((await user.json(["provider", "test", "acme"], { env })).code).toBe(0);
  expect(wire.asked.at(-1)?.key).toBe(KEY);
});

test("after a rotation the same server still opens the key; with a wrong one it starts and says so at use", async () => {
  const before = readFileSync(join(data, "secret.key"), "utf8");
  expect(await user.json(["secret", "rotate", "--data", data])).toMatchObject({
    code: 0,
    document: { status: "rotated", resealed: 1 },
  });
  expect(readFileSync(join(data, "secret.key"), "utf8")).not.toBe(before);
  expect((await user.json(["provider", "test", "acme"], { env })).code).toBe(0);
  await server.stop();
  rmSync(join(data, "secret.key"));
  server = await user.serve(data);
  env = { ...env, ESPALIER_URL: server.url };
  const missing = await user.json(["provider", "test", "acme"], { env });
  expect([missing.code, errorShape.parse(missing.document).error.code]).toEqual([4, "SECRET_KEY_MISSING"]);
  expect((await user.json(["provider", "remove", "acme", "--yes"], { env })).code).toBe(0);
  expect(await user.json(["list", "third-party"], { env })).toMatchObject({ document: { items: [] } });
  // A key that was lost for good does not hold up a rotation from the trash.
  expect((await user.json(["secret", "rotate", "--data", data])).code).toBe(0);
});

function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

async function graphql(query: string): Promise<string> {
  const response = await fetch(`${server.url}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${env["ESPALIER_KEY"]}` },
    body: JSON.stringify({ query }),
  });
  return response.text();
}

const kind = z.object({ kind: z.string(), ofType: z.object({ kind: z.string() }).nullish() });
async function introspect() {
  const answer: unknown = JSON.parse(
    await graphql("{ __schema { types { name fields { name type { kind ofType { kind } } } } } }"),
  );
  const fields = z.array(z.object({ name: z.string(), type: kind })).nullable();
  const shape = z.object({
    data: z.object({ __schema: z.object({ types: z.array(z.object({ name: z.string(), fields })) }) }),
  });
  return shape
    .parse(answer)
    .data.__schema.types.map(({ name, fields: all }) => ({ name, fields: all ?? [] }));
}
