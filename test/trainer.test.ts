// `espalier trainer` from the executable alone, in an empty folder: it joins a server by URL and token while that runs,
// says why where it cannot, and ends with the server that started it. Its environment is the tested one.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { writeToyModel } from "../src/inference/toy.test-kit.ts";
import { createUser, type Served } from "./command.ts";

setDefaultTimeout(90_000);
const { env: outer } = process;
const python = outer.ESPALIER_TRAINER_PYTHON ?? join(import.meta.dir, "../trainer/.venv/bin/python");
const canTrain = existsSync(python) && outer.ESPALIER_TESTS !== "quick";
const isLong = outer.ESPALIER_TESTS === "long";
if (!canTrain) console.log("skipped: the trainer's tests need its environment, and are none of --quick");

const user = createUser();
const data = join(user.folder, "data");
const ready = { ESPALIER_TRAINER_PYTHON: python };
const trainers = z.object({ items: z.array(z.looseObject({ name: z.string(), status: z.string() })) });
let server: Served;
let key = "";

beforeAll(async () => {
  const { document } = await user.json(["key", "create", "--data", data, "--name", "first"]);
  key = z.object({ key: z.string() }).parse(document).key;
  if (canTrain) server = await user.serve(data);
});
afterAll(() => user.close());

/** A trainer process with what it says; `until` waits for words of it. */
function trainer(args: readonly string[], env: Record<string, string> = ready) {
  const child = user.start(["trainer", ...args], { env });
  let said = "";
  const decoder = new TextDecoder();
  const drained = (async () => {
    for await (const part of child.stderr) said += decoder.decode(part);
  })();
  return {
    child,
    said: () => said,
    async until(pattern: RegExp): Promise<void> {
      while (!pattern.test(said)) {
        if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}: ${said}`);
        await Bun.sleep(50);
      }
    },
    async end(): Promise<{ code: number; stdout: string }> {
      const stdout = await new Response(child.stdout).text();
      await drained;
      return { code: await child.exited, stdout };
    },
  };
}

async function online(url: string): Promise<string[]> {
  const { document } = await user.json(["list", "trainers"], {
    env: { ESPALIER_URL: url, ESPALIER_KEY: key },
  });
  return trainers
    .parse(document)
    .items.filter(({ status }) => status !== "offline")
    .map(({ status }) => status);
}

test.skipIf(!canTrain)("it joins a running server by URL and token, and leaves on SIGTERM", async () => {
  expect(await online(server.url)).toEqual([]);
  const joining = trainer(["--url", server.url, "--token", key, "--json"]);
  await joining.until(/checked in at/);
  expect(await online(server.url)).toEqual(["idle"]);
  const asked = performance.now();
  joining.child.kill("SIGTERM");
  expect(await joining.end()).toEqual({ code: 0, stdout: '{"status":"stopped"}\n' });
  expect(performance.now() - asked).toBeLessThan(2_000);
  expect(existsSync(join(user.work, "espalier_trainer"))).toBe(false);
});

test.skipIf(!canTrain)("a wrong token is refused for good, with the mend", async () => {
  const wrong = trainer(["--url", server.url, "--token", "esp_wrong", "--json"]);
  const { code, stdout } = await wrong.end();
  expect({ code, stdout }).toMatchObject({ code: 4, stdout: expect.stringContaining('"TRAINER_REFUSED"') });
  expect(wrong.said()).toContain("refused the token");
  expect(stdout).toContain("espalier key create --scopes trainer");
});

test.skipIf(!canTrain)("without a token it is wrong usage, before anything is prepared", async () => {
  const { code, document } = await user.json(["trainer", "--url", server.url]);
  expect(code).toBe(2);
  expect(JSON.stringify(document)).toContain("ESPALIER_KEY");
  expect(readdirSync(join(user.folder, "cache/espalier"))).not.toContain("trainer-venv");
});

test.skipIf(!canTrain)("a contract of another version is refused by the server, named by both", async () => {
  // Between the two real ones: makes the trainer's hello one of another version.
  const between = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch(request) {
      const { pathname } = new URL(request.url);
      const body = (await request.text()).replace(
        /"contractVersion":\s*"[^"]*"/,
        '"contractVersion":"0.0.1"',
      );
      const headers = {
        authorization: request.headers.get("authorization") ?? "",
        "content-type": "application/json",
      };
      return fetch(`${server.url}${pathname}`, { method: request.method, headers, body });
    },
  });
  try {
    const other = trainer(["--url", `http://127.0.0.1:${between.port}`, "--token", key, "--json"]);
    const { code, stdout } = await other.end();
    expect({ code, stdout }).toMatchObject({
      code: 6,
      stdout: expect.stringContaining('"CONTRACT_VERSION_MISMATCH"'),
    });
    expect(other.said()).toContain("0.0.1");
  } finally {
    await between.stop(true);
  }
});

test.skipIf(!canTrain)("it waits for a server that is not there yet, and joins it when it is", async () => {
  const probe = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response() });
  const port = String(probe.port);
  await probe.stop(true);
  const early = trainer(["--url", `http://127.0.0.1:${port}`, "--token", key]);
  await early.until(/no answer from .* trying again/);
  await server.stop();
  server = await user.serve(data, ["--port", port]);
  await early.until(/checked in at/);
  expect(await online(server.url)).toEqual(["idle"]);
  early.child.kill("SIGINT");
  expect((await early.end()).code).toBe(0);
});

test.skipIf(!canTrain)(
  "SIGTERM ends the server, its engine and its trainer in the middle of a training within 2 s",
  async () => {
    await server.stop();
    const own = await user.serve(data, ["--with-trainer", "--trainer-python", python]);
    const env = { ESPALIER_URL: own.url, ESPALIER_KEY: key };
    const act = async (...args: string[]): Promise<void> => {
      const { code, document } = await user.json(args, { env });
      if (code !== 0) throw new Error(JSON.stringify(document));
    };
    await writeToyModel(join(user.work, "toy"));
    const rows = Array.from(
      { length: 60 },
      (_, i) => `${JSON.stringify({ prompt: `q${i}`, completion: `a${i}` })}\n`,
    );
    await Bun.write(join(user.work, "rows.jsonl"), rows.join(""));
    await act("model", "import", "toy", "--name", "toy", "--wait");
    await act("dataset", "import", "rows.jsonl", "--name", "rows", "--wait");
    await act("deploy", "toy", "--precision", "fp32", "--wait");
    await act("train", "--base", "toy", "--dataset", "rows", "--name", "long", "--set", "max_steps=100000");
    while (!(await online(own.url)).includes("busy")) await Bun.sleep(100);
    // Well into its steps, not on its way there.
    for (;;) {
      const { document } = await user.json(["list", "runs", "--limit", "1"], { env });
      if (/"step":\s*[1-9]/.test(JSON.stringify(document))) break;
      await Bun.sleep(100);
    }
    const family = tree(own.pid);
    expect(family.length).toBeGreaterThanOrEqual(3);
    const asked = performance.now();
    expect(await own.stop()).toBe(0);
    expect(performance.now() - asked).toBeLessThan(2_000);
    expect(family.filter((pid) => existsSync(`/proc/${pid}`))).toEqual([]);
  },
);

/** A process and all below it. */
function tree(pid: number): number[] {
  const children = readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, "utf8").split(" ").filter(Boolean).map(Number),
  );
  return [pid, ...children.flatMap(tree)];
}

// Fetches some hundred MB, so it is one of --long.
if (isLong)
  test(
    "alone in an empty folder it makes its environment once, from the lock, and joins",
    makesItsEnvironmentOnce,
    600_000,
  );

async function makesItsEnvironmentOnce(): Promise<void> {
  server = await user.serve(data);
  const said = ["--url", server.url, "--token", key];
  const cache = { PIP_CACHE_DIR: outer.PIP_CACHE_DIR ?? join(outer.HOME ?? "/root", ".cache/pip") };
  const pip = Object.fromEntries(Object.entries(outer).filter(([name]) => name.startsWith("PIP_")));
  const first = trainer(said, { ...pip, ...cache } as Record<string, string>);
  await first.until(/checked in at/);
  expect(first.said()).toContain("packages of requirements.lock: done");
  first.child.kill("SIGTERM");
  await first.end();
  const began = performance.now();
  const second = trainer(said, {});
  await second.until(/checked in at/);
  expect(second.said()).toContain("environment is ready");
  expect(performance.now() - began).toBeLessThan(20_000);
  second.child.kill("SIGTERM");
  await second.end();
}
