// How candidates did on parts of the rows: by the values of a column, each with its interval.
import { Button, Select, Text } from "@mantine/core";
import type { ResultOf } from "gql.tada";
import { useState } from "react";
import { useData } from "../api/data.ts";
import { t } from "../i18n.ts";
import { reachable, Surface } from "../ui/bits.tsx";
import { count } from "../ui/format.ts";
import { Loaded } from "../ui/states.tsx";
import { useAddress } from "./address.ts";
import type { Assessment } from "./detail-page.tsx";
import { DifferenceText, ScoreBar, ScoreText, small } from "./figures.tsx";
import { facetsQuery, slicesQuery } from "./report-queries.ts";

type Slices = NonNullable<
  Extract<NonNullable<ResultOf<typeof slicesQuery>["node"]>, { __typename: "Assessment" }>["slices"]
>;

/** A slice with fewer rows says little: it is greyed. */
const FEW_ROWS = 10;

function SliceTable(props: { assessment: Assessment; found: Slices }) {
  const { assessment, found } = props;
  const { candidates } = assessment;
  const [, change] = useAddress();
  const two = found.compared;
  return (
    <div className="e-scroll" {...reachable}>
      <table className="e-table e-figures e-assessed e-slices">
        <caption>
          {t("Each interval stands for itself: of twenty, about one misses.")}
          {two ? ` ${t("p is corrected for the number of slices (Holm).")}` : ""}
        </caption>
        <thead>
          <tr>
            <th scope="col">{found.column}</th>
            <th scope="col">{t("Rows")}</th>
            <th scope="col">{t("Candidate")}</th>
            <th scope="col">{t("Score")}</th>
            <th scope="col">0 … 1</th>
            {two ? <th scope="col">{t("Difference")}</th> : null}
            {two ? <th scope="col">p</th> : null}
          </tr>
        </thead>
        {found.slices.map((slice) => (
          <tbody key={slice.key} {...(slice.rows < FEW_ROWS ? { className: "e-few" } : {})}>
            {candidates.map(({ candidateId, name }, at) => {
              const interval = slice.scores.find((one) => one.candidateId === candidateId)?.interval ?? null;
              const span = { rowSpan: candidates.length };
              return (
                <tr key={candidateId}>
                  {at === 0 ? (
                    <>
                      <th scope="rowgroup" {...span}>
                        <Button
                          variant="subtle"
                          size="compact-sm"
                          onClick={() => change({ by: found.column, value: slice.key, show: "ALL" })}
                          aria-label={t("Show the rows of {{name}}", { name: slice.label || t("(empty)") })}
                        >
                          {slice.label === "" ? t("(empty)") : slice.label}
                        </Button>
                      </th>
                      <td {...span}>
                        {count(slice.rows)}
                        {slice.rows < FEW_ROWS ? <small>{t("few")}</small> : null}
                      </td>
                    </>
                  ) : null}
                  <td>{name}</td>
                  <td>
                    <ScoreText interval={interval} />
                  </td>
                  <td>
                    {interval ? <ScoreBar name={`${slice.label}, ${name}`} interval={interval} /> : null}
                  </td>
                  {two && at === 0 ? (
                    <>
                      <td {...span}>
                        <DifferenceText difference={slice.difference} />
                      </td>
                      <td {...span}>{slice.difference ? small(slice.difference.adjustedP) : "–"}</td>
                    </>
                  ) : null}
                </tr>
              );
            })}
          </tbody>
        ))}
      </table>
      {two ? (
        <Text size="xs" c="dimmed" mt={4}>
          {t("The difference is {{a}} less {{b}}, on the rows that both have a score for.", {
            a: two[0]?.name ?? "",
            b: two[1]?.name ?? "",
          })}
        </Text>
      ) : null}
    </div>
  );
}

export function SliceSection(props: { assessment: Assessment }) {
  const { assessment } = props;
  const { id, candidates } = assessment;
  const [column, setColumn] = useState<string | null>(null);
  const [pair, setPair] = useState<{ candidate: string | null; than: string | null }>({
    candidate: null,
    than: null,
  });
  const facets = useData(facetsQuery, { id });
  const node = facets.data?.node;
  const known = node?.__typename === "Assessment" ? node.facets : [];
  const shown = known.find((one) => one.column === column) ? column : null;
  const isPair = pair.candidate !== null && pair.than !== null && pair.candidate !== pair.than;
  const reading = useData(
    slicesQuery,
    shown === null ? null : { id, column: shown, ...(isPair ? pair : { candidate: null, than: null }) },
  );
  if (facets.data && known.length === 0) return null;
  const names = candidates.map(({ candidateId, name }) => ({ value: candidateId, label: name }));
  return (
    <Surface title={t("By the values of a column")}>
      <Loaded reading={facets} rows={1}>
        {() => (
          <div className="e-assess-filters">
            <Select
              size="xs"
              label={t("Slices by")}
              placeholder={t("Choose a column")}
              data={known.map((one) => ({
                value: one.column,
                label:
                  one.kind === "ranges"
                    ? t("{{column}} ({{count}} ranges)", { column: one.column, count: one.groups.length })
                    : t("{{column}} ({{count}} values)", { column: one.column, count: one.groups.length }),
              }))}
              value={shown}
              onChange={setColumn}
              clearable
            />
            {shown !== null && candidates.length > 2 ? (
              <>
                <Select
                  size="xs"
                  label={t("Difference of")}
                  data={names}
                  value={pair.candidate}
                  onChange={(candidate) => setPair((old) => ({ ...old, candidate }))}
                  clearable
                />
                <Select
                  size="xs"
                  label={t("and")}
                  data={names.filter(({ value }) => value !== pair.candidate)}
                  value={pair.than}
                  onChange={(than) => setPair((old) => ({ ...old, than }))}
                  clearable
                />
              </>
            ) : null}
          </div>
        )}
      </Loaded>
      {shown === null ? null : (
        <Loaded reading={reading} rows={4}>
          {({ node: found }) =>
            found?.__typename === "Assessment" && found.slices ? (
              <SliceTable assessment={assessment} found={found.slices} />
            ) : null
          }
        </Loaded>
      )}
    </Surface>
  );
}
