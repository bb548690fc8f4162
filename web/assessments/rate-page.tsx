// People rate answers without knowing whose they are: one task at a time, by keys or by buttons, with a way back.
import { Button, Group, Kbd, Progress, Stack, Text } from "@mantine/core";
import { useHotkeys } from "@mantine/hooks";
import { Link, useParams } from "@tanstack/react-router";
import type { ResultOf } from "gql.tada";
import { useState } from "react";
import { Gate } from "../accounts/viewer.tsx";
import { act } from "../api/client.ts";
import { useData, useWork } from "../api/data.ts";
import { t } from "../i18n.ts";
import { Surface } from "../ui/bits.tsx";
import { Markdown } from "../ui/markdown.tsx";
import { Page } from "../ui/page.tsx";
import { Empty, Loaded, ProblemNotice } from "../ui/states.tsx";
import { rateAnswer, ratingQuery, takeBackRating } from "./queries.ts";
import { RowPictures } from "./row-pictures.tsx";

type Assessment = Extract<NonNullable<ResultOf<typeof ratingQuery>["node"]>, { __typename: "Assessment" }>;
type Queue = NonNullable<Assessment["ratingQueue"]>;
type Task = Queue["tasks"][number];
type Choice = { keys: string[]; label: string; value: number };

/** Of two: the left one, neither, the right one. */
const OF_TWO: Choice[] = [
  { keys: ["1", "ArrowLeft"], label: t("The left one is better"), value: 1 },
  { keys: ["2", "ArrowDown"], label: t("Neither is better"), value: 0.5 },
  { keys: ["3", "ArrowRight"], label: t("The right one is better"), value: 0 },
];
const OF_ONE: Choice[] = [
  { keys: ["1"], label: t("useless"), value: 0 },
  { keys: ["2"], label: t("bad"), value: 0.25 },
  { keys: ["3"], label: t("half right"), value: 0.5 },
  { keys: ["4"], label: t("good"), value: 0.75 },
  { keys: ["5"], label: t("could not be better"), value: 1 },
];

const placeOf = (id: string, { grader, first, second }: Task) => ({
  ...{ id, grader, answerId: first.answerId, otherId: second?.answerId ?? null },
});

function RateTask(props: { id: string; queue: Queue }) {
  const { id, queue } = props;
  const work = useWork();
  const [last, setLast] = useState<Task | null>(null);
  const [task] = queue.tasks;
  const choices = task?.second ? OF_TWO : OF_ONE;
  const rate = (value: number): void => {
    if (!task || work.isBusy) return;
    void work.run(async () => {
      await act(rateAnswer, { ...placeOf(id, task), value });
      setLast(task);
    });
  };
  const takeBack = (): void => {
    if (!last || work.isBusy) return;
    void work.run(async () => {
      await act(takeBackRating, placeOf(id, last));
      setLast(null);
    });
  };
  useHotkeys([
    ...choices.flatMap(({ keys, value }) =>
      keys.map((key): [string, () => void] => [key, () => rate(value)]),
    ),
    ["Backspace", takeBack],
  ]);
  const { done, total } = queue;
  return (
    <Stack gap={16}>
      <div>
        <Group justify="space-between">
          <Text size="sm">{t("{{done}} of {{total}} rated", { done, total })}</Text>
          {last ? (
            <Button size="xs" variant="default" onClick={takeBack} loading={work.isBusy}>
              {t("Take the last one back")} <Kbd ml={8}>⌫</Kbd>
            </Button>
          ) : null}
        </Group>
        <Progress
          mt={8}
          value={total === 0 ? 0 : (100 * done) / total}
          aria-label={t("{{done}} of {{total}} rated", { done, total })}
        />
      </div>
      {work.problem ? <ProblemNotice problem={work.problem} /> : null}
      {task ? (
        <>
          <Surface title={t("Asked")}>
            {task.sent.map((turn, at) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: a message is its place
              <p key={at} className="e-told">
                {task.sent.length > 1 ? <span className="e-muted">{turn.role} </span> : null}
                {turn.content}
              </p>
            ))}
            <RowPictures row={task.row} pictures={task.pictures} height={240} />
            {task.reference === null ? null : (
              <p className="e-told">
                <span className="e-muted">{t("Right answer")}</span> {task.reference}
              </p>
            )}
          </Surface>
          <div className={task.second ? "e-blind" : undefined}>
            <Surface title={task.second ? t("Left") : t("Answer")}>
              <Markdown text={task.first.text} />
            </Surface>
            {task.second ? (
              <Surface title={t("Right side")}>
                <Markdown text={task.second.text} />
              </Surface>
            ) : null}
          </div>
          <Gate scope="chat">
            <Group gap={8} role="group" aria-label={t("Your verdict")}>
              {choices.map(({ keys, label, value }) => (
                <Button key={value} variant="default" onClick={() => rate(value)} disabled={work.isBusy}>
                  {label} <Kbd ml={8}>{keys[0]}</Kbd>
                </Button>
              ))}
            </Group>
          </Gate>
        </>
      ) : (
        <Empty
          title={total === 0 ? t("There is nothing to rate yet") : t("You have rated everything")}
          text={
            total === 0
              ? t("Answers come here as they are given.")
              : t("The assessment shows how far raters and judges agree.")
          }
          action={
            <Button component={Link} to={`/assessments/${id}`}>
              {t("See the assessment")}
            </Button>
          }
        />
      )}
    </Stack>
  );
}

export function RatePage() {
  const { id = "" } = useParams({ strict: false });
  const reading = useData(ratingQuery, { id });
  const node = reading.data?.node;
  const assessment = node?.__typename === "Assessment" ? node : null;
  return (
    <Page
      title={t("Rate answers")}
      crumb={{ label: assessment?.name ?? t("Assessment"), to: `/assessments/${id}` }}
      sentence={t("Nobody tells whose answer it is; sides are by chance.")}
    >
      <Loaded reading={reading}>
        {() =>
          assessment?.ratingQueue ? (
            <RateTask id={id} queue={assessment.ratingQueue} />
          ) : (
            <Empty
              title={t("People do not rate this assessment")}
              text={t("Score its answers again, with people among the graders.")}
            />
          )
        }
      </Loaded>
    </Page>
  );
}
