// What judges said of one row's answers, with everything that they were told.
import type { ResultOf } from "gql.tada";
import { t } from "../i18n.ts";
import { said } from "../said.ts";
import { dollars, seconds } from "../ui/format.ts";
import type { Assessment } from "./detail-page.tsx";
import { two } from "./figures.tsx";
import type { rowQuery } from "./report-queries.ts";

type Found = Extract<NonNullable<ResultOf<typeof rowQuery>["node"]>, { __typename: "Assessment" }>["row"];
type Answer = NonNullable<Found>["answers"][number];
type Judgement = Answer["judgements"][number];

/** What it decided, in words. */
function verdictOf(
  { value, otherId }: Judgement,
  nameOf: (answerId: string) => string,
  answerId: string,
): string {
  if (value === null) return t("unscored");
  if (otherId === null) return two(value);
  if (value === 0.5) return t("neither is better");
  return t("{{name}} is better", { name: nameOf(value > 0.5 ? answerId : otherId) });
}

export function Judgements(props: { assessment: Assessment; answers: readonly Answer[] }) {
  const { assessment, answers } = props;
  const nameOf = (answerId: string): string => {
    const found = answers.find((one) => one.answerId === answerId);
    return assessment.candidates.find((one) => one.candidateId === found?.candidateId)?.name ?? "";
  };
  // One that compares two answers is said of both.
  const all = new Map(
    answers.flatMap((one) => one.judgements.map((each) => [each.judgementId, each] as const)),
  );
  const known = [...all.values()].sort((a, b) => a.grader - b.grader);
  if (known.length === 0) return null;
  return (
    <section>
      <h3>{t("What judges said")}</h3>
      {known.map((one) => (
        <details key={one.judgementId} className="e-assess-card">
          <summary>
            <strong>{assessment.graders[one.grader] ?? ""}</strong>{" "}
            {one.otherId === null
              ? nameOf(one.answerId)
              : t("{{first}} shown before {{second}}", {
                  first: nameOf(one.answerId),
                  second: nameOf(one.otherId),
                })}
            {": "}
            {one.error ? one.error.message : verdictOf(one, nameOf, one.answerId)}
          </summary>
          {one.reason ? <p className="e-answer">{said(one.reason)}</p> : null}
          <p className="e-muted">
            {seconds(one.latencyMs)}
            {one.costUsd === null ? "" : ` · ${dollars(one.costUsd)}`}
          </p>
          {one.sent.map((turn, at) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a message is its place
            <p key={at} className="e-told">
              <span className="e-muted">{turn.role}</span> {turn.content}
            </p>
          ))}
          {one.text === null ? null : (
            <p className="e-told">
              <span className="e-muted">{t("Its reply")}</span> {one.text}
            </p>
          )}
        </details>
      ))}
    </section>
  );
}
