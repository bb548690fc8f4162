// People, their sessions, the one project, and scoped API keys.
import { index, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";
import { at, id, json } from "./columns.ts";

export const projects = sqliteTable("projects", {
  id: id(),
  name: text("name").notNull(),
  createdAt: at("created_at").notNull(),
});

export const users = sqliteTable(
  "users",
  {
    id: id(),
    name: text("name").notNull(),
    passwordHash: text("password_hash").notNull(),
    createdAt: at("created_at").notNull(),
  },
  (t) => [uniqueIndex("users_name").on(t.name)],
);

export const sessions = sqliteTable(
  "sessions",
  {
    id: id(),
    tokenHash: text("token_hash").notNull(),
    userId: text("user_id")
      .notNull()
      .references(() => users.id),
    createdAt: at("created_at").notNull(),
    expiresAt: at("expires_at").notNull(),
  },
  (t) => [uniqueIndex("sessions_token").on(t.tokenHash)],
);

export const apiKeys = sqliteTable(
  "api_keys",
  {
    id: id(),
    name: text("name").notNull(),
    secretHash: text("secret_hash").notNull(),
    /** First characters of the secret, so that a person can tell keys apart. */
    prefix: text("prefix").notNull(),
    scopes: json<string[]>("scopes").notNull(),
    createdAt: at("created_at").notNull(),
    lastUsedAt: at("last_used_at"),
    revokedAt: at("revoked_at"),
  },
  (t) => [uniqueIndex("api_keys_secret").on(t.secretHash), index("api_keys_name").on(t.name)],
);

/** Single values: the hash of the one-time set-up token, the schema's own marks. */
export const settings = sqliteTable("settings", {
  key: text("key").primaryKey(),
  value: json<unknown>("value"),
});
