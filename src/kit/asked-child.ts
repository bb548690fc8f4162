// A child process of this same program that answers questions: started by the first one, ended when it was idle for long,
// replaced when it died. libSQL answers on the thread that asks, so what reads much belongs into one of these.
import { type ChildCommand, serveParent, startChild } from "./child.ts";
import { type ErrorParts, type EspalierError, errorOf, partsOf } from "./errors.ts";

export type AskedChildOptions = {
  program: ChildCommand;
  /** Said to the child before its first question: the data folder. */
  open: string;
  /** Most questions that wait at once, and what the next one is told. */
  most: number;
  busy: (waiting: number) => EspalierError;
  /** Longest that it may be silent before it is replaced. */
  silentMs: number;
  /** It ends after so long without a question. */
  idleMs: number;
  /** What those are told who asked one that ended, by how it did. */
  died: (how: string) => EspalierError;
};
export type AskedChild<Request, Answer> = {
  /** @throws EspalierError what `busy` and `died` say, and what the child throws */
  ask(request: Request, signal?: AbortSignal): Promise<Answer>;
  close(): Promise<void>;
};

type ToChild<Request> = { open: string } | { id: number; request: Request };
type FromChild<Answer> = { id: number; answer: Answer } | { id: number; error: ErrorParts } | { isUp: true };
type Waiting<Answer> = { resolve: (answer: Answer) => void; reject: (error: unknown) => void };
type Child = { process: Bun.Subprocess; isUp: Promise<void> };

export function createAskedChild<Request, Answer>(options: AskedChildOptions): AskedChild<Request, Answer> {
  const { program, open, most, busy, silentMs, idleMs, died } = options;
  const waiting = new Map<number, Waiting<Answer>>();
  let child: Child | undefined;
  let lastId = 0;
  let idle: ReturnType<typeof setTimeout> | undefined;

  function failAll(error: EspalierError): void {
    for (const one of waiting.values()) one.reject(error);
    waiting.clear();
  }

  function start(): Child {
    const up = Promise.withResolvers<void>();
    const started: Child = {
      isUp: up.promise,
      process: startChild<FromChild<Answer>>(program, {
        message(message) {
          if ("isUp" in message) {
            started.process.send({ open } satisfies ToChild<Request>);
            return up.resolve();
          }
          const asked = waiting.get(message.id);
          waiting.delete(message.id);
          if ("answer" in message) asked?.resolve(message.answer);
          else asked?.reject(errorOf(message.error));
        },
        exit(how) {
          const error = died(how);
          up.reject(error);
          if (child !== started) return;
          child = undefined;
          failAll(error);
        },
      }),
    };
    up.promise.catch(() => undefined);
    return started;
  }

  function stop(): Promise<unknown> {
    clearTimeout(idle);
    const ended = child?.process;
    child = undefined;
    ended?.kill("SIGKILL");
    return ended?.exited ?? Promise.resolve();
  }

  async function ask(request: Request, signal?: AbortSignal): Promise<Answer> {
    signal?.throwIfAborted();
    if (waiting.size >= most) throw busy(waiting.size);
    child ??= start();
    const { process, isUp } = child;
    const id = ++lastId;
    const answer = Promise.withResolvers<Answer>();
    // Who asked may have stopped listening before the child is up.
    answer.promise.catch(() => undefined);
    waiting.set(id, answer);
    // Whatever keeps it silent for so long would keep the next question silent too.
    const patience = setTimeout(() => {
      void stop();
      failAll(died(`silent for ${silentMs / 1000} s`));
    }, silentMs);
    const onAbort = (): void => answer.reject(signal?.reason);
    signal?.addEventListener("abort", onAbort);
    try {
      await isUp;
      process.send({ id, request } satisfies ToChild<Request>);
      return await answer.promise;
    } finally {
      clearTimeout(patience);
      signal?.removeEventListener("abort", onAbort);
      waiting.delete(id);
      clearTimeout(idle);
      idle = setTimeout(() => void stop(), idleMs);
      idle.unref();
    }
  }

  return {
    ask,
    close: async () => {
      await stop();
      failAll(died("the server stops"));
    },
  };
}

function causeOf(error: unknown): unknown {
  return error instanceof Error && error.cause !== undefined ? error.cause : error;
}

/**
 * The body of such a child: `open` gets the data folder and gives what answers. Ends with its parent. An error of
 * SQLite's is passed on as its cause, because the query's own text may hold all that was asked; `code` is of those that
 * have none.
 */
export function answerParent<Request, Answer>(
  mode: string,
  code: string,
  open: (dataDir: string) => (request: Request) => Promise<Answer>,
): Promise<never> {
  let answer: ((request: Request) => Promise<Answer>) | undefined;
  return serveParent<ToChild<Request>, FromChild<Answer>>(mode, { isUp: true }, (say) => (message) => {
    if ("open" in message) {
      answer = open(message.open);
      return;
    }
    const { id, request } = message;
    if (!answer) throw new Error("asked before it was opened");
    answer(request).then(
      (found) => say({ id, answer: found }),
      (error: unknown) => say({ id, error: partsOf(causeOf(error), code) }),
    );
  });
}
