// What an assessment found, in figures: the verdict as a sentence, candidates with their intervals, pairs with their tests.
import { Text } from "@mantine/core";
import { t } from "../i18n.ts";
import { reachable, Surface } from "../ui/bits.tsx";
import { count, dollars, seconds } from "../ui/format.ts";
import type { Assessment } from "./detail-page.tsx";
import { pText, range, ScoreBar, signed, small, two } from "./figures.tsx";

/** The verdict in one sentence, with how sure it is. */
export function verdictText({ report }: Assessment): string {
  const ranked = report.candidates
    .flatMap(({ candidate, interval }) => (interval ? [{ candidate, interval }] : []))
    .toSorted((a, b) => b.interval.mean - a.interval.mean);
  const [best, second] = ranked;
  if (!best) return t("Nothing is scored yet.");
  const score = two(best.interval.mean);
  if (!second)
    return t("{{name}} scores {{score}} ({{range}}) on {{n}} rows.", {
      name: best.candidate.name,
      score,
      range: range(best.interval),
      n: count(best.interval.n),
    });
  const pair = report.pairs.find(({ first, second: other }) =>
    [first.candidateId, other.candidateId].every((id) =>
      [best.candidate.candidateId, second.candidate.candidateId].includes(id),
    ),
  );
  if (!pair)
    return t("No row is scored for both {{a}} and {{b}}.", {
      a: best.candidate.name,
      b: second.candidate.name,
    });
  if (pair.wins + pair.losses === 0)
    return t("{{a}} and {{b}} score the same on each of the {{n}} rows.", {
      a: best.candidate.name,
      b: second.candidate.name,
      n: count(pair.n),
    });
  const sign = pair.first.candidateId === best.candidate.candidateId ? 1 : -1;
  const [low, high] = sign === 1 ? [pair.low, pair.high] : [-pair.high, -pair.low];
  const said = {
    a: best.candidate.name,
    b: second.candidate.name,
    gain: signed(sign * pair.difference),
    range: range({ low, high }, signed),
    p: pText(pair.adjustedP),
    n: count(pair.n),
  };
  return report.isClear
    ? t("{{a}} is better than {{b}}: {{gain}} ({{range}}), {{p}}, on {{n}} rows.", said)
    : t("Not enough evidence that {{a}} and {{b}} differ: {{gain}} ({{range}}), {{p}}, on {{n}} rows.", said);
}

export function CandidateTable(props: { assessment: Assessment }) {
  const { candidates } = props.assessment.report;
  const hasStrengths = candidates.some(({ strength }) => strength !== null);
  const hasSeveral = props.assessment.graders.length > 1;
  return (
    <Surface title={t("Candidates")}>
      <div className="e-scroll" {...reachable}>
        <table className="e-table e-figures e-assessed">
          <caption>
            {t("Mean scores from 0 to 1 with 95 % intervals.")}
            {props.assessment.graders.some((one) => one === "bleu" || one === "chrf")
              ? ` ${t("BLEU and chrF: the mean of each answer's own score, not that of a corpus.")}`
              : null}
          </caption>
          <thead>
            <tr>
              <th scope="col">{t("Candidate")}</th>
              <th scope="col">{t("Score")}</th>
              <th scope="col">0 … 1</th>
              {hasStrengths ? <th scope="col">{t("Strength")}</th> : null}
              <th scope="col">{t("Rows")}</th>
              <th scope="col">{t("Failed")}</th>
              <th scope="col">{t("Median time")}</th>
              <th scope="col">{t("Tokens in, out")}</th>
              <th scope="col">{t("Cost")}</th>
            </tr>
          </thead>
          <tbody>
            {candidates.map((one) => (
              <tr key={one.candidate.candidateId}>
                <th scope="row">{one.candidate.name}</th>
                <td>
                  {one.interval ? (
                    <>
                      <strong>{two(one.interval.mean)}</strong>{" "}
                      <span className="e-muted">{range(one.interval)}</span>
                    </>
                  ) : (
                    "–"
                  )}
                  {hasSeveral
                    ? one.graders.map((grader) => (
                        <small key={grader.label}>
                          {grader.label}: {grader.interval ? two(grader.interval.mean) : "–"}
                        </small>
                      ))
                    : null}
                </td>
                <td>
                  {one.interval ? <ScoreBar name={one.candidate.name} interval={one.interval} /> : null}
                </td>
                {hasStrengths ? (
                  <td>
                    {one.strength ? (
                      <>
                        <strong>{signed(one.strength.strength)}</strong>{" "}
                        <span className="e-muted">{range(one.strength, signed)}</span>
                      </>
                    ) : (
                      "–"
                    )}
                  </td>
                ) : null}
                <td>{count(one.answered)}</td>
                <td>{count(one.failed)}</td>
                <td>{one.medianLatencyMs === null ? "–" : seconds(one.medianLatencyMs)}</td>
                <td>
                  {count(one.inputTokens)}, {count(one.outputTokens)}
                </td>
                <td>{one.costUsd === null ? "–" : dollars(one.costUsd)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Surface>
  );
}

export function PairTable(props: { assessment: Assessment }) {
  const { pairs } = props.assessment.report;
  return (
    <Surface title={t("Row by row against each other")}>
      <div className="e-scroll" {...reachable}>
        <table className="e-table e-figures e-assessed">
          <caption>
            {t(
              "Only rows that both answered. p is by McNemar's exact test, or Wilcoxon's where scores lie between 0 and 1, corrected for the number of pairs (Holm).",
            )}
          </caption>
          <thead>
            <tr>
              <th scope="col">{t("Pair")}</th>
              <th scope="col">{t("Better, same, worse")}</th>
              <th scope="col">{t("Difference")}</th>
              <th scope="col">p</th>
              <th scope="col">{t("Shows from")}</th>
              <th scope="col">{t("Rows to show it")}</th>
            </tr>
          </thead>
          <tbody>
            {pairs.map((pair) => (
              <tr key={`${pair.first.candidateId} ${pair.second.candidateId}`}>
                <th scope="row">
                  {pair.first.name}
                  <small>{t("against {{name}}", { name: pair.second.name })}</small>
                </th>
                <td>
                  {count(pair.wins)}, {count(pair.ties)}, {count(pair.losses)}
                </td>
                <td>
                  <strong>{signed(pair.difference)}</strong>{" "}
                  <span className="e-muted">{range(pair, signed)}</span>
                </td>
                <td>{small(pair.adjustedP)}</td>
                <td>{pair.detectable === null ? "–" : two(pair.detectable)}</td>
                <td>{pair.rowsNeeded === null ? "–" : count(pair.rowsNeeded)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <Text size="xs" c="dimmed" mt={4}>
        {t(
          "“Shows from” is the least difference that so many rows show four times out of five; “Rows to show it” is how many rows the difference found would take.",
        )}
      </Text>
    </Surface>
  );
}
