// Assessments: which models answer which rows of a dataset, what they answered, and how that was scored.
import { index, integer, primaryKey, real, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";
import { at, id, json } from "./columns.ts";

/** Which rows of a split are asked about. */
export type SampleWish = {
  kind: "all" | "first" | "random" | "stratified";
  /** How many; null takes all. */
  size: number | null;
  seed: number;
  /** The column whose values are the strata. */
  by: string | null;
};

/** What a candidate is sampled with; what is unsaid is as for the whole assessment. */
export type CandidateParameters = { temperature?: number; topP?: number; maxTokens?: number };
/** A message as it was sent; `pictures` names the columns that its pictures came from. */
export type SentTurn = { role: string; content: string; pictures?: string[] };
/** What an assessment takes: seconds and US dollars, each null where it is not known of everybody who is asked. */
export type Effort = { seconds: number | null; costUsd: number | null };

export const assessments = sqliteTable(
  "assessments",
  {
    id: id(),
    projectId: text("project_id").notNull(),
    name: text("name").notNull(),
    datasetVersionId: text("dataset_version_id").notNull(),
    /** Name and number of the dataset version at the time: it may be deleted since. */
    datasetName: text("dataset_name").notNull(),
    /** train | validation | test; null takes the rows of all. */
    split: text("split"),
    sample: json<SampleWish>("sample").notNull(),
    /** Numbers of the rows that were chosen, in order; null until the run has chosen them. */
    rows: json<number[]>("rows"),
    /** Template of the question, with {{column}}. */
    question: text("question").notNull(),
    /** The column that holds the right answer; null where nothing needs one. */
    reference: text("reference"),
    /** How answers are scored, in order; each parsed by the graders. */
    graders: json<unknown[]>("graders").notNull(),
    /** Longest answer, in tokens. */
    maxTokens: integer("max_tokens").notNull(),
    temperature: real("temperature").notNull(),
    /** Replies of one provider that are waited for at once; null takes the limit's. */
    concurrency: integer("concurrency"),
    /** The assessment whose answers are scored here anew, instead of asking; null where the candidates are asked. */
    answersFrom: text("answers_from"),
    /** What it was expected to take when it was started; null where nobody could say, or nobody is asked. */
    forecast: json<Effort>("forecast"),
    userId: text("user_id"),
    keyId: text("key_id"),
    createdBy: text("created_by").notNull(),
    createdAt: at("created_at").notNull(),
  },
  (t) => [uniqueIndex("assessments_name").on(t.projectId, t.name)],
);

export const candidates = sqliteTable(
  "candidates",
  {
    id: id(),
    /** Not a foreign key: while the assessment is in the trash, what belongs to it stays. */
    assessmentId: text("assessment_id").notNull(),
    /** Its place among the candidates, from 0. */
    place: integer("place").notNull(),
    /** The model's name at the time. */
    name: text("name").notNull(),
    modelId: text("model_id").notNull(),
    /** Said instead of the row's own system prompt; null leaves that. */
    systemPrompt: text("system_prompt"),
    /** Ids of the knowledge bases that it answers from. */
    knowledgeBases: json<string[]>("knowledge_bases").notNull(),
    parameters: json<CandidateParameters>("parameters").notNull().default({}),
  },
  (t) => [uniqueIndex("candidates_place").on(t.assessmentId, t.place)],
);

/** What one candidate said to one row. It stays when answers are scored anew. */
export const answers = sqliteTable(
  "answers",
  {
    id: id(),
    assessmentId: text("assessment_id").notNull(),
    candidateId: text("candidate_id")
      .notNull()
      .references(() => candidates.id),
    row: integer("row").notNull(),
    /** What was sent: messages with their roles. */
    sent: json<SentTurn[]>("sent").notNull(),
    /** The right answer, where the assessment has one. */
    reference: text("reference"),
    /** Null where the model failed; `error` says how. */
    text: text("text"),
    error: json<{ code: string; message: string; hint?: string }>("error"),
    citations: json<unknown[]>("citations"),
    finishReason: text("finish_reason"),
    inputTokens: integer("input_tokens").notNull(),
    outputTokens: integer("output_tokens").notNull(),
    /** US dollars; null where the model has no price. */
    costUsd: real("cost_usd"),
    latencyMs: integer("latency_ms").notNull(),
    createdAt: at("created_at").notNull(),
  },
  (t) => [
    uniqueIndex("answers_place").on(t.candidateId, t.row),
    index("answers_assessment").on(t.assessmentId, t.row),
  ],
);

/** How one grader of the assessment scored one answer. */
export const scores = sqliteTable(
  "scores",
  {
    answerId: text("answer_id")
      .notNull()
      .references(() => answers.id),
    /** Its place among the assessment's graders, from 0. */
    grader: integer("grader").notNull(),
    /** From 0 to 1; null where the answer is unscored, and `detail` says why. */
    value: real("value"),
    detail: text("detail"),
  },
  (t) => [primaryKey({ columns: [t.answerId, t.grader] })],
);

/** What a judge said of one answer, or of two against each other. It is paid for, so it stays, whatever it is worth. */
export const judgements = sqliteTable(
  "judgements",
  {
    id: id(),
    assessmentId: text("assessment_id").notNull(),
    /** Place of the judge among the assessment's graders, from 0. */
    grader: integer("grader").notNull(),
    row: integer("row").notNull(),
    /** The answer that was judged; of two, the one shown first. */
    answerId: text("answer_id")
      .notNull()
      .references(() => answers.id),
    /** The one shown second; empty where only one was judged. */
    otherId: text("other_id").notNull(),
    sent: json<SentTurn[]>("sent").notNull(),
    /** What the judge replied; null where it failed, and `error` says how. */
    text: text("text"),
    error: json<{ code: string; message: string; hint?: string }>("error"),
    /** From 0 to 1, for the answer shown first: 1 is best, or better than the other. Null where the reply is no verdict. */
    value: real("value"),
    /** Why the judge decided so, or why its reply is no verdict. */
    reason: text("reason"),
    inputTokens: integer("input_tokens").notNull(),
    outputTokens: integer("output_tokens").notNull(),
    costUsd: real("cost_usd"),
    latencyMs: integer("latency_ms").notNull(),
    createdAt: at("created_at").notNull(),
  },
  (t) => [
    uniqueIndex("judgements_place").on(t.answerId, t.otherId, t.grader),
    index("judgements_assessment").on(t.assessmentId, t.grader, t.row),
  ],
);

/**
 * The report that was worked out last, and how often anything that it is made from has changed. Triggers count that, on
 * whatever writes answers, scores, judgements or ratings (migrations/0024), and take the report away.
 */
export const assessmentReports = sqliteTable("assessment_reports", {
  assessmentId: text("assessment_id").primaryKey(),
  revision: integer("revision").notNull(),
  /** Null since something changed. */
  report: text("report"),
  /** The version of this program that worked it out: another may find other figures. */
  madeBy: text("made_by"),
});
