// Who is told: whoever started something, and those who look after a project, as long as they are in it.
import { and, eq, inArray, isNull } from "drizzle-orm";
import { apiKeys, memberships, projects, users } from "../../schema/tables/accounts.ts";
import type { Reader } from "../store/store.ts";

/** Who looks after a project: its admins and owners who can sign in. */
export async function adminsOf(db: Reader, projectId: string): Promise<string[]> {
  const rows = await db
    .select({ id: users.id })
    .from(memberships)
    .innerJoin(users, eq(users.id, memberships.userId))
    .where(
      and(
        eq(memberships.projectId, projectId),
        inArray(memberships.role, ["admin", "owner"]),
        isNull(users.disabledAt),
      ),
    );
  return rows.map(({ id }) => id);
}

/** Those of the ids that are in the project now: people who can sign in, keys that are not revoked. */
export async function stillThere(db: Reader, projectId: string, ids: readonly string[]): Promise<string[]> {
  const people = await db
    .select({ id: users.id })
    .from(memberships)
    .innerJoin(users, eq(users.id, memberships.userId))
    .where(and(eq(memberships.projectId, projectId), inArray(users.id, [...ids]), isNull(users.disabledAt)));
  const keys = await db
    .select({ id: apiKeys.id })
    .from(apiKeys)
    .where(and(eq(apiKeys.projectId, projectId), inArray(apiKeys.id, [...ids]), isNull(apiKeys.revokedAt)));
  const there = new Set([...people, ...keys].map(({ id }) => id));
  return [...new Set(ids)].filter((id) => there.has(id));
}

/** Whoever is behind a column `…By`: the person, or the key with the person who made it; none for nobody. */
export async function behind(db: Reader, id: string | null): Promise<string[]> {
  if (id === null) return [];
  const [key] = await db.select({ userId: apiKeys.userId }).from(apiKeys).where(eq(apiKeys.id, id));
  return key?.userId ? [id, key.userId] : [id];
}

/** The name of a person or key; undefined for nobody. */
export async function nameOf(db: Reader, id: string | null): Promise<string | undefined> {
  if (id === null) return undefined;
  const [person] = await db.select({ name: users.name }).from(users).where(eq(users.id, id));
  const [key] = await db.select({ name: apiKeys.name }).from(apiKeys).where(eq(apiKeys.id, id));
  return person?.name ?? key?.name;
}

/** Projects that somebody can work in. */
export async function openProjects(db: Reader): Promise<string[]> {
  const rows = await db.select({ id: projects.id }).from(projects).where(isNull(projects.archivedAt));
  return rows.map(({ id }) => id);
}
