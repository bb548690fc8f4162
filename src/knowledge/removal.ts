// The end of knowledge bases and documents, and their way back while the trash has them: their files are read again then.
import { and, eq, getTableName, inArray } from "drizzle-orm";
import {
  documents,
  knowledgeBases,
  knowledgeIndexes,
  labelledQuestions,
  retrievalEvaluations,
} from "../../schema/tables/knowledge.ts";
import type { Clock } from "../kit/clock.ts";
import { EspalierError } from "../kit/errors.ts";
import type { RunRow, Runs } from "../runs/runs.ts";
import {
  type DiscardedRow,
  keepInTrash,
  putBack,
  type Store,
  type Tx,
  takeFromTrash,
  takeOut,
} from "../store/store.ts";
import type { Bases, KnowledgeBaseRow } from "./bases.ts";
import { documentNotFound, startReading } from "./intake.ts";
import { parseChunking } from "./settings.ts";

type Deps = { store: Store; runs: Runs; bases: Bases; clock: Clock; sweepSoon: () => void };
type Changed = { id: string; name: string };

/** Documents that are put back and queued with one statement. */
const DOCUMENTS_AT_ONCE = 500;
const isOf = ({ table }: DiscardedRow, of: Parameters<typeof getTableName>[0]): boolean =>
  table === getTableName(of);

/** The part of the front door that deletes into the trash. */
export function createRemoval({ store, runs, bases, clock, sweepSoon }: Deps) {
  return {
    /**
     * Takes a knowledge base away with its documents, labelled questions and measurements; its index is cleared in the
     * background.
     * @throws EspalierError KNOWLEDGE_BASE_NOT_FOUND, HAS_DEPENDANTS
     */
    async remove(projectId: string, id: string, confirm: boolean): Promise<Changed> {
      const base = await bases.get(projectId, id);
      const held = await store.db.$count(documents, eq(documents.knowledgeBaseId, base.id));
      if (held > 0 && !confirm)
        throw new EspalierError("HAS_DEPENDANTS", `${base.name} holds ${held} documents.`, {
          field: "confirm",
          value: String(held),
          hint: "Confirm to delete it with them.",
          status: 409,
        });
      for (const run of await runs.unfinished(store.db))
        if (run.subjectId === base.id) await runs.requestCancel(run.id).catch(() => undefined);
      await store.write(async (tx) => {
        // How it was indexed goes into the trash; the index itself is retired, and swept.
        const index = await tx.query.knowledgeIndexes.findFirst({
          where: eq(knowledgeIndexes.number, base.indexNumber),
        });
        const taken = [
          ...(await takeOut(tx, retrievalEvaluations, eq(retrievalEvaluations.knowledgeBaseId, base.id))),
          ...(await takeOut(tx, labelledQuestions, eq(labelledQuestions.knowledgeBaseId, base.id))),
          ...(await takeOut(tx, documents, eq(documents.knowledgeBaseId, base.id))),
          ...(await takeOut(tx, knowledgeBases, eq(knowledgeBases.id, base.id))),
          ...(index
            ? [
                {
                  table: getTableName(knowledgeIndexes),
                  row: {
                    embedder: index.embedder,
                    dimensions: index.dimensions,
                    chunking: JSON.stringify(index.chunking),
                  },
                },
              ]
            : []),
        ];
        await keepInTrash(tx, { id: base.id, projectId, name: base.name, deletedAt: clock() }, taken);
        await tx
          .update(knowledgeIndexes)
          .set({ state: "retired" })
          .where(eq(knowledgeIndexes.knowledgeBaseId, base.id));
        store.afterCommit(tx, sweepSoon);
      }, "knowledge.delete");
      return { id: base.id, name: base.name };
    },

    /** Takes a document away, also in the middle of its reading; its chunks are cleared in the background. */
    async deleteDocument(projectId: string, id: string): Promise<Changed> {
      const document = await store.db.query.documents.findFirst({ where: eq(documents.id, id) });
      const base = document && (await bases.find(projectId, document.knowledgeBaseId));
      if (!document || !base) throw documentNotFound(id);
      await store.write(async (tx) => {
        const taken = await takeOut(tx, documents, eq(documents.id, id));
        if (taken.length === 0) throw documentNotFound(id);
        await keepInTrash(tx, { id, projectId, name: document.name, deletedAt: clock() }, taken);
        store.afterCommit(tx, sweepSoon);
      }, "knowledge.delete-document");
      return { id, name: document.name };
    },

    /**
     * Brings back a knowledge base or a document; what it held is read again in the background. A name that another
     * has taken since gets a number.
     * @throws EspalierError NOT_IN_TRASH, SOURCE_DELETED where a document's knowledge base is not there
     */
    restore(projectId: string, id: string): Promise<Changed> {
      return store.write(async (tx) => {
        const entry = await takeFromTrash(tx, projectId, id);
        const own = entry.rows.find((one) => isOf(one, knowledgeBases));
        return own ? restoreBase(tx, projectId, own, entry.rows) : restoreDocument(tx, projectId, entry.rows);
      }, "knowledge.restore");
    },
  };

  async function restoreBase(
    tx: Tx,
    projectId: string,
    own: DiscardedRow,
    rows: readonly DiscardedRow[],
  ): Promise<Changed> {
    const id = String(own.row["id"]);
    const how = rows.find((one) => isOf(one, knowledgeIndexes))?.row;
    if (!how) throw new Error(`the trash does not say how ${id} was indexed`);
    const index = await bases.insertIndex(tx, {
      knowledgeBaseId: id,
      embedder: { id: String(how["embedder"]), dimensions: Number(how["dimensions"]) },
      chunking: parseChunking(JSON.parse(String(how["chunking"]))),
      runId: null,
    });
    const others = await tx.query.knowledgeBases.findMany({ where: eq(knowledgeBases.projectId, projectId) });
    const name = freeName(String(own.row["name"]), new Set(others.map((one) => one.name)));
    await putBack(tx, { ...own, row: { ...own.row, name, index_number: index.number } });
    for (const one of rows) if (one !== own && !isOf(one, knowledgeIndexes)) await putBack(tx, one);
    const base = await tx.query.knowledgeBases.findFirst({ where: eq(knowledgeBases.id, id) });
    if (base)
      await readAgain(
        tx,
        base,
        rows.filter((one) => isOf(one, documents)),
      );
    return { id, name };
  }

  async function restoreDocument(tx: Tx, projectId: string, rows: readonly DiscardedRow[]): Promise<Changed> {
    const [own] = rows;
    const baseId = String(own?.row["knowledge_base_id"] ?? "");
    const base = await tx.query.knowledgeBases.findFirst({
      where: and(eq(knowledgeBases.id, baseId), eq(knowledgeBases.projectId, projectId)),
    });
    if (!own || !base)
      throw new EspalierError("SOURCE_DELETED", "The document's knowledge base is deleted too.", {
        field: "id",
        value: baseId,
        hint: "Bring the knowledge base back first.",
        status: 409,
      });
    const others = await tx
      .select({ name: documents.name })
      .from(documents)
      .where(eq(documents.knowledgeBaseId, base.id));
    const name = freeName(String(own.row["name"]), new Set(others.map((one) => one.name)));
    await putBack(tx, { ...own, row: { ...own.row, name } });
    await readAgain(tx, base, [own]);
    return { id: String(own.row["id"]), name };
  }

  /** Queues what had been readable with a new run; what had failed stays so. */
  async function readAgain(
    tx: Tx,
    base: KnowledgeBaseRow,
    rows: readonly DiscardedRow[],
  ): Promise<RunRow | null> {
    const ids = rows.filter(({ row }) => row["state"] !== "failed").map(({ row }) => String(row["id"]));
    if (ids.length === 0) return null;
    const run = await startReading(runs, tx, base, ids.length);
    for (let at = 0; at < ids.length; at += DOCUMENTS_AT_ONCE)
      await tx
        .update(documents)
        .set({ state: "queued", error: null, runId: run.id, updatedAt: clock() })
        .where(inArray(documents.id, ids.slice(at, at + DOCUMENTS_AT_ONCE)));
    return run;
  }
}

/** The name itself, or with the first free number; of a file's name before its extension. */
function freeName(name: string, taken: ReadonlySet<string>): string {
  const [, stem = name, extension = ""] = /^(.+?)(\.[A-Za-z0-9]{1,8})?$/.exec(name) ?? [];
  let free = name;
  for (let number = 2; taken.has(free); number++) free = `${stem}_${number}${extension}`;
  return free;
}
