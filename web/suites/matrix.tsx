// What a run of a suite found: the verdict, and each candidate on each entry and over all of them.
import { Text } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { pText, range, signed, two } from "../assessments/figures.tsx";
import { t } from "../i18n.ts";
import { reachable } from "../ui/bits.tsx";
import { count } from "../ui/format.ts";
import { RunPill } from "../ui/status.tsx";
import type { SuiteRun } from "./detail-page.tsx";

/** What can be said of the best, with how sure it is. */
export function suiteText({ lead, lines, isClear }: SuiteRun): string {
  if (lead) {
    const said = {
      a: lead.best,
      b: lead.second,
      gain: signed(lead.difference),
      range: range(lead, signed),
      p: pText(lead.p),
      n: count(lead.n),
      entries: t("{{count}} entries", { count: lead.entries }),
    };
    return isClear
      ? t("{{a}} is better than {{b}}: {{gain}} ({{range}}), {{p}}, over {{entries}}, {{n}} rows.", said)
      : t(
          "Not enough evidence that {{a}} and {{b}} differ: {{gain}} ({{range}}), {{p}}, over {{entries}}, {{n}} rows.",
          said,
        );
  }
  const scored = lines.flatMap(({ name, overall }) => (overall ? [{ name, overall }] : []));
  const [best] = scored.toSorted((a, b) => b.overall.mean - a.overall.mean);
  if (!best) return t("Nothing is scored yet.");
  return t("{{name}} scores {{score}} ({{range}}) over {{entries}}, {{n}} rows.", {
    name: best.name,
    score: two(best.overall.mean),
    range: range(best.overall),
    entries: t("{{count}} entries", { count: best.overall.entries }),
    n: count(best.overall.n),
  });
}

export function Matrix(props: { run: SuiteRun }) {
  const { entries, lines } = props.run;
  return (
    <>
      <div className="e-scroll" {...reachable}>
        <table className="e-table e-figures e-assessed">
          <caption>{t("Mean scores from 0 to 1 with 95 % intervals.")}</caption>
          <thead>
            <tr>
              <th scope="col">{t("Entry")}</th>
              {lines.map(({ name }) => (
                <th key={name} scope="col">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {entries.map(({ entry, dataset, assessment }, at) => (
              <tr key={entry}>
                <th scope="row">
                  {assessment ? <Link to={`/assessments/${assessment.id}`}>{entry}</Link> : entry}
                  <small>
                    {dataset}
                    {assessment ? "" : ` · ${t("deleted")}`}
                  </small>
                  {assessment?.run && assessment.run.status !== "SUCCEEDED" ? (
                    <RunPill run={assessment.run} />
                  ) : null}
                </th>
                {lines.map(({ name, cells }) => {
                  const interval = cells[at]?.interval;
                  return (
                    <td key={name}>
                      {interval ? (
                        <>
                          <strong>{two(interval.mean)}</strong>{" "}
                          <span className="e-muted">{range(interval)}</span>
                          <small>{t("{{n}} rows", { n: count(interval.n) })}</small>
                        </>
                      ) : (
                        "–"
                      )}
                    </td>
                  );
                })}
              </tr>
            ))}
            <tr className="e-suite-whole">
              <th scope="row">{t("Over all")}</th>
              {lines.map(({ name, overall }) => (
                <td key={name}>
                  {overall ? (
                    <>
                      <strong>{two(overall.mean)}</strong> <span className="e-muted">{range(overall)}</span>
                    </>
                  ) : (
                    "–"
                  )}
                </td>
              ))}
            </tr>
          </tbody>
        </table>
      </div>
      <Text size="xs" c="dimmed" mt={4}>
        {lines.some(({ overall }) => overall?.method === "combined")
          ? t(
              "Over all is the mean of the entries, each counting the same; where all rows of one score the same, or rows are many, its interval is combined from those of the entries, else by the bootstrap within each entry.",
            )
          : t(
              "Over all is the mean of the entries, each counting the same; its interval is by the bootstrap, with rows drawn anew within each entry.",
            )}
      </Text>
    </>
  );
}
