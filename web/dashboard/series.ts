// Turns counts into what bars show: runs by kind with those that failed on top in red, third-party use by model.
import type { RunKind, RunStatus } from "../api/runs-live.ts";
import { isOver } from "../api/runs-live.ts";
import { t } from "../i18n.ts";
import type { DaySeries } from "../ui/bars.tsx";
import { kindWord } from "../ui/status.tsx";

type RunCount = { day: string; kind: RunKind; method: string | null; status: RunStatus; count: number };
type ThirdPartyDay = {
  day: string;
  model: string;
  calls: number;
  inputTokens: number;
  outputTokens: number;
  costUsd: number | null;
};

/** Blue is for what makes a new state of a model; imports are green, everything else grey. */
const families: Partial<Record<RunKind, string>> = {
  TRAIN: "--e-blue",
  MERGE: "--e-blue",
  DEPLOY: "--e-blue",
  IMPORT_DATASET: "--e-leaf",
  IMPORT_MODEL: "--e-leaf",
};
const strengths = [100, 62, 36, 22];
const shade = (family: string, at: number): string =>
  `color-mix(in srgb, var(${family}) ${strengths[at % strengths.length]}%, var(--e-surface))`;

const fill = (days: readonly string[]): number[] => days.map(() => 0);

/** Series of runs, those that succeeded by kind and method, then cancelled, under way and failed ones. */
export function runSeries(days: readonly string[], runs: readonly RunCount[]): DaySeries[] {
  const place = new Map(days.map((day, at) => [day, at]));
  const kinds = new Map<string, DaySeries & { values: number[] }>();
  const used = new Map<string, number>();
  const rest = {
    CANCELLED: { key: "cancelled", label: t("cancelled"), color: "var(--e-dash)", values: fill(days) },
    RUNNING: { key: "running", label: t("under way"), color: "var(--e-amber)", values: fill(days) },
    FAILED: { key: "failed", label: t("failed"), color: "var(--e-red)", values: fill(days) },
  };
  for (const { day, kind, method, status, count } of runs) {
    const at = place.get(day);
    if (at === undefined) continue;
    const key = `${kind} ${method ?? ""}`;
    let into: { values: number[] } | undefined = kinds.get(key);
    if (status === "SUCCEEDED" && !into) {
      const family = families[kind] ?? "--e-edge";
      const nth = used.get(family) ?? 0;
      used.set(family, nth + 1);
      const label = method ? `${kindWord(kind)} (${method.toUpperCase()})` : kindWord(kind);
      const made = { key, label, color: shade(family, nth), values: fill(days) };
      kinds.set(key, made);
      into = made;
    }
    if (status === "FAILED" || status === "CANCELLED") into = rest[status];
    else if (!isOver(status)) into = rest.RUNNING;
    if (into) into.values[at] = (into.values[at] ?? 0) + count;
  }
  return [...kinds.values(), rest.CANCELLED, rest.RUNNING, rest.FAILED];
}

export type Measure = "calls" | "tokens" | "cost";
const measured: Record<Measure, (row: ThirdPartyDay) => number> = {
  calls: ({ calls }) => calls,
  tokens: ({ inputTokens, outputTokens }) => inputTokens + outputTokens,
  cost: ({ costUsd }) => costUsd ?? 0,
};

/** Series of third-party use, a shade for each model, the most used first. */
export function thirdPartySeries(
  days: readonly string[],
  rows: readonly ThirdPartyDay[],
  measure: Measure,
): DaySeries[] {
  const place = new Map(days.map((day, at) => [day, at]));
  const models = new Map<string, number[]>();
  for (const row of rows) {
    const at = place.get(row.day);
    if (at === undefined) continue;
    const values = models.get(row.model) ?? fill(days);
    values[at] = (values[at] ?? 0) + measured[measure](row);
    models.set(row.model, values);
  }
  const total = (values: number[]): number => values.reduce((sum, value) => sum + value, 0);
  return [...models]
    .sort(([, a], [, b]) => total(b) - total(a))
    .map(([model, values], at) => ({
      key: model,
      label: model,
      color: shade(at < strengths.length ? "--e-leaf" : "--e-edge", at),
      values,
    }));
}

/** Sums by model, for the table under the bars; a cost is null where no call had a price. */
export function thirdPartySums(rows: readonly ThirdPartyDay[]): Omit<ThirdPartyDay, "day">[] {
  const sums = new Map<string, Omit<ThirdPartyDay, "day">>();
  for (const { day: _, ...row } of rows) {
    const old = sums.get(row.model);
    if (!old) {
      sums.set(row.model, { ...row });
      continue;
    }
    old.calls += row.calls;
    old.inputTokens += row.inputTokens;
    old.outputTokens += row.outputTokens;
    if (row.costUsd !== null) old.costUsd = (old.costUsd ?? 0) + row.costUsd;
  }
  return [...sums.values()].sort((a, b) => b.calls - a.calls);
}
