// People of a project: their roles, and disabling, enabling and removing them, by those who may do as much themselves.
import { and, eq, isNull, ne } from "drizzle-orm";
import { apiKeys, memberships, sessions, users } from "../../schema/tables/accounts.ts";
import type { Clock } from "../kit/clock.ts";
import { EspalierError } from "../kit/errors.ts";
import { newId } from "../kit/ids.ts";
import type { Notifications } from "../notifications/notifications.ts";
import { type Page, type PageRequest, type Reader, readPage, type Store, type Tx } from "../store/store.ts";
import type { Principal, Principals } from "./principals.ts";
import { allRoles, isRole, type Role, rankOf } from "./roles.ts";
import { opens } from "./scopes.ts";

export type MembershipRow = typeof memberships.$inferSelect;
export type UserRow = typeof users.$inferSelect;

export type People = ReturnType<typeof createPeople>;

type Deps = {
  store: Store;
  clock: Clock;
  principals: Principals;
  notifications?: Notifications | undefined;
};

export function createPeople({ store, clock, principals, notifications }: Deps) {
  async function userOf(db: Reader, userId: string): Promise<UserRow> {
    const [user] = await db.select().from(users).where(eq(users.id, userId));
    if (user) return user;
    throw new EspalierError("USER_NOT_FOUND", `there is no person ${userId.slice(0, 100)}`, { status: 404 });
  }

  async function member(tx: Tx, by: Principal, id: string): Promise<MembershipRow> {
    const [row] = await tx
      .select()
      .from(memberships)
      .where(and(eq(memberships.id, id), eq(memberships.projectId, by.projectId)));
    if (row) return row;
    throw new EspalierError("PERSON_NOT_FOUND", `there is nobody ${id.slice(0, 100)} in this project`, {
      hint: "List the people to see their ids.",
      field: "id",
      value: id.slice(0, 100),
      status: 404,
    });
  }

  /**
   * Refuses whoever may do less than the person, in any project that the person is in: else an admin of one project
   * could become the owner of another by setting their password.
   */
  async function refuseLesser(tx: Tx, by: Principal, userId: string): Promise<void> {
    if (by.userId === userId) return;
    const of = (id: string) => tx.select().from(memberships).where(eq(memberships.userId, id));
    const mine = by.userId === null ? [] : await of(by.userId);
    for (const { projectId, role } of await of(userId)) {
      const said = mine.find((one) => one.projectId === projectId)?.role ?? "";
      const own = projectId === by.projectId ? by.role : isRole(said) ? said : null;
      if (isRole(role) && rankOf(own) >= rankOf(role)) continue;
      throw beyond(`${(await userOf(tx, userId)).name} may do more than you, here or in another project`);
    }
  }

  /** Refuses what would leave a project of theirs without an owner who can sign in. */
  async function refuseLastOwner(tx: Tx, userId: string, projectId?: string): Promise<void> {
    const theirs = await tx
      .select()
      .from(memberships)
      .where(and(eq(memberships.userId, userId), eq(memberships.role, "owner")));
    for (const row of theirs) {
      if (projectId !== undefined && row.projectId !== projectId) continue;
      const [other] = await tx
        .select({ id: memberships.id })
        .from(memberships)
        .innerJoin(users, eq(users.id, memberships.userId))
        .where(
          and(
            eq(memberships.projectId, row.projectId),
            eq(memberships.role, "owner"),
            ne(memberships.userId, userId),
            isNull(users.disabledAt),
          ),
        )
        .limit(1);
      if (other) continue;
      throw new EspalierError(
        "LAST_OWNER",
        `${(await userOf(tx, userId)).name} is the last owner of a project`,
        {
          hint: "Make somebody else owner first.",
          field: "id",
          value: row.id,
          status: 409,
        },
      );
    }
  }

  /** Changes something about a person of the caller's project; open streams look again afterwards. */
  async function act<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    const done = await store.write(work);
    principals.changed();
    return done;
  }

  return {
    /** Who is in the project, those who came first before the others. */
    pageOfPeople: (projectId: string, page: PageRequest): Promise<Page<MembershipRow>> =>
      readPage(
        store.db,
        memberships,
        { where: eq(memberships.projectId, projectId), keys: ["createdAt", "id"], order: "ascending" },
        page,
      ),
    findPerson: async (id: string): Promise<MembershipRow | null> =>
      (await store.db.query.memberships.findFirst({ where: eq(memberships.id, id) })) ?? null,
    getUser: (userId: string): Promise<UserRow> => userOf(store.db, userId),

    /** Who did something, by the id that a `…By` column holds; null for somebody at the command line. */
    async nameOf(id: string | null): Promise<string | null> {
      if (id === null) return null;
      const [person] = await store.db.select({ name: users.name }).from(users).where(eq(users.id, id));
      const [key] = await store.db.select({ name: apiKeys.name }).from(apiKeys).where(eq(apiKeys.id, id));
      return person?.name ?? key?.name ?? null;
    },

    member,
    userOf,
    refuseLesser,

    /** Whether the caller is an admin of the project and the person is in it. */
    async isLookedAfter(tx: Tx, by: Principal, userId: string): Promise<boolean> {
      if (!opens(by.scopes, "admin")) return false;
      const here = and(eq(memberships.userId, userId), eq(memberships.projectId, by.projectId));
      return (await tx.select().from(memberships).where(here)).length > 0;
    },
    /** Who is behind a person of the project, for an admin. @throws PERSON_NOT_FOUND, ROLE_NEEDED, PERSON_BEYOND_YOU */
    async lookedAfter(tx: Tx, by: Principal, id: string): Promise<string> {
      const { userId } = await member(tx, by, id);
      if (userId !== by.userId && !opens(by.scopes, "admin"))
        throw new EspalierError("ROLE_NEEDED", `you are ${by.role} here, and this takes an admin`, {
          hint: "Ask an admin of the project.",
          field: "id",
          value: id,
          status: 403,
        });
      await refuseLesser(tx, by, userId);
      return userId;
    },

    /** @throws PERSON_NOT_FOUND, ROLE_UNKNOWN, ROLE_BEYOND_YOURS, PERSON_BEYOND_YOU, LAST_OWNER */
    changeRole: (by: Principal, id: string, wanted: string): Promise<MembershipRow> =>
      act(async (tx) => {
        const role = grantable(by, wanted);
        const row = await member(tx, by, id);
        if (isRole(row.role) && rankOf(by.role) < rankOf(row.role))
          throw beyond(`${(await userOf(tx, row.userId)).name} is ${row.role} here`);
        if (role !== "owner") await refuseLastOwner(tx, row.userId, by.projectId);
        const change = { role, changedAt: clock(), changedBy: by.userId ?? by.keyId };
        await tx.update(memberships).set(change).where(eq(memberships.id, id));
        if (row.role !== role && row.userId !== by.userId)
          await notifications?.tell(tx, {
            projectId: by.projectId,
            kind: "role-changed",
            event: `${id} ${change.changedAt} ${role}`,
            about: {
              name: (await userOf(tx, row.userId)).name,
              role,
              by: by.name,
              next: { verb: "look-after", name: "", path: "/account" },
            },
            to: [row.userId],
          });
        return { ...row, ...change };
      }),

    /** Takes somebody out of the project; their account stays. @throws PERSON_NOT_FOUND, PERSON_BEYOND_YOU, LAST_OWNER */
    removePerson: (by: Principal, id: string): Promise<{ id: string; name: string }> =>
      act(async (tx) => {
        const row = await member(tx, by, id);
        const { name } = await userOf(tx, row.userId);
        if (isRole(row.role) && rankOf(by.role) < rankOf(row.role))
          throw beyond(`${name} is ${row.role} here`);
        await refuseLastOwner(tx, row.userId, by.projectId);
        await tx.delete(memberships).where(eq(memberships.id, id));
        return { id, name };
      }),

    /**
     * Lets somebody in no more, on the whole server: their sessions and keys end at once.
     * @throws PERSON_NOT_FOUND, PERSON_IS_YOU, PERSON_BEYOND_YOU, LAST_OWNER
     */
    disablePerson: (by: Principal, id: string): Promise<MembershipRow> =>
      act(async (tx) => {
        const row = await member(tx, by, id);
        if (row.userId === by.userId)
          throw new EspalierError("PERSON_IS_YOU", "you cannot disable yourself", {
            hint: "Ask another admin to do it.",
            field: "id",
            value: id,
            status: 409,
          });
        await refuseLesser(tx, by, row.userId);
        await refuseLastOwner(tx, row.userId);
        const change = { disabledAt: clock(), disabledBy: by.userId ?? by.keyId };
        await tx
          .update(users)
          .set(change)
          .where(and(eq(users.id, row.userId), isNull(users.disabledAt)));
        await tx.delete(sessions).where(eq(sessions.userId, row.userId));
        return row;
      }),

    /** Lets a disabled person sign in again. @throws PERSON_NOT_FOUND, PERSON_BEYOND_YOU */
    enablePerson: (by: Principal, id: string): Promise<MembershipRow> =>
      act(async (tx) => {
        const row = await member(tx, by, id);
        await refuseLesser(tx, by, row.userId);
        await tx.update(users).set({ disabledAt: null, disabledBy: null }).where(eq(users.id, row.userId));
        return row;
      }),
  };
}

/** A role that the caller may give. @throws ROLE_UNKNOWN, ROLE_BEYOND_YOURS */
export function grantable(by: Pick<Principal, "role">, role: string): Role {
  if (!isRole(role))
    throw new EspalierError("ROLE_UNKNOWN", `there is no role "${role.slice(0, 100)}"`, {
      hint: `Choose among ${allRoles.join(", ")}.`,
      field: "role",
      value: role.slice(0, 100),
    });
  if (rankOf(by.role) >= rankOf(role)) return role;
  throw new EspalierError("ROLE_BEYOND_YOURS", `you are ${by.role} and cannot make anybody ${role}`, {
    hint: `Somebody who is ${role} can.`,
    field: "role",
    value: role,
    status: 403,
  });
}

/** A new row of somebody in a project. */
export function membershipRow(
  projectId: string,
  userId: string,
  role: Role,
  createdBy: string | null,
  at: number,
): MembershipRow {
  const change = { changedAt: null, changedBy: null };
  return { id: newId("membership", at), projectId, userId, role, createdAt: at, createdBy, ...change };
}

function beyond(message: string): EspalierError {
  return new EspalierError("PERSON_BEYOND_YOU", message, {
    hint: "Ask somebody who may do at least as much as they.",
    field: "id",
    status: 403,
  });
}
