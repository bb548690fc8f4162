// What is read of an assessment for its page: the report, rows by what is said of them, parts of the rows, and how an
// earlier assessment did. What is long is worked out by the reporting process; the rows' own columns are read here, a
// page at a time, and remembered, because a dataset version never changes.
import { and, desc, eq, inArray, ne } from "drizzle-orm";
import { answers, assessments, scores } from "../../schema/tables/assessments.ts";
import type { Datasets, DatasetVersionRow } from "../datasets/datasets.ts";
import { EspalierError } from "../kit/errors.ts";
import { sha256 } from "../kit/hash.ts";
import { type Page, type PageRequest, pageOfNumbers, type Store } from "../store/store.ts";
import type { AnswerRow, AssessmentRow, CandidateRow, ScoreRow } from "./assessments.ts";
import type { CommonRow, ComparedPair } from "./comparison.ts";
import { type Facet, facetsOf, type NumberedRow } from "./facets.ts";
import { checkFilter, type RowFilter } from "./filter.ts";
import { keptReport } from "./kept-report.ts";
import type { Report } from "./report.ts";
import type { Reporter } from "./reporter.ts";
import { type Setting, settingsApart } from "./settings.ts";
import type { Slice } from "./slices.ts";
import { candidatesOf } from "./work.ts";

export type ScoredAnswer = AnswerRow & { scores: ScoreRow[] };
/** One row with what each candidate said to it, in the order of the candidates. */
export type AssessedRow = { assessment: AssessmentRow; row: number; answers: ScoredAnswer[] };
export type RowWish = Omit<RowFilter, "search"> & {
  search: string | null;
  /** One group of one column. */
  slice: { column: string; key: string } | null;
};
export type Slices = {
  column: string;
  kind: Facet["kind"];
  /** The two whose difference is told; null where no two were named and there are not just two. */
  compared: [CandidateRow, CandidateRow] | null;
  slices: Slice[];
};
export type EarlierComparison = {
  other: AssessmentRow;
  /** Rows that both asked about. */
  commonRows: number;
  /** How rows were found to be the same: by their number in one version, or by what stands in them. */
  matchedBy: "number" | "content";
  pairs: ComparedPair[];
  /** What was set otherwise there: a difference may come from it. */
  settings: Setting[];
};

/** Rows of a dataset read at once. */
const PAGE = 500;
/** Assessments whose columns are remembered. */
const REMEMBERED = 8;
/** Earlier assessments that are offered. */
const MOST_OTHERS = 50;

type Deps = { store: Store; datasets: Datasets; reporter: Reporter };
export type Reading = ReturnType<typeof createReading>;

export function createReading({ store, datasets, reporter }: Deps) {
  const { db } = store;
  const facetsById = new Map<string, Promise<Facet[]>>();

  async function versionOf({ datasetVersionId, datasetName }: AssessmentRow): Promise<DatasetVersionRow> {
    const version = await datasets.findVersion(datasetVersionId);
    if (version) return version;
    throw new EspalierError("DATASET_GONE", `${datasetName} was deleted since.`, {
      field: "column",
      value: datasetName,
      hint: "Bring it back from the trash.",
      status: 409,
    });
  }

  /** The chosen rows with their columns. */
  async function chosenRows(assessment: AssessmentRow, version: DatasetVersionRow): Promise<NumberedRow[]> {
    const wanted = new Set(assessment.rows ?? []);
    const found: NumberedRow[] = [];
    for (let offset: number | null = Math.min(...wanted, version.rowCount); offset !== null; ) {
      const page = await datasets.rows(version.id, { offset, limit: PAGE });
      for (const { index, value } of page.rows)
        if (wanted.has(index)) found.push({ row: index, value: value as Record<string, unknown> });
      offset = found.length < wanted.size ? page.nextOffset : null;
    }
    return found;
  }

  function facets(assessment: AssessmentRow): Promise<Facet[]> {
    const known = facetsById.get(assessment.id);
    if (known) return known;
    const made = versionOf(assessment).then(async (version) =>
      facetsOf(version.columns, await chosenRows(assessment, version)),
    );
    if (assessment.rows === null) return made;
    facetsById.set(assessment.id, made);
    made.catch(() => facetsById.delete(assessment.id));
    for (const old of [...facetsById.keys()].slice(0, -REMEMBERED)) facetsById.delete(old);
    return made;
  }

  async function facetOf(assessment: AssessmentRow, column: string): Promise<Facet> {
    const all = await facets(assessment);
    const found = all.find((one) => one.column === column);
    if (found) return found;
    throw new EspalierError(
      "SLICE_INVALID",
      `The rows do not fall into groups by "${column.slice(0, 120)}".`,
      {
        field: "column",
        value: column.slice(0, 120),
        hint:
          all.length > 0
            ? `Choose one of ${all.map((one) => one.column).join(", ")}.`
            : "No column of the dataset has few enough values.",
      },
    );
  }

  async function scoredAnswers(assessmentId: string, rows: readonly number[]): Promise<ScoredAnswer[]> {
    if (rows.length === 0) return [];
    const found = await db.query.answers.findMany({
      where: and(eq(answers.assessmentId, assessmentId), inArray(answers.row, [...rows])),
    });
    const ids = found.map(({ id }) => id);
    const scored = Map.groupBy(
      await db.query.scores.findMany({ where: inArray(scores.answerId, ids), orderBy: [scores.grader] }),
      ({ answerId }) => answerId,
    );
    return found.map((answer) => ({ ...answer, scores: scored.get(answer.id) ?? [] }));
  }

  async function assessedRows(assessment: AssessmentRow, rows: readonly number[]): Promise<AssessedRow[]> {
    const place = new Map((await candidatesOf(store, assessment.id)).map(({ id }, at) => [id, at]));
    const byRow = Map.groupBy(await scoredAnswers(assessment.id, rows), ({ row }) => row);
    const placeOf = ({ candidateId }: AnswerRow): number => place.get(candidateId) ?? 0;
    return rows.flatMap((row) => {
      const own = byRow.get(row);
      return own ? [{ assessment, row, answers: own.toSorted((a, b) => placeOf(a) - placeOf(b)) }] : [];
    });
  }

  async function matching(assessment: AssessmentRow, { slice, ...wish }: RowWish): Promise<number[]> {
    const asked = await candidatesOf(store, assessment.id);
    const filter = checkFilter(wish, asked, assessment.graders.length);
    const found = await reporter.ask("rows", assessment.id, { filter });
    if (slice === null) return found;
    const facet = await facetOf(assessment, slice.column);
    const within = new Set(facet.groups.find(({ key }) => key === slice.key)?.rows ?? []);
    return found.filter((row) => within.has(row));
  }

  /** Rows of both that say the same: k times as often as the one that has it less often, in their order. */
  async function sameRows(assessment: AssessmentRow, other: AssessmentRow): Promise<CommonRow[]> {
    const keys = async (one: AssessmentRow): Promise<Map<string, number>> => {
      const seen = new Map<string, number>();
      const byKey = new Map<string, number>();
      for (const { row, value } of await chosenRows(one, await versionOf(one))) {
        const hash = sha256(JSON.stringify(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))));
        const times = (seen.get(hash) ?? 0) + 1;
        seen.set(hash, times);
        byKey.set(`${hash} ${times}`, row);
      }
      return byKey;
    };
    const [own, others] = [await keys(assessment), await keys(other)];
    return [...own].flatMap(([key, row]) => {
      const same = others.get(key);
      return same === undefined ? [] : [[row, same] as const];
    });
  }

  return {
    /** What it found so far. @throws EspalierError REPORT_BUSY, REPORT_DIED, REPORT_FAILED */
    report: ({ id }: Pick<AssessmentRow, "id">): Promise<Report> => keptReport({ store, reporter }, id),

    /**
     * Rows that it lets through, by their number.
     * @throws EspalierError ASSESSMENT_FILTER_INVALID, SLICE_INVALID, DATASET_GONE, and as a page
     */
    async rows(assessment: AssessmentRow, wish: RowWish, request: PageRequest): Promise<Page<AssessedRow>> {
      const page = pageOfNumbers(await matching(assessment, wish), request);
      return { ...page, items: await assessedRows(assessment, page.items) };
    },
    /** One row by its number in the dataset version; null where nobody was asked about it. */
    row: async (assessment: AssessmentRow, row: number): Promise<AssessedRow | null> =>
      (await assessedRows(assessment, [row]))[0] ?? null,
    /** A row's columns as the dataset has them; null where the dataset was deleted. */
    async columnsOf({ assessment, row }: AssessedRow): Promise<unknown> {
      if (!(await datasets.findVersion(assessment.datasetVersionId))) return null;
      return (
        (await datasets.rows(assessment.datasetVersionId, { offset: row, limit: 1 })).rows[0]?.value ?? null
      );
    },

    /** Columns by which its rows fall into groups. @throws EspalierError DATASET_GONE */
    facets,
    /**
     * How candidates did on the groups of a column. `compared` names two candidates by id.
     * @throws EspalierError SLICE_INVALID, DATASET_GONE, ASSESSMENT_FILTER_INVALID
     */
    async slices(
      assessment: AssessmentRow,
      column: string,
      compared: { candidate: string | null; than: string | null },
    ): Promise<Slices> {
      const asked = await candidatesOf(store, assessment.id);
      checkFilter({ show: "all", grader: null, search: null, ...compared }, asked, 0);
      const facet = await facetOf(assessment, column);
      const named = [compared.candidate, compared.than].flatMap(
        (id) => asked.find((one) => one.id === id) ?? [],
      );
      const [first, second] = named.length === 2 ? named : asked.length === 2 ? asked : [];
      const two = first && second ? ([first, second] as [CandidateRow, CandidateRow]) : null;
      const slices = await reporter.ask("slices", assessment.id, {
        groups: facet.groups,
        compared: two && [two[0].id, two[1].id],
      });
      return { column, kind: facet.kind, compared: two, slices };
    },

    /** Other assessments of any version of the same dataset, newest first. */
    async comparable(assessment: AssessmentRow): Promise<AssessmentRow[]> {
      const version = await datasets.findVersion(assessment.datasetVersionId);
      const versions = version
        ? (await datasets.versions(version.datasetId)).map(({ id }) => id)
        : [assessment.datasetVersionId];
      return db.query.assessments.findMany({
        where: and(
          eq(assessments.projectId, assessment.projectId),
          ne(assessments.id, assessment.id),
          inArray(assessments.datasetVersionId, versions),
        ),
        orderBy: [desc(assessments.id)],
        limit: MOST_OTHERS,
      });
    },
    /**
     * Candidates of both (the same model), or one of this against one of that, on the rows that both asked about.
     * @throws EspalierError ASSESSMENT_FILTER_INVALID for a candidate that is none, DATASET_GONE
     */
    async compare(
      assessment: AssessmentRow,
      other: AssessmentRow,
      chosen: { candidate: string | null; against: string | null },
    ): Promise<EarlierComparison> {
      const [asked, others] = [await candidatesOf(store, assessment.id), await candidatesOf(store, other.id)];
      checkFilter(
        { show: "all", candidate: chosen.candidate, than: null, grader: null, search: null },
        asked,
        0,
      );
      checkFilter(
        { show: "all", candidate: chosen.against, than: null, grader: null, search: null },
        others,
        0,
      );
      const isSameVersion = assessment.datasetVersionId === other.datasetVersionId;
      const theirs = new Set(other.rows ?? []);
      const common = isSameVersion
        ? (assessment.rows ?? []).flatMap((row) => (theirs.has(row) ? [[row, row] as const] : []))
        : await sameRows(assessment, other);
      const pairs: [string, string][] =
        chosen.candidate !== null && chosen.against !== null
          ? [[chosen.candidate, chosen.against]]
          : asked.flatMap((one) => {
              const same = others.filter(({ modelId }) => modelId === one.modelId);
              const against = same.find(({ name }) => name === one.name) ?? same[0];
              return against ? [[one.id, against.id] as [string, string]] : [];
            });
      return {
        other,
        commonRows: common.length,
        matchedBy: isSameVersion ? "number" : "content",
        pairs: await reporter.ask("compare", assessment.id, { other: other.id, pairs, common }),
        settings: settingsApart({ assessment, asked }, { assessment: other, asked: others }, pairs),
      };
    },
  };
}
