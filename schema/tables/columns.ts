// Column helpers that every table uses the same way.
import { integer, text } from "drizzle-orm/sqlite-core";

/** Primary key: a prefixed, time-sortable id from src/kit/ids.ts. */
export const id = () => text("id").primaryKey();

/** Milliseconds since the Unix epoch. */
export const at = (name: string) => integer(name);

/** A JSON value; parse with Zod where it comes back. */
export const json = <T>(name: string) => text(name, { mode: "json" }).$type<T>();
