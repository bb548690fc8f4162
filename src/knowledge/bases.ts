// Knowledge bases and their indexes: made, found and changed; which index answers.
import { and, count, eq, max, or, sum } from "drizzle-orm";
import {
  documents,
  indexedDocuments,
  knowledgeBases,
  knowledgeIndexes,
} from "../../schema/tables/knowledge.ts";
import type { Embedder, Embedders, Reranker } from "../inference/inference.ts";
import type { Clock } from "../kit/clock.ts";
import { EspalierError } from "../kit/errors.ts";
import { newId } from "../kit/ids.ts";
import { limits } from "../kit/limits.ts";
import type { RunRow, Runs } from "../runs/runs.ts";
import { type Page, type PageRequest, type Reader, readPage, type Store, type Tx } from "../store/store.ts";
import { createTables } from "./indexes.ts";
import {
  type Chunking,
  checkChunking,
  checkRetrieval,
  parseChunking,
  type RetrievalSettings,
} from "./settings.ts";

export type KnowledgeBaseRow = typeof knowledgeBases.$inferSelect;
export type IndexRow = Omit<typeof knowledgeIndexes.$inferSelect, "chunking"> & { chunking: Chunking };

type NewIndex = {
  knowledgeBaseId: string;
  embedder: Pick<Embedder, "id" | "dimensions">;
  chunking: Chunking;
  runId: string | null;
};
/** What a run of kind rebuild-index is asked for. */
export type RebuildSpec = { knowledgeBaseId: string; embedder: string; chunking: Chunking };

export type BasesDeps = {
  store: Store;
  runs: Runs;
  embedders: Embedders;
  /** A reranker by its id or name. */
  findReranker: (projectId: string, idOrName: string) => Promise<Pick<Reranker, "id"> | null>;
  clock: Clock;
};
export type Bases = ReturnType<typeof createBases>;

export type CreateBaseInput = {
  projectId: string;
  name: string;
  /** Id or name; the first one when unsaid. */
  embedder?: string | null | undefined;
  chunking?: object | null | undefined;
  retrieval?: object | null | undefined;
};
export type UpdateBaseInput = Omit<CreateBaseInput, "name"> & {
  id: string;
  name?: string | null | undefined;
};

const NAME = /^[\p{L}\p{N}][\p{L}\p{N} ._:+-]{0,119}$/u;

/** The part of the front door about knowledge bases themselves. */
export function createBases({ store, runs, embedders, findReranker, clock }: BasesDeps) {
  const { db } = store;

  /** @throws EspalierError EMBEDDER_NOT_FOUND */
  async function embedderOf(projectId: string, idOrName: string): Promise<Embedder> {
    const found = await embedders.find(projectId, idOrName);
    if (found) return found;
    const known = (await embedders.list(projectId)).map(({ name }) => name);
    throw new EspalierError("EMBEDDER_NOT_FOUND", `There is no embedder "${idOrName.slice(0, 120)}".`, {
      field: "embedder",
      value: idOrName.slice(0, 120),
      hint: known.length > 0 ? `Choose one of ${known.join(", ")}.` : "Add a third-party embedder first.",
      status: 404,
    });
  }

  async function proposed(projectId: string, said: string | null | undefined): Promise<Embedder> {
    return embedderOf(projectId, said ?? (await embedders.list(projectId))[0]?.id ?? "built-in");
  }

  /** Settings with the id of their reranker: its name changes with that of its provider. */
  async function withReranker(projectId: string, settings: RetrievalSettings): Promise<RetrievalSettings> {
    const { reranker } = settings;
    if (reranker === null) return settings;
    const found = await findReranker(projectId, reranker);
    if (found) return { ...settings, reranker: found.id };
    throw new EspalierError("RERANKER_NOT_FOUND", `There is no reranker "${reranker.slice(0, 120)}".`, {
      field: "reranker",
      value: reranker.slice(0, 120),
      hint: "Add a third-party model that reranks, or leave it out.",
      status: 404,
    });
  }

  async function checkName(tx: Reader, projectId: string, said: string, ownId?: string): Promise<string> {
    const name = said.trim();
    if (!NAME.test(name))
      throw new EspalierError("NAME_INVALID", `"${name.slice(0, 120)}" cannot be a knowledge base's name.`, {
        field: "name",
        value: name.slice(0, 120),
        hint: "Use 1 to 120 letters, digits, spaces and . _ : + -, beginning with a letter or digit.",
      });
    const where = and(eq(knowledgeBases.projectId, projectId), eq(knowledgeBases.name, name));
    const taken = await tx.query.knowledgeBases.findFirst({ where });
    if (!taken || taken.id === ownId) return name;
    throw new EspalierError("NAME_TAKEN", `There is a knowledge base ${name} already.`, {
      field: "name",
      value: name,
      hint: "Choose another name.",
      status: 409,
    });
  }

  const self = {
    embedderOf,

    /** Makes an index with its tables; `runId` is the run that fills it before it takes over, if one does. */
    async insertIndex(tx: Tx, input: NewIndex): Promise<IndexRow> {
      const { knowledgeBaseId, embedder, chunking, runId } = input;
      const [row] = await tx
        .insert(knowledgeIndexes)
        .values({
          knowledgeBaseId,
          state: runId === null ? "current" : "building",
          embedder: embedder.id,
          dimensions: embedder.dimensions,
          chunking,
          runId,
          createdAt: clock(),
        })
        .returning();
      if (!row) throw new Error("insert returned no row");
      await createTables(tx, row.number, embedder.dimensions);
      return { ...row, chunking };
    },
    embedders: (projectId: string) => embedders.list(projectId),

    /**
     * @throws EspalierError NAME_INVALID, NAME_TAKEN, EMBEDDER_NOT_FOUND, RERANKER_NOT_FOUND, SETTING_INVALID,
     * KNOWLEDGE_BASES_TOO_MANY
     */
    async create(input: CreateBaseInput): Promise<KnowledgeBaseRow> {
      const { projectId } = input;
      await checkName(db, projectId, input.name);
      const embedder = await proposed(projectId, input.embedder);
      const chunking = checkChunking(input.chunking ?? {}, embedder.maxTokens);
      const retrieval = await withReranker(
        projectId,
        checkRetrieval(thresholdOf(embedder), input.retrieval ?? {}),
      );
      return store.write(async (tx) => {
        const name = await checkName(tx, projectId, input.name);
        const held = await tx.$count(knowledgeBases, eq(knowledgeBases.projectId, projectId));
        if (held >= limits.knowledgeBases)
          throw new EspalierError("KNOWLEDGE_BASES_TOO_MANY", `The project has ${held} knowledge bases.`, {
            value: String(held),
            hint: `The limit knowledgeBases is ${limits.knowledgeBases}: delete one, or add to one there is.`,
            status: 409,
          });
        const id = newId("knowledgeBase");
        const index = await self.insertIndex(tx, { knowledgeBaseId: id, embedder, chunking, runId: null });
        const row = { id, projectId, name, indexNumber: index.number, retrieval, createdAt: clock() };
        await tx.insert(knowledgeBases).values(row);
        return row;
      }, "knowledge.create");
    },

    /**
     * Changes what was said. Another embedder or another cutting is built in the background while the old index
     * answers; the run that builds it comes back too.
     */
    async update(input: UpdateBaseInput): Promise<{ base: KnowledgeBaseRow; run: RunRow | null }> {
      const { projectId } = input;
      const base = await self.get(projectId, input.id);
      const index = await self.indexOf(base);
      const embedder = await self.embedderOf(projectId, input.embedder ?? index.embedder);
      const chunking = checkChunking({ ...index.chunking, ...input.chunking }, embedder.maxTokens);
      // Cosines of one embedder say nothing about those of another.
      const fresh = embedder.id === index.embedder ? {} : thresholdOf(embedder);
      const kept = checkRetrieval(base.retrieval);
      const wished = checkRetrieval({ ...kept, ...fresh }, input.retrieval ?? {});
      // One that is gone stays until another is chosen: its provider may come back.
      const retrieval = wished.reranker === kept.reranker ? wished : await withReranker(projectId, wished);
      const isSame =
        embedder.id === index.embedder && JSON.stringify(chunking) === JSON.stringify(index.chunking);
      return store.write(async (tx) => {
        const name = await checkName(tx, projectId, input.name ?? base.name, base.id);
        const [changed] = await tx
          .update(knowledgeBases)
          .set({ name, retrieval })
          .where(eq(knowledgeBases.id, base.id))
          .returning();
        if (!changed) throw notFound(input.id);
        if (isSame) return { base: changed, run: null };
        await refuseSecondBuild(tx, base);
        const run = await runs.createRun(tx, {
          projectId,
          kind: "rebuild-index",
          executor: "server",
          name: `Index ${name} anew`,
          subjectId: base.id,
          spec: { knowledgeBaseId: base.id, embedder: embedder.id, chunking } satisfies RebuildSpec,
        });
        return { base: changed, run };
      }, "knowledge.update");
    },

    async find(projectId: string, nameOrId: string): Promise<KnowledgeBaseRow | null> {
      const found = await db.query.knowledgeBases.findMany({
        where: and(
          eq(knowledgeBases.projectId, projectId),
          or(eq(knowledgeBases.name, nameOrId), eq(knowledgeBases.id, nameOrId)),
        ),
      });
      return found.find(({ name }) => name === nameOrId) ?? found[0] ?? null;
    },
    /** By name or id. @throws EspalierError KNOWLEDGE_BASE_NOT_FOUND */
    async get(projectId: string, nameOrId: string): Promise<KnowledgeBaseRow> {
      const found = await self.find(projectId, nameOrId);
      if (!found) throw notFound(nameOrId);
      return found;
    },
    /** Newest first. */
    page: (projectId: string, page: PageRequest): Promise<Page<KnowledgeBaseRow>> =>
      readPage(
        db,
        knowledgeBases,
        { where: eq(knowledgeBases.projectId, projectId), keys: ["id"], order: "descending" },
        page,
      ),
    /** The index that answers now. */
    async indexOf(base: Pick<KnowledgeBaseRow, "id" | "indexNumber">): Promise<IndexRow> {
      const row = await self.findIndex(db, base.indexNumber);
      if (!row) throw notFound(base.id);
      return row;
    },
    async findIndex(from: Reader, number: number): Promise<IndexRow | null> {
      const row = await from.query.knowledgeIndexes.findFirst({ where: eq(knowledgeIndexes.number, number) });
      return row ? { ...row, chunking: parseChunking(row.chunking) } : null;
    },
    /** The index that is being built to take over, or null. */
    async building(baseId: string): Promise<IndexRow | null> {
      const [row] = await db
        .select({ number: max(knowledgeIndexes.number) })
        .from(knowledgeIndexes)
        .where(and(eq(knowledgeIndexes.knowledgeBaseId, baseId), eq(knowledgeIndexes.state, "building")));
      return row?.number == null ? null : self.findIndex(db, row.number);
    },
    /** Documents by state, and chunks of the index that answers. */
    async counts(base: KnowledgeBaseRow): Promise<{ documents: Record<string, number>; chunks: number }> {
      const states = await db
        .select({ state: documents.state, count: count() })
        .from(documents)
        .where(eq(documents.knowledgeBaseId, base.id))
        .groupBy(documents.state);
      const [held] = await db
        .select({ chunks: sum(indexedDocuments.chunkCount) })
        .from(indexedDocuments)
        .where(eq(indexedDocuments.indexNumber, base.indexNumber));
      return {
        documents: Object.fromEntries(states.map((one) => [one.state, one.count])),
        chunks: Number(held?.chunks ?? 0),
      };
    },
  };
  return self;

  /** Two builds at once would each think that it takes over. */
  async function refuseSecondBuild(tx: Tx, base: KnowledgeBaseRow): Promise<void> {
    const open = (await runs.unfinished(tx)).find(
      (run) => run.kind === "rebuild-index" && run.subjectId === base.id,
    );
    if (!open) return;
    throw new EspalierError("INDEX_BUILDING", `${base.name} is being indexed anew already.`, {
      field: "id",
      value: open.id,
      hint: `Wait for it, or cancel it: espalier run cancel ${open.id}`,
      status: 409,
    });
  }
}

/** The threshold that suits an embedder; 0 keeps all, where nothing was measured. */
function thresholdOf({ unrelatedBelow = 0 }: Embedder): { threshold: number } {
  return { threshold: unrelatedBelow };
}

function notFound(id: string): EspalierError {
  return new EspalierError("KNOWLEDGE_BASE_NOT_FOUND", `There is no knowledge base "${id.slice(0, 120)}".`, {
    field: "knowledgeBase",
    value: id.slice(0, 120),
    hint: "`espalier list kbs` shows the names.",
    status: 404,
  });
}
