// Projects, the people in them with their roles, sessions, one-time links, and scoped API keys.
// `…By` is the id of the person or key who did it; null: somebody at this machine's command line.
import { index, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";
import { at, id, json } from "./columns.ts";

export const projects = sqliteTable("projects", {
  id: id(),
  name: text("name").notNull(),
  createdAt: at("created_at").notNull(),
  createdBy: text("created_by"),
  /** An archived project lets nobody in until an owner restores it. */
  archivedAt: at("archived_at"),
  archivedBy: text("archived_by"),
});

export const users = sqliteTable(
  "users",
  {
    id: id(),
    name: text("name").notNull(),
    passwordHash: text("password_hash").notNull(),
    createdAt: at("created_at").notNull(),
    createdBy: text("created_by"),
    /** Since when neither they nor the keys that they made get in. */
    disabledAt: at("disabled_at"),
    disabledBy: text("disabled_by"),
  },
  (t) => [uniqueIndex("users_name").on(t.name)],
);

/** Who is in which project, as what. */
export const memberships = sqliteTable(
  "memberships",
  {
    id: id(),
    projectId: text("project_id")
      .notNull()
      .references(() => projects.id),
    userId: text("user_id")
      .notNull()
      .references(() => users.id),
    /** owner | admin | member | viewer */
    role: text("role").notNull(),
    createdAt: at("created_at").notNull(),
    createdBy: text("created_by"),
    /** The latest change of role. */
    changedAt: at("changed_at"),
    changedBy: text("changed_by"),
  },
  (t) => [
    uniqueIndex("memberships_person").on(t.projectId, t.userId),
    index("memberships_user").on(t.userId),
  ],
);

/** Links that work once: into a project, or to a new password. Only the hash of the link's token is kept. */
export const oneTimeLinks = sqliteTable(
  "one_time_links",
  {
    id: id(),
    /** invitation | reset */
    kind: text("kind").notNull(),
    tokenHash: text("token_hash").notNull(),
    projectId: text("project_id")
      .notNull()
      .references(() => projects.id),
    /** What the invited becomes; null for a reset. */
    role: text("role"),
    /** Whose password a reset sets; for an invitation whoever took it. */
    userId: text("user_id").references(() => users.id),
    /** For whom the inviter made it, in their own words. */
    note: text("note").notNull().default(""),
    createdAt: at("created_at").notNull(),
    createdBy: text("created_by"),
    expiresAt: at("expires_at").notNull(),
    usedAt: at("used_at"),
    revokedAt: at("revoked_at"),
    revokedBy: text("revoked_by"),
  },
  (t) => [
    uniqueIndex("one_time_links_token").on(t.tokenHash),
    index("one_time_links_project").on(t.projectId),
  ],
);

export const sessions = sqliteTable(
  "sessions",
  {
    id: id(),
    tokenHash: text("token_hash").notNull(),
    userId: text("user_id")
      .notNull()
      .references(() => users.id),
    /** The project that it works in; null, or one that the person has left: their first one. */
    projectId: text("project_id"),
    /** What the browser calls itself. */
    userAgent: text("user_agent").notNull().default(""),
    createdAt: at("created_at").notNull(),
    lastUsedAt: at("last_used_at"),
    expiresAt: at("expires_at").notNull(),
  },
  (t) => [uniqueIndex("sessions_token").on(t.tokenHash), index("sessions_user").on(t.userId)],
);

export const apiKeys = sqliteTable(
  "api_keys",
  {
    id: id(),
    /** The one project that it opens. */
    projectId: text("project_id").notNull(),
    name: text("name").notNull(),
    secretHash: text("secret_hash").notNull(),
    /** First characters of the secret, so that a person can tell keys apart. */
    prefix: text("prefix").notNull(),
    scopes: json<string[]>("scopes").notNull(),
    createdAt: at("created_at").notNull(),
    /** The person whose rights bound it; null: made at this machine's command line, bound by its scopes alone. */
    userId: text("user_id").references(() => users.id),
    lastUsedAt: at("last_used_at"),
    revokedAt: at("revoked_at"),
    revokedBy: text("revoked_by"),
  },
  (t) => [uniqueIndex("api_keys_secret").on(t.secretHash), index("api_keys_name").on(t.projectId, t.name)],
);

/** Single values: the hash of the one-time set-up token, the schema's own marks. */
export const settings = sqliteTable("settings", {
  key: text("key").primaryKey(),
  value: json<unknown>("value"),
});
