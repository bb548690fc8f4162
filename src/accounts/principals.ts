// Who is behind a request: the person of a session or the key, their project, and what they may do in it now.
import { and, asc, eq, gt, isNull, type SQL } from "drizzle-orm";
import { apiKeys, memberships, projects, sessions, users } from "../../schema/tables/accounts.ts";
import type { Clock } from "../kit/clock.ts";
import { sha256 } from "../kit/hash.ts";
import { newId, newSecret } from "../kit/ids.ts";
import { limits } from "../kit/limits.ts";
import type { Store, Tx } from "../store/store.ts";
import { isRole, type Role, roleOfScopes, scopesOfRole } from "./roles.ts";
import { isScope, opens, type Scope } from "./scopes.ts";

/** Who asks, in which project, and what they may do there. Exactly one of `userId` and `keyId` is set. */
export type Principal = {
  userId: string | null;
  keyId: string | null;
  /** The session that a person came with. */
  sessionId: string | null;
  name: string;
  /** The one project that everything which they see and do belongs to. */
  projectId: string;
  /** True for the server's own trainer, which serves all projects. */
  isEverywhere?: boolean;
  /** The person's role there; of a key the highest role that its scopes make up. */
  role: Role | null;
  scopes: ReadonlySet<Scope>;
};

/** The principal as records of what was done name them. */
export const askerOf = ({ projectId, userId, keyId }: Principal) => ({ projectId, userId, keyId });

export type Principals = ReturnType<typeof createPrincipals>;

/** Name of the session cookie. */
export const sessionCookie = "espalier_session";
export const KEY_START = "esp_";

/** How long an open stream trusts that its reader may still read, where nobody said otherwise meanwhile. */
const TRUST_MS = 5_000;

export function createPrincipals({ store, clock }: { store: Store; clock: Clock }) {
  const processKeys = new Map<string, Principal>();
  const noted = new Map<string, number>();
  let changes = 0;

  /** Writes the latest use of a session or key down, to the minute. */
  function noteUse(id: string, write: (tx: Tx, at: number) => Promise<unknown>): void {
    const at = clock();
    if (at - (noted.get(id) ?? 0) < limits.keyUseNoteMs) return;
    noted.set(id, at);
    // A convenience for people who look after their keys: it may get lost, the request may not.
    store.write(async (tx) => void (await write(tx, at))).catch(() => noted.delete(id));
  }

  /** What a person may do now, by project, the one they joined first before the others. */
  async function rolesOf(userId: string): Promise<{ projectId: string; role: Role }[]> {
    const rows = await store.db
      .select({ projectId: memberships.projectId, role: memberships.role })
      .from(memberships)
      .innerJoin(users, eq(users.id, memberships.userId))
      .innerJoin(projects, eq(projects.id, memberships.projectId))
      .where(and(eq(memberships.userId, userId), isNull(users.disabledAt), isNull(projects.archivedAt)))
      .orderBy(asc(memberships.createdAt), asc(memberships.id));
    return rows.flatMap(({ projectId, role }) => (isRole(role) ? [{ projectId, role }] : []));
  }

  async function bySession(which: SQL): Promise<Principal | null> {
    const [row] = await store.db
      .select({ id: sessions.id, projectId: sessions.projectId, userId: users.id, name: users.name })
      .from(sessions)
      .innerJoin(users, eq(users.id, sessions.userId))
      .where(and(which, gt(sessions.expiresAt, clock())));
    if (!row) return null;
    const roles = await rolesOf(row.userId);
    const here = roles.find(({ projectId }) => projectId === row.projectId) ?? roles[0];
    if (!here) return null;
    noteUse(row.id, (tx, lastUsedAt) =>
      tx.update(sessions).set({ lastUsedAt }).where(eq(sessions.id, row.id)),
    );
    const { userId, name, id: sessionId } = row;
    return { userId, keyId: null, sessionId, name, ...here, scopes: scopesOfRole(here.role) };
  }

  async function byKeyRow(row: typeof apiKeys.$inferSelect | undefined): Promise<Principal | null> {
    if (!row || row.revokedAt !== null) return null;
    const [project] = await store.db
      .select({ id: projects.id })
      .from(projects)
      .where(and(eq(projects.id, row.projectId), isNull(projects.archivedAt)));
    if (!project) return null;
    let scopes = new Set(row.scopes.filter(isScope));
    if (row.userId !== null) {
      // A key may never do more than its maker may by now, and nothing once they are gone.
      const role = (await rolesOf(row.userId)).find(({ projectId }) => projectId === row.projectId)?.role;
      if (role === undefined) return null;
      const held = scopesOfRole(role);
      scopes = new Set([...scopes].filter((scope) => opens(held, scope)));
    }
    const { id: keyId, name, projectId } = row;
    return { userId: null, keyId, sessionId: null, name, projectId, role: roleOfScopes(scopes), scopes };
  }

  async function byKey(secret: string): Promise<Principal | null> {
    const known = processKeys.get(sha256(secret));
    if (known) return known;
    if (!secret.startsWith(KEY_START)) return null;
    const [row] = await store.db
      .select()
      .from(apiKeys)
      .where(eq(apiKeys.secretHash, sha256(secret)));
    const principal = await byKeyRow(row);
    if (row && principal)
      noteUse(row.id, (tx, lastUsedAt) =>
        tx.update(apiKeys).set({ lastUsedAt }).where(eq(apiKeys.id, row.id)),
      );
    return principal;
  }

  /** The same session or key as it is now. */
  async function again({ sessionId, keyId }: Principal): Promise<Principal | null> {
    if (sessionId !== null) return bySession(eq(sessions.id, sessionId));
    for (const known of processKeys.values()) if (known.keyId === keyId) return known;
    const [row] = await store.db
      .select()
      .from(apiKeys)
      .where(eq(apiKeys.id, keyId ?? ""));
    return byKeyRow(row);
  }

  return {
    rolesOf,

    /** Says that somebody's rights changed: open streams look again before they tell more. */
    changed(): void {
      changes++;
    },

    /** Who is behind the bearer key or session cookie; null when there is none or it is not valid. */
    async authenticate(request: Request): Promise<Principal | null> {
      const authorization = request.headers.get("authorization");
      // A key that was said counts alone: falling back to the cookie would hide that it is wrong.
      if (authorization !== null) {
        const bearer = /^Bearer +(\S+)$/i.exec(authorization)?.[1];
        return bearer ? byKey(bearer) : null;
      }
      const token = cookieOf(request);
      return token ? bySession(eq(sessions.tokenHash, sha256(token))) : null;
    },

    /** A check for a stream that stays open: whether its reader is still in the project and holds the scope. */
    watch(principal: Principal, scope: Scope): () => Promise<boolean> {
      let seen = { changes, at: clock() };
      return async () => {
        if (seen.changes === changes && clock() - seen.at < TRUST_MS) return true;
        seen = { changes, at: clock() };
        const now = await again(principal);
        return now?.projectId === principal.projectId && opens(now.scopes, scope);
      };
    },

    /** A key that lives in memory and ends with this process, for the trainer that the server starts itself. */
    createProcessKey(name: string, scopes: readonly Scope[], projectId: string): string {
      const secret = `${KEY_START}${newSecret()}`;
      const held = new Set(scopes);
      processKeys.set(sha256(secret), {
        userId: null,
        keyId: newId("apiKey"),
        sessionId: null,
        name,
        projectId,
        isEverywhere: true,
        role: roleOfScopes(held),
        scopes: held,
      });
      return secret;
    },
  };
}

/** The session token of a request's cookie; null without one. */
export function cookieOf(request: Request): string | null {
  for (const part of (request.headers.get("cookie") ?? "").split(";")) {
    const [name, value] = part.trim().split("=", 2);
    if (name === sessionCookie && value) return value;
  }
  return null;
}
