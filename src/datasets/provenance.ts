// Where collected rows came from: a column of their own, which is kept and shown, and never learned.
import type { JsonValue, Row } from "./rows-types.ts";

/** The column; its value is an object that names the assessment's row or the judged reply. */
export const PROVENANCE = "collected_from";

/** Rows that came from one place. */
export type Origin = { kind: "assessment" | "feedback"; name: string; rows: number };

/** Most places that a version counts by name; rows of others count as one, named "…". */
const NAMED = 50;

/** Counts rows by where they came from. */
export class Origins {
  readonly #counts = new Map<string, Origin>();

  add(row: Row): void {
    const place = placeOf(row[PROVENANCE]);
    if (place === null) return;
    const name = this.#counts.size < NAMED || this.#counts.has(keyOf(place)) ? place.name : "…";
    const key = keyOf({ ...place, name });
    const known = this.#counts.get(key) ?? { kind: place.kind, name, rows: 0 };
    this.#counts.set(key, { ...known, rows: known.rows + 1 });
  }

  /** The most rows first. */
  list(): Origin[] {
    return [...this.#counts.values()].sort((a, b) => b.rows - a.rows);
  }
}

const keyOf = ({ kind, name }: Omit<Origin, "rows">): string => `${kind} ${name}`;

/** Null for what no collecting wrote: files may have a column of this name. */
function placeOf(value: JsonValue | undefined): Omit<Origin, "rows"> | null {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return null;
  const { assessment, feedback, kind } = value;
  if (typeof assessment === "string") return { kind: "assessment", name: assessment.slice(0, 200) };
  if (typeof feedback === "string" && typeof kind === "string")
    return { kind: "feedback", name: kind.slice(0, 200) };
  return null;
}
