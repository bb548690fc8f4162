// The grading process as the server sees it: one at a time, bounded in time and memory, killed and replaced where it
// goes beyond either, so that neither hostile code nor a hostile expression holds up the server.
import { type ChildCommand, residentBytes, startChild } from "../../kit/child.ts";
import { EspalierError, errorOf } from "../../kit/errors.ts";
import { limits } from "../../kit/limits.ts";
import type { Case, ChildSpec, FromGrader, Work } from "./child.ts";
import { unscored } from "./graders.ts";
import type { Verdict } from "./javascript.ts";

/** The command becomes this program's `answer-grader`. */
export type GradingProcessDeps = ChildCommand & {
  limits?: Pick<
    Record<keyof typeof limits, number>,
    "graderSilenceMs" | "graderProcessBytes" | "graderAnswersPerProcess" | "graderIdleMs"
  >;
};
export type GradingProcess = ReturnType<typeof createGradingProcess>;
type Child = {
  process: Bun.Subprocess;
  ready: Promise<void>;
  answers: number;
  hear: (message: Exclude<FromGrader, { ready: true }>) => void;
  fail: (end: End) => void;
};
/** Why a process ended before it had answered: over a limit, or by itself. */
type End = { why: string; isOver: boolean };

/** How often the process's memory is looked at. */
const WATCH_MS = 100;

/** Starts the process with the first work, keeps it for the next, and ends it when none comes. */
export function createGradingProcess(deps: GradingProcessDeps) {
  const bounds = deps.limits ?? limits;
  let child: Child | null = null;
  let idle: ReturnType<typeof setTimeout> | undefined;
  let queue: Promise<unknown> = Promise.resolve();

  const stop = async (old: Child | null = child): Promise<void> => {
    if (child === old) child = null;
    old?.process.kill("SIGKILL");
    await old?.process.exited;
  };

  function start(): Child {
    const ready = Promise.withResolvers<void>();
    const started: Child = {
      ready: ready.promise,
      answers: 0,
      hear: () => undefined,
      fail: () => undefined,
      process: startChild<FromGrader>(deps, {
        message: (message) => ("ready" in message ? ready.resolve() : started.hear(message)),
        exit(how) {
          if (child === started) child = null;
          started.fail({ why: `The grading process ended in the middle (${how}).`, isOver: false });
        },
      }),
    };
    return started;
  }

  /** Sends work and hears `count` answers, or fewer and why there are no more. @throws the signal's reason */
  async function ask(
    work: Work,
    count: number,
    hear: (message: Exclude<FromGrader, { ready: true }>) => void,
    signal?: AbortSignal,
  ): Promise<End | null> {
    signal?.throwIfAborted();
    clearTimeout(idle);
    if (child && child.answers >= bounds.graderAnswersPerProcess) await stop();
    signal?.throwIfAborted();
    child ??= start();
    const current = child;
    const done = Promise.withResolvers<End | null>();
    current.fail = done.resolve;
    const silence = setTimeout(
      () =>
        done.resolve({
          why: `The grader took more than ${bounds.graderSilenceMs} ms for one answer, the limit graderSilenceMs.`,
          isOver: true,
        }),
      bounds.graderSilenceMs,
    );
    let left = count;
    current.hear = (message) => {
      silence.refresh();
      current.answers++;
      left -= 1;
      hear(message);
      if (left === 0) done.resolve(null);
    };
    const watch = setInterval(() => {
      if (residentBytes(current.process.pid) > bounds.graderProcessBytes)
        done.resolve({
          why: `The grader took more than ${bounds.graderProcessBytes} bytes, the limit graderProcessBytes.`,
          isOver: true,
        });
    }, WATCH_MS);
    const abort = (): void => done.reject(signal?.reason);
    signal?.addEventListener("abort", abort);
    let isWhole = false;
    try {
      current.ready.then(() => {
        if (child !== current) return;
        // A process that is slow to start is not the grader's fault.
        silence.refresh();
        current.process.send(work);
      });
      const end = await done.promise;
      isWhole = end === null;
      return end;
    } finally {
      clearTimeout(silence);
      clearInterval(watch);
      signal?.removeEventListener("abort", abort);
      current.hear = () => undefined;
      current.fail = () => undefined;
      if (!isWhole) await stop(current);
      // A process that waits must not keep this one from ending.
      idle = setTimeout(() => void stop(), bounds.graderIdleMs);
      idle.unref();
    }
  }

  async function gradeNow(spec: ChildSpec, cases: readonly Case[], signal?: AbortSignal): Promise<Verdict[]> {
    const verdicts: Verdict[] = [];
    let isSecond = false;
    while (verdicts.length < cases.length) {
      const before = verdicts.length;
      const left = cases.slice(before);
      const hear = (message: Exclude<FromGrader, { ready: true }>): void => {
        if ("verdict" in message) verdicts.push(message.verdict);
      };
      const end = await ask({ spec, cases: left }, left.length, hear, signal);
      if (end === null) break;
      if (verdicts.length > before) isSecond = false;
      // One that ended by itself may have been short of memory: its answer has a second try.
      if (!end.isOver && !isSecond) isSecond = true;
      else {
        verdicts.push({ grade: unscored(end.why), isOver: true });
        isSecond = false;
      }
    }
    return verdicts;
  }

  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const done = queue.then(work);
    queue = done.catch(() => undefined);
    return done;
  };

  return {
    /**
     * One verdict for each case, in order. `instead` is asked when the turn has come, and may say them without work.
     * @throws the signal's reason
     */
    grade: (
      spec: ChildSpec,
      cases: readonly Case[],
      instead: () => Verdict | null,
      signal?: AbortSignal,
    ): Promise<Verdict[]> =>
      inTurn(async () => {
        const given = instead();
        return given === null ? gradeNow(spec, cases, signal) : cases.map(() => given);
      }),
    /** @throws EspalierError GRADER_INVALID where the code or schema cannot be used */
    check: (spec: ChildSpec): Promise<void> =>
      inTurn(async () => {
        let refusal: EspalierError | null = null;
        const end = await ask({ check: spec }, 1, (message) => {
          if ("checked" in message && message.checked) refusal = errorOf(message.checked);
        });
        if (refusal !== null) throw refusal;
        if (end !== null)
          throw new EspalierError(
            "GRADER_INVALID",
            `The grader ${spec.kind} could not be checked: ${end.why}`,
            {
              field: "grader",
              value: spec.kind,
              hint: "Make it simpler, or try again.",
            },
          );
      }),
    /** Ends the process; what is being graded is left. */
    async close(): Promise<void> {
      clearTimeout(idle);
      await stop();
    },
  };
}
