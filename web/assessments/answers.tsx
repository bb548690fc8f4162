// The rows of an assessment with what each candidate said, those on which they disagree first.
import { Button, Group, SegmentedControl, Text } from "@mantine/core";
import type { ResultOf } from "gql.tada";
import { useState } from "react";
import { useData } from "../api/data.ts";
import { useLostRows } from "../collect/lost-rows.tsx";
import { t } from "../i18n.ts";
import { reachable, Surface } from "../ui/bits.tsx";
import { count, seconds } from "../ui/format.ts";
import { Loaded } from "../ui/states.tsx";
import type { Assessment } from "./detail-page.tsx";
import { answersQuery } from "./queries.ts";

type Answer = Extract<
  NonNullable<ResultOf<typeof answersQuery>["node"]>,
  { __typename: "Assessment" }
>["answers"]["nodes"][number];
type Row = { row: number; answers: Answer[] };
type Shown = "disagree" | "wrong" | "all";

/** Pages of 200 answers that are read; the files have all. */
const PAGES = 5;
/** Rows shown before "more" is asked for. */
const FEW = 20;

function scoreOf(answer: Answer | undefined): number | null {
  if (!answer || answer.error || answer.scores.length === 0) return null;
  let sum = 0;
  for (const { value } of answer.scores) {
    if (value === null) return null;
    sum += value;
  }
  return sum / answer.scores.length;
}

function rowsOf(answers: readonly Answer[]): Row[] {
  const byRow = Map.groupBy(answers, ({ row }) => row);
  return [...byRow].map(([row, all]) => ({ row, answers: all }));
}

const disagrees = ({ answers }: Row): boolean => new Set(answers.map(scoreOf)).size > 1;
const isWrong = ({ answers }: Row): boolean => answers.some((answer) => (scoreOf(answer) ?? 0) < 1);

function Said(props: { answer: Answer | undefined; graders: readonly string[] }) {
  const { answer } = props;
  if (!answer) return <span className="e-muted">{t("not asked yet")}</span>;
  if (answer.error) return <span className="e-wrong">{answer.error.message}</span>;
  const score = scoreOf(answer);
  const why = answer.scores.flatMap(({ grader, value, detail }) =>
    detail ? [`${props.graders[grader] ?? ""}${value === null ? ` (${t("unscored")})` : ""}: ${detail}`] : [],
  );
  return (
    <>
      <span className="e-answer">{answer.text}</span>
      <small>
        {score === null ? t("unscored") : score.toFixed(2)} · {seconds(answer.latencyMs)}
        {answer.finishReason === "length" ? ` · ${t("cut at its longest")}` : ""}
      </small>
      {why.map((one) => (
        <small key={one}>{one}</small>
      ))}
    </>
  );
}

export function AnswerRows(props: { assessment: Assessment }) {
  const { id, candidates, graders } = props.assessment;
  const reading = useData(answersQuery, { id }, PAGES);
  const [shown, setShown] = useState<Shown>(candidates.length > 1 ? "disagree" : "wrong");
  const [most, setMost] = useState(FEW);
  const lost = useLostRows(props.assessment);
  return (
    <Surface title={t("Answers")} aside={lost.button}>
      <Loaded reading={reading} rows={4}>
        {({ node }) => {
          if (node?.__typename !== "Assessment") return null;
          const all = rowsOf(node.answers.nodes);
          const filters: Record<Shown, (row: Row) => boolean> = {
            disagree: disagrees,
            wrong: isWrong,
            all: () => true,
          };
          const rows = all.filter(filters[shown]);
          return (
            <>
              <Group justify="space-between" mb={8}>
                <SegmentedControl
                  size="xs"
                  aria-label={t("Which rows are shown")}
                  value={shown}
                  onChange={(value) => setShown(value as Shown)}
                  data={[
                    ...(candidates.length > 1
                      ? [{ value: "disagree", label: t("where they disagree") }]
                      : []),
                    { value: "wrong", label: t("where one is wrong") },
                    { value: "all", label: t("all") },
                  ]}
                />
                <Text size="sm" c="dimmed">
                  {t("{{shown}} of {{count}} rows", { shown: count(rows.length), count: all.length })}
                </Text>
              </Group>
              {rows.length === 0 ? (
                <Text size="sm" c="dimmed">
                  {shown === "disagree" ? t("They agree on every row.") : t("Every answer is right.")}
                </Text>
              ) : (
                <div className="e-scroll" {...reachable}>
                  <table className="e-table e-answers">
                    <thead>
                      <tr>
                        <th scope="col">{t("Row")}</th>
                        <th scope="col">{t("Asked")}</th>
                        <th scope="col">{t("Right answer")}</th>
                        {candidates.map((candidate) => (
                          <th scope="col" key={candidate.candidateId}>
                            {candidate.name}
                          </th>
                        ))}
                      </tr>
                    </thead>
                    <tbody>
                      {rows.slice(0, most).map(({ row, answers }) => (
                        <tr key={row}>
                          <td>
                            <Group gap={8} wrap="nowrap">
                              {lost.tick(row)}
                              {row}
                            </Group>
                          </td>
                          <td>
                            <details>
                              <summary>{answers[0]?.sent.at(-1)?.content}</summary>
                              {answers[0]?.sent.map((turn, at) => (
                                // biome-ignore lint/suspicious/noArrayIndexKey: a message is its place
                                <p key={at}>
                                  <span className="e-muted">{turn.role}</span> {turn.content}
                                </p>
                              ))}
                            </details>
                          </td>
                          <td>{answers[0]?.reference ?? "–"}</td>
                          {candidates.map((candidate) => (
                            <td key={candidate.candidateId}>
                              <Said
                                answer={answers.find(
                                  ({ candidateId }) => candidateId === candidate.candidateId,
                                )}
                                graders={graders}
                              />
                            </td>
                          ))}
                        </tr>
                      ))}
                    </tbody>
                  </table>
                </div>
              )}
              {rows.length > most ? (
                <Button variant="subtle" size="xs" mt={8} onClick={() => setMost(most + 4 * FEW)}>
                  {t("Show more rows")}
                </Button>
              ) : null}
            </>
          );
        }}
      </Loaded>
    </Surface>
  );
}
