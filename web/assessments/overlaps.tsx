// Whether candidates were trained on an assessment's rows, or may look them up: how many, the scores without them, and
// each row beside what was found.
import { Button, Stack, Text } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import type { ResultOf } from "gql.tada";
import { Gate } from "../accounts/viewer.tsx";
import { act } from "../api/client.ts";
import { useData, useWork } from "../api/data.ts";
import { isOver, useLiveRun } from "../api/runs-live.ts";
import { t } from "../i18n.ts";
import { reachable, Surface, When } from "../ui/bits.tsx";
import { count } from "../ui/format.ts";
import { Loaded, ProblemNotice } from "../ui/states.tsx";
import { RunProgress } from "../ui/status.tsx";
import type { Assessment } from "./detail-page.tsx";
import { pText, range, signed, two } from "./figures.tsx";
import { checkOverlap, overlapQuery } from "./overlap-queries.ts";
import { OverlapRows } from "./overlap-rows.tsx";

type Read = Extract<NonNullable<ResultOf<typeof overlapQuery>["node"]>, { __typename: "Assessment" }>;
type Check = NonNullable<Read["overlaps"]>;
type Compared = Check["candidates"][number];
type Run = NonNullable<Read["overlapRun"]>;

const seenOf = ({ exact, near }: Compared): number => exact + near;

export const nameIn = ({ candidates }: Assessment, id: string): string =>
  candidates.find(({ candidateId }) => candidateId === id)?.name ?? "–";

const checkOf = (data: ResultOf<typeof overlapQuery> | undefined): Check | null =>
  data?.node?.__typename === "Assessment" ? data.node.overlaps : null;

/** A warning beside the verdict where a candidate was trained on rows that it is assessed by. */
export function OverlapWarning(props: { assessment: Assessment }) {
  const check = checkOf(useData(overlapQuery, { id: props.assessment.id }).data);
  const touched = check?.candidates.filter((one) => seenOf(one) > 0) ?? [];
  if (!check || touched.length === 0) return null;
  return (
    <div className="e-overlap-warning" role="note">
      {touched.map((one) => (
        <Text size="sm" key={one.candidateId}>
          {t("{{name}} was trained on {{seen}} of the {{rows}} rows, or nearly.", {
            name: nameIn(props.assessment, one.candidateId),
            seen: count(seenOf(one)),
            rows: count(check.rows),
          })}
        </Text>
      ))}
      <a href="#seen-in-training">{t("See the rows, and the scores without them")}</a>
    </div>
  );
}

function CheckButton(props: { id: string; label: string }) {
  const work = useWork();
  return (
    <Gate scope="chat">
      {work.problem ? <ProblemNotice problem={work.problem} /> : null}
      <Button
        variant="default"
        size="xs"
        loading={work.isBusy}
        onClick={() => void work.run(async () => void (await act(checkOverlap, { id: props.id })))}
      >
        {props.label}
      </Button>
    </Gate>
  );
}

function RunningCheck(props: { run: Run }) {
  const run = useLiveRun(props.run);
  return run.status === "SUCCEEDED" ? null : <RunProgress run={run} />;
}

/** What it was compared with; what is not known is said, too. */
function ComparedWith(props: { one: Compared }) {
  const { origin, trained, lookedUp } = props.one;
  const unknown: Record<string, string> = {
    base: t("Nothing was trained on here. What the base model saw before is not known."),
    "third-party": t("What it was trained on is not known."),
    gone: t("It was deleted: what it was trained on is not known any more."),
  };
  return (
    <>
      {trained.map((source) => (
        <small key={source.trainingId}>
          {source.datasetId ? (
            <Link to={`/datasets/${source.datasetId}`}>{source.dataset}</Link>
          ) : (
            source.dataset
          )}{" "}
          {t("{{count}} rows, by {{training}}", { count: source.rows, training: source.training })}
        </small>
      ))}
      {unknown[origin] ? <small>{unknown[origin]}</small> : null}
      {lookedUp.map((base) => (
        <small key={base.knowledgeBaseId}>
          {t("may look up {{name}}: {{count}} passages", { name: base.knowledgeBase, count: base.chunks })}
        </small>
      ))}
    </>
  );
}

function Counts(props: { assessment: Assessment; check: Check }) {
  const { assessment, check } = props;
  return (
    <div className="e-scroll" {...reachable}>
      <table className="e-table e-figures e-overlaps">
        <thead>
          <tr>
            <th scope="col">{t("Candidate")}</th>
            <th scope="col">{t("Compared with")}</th>
            <th scope="col">{t("Exact")}</th>
            <th scope="col">{t("Nearly")}</th>
            <th scope="col">{t("Alike in meaning")}</th>
            <th scope="col">{t("Other answer")}</th>
            <th scope="col">{t("May look up")}</th>
          </tr>
        </thead>
        <tbody>
          {check.candidates.map((one) => {
            const isKnown = one.trained.length > 0;
            const shown = (value: number): string => (isKnown ? count(value) : "–");
            return (
              <tr key={one.candidateId}>
                <th scope="row">{nameIn(assessment, one.candidateId)}</th>
                <td className="e-overlap-sources">
                  <ComparedWith one={one} />
                </td>
                <td>{shown(one.exact)}</td>
                <td>{shown(one.near)}</td>
                <td>{shown(one.meaning)}</td>
                <td>{shown(one.questionOnly)}</td>
                <td>{one.lookedUp.length > 0 ? count(one.lookedUpRows) : "–"}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

function Steps(props: { assessment: Assessment; check: Check }) {
  const { assessment, check } = props;
  const words: Record<string, string> = {
    nothing: t("All rows"),
    exact: t("Without exact copies"),
    near: t("Without those nearly alike, too"),
    meaning: t("Without those alike in meaning, too"),
  };
  return (
    <div className="e-scroll" {...reachable}>
      <table className="e-table e-figures e-overlaps">
        <caption>
          {t(
            "The same rows are left out for all candidates. Mean scores and differences with 95 % intervals; p is not corrected for the number of pairs.",
          )}
        </caption>
        <thead>
          <tr>
            <th scope="col">{t("Scores")}</th>
            <th scope="col">{t("Left out")}</th>
            {check.candidates.map((one) => (
              <th scope="col" key={one.candidateId}>
                {nameIn(assessment, one.candidateId)}
              </th>
            ))}
            {check.candidates.length === 2 ? <th scope="col">{t("Difference")}</th> : null}
          </tr>
        </thead>
        <tbody>
          {check.steps.map((step) => (
            <tr key={step.without}>
              <th scope="row">{words[step.without] ?? step.without}</th>
              <td>{count(step.leftOut)}</td>
              {step.candidates.map(({ candidateId, interval }) => (
                <td key={candidateId}>
                  {interval ? (
                    <>
                      <strong>{two(interval.mean)}</strong>{" "}
                      <span className="e-muted">
                        {t("{{low}} to {{high}}", { low: two(interval.low), high: two(interval.high) })}
                      </span>
                    </>
                  ) : (
                    "–"
                  )}
                </td>
              ))}
              {check.candidates.length === 2 ? (
                <td>
                  {step.pairs.map((pair) => (
                    <span key={pair.first}>
                      <strong>{signed(pair.difference)}</strong>{" "}
                      <span className="e-muted">
                        {range(pair, signed)}, {pText(pair.p)}
                      </span>
                    </span>
                  ))}
                </td>
              ) : null}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function HowCompared(props: { check: Check }) {
  const { measures } = props.check;
  if (!measures) return null;
  return (
    <details className="e-overlap-how">
      <summary>{t("How rows are compared")}</summary>
      <Text size="sm">
        {t(
          "Exact: the same words, whatever the case, punctuation and spaces. Nearly: at least {{near}} of the question's runs of {{words}} words stand in one row of the training, or a whole question of the training stands in it; a question of up to eight words stands there whole, or is {{short}} alike by runs of three characters. All its figures stand there; wording that many rows share does not count. Alike in meaning: a cosine of at least {{meaning}}.",
          {
            near: two(measures.nearFrom),
            words: measures.wordsPerGram,
            short: two(measures.shortFrom),
            meaning: two(measures.meaningFrom),
          },
        )}
      </Text>
      <Text size="sm">
        {t(
          "Not everything is found. On texts that it was not made by, this check found nearly all questions of nine words and more with a word in ten replaced, half of the shorter ones with one word replaced, and a fifth of those put in quite other words. Of a hundred other questions it took one to five for nearly the same, most of which ask the same or differ in little more than a name.",
        )}
      </Text>
      <Text size="sm">
        {measures.embedder
          ? t(
              "By meaning {{count}} rows that words did not find were compared, each with the {{most}} rows of the training that share most of its rare words, by {{embedder}}.",
              { count: measures.meaningRows, most: measures.meaningPerRow, embedder: measures.embedder },
            )
          : t("No row was left to be compared by meaning.")}
      </Text>
      <Text size="sm">
        {t(
          "A row counts as seen in training when its very question was trained on, or nearly its question with its answer. Nearly the same question with another answer is shown and does not count. A passage that may be looked up is what a knowledge base is for, and does not count either. Rows that a training held back to validate itself are compared as well.",
        )}
      </Text>
    </details>
  );
}

function Findings(props: { assessment: Assessment; check: Check }) {
  const { assessment, check } = props;
  const hasFound = check.candidates.some(
    (one) => seenOf(one) + one.meaning + one.questionOnly + one.lookedUpRows,
  );
  const isKnown = check.candidates.some(({ trained }) => trained.length > 0);
  return (
    <Stack gap={12}>
      {isKnown && check.candidates.every((one) => seenOf(one) + one.meaning === 0) ? (
        <Text size="sm">
          {t("None of the {{count}} rows was found in what the candidates were trained on here.", {
            count: check.rows,
          })}
        </Text>
      ) : null}
      <Counts assessment={assessment} check={check} />
      {check.steps.length > 1 ? <Steps assessment={assessment} check={check} /> : null}
      {hasFound ? <OverlapRows assessment={assessment} /> : null}
      <HowCompared check={check} />
    </Stack>
  );
}

export function OverlapSection(props: { assessment: Assessment }) {
  const { assessment } = props;
  const reading = useData(overlapQuery, { id: assessment.id });
  const isChosen = assessment.rowCount !== null;
  return (
    <div id="seen-in-training">
      <Surface title={t("Seen in training?")}>
        <Loaded reading={reading} rows={2}>
          {({ node }) => {
            if (node?.__typename !== "Assessment") return null;
            const { overlaps: check, overlapRun: run } = node;
            const isRunning = run !== null && !isOver(run.status);
            return (
              <Stack gap={12}>
                {run ? <RunningCheck run={run} /> : null}
                {check ? <Findings assessment={assessment} check={check} /> : null}
                {!check && !isRunning ? (
                  <Text size="sm" c="dimmed">
                    {t(
                      "Rows that a model was trained on say little of how it does on new ones. They are looked for in what the candidates were trained on here, and in what they may look up.",
                    )}
                  </Text>
                ) : null}
                {isChosen && !isRunning ? (
                  <div className="e-overlap-foot">
                    <CheckButton
                      id={assessment.id}
                      label={check ? t("Check again") : t("Check what they were trained on")}
                    />
                    {check ? (
                      <Text size="xs" c="dimmed">
                        {t("Checked")} <When at={check.checkedAt} />
                      </Text>
                    ) : null}
                  </div>
                ) : null}
              </Stack>
            );
          }}
        </Loaded>
      </Surface>
    </div>
  );
}
