// One assessment: the verdict first, then each candidate, each pair, and the rows behind them.
import { Button, Stack, Text } from "@mantine/core";
import { Link, useParams } from "@tanstack/react-router";
import type { ResultOf } from "gql.tada";
import { type ReactNode, useDeferredValue } from "react";
import { Gate } from "../accounts/viewer.tsx";
import { act } from "../api/client.ts";
import { useData, useWork } from "../api/data.ts";
import { isOver, useLiveRun } from "../api/runs-live.ts";
import { MakeGateButton } from "../gates/make.tsx";
import { t } from "../i18n.ts";
import { AddToSuiteButton } from "../suites/add-button.tsx";
import { Facts, Surface, When } from "../ui/bits.tsx";
import { ConfirmButton } from "../ui/confirm.tsx";
import { count, dollars, duration, seconds as shortTime } from "../ui/format.ts";
import { Page } from "../ui/page.tsx";
import { Empty, Loaded, ProblemNotice } from "../ui/states.tsx";
import { RunPill, RunProgress } from "../ui/status.tsx";
import { deleteThing } from "../ui/trash.tsx";
import { AnswerRows } from "./answers.tsx";
import { CompareSection } from "./compare.tsx";
import { sampleText } from "./draft.ts";
import { FactorialSection } from "./factorial.tsx";
import { JudgeSection } from "./judges.tsx";
import { OverlapSection, OverlapWarning } from "./overlaps.tsx";
import { assessmentQuery, resumeAssessment } from "./queries.ts";
import { ScoreAgainButton } from "./score-again.tsx";
import { SliceSection } from "./slices.tsx";
import { CandidateTable, PairTable, verdictText } from "./totals.tsx";
import { TradeOff } from "./trade-off.tsx";

export type Assessment = Extract<
  NonNullable<ResultOf<typeof assessmentQuery>["node"]>,
  { __typename: "Assessment" }
>;

function ResumeButton(props: { assessment: Assessment }) {
  const work = useWork();
  return (
    <Gate scope="chat">
      {work.problem ? <ProblemNotice problem={work.problem} /> : null}
      <Button
        variant="default"
        loading={work.isBusy}
        onClick={() =>
          void work.run(async () => void (await act(resumeAssessment, { id: props.assessment.id })))
        }
      >
        {t("Ask what is missing")}
      </Button>
    </Gate>
  );
}

const time = (seconds: number): string => (seconds < 10 ? shortTime(seconds * 1000) : duration(seconds));

/**
 * Time and cost beside what was expected of them. Of a run that was ended early or failed nobody expected that little.
 */
function effortFacts(
  { forecast, actual }: Assessment,
  isRunning: boolean,
  isWhole: boolean,
): [string, ReactNode][] {
  const fact = (
    name: "seconds" | "costUsd",
    words: { took: string; expected: string },
    say: (value: number) => string,
  ): [string, ReactNode][] => {
    const expected = forecast?.[name] ?? null;
    const took = actual?.[name] ?? null;
    if (isRunning) return expected === null ? [] : [[words.expected, say(expected)]];
    if (took === null) return [];
    if (expected === null || !isWhole) return [[words.took, say(took)]];
    const beside = (
      <span key="e" className="e-muted" style={{ whiteSpace: "nowrap" }}>
        {t("({{expected}} expected)", { expected: say(expected) })}
      </span>
    );
    return [[words.took, [`${say(took)} `, beside]]];
  };
  return [
    ...fact("seconds", { took: t("Took"), expected: t("Expected to take") }, time),
    ...fact("costUsd", { took: t("Cost"), expected: t("Expected to cost") }, dollars),
  ];
}

/** What is read after the verdict, and drawn after it. */
function Details(props: { assessment: Assessment; hasAnswers: boolean }) {
  const { assessment, hasAnswers } = props;
  return (
    <>
      {assessment.report.pairs.length > 0 ? <PairTable assessment={assessment} /> : null}
      <JudgeSection assessment={assessment} />
      <TradeOff assessment={assessment} />
      {hasAnswers ? <SliceSection assessment={assessment} /> : null}
      <OverlapSection assessment={assessment} />
      {hasAnswers ? <AnswerRows assessment={assessment} /> : null}
      {hasAnswers ? <CompareSection assessment={assessment} /> : null}
    </>
  );
}

function Body(props: { assessment: Assessment }) {
  const { assessment } = props;
  const { report, sample } = assessment;
  const live = useLiveRun(assessment.run ?? noRun);
  const isDrawn = useDeferredValue(true, false);
  const run = assessment.run ? live : null;
  const isRunning = run !== null && !isOver(run.status);
  const wanted = (assessment.rowCount ?? 0) * assessment.candidates.length;
  const answered = report.candidates.reduce((sum, one) => sum + one.answered, 0);
  const unrated = report.candidates
    .flatMap(({ graders }) => graders)
    .reduce((sum, { label, unscored }) => sum + (label === "people" ? unscored : 0), 0);
  const isUnasked = assessment.answersFrom === null && answered < wanted;
  const isUnjudged = report.judges.some(({ failed }) => failed > 0);
  const isMissing = run !== null && !isRunning && (run.status !== "SUCCEEDED" || isUnasked || isUnjudged);
  return (
    <div className="e-columns">
      <Stack gap={16}>
        {run && run.status !== "SUCCEEDED" ? (
          <Surface title={t("Progress")}>
            <RunProgress run={run} />
          </Surface>
        ) : null}
        <Surface title={t("Verdict")} {...(report.isClear ? { tone: "blue" as const } : {})}>
          <Text size="lg" className="e-verdict">
            {verdictText(assessment)}
          </Text>
          {report.unscored > 0 ? (
            <Text size="sm" c="dimmed">
              {unrated > 0
                ? t("{{count}} answers wait for people, and count for nothing until they are rated.", {
                    count: unrated,
                  })
                : t("{{count}} answers could not be scored and count for nothing.", {
                    count: report.unscored,
                  })}
            </Text>
          ) : null}
        </Surface>
        <OverlapWarning assessment={assessment} />
        {assessment.candidates.length > 3 ? <FactorialSection id={assessment.id} /> : null}
        <CandidateTable assessment={assessment} />
        {isDrawn ? <Details assessment={assessment} hasAnswers={answered > 0} /> : null}
      </Stack>
      <Stack gap={16}>
        <Surface title={t("Next")}>
          <Stack gap={8}>
            {isMissing ? <ResumeButton assessment={assessment} /> : null}
            {assessment.graders.some((one) => one.startsWith("people")) ? (
              <Button component={Link} to={`/assessments/${assessment.id}/rate`}>
                {t("Rate answers")}
              </Button>
            ) : null}
            <Button
              component={Link}
              to="/chat"
              search={
                {
                  models: assessment.candidates
                    .slice(0, 4)
                    .map(({ name }) => name)
                    .join(","),
                } as never
              }
              variant="default"
            >
              {t("Compare in chat")}
            </Button>
            <Button component="a" href={`/files/${assessment.id}.html`} download variant="default">
              {t("Download HTML report")}
            </Button>
            <MakeGateButton button={t("Make this a gate")} assessment={assessment.id} variant="default" />
            {answered > 0 && !isRunning ? <ScoreAgainButton assessment={assessment} /> : null}
            <Button component={Link} to="/assess" search={{ copy: assessment.id } as never} variant="default">
              {t("Copy")}
            </Button>
            <AddToSuiteButton assessmentId={assessment.id} />
            <Button component="a" href={`/files/${assessment.id}.csv`} download variant="default">
              {t("Download CSV")}
            </Button>
            <Button component="a" href={`/files/${assessment.id}.jsonl`} download variant="default">
              {t("Download JSONL")}
            </Button>
            <ConfirmButton
              button={t("Delete")}
              title={t("Delete {{name}}?", { name: assessment.name })}
              confirm={t("Delete {{name}}", { name: assessment.name })}
              done={t("{{name}} is deleted", { name: assessment.name })}
              undoId={assessment.id}
              backTo="/assessments"
              run={async () => void (await act(deleteThing, { id: assessment.id, confirm: true }))}
            />
          </Stack>
        </Surface>
        <Surface title={t("What it is")}>
          <Facts
            items={[
              [
                t("Dataset"),
                assessment.datasetId === null ? (
                  assessment.dataset
                ) : (
                  <Link key="d" to={`/datasets/${assessment.datasetId}`}>
                    {assessment.dataset}
                  </Link>
                ),
              ],
              [t("Split"), assessment.split ?? t("all")],
              [t("Rows"), assessment.rowCount === null ? "–" : count(assessment.rowCount)],
              [t("Sample"), sampleText(sample)],
              [
                t("Question"),
                <span key="q" className="e-mono">
                  {assessment.question}
                </span>,
              ],
              [t("Right answer"), assessment.reference ?? "–"],
              [t("Graders"), assessment.graders.join(", ")],
              ...(assessment.answersFrom
                ? ([
                    [
                      t("Answers of"),
                      <Link key="a" to={`/assessments/${assessment.answersFrom.id}`}>
                        {assessment.answersFrom.name}
                      </Link>,
                    ],
                  ] satisfies [string, ReactNode][])
                : []),
              [t("Longest answer"), t("{{count}} tokens", { count: assessment.maxTokens })],
              ...effortFacts(assessment, isRunning, run?.status === "SUCCEEDED"),
              [t("Started"), <When key="w" at={assessment.createdAt} />],
            ]}
          />
        </Surface>
      </Stack>
    </div>
  );
}

/** Stands in where an assessment has no run, so that hooks are called alike. */
const noRun = {
  id: "",
  kind: "ASSESS",
  name: "",
  status: "SUCCEEDED",
  progress: null,
  step: null,
  totalSteps: null,
  etaSeconds: null,
} as const;

export function AssessmentPage() {
  const { id = "" } = useParams({ strict: false });
  const reading = useData(assessmentQuery, { id });
  const node = reading.data?.node;
  const assessment = node?.__typename === "Assessment" ? node : null;
  return (
    <Page
      title={assessment?.name ?? t("Assessment")}
      crumb={{ label: t("Assessments"), to: "/assessments" }}
      aside={assessment?.run ? <RunPill run={assessment.run} /> : null}
    >
      <Loaded reading={reading}>
        {() =>
          assessment ? (
            <Body assessment={assessment} />
          ) : (
            <Empty title={t("No such assessment")} text={t("It may have been deleted.")} />
          )
        }
      </Loaded>
    </Page>
  );
}
