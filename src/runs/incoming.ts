// What was uploaded for a run goes when the run has no more use for it.
import { z } from "zod";
import type { Store } from "../store/store.ts";
import type { RunHooks } from "./queue.ts";

/** Failures of the machine or of the moment, after which the same files may well succeed. */
const WORTH_A_RETRY = new Set([
  "DATASET_CHANGED",
  "DISK_FULL",
  "ENGINE_DIED",
  "ENGINE_FAILED",
  "IMPORT_DIED",
  "LEASE_LOST",
  "RUN_FAILED",
  "STORE_FAILED",
]);
const specShape = z.looseObject({ incoming: z.string().nullish() });

/**
 * Hooks for runs whose spec names `incoming` files: these go after success and after a refusal of what is in them.
 * After a cancel and after a failure of the machine they stay for a retry, until the store sweeps them.
 */
export function incomingHooks(store: Store): RunHooks {
  return {
    async ended(tx, run) {
      const { incoming } = specShape.parse(run.spec);
      const isRefused = run.status === "failed" && !WORTH_A_RETRY.has(run.error?.code ?? "");
      if (!incoming || (run.status !== "succeeded" && !isRefused)) return;
      // A failure to remove leaves the files to the sweep.
      store.afterCommit(tx, () => void store.incoming.remove(incoming).catch(() => undefined));
    },
  };
}
