// The whole lifecycle by the command line of the executable, with real weights and the real trainer: import, train,
// chat, save, deploy, register, talk under the alias, export, retire. ESPALIER_BIN is the executable; else the source.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";

setDefaultTimeout(900_000);

const { env } = process;
const root = join(import.meta.dir, "..");
const command = env.ESPALIER_BIN ? [env.ESPALIER_BIN] : [process.execPath, join(root, "src/main.ts")];
const model = env.ESPALIER_TEST_MODEL ?? join(root, ".cache/models/SmolLM2-135M-Instruct.Q4_1.gguf");
const python = env.ESPALIER_TRAINER_PYTHON ?? join(root, "trainer/.venv/bin/python");
const isQuick = env.ESPALIER_TESTS === "quick" || env.ESPALIER_TRAINER === "0";
const canImport = existsSync(model);
const canTrain = canImport && existsSync(python) && !isQuick;

const dir = mkdtempSync(join(tmpdir(), "espalier-lifecycle-"));
const data = join(dir, "data");
const SYSTEM = systemOf(join(root, "samples/support-messages.jsonl"));
const QUESTION = "I was charged twice for my last order, please help.";

const named = z.looseObject({ id: z.string(), name: z.string(), status: z.string() });
const listed = z.object({ items: z.array(z.looseObject({ id: z.string(), name: z.string() })) });
const failed = z.object({
  error: z.object({ code: z.string(), message: z.string(), hint: z.string().nullish() }),
});

let url = "";
let key = "";
let server: Bun.Subprocess<"ignore", "pipe", Bun.BunFile> | undefined;

function systemOf(path: string): () => Promise<string> {
  const row = z.object({ messages: z.array(z.object({ role: z.string(), content: z.string() })) });
  return async () => {
    const [line = "{}"] = (await Bun.file(path).text()).split("\n", 1);
    return row.parse(JSON.parse(line)).messages[0]?.content ?? "";
  };
}

/** One command: its exit status and the one JSON document on its stdout. */
async function espalier(...args: string[]): Promise<{ status: number; document: unknown }> {
  const child = Bun.spawn([...command, ...args, "--json"], {
    env: { ...env, ESPALIER_URL: url, ESPALIER_KEY: key },
    cwd: dir,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const [text, problems, status] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  const lines = text.trim().split("\n");
  if (lines.length !== 1 || text.trim() === "")
    throw new Error(`${args.join(" ")}: stdout is ${JSON.stringify(text)}; stderr is ${problems}`);
  return { status, document: JSON.parse(text) };
}

async function done<T>(schema: z.ZodType<T>, ...args: string[]): Promise<T> {
  const { status, document } = await espalier(...args);
  if (status !== 0) throw new Error(`${args.join(" ")} ended with ${status}: ${JSON.stringify(document)}`);
  return schema.parse(document);
}

async function refused(status: number, ...args: string[]): Promise<string> {
  const outcome = await espalier(...args);
  expect([args[0], outcome.status]).toEqual([args[0], status]);
  return failed.parse(outcome.document).error.code;
}

const say = async (name: string, text: string): Promise<string> =>
  (
    await done(
      z.looseObject({ text: z.string() }),
      ...["chat", name, text, "--system", await SYSTEM(), "--temperature", "0", "--max-tokens", "24"],
    )
  ).text;

beforeAll(async () => {
  // Before the server and before set-up, as scripts that provision a machine do.
  key = (await done(z.looseObject({ key: z.string() }), "key", "create", "--data", data, "--name", "test"))
    .key;
  const trainer = canTrain ? ["--with-trainer", "--trainer-python", python] : [];
  server = Bun.spawn([...command, "serve", "--data", data, "--port", "0", ...trainer], {
    env: { ...env, ESPALIER_CACHE_DIR: join(dir, "cache"), ESPALIER_LOG: "warn" },
    stdin: "ignore",
    stdout: "pipe",
    stderr: Bun.file(join(dir, "server.log")),
  });
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of server.stdout) {
    text += decoder.decode(chunk);
    if (text.includes("\n")) break;
  }
  const ready = z.object({ ready: z.literal(true), url: z.url(), setupUrl: z.url() });
  url = ready.parse(JSON.parse(text)).url;
});

afterAll(async () => {
  server?.kill("SIGTERM");
  await server?.exited;
  rmSync(dir, { recursive: true, force: true });
});

test("an empty folder stays empty", async () => {
  for (const what of ["bases", "datasets", "customized", "complete", "live", "registered", "runs"])
    expect((await done(listed, "list", what)).items).toEqual([]);
});

test("unknown things, wrong files and wrong keys have their exit statuses", async () => {
  expect(await refused(3, "chat", "nobody", "hello")).toBe("MODEL_NOT_FOUND");
  await Bun.write(join(dir, "bad.jsonl"), '{"messages":[{"content":"no role"}]}\n');
  const code = await refused(1, "dataset", "import", join(dir, "bad.jsonl"), "--name", "bad", "--wait");
  expect(code).toBe("MESSAGE_WITHOUT_ROLE");
  const kept = key;
  key = "esp_wrong";
  expect(await refused(4, "list", "bases")).toMatch(/^[A-Z_]+$/);
  key = kept;
  const home = url;
  url = "http://127.0.0.1:9";
  await refused(5, "list", "bases");
  url = home;
});

test.skipIf(!canImport)("import: the sample dataset and a real base model", async () => {
  const sample = join(root, "samples/support-messages.jsonl");
  const dataset = await done(named, "dataset", "import", sample, "--name", "support", "--wait");
  expect([dataset.name, dataset.status]).toEqual(["support", "ready"]);
  const base = await done(named, "model", "import", model, "--name", "smollm", "--wait");
  expect([base.name, base.status]).toEqual(["smollm", "ready"]);
  expect(await refused(4, "model", "import", model, "--name", "smollm", "--wait")).toBe("NAME_TAKEN");
});

test.skipIf(!canImport)("base → live directly, with an answer that is right", async () => {
  const live = await done(named, "deploy", "smollm", "--precision", "fp32", "--name", "smol-live", "--wait");
  expect([live.name, live.status]).toEqual(["smol-live", "live"]);
  const { text } = await done(
    z.looseObject({ text: z.string() }),
    ...["chat", "smol-live", "What is the capital of France?", "--temperature", "0", "--max-tokens", "16"],
  );
  expect(text).toBe("The capital of France is Paris.");
});

test.skipIf(!canTrain)("train → save → deploy → register → talk under the alias", async () => {
  const before = await say("smollm", QUESTION);
  const customized = await done(
    named,
    ...["train", "--base", "smollm", "--dataset", "support@1", "--method", "sft", "--name", "sorter"],
    ...["--set", "max_steps=4", "--set", "learning_rate=1e-3", "--set", "per_device_train_batch_size=2"],
    ...["--set", "eval_steps=0", "--set", "save_steps=0", "--set", "validation_fraction=0", "--wait"],
  );
  expect([customized.name, customized.status]).toEqual(["sorter", "ready"]);
  const adapted = await say("sorter", QUESTION);
  expect(adapted).not.toBe(before);

  const complete = await done(named, "save", "sorter", "--wait");
  const { verification } = z
    .looseObject({ verification: z.looseObject({ maxDifference: z.number(), tolerance: z.number() }) })
    .parse(complete);
  expect(verification.maxDifference).toBeLessThan(verification.tolerance);
  expect(await say(complete.name, QUESTION)).toBe(adapted);

  const live = await done(named, "deploy", complete.name, "--precision", "fp32", "--wait");
  expect(live.status).toBe("live");
  const registered = await done(named, "register", live.name, "--alias", "sorter-live");
  expect(registered.name).toBe("sorter-live");
  expect(await refused(4, "register", live.name, "--alias", "sorter-live")).toBe("ALIAS_TAKEN");
  expect(await say("sorter-live", QUESTION)).toBe(adapted);

  const response = await fetch(`${url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: JSON.stringify({
      model: "sorter-live",
      messages: [
        { role: "system", content: await SYSTEM() },
        { role: "user", content: QUESTION },
      ],
      temperature: 0,
      max_tokens: 24,
    }),
  });
  const reply = z.looseObject({
    choices: z.array(z.looseObject({ message: z.looseObject({ content: z.string() }) })),
  });
  expect(reply.parse(await response.json()).choices[0]?.message.content).toBe(adapted);

  const to = join(dir, "exported");
  await done(z.looseObject({}), "export", complete.name, "--to", to);
  for (const file of ["config.json", "model.safetensors", "tokenizer.json"])
    expect(existsSync(join(to, file))).toBe(true);

  await refused(4, "retire", live.name);
  await done(z.looseObject({}), "unregister", "sorter-live");
  await done(z.looseObject({}), "retire", live.name);
  expect(await refused(3, "chat", "sorter-live", "hello")).toBe("MODEL_NOT_FOUND");
  expect(await refused(4, "delete", "smollm")).toBe("HAS_DEPENDANTS");
});

test("SIGTERM ends the whole tree", async () => {
  if (!server) throw new Error("no server");
  const tree = await descendants(server.pid);
  server.kill("SIGTERM");
  expect(await server.exited).toBe(0);
  const alive = tree.filter((pid) => existsSync(`/proc/${pid}`));
  expect(alive).toEqual([]);
});

/** Process ids below one, from /proc. */
async function descendants(pid: number): Promise<number[]> {
  const path = `/proc/${pid}/task/${pid}/children`;
  const children = existsSync(path)
    ? (await Bun.file(path).text()).trim().split(/\s+/).filter(Boolean).map(Number)
    : [];
  const below = await Promise.all(children.map(descendants));
  return [...children, ...below.flat()];
}
