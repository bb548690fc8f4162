// Front door of accounts: set-up, people with roles in projects, sessions, one-time links, API keys, and who asks.
import { eq, or } from "drizzle-orm";
import {
  apiKeys,
  memberships,
  projects as projectTable,
  sessions,
  settings,
  users,
} from "../../schema/tables/accounts.ts";
import type { Clock } from "../kit/clock.ts";
import { EspalierError } from "../kit/errors.ts";
import { sha256 } from "../kit/hash.ts";
import { newId, newSecret } from "../kit/ids.ts";
import type { Notifications } from "../notifications/notifications.ts";
import type { Store } from "../store/store.ts";
import { type ApiKeyRow, createKeys, newKeyRow } from "./keys.ts";
import { createLinks, nameTaken, userRow } from "./links.ts";
import { checkUserName, hashOf } from "./passwords.ts";
import { createPeople, membershipRow } from "./people.ts";
import { type Preferences, readPreference, writePreference } from "./preferences.ts";
import { createPrincipals, type Principal } from "./principals.ts";
import { createProjects, firstProject } from "./projects.ts";
import type { Role } from "./roles.ts";
import { createSessions, type Session } from "./sessions.ts";

export type { ApiKeyRow } from "./keys.ts";
export type { LinkOffer, LinkRow } from "./links.ts";
export type { MembershipRow } from "./people.ts";
export { type Language, type Look, languages, looks } from "./preferences.ts";
export { askerOf, cookieOf, type Principal, sessionCookie } from "./principals.ts";
export type { OwnProject } from "./projects.ts";
export { allRoles, isRole, type Role, roleFor, roleTable, scopesOfRole } from "./roles.ts";
export { allScopes, isScope, opens, type Scope, scopeTable } from "./scopes.ts";
export type { Session, SessionRow } from "./sessions.ts";

const SETUP_SETTING = "setup_token_sha256";

export type AccountsDeps = {
  store: Store;
  clock: Clock;
  /** Tells people of what others did; left out by commands beside a server. */
  notifications?: Notifications | undefined;
};
export type Accounts = ReturnType<typeof createAccounts>;

/** Builds the accounts over a store. */
export function createAccounts({ store, clock, notifications }: AccountsDeps) {
  const principals = createPrincipals({ store, clock });
  const people = createPeople({ store, clock, principals, notifications });
  const doors = createSessions({ store, clock, principals, people });
  const projects = createProjects({ store, clock, principals });
  const links = createLinks({ store, clock, principals, people, sessions: doors, notifications });
  const keys = createKeys({ store, clock, principals });

  async function needsSetup(): Promise<boolean> {
    const [any] = await store.db.select({ id: users.id }).from(users).limit(1);
    return any === undefined;
  }

  return {
    ...principals,
    ...people,
    ...doors,
    ...projects,
    ...links,
    ...keys,
    needsSetup,

    /** A fresh one-time set-up token while nobody has set the server up; null afterwards. */
    async ensureSetup(): Promise<string | null> {
      await projects.firstProject();
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

    /** Makes the first person, owner of the first project, and signs them in. @throws SETUP_DONE, SETUP_TOKEN_WRONG, PASSWORD_TOO_SHORT … */
    async setup(input: {
      token: string;
      name: string;
      password: string;
      userAgent: string;
    }): Promise<Session> {
      const name = checkUserName(input.name);
      const passwordHash = await hashOf(input.password);
      const userId = newId("user");
      await store.write(async (tx) => {
        const [any] = await tx.select({ id: users.id }).from(users).limit(1);
        if (any)
          throw new EspalierError("SETUP_DONE", "this server is already set up", {
            hint: "Sign in instead.",
            status: 409,
          });
        const [setting] = await tx.select().from(settings).where(eq(settings.key, SETUP_SETTING));
        if (setting?.value !== sha256(input.token))
          throw new EspalierError("SETUP_TOKEN_WRONG", "this set-up link is not the current one", {
            hint: "Use the link that the server printed at its latest start, or start it again for a new one.",
            field: "token",
            status: 403,
          });
        const project = await firstProject(tx, clock());
        await tx.insert(users).values(userRow(userId, name, passwordHash, clock(), null));
        await tx.insert(memberships).values(membershipRow(project.id, userId, "owner", null, clock()));
        await tx.delete(settings).where(eq(settings.key, SETUP_SETTING));
      });
      return doors.openSession(userId, input.userAgent);
    },

    /**
     * At this machine's command line: makes a person in the first project, its owner where nobody was before and else
     * a member, or with `reset` gives one a new password and ends their sessions.
     * @throws USER_NAME_TAKEN, USER_NOT_FOUND, PASSWORD_TOO_SHORT …
     */
    async putUser(input: { name: string; password: string; role?: Role | undefined; reset: boolean }) {
      const name = checkUserName(input.name);
      const passwordHash = await hashOf(input.password);
      return store.write(async (tx) => {
        const [known] = await tx.select().from(users).where(eq(users.name, name));
        if (known && !input.reset) throw nameTaken(name, "`espalier user reset` gives them a new password.");
        if (!known && input.reset)
          throw new EspalierError("USER_NOT_FOUND", `there is no person named "${name}"`, {
            hint: "`espalier user create` makes one.",
            field: "name",
            value: name,
            status: 404,
          });
        if (known) {
          // Whoever works at the server's own machine may also undo what was done to the account.
          const set = { passwordHash, disabledAt: null, disabledBy: null };
          await tx.update(users).set(set).where(eq(users.id, known.id));
          await tx.delete(sessions).where(eq(sessions.userId, known.id));
          return { id: known.id, name };
        }
        const project = await firstProject(tx, clock());
        const others = await tx.$count(memberships, eq(memberships.projectId, project.id));
        const role = input.role ?? (others === 0 ? "owner" : "member");
        const id = newId("user");
        await tx.insert(users).values(userRow(id, name, passwordHash, clock(), null));
        await tx.insert(memberships).values(membershipRow(project.id, id, role, null, clock()));
        return { id, name, role, project: project.name };
      });
    },

    /**
     * At this machine's command line: makes a key with any scopes, of the first project when none is named.
     * @throws KEY_NAME_EMPTY, SCOPE_UNKNOWN, PROJECT_NOT_FOUND
     */
    async createMachineKey(input: { name: string; scopes: readonly string[]; project?: string | undefined }) {
      return store.write(async (tx): Promise<{ key: ApiKeyRow; secret: string }> => {
        const named = input.project ?? "";
        const [project] =
          named === ""
            ? [await firstProject(tx, clock())]
            : await tx
                .select()
                .from(projectTable)
                .where(or(eq(projectTable.id, named), eq(projectTable.name, named)));
        if (!project)
          throw new EspalierError("PROJECT_NOT_FOUND", `there is no project "${named.slice(0, 100)}"`, {
            hint: "The page Projects lists them.",
            field: "project",
            value: named.slice(0, 100),
            status: 404,
          });
        const made = newKeyRow({ ...input, projectId: project.id, userId: null }, clock());
        await tx.insert(apiKeys).values(made.key);
        return made;
      });
    },

    preferenceOf: <Name extends keyof Preferences>(
      principal: Principal,
      name: Name,
    ): Promise<Preferences[Name]> => readPreference(store, principal, name),
    setPreference: <Name extends keyof Preferences>(
      principal: Principal,
      name: Name,
      value: NonNullable<Preferences[Name]>,
    ): Promise<void> => writePreference(store, principal, name, value),
  };
}
