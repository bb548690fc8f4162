// Front door of accounts: set-up, sign-in, sessions, API keys, and who is behind a request.
import { and, eq, gt, isNull } from "drizzle-orm";
import { z } from "zod";
import { apiKeys, projects, sessions, settings, users } from "../../schema/tables/accounts.ts";
import type { Clock } from "../kit/clock.ts";
import { EspalierError } from "../kit/errors.ts";
import { sha256 } from "../kit/hash.ts";
import { newId, newSecret } from "../kit/ids.ts";
import { limits } from "../kit/limits.ts";
import { type Page, type PageRequest, readPage, type Store } from "../store/store.ts";
import { type Look, readLook, writeLook } from "./look.ts";
import { createAttemptGate } from "./rate-limit.ts";
import { allScopes, isScope, type Scope } from "./scopes.ts";

export { type Look, looks } from "./look.ts";
export { allScopes, isScope, opens, type Scope, scopeTable } from "./scopes.ts";

/** Who asks, in which project, and what they may do. Exactly one of `userId` and `keyId` is set. */
export type Principal = {
  userId: string | null;
  keyId: string | null;
  name: string;
  projectId: string;
  scopes: ReadonlySet<Scope>;
};

/** The principal as records of what was done name them. */
export const askerOf = ({ projectId, userId, keyId }: Principal) => ({ projectId, userId, keyId });

export type ApiKeyRow = typeof apiKeys.$inferSelect;
export type Session = { token: string; expiresAt: number; userId: string };
type Deps = { store: Store; clock: Clock };

/** Name of the session cookie. */
export const sessionCookie = "espalier_session";
const KEY_START = "esp_";
const SETUP_SETTING = "setup_token_sha256";

const credentials = z.object({
  name: z.string().trim().min(1).max(100),
  password: z.string().max(limits.passwordChars),
});

export type Accounts = {
  /** The one project; made at the first call. */
  project(): Promise<{ id: string; name: string }>;
  /** A fresh one-time set-up token while nobody has set the server up; null afterwards. */
  ensureSetup(): Promise<string | null>;
  needsSetup(): Promise<boolean>;
  /** Makes the first person and signs them in. @throws SETUP_DONE, SETUP_TOKEN_WRONG, PASSWORD_TOO_SHORT … */
  setup(input: { token: string; name: string; password: string }): Promise<Session>;
  /** @throws SIGN_IN_FAILED (401), TOO_MANY_ATTEMPTS (429). `address` is the caller's, for the rate limit. */
  signIn(input: { name: string; password: string; address: string }): Promise<Session>;
  /** Ends the session of a cookie's token; unknown tokens are fine. */
  signOut(token: string): Promise<void>;
  /** Who is behind the bearer key or session cookie; null when there is none or it is not valid. */
  authenticate(request: Request): Promise<Principal | null>;
  /** Makes a key; the secret is shown this once. @throws SCOPE_UNKNOWN, KEY_NAME_EMPTY. */
  createKey(input: { name: string; scopes: readonly string[] }): Promise<{ key: ApiKeyRow; secret: string }>;
  /** A key that lives in memory and ends with this process, for the trainer that the server starts itself. */
  createProcessKey(name: string, scopes: readonly Scope[]): Promise<string>;
  /** Keys, newest first, revoked ones too. */
  pageOfKeys(page: PageRequest): Promise<Page<ApiKeyRow>>;
  findKey(id: string): Promise<ApiKeyRow | null>;
  /** @throws KEY_NOT_FOUND. Revoking again changes nothing. */
  revokeKey(idOrName: string): Promise<ApiKeyRow>;
  /** The colours that a person or key chose; "system" before they did. */
  lookOf(principal: Principal): Promise<Look>;
  setLook(principal: Principal, look: Look): Promise<void>;
  /** Makes a person, or with `reset` gives an existing one a new password and ends their sessions. */
  putUser(input: { name: string; password: string; reset: boolean }): Promise<{ id: string; name: string }>;
  /** Removes sessions that are past their end. */
  sweep(): Promise<void>;
};

/** Builds the accounts over a store. */
export function createAccounts({ store, clock }: Deps): Accounts {
  const gate = createAttemptGate(clock);
  const processKeys = new Map<string, Principal>();
  const usedAt = new Map<string, number>();
  let projectKnown: { id: string; name: string } | undefined;
  // Compared against when the name is unknown, so that the answer takes as long as for a known one.
  let decoyHash: Promise<string> | undefined;

  async function project(): Promise<{ id: string; name: string }> {
    if (projectKnown) return projectKnown;
    const [found] = await store.db.select().from(projects).limit(1);
    projectKnown = found ?? (await makeProject());
    return projectKnown;
  }

  function makeProject(): Promise<{ id: string; name: string }> {
    return store.write(async (tx) => {
      const [raced] = await tx.select().from(projects).limit(1);
      if (raced) return raced;
      const row = { id: newId("project"), name: "Espalier", createdAt: clock() };
      await tx.insert(projects).values(row);
      return row;
    });
  }

  async function needsSetup(): Promise<boolean> {
    const [any] = await store.db.select({ id: users.id }).from(users).limit(1);
    return any === undefined;
  }

  async function openSession(userId: string): Promise<Session> {
    const token = newSecret();
    const expiresAt = clock() + limits.sessionMs;
    await store.write(async (tx) => {
      await tx
        .insert(sessions)
        .values({ id: newId("session"), tokenHash: sha256(token), userId, createdAt: clock(), expiresAt });
    });
    return { token, expiresAt, userId };
  }

  async function byKey(secret: string): Promise<Principal | null> {
    const hash = sha256(secret);
    const known = processKeys.get(hash);
    if (known) return known;
    if (!secret.startsWith(KEY_START)) return null;
    const [row] = await store.db
      .select()
      .from(apiKeys)
      .where(and(eq(apiKeys.secretHash, hash), isNull(apiKeys.revokedAt)));
    if (!row) return null;
    noteUse(row.id);
    const { id: projectId } = await project();
    return {
      userId: null,
      keyId: row.id,
      name: row.name,
      projectId,
      scopes: new Set(row.scopes.filter(isScope)),
    };
  }

  function noteUse(id: string): void {
    const at = clock();
    if (at - (usedAt.get(id) ?? 0) < limits.keyUseNoteMs) return;
    usedAt.set(id, at);
    const noted = store.write(async (tx) => {
      await tx.update(apiKeys).set({ lastUsedAt: at }).where(eq(apiKeys.id, id));
    });
    // A convenience for people who tidy their keys: it may get lost, the request may not.
    noted.catch(() => usedAt.delete(id));
  }

  async function bySession(token: string): Promise<Principal | null> {
    const [row] = await store.db
      .select({ userId: users.id, name: users.name })
      .from(sessions)
      .innerJoin(users, eq(users.id, sessions.userId))
      .where(and(eq(sessions.tokenHash, sha256(token)), gt(sessions.expiresAt, clock())));
    if (!row) return null;
    const { id: projectId } = await project();
    return { userId: row.userId, keyId: null, name: row.name, projectId, scopes: new Set(allScopes) };
  }

  return {
    project,
    needsSetup,

    async ensureSetup() {
      await project();
      if (!(await needsSetup())) return null;
      const token = newSecret(18);
      const value = sha256(token);
      await store.write(async (tx) => {
        await tx
          .insert(settings)
          .values({ key: SETUP_SETTING, value })
          .onConflictDoUpdate({ target: settings.key, set: { value } });
      });
      return token;
    },

    async setup({ token, name, password }) {
      const { name: cleanName } = checkedCredentials(name, password);
      const passwordHash = await Bun.password.hash(password, "argon2id");
      const user = { id: newId("user"), name: cleanName, passwordHash, createdAt: clock() };
      await store.write(async (tx) => {
        const [any] = await tx.select({ id: users.id }).from(users).limit(1);
        if (any)
          throw new EspalierError("SETUP_DONE", "this server is already set up", {
            hint: "Sign in instead.",
            status: 409,
          });
        const [setting] = await tx.select().from(settings).where(eq(settings.key, SETUP_SETTING));
        if (setting?.value !== sha256(token))
          throw new EspalierError("SETUP_TOKEN_WRONG", "this set-up link is not the current one", {
            hint: "Use the link that the server printed at its latest start, or start it again for a new one.",
            field: "token",
            status: 403,
          });
        await tx.insert(users).values(user);
        await tx.delete(settings).where(eq(settings.key, SETUP_SETTING));
      });
      return openSession(user.id);
    },

    async signIn({ name, password, address }) {
      const keys = [`address ${address}`, `name ${name.trim().toLowerCase()}`];
      gate.check(keys);
      // Counted before the slow hash: parallel guesses must not slip in while the first is computed.
      gate.failed(keys);
      const parsed = credentials.safeParse({ name, password });
      const [user] = parsed.success
        ? await store.db.select().from(users).where(eq(users.name, parsed.data.name))
        : [];
      decoyHash ??= Bun.password.hash(newSecret(), "argon2id");
      const isRight = await Bun.password.verify(
        password.slice(0, limits.passwordChars) || " ",
        user?.passwordHash ?? (await decoyHash),
      );
      if (!user || !isRight)
        throw new EspalierError("SIGN_IN_FAILED", "name or password is wrong", {
          hint: "Try again; `espalier user reset` on the server's machine sets a new password.",
          status: 401,
        });
      gate.succeeded(keys);
      return openSession(user.id);
    },

    async signOut(token) {
      await store.write(async (tx) => {
        await tx.delete(sessions).where(eq(sessions.tokenHash, sha256(token)));
      });
    },

    async authenticate(request) {
      const authorization = request.headers.get("authorization");
      // A key that was said counts alone: falling back to the cookie would hide that it is wrong.
      if (authorization !== null) {
        const bearer = /^Bearer +(\S+)$/i.exec(authorization)?.[1];
        return bearer ? byKey(bearer) : null;
      }
      const token = cookieOf(request);
      return token ? bySession(token) : null;
    },

    async createKey(input) {
      const made = newKeyRow(input, clock());
      await store.write(async (tx) => {
        await tx.insert(apiKeys).values(made.key);
      });
      return made;
    },

    async createProcessKey(name, scopes) {
      const secret = `${KEY_START}${newSecret()}`;
      const { id: projectId } = await project();
      processKeys.set(sha256(secret), {
        userId: null,
        keyId: newId("apiKey"),
        name,
        projectId,
        scopes: new Set(scopes),
      });
      return secret;
    },

    pageOfKeys: (page) => readPage(store.db, apiKeys, { keys: ["id"], order: "descending" }, page),

    async findKey(id) {
      return (await store.db.query.apiKeys.findFirst({ where: eq(apiKeys.id, id) })) ?? null;
    },

    revokeKey(idOrName) {
      return store.write(async (tx) => {
        const rows = await tx.select().from(apiKeys);
        const row =
          rows.find((key) => key.id === idOrName) ??
          rows.find((key) => key.name === idOrName && key.revokedAt === null);
        if (!row)
          throw new EspalierError("KEY_NOT_FOUND", `there is no API key "${idOrName}"`, {
            hint: "List the keys to see their names.",
            value: idOrName,
            status: 404,
          });
        if (row.revokedAt !== null) return row;
        const revokedAt = clock();
        await tx.update(apiKeys).set({ revokedAt }).where(eq(apiKeys.id, row.id));
        return { ...row, revokedAt };
      });
    },

    async putUser({ name, password, reset }) {
      const { name: cleanName } = checkedCredentials(name, password);
      const passwordHash = await Bun.password.hash(password, "argon2id");
      return store.write(async (tx) => {
        const [known] = await tx.select().from(users).where(eq(users.name, cleanName));
        if (known && !reset)
          throw new EspalierError("USER_NAME_TAKEN", `there is already a person named "${cleanName}"`, {
            hint: "`espalier user reset` gives them a new password.",
            field: "name",
            value: cleanName,
            status: 409,
          });
        if (!known && reset)
          throw new EspalierError("USER_NOT_FOUND", `there is no person named "${cleanName}"`, {
            hint: "`espalier user create` makes one.",
            field: "name",
            value: cleanName,
            status: 404,
          });
        if (known) {
          await tx.update(users).set({ passwordHash }).where(eq(users.id, known.id));
          await tx.delete(sessions).where(eq(sessions.userId, known.id));
          return { id: known.id, name: known.name };
        }
        const user = { id: newId("user"), name: cleanName, passwordHash, createdAt: clock() };
        await tx.insert(users).values(user);
        return { id: user.id, name: user.name };
      });
    },

    lookOf: (principal) => readLook(store, principal),
    setLook: (principal, look) => writeLook(store, principal, look),

    async sweep() {
      await store.write(async (tx) => {
        const rows = await tx.select({ id: sessions.id, expiresAt: sessions.expiresAt }).from(sessions);
        for (const row of rows)
          if (row.expiresAt <= clock()) await tx.delete(sessions).where(eq(sessions.id, row.id));
      });
    },
  };
}

/**
 * The row and the secret of a new key, for whoever writes it: the server, or `key create --data` beside it.
 * @throws EspalierError KEY_NAME_EMPTY, SCOPE_UNKNOWN.
 */
export function newKeyRow(
  input: { name: string; scopes: readonly string[] },
  at: number,
): { key: ApiKeyRow; secret: string } {
  const name = input.name.trim();
  if (name === "" || name.length > 100)
    throw new EspalierError("KEY_NAME_EMPTY", "an API key needs a name of 1 to 100 characters", {
      hint: "Name it after what will use it.",
      field: "name",
      value: name.slice(0, 100),
    });
  if (input.scopes.length === 0)
    throw new EspalierError("SCOPE_UNKNOWN", "an API key needs at least one scope", {
      hint: `Choose among ${allScopes.join(", ")}.`,
      field: "scopes",
    });
  for (const scope of input.scopes)
    if (!isScope(scope))
      throw new EspalierError("SCOPE_UNKNOWN", `there is no scope "${scope.slice(0, 100)}"`, {
        hint: `Choose among ${allScopes.join(", ")}.`,
        field: "scopes",
        value: scope.slice(0, 100),
      });
  const secret = `${KEY_START}${newSecret()}`;
  const key: ApiKeyRow = {
    id: newId("apiKey", at),
    name,
    secretHash: sha256(secret),
    prefix: secret.slice(0, 8),
    scopes: [...new Set(input.scopes)],
    createdAt: at,
    lastUsedAt: null,
    revokedAt: null,
  };
  return { key, secret };
}

/** The session token of a request's cookie; null without one. */
export function cookieOf(request: Request): string | null {
  for (const part of (request.headers.get("cookie") ?? "").split(";")) {
    const [name, value] = part.trim().split("=", 2);
    if (name === sessionCookie && value) return value;
  }
  return null;
}

function checkedCredentials(name: string, password: string): { name: string; password: string } {
  if (password.length < limits.passwordMinChars)
    throw new EspalierError(
      "PASSWORD_TOO_SHORT",
      `the password has ${password.length} characters, ${limits.passwordMinChars} are needed`,
      { hint: "A few random words make a good one.", field: "password" },
    );
  const parsed = credentials.safeParse({ name, password });
  if (parsed.success) return parsed.data;
  const field = String(parsed.error.issues[0]?.path[0] ?? "name");
  throw new EspalierError(
    "CREDENTIALS_INVALID",
    `the ${field} is ${field === "name" ? "empty or longer than 100 characters" : `longer than ${limits.passwordChars} characters`}`,
    { hint: "Choose another one.", field },
  );
}
