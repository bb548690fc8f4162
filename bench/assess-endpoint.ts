// The endpoint of bench/assess.ts, in a process of its own: an OpenAI-style chat that answers after a fixed time. Prints its
// address; GET /times says when the first question came and the last answer left, how many there were, and forgets them.
const latencyMs = Number(process.argv[2] ?? 200);
let [first, last, count, asked, most] = [0, 0, 0, 0, 0];
const usage = { prompt_tokens: 12, completion_tokens: 2, total_tokens: 14 };
const common = { id: "chatcmpl-1", created: 1, model: "m" };
const chunk = (choices: object[], rest: object = {}): string =>
  `data: ${JSON.stringify({ ...common, object: "chat.completion.chunk", choices, ...rest })}\n\n`;
const STREAM = [
  chunk([{ index: 0, delta: { role: "assistant", content: "answer" }, finish_reason: null }]),
  chunk([{ index: 0, delta: {}, finish_reason: "stop" }]),
  chunk([], { usage }),
  "data: [DONE]\n\n",
].join("");

const server = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  idleTimeout: 0,
  async fetch(request) {
    const { pathname } = new URL(request.url);
    if (pathname === "/times") {
      const times = { seconds: (last - first) / 1000, count, most };
      [first, last, count, most] = [0, 0, 0, 0];
      return Response.json(times);
    }
    if (pathname === "/v1/models") return Response.json({ object: "list", data: [{ id: "m" }] });
    const body = (await request.json()) as { stream?: boolean };
    first ||= performance.now();
    most = Math.max(most, ++asked);
    await Bun.sleep(latencyMs);
    asked--;
    count++;
    last = performance.now();
    if (body.stream) return new Response(STREAM, { headers: { "content-type": "text/event-stream" } });
    const message = { role: "assistant", content: "answer" };
    const choices = [{ index: 0, message, finish_reason: "stop" }];
    return Response.json({ ...common, object: "chat.completion", choices, usage });
  },
});
console.log(`http://127.0.0.1:${server.port}`);

export {};
