// The log: one JSON object a line, levels, and no secret in any of them.
import { expect, test } from "bun:test";
import { createLog, redactText } from "./log.ts";

function capture(level: "debug" | "warn" = "debug") {
  const lines: string[] = [];
  const log = createLog({ level, write: (line) => lines.push(line), clock: () => 0 });
  return { log, lines };
}

test("a line is one JSON object with time, level, message and fields, its own over those of the child", () => {
  const { log, lines } = capture();
  log.child({ area: "runs", n: 1 }).info("claimed", { n: 2, big: 3n });
  expect(lines).toEqual([
    '{"at":"1970-01-01T00:00:00.000Z","level":"info","message":"claimed","area":"runs","n":2,"big":"3"}\n',
  ]);
});

test("lines below the level are dropped", () => {
  const { log, lines } = capture("warn");
  log.info("no");
  log.error("yes");
  expect(lines.length).toBe(1);
});

test("secrets are cut out of fields at any depth, of texts and of errors", () => {
  const { log, lines } = capture();
  const secret = "Xq7ZpLmN2vRt9sKd4hJw";
  log.info(`open http://h/?setup=${secret} with Bearer ${secret}`, {
    token: secret,
    setupToken: secret,
    request: { headers: { authorization: secret, cookie: secret, key: secret } },
    list: [{ passwordHash: secret }],
    error: new Error(`failed with Bearer ${secret}`),
    url: `/x?token=${secret}&a=1`,
  });
  expect(lines.join("")).not.toContain(secret);
  expect(lines.join("")).toContain("a=1");
});

test("what only sounds like a secret stays", () => {
  const { log, lines } = capture();
  log.info("loaded", { tokensPerSecond: 7, maxTokens: 3, sha256: "abc" });
  expect(lines[0]).toContain('"tokensPerSecond":7,"maxTokens":3,"sha256":"abc"');
  expect(redactText("tokens = 5, monkey=7")).toBe("tokens = 5, monkey=7");
});

test("on a terminal it writes lines for people, without the control characters of what others wrote", () => {
  const lines: string[] = [];
  const log = createLog({ write: (line) => lines.push(line), clock: () => 0, isReadable: true });
  log.info("a trainer \u001b[2Jchecked in", { host: "vm" });
  log.child({ part: "store" }).warn("slow", { ms: 5, key: "esp_secret" });
  expect(lines).toEqual([
    "00:00:00 a trainer  [2Jchecked in  host=vm\n",
    "00:00:00 warn slow  part=store  ms=5  key=…\n",
  ]);
});
