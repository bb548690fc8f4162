// The rows of an assessment with what each candidate said, those on which they disagree first; filtered by the server.
import { Button, Group, Select, Text, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import type { ResultOf } from "gql.tada";
import { type KeyboardEvent, type ReactNode, useEffect, useRef, useState } from "react";
import { useData } from "../api/data.ts";
import { useLostRows } from "../collect/lost-rows.tsx";
import { t } from "../i18n.ts";
import { Surface } from "../ui/bits.tsx";
import { count, seconds } from "../ui/format.ts";
import { Loaded } from "../ui/states.tsx";
import { type Address, useAddress } from "./address.ts";
import type { Assessment } from "./detail-page.tsx";
import { two } from "./figures.tsx";
import { facetsQuery, rowsQuery } from "./report-queries.ts";
import { RowDrawer } from "./row-detail.tsx";
import { Thumbnails } from "./row-pictures.tsx";

type Row = Extract<
  NonNullable<ResultOf<typeof rowsQuery>["node"]>,
  { __typename: "Assessment" }
>["rows"]["nodes"][number];
type Answer = Row["answers"][number];
type Shown = "ALL" | "DISAGREE" | "WRONG" | "BETTER" | "WORSE" | "FAILED" | "UNSCORED";

const shownWords = (): Record<Shown, string> => ({
  DISAGREE: t("where they disagree"),
  BETTER: t("where it is better"),
  WORSE: t("where it is worse"),
  WRONG: t("where one is wrong"),
  FAILED: t("where a model failed"),
  UNSCORED: t("where one is unscored"),
  ALL: t("all"),
});
const NEEDS_TWO: readonly string[] = ["DISAGREE", "BETTER", "WORSE"];

/** The mean over the graders; null where one of them did not score it. */
export function scoreOf({ error, scores }: Pick<Answer, "scores"> & { error: unknown }): number | null {
  if (error || scores.length === 0) return null;
  const values = scores.flatMap(({ value }) => value ?? []);
  return values.length < scores.length ? null : values.reduce((sum, one) => sum + one, 0) / values.length;
}

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
      <span className="e-answer e-few-lines">{answer.text}</span>
      <small>
        {score === null ? t("unscored") : two(score)} · {seconds(answer.latencyMs)}
        {answer.finishReason === "length" ? ` · ${t("cut at its longest")}` : ""}
      </small>
      {why.map((one) => (
        <small key={one}>{one}</small>
      ))}
    </>
  );
}

/** What the address wants, as the server takes it; what cannot be, such as two candidates of one, is left out. */
function filterOf(address: Address, { candidates }: Assessment) {
  const hasSeveral = candidates.length > 1;
  const known = Object.keys(shownWords()).find((one) => one === address.show) as Shown | undefined;
  const show: Shown =
    known && (hasSeveral || !NEEDS_TWO.includes(known)) ? known : hasSeveral ? "DISAGREE" : "WRONG";
  const isOne = (id: string | undefined): string | null =>
    candidates.some(({ candidateId }) => candidateId === id) ? (id ?? null) : null;
  const grader = Number(address.grader ?? "x");
  return {
    show,
    candidate: show === "DISAGREE" ? null : isOne(address.candidate),
    than: show === "BETTER" || show === "WORSE" ? isOne(address.than) : null,
    grader: Number.isInteger(grader) ? grader : null,
    search: address.q || null,
    slice:
      address.by !== undefined && address.value !== undefined
        ? { column: address.by, key: address.value }
        : null,
  };
}

function Filters(props: { assessment: Assessment; filter: ReturnType<typeof filterOf> }) {
  const { assessment, filter } = props;
  const { candidates, graders } = assessment;
  const [address, change] = useAddress();
  const [text, setText] = useState(address.q ?? "");
  const [settled] = useDebouncedValue(text, 250);
  const facets = useData(facetsQuery, { id: assessment.id });
  const node = facets.data?.node;
  const known = node?.__typename === "Assessment" ? node.facets : [];
  const facet = known.find(({ column }) => column === address.by);
  useEffect(() => {
    change({ q: settled.trim() === "" ? (undefined as never) : settled });
  }, [settled, change]);
  const isBetween = filter.show === "BETTER" || filter.show === "WORSE";
  const names = candidates.map(({ candidateId, name }) => ({ value: candidateId, label: name }));
  const clear = undefined as never;
  return (
    <div className="e-assess-filters">
      <Select
        size="xs"
        label={t("Rows")}
        data={Object.entries(shownWords())
          .filter(([value]) => candidates.length > 1 || !NEEDS_TWO.includes(value))
          .map(([value, label]) => ({ value, label }))}
        value={filter.show}
        onChange={(value) => change({ show: value ?? "ALL" })}
        allowDeselect={false}
      />
      {candidates.length > 1 && filter.show !== "DISAGREE" ? (
        <Select
          size="xs"
          label={t("Candidate")}
          placeholder={t("any")}
          data={names}
          value={filter.candidate}
          onChange={(value) => change({ candidate: value ?? clear })}
          clearable
        />
      ) : null}
      {isBetween ? (
        <Select
          size="xs"
          label={t("than")}
          placeholder={t("any other")}
          data={names.filter(({ value }) => value !== filter.candidate)}
          value={filter.than}
          onChange={(value) => change({ than: value ?? clear })}
          clearable
        />
      ) : null}
      {graders.length > 1 ? (
        <Select
          size="xs"
          label={t("Grader")}
          placeholder={t("mean of all")}
          data={graders.map((label, at) => ({ value: String(at), label }))}
          value={filter.grader === null ? null : String(filter.grader)}
          onChange={(value) => change({ grader: value ?? clear })}
          clearable
        />
      ) : null}
      {known.length > 0 ? (
        <Select
          size="xs"
          label={t("Column")}
          placeholder={t("any")}
          data={known.map(({ column }) => column)}
          value={facet?.column ?? null}
          onChange={(value) => change({ by: value ?? clear, value: clear })}
          clearable
        />
      ) : null}
      {facet ? (
        <Select
          size="xs"
          label={t("Value")}
          placeholder={t("any")}
          data={facet.groups.map(({ key, label, rows }) => ({
            value: key,
            label: `${label === "" ? t("(empty)") : label} (${count(rows)})`,
          }))}
          value={address.value ?? null}
          onChange={(value) => change({ value: value ?? clear })}
          clearable
        />
      ) : null}
      <TextInput
        size="xs"
        type="search"
        label={t("Search in questions and answers")}
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
      />
    </div>
  );
}

/** Up, down, j and k move between rows; Enter opens one. */
function moveByKeys(event: KeyboardEvent<HTMLTableSectionElement>): void {
  const step = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1 }[event.key];
  if (step === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
  const own = (event.target as HTMLElement).closest("tr");
  const next = step === 1 ? own?.nextElementSibling : own?.previousElementSibling;
  const target = next?.querySelector("button");
  if (!target) return;
  event.preventDefault();
  target.focus();
  next?.scrollIntoView({ block: "nearest" });
}

function AnswerTable(props: {
  assessment: Assessment;
  rows: readonly Row[];
  open: (row: number) => void;
  /** The box by which a row is chosen. */
  tick: (row: number) => ReactNode;
}) {
  const { candidates, graders } = props.assessment;
  return (
    <section className="e-scroll" aria-label={t("Answers, row by row")}>
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
        <tbody onKeyDown={moveByKeys}>
          {props.rows.map(({ row, pictures, answers }) => (
            <tr key={row}>
              <td>
                <Group gap={4} wrap="nowrap">
                  {props.tick(row)}
                  <Button
                    variant="subtle"
                    size="compact-xs"
                    data-row={row}
                    aria-label={t("Open row {{row}}", { row })}
                    onClick={() => props.open(row)}
                  >
                    {row}
                  </Button>
                </Group>
              </td>
              <td>
                <Thumbnails row={row} pictures={pictures} />
                <span className="e-answer e-few-lines">{answers[0]?.sent.at(-1)?.content}</span>
              </td>
              <td>
                <span className="e-answer e-few-lines">{answers[0]?.reference ?? "–"}</span>
              </td>
              {candidates.map((candidate) => (
                <td key={candidate.candidateId}>
                  <Said
                    answer={answers.find(({ candidateId }) => candidateId === candidate.candidateId)}
                    graders={graders}
                  />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

export function AnswerRows(props: { assessment: Assessment }) {
  const { assessment } = props;
  const [address, change] = useAddress();
  const lost = useLostRows(assessment);
  const filter = filterOf(address, assessment);
  const key = JSON.stringify(filter);
  const [pages, setPages] = useState({ key, count: 1 });
  const reading = useData(rowsQuery, { id: assessment.id, filter }, pages.key === key ? pages.count : 1);
  const node = reading.data?.node;
  const rows = node?.__typename === "Assessment" ? node.rows : null;
  const openRow = address.row !== undefined && /^\d+$/.test(address.row) ? Number(address.row) : null;
  const lastOpen = useRef<number | null>(null);
  useEffect(() => {
    // What was open gives the focus back to its row.
    if (openRow === null && lastOpen.current !== null)
      document.querySelector<HTMLElement>(`[data-row="${lastOpen.current}"]`)?.focus();
    lastOpen.current = openRow;
  }, [openRow]);
  return (
    <Surface
      title={t("Answers")}
      aside={
        <Group gap={12}>
          {rows ? (
            <Text size="sm" c="dimmed" role="status">
              {t("Rows that match: {{n}}", { n: count(rows.totalCount) })}
            </Text>
          ) : null}
          {lost.button}
        </Group>
      }
    >
      <Filters assessment={assessment} filter={filter} />
      <Loaded reading={reading} rows={4}>
        {() =>
          rows === null ? null : rows.nodes.length === 0 ? (
            <Text size="sm" c="dimmed">
              {filter.search !== null || filter.slice !== null
                ? t("No row matches.")
                : filter.show === "DISAGREE"
                  ? t("They agree on every row.")
                  : filter.show === "WRONG"
                    ? t("Every answer is right.")
                    : t("No row matches.")}
            </Text>
          ) : (
            <>
              <AnswerTable
                assessment={assessment}
                rows={rows.nodes}
                open={(row) => change({ row: String(row) })}
                tick={lost.tick}
              />
              <Group justify="space-between" mt={8}>
                {rows.nodes.length < rows.totalCount ? (
                  <Button
                    variant="subtle"
                    size="xs"
                    onClick={() => setPages((old) => ({ key, count: (old.key === key ? old.count : 1) + 1 }))}
                  >
                    {t("Show more rows")}
                  </Button>
                ) : (
                  <span />
                )}
                <Text size="xs" c="dimmed">
                  {t("↑ ↓ or j k move between rows, Enter opens one, Escape closes it.")}
                </Text>
              </Group>
            </>
          )
        }
      </Loaded>
      <RowDrawer
        assessment={assessment}
        row={openRow}
        among={rows?.nodes.map(({ row }) => row) ?? []}
        show={(row) => change({ row: row === null ? (undefined as never) : String(row) })}
      />
    </Surface>
  );
}
