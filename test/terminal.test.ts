// The command line on a real terminal: progress in one line that never wraps, whatever its width; none of it in a pipe.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { z } from "zod";
import { command, createUser, type Served } from "./command.ts";

setDefaultTimeout(60_000);
const ESC = "\u001b";
/** What tells a terminal to do something. */
const ORDER = new RegExp(`${ESC}\\[[\\d;?]*[A-Za-z]`, "u");
const user = createUser();
const data = join(user.folder, "data");
let server: Served;
let env: Record<string, string> = {};

beforeAll(async () => {
  const { document } = await user.json(["key", "create", "--data", data, "--name", "first"]);
  server = await user.serve(data);
  const { key } = z.object({ key: z.string() }).parse(document);
  env = { ...user.env, ESPALIER_URL: server.url, ESPALIER_KEY: key };
  // Long enough for several states of the bar.
  const row = (i: number): string =>
    `${JSON.stringify({ prompt: `question ${i}`, completion: "x".repeat(900) })}\n`;
  await Bun.write(join(user.work, "rows.jsonl"), Array.from({ length: 30_000 }, (_, i) => row(i)).join(""));
});
afterAll(() => user.close());

/** What stands on a terminal of so many columns, and all that was written to it. */
async function onTerminal(args: readonly string[], columns: number, more: Record<string, string> = {}) {
  const decoder = new TextDecoder();
  let written = "";
  const child = Bun.spawn([...command, ...args], {
    cwd: user.work,
    env: { ...env, TERM: "xterm", ...more },
    terminal: {
      cols: columns,
      rows: 24,
      data: (_, bytes) => {
        written += decoder.decode(bytes, { stream: true });
      },
    },
  });
  const code = await child.exited;
  for (let last = -1; last !== written.length; await Bun.sleep(50)) last = written.length;
  child.terminal?.close();
  return { code, written, screen: screenOf(written, columns) };
}

/** A terminal's lines after what was written: line breaks, returns, "erase to the end", and wrapping at the width. */
function screenOf(written: string, columns: number): string[] {
  const lines: string[] = [""];
  let row = 0;
  let column = 0;
  for (const [part] of written.matchAll(new RegExp(`${ORDER.source}|[\\s\\S]`, "gu"))) {
    const line = lines[row] ?? "";
    if (part === "\r") column = 0;
    else if (part === "\n") row++;
    else if (part === `${ESC}[K`) lines[row] = line.slice(0, column);
    else if (part.startsWith(ESC)) throw new Error(`${JSON.stringify(part)} is unknown to this terminal`);
    else {
      if (column === columns) {
        row++;
        column = 0;
      }
      const now = lines[row] ?? "";
      lines[row] = now.slice(0, column).padEnd(column) + part + now.slice(column + 1);
      column++;
    }
    lines[row] ??= "";
  }
  return lines;
}

test.each([44, 60, 100])(
  "an import on a terminal of %i columns: one line of upload, one of progress",
  async (columns) => {
    const name = `questions of a quiet winter ${columns}`;
    const { code, screen, written } = await onTerminal(
      ["dataset", "import", "rows.jsonl", "--name", name, "--wait"],
      columns,
      { NO_COLOR: "1" },
    );
    expect(code).toBe(0);
    expect(screen[0]).toBe("uploading rows.jsonl 100 %");
    expect(screen[1]).toMatch(/^Import .*[…\d] █{8,28} 100 % succeeded$/u);
    expect(screen[1]?.length).toBeLessThan(columns);
    // The line was drawn more than once and nothing of it stayed: then comes the thing that was made.
    expect(written.split("░").length).toBeGreaterThan(2);
    expect(screen.slice(2).join("\n")).not.toMatch(/[█░]/u);
    expect(screen.slice(2).join("\n")).toContain(name.slice(0, 12));
    // No colour, cursor or screen is touched, so nothing needs to be put back after Ctrl-C.
    expect(written.replaceAll(`${ESC}[K`, "")).not.toContain(ESC);
  },
);

test("Ctrl-C leaves the cursor on a line of its own and says how to go on", async () => {
  const { code, written } = await (async () => {
    let all = "";
    // Once: a second Ctrl-C ends the program at once, without a word.
    let isPressed = false;
    const child = Bun.spawn(
      [...command, "dataset", "import", "rows.jsonl", "--name", "left alone", "--wait"],
      {
        cwd: user.work,
        env: { ...env, TERM: "xterm" },
        terminal: {
          cols: 80,
          rows: 24,
          data: (terminal, bytes) => {
            all += new TextDecoder().decode(bytes);
            if (isPressed || !all.includes("░")) return;
            isPressed = true;
            terminal.write("\x03");
          },
        },
      },
    );
    const ended = await child.exited;
    await Bun.sleep(100);
    return { code: ended, written: all };
  })();
  expect(code).toBe(1);
  expect(written).toMatch(/░[^\n]*\n[\s\S]*stopped waiting[\s\S]*espalier run wait run_/u);
});

test("in a pipe there is a line for each state, without bars and control characters", async () => {
  const { code, stderr } = await user.run(["dataset", "import", "rows.jsonl", "--name", "piped", "--wait"], {
    env,
  });
  expect(code).toBe(0);
  expect(stderr.trim().split("\n").at(-1)).toBe("Import piped: succeeded");
  expect(stderr).not.toMatch(/[\r█░]/u);
  expect(stderr).not.toContain(ESC);
});
