// Sessions of people: sign-in with its rate limit, where somebody is signed in, ending any of it, and the own password.
import { and, desc, eq, gt, lte, ne } from "drizzle-orm";
import { sessions, users } from "../../schema/tables/accounts.ts";
import type { Clock } from "../kit/clock.ts";
import { EspalierError } from "../kit/errors.ts";
import { sha256 } from "../kit/hash.ts";
import { newId, newSecret } from "../kit/ids.ts";
import { limits } from "../kit/limits.ts";
import type { Store } from "../store/store.ts";
import { hashOf, isPassword } from "./passwords.ts";
import type { People } from "./people.ts";
import type { Principal, Principals } from "./principals.ts";
import { createAttemptGate } from "./rate-limit.ts";

export type SessionRow = typeof sessions.$inferSelect;
export type Session = { token: string; expiresAt: number; userId: string };

export type Sessions = ReturnType<typeof createSessions>;

type Deps = { store: Store; clock: Clock; principals: Principals; people: People };

export function createSessions({ store, clock, principals, people }: Deps) {
  const gate = createAttemptGate(clock);

  async function openSession(userId: string, userAgent: string, projectId?: string): Promise<Session> {
    const [user] = await store.db.select().from(users).where(eq(users.id, userId));
    if (user?.disabledAt)
      throw new EspalierError("USER_DISABLED", `the account ${user.name} is disabled`, {
        hint: "Ask an admin of your project to enable it.",
        status: 403,
      });
    if ((await principals.rolesOf(userId)).length === 0)
      throw new EspalierError("NO_PROJECT", `${user?.name ?? "this account"} is in no project`, {
        hint: "Ask an admin for an invitation; an archived project lets nobody in.",
        status: 403,
      });
    const token = newSecret();
    const at = clock();
    const expiresAt = at + limits.sessionMs;
    await store.write(async (tx) => {
      await tx.insert(sessions).values({
        id: newId("session", at),
        tokenHash: sha256(token),
        userId,
        projectId: projectId ?? null,
        userAgent: userAgent.slice(0, limits.userAgentChars),
        createdAt: at,
        lastUsedAt: at,
        expiresAt,
      });
    });
    return { token, expiresAt, userId };
  }

  return {
    openSession,

    /** @throws SIGN_IN_FAILED (401), TOO_MANY_ATTEMPTS (429), USER_DISABLED, NO_PROJECT (403). `address` is the caller's, for the rate limit. */
    async signIn(input: {
      name: string;
      password: string;
      address: string;
      userAgent: string;
    }): Promise<Session> {
      const name = input.name.trim();
      const keys = [`address ${input.address}`, `name ${name.toLowerCase()}`];
      gate.check(keys);
      // Counted before the slow hash: parallel guesses must not slip in while the first is computed.
      gate.failed(keys);
      const [user] = await store.db.select().from(users).where(eq(users.name, name));
      if (!(await isPassword(input.password, user?.passwordHash ?? null)) || !user)
        throw new EspalierError("SIGN_IN_FAILED", "name or password is wrong", {
          hint: "Try again; an admin can give you a link to a new password, `espalier user reset` on the server's machine too.",
          status: 401,
        });
      gate.succeeded(keys);
      return openSession(user.id, input.userAgent);
    },

    /** Ends the session of a cookie's token; unknown tokens are fine. */
    async signOut(token: string): Promise<void> {
      await store.write(async (tx) => {
        await tx.delete(sessions).where(eq(sessions.tokenHash, sha256(token)));
      });
      principals.changed();
    },

    /** Where a person is signed in, the latest first. */
    sessionsOf: (userId: string): Promise<SessionRow[]> =>
      store.db
        .select()
        .from(sessions)
        .where(and(eq(sessions.userId, userId), gt(sessions.expiresAt, clock())))
        .orderBy(desc(sessions.id)),

    /** Ends a session of one's own, or as admin one of somebody in the project. @throws SESSION_NOT_FOUND, PERSON_BEYOND_YOU */
    async endSession(by: Principal, id: string): Promise<SessionRow> {
      const ended = await store.write(async (tx) => {
        const [row] = await tx.select().from(sessions).where(eq(sessions.id, id));
        const isOwn = row !== undefined && row.userId === by.userId;
        if (!row || !(isOwn || (await people.isLookedAfter(tx, by, row.userId))))
          throw new EspalierError("SESSION_NOT_FOUND", `there is no session ${id.slice(0, 100)}`, {
            hint: "It may have ended already.",
            field: "id",
            value: id.slice(0, 100),
            status: 404,
          });
        await people.refuseLesser(tx, by, row.userId);
        await tx.delete(sessions).where(eq(sessions.id, id));
        return row;
      });
      principals.changed();
      return ended;
    },

    /** Ends all of one's own sessions but this one, or as admin all of a person of the project; says how many. @throws PERSON_NOT_FOUND, PERSON_BEYOND_YOU */
    async endSessions(by: Principal, personId: string | null): Promise<number> {
      const count = await store.write(async (tx) => {
        const userId = personId === null ? (by.userId ?? "") : await people.lookedAfter(tx, by, personId);
        const rows = await tx
          .delete(sessions)
          .where(and(eq(sessions.userId, userId), ne(sessions.id, by.sessionId ?? "")))
          .returning();
        return rows.length;
      });
      principals.changed();
      return count;
    },

    /** Sets one's own password and ends one's other sessions; says how many. @throws KEY_HAS_NO_PASSWORD, PASSWORD_WRONG, TOO_MANY_ATTEMPTS, PASSWORD_TOO_SHORT */
    async changePassword(by: Principal, input: { current: string; wanted: string }): Promise<number> {
      const { userId, sessionId } = by;
      if (userId === null)
        throw new EspalierError("KEY_HAS_NO_PASSWORD", "a key has no password", {
          hint: "Sign in as the person whose password it is.",
          status: 409,
        });
      const keys = [`password of ${userId}`];
      gate.check(keys);
      gate.failed(keys);
      const user = await people.getUser(userId);
      if (!(await isPassword(input.current, user.passwordHash)))
        throw new EspalierError("PASSWORD_WRONG", "the current password is another one", {
          hint: "Try again, or ask an admin for a link to a new one.",
          field: "current",
          status: 403,
        });
      const passwordHash = await hashOf(input.wanted, "wanted");
      gate.succeeded(keys);
      const ended = await store.write(async (tx) => {
        await tx.update(users).set({ passwordHash }).where(eq(users.id, userId));
        const others = and(eq(sessions.userId, userId), ne(sessions.id, sessionId ?? ""));
        return (await tx.delete(sessions).where(others).returning()).length;
      });
      principals.changed();
      return ended;
    },

    /** Removes sessions that are past their end. */
    async sweep(): Promise<void> {
      await store.write(async (tx) => {
        await tx.delete(sessions).where(lte(sessions.expiresAt, clock()));
      });
    },
  };
}
