// The body of somebody else's answer, cut off when it is too long, too silent or never ends.
import { EspalierError, isEspalierError } from "../../kit/errors.ts";
import { brokenOff } from "./errors.ts";

export type BodyLimits = { host: string; silenceMs: number; totalMs: number; maxBytes: number };

/**
 * The same bytes within the limits.
 * The stream fails with EspalierError PROVIDER_TIMEOUT, PROVIDER_ANSWER_TOO_LARGE, PROVIDER_STREAM_BROKEN
 */
export function limitedBody(
  body: ReadableStream<Uint8Array> | null,
  { host, silenceMs, totalMs, maxBytes }: BodyLimits,
): ReadableStream<Uint8Array> | null {
  if (!body) return null;
  const reader = body.getReader();
  let size = 0;
  let end: ReturnType<typeof setTimeout> | undefined;
  let isOver: Promise<never> | undefined;

  function tooSlow(ms: number, what: string): EspalierError {
    return new EspalierError("PROVIDER_TIMEOUT", `${host} ${what} ${Math.round(ms / 100) / 10} s.`, {
      field: "timeoutMs",
      value: String(ms),
      hint: "What came so far is kept. Ask again, or raise the provider's time limit.",
      status: 504,
    });
  }
  const fail = (ms: number, what: string) => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(tooSlow(ms, what)), Math.max(0, ms));
    });
    late.catch(() => undefined);
    return { timer, late };
  };

  return new ReadableStream<Uint8Array>({
    start() {
      ({ timer: end, late: isOver } = fail(totalMs, "did not end its answer within"));
    },
    async pull(controller) {
      const silence = fail(silenceMs, "fell silent in its answer for");
      try {
        const next = await Promise.race([reader.read(), silence.late, isOver ?? silence.late]);
        if (next.done) {
          clearTimeout(end);
          controller.close();
          return;
        }
        size += next.value.byteLength;
        if (size > maxBytes)
          throw new EspalierError(
            "PROVIDER_ANSWER_TOO_LARGE",
            `${host} sent more than ${maxBytes} bytes in one answer.`,
            { value: String(maxBytes), hint: "Ask for less, or check what answers there.", status: 502 },
          );
        controller.enqueue(next.value);
      } catch (error) {
        clearTimeout(end);
        void reader.cancel().catch(() => undefined);
        // What the connection itself says is of no use to anybody.
        controller.error(isEspalierError(error) ? error : brokenOff(host));
      } finally {
        clearTimeout(silence.timer);
      }
    },
    async cancel(reason) {
      clearTimeout(end);
      await reader.cancel(reason);
    },
  });
}
