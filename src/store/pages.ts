// Pages of a list by keyset: the rows after or before a cursor, however long the list is and whatever was added since.
import { and, asc, desc, getTableColumns, type InferSelectModel, type SQL, sql } from "drizzle-orm";
import type { SQLiteColumn, SQLiteTable } from "drizzle-orm/sqlite-core";
import { EspalierError } from "../kit/errors.ts";
import { limits } from "../kit/limits.ts";
import type { Reader } from "./connections.ts";

/** Which part of a list is wanted, in the words of Relay; limits.pageDefault from its start when nothing is said. */
export type PageRequest = {
  first?: number | null | undefined;
  after?: string | null | undefined;
  last?: number | null | undefined;
  before?: string | null | undefined;
};

export type Page<T> = {
  items: T[];
  /** Where each item lies, for `after` and `before`. */
  cursors: string[];
  hasNextPage: boolean;
  hasPreviousPage: boolean;
  /** Length of the whole list; counted when it is asked for. */
  totalCount: () => Promise<number>;
};

type ColumnName<T extends SQLiteTable> = keyof T["$inferSelect"] & string;
export type PagedList<T extends SQLiteTable> = {
  where?: SQL | undefined;
  /** The columns that order the list, the last of them unique within it. */
  keys: readonly ColumnName<T>[];
  order: "ascending" | "descending";
};

/**
 * A page of the rows of `table`.
 * @throws EspalierError PAGE_INVALID for `first` beside `last` or a negative one, PAGE_TOO_LARGE over limits.pageItems,
 * CURSOR_INVALID for a cursor that no page of this list gave
 */
export async function readPage<T extends SQLiteTable>(
  db: Reader,
  table: T,
  { where, keys, order }: PagedList<T>,
  request: PageRequest,
): Promise<Page<InferSelectModel<T>>> {
  const { size, isBackward } = extentOf(request);
  const columns = keys.map((key) => columnOf(table, key));
  const isRising = (order === "ascending") !== isBackward;
  const beyond = (field: "after" | "before", sign: SQL): SQL | undefined => {
    const cursor = request[field];
    if (cursor === null || cursor === undefined) return undefined;
    return sql`(${sql.join(columns, sql`, `)}) ${sign} (${sql.join(
      valuesOf(cursor, columns, field).map((value) => sql`${value}`),
      sql`, `,
    )})`;
  };
  const [later, earlier] = order === "ascending" ? [sql`>`, sql`<`] : [sql`<`, sql`>`];
  // The select loses the table's type; these are its own rows.
  const rows = (await db
    .select()
    .from<SQLiteTable>(table)
    .where(and(where, beyond("after", later), beyond("before", earlier)))
    .orderBy(...columns.map((column) => (isRising ? asc(column) : desc(column))))
    .limit(size + 1)) as InferSelectModel<T>[];
  const items = rows.slice(0, size);
  if (isBackward) items.reverse();
  const hasMore = rows.length > size;
  return {
    items,
    cursors: items.map((item) => keys.map((key) => String(item[key])).join(SEPARATOR)),
    hasNextPage: isBackward ? typeof request.before === "string" : hasMore,
    hasPreviousPage: isBackward ? hasMore : typeof request.after === "string",
    totalCount: () => db.$count(table, where),
  };
}

/** The page with each item made into something else. */
export function mapPage<T, U>(page: Page<T>, change: (item: T) => U): Page<U> {
  return { ...page, items: page.items.map(change) };
}

/**
 * A page of a list of ascending numbers that is there as a whole; its cursors are the numbers.
 * @throws EspalierError PAGE_INVALID, PAGE_TOO_LARGE, CURSOR_INVALID, as `readPage`
 */
export function pageOfNumbers(all: readonly number[], request: PageRequest): Page<number> {
  const { size, isBackward } = extentOf(request);
  const edge = (field: "after" | "before"): number | null => {
    const cursor = request[field];
    if (cursor === null || cursor === undefined) return null;
    if (/^\d+$/.test(cursor)) return Number(cursor);
    throw cursorInvalid(cursor, field);
  };
  const [after, before] = [edge("after"), edge("before")];
  const within = all.filter((one) => (after === null || one > after) && (before === null || one < before));
  const items = isBackward ? within.slice(Math.max(0, within.length - size)) : within.slice(0, size);
  const hasMore = within.length > items.length;
  return {
    items,
    cursors: items.map(String),
    hasNextPage: isBackward ? before !== null : hasMore,
    hasPreviousPage: isBackward ? hasMore : after !== null,
    totalCount: () => Promise.resolve(all.length),
  };
}

/** Stands in no id, number or word that orders a list. */
const SEPARATOR = "~";

function columnOf<T extends SQLiteTable>(table: T, key: ColumnName<T>): SQLiteColumn {
  const column: SQLiteColumn | undefined = Object.entries(getTableColumns<SQLiteTable>(table)).find(
    ([name]) => name === key,
  )?.[1];
  if (!column) throw new Error(`the table has no column ${key}`);
  return column;
}

function extentOf({ first, last }: PageRequest): { size: number; isBackward: boolean } {
  if (typeof first === "number" && typeof last === "number")
    throw new EspalierError("PAGE_INVALID", "a page has `first` or `last`, not both", {
      field: "last",
      value: String(last),
      hint: "Leave one of them out.",
    });
  const [field, size] = typeof last === "number" ? ["last", last] : ["first", first ?? limits.pageDefault];
  if (size < 0)
    throw new EspalierError("PAGE_INVALID", `${field} is ${size}, and a page has no fewer than 0 items`, {
      field,
      value: String(size),
      hint: `Say a number from 0 to ${limits.pageItems}.`,
    });
  if (size > limits.pageItems)
    throw new EspalierError("PAGE_TOO_LARGE", `${field} is ${size}, ${limits.pageItems} are allowed`, {
      field,
      value: String(size),
      hint: `Ask for at most ${limits.pageItems}, then for the next page by the cursor.`,
    });
  return { size, isBackward: field === "last" };
}

function valuesOf(cursor: string, columns: SQLiteColumn[], field: string): (string | number)[] {
  const parts = cursor.split(SEPARATOR);
  const values = columns.map((column, at) =>
    column.dataType === "number" ? Number(parts[at] || Number.NaN) : (parts[at] ?? ""),
  );
  if (parts.length === columns.length && values.every((value) => value !== "" && !Number.isNaN(value)))
    return values;
  throw cursorInvalid(cursor, field);
}

function cursorInvalid(cursor: string, field: string): EspalierError {
  return new EspalierError("CURSOR_INVALID", `"${cursor.slice(0, 100)}" is no cursor of this list`, {
    field,
    value: cursor.slice(0, 100),
    hint: "Take `pageInfo.endCursor` or an edge's `cursor` of the same list.",
  });
}
