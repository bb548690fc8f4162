// The columns of a dataset by which an assessment's rows fall into groups: by value, or numbers into ranges of like size.
import type { DatasetVersionRow } from "../datasets/datasets.ts";

/** Rows with one value, or with numbers of one range; `key` names it within its column. */
export type FacetGroup = { key: string; label: string; rows: number[] };
export type Facet = { column: string; kind: "values" | "ranges"; groups: FacetGroup[] };
export type NumberedRow = { row: number; value: Record<string, unknown> };

/** A column with a longer text than this holds texts, not names of groups. */
const MOST_CHARS = 80;
/** Most values that are groups of their own; numbers with more fall into ranges. */
const MOST_VALUES = 24;
const RANGES = 5;
const GROUPED: ReadonlySet<string> = new Set(["text", "number", "boolean", "mixed"]);

/** Each column that makes at least two groups of these rows. */
export function facetsOf(columns: DatasetVersionRow["columns"], rows: readonly NumberedRow[]): Facet[] {
  return columns
    .filter(({ type }) => GROUPED.has(type))
    .flatMap(({ name }) => facetOf(name, rows) ?? [])
    .filter(({ groups }) => groups.length > 1);
}

function facetOf(column: string, rows: readonly NumberedRow[]): Facet | null {
  const byKey = new Map<string, { value: unknown; rows: number[] }>();
  let areNumbers = true;
  for (const { row, value: all } of rows) {
    const raw = all[column] ?? null;
    const value = typeof raw === "string" && raw.trim() === "" ? null : raw;
    if (typeof value === "object" && value !== null) return null;
    if (typeof value === "string" && value.length > MOST_CHARS) return null;
    areNumbers &&= value === null || typeof value === "number";
    const key = JSON.stringify(value);
    const group = byKey.get(key) ?? { value, rows: [] };
    group.rows.push(row);
    byKey.set(key, group);
    if (!areNumbers && byKey.size > MOST_VALUES) return null;
  }
  if (byKey.size > MOST_VALUES) return { column, kind: "ranges", groups: ranges(byKey) };
  const groups = [...byKey].map(([key, { value, rows: own }]) => ({
    key,
    label: value === null ? "" : String(value),
    rows: own,
  }));
  // Numbers in their order, names by how many rows they have; what is empty comes last.
  const isEmpty = ({ key }: FacetGroup): boolean => key === "null";
  groups.sort((a, b) => {
    if (isEmpty(a) !== isEmpty(b)) return isEmpty(a) ? 1 : -1;
    if (areNumbers) return Number(a.label) - Number(b.label);
    return b.rows.length - a.rows.length || (a.key < b.key ? -1 : 1);
  });
  return { column, kind: "values", groups };
}

/** Quantiles: ranges with about as many rows each; equal numbers stay together. */
function ranges(byKey: ReadonlyMap<string, { value: unknown; rows: number[] }>): FacetGroup[] {
  const values = [...byKey.values()]
    .flatMap(({ value, rows }) => (typeof value === "number" ? [{ value, rows }] : []))
    .sort((a, b) => a.value - b.value);
  const total = values.reduce((sum, { rows }) => sum + rows.length, 0);
  const groups: { from: number; to: number; rows: number[] }[] = [];
  let before = 0;
  let current = -1;
  for (const { value, rows } of values) {
    const range = Math.min(RANGES - 1, Math.floor((before * RANGES) / total));
    const last = groups.at(-1);
    if (range === current && last) {
      last.to = value;
      last.rows.push(...rows);
    } else groups.push({ from: value, to: value, rows: [...rows] });
    current = range;
    before += rows.length;
  }
  const empty = byKey.get("null");
  return [
    ...groups.map(({ from, to, rows }) => {
      const label = from === to ? String(from) : `${from} … ${to}`;
      return { key: label, label, rows };
    }),
    ...(empty ? [{ key: "null", label: "", rows: empty.rows }] : []),
  ];
}
