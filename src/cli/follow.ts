// Waiting for runs: asks until they have ended, shows their progress, and finds what they made.
import { z } from "zod";
import { monotonicMs, sleep } from "../kit/clock.ts";
import { EspalierError, isEspalierError } from "../kit/errors.ts";
import { type Client, INTERRUPTED } from "./client.ts";
import { createLiveLine, fit } from "./live-line.ts";
import { failure } from "./outcome.ts";
import { findById, type Thing } from "./things.ts";
import type { TextSink } from "./verbs.ts";

const runShape = z.object({
  id: z.string(),
  kind: z.string(),
  name: z.string(),
  status: z.string(),
  progress: z.number().nullable(),
  step: z.number().nullable(),
  totalSteps: z.number().nullable(),
  etaSeconds: z.number().nullable(),
  subjectId: z.string().nullable(),
  error: z.object({ code: z.string(), message: z.string(), hint: z.string().nullish() }).nullable(),
});
export type Run = z.infer<typeof runShape>;
export const RUN_FIELDS =
  "id kind name status progress step totalSteps etaSeconds subjectId error { code message hint }";
export { runShape };

/** A restart of the server takes less; a wait goes on through it. */
const PATIENCE_MS = 60_000;
const FIRST_PAUSE_MS = 100;
const LAST_PAUSE_MS = 1_000;

type Follow = { client: Client; stderr: TextSink; signal?: AbortSignal | undefined; quiet: boolean };

/** Waits for the run's end. @throws EspalierError with the run's own error, RUN_CANCELLED, NOT_FOUND. */
export async function waitForRun(follow: Follow, id: string): Promise<Run> {
  const { client, signal } = follow;
  const bar = createBar(follow);
  let pause = FIRST_PAUSE_MS;
  let silentSince: number | null = null;
  try {
    for (;;) {
      try {
        const run = await readRun(client, id);
        silentSince = null;
        bar.show(run);
        if (run.status === "SUCCEEDED") return run;
        if (run.status === "FAILED")
          throw failure(
            run.error ?? { code: "RUN_FAILED", message: `${run.name} failed without saying why` },
          );
        if (run.status === "CANCELLED")
          throw failure({
            code: "RUN_CANCELLED",
            message: `${run.name} was cancelled`,
            hint: `\`espalier run retry ${id}\` tries it again.`,
          });
      } catch (error) {
        if (isEspalierError(error) && error.code === INTERRUPTED) throw stoppedWaiting(id);
        if (!isEspalierError(error) || error.code !== "UNREACHABLE") throw error;
        silentSince ??= monotonicMs();
        if (monotonicMs() - silentSince > PATIENCE_MS) throw error;
      }
      await sleep(pause, signal);
      if (signal?.aborted) throw stoppedWaiting(id);
      pause = Math.min(LAST_PAUSE_MS, pause * 1.3);
    }
  } finally {
    bar.end();
  }
}

function stoppedWaiting(id: string): EspalierError {
  return new EspalierError(INTERRUPTED, `stopped waiting; the run ${id} goes on`, {
    hint: `\`espalier run wait ${id}\` waits for it again, \`espalier run cancel ${id}\` ends it.`,
    value: id,
    status: 500,
  });
}

async function readRun(client: Client, id: string): Promise<Run> {
  const { node } = await client.query(
    `query Run($id: ID!) { node(id: $id) { id ... on Run { ${RUN_FIELDS} } } }`,
    { id },
    z.object({ node: z.union([runShape, z.object({ id: z.string() })]).nullable() }),
  );
  if (node && "status" in node) return node;
  throw new EspalierError("NOT_FOUND", `there is no run ${id.slice(0, 100)}`, {
    hint: "`espalier list runs` shows their ids.",
    value: id.slice(0, 100),
    status: 404,
  });
}

/** Waits for the run, and for the saving that a training may have queued, and returns the finished thing. */
export async function finishedThing(follow: Follow, runId: string): Promise<Thing> {
  const { client } = follow;
  const run = await waitForRun(follow, runId);
  const thing = await subjectOf(client, run);
  if (thing.kind !== "training") return thing;
  const made = z
    .object({ customized: z.object({ id: z.string() }).nullable(), save: z.boolean() })
    .parse(thing);
  if (!made.customized) throw gone(run);
  if (made.save) {
    const merge = await mergeOf(client, thing.id);
    if (merge !== null) return subjectOf(client, await waitForRun(follow, merge));
  }
  return (await findById(client, made.customized.id)) ?? Promise.reject(gone(run));
}

async function subjectOf(client: Client, run: Run): Promise<Thing> {
  const thing = run.subjectId === null ? null : await findById(client, run.subjectId);
  if (!thing) throw gone(run);
  return thing;
}

/** The run that saves what a training made, queued when that ended. */
async function mergeOf(client: Client, trainingId: string): Promise<string | null> {
  const { node } = await client.query(
    "query Saving($id: ID!) { node(id: $id) { id ... on Training { saving { id } } } }",
    { id: trainingId },
    z.object({ node: z.object({ saving: z.object({ id: z.string() }).nullable() }).nullable() }),
  );
  return node?.saving?.id ?? null;
}

function gone(run: Run): EspalierError {
  return new EspalierError("RESULT_GONE", `${run.name} ended well, but what it made is no longer there`, {
    hint: "Somebody may have deleted it meanwhile.",
    status: 404,
  });
}

const BAR_COLUMNS = { most: 28, least: 8 };
/** Of the name, where it has to be cut for the bar. */
const NAME_COLUMNS = 12;

/** A bar that redraws itself on a terminal, and a line for each change of state elsewhere. */
function createBar({ stderr, quiet }: Follow): { show(run: Run): void; end(): void } {
  let said = "";
  const line = quiet ? null : createLiveLine(stderr);
  return {
    show(run) {
      line?.show((columns) => barOf(run, columns));
      const text = `${run.name}: ${run.status.toLowerCase()}`;
      if (line || quiet || text === said) return;
      stderr.write(`${text}\n`);
      said = text;
    },
    end: () => line?.end(),
  };
}

/** How far a run is, in one line: where there is little room the bar shrinks first, then the name is cut. */
export function barOf(run: Run, columns: number): string {
  const share = run.status === "SUCCEEDED" ? 1 : Math.max(0, Math.min(1, run.progress ?? 0));
  const steps = run.step !== null && run.totalSteps ? ` ${run.step}/${run.totalSteps}` : "";
  const eta = run.etaSeconds && run.status === "RUNNING" ? ` ${timeToGo(run.etaSeconds)}` : "";
  const rest = ` ${Math.round(share * 100)} %${steps} ${run.status.toLowerCase()}${eta}`;
  const room = columns - rest.length - 1;
  const { most, least } = BAR_COLUMNS;
  const width = Math.max(least, Math.min(most, room - Bun.stringWidth(run.name)));
  const name = fit(run.name, Math.max(NAME_COLUMNS, room - width));
  const full = Math.round(share * width);
  return `${name} ${"█".repeat(full)}${"░".repeat(width - full)}${rest}`;
}

function timeToGo(seconds: number): string {
  return seconds < 120 ? `${Math.ceil(seconds)} s to go` : `${Math.ceil(seconds / 60)} min to go`;
}
