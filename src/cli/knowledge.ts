// `kb`: knowledge bases of the command line: made, filled from files and folders, searched.
import { readdir, stat } from "node:fs/promises";
import { basename, join, relative, resolve } from "node:path";
import { z } from "zod";
import { type ErrorShape, EspalierError, isEspalierError } from "../kit/errors.ts";
import { limits } from "../kit/limits.ts";
import { ERRORS } from "./client.ts";
import { followOf, type VerbContext } from "./context.ts";
import { waitForRun } from "./follow.ts";
import { EXIT, usage } from "./outcome.ts";
import { nodeShape } from "./pages.ts";
import type { Done } from "./program.ts";
import { selection, thingOf } from "./things.ts";
import { fileSource, upload } from "./upload.ts";

const made = z.object({ knowledgeBase: nodeShape });

/** Makes an empty knowledge base. */
export async function createBase(
  { client }: VerbContext,
  { name, embedder }: { name: string; embedder?: string },
) {
  const { knowledgeBase } = await client.mutate(
    `mutation Create($input: CreateKnowledgeBaseInput!) { createKnowledgeBase(input: $input) { __typename
      ... on KnowledgeBaseSuccess { knowledgeBase { ${selection("KnowledgeBase")} } } ${ERRORS} } }`,
    { input: { name, ...(embedder === undefined ? {} : { embedder }) } },
    made,
  );
  return thingOf(knowledgeBase);
}

const errorShape = z.object({
  code: z.string(),
  message: z.string(),
  hint: z.string().nullish(),
  field: z.string().nullish(),
  value: z.string().nullish(),
});
const documentShape = z.object({
  id: z.string(),
  state: z.string(),
  error: errorShape.nullable(),
  run: z.object({ id: z.string() }).nullable(),
});
const DOCUMENT = "id state error { code message hint field value } run { id }";
const addedShape = z.object({ items: z.array(z.object({ name: z.string(), document: documentShape })) });

type File = { name: string; path: string };
/** A file that the server has, or gets with the call. */
type Sent = { name: string; uploadId: string } | { name: string; file: Blob };
type Item = {
  name: string;
  status: string;
  documentId: string | null;
  error: ErrorShape | z.infer<typeof errorShape> | null;
};

/** Files up to this size go with the call that adds them; a larger one is sent before, in pieces that can be sent again. */
const INLINE_BYTES = 256 * 1024;
/** Files sent before the call at once; each costs the server some requests. */
const UPLOADS_AT_ONCE = 4;
/** Files that one call adds: the server reads them while the next ones are sent. */
const FILES_PER_CALL = 50;

/** Adds files, and those in folders. One item a file; exit code 1 where one could not be added or read. */
export async function addFiles(context: VerbContext, base: string, paths: readonly string[]): Promise<Done> {
  const { client } = context;
  // A name that nobody knows should be told before gigabytes are sent.
  const known = z.object({ knowledgeBase: z.object({ id: z.string() }).nullable() });
  const query = "query Base($name: String!) { knowledgeBase(name: $name) { id } }";
  const { knowledgeBase } = await client.query(query, { name: base }, known);
  if (!knowledgeBase)
    throw new EspalierError(
      "KNOWLEDGE_BASE_NOT_FOUND",
      `there is no knowledge base "${base.slice(0, 120)}"`,
      {
        hint: "`espalier list kbs` shows the names; `espalier kb create --name NAME` makes one.",
        value: base.slice(0, 120),
        status: 404,
      },
    );
  const files = (await Promise.all(paths.map(filesAt))).flat();
  const items: Item[] = [];
  const runs = new Set<string>();
  for (let at = 0; at < files.length; at += FILES_PER_CALL)
    items.push(...(await addSome(context, knowledgeBase.id, files.slice(at, at + FILES_PER_CALL), runs)));
  const done = context.wait ? await waitFor(context, items, runs) : items;
  const isFailed = done.some(({ status }) => status === "failed");
  return { document: { items: done }, exitCode: isFailed ? EXIT.failed : EXIT.done };
}

/** A file under its own name; the files of a folder under their paths within it, sorted. */
async function filesAt(path: string): Promise<File[]> {
  const full = resolve(path);
  const info = await stat(full).catch(() => null);
  if (!info)
    throw new EspalierError("PATH_NOT_FOUND", `there is no file or folder ${path}`, {
      hint: "Check the path; it is one of this machine.",
      value: path,
      status: 404,
    });
  if (!info.isDirectory()) return [{ name: basename(full), path: full }];
  const entries = await readdir(full, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((file) => ({ path: file, name: relative(full, file) }))
    .filter(({ name }) => !name.split("/").some((part) => part.startsWith(".")))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
  if (files.length > 0) return files;
  throw usage(`there are no files in ${path}`, "Name a folder with documents; hidden files are left out.");
}

/** Sends and adds some files, and notes the runs that read them. A file that cannot be sent fails alone. */
async function addSome(
  context: VerbContext,
  base: string,
  files: readonly File[],
  runs: Set<string>,
): Promise<Item[]> {
  const sent: (Sent | Item)[] = new Array(files.length);
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let at = next++; at < files.length; at = next++) {
      const file = files[at];
      if (file) sent[at] = await send(context, file);
    }
  };
  await Promise.all(Array.from({ length: UPLOADS_AT_ONCE }, lane));
  const good = sent.filter((one): one is Sent => !("status" in one));
  const added = good.length > 0 ? await addSent(context, base, good, runs) : [];
  let taken = 0;
  return sent.flatMap((one) => ("status" in one ? [one] : (added[taken++] ?? [])));
}

async function send({ client }: VerbContext, { name, path }: File): Promise<Sent | Item> {
  try {
    const source = fileSource(path, "file");
    if (source.sizeBytes > limits.documentBytes)
      throw new EspalierError(
        "DOCUMENT_TOO_LARGE",
        `${name} has ${source.sizeBytes} bytes, more than the limit documentBytes (${limits.documentBytes}).`,
        { hint: "Split the document and add its parts.", value: name },
      );
    if (source.sizeBytes <= INLINE_BYTES) return { name, file: new Blob([await Bun.file(path).bytes()]) };
    return { name, uploadId: await upload(client, source) };
  } catch (error) {
    if (
      !isEspalierError(error) ||
      /^(UNREACHABLE|UNAUTHENTICATED|SCOPE_MISSING|INTERRUPTED)$/.test(error.code)
    )
      throw error;
    const { code, message, hint = null } = error;
    return { name, status: "failed", documentId: null, error: { code, message, hint } };
  }
}

async function addSent(
  { client }: VerbContext,
  base: string,
  files: readonly Sent[],
  runs: Set<string>,
): Promise<Item[]> {
  const { items } = await client.mutate(
    `mutation Add($input: AddDocumentsInput!) { addDocuments(input: $input) { __typename
      ... on AddDocumentsSuccess { items { name document { ${DOCUMENT} } } } ${ERRORS} } }`,
    {
      input: {
        knowledgeBase: base,
        files: files.map((one) => ("file" in one ? { name: one.name, file: null } : one)),
      },
    },
    addedShape,
    Object.fromEntries(
      files.flatMap((one, at) => ("file" in one ? [[`input.files.${at}.file`, one.file]] : [])),
    ),
  );
  for (const { document } of items)
    if (document.run && !/^(READY|FAILED)$/.test(document.state)) runs.add(document.run.id);
  return items.map(({ name, document }) => itemOf(name, document));
}

function itemOf(name: string, { id, state, error }: z.infer<typeof documentShape>): Item {
  return { name, status: state.toLowerCase(), documentId: id, error };
}

const nodesShape = z.object({ nodes: z.array(documentShape.nullable()) });

/** The same items once their documents are ready or failed. */
async function waitFor(
  context: VerbContext,
  items: readonly Item[],
  runs: ReadonlySet<string>,
): Promise<Item[]> {
  // How a run ended is told document by document.
  const ended = (run: string): Promise<unknown> =>
    waitForRun(followOf(context), run).catch((error: unknown) => {
      if (!isEspalierError(error) || /^(UNREACHABLE|INTERRUPTED)$/.test(error.code)) throw error;
    });
  for (const run of runs) await ended(run);
  const ids = items.flatMap(({ documentId }) => documentId ?? []);
  const states = new Map<string, z.infer<typeof documentShape> | null>();
  for (let at = 0; at < ids.length; at += limits.pageItems) {
    const some = ids.slice(at, at + limits.pageItems);
    for (;;) {
      const { nodes } = await context.client.query(
        `query States($ids: [ID!]!) { nodes(ids: $ids) { ... on Document { ${DOCUMENT} } } }`,
        { ids: some },
        nodesShape,
      );
      for (const [place, id] of some.entries()) states.set(id, nodes[place] ?? null);
      const open = nodes.find((one) => one && !/^(READY|FAILED)$/.test(one.state));
      if (!open?.run) break;
      await ended(open.run.id);
    }
  }
  return items.map((item) => {
    if (item.documentId === null) return item;
    const now = states.get(item.documentId);
    return now ? itemOf(item.name, now) : { ...item, status: "failed", error: GONE };
  });
}

const GONE = {
  code: "DOCUMENT_NOT_FOUND",
  message: "The document was deleted while it was read.",
  hint: "Add it again.",
};

const passageShape = z.object({
  document: z.string(),
  documentId: z.string(),
  chunkId: z.string(),
  text: z.string(),
  score: z.number(),
  pageFrom: z.number().nullable(),
});
const retrieved = z.object({
  retrieve: z.object({
    passages: z.array(passageShape),
    nothingFound: z.string().nullable(),
    warnings: z.array(z.string()),
  }),
});

/** {"items": […]}: the passages that answer best. */
export async function search(
  { client, isJson, stderr }: VerbContext,
  base: string,
  question: string,
  { k, ranker }: { k?: number; ranker?: string },
) {
  if (ranker !== undefined && !/^(hybrid|words|meaning)$/.test(ranker))
    throw usage(`--ranker ${ranker} is not known`, "Choose hybrid, words or meaning.");
  const settings = {
    ...(k === undefined ? {} : { k }),
    ...(ranker === undefined ? {} : { ranker: ranker.toUpperCase() }),
  };
  const { retrieve } = await client.query(
    `query Search($input: RetrieveInput!) { retrieve(input: $input) {
      passages { document documentId chunkId text score pageFrom } nothingFound warnings } }`,
    { input: { knowledgeBases: [base], question, settings } },
    retrieved,
  );
  if (!isJson)
    for (const line of [...retrieve.warnings, retrieve.nothingFound ?? []].flat()) stderr.write(`${line}\n`);
  return {
    items: retrieve.passages.map(({ pageFrom, ...passage }) => ({ ...passage, page: pageFrom })),
    ...(retrieve.nothingFound === null ? {} : { nothingFound: retrieve.nothingFound }),
    ...(retrieve.warnings.length === 0 ? {} : { warnings: retrieve.warnings }),
  };
}
