// The parent's end of one engine child: starts it, pairs questions with answers, and notices its death.
import type { Subprocess } from "bun";
import { EspalierError, errorOf, partsOf } from "../kit/errors.ts";
import { crashPoint } from "../kit/faults.ts";
import type { EngineAnswer, EngineAsk, FromEngine, ToEngine } from "./protocol.ts";

export type LinkDeps = {
  /** Command that becomes an engine child, e.g. [process.execPath, "engine"]. */
  command: readonly string[];
  /** The child's whole environment; ORT_DISABLE_TELEMETRY=1 is added. */
  env: Record<string, string>;
  log: (line: string) => void;
};

export type LinkEvents = {
  onExit: () => void;
  /** The child wants to hold so many bytes beside its weights. Throws where it may not. */
  onRoom: (bytes: number) => void;
};

type Waiter = {
  onAnswer: (answer: EngineAnswer) => void;
  onError: (error: EspalierError) => void;
};

export class EngineLink {
  private readonly child: Subprocess<"ignore", "ignore", "pipe">;
  private readonly waiters = new Map<number, Waiter>();
  private nextId = 1;
  private death: EspalierError | undefined;

  constructor(
    deps: LinkDeps,
    private readonly events: LinkEvents,
  ) {
    this.child = Bun.spawn({
      cmd: [...deps.command],
      // A real variable: ONNX Runtime reads it in C, where an assignment in JavaScript does not arrive.
      env: { ...deps.env, ORT_DISABLE_TELEMETRY: "1" },
      stdin: "ignore",
      stdout: "ignore",
      stderr: "pipe",
      serialization: "advanced",
      ipc: (message: FromEngine) => this.receive(message),
      onExit: (_child, exitCode, signalCode) => {
        this.fail(
          new EspalierError(
            "ENGINE_DIED",
            `The engine ended in the middle (${signalCode ?? `exit ${exitCode}`}).`,
            {
              status: 503,
              hint: "Ask again: the next request starts a new engine.",
            },
          ),
        );
        events.onExit();
      },
    });
    void this.pipeLog(deps.log);
  }

  get pid(): number {
    return this.child.pid;
  }

  get isAlive(): boolean {
    return this.death === undefined;
  }

  private async pipeLog(log: (line: string) => void): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of this.child.stderr)
      for (const line of decoder.decode(chunk, { stream: true }).split("\n")) if (line.trim()) log(line);
  }

  private receive(message: FromEngine): void {
    if ("ready" in message) return;
    if ("room" in message) {
      this.answerRoom(message.room, message.bytes);
      return;
    }
    const { id, answer } = message;
    crashPoint(`engine.answer.${answer.type}`);
    const waiter = this.waiters.get(id);
    if (!waiter) return;
    // A question ends with whatever is not a part of the reply.
    if (answer.type !== "event") this.waiters.delete(id);
    if (answer.type === "error") {
      const { type: _type, ...parts } = answer;
      waiter.onError(errorOf(parts));
    } else waiter.onAnswer(answer);
  }

  private answerRoom(room: number, bytes: number): void {
    try {
      this.events.onRoom(bytes);
      this.post({ room });
    } catch (error) {
      this.post({ room, refusal: partsOf(error, "ENGINE_FAILED") });
    }
  }

  private fail(error: EspalierError): void {
    this.death ??= error;
    for (const waiter of this.waiters.values()) waiter.onError(error);
    this.waiters.clear();
  }

  private post(message: ToEngine): void {
    try {
      this.child.send(message);
    } catch {
      // The channel closes a moment before the exit is told: the exit then fails what waits.
    }
  }

  /** Puts a question; parts and the last answer go to `onAnswer`. Returns a function that cancels it. */
  ask(ask: EngineAsk, waiter: Waiter): () => void {
    if (this.death) {
      waiter.onError(this.death);
      return () => undefined;
    }
    const id = this.nextId++;
    this.waiters.set(id, waiter);
    this.post({ id, ask });
    crashPoint(`engine.ask.${ask.type.toLowerCase()}`);
    return () => {
      if (this.waiters.has(id) && this.isAlive) this.post({ cancel: id });
    };
  }

  /** Puts a question with one answer. */
  async request(ask: EngineAsk, signal?: AbortSignal): Promise<EngineAnswer> {
    let cancel: () => void = () => undefined;
    const onAbort = (): void => cancel();
    signal?.addEventListener("abort", onAbort);
    try {
      return await new Promise((resolve, reject) => {
        cancel = this.ask(ask, { onAnswer: resolve, onError: reject });
        if (signal?.aborted) cancel();
      });
    } finally {
      signal?.removeEventListener("abort", onAbort);
    }
  }

  /** Ends the child at once. */
  kill(): void {
    this.child.kill("SIGKILL");
  }

  /** Resolves when the child's process is gone. */
  async ended(): Promise<void> {
    await this.child.exited;
  }
}
