// What would be asked, row by row, and what that would take: asked anew while the form changes, before anything is paid.
import { Button, Group, NumberInput, Stack, Text } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import type { ResultOf } from "gql.tada";
import { useEffect, useState } from "react";
import { ask } from "../api/client.ts";
import { type Problem, ProblemError, toProblem } from "../api/errors.ts";
import { t } from "../i18n.ts";
import { said } from "../said.ts";
import { Facts, Surface } from "../ui/bits.tsx";
import { count, dollars, duration } from "../ui/format.ts";
import { ProblemNotice } from "../ui/states.tsx";
import type { Input } from "./draft.ts";
import { previewQuery } from "./queries.ts";
import { RowPictures } from "./row-pictures.tsx";

export type Preview = Extract<
  ResultOf<typeof previewQuery>["assessmentPreview"],
  { __typename: "AssessmentPreviewSuccess" }
>;
/** Typing settles for this long before a look is asked for. */
const SETTLE_MS = 400;
const SHOWN = 5;

/** What the wish would ask, once typing settled; the last good look stays while a wrong wish is mended. */
export function usePreview(
  input: Input | null,
  rows: number[] | null,
): { preview: Preview | null; problem: Problem | null } {
  const [state, setState] = useState<{ preview: Preview | null; problem: Problem | null }>({
    preview: null,
    problem: null,
  });
  const [settled] = useDebouncedValue(JSON.stringify({ input, rows }), SETTLE_MS);
  useEffect(() => {
    const wish = JSON.parse(settled) as { input: Input | null; rows: number[] | null };
    if (wish.input === null) {
      setState({ preview: null, problem: null });
      return;
    }
    let isCurrent = true;
    ask(previewQuery, { input: wish.input, rows: wish.rows })
      .then(({ assessmentPreview: found }) => {
        if (found.__typename !== "AssessmentPreviewSuccess") throw new ProblemError(found);
        if (isCurrent) setState({ preview: found, problem: null });
      })
      .catch((thrown: unknown) => {
        if (isCurrent) setState((old) => ({ ...old, problem: toProblem(thrown) }));
      });
    return () => {
      isCurrent = false;
    };
  }, [settled]);
  return state;
}

function Sent(props: { name: string; sent: readonly { role: string; content: string }[] }) {
  return (
    <details>
      <summary>{props.name}</summary>
      {props.sent.map((turn, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a message is its place
        <p key={at} className="e-told">
          <span className="e-muted">{turn.role}</span> {turn.content}
        </p>
      ))}
    </details>
  );
}

export function PreviewPane(props: {
  preview: Preview | null;
  problem: Problem | null;
  onRows: (rows: number[] | null) => void;
}) {
  const { preview, problem, onRows } = props;
  const first = preview?.rows[0]?.row ?? 0;
  return (
    <Surface title={t("A look before")}>
      <Stack gap={12}>
        {problem ? <ProblemNotice problem={problem} /> : null}
        {preview ? (
          <>
            <Forecast preview={preview} />
            <Group gap={8} align="end">
              <NumberInput
                label={t("Rows from number")}
                size="xs"
                w={140}
                min={0}
                value={first}
                onChange={(from) =>
                  typeof from === "number"
                    ? onRows(Array.from({ length: SHOWN }, (_, at) => from + at))
                    : onRows(null)
                }
              />
              <Button size="xs" variant="default" onClick={() => onRows(null)}>
                {t("The first ones of the sample")}
              </Button>
            </Group>
            {preview.rows.map((row) => (
              <article key={row.row} className="e-assess-card">
                <Text size="xs" c="dimmed">
                  {t("Row {{n}}", { n: row.row })}
                  {row.reference === null
                    ? ""
                    : ` · ${t("right: {{answer}}", { answer: short(row.reference) })}`}
                </Text>
                {row.problem ? (
                  <Text size="sm" className="e-wrong">
                    {said(row.problem)}
                  </Text>
                ) : null}
                <Text size="sm" className="e-answer">
                  {short(row.candidates[0]?.sent.at(-1)?.content ?? "")}
                </Text>
                <RowPictures row={row.row} pictures={row.pictures} height={120} />
                {row.candidates.map((one) => (
                  <Sent key={one.name} name={t("Told to {{name}}", one)} sent={one.sent} />
                ))}
                {row.judges.map((one, at) => (
                  // biome-ignore lint/suspicious/noArrayIndexKey: a judge is its place
                  <Sent key={at} name={t("Told to {{name}}", one)} sent={one.sent} />
                ))}
              </article>
            ))}
          </>
        ) : problem ? null : (
          <Text size="sm" c="dimmed">
            {t(
              "Choose who answers and how that is scored, and see what would be asked. Nothing is sent before you start.",
            )}
          </Text>
        )}
      </Stack>
    </Surface>
  );
}

const short = (text: string): string => (text.length > 300 ? `${text.slice(0, 300)}…` : text);

function Forecast(props: { preview: Preview }) {
  const { rowCount, forecast } = props.preview;
  const calls = forecast.parts.reduce((sum, part) => sum + part.calls, 0);
  const isPriced = forecast.parts.some(({ costUsd }) => costUsd !== null);
  const isMost = forecast.parts.some((part) => part.isMost);
  return (
    <>
      <Facts
        items={[
          [t("Rows"), count(rowCount)],
          [t("Answers and judgements"), count(calls)],
          [
            t("Tokens in, out"),
            `${about(forecast.parts.reduce((sum, part) => sum + part.inputTokens, 0))}, ${about(
              forecast.parts.reduce((sum, part) => sum + part.outputTokens, 0),
            )}`,
          ],
          [t("Cost"), isPriced ? `${t("about")} ${dollars(forecast.costUsd)}` : t("nothing has a price")],
          [
            t("Takes"),
            forecast.seconds === null
              ? t("not known before the first answers")
              : `${t("about")} ${duration(forecast.seconds)}`,
          ],
        ]}
      />
      {isMost ? (
        <Text size="xs" c="dimmed">
          {t("Where a model never answered here, the longest answer is counted.")}
        </Text>
      ) : null}
    </>
  );
}

const about = (tokens: number): string => count(Number(tokens.toPrecision(2)));
