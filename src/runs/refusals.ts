// Refusals that several moves of a run share.
import { EspalierError } from "../kit/errors.ts";
import type { RunRow } from "./states.ts";

export const runNotFound = (id: string): EspalierError =>
  new EspalierError("RUN_NOT_FOUND", `There is no run ${id.slice(0, 80)}`, {
    field: "id",
    value: id.slice(0, 80),
    hint: "List the runs to see their ids.",
    status: 404,
  });

export const staleAttempt = (run: RunRow, attempt: number): EspalierError =>
  new EspalierError(
    "STALE_ATTEMPT",
    `Attempt ${attempt} no longer holds run ${run.id}, which is ${run.status} at attempt ${run.attempt}`,
    {
      field: "attempt",
      value: String(attempt),
      hint: "Drop this attempt and ask for the next run.",
      status: 409,
    },
  );

export const runEnded = (run: RunRow, wish: string): EspalierError =>
  new EspalierError("RUN_ENDED", `Run ${run.id} is ${run.status} and cannot be ${wish}`, {
    field: "status",
    value: run.status,
    hint: "An ended run never changes.",
    status: 409,
  });
