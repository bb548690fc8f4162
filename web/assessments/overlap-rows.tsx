// The rows of an assessment that were found, each beside the row of training or the passage that holds it.
import { Button, Text } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { useData } from "../api/data.ts";
import { t } from "../i18n.ts";
import { reachable } from "../ui/bits.tsx";
import { count } from "../ui/format.ts";
import { Loaded } from "../ui/states.tsx";
import type { Assessment } from "./detail-page.tsx";
import { two } from "./figures.tsx";
import { overlapRowsQuery } from "./overlap-queries.ts";

/** Pages of 100 that are read; the command line has all. */
const PAGES = 5;
/** Rows shown before "more" is asked for. */
const FEW = 10;

export function OverlapRows(props: { assessment: Assessment }) {
  const { id, candidates } = props.assessment;
  const reading = useData(overlapRowsQuery, { id }, PAGES);
  const [most, setMost] = useState(FEW);
  const nameOf = (wanted: string): string =>
    candidates.find(({ candidateId }) => candidateId === wanted)?.name ?? "–";
  const levels: Record<string, string> = {
    exact: t("exact"),
    near: t("nearly"),
    meaning: t("alike in meaning"),
  };
  return (
    <Loaded reading={reading} rows={3}>
      {({ node }) => {
        const all = node?.__typename === "Assessment" ? (node.overlaps?.found.nodes ?? []) : [];
        // What counts is what somebody looks for first.
        const rows = all.toSorted((a, b) => Number(b.counts) - Number(a.counts) || a.row - b.row);
        return (
          <>
            <div className="e-scroll" {...reachable}>
              <table className="e-table e-answers e-overlap-rows">
                <caption>{t("Rows of the assessment beside what was found.")}</caption>
                <thead>
                  <tr>
                    <th scope="col">{t("Row")}</th>
                    <th scope="col">{t("Found")}</th>
                    <th scope="col">{t("In the assessment")}</th>
                    <th scope="col">{t("There")}</th>
                  </tr>
                </thead>
                <tbody>
                  {rows.slice(0, most).map((one) => (
                    <tr key={`${one.row} ${one.candidateId} ${one.how}`}>
                      <td>{one.row}</td>
                      <td>
                        <strong>
                          {levels[one.level] ?? one.level}
                          {one.level === "exact" ? "" : ` ${two(one.similarity)}`}
                        </strong>
                        <small>{nameOf(one.candidateId)}</small>
                        {one.how === "trained" ? (
                          <small>
                            {one.datasetId ? (
                              <Link to={`/datasets/${one.datasetId}`}>{one.source}</Link>
                            ) : (
                              one.source
                            )}{" "}
                            {t("row {{row}}", { row: one.sourceRow })}
                          </small>
                        ) : (
                          <small>
                            {t("may look up {{name}}, passage {{number}}", {
                              name: one.source,
                              number: one.sourceRow,
                            })}
                          </small>
                        )}
                        {one.how === "trained" && !one.counts ? (
                          <small>{t("another answer: does not count")}</small>
                        ) : null}
                        {one.how === "looked-up" && one.hasAnswer === false ? (
                          <small>{t("the question without its answer")}</small>
                        ) : null}
                        {one.how === "looked-up" && !one.hasQuestion ? (
                          <small>{t("the answer without its question")}</small>
                        ) : null}
                      </td>
                      <td>
                        <span className="e-answer">{one.question ?? "–"}</span>
                        <small>{one.reference}</small>
                      </td>
                      <td>
                        <span className="e-answer">{one.foundQuestion || one.foundAnswer}</span>
                        {one.foundQuestion ? <small>{one.foundAnswer}</small> : null}
                      </td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
            {rows.length > most ? (
              <div>
                <Button variant="subtle" size="xs" onClick={() => setMost(most + 4 * FEW)}>
                  {t("Show more rows")}
                </Button>
                <Text span size="sm" c="dimmed">
                  {t("{{shown}} of {{count}} rows", { shown: count(most), count: rows.length })}
                </Text>
              </div>
            ) : null}
          </>
        );
      }}
    </Loaded>
  );
}
