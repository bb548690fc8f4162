// Hostile and wrong input through the executable: each case is refused under its own code, with name, value and mend;
// nothing half-made stays, and the server goes on.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { writeToyModel } from "../src/inference/toy.test-kit.ts";
import { limits } from "../src/kit/limits.ts";
import { datasetCases, uploadCases } from "./abuse-datasets.ts";
import { toyFiles } from "./abuse-files.ts";
import { modelCases } from "./abuse-models.ts";
import { chat, requestCases, trainingCases } from "./abuse-requests.ts";
import { type AbuseWorld, type Refusal, startAbuseWorld, turn } from "./abuse-world.ts";

setDefaultTimeout(60_000);
let w: AbuseWorld;
let before: Record<string, unknown>;
beforeAll(async () => {
  w = await startAbuseWorld();
  const made = async (work: Promise<Refusal | null>): Promise<void> => expect(await work).toBeNull();
  await made(w.importModel(await toyFiles(), "toy"));
  await made(w.importModel(await toyFiles({ template: null }), "plain"));
  const row = (split: string) =>
    JSON.stringify({ messages: [turn("user", "What is it? ".repeat(9)), turn("assistant", "It.")], split });
  await made(w.importDataset("chats.jsonl", `${row("train")}\n${row("train")}\n`, { name: "chats" }));
  await made(w.importDataset("tested.jsonl", `${row("test")}\n`, { name: "tested" }));
  await made(w.importDataset("table.csv", "question,answer\na,b\n", { name: "table" }));
  const live = { modelId: "toy", name: "toy_live", precision: "FP32" };
  await made(w.outcome("deployModel", "DeployModelInput", live));
  await made(w.register("pet"));
  before = await w.left();
});
afterAll(() => w.close());

/** Of no use to a reader: the fault is ours, or nobody thought of it. */
const NO_CODES = ["INTERNAL", "FAULT", "RUN_FAILED", "REQUEST_FAILED", "INTERNAL_SERVER_ERROR", ""];

for (const [area, cases] of Object.entries({
  dataset: datasetCases,
  model: modelCases,
  upload: uploadCases,
  training: trainingCases,
  request: requestCases,
}))
  test.each(cases)(`${area}: %s → %s`, async (_, code, names, act) => {
    const refusal = await act(w);
    expect({ ...refusal, code: refusal?.code }).toMatchObject({ code });
    expect(NO_CODES).not.toContain(code);
    expect(`${refusal?.message} ${refusal?.value ?? ""}`).toMatch(names);
    expect(refusal?.hint ?? "").toMatch(/\w+ \w+/);
    // What a run leaves behind is removed right after its end.
    for (const until = Date.now() + 3_000; Date.now() < until && !Bun.deepEquals(await w.left(), before); )
      await Bun.sleep(20);
    expect(await w.left()).toEqual(before);
  });

const LOOPS: [string, string][] = [
  ["loops for ever", "{% for i in range(999999) %}{% for j in range(999999) %}{% endfor %}{% endfor %}"],
  [
    "doubles a text",
    "{% set n = namespace(t='x') %}{% for i in range(99) %}{% set n.t = n.t ~ n.t %}{% endfor %}",
  ],
  [
    "doubles a list",
    "{% set n = namespace(l=[1]) %}{% for i in range(99) %}{% set n.l = n.l + n.l %}{% endfor %}",
  ],
  ["asks for a long list", "{{ range(99999999999) }}"],
  [
    "prints lists of each other",
    "{% set n = namespace(l=[1]) %}{% for i in range(60) %}{% set n.l = [n.l, n.l] %}{% endfor %}{{ n.l | tojson }}",
  ],
];
test.each(LOOPS)("a template that %s costs its own reply, and no other model's", async (what, template) => {
  const name = what.replaceAll(" ", "_");
  expect(await w.importModel(await toyFiles({ template }), name)).toBeNull();
  const started = performance.now();
  expect(await chat(w, { model: name })).toMatchObject({ code: "template_timeout" });
  expect(performance.now() - started).toBeLessThan(5_000);
  const answer = await w.fetch("/v1/chat/completions", {
    method: "POST",
    body: JSON.stringify({ model: "toy", messages: [turn("user", "hi")], max_tokens: 2 }),
  });
  expect(answer.status).toBe(200);
});

test("one line of 1 GB is refused by its length, and the server's memory does not grow by it", async () => {
  const sizeBytes = 1024 ** 3;
  const piece = new Uint8Array(limits.uploadChunkBytes).fill(97);
  const opened = await w.fetch("/uploads", {
    method: "POST",
    body: JSON.stringify({ name: "line.jsonl", sizeBytes }),
  });
  const { id } = z.object({ id: z.string() }).parse(await opened.json());
  const idle = w.peakBytes();
  for (let offset = 0; offset < sizeBytes; offset += piece.byteLength) {
    piece.set(new TextEncoder().encode(offset === 0 ? '{"prompt":"' : "aaaaaaaaaaa"));
    const headers = { "upload-offset": String(offset) };
    expect((await w.fetch(`/uploads/${id}`, { method: "PATCH", headers, body: piece })).status).toBe(200);
  }
  const refusal = await w.outcome("importDataset", "ImportDatasetInput", { name: "line", uploadId: id });
  expect(refusal).toMatchObject({ code: "RECORD_TOO_LONG", value: `${sizeBytes} bytes` });
  expect(refusal?.message).toContain("datasetRecordBytes");
  expect(w.peakBytes() - idle).toBeLessThan(300 * 1024 ** 2);
});

/** The status line that a raw request gets, or "closed". */
async function rawStatus(head: string): Promise<string> {
  const { hostname, port } = new URL(w.url);
  const answer = Promise.withResolvers<string>();
  const socket = await Bun.connect({
    hostname,
    port: Number(port),
    socket: {
      data: (_, bytes) => answer.resolve(bytes.toString("utf8").slice(9, 12)),
      close: () => answer.resolve("closed"),
      error: () => answer.resolve("closed"),
    },
  });
  socket.write(head);
  const status = await Promise.race([answer.promise, Bun.sleep(5_000).then(() => "silent")]);
  socket.end();
  return status;
}

test.each(["/graphql", "/v1/chat/completions", "/uploads", "/trainer/v1/hello", "/auth/sign-in"])(
  "%s refuses a body of 1 TB by what it announces",
  async (path) => {
    const head = `POST ${path} HTTP/1.1\r\nHost: ${new URL(w.url).host}\r\nAuthorization: Bearer ${w.admin}\r\n`;
    expect(
      await rawStatus(`${head}Content-Type: application/json\r\nContent-Length: 1099511627776\r\n\r\n{`),
    ).toBe("413");
  },
);

test("a header of 1 MB ends its own connection only", async () => {
  const head = `GET / HTTP/1.1\r\nHost: ${new URL(w.url).host}\r\nX-Long: ${"x".repeat(1 << 20)}\r\n\r\n`;
  expect(["431", "400", "closed"]).toContain(await rawStatus(head));
  expect((await w.fetch("/healthz")).status).toBe(200);
});

test("a model that the memory budget does not hold is refused with both figures", async () => {
  const small = await startAbuseWorld(["--memory-budget", "64M"]);
  try {
    expect(await small.importModel(await toyFiles(), "toy")).toBeNull();
    const refusal = await small.outcome("deployModel", "DeployModelInput", {
      modelId: "toy",
      precision: "FP32",
    });
    expect(refusal).toMatchObject({ code: "MODEL_TOO_LARGE" });
    expect(refusal?.message).toMatch(/\d+ MiB.*64 MiB/);
    expect((await small.fetch("/healthz")).status).toBe(200);
  } finally {
    await small.close();
  }
});

test("a key with write imports a folder by the command line, file by file, without pickles and nested folders", async () => {
  const folder = w.newFolder("mine");
  await writeToyModel(folder, { shards: 3 });
  writeFileSync(join(folder, "pytorch_model.bin"), "pickle");
  w.newFolder("mine/onnx");
  const env = { ESPALIER_URL: w.url, ESPALIER_KEY: w.writer };
  const { code, document } = await w.user.json(["model", "import", folder, "--name", "mine", "--wait"], {
    env,
  });
  expect({ code, document }).toMatchObject({ code: 0, document: { name: "mine", status: "ready" } });
});

test("folders of --import-dir open to whoever may write, and then nothing else does, even to admins", async () => {
  const here = mkdtempSync(join(tmpdir(), "espalier-import-"));
  const bound = await startAbuseWorld(["--import-dir", here]);
  try {
    await writeToyModel(join(here, "toy"));
    await writeToyModel(join(bound.user.work, "toy"));
    symlinkSync(bound.user.work, join(here, "way-out"));
    const byPath = (path: string, key: string) =>
      bound.outcome("importModel", "ImportModelInput", { name: "m", path }, key);
    for (const path of [
      join(bound.user.work, "toy"),
      `${here}/../etc`,
      join(here, "way-out/toy"),
      "/nowhere",
    ])
      for (const key of [bound.writer, bound.admin])
        expect(await byPath(path, key)).toMatchObject({ code: "PATH_REFUSED" });
    expect(await byPath(join(here, "toy"), bound.writer)).toBeNull();
  } finally {
    await bound.close();
    rmSync(here, { recursive: true });
  }
});
