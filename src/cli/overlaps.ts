// `assessment overlaps`: what of an assessment's rows the candidates were trained on, or may look up.
import { z } from "zod";
import { EspalierError } from "../kit/errors.ts";
import { ERRORS } from "./client.ts";
import { outcome, type VerbContext } from "./context.ts";
import { RUN_FIELDS, runShape } from "./follow.ts";
import { nodeShape } from "./pages.ts";
import { selection, thingOf } from "./things.ts";
import type { Json } from "./verbs.ts";

const counted = z.object({
  candidateId: z.string(),
  origin: z.string(),
  exact: z.number(),
  near: z.number(),
  meaning: z.number(),
  questionOnly: z.number(),
  lookedUpRows: z.number(),
  trained: z.array(z.object({ dataset: z.string(), rows: z.number() })),
  lookedUp: z.array(z.object({ knowledgeBase: z.string(), chunks: z.number() })),
});
const found = z.object({
  candidateId: z.string(),
  row: z.number(),
  how: z.string(),
  level: z.string(),
  similarity: z.number(),
  hasQuestion: z.boolean(),
  hasAnswer: z.boolean().nullable(),
  counts: z.boolean(),
  source: z.string(),
  sourceRow: z.number(),
  question: z.string().nullable(),
  foundQuestion: z.string(),
  foundAnswer: z.string(),
});
const shape = z.object({
  assessment: z
    .object({
      id: z.string(),
      name: z.string(),
      candidates: z.array(z.object({ candidateId: z.string(), name: z.string() })),
      overlaps: z
        .object({
          rows: z.number(),
          checkedAt: z.string(),
          candidates: z.array(counted),
          steps: z.array(
            z.object({
              without: z.string(),
              leftOut: z.number(),
              candidates: z.array(
                z.object({
                  candidateId: z.string(),
                  interval: z
                    .object({ n: z.number(), mean: z.number(), low: z.number(), high: z.number() })
                    .nullable(),
                }),
              ),
            }),
          ),
          found: z.object({
            nodes: z.array(found),
            pageInfo: z.object({ hasNextPage: z.boolean(), endCursor: z.string().nullable() }),
          }),
        })
        .nullable(),
    })
    .nullable(),
});
const QUERY = `query Overlaps($name: String!, $after: String) { assessment(name: $name) { id name
  candidates { candidateId name }
  overlaps { rows checkedAt
    candidates { candidateId origin exact near meaning questionOnly lookedUpRows
      trained { dataset rows } lookedUp { knowledgeBase chunks } }
    steps { without leftOut candidates { candidateId interval { n mean low high } } }
    found(first: 100, after: $after) { nodes { candidateId row how level similarity hasQuestion hasAnswer counts
      source sourceRow question foundQuestion foundAnswer } pageInfo { hasNextPage endCursor } } } } }`;

/** Compares the rows anew. */
export async function check(context: VerbContext, name: string): Promise<Json> {
  const { assessment, run } = await context.client.mutate(
    `mutation Check($id: ID!) { checkOverlap(id: $id) { __typename
      ... on CheckOverlapSuccess { assessment { ${selection("Assessment")} } run { ${RUN_FIELDS} } } ${ERRORS} } }`,
    { id: name },
    z.object({ assessment: nodeShape, run: runShape }),
  );
  return outcome(context, run.id, { ...thingOf(assessment), status: "queued", runId: run.id });
}

/** What the newest comparison found. */
export async function overlaps({ client, isJson }: VerbContext, name: string): Promise<Json> {
  const read = async (after: string | null) => {
    const { assessment } = await client.query(QUERY, { name, after }, shape);
    if (assessment) return assessment;
    throw new EspalierError("ASSESSMENT_NOT_FOUND", `there is no assessment "${name.slice(0, 120)}"`, {
      hint: "`espalier list assessments` shows the names.",
      value: name.slice(0, 120),
      status: 404,
    });
  };
  const assessment = await read(null);
  const { overlaps: all } = assessment;
  if (!all)
    throw new EspalierError("NOT_CHECKED", `${assessment.name} is not checked yet`, {
      hint: `Check it: espalier assessment overlaps ${assessment.name} --check --wait`,
      value: assessment.name,
      status: 409,
    });
  const nodes = [...all.found.nodes];
  for (let { pageInfo } = all.found; pageInfo.hasNextPage; ) {
    const next = (await read(pageInfo.endCursor)).overlaps?.found;
    if (!next) break;
    nodes.push(...next.nodes);
    pageInfo = next.pageInfo;
  }
  const names = new Map(assessment.candidates.map((one) => [one.candidateId, one.name]));
  const named = <T extends { candidateId: string }>({ candidateId, ...rest }: T) => ({
    candidate: names.get(candidateId) ?? candidateId,
    ...rest,
  });
  const candidates = all.candidates.map(named);
  const scores = all.steps.flatMap(({ without, leftOut, candidates: scored }) =>
    scored.map(named).map(({ candidate, interval }) => ({
      without,
      leftOut,
      candidate,
      n: interval?.n ?? 0,
      score: interval?.mean ?? null,
      ci95: interval ? [interval.low, interval.high] : null,
    })),
  );
  const { id, name: own } = assessment;
  const rows = nodes.map(named);
  if (isJson)
    return {
      ...{ id, kind: "assessment", name: own, status: "ready" },
      ...{ rows: all.rows, checkedAt: all.checkedAt, candidates, scores, found: rows },
    };
  return {
    candidates: candidates.map(({ trained, lookedUp, ...counts }) => ({
      ...counts,
      trained: trained.map(({ dataset }) => dataset).join(", "),
      lookedUp: lookedUp.map(({ knowledgeBase }) => knowledgeBase).join(", "),
    })),
    scores,
    found: rows.map(({ candidate, row, how, level, similarity, counts, source, sourceRow }) => ({
      ...{ candidate, row, how, level, similarity, counts, source, sourceRow },
    })),
  };
}
