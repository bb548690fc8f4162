// What training, documents and both together bring, on the page of an assessment that compares the four.
import { Text } from "@mantine/core";
import type { ResultOf } from "gql.tada";
import { useData } from "../api/data.ts";
import { t } from "../i18n.ts";
import { said } from "../said.ts";
import { reachable, Surface } from "../ui/bits.tsx";
import { count, dollars, seconds } from "../ui/format.ts";
import { ProblemNotice } from "../ui/states.tsx";
import { FactorialPlot } from "./factorial-plot.tsx";
import { factorialQuery } from "./factorial-queries.ts";
import { range, signed, small, two } from "./figures.tsx";

type Factorial = NonNullable<
  Extract<NonNullable<ResultOf<typeof factorialQuery>["node"]>, { __typename: "Assessment" }>["factorial"]
>;
export type FactorialCell = Factorial["cells"][number];
type Score = NonNullable<Factorial["score"]>;
type Effect = { estimate: number; low: number; high: number };
type Say = (value: number) => string;

const ALPHA = 0.05;
const withSign =
  (say: Say): Say =>
  (value) =>
    `${value < 0 ? "−" : "+"}${say(Math.abs(value))}`;
const figure = (effect: Effect): string => `${signed(effect.estimate)} (${range(effect, signed)})`;
const isReal = ({ adjustedP }: { adjustedP: number | null }): boolean =>
  adjustedP !== null && adjustedP < ALPHA;

/** What is told apart from chance, and what is not, in two sentences. */
export function factorialText(score: Score | null): string {
  if (!score) return t("No row is scored for all four yet.");
  const { interaction } = score;
  const both = { figure: figure(interaction) };
  const joint = !isReal(interaction)
    ? t("Not enough evidence that both together bring more or less than their sum: {{figure}}.", both)
    : interaction.estimate > 0
      ? t("Both together bring more than their sum: {{figure}}.", both)
      : t("Both together bring less than their sum: {{figure}}.", both);
  return `${mainText(score)} ${joint}`;
}

function mainText({ training, documents, lead }: Score): string {
  const figures = { training: figure(training), documents: figure(documents) };
  const helps = training.estimate > 0;
  const help = documents.estimate > 0;
  if (!isReal(training) && !isReal(documents))
    return t(
      "Not enough evidence that training ({{training}}) or documents ({{documents}}) change the score.",
      figures,
    );
  if (!isReal(documents))
    return helps
      ? t("Training helps: {{training}}. For documents there is not enough evidence: {{documents}}.", figures)
      : t(
          "Training harms: {{training}}. For documents there is not enough evidence: {{documents}}.",
          figures,
        );
  if (!isReal(training))
    return help
      ? t("Documents help: {{documents}}. For training there is not enough evidence: {{training}}.", figures)
      : t("Documents harm: {{documents}}. For training there is not enough evidence: {{training}}.", figures);
  if ((lead.p ?? 1) >= ALPHA)
    return t(
      "Training ({{training}}) and documents ({{documents}}) both change the score; which brings more is not told apart.",
      figures,
    );
  return lead.estimate > 0
    ? t("Training brings more than documents: {{training}} against {{documents}}.", figures)
    : t("Documents bring more than training: {{documents}} against {{training}}.", figures);
}

function CellFigures(props: { cell: FactorialCell | undefined }) {
  const { cell } = props;
  if (!cell?.interval) return <td>–</td>;
  return (
    <td>
      <strong>{two(cell.interval.mean)}</strong> <span className="e-muted">{range(cell.interval, two)}</span>
      <small>
        {cell.latencyMs ? seconds(cell.latencyMs.mean) : "–"}
        {cell.costUsd === null ? "" : `, ${dollars(cell.costUsd)}`}
      </small>
    </td>
  );
}

function EffectFigures(props: { effect: Effect | undefined; say: Say }) {
  const { effect } = props;
  if (!effect) return <td>–</td>;
  const say = withSign(props.say);
  return (
    <td>
      <strong>{say(effect.estimate)}</strong> <span className="e-muted">{range(effect, say)}</span>
    </td>
  );
}

/** Nothing where the assessment does not compare the four. */
export function FactorialSection(props: { id: string }) {
  const { data, problem } = useData(factorialQuery, { id: props.id });
  const factorial = data?.node?.__typename === "Assessment" ? data.node.factorial : null;
  if (problem) return <ProblemNotice problem={problem} />;
  if (!factorial) return null;
  const { cells, score, latencyMs, costUsd, warnings } = factorial;
  const cellOf = (isTuned: boolean, hasDocuments: boolean): FactorialCell | undefined =>
    cells.find((cell) => cell.isTuned === isTuned && cell.hasDocuments === hasDocuments);
  const effects = [
    ["training", t("Training")],
    ["documents", t("Documents")],
    ["interaction", t("Both, beyond their sum")],
  ] as const;
  return (
    <Surface title={t("Training, documents, or both?")}>
      <Text className="e-verdict">{factorialText(score)}</Text>
      {warnings.map((warning) => (
        <Text key={warning} size="sm" c="var(--e-amber)">
          {said(warning)}
        </Text>
      ))}
      {score ? (
        <>
          <div className="e-factorial">
            <FactorialPlot cells={cells} />
            <div className="e-scroll" {...reachable}>
              <table className="e-table e-figures e-assessed">
                <caption>
                  {t("Scores on the {{n}} rows that all four answered, with 95 % intervals.", {
                    n: count(factorial.n),
                  })}
                </caption>
                <thead>
                  <tr>
                    <td />
                    <th scope="col">{t("Without documents")}</th>
                    <th scope="col">{t("With documents")}</th>
                  </tr>
                </thead>
                <tbody>
                  {[false, true].map((isTuned) => (
                    <tr key={String(isTuned)}>
                      <th scope="row">
                        {isTuned ? t("Tuned") : t("Base")}
                        <small>{cellOf(isTuned, false)?.candidate.name}</small>
                      </th>
                      <CellFigures cell={cellOf(isTuned, false)} />
                      <CellFigures cell={cellOf(isTuned, true)} />
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          </div>
          <div className="e-scroll" {...reachable}>
            <table className="e-table e-figures e-assessed">
              <caption>{t("What each brings, on average over the rows, with 95 % intervals.")}</caption>
              <thead>
                <tr>
                  <td />
                  <th scope="col">{t("Score")}</th>
                  <th scope="col">p</th>
                  <th scope="col">{t("Time")}</th>
                  {costUsd ? <th scope="col">{t("Cost")}</th> : null}
                </tr>
              </thead>
              <tbody>
                {effects.map(([key, label]) => (
                  <tr key={key}>
                    <th scope="row">{label}</th>
                    <EffectFigures effect={score[key]} say={two} />
                    <td>{small(score[key].adjustedP ?? 1)}</td>
                    <EffectFigures effect={latencyMs?.[key]} say={seconds} />
                    {costUsd ? <EffectFigures effect={costUsd[key]} say={dollars} /> : null}
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
          <Text size="xs" c="dimmed" mt={4}>
            {t(
              "Training counts alike without and with documents, documents alike before and after training. Intervals are by the bootstrap over rows, p by the sign-flip test, corrected for the three (Holm). Times are as they were while all four were asked.",
            )}
          </Text>
        </>
      ) : null}
    </Surface>
  );
}
