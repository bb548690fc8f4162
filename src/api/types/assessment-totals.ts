// What an assessment found: totals with intervals, pairs with tests, and the verdict.
import type {
  AgreementTotal as AgreementTotalShape,
  CandidateTotal as CandidateTotalShape,
  GraderTotal as GraderTotalShape,
  JudgeTotal as JudgeTotalShape,
  PairTotal as PairTotalShape,
  Report as ReportShape,
} from "../../assessments/assessments.ts";
import { builder, needs } from "../builder.ts";
import { Candidate } from "./assessment-candidates.ts";

type IntervalShape = NonNullable<CandidateTotalShape["interval"]>;
export const Interval = builder.objectRef<IntervalShape>("ScoreInterval").implement({
  description: "A mean score with its 95 % interval.",
  extensions: needs("read"),
  fields: (t) => ({
    n: t.exposeInt("n", { description: "Rows that it is the mean of." }),
    mean: t.exposeFloat("mean", { description: "From 0 to 1." }),
    low: t.exposeFloat("low", { description: "Lower end." }),
    high: t.exposeFloat("high", { description: "Upper end." }),
    method: t.exposeString("method", { description: "How the interval was made: wilson or bootstrap." }),
  }),
});

const GraderTotal = builder.objectRef<GraderTotalShape>("GraderTotal").implement({
  description: "How one grader scored a candidate.",
  extensions: needs("read"),
  fields: (t) => ({
    label: t.exposeString("label", {
      description: "The grader, as on the command line; code and schemas are shortened.",
    }),
    interval: t.field({
      type: Interval,
      nullable: true,
      description:
        "Its mean score; null while there is none. Of bleu and chrf the mean of each answer's own score, which is not that of a corpus.",
      resolve: ({ interval }) => interval,
    }),
    unscored: t.exposeInt("unscored", { description: "Answers that it could not score." }),
  }),
});

type StrengthShape = NonNullable<CandidateTotalShape["strength"]>;
const Strength = builder.objectRef<StrengthShape>("Strength").implement({
  description: "A candidate on the scale of log-odds by Bradley and Terry, with its 95 % interval.",
  extensions: needs("read"),
  fields: (t) => ({
    strength: t.exposeFloat("strength", { description: "0 is the mean of all; 1 more wins 73 % of rows." }),
    low: t.exposeFloat("low", { description: "Lower end." }),
    high: t.exposeFloat("high", { description: "Upper end." }),
  }),
});

const CandidateTotal = builder.objectRef<CandidateTotalShape>("CandidateTotal").implement({
  description: "How a candidate did.",
  extensions: needs("read"),
  fields: (t) => ({
    candidate: t.field({ type: Candidate, description: "Which one.", resolve: ({ candidate }) => candidate }),
    interval: t.field({
      type: Interval,
      nullable: true,
      description: "Its score over all graders; null while nothing is scored.",
      resolve: ({ interval }) => interval,
    }),
    graders: t.field({ type: [GraderTotal], description: "By grader.", resolve: ({ graders }) => graders }),
    answered: t.exposeInt("answered", { description: "Rows that it answered." }),
    failed: t.exposeInt("failed", { description: "Rows at which it failed; they can be asked again." }),
    unscored: t.exposeInt("unscored", { description: "Answers without a score by every grader." }),
    medianLatencyMs: t.exposeInt("medianLatencyMs", { nullable: true, description: "Of its answers." }),
    inputTokens: t.exposeInt("inputTokens", { description: "Tokens sent in all." }),
    outputTokens: t.exposeInt("outputTokens", { description: "Tokens received in all." }),
    costUsd: t.exposeFloat("costUsd", {
      nullable: true,
      description: "US dollars in all; null where an answer has no price.",
    }),
    strength: t.field({
      type: Strength,
      nullable: true,
      description: "Of three candidates and more; null for two, and where some never lost to the others.",
      resolve: ({ strength }) => strength,
    }),
  }),
});

const PairTotal = builder.objectRef<PairTotalShape>("PairTotal").implement({
  description: "Two candidates on the rows that both answered.",
  extensions: needs("read"),
  fields: (t) => ({
    first: t.field({ type: Candidate, description: "One.", resolve: ({ first }) => first }),
    second: t.field({ type: Candidate, description: "The other.", resolve: ({ second }) => second }),
    n: t.exposeInt("n", { description: "Rows that both have a score for." }),
    wins: t.exposeInt("wins", { description: "Rows that the first scores higher on." }),
    ties: t.exposeInt("ties", { description: "Rows on which they score the same." }),
    losses: t.exposeInt("losses", { description: "Rows that the second scores higher on." }),
    difference: t.exposeFloat("difference", { description: "Mean of the first less that of the second." }),
    low: t.exposeFloat("low", { description: "Lower end of its 95 % interval (paired bootstrap)." }),
    high: t.exposeFloat("high", { description: "Upper end." }),
    p: t.exposeFloat("p", { description: "Chance of such a difference where there is none." }),
    test: t.exposeString("test", { description: "The test: mcnemar-exact or wilcoxon." }),
    adjustedP: t.exposeFloat("adjustedP", { description: "p after Holm's correction over all pairs." }),
    detectable: t.exposeFloat("detectable", {
      nullable: true,
      description: "The least difference that so many rows show with a power of 0.8.",
    }),
    rowsNeeded: t.exposeInt("rowsNeeded", {
      nullable: true,
      description: "Rows that would show a difference as large as this one with a power of 0.8.",
    }),
  }),
});

type ShareShape = NonNullable<JudgeTotalShape["consistency"]>;
const Share = builder.objectRef<ShareShape>("ShareInterval").implement({
  description: "A share with its 95 % interval (Wilson).",
  extensions: needs("read"),
  fields: (t) => ({
    n: t.exposeInt("n", { description: "How many it is a share of." }),
    share: t.exposeFloat("share", { description: "From 0 to 1." }),
    low: t.exposeFloat("low", { description: "Lower end." }),
    high: t.exposeFloat("high", { description: "Upper end." }),
  }),
});
const JudgeTotal = builder.objectRef<JudgeTotalShape>("JudgeTotal").implement({
  description: "How far a judge can be trusted, and what it took.",
  extensions: needs("read"),
  fields: (t) => ({
    label: t.exposeString("label", { description: "The judge, as on the command line." }),
    judgements: t.exposeInt("judgements", { description: "How often it was asked." }),
    failed: t.exposeInt("failed", { description: "How often it failed; it can be asked again." }),
    unread: t.exposeInt("unread", { description: "Replies that were no verdict." }),
    consistency: t.field({
      type: Share,
      nullable: true,
      description: "Pairs with the same verdict in both orders; null where nothing was judged in both.",
      resolve: ({ consistency }) => consistency,
    }),
    preferredFirst: t.field({
      type: Share,
      nullable: true,
      description:
        "Verdicts other than ties for the answer shown first: 0.5 where the order does not matter.",
      resolve: ({ preferredFirst }) => preferredFirst,
    }),
    medianLatencyMs: t.exposeInt("medianLatencyMs", { nullable: true, description: "Of its replies." }),
    inputTokens: t.exposeInt("inputTokens", { description: "Tokens sent in all." }),
    outputTokens: t.exposeInt("outputTokens", { description: "Tokens received in all." }),
    costUsd: t.exposeFloat("costUsd", { nullable: true, description: "US dollars, where there is a price." }),
  }),
});
const AgreementTotal = builder.objectRef<AgreementTotalShape>("AgreementTotal").implement({
  description: "How far two graders, or two people, say the same on what both have said.",
  extensions: needs("read"),
  fields: (t) => ({
    first: t.exposeString("first", { description: "One: a grader's line, or a person's name." }),
    second: t.exposeString("second", { description: "The other." }),
    n: t.exposeInt("n", { description: "What both have said something of." }),
    agreed: t.exposeInt("agreed", { description: "What they say the same of." }),
    share: t.exposeFloat("share", { description: "Share that they agree on." }),
    low: t.exposeFloat("low", { description: "Lower end of its 95 % interval (Wilson)." }),
    high: t.exposeFloat("high", { description: "Upper end." }),
    kappa: t.float({
      nullable: true,
      description: "Cohen's kappa: 0 is the agreement of chance; null where both always say one same thing.",
      resolve: ({ kappa }) => kappa?.kappa ?? null,
    }),
  }),
});

export const Report = builder.objectRef<ReportShape>("AssessmentReport").implement({
  description: "What an assessment found, from the answers that are there.",
  extensions: needs("read"),
  fields: (t) => ({
    sentence: t.string({
      description: "The verdict in one sentence with its uncertainty.",
      resolve: ({ verdict }) => verdict.english,
    }),
    isClear: t.boolean({
      description: "Whether one candidate is told apart from all others as better.",
      resolve: ({ verdict }) => verdict.isClear,
    }),
    best: t.field({
      type: Candidate,
      nullable: true,
      description: "The candidate with the highest score.",
      resolve: ({ verdict }) => verdict.best,
    }),
    candidates: t.field({
      type: [CandidateTotal],
      description: "Each candidate, in the order in which they were named.",
      resolve: ({ candidates }) => candidates,
    }),
    pairs: t.field({ type: [PairTotal], description: "Each pair.", resolve: ({ pairs }) => pairs }),
    unscored: t.exposeInt("unscored", { description: "Answers that could not be scored, in all." }),
    judges: t.field({ type: [JudgeTotal], description: "Each judge.", resolve: ({ judges }) => judges }),
    agreements: t.field({
      type: [AgreementTotal],
      description: "Of judges and people, with each other and with the rules.",
      resolve: ({ agreements }) => agreements,
    }),
  }),
});
