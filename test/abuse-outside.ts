// Hostile documents and misbehaving providers: what is sent or answered, and the code under which it must be refused.
import { z } from "zod";
import { limits } from "../src/kit/limits.ts";
import {
  announcing,
  book,
  encode,
  excel,
  line,
  lockedPdf,
  pack,
  pdf,
  scannedPdf,
  word,
  wordText,
} from "../src/knowledge/documents/hostile.test-kit.ts";
import { PNG } from "./abuse-files.ts";
import type { AbuseWorld, Case, Refusal } from "./abuse-world.ts";
import { KEY, type Manner, startWire, WIRES } from "./provider-wire.ts";

const refusal = z.object({
  code: z.string(),
  message: z.string(),
  hint: z.string().nullable(),
  value: z.string().nullable(),
});
const reading = z.object({
  document: z.object({ state: z.string(), error: refusal.nullable(), chunkCount: z.number().nullable() }),
});

/** Adds a file to the knowledge base `shelf`; why it was not read, or null with how many passages it has. */
export async function addDocument(
  w: AbuseWorld,
  name: string,
  bytes: Uint8Array,
): Promise<{ refusal: Refusal | null; chunks: number }> {
  const uploadId = await w.upload(name, bytes);
  if (typeof uploadId !== "string") return { refusal: uploadId, chunks: 0 };
  const input = { knowledgeBase: "shelf", files: [{ name, uploadId }] };
  const answer = await w.act(
    "addDocuments",
    "AddDocumentsInput",
    input,
    "... on AddDocumentsSuccess { items { document { id } } }",
  );
  if ("refusal" in answer) return { refusal: answer.refusal, chunks: 0 };
  const { items } = z
    .object({ items: z.tuple([z.object({ document: z.object({ id: z.string() }) })]) })
    .parse(answer.done);
  const id = items[0].document.id;
  for (const until = Date.now() + 50_000; Date.now() < until; await Bun.sleep(50)) {
    const { data } = await w.graphql(
      "query ($id: ID!) { document(id: $id) { state chunkCount error { code message hint value } } }",
      { id },
    );
    const { document } = reading.parse(data);
    if (document.state === "FAILED" && document.error)
      return { refusal: { ...document.error }, chunks: document.chunkCount ?? 0 };
    if (document.state === "READY") return { refusal: null, chunks: document.chunkCount ?? 0 };
  }
  throw new Error(`${name} is still being read`);
}

const zeros = new Uint8Array(16 * 1024 * 1024);
const files: [name: string, code: string, bytes: () => Uint8Array][] = [
  ["locked.pdf", "DOCUMENT_ENCRYPTED", lockedPdf],
  ["scan.pdf", "DOCUMENT_SCANNED", scannedPdf],
  ["cut.pdf", "DOCUMENT_MALFORMED", () => pdf([line("words", 700)]).subarray(0, 40)],
  ["many.pdf", "DOCUMENT_TOO_LARGE", () => pdf(Array<string>(limits.documentPages + 1).fill(""))],
  ["bomb.docx", "ARCHIVE_BOMB", () => word(wordText("x"), { "word/styles.xml": zeros })],
  ["bomb.xlsx", "ARCHIVE_BOMB", () => excel("", { "xl/sharedStrings.xml": zeros })],
  ["bomb.epub", "ARCHIVE_BOMB", () => book("<p>x", { "b/more.xhtml": zeros })],
  [
    "lying.docx",
    "DOCUMENT_MALFORMED",
    () => announcing(word(wordText("words"), { "word/styles.xml": zeros.subarray(0, 4 << 20) }), 1),
  ],
  ["foreign.docx", "DOCUMENT_KIND_UNSUPPORTED", () => pack({ "a.txt": "words" })],
  ["picture.pdf", "DOCUMENT_KIND_UNSUPPORTED", () => PNG],
  ["empty.txt", "DOCUMENT_EMPTY", () => encode("")],
  ["blank.md", "DOCUMENT_EMPTY", () => encode(" \n\n ")],
];
export const documentCases: Case[] = files.map(([name, code, bytes]) => [
  name,
  code,
  new RegExp(name.replace(".", "\\.")),
  async (w) => (await addDocument(w, name, bytes())).refusal,
]);

/** The test of a provider that answers so, at an address of this machine that was confirmed. */
async function tested(w: AbuseWorld, manner: Manner, isConfirmed = true): Promise<Refusal | null> {
  const server = startWire(WIRES["openai-compatible"], manner);
  const name = `p${server.url.replace(/\D/g, "")}`;
  try {
    const input = {
      name,
      kind: "openai-compatible",
      url: server.url,
      key: KEY,
      models: [{ model: "some-model" }],
      allowPrivate: isConfirmed,
      timeoutMs: 1000,
    };
    const added = await w.act("addProvider", "AddProviderInput", input, "");
    if ("refusal" in added) return added.refusal;
    const { data } = await w.graphql(
      "mutation ($p: ID!) { testProvider(provider: $p) { __typename ... on UserError { code text: message hint value } } }",
      { p: name },
    );
    const { testProvider } = z
      .object({ testProvider: z.looseObject({ code: z.string().optional(), text: z.string().optional() }) })
      .parse(data);
    return testProvider.code === undefined
      ? null
      : refusal.parse({ ...testProvider, message: testProvider.text });
  } finally {
    await server.close();
  }
}

const manners: [what: string, code: string, names: RegExp, manner: Manner][] = [
  ["a web page instead of data", "PROVIDER_NOT_AN_API", /web page/, "html"],
  ["429 with a Retry-After of an hour", "PROVIDER_BUSY", /429/, "busy-long"],
  ["a broken event in its stream", "PROVIDER_ANSWER_INVALID", /not understood/, "broken-sse"],
  ["a stream that breaks off", "PROVIDER_STREAM_BROKEN", /broke off/, "cut-off"],
  ["a stream without an end", "PROVIDER_ANSWER_TOO_LARGE", /33554432 bytes/, "endless"],
  ["silence in its answer", "PROVIDER_TIMEOUT", /silent.*1 s/, "silent"],
  [
    "a redirect to the metadata of a cloud",
    "ADDRESS_FORBIDDEN",
    /169\.254\.169\.254/,
    { redirect: "http://169.254.169.254/latest/meta-data/" },
  ],
  [
    "a redirect to a private address that nobody confirmed",
    "ADDRESS_PRIVATE",
    /10\.1\.2\.3/,
    { redirect: "http://10.1.2.3/v1/chat/completions" },
  ],
];
export const providerCases: Case[] = [
  ...manners.map(([what, code, names, manner]): Case => [what, code, names, (w) => tested(w, manner)]),
  ["a private address", "ADDRESS_PRIVATE", /127\.0\.0\.1/, (w) => tested(w, "well", false)],
];
