// The runs of knowledge bases: reading documents into the index that answers, and building another one beside it.
import { and, asc, eq, gt, inArray, sql } from "drizzle-orm";
import { z } from "zod";
import {
  documents,
  indexedDocuments,
  knowledgeBases,
  knowledgeIndexes,
} from "../../schema/tables/knowledge.ts";
import type { Embedder } from "../inference/inference.ts";
import { type ErrorShape, EspalierError, isEspalierError, messageOf, shapeOf } from "../kit/errors.ts";
import { limits } from "../kit/limits.ts";
import type { Log } from "../kit/log.ts";
import type { HandlerContext, RunHandler, RunHooks, Runs } from "../runs/runs.ts";
import type { Store, Tx } from "../store/store.ts";
import type { Bases, IndexRow, KnowledgeBaseRow } from "./bases.ts";
import type { DocumentReader } from "./documents/reader.ts";
import { fillIndex, IndexReplaced } from "./filling.ts";
import { checkChunking } from "./settings.ts";
import { type CutDocument, cutDocument, type DocumentRow, keepTexts, keptTexts } from "./texts.ts";

export type IndexingDeps = {
  store: Store;
  runs: Runs;
  bases: Bases;
  log: Log;
  reader: DocumentReader;
  clock: () => number;
  /** Called when something may be there to be swept. */
  sweepSoon: () => void;
};

const documentsSpec = z.object({ knowledgeBaseId: z.string() });
const rebuildSpec = z.object({
  knowledgeBaseId: z.string(),
  embedder: z.string(),
  chunking: z.looseObject({}),
});
const UNFINISHED = ["queued", "parsing", "indexing"];

/** Registers both kinds with the runs. */
export function registerIndexing(deps: IndexingDeps): void {
  const { runs } = deps;
  runs.registerHandler("index-documents", documentsHandler(deps));
  runs.registerHooks("index-documents", documentHooks(deps));
  runs.registerHandler("rebuild-index", rebuildHandler(deps));
  runs.registerHooks("rebuild-index", rebuildHooks(deps));
}

const findBase = (db: Pick<Tx, "query">, id: string): Promise<KnowledgeBaseRow | undefined> =>
  db.query.knowledgeBases.findFirst({ where: eq(knowledgeBases.id, id) });

/** Reads, cuts and embeds the documents of one call, a group at a time: one is read while the one before is embedded. */
function documentsHandler(deps: IndexingDeps): RunHandler {
  const { store, bases } = deps;
  return async (ctx) => {
    const { run, signal } = ctx;
    const { knowledgeBaseId } = documentsSpec.parse(run.spec);
    const ofRun = and(eq(documents.runId, run.id), eq(documents.knowledgeBaseId, knowledgeBaseId));
    // Another index may take over in the middle; what was not whole in the old one is then put into the new one.
    for (;;) {
      const base = await findBase(store.db, knowledgeBaseId);
      const open = await store.db.query.documents.findMany({
        where: and(ofRun, inArray(documents.state, UNFINISHED)),
        orderBy: [asc(documents.id)],
      });
      if (!base || open.length === 0) break;
      const index = await bases.indexOf(base);
      const embedder = await bases.embedderOf(run.projectId, index.embedder);
      await indexGroups(deps, ctx, {
        index,
        embedder,
        open,
        ofRun: await store.db.$count(documents, ofRun),
      }).catch((error: unknown) => {
        if (!(error instanceof IndexReplaced)) throw error;
      });
      signal.throwIfAborted();
    }
    const all = await store.db.query.documents.findMany({ where: ofRun });
    const failed = all.filter(({ state }) => state === "failed");
    if (failed.length > 0 && failed.length === all.length) throw asError(failed);
    return { result: { ready: all.length - failed.length, failed: failed.length } };
  };
}

type Work = { index: IndexRow; embedder: Embedder; open: readonly DocumentRow[]; ofRun: number };

async function indexGroups(deps: IndexingDeps, ctx: HandlerContext, work: Work): Promise<void> {
  const { store } = deps;
  const { run, signal } = ctx;
  const { index, embedder, open, ofRun } = work;
  let done = ofRun - open.length;
  /** Of the groups under way, how many documents' worth is written. */
  const underWay = new Map<readonly DocumentRow[], number>();
  // Two groups fill the index at a time: one is embedded while the other is written.
  const filling: Promise<void>[] = [];
  const fill = (group: readonly DocumentRow[], cuts: readonly CutDocument[]): Promise<void> =>
    fillIndex(
      {
        store,
        index,
        embedder,
        signal,
        isWanted: async (tx) => (await findBase(tx, index.knowledgeBaseId))?.indexNumber === index.number,
        isOwn: (_document, now) => now.runId === run.id,
        onWhole: (tx, whole) =>
          setState(
            tx,
            deps,
            whole.map(({ id }) => id),
            "ready",
          ),
        onWritten: (written, total) => {
          underWay.set(group, (group.length * written) / total);
          const parts = [...underWay.values()].reduce((sum, part) => sum + part, 0);
          ctx.progress({ step: done, total: ofRun, fraction: (done + parts) / ofRun });
          ctx.crashPoint("written");
        },
      },
      cuts,
    ).then(() => {
      underWay.delete(group);
      done += group.length;
      ctx.progress({ step: done, total: ofRun });
    });
  try {
    for (const group of groupsOf(open)) {
      const cuts = await readGroup(deps, ctx, group, work);
      ctx.crashPoint("read");
      await filling.at(-2);
      const one = fill(group, cuts);
      // Awaited above or below; until then its failure has nobody who hears it.
      one.catch(() => undefined);
      filling.push(one);
    }
  } finally {
    // What was begun is over before anybody fills the index again.
    await Promise.allSettled(filling);
  }
  await Promise.all(filling);
}

/** Documents that are read and written together: many small ones, or one large one. */
function groupsOf(open: readonly DocumentRow[]): DocumentRow[][] {
  const groups: DocumentRow[][] = [];
  let room = 0;
  for (const document of open) {
    const last = groups.at(-1);
    if (last && last.length < limits.documentsPerGroup && document.sizeBytes <= room) last.push(document);
    else {
      groups.push([document]);
      room = limits.documentGroupBytes;
    }
    room -= document.sizeBytes;
  }
  return groups;
}

/** Reads and cuts a group. What cannot be read fails alone and says why. */
async function readGroup(
  deps: IndexingDeps,
  ctx: HandlerContext,
  group: readonly DocumentRow[],
  work: Pick<Work, "index" | "embedder">,
): Promise<CutDocument[]> {
  const { store } = deps;
  const { run, signal } = ctx;
  const own = (tx: Tx, ids: readonly string[]) =>
    tx
      .select({ id: documents.id, sha256: documents.sha256 })
      .from(documents)
      .where(and(inArray(documents.id, [...ids]), eq(documents.runId, run.id)));
  const ids = group.map(({ id }) => id);
  await store.write(async (tx) => {
    const mine = (await own(tx, ids)).map(({ id }) => id);
    await setState(tx, deps, mine, "parsing");
  }, "knowledge.parsing");
  const kept = await keptTexts(store, group);
  const read: CutDocument[] = [];
  const refused: { document: DocumentRow; error: ErrorShape }[] = [];
  for (const document of group) {
    try {
      read.push(await cutDocument(deps, document, kept.get(document.id), work, signal));
    } catch (error) {
      signal.throwIfAborted();
      if (!isEspalierError(error)) deps.log.error("a document could not be read", { id: document.id, error });
      refused.push({ document, error: refusalOf(document, error) });
      ctx.log(`${document.name}: ${messageOf(error)}`, "error");
    }
  }
  await store.write(async (tx) => {
    const mine = new Map((await own(tx, ids)).map((row) => [row.id, row.sha256]));
    const isMine = ({ document }: { document: DocumentRow }) => mine.get(document.id) === document.sha256;
    await keepTexts(
      tx,
      read.filter(isMine).flatMap(({ document, fresh }) => (fresh ? [{ document, fresh }] : [])),
    );
    const readIds = read.filter(isMine).map(({ document }) => document.id);
    await setState(tx, deps, readIds, "indexing");
    for (const { document, error } of refused.filter(isMine))
      await tx
        .update(documents)
        .set({ state: "failed", error, updatedAt: deps.clock() })
        .where(eq(documents.id, document.id));
  }, "knowledge.read");
  for (const { document, fresh } of read)
    for (const warning of fresh?.warnings ?? []) ctx.log(`${document.name}: ${warning}`, "warning");
  return read;
}

async function setState(
  tx: Tx,
  { clock }: Pick<IndexingDeps, "clock">,
  ids: readonly string[],
  state: "parsing" | "indexing" | "ready",
): Promise<void> {
  if (ids.length === 0) return;
  await tx
    .update(documents)
    .set({ state, error: null, updatedAt: clock() })
    .where(inArray(documents.id, [...ids]));
}

function refusalOf({ name }: DocumentRow, error: unknown): ErrorShape {
  if (isEspalierError(error)) return shapeOf(error);
  return {
    code: "DOCUMENT_FAILED",
    message: `${name} could not be read: ${messageOf(error)}`,
    hint: "The server's log has the details; retry, and report it when it happens again.",
  };
}

const errorShape = z.looseObject({ code: z.string(), message: z.string(), hint: z.string().optional() });

/** Why nothing of a call could be read. */
function asError(failed: readonly DocumentRow[]): EspalierError {
  const first = errorShape.parse(failed[0]?.error);
  const others = failed.length > 1 ? ` And ${failed.length - 1} more could not be read.` : "";
  return new EspalierError(first.code, `${first.message}${others}`, {
    hint: first.hint ?? "Each document says why.",
  });
}

/** Documents end with their run, and are tried again with it. */
function documentHooks({ clock, sweepSoon, store }: IndexingDeps): RunHooks {
  return {
    async ended(tx, run) {
      store.afterCommit(tx, sweepSoon);
      if (run.status === "succeeded") return;
      const error = run.error ?? {
        code: "INDEXING_CANCELLED",
        message: "The reading of this document was cancelled.",
        hint: "Retry it.",
      };
      await tx
        .update(documents)
        .set({ state: "failed", error, updatedAt: clock() })
        .where(and(eq(documents.runId, run.id), inArray(documents.state, UNFINISHED)));
    },
    async retried(tx, old, fresh) {
      await tx
        .update(documents)
        .set({ state: "queued", error: null, runId: fresh.id, updatedAt: clock() })
        .where(and(eq(documents.runId, old.id), eq(documents.state, "failed")));
    },
  };
}

/** Builds an index from the documents that are ready, and lets it take over. */
function rebuildHandler(deps: IndexingDeps): RunHandler {
  const { store, bases, runs } = deps;
  return async (ctx) => {
    const { run, signal } = ctx;
    const spec = rebuildSpec.parse(run.spec);
    const { knowledgeBaseId } = spec;
    const base = await findBase(store.db, knowledgeBaseId);
    if (!base) return { result: { documents: 0 } };
    const embedder = await bases.embedderOf(run.projectId, spec.embedder);
    const chunking = checkChunking(spec.chunking, embedder.maxTokens);
    const known = await store.db.query.knowledgeIndexes.findFirst({
      where: and(eq(knowledgeIndexes.runId, run.id), eq(knowledgeIndexes.state, "building")),
    });
    const index = known
      ? { ...known, chunking }
      : await store.write(
          (tx) => bases.insertIndex(tx, { knowledgeBaseId, embedder, chunking, runId: run.id }),
          "knowledge.build",
        );
    const isBuilding = async (tx: Tx) => (await bases.findIndex(tx, index.number))?.state === "building";
    const total = await store.db.$count(documents, readyOf(knowledgeBaseId));
    let done = await store.db.$count(indexedDocuments, eq(indexedDocuments.indexNumber, index.number));
    for (let after = ""; ; ) {
      const some: DocumentRow[] = await store.db
        .select()
        .from(documents)
        .where(and(readyOf(knowledgeBaseId), gt(documents.id, after), notHeld(index.number)))
        .orderBy(asc(documents.id))
        .limit(limits.documentsPerGroup);
      const last = some.at(-1);
      if (!last) break;
      after = last.id;
      const kept = await keptTexts(store, some);
      const cuts: CutDocument[] = [];
      for (const document of some)
        cuts.push(await cutDocument(deps, document, kept.get(document.id), { index, embedder }, signal));
      await fillIndex(
        {
          store,
          index,
          embedder,
          signal,
          isWanted: isBuilding,
          isOwn: () => true,
          onWhole: async () => undefined,
          onWritten: () => ctx.crashPoint("written"),
        },
        cuts,
      );
      done += some.length;
      ctx.progress({ step: Math.min(done, total), total });
    }
    ctx.crashPoint("built");
    return {
      result: { documents: done },
      commit: async (tx) => {
        if (!(await isBuilding(tx))) return;
        await tx
          .update(knowledgeIndexes)
          .set({ state: "retired" })
          .where(
            and(eq(knowledgeIndexes.knowledgeBaseId, knowledgeBaseId), eq(knowledgeIndexes.state, "current")),
          );
        await tx
          .update(knowledgeIndexes)
          .set({ state: "current" })
          .where(eq(knowledgeIndexes.number, index.number));
        await tx
          .update(knowledgeBases)
          .set({ indexNumber: index.number })
          .where(eq(knowledgeBases.id, knowledgeBaseId));
        // What became ready in the old index while this one was being finished is put into this one too.
        const late = await tx
          .select({ id: documents.id })
          .from(documents)
          .where(and(readyOf(knowledgeBaseId), notHeld(index.number)));
        if (late.length === 0) return;
        const fresh = await runs.createRun(tx, {
          projectId: run.projectId,
          kind: "index-documents",
          executor: "server",
          name: `Read ${late.length} documents into ${base.name}`,
          subjectId: knowledgeBaseId,
          spec: { knowledgeBaseId },
        });
        await tx
          .update(documents)
          .set({ state: "queued", runId: fresh.id })
          .where(
            inArray(
              documents.id,
              late.map(({ id }) => id),
            ),
          );
      },
    };
  };
}

const readyOf = (knowledgeBaseId: string) =>
  and(eq(documents.knowledgeBaseId, knowledgeBaseId), eq(documents.state, "ready"));

/** Documents whose present content an index does not hold whole. */
const notHeld = (index: number) =>
  sql`NOT EXISTS (SELECT 1 FROM ${indexedDocuments} WHERE ${indexedDocuments.indexNumber} = ${index}
    AND ${indexedDocuments.documentId} = ${documents.id} AND ${indexedDocuments.sha256} = ${documents.sha256})`;

/** An index whose building ended badly is swept; one that took over leaves the old one to the sweep. */
function rebuildHooks({ store, sweepSoon }: IndexingDeps): RunHooks {
  return {
    async ended(tx, run) {
      store.afterCommit(tx, sweepSoon);
      if (run.status === "succeeded") return;
      await tx
        .update(knowledgeIndexes)
        .set({ state: "retired" })
        .where(and(eq(knowledgeIndexes.runId, run.id), eq(knowledgeIndexes.state, "building")));
    },
  };
}
