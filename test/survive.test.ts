// What dies or fails under a living server, through the executable: the trainer at random steps, the engine in the
// middle of a reply and of a deployment, a disk that is full or broken, and a second server on the same folder.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { writeToyModel } from "../src/inference/toy.test-kit.ts";
import { uniform as seededUniform } from "../src/kit/random.ts";
import {
  childrenOf,
  freePort,
  halfMade,
  makeHome,
  makeKey,
  type Place,
  placeIn,
  python,
  removeFolder,
  type Server,
  serve,
  startTrainer,
  type TrainerProcess,
  until,
  withStore,
} from "./crash.test-kit.ts";
import { drive, mutation, PARAMETERS, stagesOf } from "./crash-stages.test-kit.ts";

setDefaultTimeout(900_000);
const amount = process.env.ESPALIER_TESTS ?? "sample";
const canTrain = existsSync(python) && amount !== "quick";
const seed = Number(process.env.ESPALIER_SEED ?? 7);

const dir = mkdtempSync(join(tmpdir(), "espalier-survive-"));
const home = makeHome(dir);
const [importToy, importRows] = stagesOf(join(dir, "toy"));
if (!importToy || !importRows) throw new Error("the lifecycle begins with two imports");

let place: Place;
let key = "";
let port = 0;
let server: Server;
let trainer: TrainerProcess | undefined;

beforeAll(async () => {
  await writeToyModel(join(dir, "toy"));
  place = placeIn(join(dir, "life"));
  key = makeKey(home, place);
  port = await freePort();
  if (canTrain) trainer = startTrainer(home, port, key);
  server = await serve(home, place, { key, port });
  await drive(server, importToy);
  await drive(server, importRows);
});

const small = join(dir, "small");
afterAll(async () => {
  await trainer?.stop();
  await server?.stop();
  Bun.spawnSync(["umount", "-l", small], { stderr: "ignore" });
  removeFolder(dir);
});

const withRun = z.looseObject({ run: z.object({ id: z.string() }) });
const runNow = z.object({
  node: z.object({
    status: z.string(),
    step: z.number().nullable(),
    attempt: z.number(),
    error: z.object({ code: z.string() }).nullable(),
  }),
});

const RETRY = "mutation ($id: ID!) { retryRun(id: $id) { __typename ... on RunSuccess { run { id } } } }";
const ROW = `${JSON.stringify({ prompt: "a", completion: "b".repeat(1_000) })}\n`;

async function runState(id: string, on = server) {
  const query = "query ($id: ID!) { node(id: $id) { ... on Run { status step attempt error { code } } } }";
  return runNow.parse(await on.graphql(query, { id })).node;
}

async function ended(id: string, on = server) {
  return until(
    async () => {
      const run = await runState(id, on);
      return run.status === "QUEUED" || run.status === "RUNNING" ? null : run;
    },
    400_000,
    `the end of ${id}`,
  );
}

async function train(name: string): Promise<string> {
  const parameters = PARAMETERS.replace("max_steps: 12", "max_steps: 150").replace(
    "save_steps: 4",
    "save_steps: 10",
  );
  const input = `{ name: "${name}", baseId: "toy", datasetVersionId: "rows", method: "sft", parameters: ${parameters} }`;
  return withRun.parse(await server.act(mutation("startTraining", input))).run.id;
}

const lossData = z.looseObject({ step: z.number(), loss: z.number() });

/** Loss by step, the adapter's hash, and how often the trainer went on from a checkpoint. */
function learned(name: string, runId: string) {
  return withStore(place, async ({ db }) => {
    const events = (await db.query.runEvents.findMany()).filter((event) => event.runId === runId);
    const losses = new Map<number, number>();
    for (const { data } of events) {
      const point = lossData.safeParse(data);
      if (point.success) losses.set(point.data.step, point.data.loss);
    }
    const row = (await db.query.customizedModels.findMany()).find((one) => one.name === name);
    const adapter = row?.files.find((file) => file.path === "adapter_model.safetensors")?.sha256;
    const resumed = events.filter(({ data }) =>
      /going on after step [1-9]/.test(JSON.stringify(data)),
    ).length;
    return { losses: [...losses].sort(([a], [b]) => a - b), adapter, resumed };
  });
}

test.skipIf(!canTrain)(
  "a trainer that is killed at random steps goes on with the same losses and bytes",
  async () => {
    const plain = await train("plain");
    expect((await ended(plain)).status).toBe("SUCCEEDED");
    const kills = amount === "long" ? 10 : 2;
    const uniform = seededUniform(seed);
    // After the first checkpoint, so that each new attempt has something to go on from; never two in one stretch.
    const width = 120 / kills;
    const steps = Array.from(
      { length: kills },
      (_, i) => 12 + Math.floor(i * width + uniform() * (width - 2)),
    );
    const killed = await train("killed");
    for (const step of steps) {
      await until(
        async () => {
          const run = await runState(killed);
          if (run.status !== "QUEUED" && run.status !== "RUNNING") throw new Error(`ended as ${run.status}`);
          return run.status === "RUNNING" && (run.step ?? 0) >= step ? run : null;
        },
        600_000,
        `step ${step}`,
      );
      const pid = trainer?.worker();
      if (!pid) throw new Error("no trainer to kill");
      process.kill(pid, "SIGKILL");
      await trainer?.stop();
      trainer = startTrainer(home, port, key);
    }
    expect(await ended(killed)).toMatchObject({ status: "SUCCEEDED", attempt: kills + 1 });
    const [expected, found] = [await learned("plain", plain), await learned("killed", killed)];
    expect(expected.losses.length).toBe(150);
    expect(found.losses).toEqual(expected.losses);
    expect(found.adapter).toBe(expected.adapter ?? "none");
    expect(found.resumed).toBe(kills);
    console.log(`the trainer was killed at steps ${steps.join(", ")} (seed ${seed})`);
  },
);

/** The server's engine children. */
function engines(): number[] {
  return childrenOf(server.pid).filter((pid) => {
    const path = `/proc/${pid}/cmdline`;
    return existsSync(path) && readFileSync(path, "utf8").split("\0").includes("engine");
  });
}

const ask = (): Promise<Response> =>
  server.fetch("/v1/chat/completions", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      model: "toy",
      messages: [{ role: "user", content: "go on" }],
      temperature: 0,
      max_tokens: 200,
      stream: true,
    }),
  });

test("an engine that is killed in the middle of a reply costs that reply; the next one is whole", async () => {
  const whole = await (await ask()).text();
  expect(whole).toContain("[DONE]");
  let cut = "";
  for (let tries = 0; tries < 10 && cut === ""; tries++) {
    const response = await ask();
    let text = "";
    for await (const part of response.body ?? []) {
      text += new TextDecoder().decode(part);
      if (/"content":"[^"]/.test(text)) for (const pid of engines()) process.kill(pid, "SIGKILL");
    }
    if (text.includes("engine_died")) cut = text;
  }
  expect(cut).not.toBe("");
  expect((await server.fetch("/healthz")).status).toBe(200);
  const words = (text: string): string[] => text.match(/"content":"(?:[^"\\]|\\.)*"/g) ?? [];
  expect(words(await (await ask()).text())).toEqual(words(whole));
});

test("an engine that is killed while a model is deployed fails the deployment, and a retry brings it up", async () => {
  const made = await server.act(
    mutation("deployModel", `{ modelId: "toy", name: "toy-live", precision: INT8 }`),
  );
  const { id } = withRun.parse(made).run;
  const before = new Set(engines());
  await until(
    async () => {
      for (const pid of engines()) if (!before.has(pid)) process.kill(pid, "SIGKILL");
      const { status } = await runState(id);
      return status === "QUEUED" || status === "RUNNING" ? null : status;
    },
    60_000,
    "the deployment's end",
  );
  expect(await runState(id)).toMatchObject({ status: "FAILED", error: { code: "ENGINE_DIED" } });
  const live = `{ model(name: "toy-live") { usable } }`;
  expect(await server.graphql(live)).toEqual({ model: { usable: false } });
  const retried = await server.act(RETRY, { id });
  expect((await ended(withRun.parse(retried).run.id)).status).toBe("SUCCEEDED");
  expect(await server.graphql(live)).toEqual({ model: { usable: true } });
});

test("a second server on the folder is refused by name; the lock of a killed one does not stand in the way", async () => {
  const own = placeIn(join(dir, "twice"));
  const first = await serve(home, own, { key });
  const second = await serve(home, own, { key });
  expect(await second.exited).toBe(4);
  expect(second.said()).toContain("DATA_FOLDER_IN_USE");
  expect((await first.fetch("/healthz")).status).toBe(200);
  await first.stop("SIGKILL");
  const third = await serve(home, own, { key });
  expect(third.url).not.toBeNull();
  expect(await third.stop()).toBe(0);
});

test("what killed processes left half-made is gone after the next start", async () => {
  const own = placeIn(join(dir, "left"));
  const secret = makeKey(home, own);
  const gone = Bun.spawn(["true"]);
  await gone.exited;
  const build = (pid: number): string =>
    join(own.cache, "engine", `${"0".repeat(32)}.${hostname()}.${pid}-secret.part`);
  const left = [
    join(own.data, "tmp/half"),
    join(own.data, "models/cmp_stray/model.safetensors"),
    build(gone.pid),
  ];
  for (const path of [...left, build(process.pid)]) await Bun.write(path, "half");
  const next = await serve(home, own, { key: secret });
  await until(() => !left.some((path) => existsSync(path)) || null, 10_000, "the leftovers to go");
  expect(existsSync(join(own.data, "models/cmp_stray"))).toBe(false);
  // Somebody still works on this one.
  expect(existsSync(build(process.pid))).toBe(true);
  expect(await next.stop()).toBe(0);
});

const typed = z.looseObject({ code: z.string().optional() });
/** The code with which a mutation is refused, or null when it was done. */
async function refusal(on: Server, query: string): Promise<string | null> {
  const value = typed.parse(Object.values(await on.graphql(query))[0]);
  return value.code ?? null;
}
const newKey = (name: string): string =>
  `mutation { createApiKey(name: "${name}", scopes: ["read"]) { __typename ... on UserError { code } } }`;
const keyNames = (of: Place): Promise<string[]> =>
  withStore(of, async ({ db }) => (await db.query.apiKeys.findMany()).map((row) => row.name));

mkdirSync(small);
const mounted = Bun.spawnSync(["mount", "-t", "tmpfs", "-o", "size=10m", "tmpfs", small], {
  stderr: "ignore",
});
if (!mounted.success) console.log("skipped: the full disk needs the right to mount a small one");

test.skipIf(!mounted.success)(
  "a full disk refuses by name, keeps nothing half, and all goes on with new room",
  async () => {
    const own = { data: join(small, "data"), cache: place.cache };
    const secret = makeKey(home, own);
    const full = await serve(home, own, { key: secret });
    const filler = join(small, "filler");
    const fill = (bytes: number): void => {
      for (let room = bytes; room >= 4096; room = Math.floor(room / 2))
        try {
          for (;;) writeFileSync(`${filler}-${readdirSync(small).length}`, Buffer.alloc(room));
        } catch {
          // No room for so much: half of it.
        }
    };
    const clear = (): void => {
      for (const name of readdirSync(small)) if (name.startsWith("filler")) rmSync(join(small, name));
    };
    try {
      // No room for the bytes of an upload that was let in, nor for what an import makes of one.
      const bytes = Buffer.from(ROW.repeat(3_000));
      const headers = { "upload-offset": "0" };
      const begin = async (): Promise<string> => {
        const body = JSON.stringify({ name: "big.jsonl", sizeBytes: bytes.length });
        const made = await full.fetch("/uploads", { method: "POST", body });
        return z.object({ id: z.string() }).parse(await made.json()).id;
      };
      const send = (id: string) => full.fetch(`/uploads/${id}`, { method: "PATCH", headers, body: bytes });
      const [one, two] = [await begin(), await begin()];
      expect((await send(one)).status).toBe(200);
      const { bavail, bsize } = statfsSync(small);
      writeFileSync(`${filler}-0`, Buffer.alloc(bavail * bsize - 1_500_000));
      const put = await send(two);
      expect([put.status, await put.text()]).toEqual([507, expect.stringContaining("DISK_FULL")]);
      await full.fetch(`/uploads/${two}`, { method: "DELETE" });
      const started = await full.act(mutation("importDataset", `{ name: "big", uploadId: "${one}" }`));
      const failed = withRun.parse(started).run.id;
      expect(await ended(failed, full)).toMatchObject({ status: "FAILED", error: { code: "DISK_FULL" } });
      expect(readdirSync(join(own.data, "tmp"))).toEqual([]);
      clear();
      const retried = await full.act(RETRY, { id: failed });
      expect((await ended(withRun.parse(retried).run.id, full)).status).toBe("SUCCEEDED");
      // No room for rows.
      fill(1024 * 1024);
      const done: string[] = [];
      let code: string | null = null;
      for (let n = 0; n < 400 && code === null; n++) {
        code = await refusal(full, newKey(`k${n}`));
        if (code === null) done.push(`k${n}`);
      }
      expect(code).toBe("DISK_FULL");
      expect((await full.fetch("/healthz")).status).toBe(200);
      clear();
      expect(await refusal(full, newKey("after"))).toBeNull();
      await drive(full, importRows);
      expect(await keyNames(own)).toEqual(expect.arrayContaining(["test", ...done, "after"]));
      expect(await halfMade(own)).toEqual([]);
      expect(readdirSync(join(own.data, "tmp"))).toEqual([]);
    } finally {
      clear();
      await full.stop();
    }
  },
);

const strace = Bun.which("strace");
if (!strace) console.log("skipped: the broken disk needs strace");

test.skipIf(!strace)(
  "after one failed flush nothing is acknowledged until the next start, and nothing is lost",
  async () => {
    const own = placeIn(join(dir, "broken"));
    const secret = makeKey(home, own);
    const broken = await serve(home, own, { key: secret });
    expect(await refusal(broken, newKey("before"))).toBeNull();
    const command = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fsync,fdatasync"];
    const faults = Bun.spawn(
      [...command, "-e", "inject=fsync,fdatasync:error=EIO", "-p", String(broken.pid)],
      {
        stdout: "ignore",
        stderr: "pipe",
      },
    );
    const codes: (string | null)[] = [];
    for (let n = 0; n < 200 && codes.at(-1) !== "STORE_FAILED"; n++) {
      codes.push(await refusal(broken, newKey(`during${n}`)).catch((error: unknown) => String(error)));
      await Bun.sleep(20);
    }
    expect(codes.at(-1)).toBe("STORE_FAILED");
    faults.kill("SIGTERM");
    await faults.exited;
    // The disk is well again, but what it holds is not known before the next start.
    expect(await refusal(broken, newKey("refused"))).toBe("STORE_FAILED");
    expect((await broken.fetch("/healthz")).status).toBe(200);
    await broken.stop("SIGKILL");
    const again = await serve(home, own, { key: secret });
    expect(await refusal(again, newKey("after"))).toBeNull();
    const acknowledged = codes.flatMap((code, n) => (code === null ? [`during${n}`] : []));
    const names = await keyNames(own);
    expect(names).toEqual(expect.arrayContaining(["test", "before", ...acknowledged, "after"]));
    expect(names).not.toContain("refused");
    expect(await again.stop()).toBe(0);
  },
);
