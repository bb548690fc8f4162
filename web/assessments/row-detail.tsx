// One row of an assessment: everything that was sent, each answer with its scores, what it took and where it is from, two
// texts against each other, and the row as the dataset has it.
import { ActionIcon, Drawer, Group, Select, Stack, Text } from "@mantine/core";
import { IconChevronLeft, IconChevronRight } from "@tabler/icons-react";
import type { ResultOf } from "gql.tada";
import { type KeyboardEvent, useState } from "react";
import { useData } from "../api/data.ts";
import { Sources } from "../chat/citations.tsx";
import { t } from "../i18n.ts";
import { CodeBlock, Facts } from "../ui/bits.tsx";
import { count, dollars, seconds } from "../ui/format.ts";
import { Loaded } from "../ui/states.tsx";
import type { Assessment } from "./detail-page.tsx";
import { two } from "./figures.tsx";
import { Judgements } from "./judgements.tsx";
import { rowQuery } from "./report-queries.ts";
import { RowPictures } from "./row-pictures.tsx";
import { TextDiff } from "./text-diff.tsx";

type Found = NonNullable<
  Extract<NonNullable<ResultOf<typeof rowQuery>["node"]>, { __typename: "Assessment" }>["row"]
>;
type Answer = Found["answers"][number];
type Turn = Answer["sent"][number];
/** Characters of a picture's data address that the row as text shows. */
const PICTURE_CHARS = 60;

function Messages(props: { sent: readonly Turn[] }) {
  return (
    <ol className="e-sent">
      {props.sent.map((turn, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a message is its place
        <li key={at}>
          <small>{turn.role}</small>
          <span className="e-answer" dir="auto">
            {turn.content}
          </span>
        </li>
      ))}
    </ol>
  );
}

/** What was sent, once for all candidates that were sent the same. */
function Sent(props: { assessment: Assessment; found: Found; onEnlarge: (isOpen: boolean) => void }) {
  const { row, pictures, answers: all } = props.found;
  const nameOf = (id: string): string =>
    props.assessment.candidates.find(({ candidateId }) => candidateId === id)?.name ?? id;
  const same = Map.groupBy(all, ({ sent }) => JSON.stringify(sent));
  return (
    <section>
      <h3>{t("What was sent")}</h3>
      <RowPictures row={row} pictures={pictures} height={200} onEnlarge={props.onEnlarge} />
      {[...same.values()].map((answers) => (
        <div key={answers[0]?.answerId}>
          {same.size > 1 ? (
            <Text size="sm" fw={600}>
              {t("To {{names}}", { names: answers.map(({ candidateId }) => nameOf(candidateId)).join(", ") })}
            </Text>
          ) : null}
          <Messages sent={answers[0]?.sent ?? []} />
        </div>
      ))}
      <Text size="sm" c="dimmed">
        {t("Temperature {{temperature}}, at most {{count}} tokens.", {
          temperature: props.assessment.temperature,
          count: props.assessment.maxTokens,
        })}
      </Text>
    </section>
  );
}

function AnswerSection(props: { name: string; answer: Answer; graders: readonly string[] }) {
  const { answer, graders } = props;
  return (
    <section className="e-row-answer">
      <h3>{props.name}</h3>
      {answer.error ? (
        <p className="e-wrong">
          {answer.error.message} <span className="e-muted">{answer.error.code}</span>
        </p>
      ) : (
        <p className="e-answer" dir="auto">
          {answer.text}
        </p>
      )}
      {answer.citations ? <Sources citations={answer.citations} /> : null}
      <Facts
        items={[
          ...answer.scores.map(({ grader, value, detail }): [string, string] => [
            graders[grader] ?? String(grader),
            [value === null ? t("unscored") : two(value), detail].filter(Boolean).join(" · "),
          ]),
          [t("Took"), seconds(answer.latencyMs)],
          [t("Tokens in, out"), `${count(answer.inputTokens)}, ${count(answer.outputTokens)}`],
          [t("Cost"), answer.costUsd === null ? "–" : dollars(answer.costUsd)],
          [
            t("Ended"),
            answer.finishReason === "length" ? t("cut at its longest") : (answer.finishReason ?? "–"),
          ],
        ]}
      />
    </section>
  );
}

/** Two of the answers and the right one against each other, as they are chosen. */
function Against(props: { assessment: Assessment; found: Found }) {
  const { assessment, found } = props;
  const reference = found.answers[0]?.reference ?? null;
  const texts = [
    ...(reference === null ? [] : [{ value: "reference", label: t("Right answer"), text: reference }]),
    ...found.answers.flatMap(({ candidateId, text }) => {
      const name = assessment.candidates.find((one) => one.candidateId === candidateId)?.name;
      return text === null || name === undefined ? [] : [{ value: candidateId, label: name, text }];
    }),
  ];
  const answers = texts.filter(({ value }) => value !== "reference");
  const [left, setLeft] = useState<string | null>(null);
  const [right, setRight] = useState<string | null>(null);
  if (texts.length < 2) return null;
  const first = texts.find(({ value }) => value === left) ?? (answers.length > 1 ? answers[0] : texts[0]);
  const second = texts.find(({ value }) => value === right) ?? (answers.length > 1 ? answers[1] : texts[1]);
  const data = texts.map(({ value, label }) => ({ value, label }));
  return (
    <section>
      <h3>{t("Word by word")}</h3>
      <div className="e-assess-filters">
        <Select
          size="xs"
          label={t("Struck out: only here")}
          data={data}
          value={first?.value ?? null}
          onChange={setLeft}
          allowDeselect={false}
        />
        <Select
          size="xs"
          label={t("Marked: only here")}
          data={data}
          value={second?.value ?? null}
          onChange={setRight}
          allowDeselect={false}
        />
      </div>
      <TextDiff from={first?.text ?? ""} to={second?.text ?? ""} />
    </section>
  );
}

/** The row as text: a picture's data is megabytes that nobody reads. */
const readable = (columns: unknown): string =>
  JSON.stringify(
    columns,
    (_, value: unknown) =>
      typeof value === "string" && value.startsWith("data:image/") && value.length > PICTURE_CHARS
        ? `${value.slice(0, PICTURE_CHARS)}…`
        : value,
    2,
  );

function Detail(props: { assessment: Assessment; found: Found; onEnlarge: (isOpen: boolean) => void }) {
  const { assessment, found } = props;
  const { graders, candidates } = assessment;
  const reference = found.answers[0]?.reference;
  return (
    <Stack gap={16}>
      <Sent assessment={assessment} found={found} onEnlarge={props.onEnlarge} />
      {reference === null || reference === undefined ? null : (
        <section>
          <h3>{t("Right answer")}</h3>
          <p className="e-answer" dir="auto">
            {reference}
          </p>
        </section>
      )}
      <div className="e-row-answers">
        {candidates.map(({ candidateId, name }) => {
          const answer = found.answers.find((one) => one.candidateId === candidateId);
          return answer ? (
            <AnswerSection key={candidateId} name={name} answer={answer} graders={graders} />
          ) : (
            <section key={candidateId} className="e-row-answer">
              <h3>{name}</h3>
              <p className="e-muted">{t("not asked yet")}</p>
            </section>
          );
        })}
      </div>
      <Judgements assessment={assessment} answers={found.answers} />
      <Against assessment={assessment} found={found} />
      <section>
        <h3>{t("The row in the dataset")}</h3>
        {found.columns === null ? (
          <Text size="sm" c="dimmed">
            {t("The dataset was deleted.")}
          </Text>
        ) : (
          <CodeBlock
            text={readable(found.columns)}
            copied={JSON.stringify(found.columns, null, 2)}
            label={t("Copy the row")}
          />
        )}
      </section>
    </Stack>
  );
}

/** Opened by its row's number; `among` are the rows that the arrows lead to. */
export function RowDrawer(props: {
  assessment: Assessment;
  row: number | null;
  among: readonly number[];
  show: (row: number | null) => void;
}) {
  const { assessment, row, among, show } = props;
  const [isEnlarged, setIsEnlarged] = useState(false);
  const reading = useData(rowQuery, row === null ? null : { id: assessment.id, row });
  const node = reading.data?.node;
  const found = node?.__typename === "Assessment" ? node.row : null;
  const place = row === null ? -1 : among.indexOf(row);
  const before = place > 0 ? among[place - 1] : undefined;
  const after = place >= 0 ? among[place + 1] : undefined;
  const onKeyDown = (event: KeyboardEvent<HTMLDivElement>): void => {
    const isField = (event.target as HTMLElement).closest("input, textarea, [role=listbox], pre");
    if (isField || event.ctrlKey || event.metaKey || event.altKey) return;
    const to = ["ArrowDown", "ArrowRight", "j"].includes(event.key)
      ? after
      : ["ArrowUp", "ArrowLeft", "k"].includes(event.key)
        ? before
        : undefined;
    if (to === undefined) return;
    event.preventDefault();
    show(to);
  };
  return (
    <Drawer
      opened={row !== null}
      onClose={() => show(null)}
      position="right"
      size={760}
      title={row === null ? "" : t("Row {{row}}", { row })}
      closeButtonProps={{ "aria-label": t("Close") }}
      returnFocus={false}
      closeOnEscape={!isEnlarged}
      onKeyDown={onKeyDown}
    >
      <Group gap={4} mb={8}>
        <ActionIcon
          variant="default"
          aria-label={t("Row before")}
          disabled={before === undefined}
          onClick={() => before !== undefined && show(before)}
        >
          <IconChevronLeft size={16} />
        </ActionIcon>
        <ActionIcon
          variant="default"
          aria-label={t("Row after")}
          disabled={after === undefined}
          onClick={() => after !== undefined && show(after)}
        >
          <IconChevronRight size={16} />
        </ActionIcon>
      </Group>
      <Loaded reading={reading} rows={6}>
        {() =>
          found ? (
            <Detail key={found.row} assessment={assessment} found={found} onEnlarge={setIsEnlarged} />
          ) : (
            <Text size="sm" c="dimmed">
              {t("Nobody was asked about this row.")}
            </Text>
          )
        }
      </Loaded>
    </Drawer>
  );
}
