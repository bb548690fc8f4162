// What each role may do: one table of roles and the scopes that they hold within their project.
import type { Scope } from "./scopes.ts";

/** The roles, least first; each may do all that those before it may. */
export const roleTable = {
  viewer: { scopes: ["read"], about: "Sees everything of the project and changes nothing." },
  member: {
    scopes: ["read", "write", "train", "serve", "chat"],
    about: "Imports, trains, deploys, chats and deletes.",
  },
  admin: {
    scopes: ["read", "write", "train", "serve", "chat", "gates", "trainer", "admin"],
    about:
      "Also invites people, changes their roles, disables them, makes keys, and makes or overrides gates.",
  },
  owner: {
    scopes: ["read", "write", "train", "serve", "chat", "gates", "trainer", "admin", "owner"],
    about: "Also makes, renames and archives projects, and appoints owners.",
  },
} as const satisfies Record<string, { scopes: readonly Scope[]; about: string }>;

export type Role = keyof typeof roleTable;

/** All roles, least first. */
export const allRoles: readonly Role[] = Object.keys(roleTable).filter(isRole);

export function isRole(text: string): text is Role {
  return Object.hasOwn(roleTable, text);
}

/** What a role opens. */
export function scopesOfRole(role: Role): ReadonlySet<Scope> {
  return new Set(roleTable[role].scopes);
}

/** How far up a role stands; nobody who is none stands at -1. */
export function rankOf(role: Role | null): number {
  return role === null ? -1 : allRoles.indexOf(role);
}

/** The least role that holds a scope. */
export function roleFor(scope: Scope): Role {
  return allRoles.find((role) => scopesOfRole(role).has(scope)) ?? "owner";
}

/** The highest role all of whose scopes are among those held; null where they make up none. */
export function roleOfScopes(held: ReadonlySet<Scope>): Role | null {
  if (held.has("owner")) return "owner";
  if (held.has("admin")) return "admin";
  return allRoles.findLast((role) => roleTable[role].scopes.every((scope) => held.has(scope))) ?? null;
}
