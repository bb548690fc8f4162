// Server-sent events read from a response's body.

export type ServerEvent = { event: string; text: string };

/** The events of a text/event-stream response, in order; comments and pings are left out. */
export async function* asEvents(response: Response): AsyncGenerator<ServerEvent, void, void> {
  if (!response.body) return;
  const decoder = new TextDecoder();
  let pending = "";
  for await (const bytes of response.body) {
    pending += decoder.decode(bytes, { stream: true });
    for (;;) {
      const end = /\r?\n\r?\n/.exec(pending);
      if (!end) break;
      const block = pending.slice(0, end.index);
      pending = pending.slice(end.index + end[0].length);
      const found = parseBlock(block);
      if (found) yield found;
    }
  }
}

function parseBlock(block: string): ServerEvent | null {
  let event = "message";
  const data: string[] = [];
  for (const line of block.split(/\r?\n/)) {
    if (line.startsWith("event:")) event = line.slice(6).trim();
    else if (line.startsWith("data:")) data.push(line.slice(5).replace(/^ /, ""));
  }
  return event === "message" && data.length === 0 ? null : { event, text: data.join("\n") };
}
