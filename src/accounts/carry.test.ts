// A folder of before there were several people is carried over: its people own its project, its keys open it still.
import { expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sql } from "drizzle-orm";
import { sha256 } from "../kit/hash.ts";
import { createLog } from "../kit/log.ts";
import { MIGRATIONS } from "../store/migrations.ts";
import { openStore } from "../store/store.ts";
import { createAccounts, sessionCookie } from "./accounts.ts";

const log = createLog({ level: "silent" });
const until = MIGRATIONS.findIndex(({ name }) => name.endsWith("_people"));

/** A data folder as the program before the migration left it, with these statements done. */
async function folderBefore(...statements: string[]): Promise<string> {
  const dataDir = await mkdtemp(join(tmpdir(), "espalier-carry-"));
  const store = await openStore({ dataDir, log });
  await store.write(async (tx) => {
    const made = await tx.all<{ type: string; name: string }>(
      sql`SELECT type, name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%'`,
    );
    await tx.run(sql`PRAGMA defer_foreign_keys = ON`);
    for (const { type, name } of made) await tx.run(sql.raw(`DROP ${type} IF EXISTS "${name}"`));
    await tx.run(
      sql`CREATE TABLE schema_migrations (number INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, sha256 TEXT NOT NULL, applied_at INTEGER NOT NULL)`,
    );
    for (const migration of MIGRATIONS.slice(0, until)) {
      for (const one of migration.sql.split("--> statement-breakpoint"))
        if (one.trim() !== "") await tx.run(sql.raw(one));
      await tx.run(
        sql`INSERT INTO schema_migrations (name, sha256, applied_at) VALUES (${migration.name}, ${migration.sha256}, 1)`,
      );
    }
    for (const one of statements) await tx.run(sql.raw(one));
  });
  await store.close();
  return dataDir;
}

test("people become owners of the one project; sessions, keys and passwords go on", async () => {
  const passwordHash = await Bun.password.hash("correct horse", "argon2id");
  const dataDir = await folderBefore(
    "INSERT INTO projects (id, name, created_at) VALUES ('prj_1', 'Espalier', 1)",
    `INSERT INTO users (id, name, password_hash, created_at) VALUES ('usr_1', 'ada', '${passwordHash}', 2), ('usr_2', 'bob', '${passwordHash}', 3)`,
    `INSERT INTO sessions (id, token_hash, user_id, created_at, expires_at) VALUES ('ses_1', '${sha256("token")}', 'usr_1', 1, 8000000000000)`,
    `INSERT INTO api_keys (id, name, secret_hash, prefix, scopes, created_at) VALUES ('key_1', 'old', '${sha256("esp_old")}', 'esp_', '["admin"]', 1)`,
  );
  const store = await openStore({ dataDir, log });
  const accounts = createAccounts({ store, clock: () => 10 });
  const ask = (headers: Record<string, string>) =>
    accounts.authenticate(new Request("http://localhost/", { headers }));
  const found = { projectId: "prj_1", role: "owner" };
  expect(await ask({ cookie: `${sessionCookie}=token` })).toMatchObject({ userId: "usr_1", ...found });
  expect(await ask({ authorization: "Bearer esp_old" })).toMatchObject({ projectId: "prj_1", role: "admin" });
  const { items } = await accounts.pageOfPeople("prj_1", {});
  expect(items.map(({ userId, role }) => [userId, role])).toEqual([
    ["usr_1", "owner"],
    ["usr_2", "owner"],
  ]);
  const bob = await accounts.signIn({ name: "bob", password: "correct horse", address: "a", userAgent: "" });
  expect(await ask({ cookie: `${sessionCookie}=${bob.token}` })).toMatchObject({ userId: "usr_2", ...found });
  await store.close();
  await rm(dataDir, { recursive: true, force: true });
}, 30_000);

test("a key made before the first start opens the project that then begins", async () => {
  const dataDir = await folderBefore(
    `INSERT INTO api_keys (id, name, secret_hash, prefix, scopes, created_at) VALUES ('key_1', 'early', '${sha256("esp_early")}', 'esp_', '["admin"]', 1)`,
  );
  const store = await openStore({ dataDir, log });
  const accounts = createAccounts({ store, clock: () => 10 });
  const early = new Request("http://localhost/", { headers: { authorization: "Bearer esp_early" } });
  const { id } = await accounts.firstProject();
  expect((await accounts.authenticate(early))?.projectId).toBe(id);
  await store.close();
  await rm(dataDir, { recursive: true, force: true });
});
