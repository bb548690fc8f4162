// The executable alone: an empty root with nothing but it and the C and C++ runtime, no Python, Node, shell, home or
// network. Base models, knowledge bases, chat, deployment and aliases work there from end to end.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { zipSync } from "fflate";
import { z } from "zod";

setDefaultTimeout(240_000);
const built = process.env.ESPALIER_BIN ?? join(import.meta.dir, "../dist/espalier");
const sample =
  process.env.ESPALIER_TEST_MODEL ??
  join(import.meta.dir, "../.cache/models/SmolLM2-135M-Instruct.Q4_1.gguf");
/** What ONNX Runtime and libSQL need beside what the executable itself is linked to. */
const RUNTIME = ["libgcc_s.so.1", "libstdc++.so.6", "librt.so.1"];

const lacks = [
  ...["strace", "unshare", "ip", "ldd"].filter((name) => Bun.which(name) === null),
  ...(existsSync(sample) ? [] : [sample]),
];
if (lacks.length === 0 && !Bun.spawnSync(["unshare", "--net", "--mount", "true"]).success)
  lacks.push("the right to unshare");
if (lacks.length > 0) console.log(`skipped: the test in an empty root lacks ${lacks.join(", ")}`);

const dir = mkdtempSync(join(tmpdir(), "espalier-alone-"));
const root = join(dir, "root");
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const report = z.object({
  said: z.array(z.object({ code: z.number(), document: z.record(z.string(), z.unknown()) })),
  calls: z.number(),
  attempts: z.array(z.string()),
  lookUps: z.array(z.string()),
});

/** Libraries that the dynamic linker finds for the executable: path by path. */
const linked = (): string[] =>
  Bun.spawnSync(["ldd", built])
    .stdout.toString()
    .match(/\/\S+(?= \()/g) ?? [];

/** Copies a file to the same path in the root. */
function place(path: string, at = path): void {
  mkdirSync(join(root, dirname(at)), { recursive: true });
  copyFileSync(path, join(root, at));
}

/** Drives the executable in the root by command lines, after `key create` and before the end of its server. */
async function inside(name: string, steps: readonly (readonly string[])[]) {
  const child = Bun.spawn(
    ["unshare", "--net", "--mount", "--", process.execPath, join(import.meta.dir, "alone.entry.ts")].concat(
      root,
      join(dir, name, "t"),
    ),
    { stdin: new Blob([JSON.stringify(steps)]), stdout: "pipe", stderr: "inherit" },
  );
  const text = await new Response(child.stdout).text();
  expect(await child.exited).toBe(0);
  return report.parse(JSON.parse(text));
}

/** One page with one line of text. */
function pdf(line: string): string {
  const content = `BT /F1 12 Tf 72 720 Td (${line}) Tj ET`;
  const objects = [
    "<< /Type /Catalog /Pages 2 0 R >>",
    "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
    "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 5 0 R /Resources << /Font << /F1 4 0 R >> >> >>",
    "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    `<< /Length ${content.length} >>\nstream\n${content}\nendstream`,
  ];
  let text = "%PDF-1.7\n";
  const offsets = objects.map((object, i) => {
    const at = text.length;
    text += `${i + 1} 0 obj\n${object}\nendobj\n`;
    return `${String(at).padStart(10, "0")} 00000 n \n`;
  });
  const size = objects.length + 1;
  return `${text}xref\n0 ${size}\n0000000000 65535 f \n${offsets.join("")}trailer << /Size ${size} /Root 1 0 R >>\nstartxref\n${text.length}\n%%EOF\n`;
}

const OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main";
const docx = (line: string): Uint8Array =>
  zipSync({
    "[Content_Types].xml": encode(
      `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>`,
    ),
    "_rels/.rels": encode(
      `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" Type="${OFFICE}/officeDocument" Target="word/document.xml"/></Relationships>`,
    ),
    "word/document.xml": encode(
      `<w:document xmlns:w="${WORD}"><w:body><w:p><w:r><w:t>${line}</w:t></w:r></w:p></w:body></w:document>`,
    ),
  });

beforeAll(() => {
  if (lacks.length > 0) return;
  for (const folder of ["proc", "dev", "tmp", "docs"]) mkdirSync(join(root, folder), { recursive: true });
  for (const device of ["dev/null", "dev/urandom"]) writeFileSync(join(root, device), "");
  place(built, "/espalier");
  place(sample, "/model.gguf");
  for (const path of linked()) place(path);
  const files: Record<string, string | Uint8Array> = {
    "leave.md": "# Leave\n\nEverybody has 28 days of holiday a year.",
    "travel.html":
      "<html><head><title>Travel</title></head><body><p>Trains are booked by the office.</p></body></html>",
    "kitchen.docx": docx("The coffee machine in the kitchen is cleaned every Friday."),
    "parking.pdf": pdf("Bicycles are parked in the cellar behind the blue door."),
  };
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(root, "docs", name), bytes);
  writeFileSync(
    join(root, "rows.jsonl"),
    '{"messages":[{"role":"user","content":"Hello"},{"role":"assistant","content":"Good day."}]}\n',
  );
});

test.skipIf(lacks.length > 0)("without the C++ runtime it names the library and the packages", async () => {
  const { said } = await inside("bare", []);
  expect(said).toEqual([
    {
      code: 1,
      document: {
        error: expect.objectContaining({
          code: "SYSTEM_LIBRARY_MISSING",
          value: "libgcc_s.so.1",
          hint: expect.stringContaining("libstdc++6"),
        }),
      },
    },
  ]);
});

test.skipIf(lacks.length > 0)(
  "in an empty root: import, knowledge base, chat with citations, deploy, register, chat by alias; nobody is called",
  async () => {
    const libraries = dirname(linked().find((path) => basename(path) === "libc.so.6") ?? "");
    for (const name of RUNTIME) place(join(libraries, name));
    const search = (question: string) => ["kb", "search", "handbook", question, "--k", "1"];
    const { said, calls, attempts, lookUps } = await inside("whole", [
      ["doctor", "--data", "/data", "--port", "0"],
      ["model", "import", "/model.gguf", "--name", "smol", "--wait"],
      ["kb", "create", "--name", "handbook"],
      ["kb", "add", "handbook", "/docs", "--wait"],
      search("How much vacation do employees get?"),
      search("Who buys railway tickets?"),
      search("When is the espresso maker washed?"),
      search("Where do I leave my bike?"),
      ["chat", "smol", "How many days of holiday?", "--kb", "handbook", "--max-tokens", "12"],
      ["deploy", "smol", "--precision", "int8", "--wait"],
      ["register", "smol_d_1_int8", "--alias", "helper"],
      ["chat", "helper", "Where are bicycles parked?", "--kb", "handbook", "--max-tokens", "12"],
      ["dataset", "import", "/rows.jsonl", "--name", "rows", "--wait"],
      ["train", "--base", "smol", "--dataset", "rows", "--method", "sft", "--name", "tuned"],
      ["trainer"],
    ]);
    const found = (document: string, page: number | null = null) => ({
      code: 0,
      document: { items: [{ document, page }] },
    });
    const cited = (document: string) => ({
      code: 0,
      document: {
        text: expect.stringMatching(/\w/),
        citations: expect.arrayContaining([expect.objectContaining({ document })]),
      },
    });
    const ready = ["kitchen.docx", "leave.md", "parking.pdf", "travel.html"];
    expect(said).toMatchObject([
      { code: 0, document: { key: expect.any(String) } },
      { code: 0, document: { ok: true } },
      { code: 0, document: { kind: "base", name: "smol", status: "ready" } },
      { code: 0, document: { kind: "kb", name: "handbook" } },
      { code: 0, document: { items: ready.map((name) => ({ name, status: "ready", error: null })) } },
      found("leave.md"),
      found("travel.html"),
      found("kitchen.docx"),
      found("parking.pdf", 1),
      cited("leave.md"),
      { code: 0, document: { kind: "live", name: "smol_d_1_int8", status: "live", health: "ready" } },
      { code: 0, document: { kind: "registered", name: "helper" } },
      cited("parking.pdf"),
      { code: 0, document: { kind: "dataset", status: "ready" } },
      // A training is no mistake here: it waits for a trainer, from wherever that joins.
      { code: 0, document: { kind: "training", status: "queued" } },
      {
        code: 1,
        document: { error: { code: "TRAINER_NOT_PREPARED", hint: expect.stringContaining("--url") } },
      },
      {
        code: 200,
        document: {
          data: {
            processMap: {
              trainerHint: expect.stringContaining("espalier trainer"),
              stages: expect.arrayContaining([
                { key: "base", available: true, reason: null },
                { key: "customized", available: false, reason: expect.stringContaining("espalier trainer") },
              ]),
            },
          },
        },
      },
      { code: 0, document: {} },
    ]);
    expect(calls).toBeGreaterThan(0);
    expect(attempts).toEqual([]);
    // Without HOME the C library asks nscd for the user's home; a host it asks for goes on to port 53, as nscd is not there.
    expect(lookUps.filter((line) => !line.includes("/var/run/nscd/socket"))).toEqual([]);
  },
);
