// Suites: assessments kept as they were defined, with the version of their dataset, so that every new candidate is asked
// the same, and its score stands beside those of before.
import { and, desc, eq } from "drizzle-orm";
import { assessments, type Effort } from "../../schema/tables/assessments.ts";
import { type Definition, suiteEntries, suiteRuns, suites } from "../../schema/tables/suites.ts";
import type { Datasets } from "../datasets/datasets.ts";
import type { Clock } from "../kit/clock.ts";
import { EspalierError } from "../kit/errors.ts";
import { newId } from "../kit/ids.ts";
import { limits } from "../kit/limits.ts";
import { checkName, nameEnding, numberedName } from "../kit/names.ts";
import type { RunRow, Runs } from "../runs/runs.ts";
import {
  keepInTrash,
  type Page,
  type PageRequest,
  putBack,
  type Reader,
  readPage,
  type Store,
  takeFromTrash,
  takeOut,
} from "../store/store.ts";
import type { AssessmentRow } from "./assessments.ts";
import { gradersOf } from "./graders/graders.ts";
import { type CandidateWish, type CheckedCandidate, named } from "./input.ts";
import type { Plan } from "./plan.ts";
import {
  historyOf,
  type SuitePoint,
  type SuiteReport,
  type SuiteRunRow,
  suiteReport,
} from "./suite-report.ts";

export type SuiteRow = typeof suites.$inferSelect;
export type SuiteEntryRow = typeof suiteEntries.$inferSelect;
type Tx = Parameters<Runs["createRun"]>[0];
type Changed = { id: string; name: string };
type By = { projectId: string; userId: string | null; keyId: string | null; createdBy: string };

export type SuitesDeps = {
  store: Store;
  datasets: Datasets;
  clock: Clock;
  /** The candidates, ready to be asked. */
  checkCandidates: (
    projectId: string,
    wish: { candidates: readonly CandidateWish[] },
  ) => Promise<CheckedCandidate[]>;
  /** What an assessment will take, as far as that is found before the signal; null where it is not. */
  expected: (plan: Plan, rows: null, signal: AbortSignal) => Promise<Effort | null>;
  /** Makes an assessment with its candidates and its run. */
  put: (tx: Tx, row: AssessmentRow, asked: readonly CheckedCandidate[]) => Promise<RunRow>;
  /** An assessment by name or id. @throws EspalierError ASSESSMENT_NOT_FOUND */
  get: (projectId: string, nameOrId: string) => Promise<AssessmentRow>;
};

/** What an assessment says of itself besides who, when and of whom. */
function definitionOf(row: AssessmentRow): Definition {
  const { id, projectId, name, rows, answersFrom, forecast, ...rest } = row;
  const { userId, keyId, createdBy, createdAt, ...definition } = rest;
  return definition;
}

function invalid(field: string, value: string, message: string, hint: string): EspalierError {
  return new EspalierError("SUITE_INVALID", message, { field, value: value.slice(0, 120), hint });
}

/** Builds what assessments know of suites. */
export function createSuites({ store, datasets, clock, checkCandidates, expected, put, get }: SuitesDeps) {
  const { db } = store;

  async function refuseTaken(reader: Reader, projectId: string, name: string): Promise<void> {
    const where = and(eq(suites.projectId, projectId), eq(suites.name, name));
    if (await reader.query.suites.findFirst({ where }))
      throw new EspalierError("NAME_TAKEN", `There already is a suite named "${name}".`, {
        field: "name",
        value: name,
        hint: "Choose another name.",
        status: 409,
      });
  }

  const entriesOf = (reader: Reader, suiteId: string): Promise<SuiteEntryRow[]> =>
    reader.query.suiteEntries.findMany({
      where: eq(suiteEntries.suiteId, suiteId),
      orderBy: (t, { asc }) => [asc(t.createdAt), asc(t.id)],
    });

  /** Keeps assessments as entries, under names that are free. */
  async function keep(tx: Tx, suite: SuiteRow, kept: readonly { name: string; definition: Definition }[]) {
    const known = await entriesOf(tx, suite.id);
    if (known.length + kept.length > limits.suiteEntries)
      throw invalid(
        "assessments",
        String(known.length + kept.length),
        `A suite holds up to ${limits.suiteEntries} assessments.`,
        "Make another suite for the rest.",
      );
    const names = new Set(known.map(({ name }) => name));
    for (const { name, definition } of kept) {
      const free = numberedName(name, names);
      names.add(free);
      const at = clock();
      const id = newId("suiteEntry", at);
      await tx.insert(suiteEntries).values({ id, suiteId: suite.id, name: free, definition, createdAt: at });
    }
  }

  const self = {
    /**
     * Makes a suite of assessments that are there, as they are defined now.
     * @throws EspalierError NAME_INVALID, NAME_TAKEN, ASSESSMENT_NOT_FOUND, SUITE_INVALID
     */
    async create(wish: By & { name: string; assessments: readonly string[] }): Promise<SuiteRow> {
      const { projectId, createdBy } = wish;
      const name = checkName(wish.name);
      const kept: AssessmentRow[] = [];
      for (const one of wish.assessments) kept.push(await get(projectId, one));
      const row: SuiteRow = { id: newId("suite"), projectId, name, createdBy, createdAt: clock() };
      await store.write(async (tx) => {
        await refuseTaken(tx, projectId, name);
        await tx.insert(suites).values(row);
        await keep(
          tx,
          row,
          kept.map((one) => ({ name: one.name, definition: definitionOf(one) })),
        );
      }, "suite.create");
      return row;
    },

    /** Adds an assessment as it is defined. @throws EspalierError SUITE_NOT_FOUND, ASSESSMENT_NOT_FOUND, SUITE_INVALID */
    async add(projectId: string, suite: string, assessment: string): Promise<SuiteRow> {
      const row = await self.get(projectId, suite);
      const added = await get(projectId, assessment);
      const kept = [{ name: added.name, definition: definitionOf(added) }];
      await store.write((tx) => keep(tx, row, kept), "suite.add");
      return row;
    },

    /** Takes an entry out; what it found stays with the runs it was in. @throws EspalierError SUITE_NOT_FOUND, SUITE_INVALID */
    async takeOutEntry(projectId: string, suite: string, entry: string): Promise<SuiteRow> {
      const row = await self.get(projectId, suite);
      await store.write(async (tx) => {
        const own = (await entriesOf(tx, row.id)).find(({ id, name }) => id === entry || name === entry);
        if (!own)
          throw invalid(
            "entry",
            entry,
            `${row.name} has no entry "${entry.slice(0, 120)}".`,
            "Name one of its entries.",
          );
        await tx.delete(suiteEntries).where(eq(suiteEntries.id, own.id));
      }, "suite.takeOut");
      return row;
    },

    /** A suite of the same entries, without the runs. @throws EspalierError SUITE_NOT_FOUND, NAME_INVALID, NAME_TAKEN */
    async copy(wish: By & { suite: string; name: string }): Promise<SuiteRow> {
      const { projectId, createdBy } = wish;
      const from = await self.get(projectId, wish.suite);
      const name = checkName(wish.name);
      const row: SuiteRow = { id: newId("suite"), projectId, name, createdBy, createdAt: clock() };
      await store.write(async (tx) => {
        await refuseTaken(tx, projectId, name);
        await tx.insert(suites).values(row);
        await keep(tx, row, await entriesOf(tx, from.id));
      }, "suite.copy");
      return row;
    },

    async rename(projectId: string, id: string, wanted: string): Promise<Changed> {
      const row = await self.get(projectId, id);
      const name = checkName(wanted);
      if (name !== row.name)
        await store.write(async (tx) => {
          await refuseTaken(tx, projectId, name);
          await tx.update(suites).set({ name }).where(eq(suites.id, row.id));
        }, "suite.rename");
      return { id: row.id, name };
    },

    /**
     * Asks candidates all that the suite holds: one assessment for each entry, all of them or none in one transaction,
     * so that no crash leaves half a run.
     * @throws EspalierError SUITE_NOT_FOUND, SUITE_EMPTY, DATASET_GONE, MODEL_NOT_FOUND, MODEL_NOT_USABLE, MODEL_CANNOT,
     * KNOWLEDGE_BASE_NOT_FOUND, ASSESSMENT_INVALID
     */
    async start(
      wish: By & { suite: string; candidates: readonly CandidateWish[] },
    ): Promise<{ suite: SuiteRow; number: number; runs: RunRow[] }> {
      const { projectId, userId, keyId, createdBy } = wish;
      const suite = await self.get(projectId, wish.suite);
      const asked = await checkCandidates(projectId, wish);
      const forecasts = new Map<string, Effort | null>();
      // One wait for all of them.
      const signal = AbortSignal.timeout(limits.assessmentForecastMs);
      for (const { id, name, definition } of await entriesOf(db, suite.id)) {
        const version = await datasets.findVersion(definition.datasetVersionId);
        if (!version)
          throw new EspalierError(
            "DATASET_GONE",
            `${definition.datasetName} of "${name}" was deleted since.`,
            {
              field: "suite",
              value: suite.name,
              hint: "Bring the dataset back from the trash, or take the entry out of the suite.",
              status: 409,
            },
          );
        const { datasetName } = definition;
        const graders = gradersOf(definition);
        const plan = { projectId, version, datasetName, checked: definition, asked: named(asked), graders };
        forecasts.set(id, await expected(plan, null, signal));
      }
      return store.write(async (tx) => {
        const entries = await entriesOf(tx, suite.id);
        if (entries.length === 0)
          throw new EspalierError("SUITE_EMPTY", `${suite.name} holds no assessment.`, {
            field: "suite",
            value: suite.name,
            hint: "Add one: its page has a button for it.",
            status: 409,
          });
        const last = await tx.query.suiteRuns.findFirst({
          where: eq(suiteRuns.suiteId, suite.id),
          orderBy: [desc(suiteRuns.number)],
        });
        const number = (last?.number ?? 0) + 1;
        const known = await tx.query.assessments.findMany({
          columns: { name: true },
          where: eq(assessments.projectId, projectId),
        });
        const names = new Set(known.map(({ name }) => name));
        const at = clock();
        const made: RunRow[] = [];
        for (const [place, { id: entryId, name, definition }] of entries.entries()) {
          const wanted = nameEnding(`${suite.name} ${number}: ${name}`, "");
          const row: AssessmentRow = {
            ...definition,
            id: newId("assessment", at),
            projectId,
            name: numberedName(wanted, names),
            rows: null,
            answersFrom: null,
            forecast: forecasts.get(entryId) ?? null,
            userId,
            keyId,
            createdBy,
            createdAt: at,
          };
          names.add(row.name);
          made.push(await put(tx, row, asked));
          const { datasetName } = definition;
          const common = { suiteId: suite.id, number, place, entry: name, datasetName };
          await tx.insert(suiteRuns).values({ ...common, assessmentId: row.id, createdBy, createdAt: at });
        }
        return { suite, number, runs: made };
      }, "suite.start");
    },

    find: async (id: string): Promise<SuiteRow | null> =>
      (await db.query.suites.findFirst({ where: eq(suites.id, id) })) ?? null,
    /** By name or id; null when there is none. */
    async findNamed(projectId: string, nameOrId: string): Promise<SuiteRow | null> {
      const own = eq(suites.projectId, projectId);
      return (
        (await db.query.suites.findFirst({ where: and(own, eq(suites.name, nameOrId)) })) ??
        (await db.query.suites.findFirst({ where: and(own, eq(suites.id, nameOrId)) })) ??
        null
      );
    },
    /** By name or id. @throws EspalierError SUITE_NOT_FOUND */
    async get(projectId: string, nameOrId: string): Promise<SuiteRow> {
      const found = await self.findNamed(projectId, nameOrId);
      if (found) return found;
      throw new EspalierError("SUITE_NOT_FOUND", `There is no suite "${nameOrId.slice(0, 120)}".`, {
        field: "suite",
        value: nameOrId.slice(0, 120),
        hint: "List the suites to see their names.",
        status: 404,
      });
    },
    /** Newest first. */
    page: (projectId: string, page: PageRequest): Promise<Page<SuiteRow>> =>
      readPage(
        db,
        suites,
        { where: eq(suites.projectId, projectId), keys: ["id"], order: "descending" },
        page,
      ),
    entriesOf: (suiteId: string): Promise<SuiteEntryRow[]> => entriesOf(db, suiteId),
    /** Whether what an entry asks about is still there. */
    hasDataset: async ({ definition }: SuiteEntryRow): Promise<boolean> =>
      (await datasets.findVersion(definition.datasetVersionId)) !== null,
    /** What a run made, in the order of the entries; the latest when no number is said; empty where there is none. */
    async runOf(suiteId: string, number?: number | null): Promise<SuiteRunRow[]> {
      const latest = await db.query.suiteRuns.findFirst({
        where: eq(suiteRuns.suiteId, suiteId),
        orderBy: [desc(suiteRuns.number)],
      });
      const wanted = number ?? latest?.number ?? 0;
      return db.query.suiteRuns.findMany({
        where: and(eq(suiteRuns.suiteId, suiteId), eq(suiteRuns.number, wanted)),
        orderBy: (t, { asc }) => [asc(t.place)],
      });
    },
    /** What a run found so far. */
    report: (made: readonly SuiteRunRow[]): Promise<SuiteReport> => suiteReport(store, made),
    /** Scores of all its runs, the oldest of the latest `limits.suiteHistory` first. */
    history: (suiteId: string): Promise<SuitePoint[]> => historyOf(store, suiteId),

    /** Deletes it into the trash; the assessments that its runs made stay. @throws EspalierError SUITE_NOT_FOUND */
    async remove(projectId: string, id: string): Promise<Changed> {
      const row = await self.get(projectId, id);
      await store.write(async (tx) => {
        const taken = [
          ...(await takeOut(tx, suiteRuns, eq(suiteRuns.suiteId, row.id))),
          ...(await takeOut(tx, suiteEntries, eq(suiteEntries.suiteId, row.id))),
          ...(await takeOut(tx, suites, eq(suites.id, row.id))),
        ];
        await keepInTrash(tx, { id: row.id, projectId, name: row.name, deletedAt: clock() }, taken);
      }, "suite.remove");
      return { id: row.id, name: row.name };
    },
    /** Brings it back, under a number where another has its name by now. @throws EspalierError NOT_IN_TRASH */
    restore: (projectId: string, id: string): Promise<Changed> =>
      store.write(async (tx) => {
        const { name, rows } = await takeFromTrash(tx, projectId, id);
        const known = await tx.query.suites.findMany({
          columns: { name: true },
          where: eq(suites.projectId, projectId),
        });
        const free = numberedName(name, new Set(known.map((one) => one.name)));
        for (const { table, row } of rows)
          await putBack(tx, { table, row: table === "suites" ? { ...row, name: free } : row });
        return { id, name: free };
      }, "suite.restore"),
  };
  return self;
}
