// Secrets at rest: sealed for one owner under one key, moved whole to another, and clear about what is wrong.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createSecrets, KEY_FILE } from "./secrets.ts";

let dataDir: string;
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), "espalier-secrets-"));
});
afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

const otherKey = Buffer.alloc(32, 7).toString("base64");

test("nothing is made before the first secret; then the key file is its owner's alone", async () => {
  const secrets = createSecrets({ dataDir });
  expect(existsSync(join(dataDir, KEY_FILE))).toBe(false);
  const sealed = await secrets.seal("prv_1", "sk-secret");
  expect(statSync(join(dataDir, KEY_FILE)).mode & 0o777).toBe(0o600);
  expect(sealed).not.toContain("sk-secret");
  expect(await createSecrets({ dataDir }).open("prv_1", sealed)).toBe("sk-secret");
  expect(await secrets.seal("prv_1", "sk-secret")).not.toBe(sealed);
});

test("two that are first at once share one key", async () => {
  const sealed = await Promise.all(
    ["a", "b", "c"].map((owner) => createSecrets({ dataDir }).seal(owner, owner)),
  );
  const secrets = createSecrets({ dataDir });
  expect(await Promise.all(sealed.map((one, at) => secrets.open("abc"[at] ?? "", one)))).toEqual([
    "a",
    "b",
    "c",
  ]);
});

test("another owner's, a changed and a foreign text are damaged, not opened", async () => {
  const secrets = createSecrets({ dataDir });
  const sealed = await secrets.seal("prv_1", "sk-secret");
  const flipped = `${sealed.slice(0, -3)}${sealed.at(-3) === "A" ? "B" : "A"}${sealed.slice(-2)}`;
  for (const [owner, text] of [
    ["prv_2", sealed],
    ["prv_1", flipped],
    ["prv_1", "sk-secret"],
    ["prv_1", sealed.slice(0, 30)],
  ] as const)
    await expect(secrets.open(owner, text)).rejects.toMatchObject({ code: "SECRET_DAMAGED" });
});

test("a wrong, a missing and an unreadable key each say so when a secret is opened", async () => {
  const sealed = await createSecrets({ dataDir }).seal("prv_1", "sk-secret");
  const wrong = createSecrets({ dataDir, key: otherKey });
  await expect(wrong.open("prv_1", sealed)).rejects.toMatchObject({ code: "SECRET_KEY_WRONG" });
  rmSync(join(dataDir, KEY_FILE));
  await expect(createSecrets({ dataDir }).open("prv_1", sealed)).rejects.toMatchObject({
    code: "SECRET_KEY_MISSING",
  });
  writeFileSync(join(dataDir, KEY_FILE), "too short\n");
  await expect(createSecrets({ dataDir }).open("prv_1", sealed)).rejects.toMatchObject({
    code: "SECRET_KEY_INVALID",
  });
});

test("a key of 64 hex digits and one in a file of its own are keys too", async () => {
  const key = "ab".repeat(32);
  const sealed = await createSecrets({ dataDir, key }).seal("prv_1", "sk-secret");
  const keyFile = join(dataDir, "mounted");
  await expect(createSecrets({ dataDir, keyFile }).seal("prv_1", "x")).rejects.toMatchObject({
    code: "SECRET_KEY_MISSING",
  });
  writeFileSync(keyFile, Buffer.from(key, "hex").toString("base64"));
  expect(await createSecrets({ dataDir, keyFile }).open("prv_1", sealed)).toBe("sk-secret");
  expect(existsSync(join(dataDir, KEY_FILE))).toBe(false);
});

test("rotation leaves only the new key, and one that was cut off harms nothing and can be repeated", async () => {
  const secrets = createSecrets({ dataDir });
  const old = readKeyAfter(await secrets.seal("prv_1", "sk-secret"));
  let row = await secrets.seal("prv_1", "sk-secret");
  // Cut off after the rows were written, before the key file was replaced.
  const cut = secrets.rotate(async (move) => {
    row = await move("prv_1", row);
    throw new Error("killed");
  });
  await expect(cut).rejects.toThrow("killed");
  await cut.catch(() => undefined);
  expect(await createSecrets({ dataDir }).open("prv_1", row)).toBe("sk-secret");
  await createSecrets({ dataDir }).rotate(async (move) => {
    row = await move("prv_1", row);
  });
  expect(readKeyAfter(row)).not.toBe(old);
  expect(await secrets.open("prv_1", row)).toBe("sk-secret");
  expect(existsSync(join(dataDir, "secret.key.next"))).toBe(false);
});

test("rotation moves from the key file to a key of the environment, and from one such key to the next", async () => {
  let row = await createSecrets({ dataDir }).seal("prv_1", "sk-secret");
  const move = async (one: (owner: string, sealed: string) => Promise<string>): Promise<void> => {
    row = await one("prv_1", row);
  };
  await createSecrets({ dataDir, key: otherKey }).rotate(move);
  rmSync(join(dataDir, KEY_FILE));
  const next = "cd".repeat(32);
  await createSecrets({ dataDir, key: next }).rotate(move, otherKey);
  expect(await createSecrets({ dataDir, key: next }).open("prv_1", row)).toBe("sk-secret");
});

function readKeyAfter(_sealed: string): string {
  return readFileSync(join(dataDir, KEY_FILE), "utf8");
}
