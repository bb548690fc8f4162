// One reply in the making: pieces kept from the beginning, so that a late or second reader misses nothing.
/** A piece of a reply. The last one has `isDone` and says how it ended. */
export type ReplyToken = {
  text: string;
  isDone: boolean;
  finishReason: string | null;
  usage: unknown;
  error: unknown;
  /** Passages that the reply was made from; null without knowledge. */
  citations: unknown;
};

export type ReplyEnd = { finishReason: string | null; usage: unknown; error: unknown; citations: unknown };

export type Reply = {
  messageId: string;
  conversationId: string;
  signal: AbortSignal;
  stop(): void;
  push(text: string): void;
  end(how: ReplyEnd): void;
  read(signal?: AbortSignal): AsyncGenerator<ReplyToken, void, void>;
  /** Resolves when `end` was called. */
  ended: Promise<void>;
};

export function createReply(messageId: string, conversationId: string): Reply {
  const controller = new AbortController();
  const pieces: string[] = [];
  const wakes = new Set<() => void>();
  let how: ReplyEnd | undefined;
  let finish: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const ring = (): void => {
    for (const wake of [...wakes]) wake();
  };
  return {
    messageId,
    conversationId,
    signal: controller.signal,
    stop: () => controller.abort(),
    push(text) {
      pieces.push(text);
      ring();
    },
    end(outcome) {
      how = outcome;
      ring();
      finish();
    },
    ended,
    async *read(signal) {
      const onAbort = (): void => ring();
      signal?.addEventListener("abort", onAbort);
      try {
        for (let at = 0; !signal?.aborted; ) {
          if (at < pieces.length) {
            // A reader that fell behind gets everything at once.
            const text = pieces.slice(at).join("");
            at = pieces.length;
            yield { text, isDone: false, finishReason: null, usage: null, error: null, citations: null };
          } else if (how) {
            yield { text: "", isDone: true, ...how };
            return;
          } else
            await new Promise<void>((resolve) => {
              const wake = (): void => {
                wakes.delete(wake);
                resolve();
              };
              wakes.add(wake);
            });
        }
      } finally {
        signal?.removeEventListener("abort", onAbort);
      }
    },
  };
}
