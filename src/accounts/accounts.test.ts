// Accounts: set-up once, sign-in with its rate limit, sessions that end, keys that can be revoked.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sessions, users } from "../../schema/tables/accounts.ts";
import { limits } from "../kit/limits.ts";
import { createLog } from "../kit/log.ts";
import { openStore, type Store } from "../store/store.ts";
import { type Accounts, createAccounts, opens, sessionCookie } from "./accounts.ts";

let dataDir: string;
let store: Store;
let accounts: Accounts;
let time = 1_800_000_000_000;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "espalier-accounts-"));
  store = await openStore({ dataDir, log: createLog({ level: "silent" }) });
  accounts = createAccounts({ store, clock: () => time });
});
afterAll(async () => {
  await store.close();
  await rm(dataDir, { recursive: true, force: true });
});

const withCookie = (token: string) =>
  new Request("http://localhost/", { headers: { cookie: `other=1; ${sessionCookie}=${token}` } });
const withKey = (key: string) =>
  new Request("http://localhost/", { headers: { authorization: `Bearer ${key}` } });
const codeOf = async (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => "NOTHING_THROWN",
    (error: { code?: string }) => error.code ?? String(error),
  );

test("set-up needs the latest token, happens once, and signs in", async () => {
  const first = await accounts.ensureSetup();
  const second = await accounts.ensureSetup();
  expect(first).not.toBe(second);
  const input = { name: "ada", password: "correct horse", userAgent: "test" };
  expect(await codeOf(accounts.setup({ ...input, token: first ?? "" }))).toBe("SETUP_TOKEN_WRONG");
  expect(await codeOf(accounts.setup({ ...input, token: second ?? "", password: "short" }))).toBe(
    "PASSWORD_TOO_SHORT",
  );
  const session = await accounts.setup({ ...input, token: second ?? "" });
  const principal = await accounts.authenticate(withCookie(session.token));
  expect(principal?.name).toBe("ada");
  expect(principal && opens(principal.scopes, "admin")).toBe(true);
  expect(await accounts.ensureSetup()).toBeNull();
  expect(await codeOf(accounts.setup({ ...input, token: second ?? "" }))).toBe("SETUP_DONE");
});

test("neither password, session token nor key is stored readably", async () => {
  const session = await accounts.signIn({
    name: "ada",
    password: "correct horse",
    address: "a",
    userAgent: "test",
  });
  const [user] = await store.db.select().from(users);
  expect(user?.passwordHash).toStartWith("$argon2id$");
  const rows = JSON.stringify(await store.db.select().from(sessions));
  expect(rows).not.toContain(session.token);
  const { secret, key } = await accounts.createMachineKey({ name: "reader", scopes: ["read"] });
  expect(JSON.stringify(key)).not.toContain(secret);
});

test("a session ends by sign-out and by time", async () => {
  const one = await accounts.signIn({
    name: "ada",
    password: "correct horse",
    address: "a",
    userAgent: "test",
  });
  await accounts.signOut(one.token);
  expect(await accounts.authenticate(withCookie(one.token))).toBeNull();
  const two = await accounts.signIn({
    name: "ada",
    password: "correct horse",
    address: "a",
    userAgent: "test",
  });
  time += limits.sessionMs + 1;
  expect(await accounts.authenticate(withCookie(two.token))).toBeNull();
  await accounts.sweep();
  expect(await store.db.select().from(sessions)).toHaveLength(0);
});

test("too many failures refuse even the right password, for a while", async () => {
  for (let i = 0; i < limits.signInFailures; i++)
    expect(
      await codeOf(accounts.signIn({ name: "ada", password: `wrong ${i}`, address: "b", userAgent: "test" })),
    ).toBe("SIGN_IN_FAILED");
  const right = { name: "ada", password: "correct horse", address: "b", userAgent: "test" };
  expect(await codeOf(accounts.signIn(right))).toBe("TOO_MANY_ATTEMPTS");
  time += limits.signInWindowMs + 1;
  expect((await accounts.signIn(right)).token).toBeString();
}, 30_000);

test("keys: scopes are checked, use is noted, revoking is at once, a wrong key never falls back to the cookie", async () => {
  expect(await codeOf(accounts.createMachineKey({ name: "x", scopes: ["fly"] }))).toBe("SCOPE_UNKNOWN");
  expect(await codeOf(accounts.createMachineKey({ name: " ", scopes: ["read"] }))).toBe("KEY_NAME_EMPTY");
  const { secret, key } = await accounts.createMachineKey({ name: "bot", scopes: ["read", "chat"] });
  const principal = await accounts.authenticate(withKey(secret));
  expect(principal?.keyId).toBe(key.id);
  expect(principal && opens(principal.scopes, "write")).toBe(false);
  await store.write(async () => undefined);
  expect((await accounts.findKey(key.id))?.lastUsedAt).toBe(time);
  const session = await accounts.signIn({
    name: "ada",
    password: "correct horse",
    address: "c",
    userAgent: "",
  });
  const ada = await accounts.authenticate(withCookie(session.token));
  if (!ada) throw new Error("ada is not signed in");
  await accounts.revokeKey(ada, "bot");
  expect(await accounts.authenticate(withKey(secret))).toBeNull();
  const both = new Request("http://localhost/", {
    headers: { authorization: "Bearer esp_wrong", cookie: `${sessionCookie}=${session.token}` },
  });
  expect(await accounts.authenticate(both)).toBeNull();
});

test("a key of this process works without a row and is refused after a restart", async () => {
  const secret = accounts.createProcessKey("local trainer", ["trainer"], (await accounts.firstProject()).id);
  expect((await accounts.authenticate(withKey(secret)))?.scopes.has("trainer")).toBe(true);
  expect(await createAccounts({ store, clock: () => time }).authenticate(withKey(secret))).toBeNull();
});
