// Who answers is asked by several at once, each endpoint at its own width, and no more once it only fails.
import { EspalierError, isEspalierError, messageOf } from "../kit/errors.ts";
import { limits } from "../kit/limits.ts";
import type { ModelRef } from "../models/models.ts";

/** All models of the engine share its processor; those of one provider share its address and its limits. */
const ENGINE = "engine";

/** By whom a model answers. */
export function endpointOf({ precision, name }: ModelRef): string {
  return precision === null ? (name.split("/")[0] ?? name) : ENGINE;
}

/** How many replies of an endpoint are waited for at once. */
export function widthOf(endpoint: string, concurrency: number | null): number {
  return endpoint === ENGINE
    ? limits.assessmentEngineAnswers
    : (concurrency ?? limits.assessmentProviderAnswers);
}

/** Failures that say something of a row, and nothing of who was asked about it. */
const OF_ROWS = new Set([
  "PICTURE_UNREADABLE",
  "PICTURE_TOO_LARGE",
  "PICTURES_TOO_LARGE",
  "CONTEXT_TOO_LONG",
]);
const isOfRow = (failure: unknown): boolean => isEspalierError(failure) && OF_ROWS.has(failure.code);

/** Why a job failed, or null; and when what came of it is kept: the lane goes on meanwhile. */
export type Done = { failure: unknown; kept: Promise<void> };
export type Lanes<Job> = {
  jobs: Iterable<Job>;
  modelOf: (job: Job) => ModelRef;
  concurrency: number | null;
  /** Does one. What it throws ends everything. */
  work: (job: Job) => Promise<Done>;
  signal: AbortSignal;
};

/**
 * Does all jobs, each endpoint's in their order. Replies under way are paid for: all are waited for, whatever happens.
 * @throws whatever `work` throws, the first failure where everything failed, and EspalierError ENDPOINT_FAILING where
 * an endpoint failed `limits.assessmentFailuresInRow` times in a row, after the others are done
 */
export async function inLanes<Job>({
  jobs,
  modelOf,
  concurrency,
  work,
  signal,
}: Lanes<Job>): Promise<{ done: number; failed: number }> {
  const queues = new Map<string, Job[]>();
  for (const job of jobs) {
    const endpoint = endpointOf(modelOf(job));
    const queue = queues.get(endpoint);
    if (queue) queue.push(job);
    else queues.set(endpoint, [job]);
  }
  let done = 0;
  let failed = 0;
  let firstFailure: unknown;
  let dead: EspalierError | null = null;
  /** What is being kept, and the first that could not be: then nothing more is asked, because it would be lost, too. */
  const keeping = new Set<Promise<void>>();
  let broken: { error: unknown } | null = null;
  const watch = (kept: Promise<void>): void => {
    const watched = kept
      .catch((error: unknown) => {
        broken ??= { error };
      })
      .finally(() => keeping.delete(watched));
    keeping.add(watched);
  };
  const lanes: Promise<void>[] = [];
  for (const [endpoint, queue] of queues) {
    const wide = Math.min(widthOf(endpoint, concurrency), queue.length);
    let next = 0;
    let inRow = 0;
    const lane = async (): Promise<void> => {
      while (next < queue.length) {
        signal.throwIfAborted();
        // A slow disk must not leave more answers unkept than are under way: a crash would cost them.
        while (keeping.size >= wide) await Promise.race(keeping);
        if (broken) throw broken.error;
        const job = queue[next++];
        if (job === undefined) return;
        const { failure, kept } = await work(job);
        watch(kept);
        done++;
        if (failure === null) {
          inRow = 0;
          continue;
        }
        failed++;
        firstFailure ??= failure;
        if (isOfRow(failure)) continue;
        inRow++;
        if (inRow < limits.assessmentFailuresInRow || next >= queue.length) continue;
        dead ??= failing(endpoint, inRow, queue.length - next, failure);
        next = queue.length;
      }
    };
    for (let at = 0; at < wide; at++) lanes.push(lane());
  }
  const ends = await Promise.allSettled(lanes);
  await Promise.all(keeping);
  signal.throwIfAborted();
  const lost = broken as { error: unknown } | null;
  if (lost) throw lost.error;
  for (const end of ends) if (end.status === "rejected") throw end.reason;
  if (failed > 0 && failed === done) throw firstFailure;
  if (dead !== null) throw dead;
  return { done, failed };
}

function failing(endpoint: string, times: number, left: number, last: unknown): EspalierError {
  return new EspalierError(
    "ENDPOINT_FAILING",
    `${endpoint} failed ${times} times in a row, so ${left} questions were not sent: ${messageOf(last)}`,
    {
      field: "candidates",
      value: endpoint,
      hint: "What was answered is kept. Mend the endpoint, then ask what is missing.",
      status: 502,
    },
  );
}
