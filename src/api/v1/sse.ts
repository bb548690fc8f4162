// A stream of /v1 as server-sent events: one line of JSON a chunk, [DONE] at the end.

/**
 * Sends the chunks as they are asked for. The first is awaited before the status is sent, so that an unknown model is a
 * 404 and not a broken stream; a later failure is the last line, as `failure` writes it.
 */
export async function serverSentEvents(
  chunks: AsyncGenerator<object, void, void>,
  leaving: AbortController,
  failure: (error: unknown) => object,
): Promise<Response> {
  let held: IteratorResult<object, void> | undefined = await chunks.next();
  const encoder = new TextEncoder();
  const line = (text: string): Uint8Array => encoder.encode(`data: ${text}\n\n`);
  const stream = new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const item = held ?? (await chunks.next());
        held = undefined;
        if (!item.done) {
          controller.enqueue(line(JSON.stringify(item.value)));
          return;
        }
        controller.enqueue(line("[DONE]"));
      } catch (error) {
        controller.enqueue(line(JSON.stringify(failure(error))));
      }
      controller.close();
    },
    async cancel() {
      leaving.abort();
      await chunks.return();
    },
  });
  return new Response(stream, {
    headers: { "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-store" },
  });
}
