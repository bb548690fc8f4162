// What was deleted and can still come back: the rows that left their tables, as they were.
import { index, sqliteTable, text } from "drizzle-orm/sqlite-core";
import { at, id, json } from "./columns.ts";

/** A row of a table as SQLite holds it, JSON as its text. */
export type DiscardedRow = { table: string; row: Record<string, string | number | null> };

export const trash = sqliteTable(
  "trash",
  {
    /** Id of the thing that was deleted; it will be its id again. */
    id: id(),
    projectId: text("project_id").notNull(),
    name: text("name").notNull(),
    /** In the order in which they can be put back. Blobs that they name are kept until the entry goes. */
    rows: json<DiscardedRow[]>("rows").notNull(),
    deletedAt: at("deleted_at").notNull(),
  },
  (t) => [index("trash_age").on(t.deletedAt)],
);
