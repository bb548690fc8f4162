// One training: live curves, samples, log, its parameters, and what to do when it is done.
import { Stack, Text } from "@mantine/core";
import { useDebouncedValue, useThrottledValue } from "@mantine/hooks";
import { Link, useParams } from "@tanstack/react-router";
import type { ResultOf } from "gql.tada";
import { useEffect, useState } from "react";
import { useData } from "../api/data.ts";
import { isOver, useLiveRun } from "../api/runs-live.ts";
import { t } from "../i18n.ts";
import { ChatButton, DeployButton, SaveButton } from "../models/actions.tsx";
import { Attempts } from "../runs/attempts.tsx";
import { RunLog } from "../runs/log.tsx";
import { WhereItRuns } from "../runs/where.tsx";
import { Facts, Surface, When } from "../ui/bits.tsx";
import { small, tookText } from "../ui/format.ts";
import { Lineage } from "../ui/lineage.tsx";
import { Page } from "../ui/page.tsx";
import { Empty, Loaded } from "../ui/states.tsx";
import { RunPill, RunProgress } from "../ui/status.tsx";
import { Differences, PickOthers, useOthers } from "./compare.tsx";
import { Curves } from "./curves.tsx";
import { logQuery, trainingQuery } from "./queries.ts";
import { Samples } from "./samples.tsx";
import { useMetrics } from "./use-metrics.ts";

type Training = Extract<NonNullable<ResultOf<typeof trainingQuery>["node"]>, { __typename: "Training" }>;

function TrainingBody(props: { training: Training }) {
  const { training } = props;
  const run = useLiveRun(training.run);
  const isRunning = !isOver(run.status);
  const { points, liveEvents } = useMetrics(run.id, isRunning, training.metrics);
  const [search, setSearch] = useState("");
  const [settled] = useDebouncedValue(search, 200);
  const log = useData(logQuery, { id: run.id, search: settled || null });
  const { reload } = log;
  // Throttled: steps that come faster than a pause lasts would put off a debounced value for ever.
  const events = useThrottledValue(liveEvents, 500);
  useEffect(() => {
    if (events > 0) reload();
  }, [events, reload]);
  const lines = log.data?.node?.__typename === "Run" ? log.data.node.logLines : [];
  const lastLoss = points.findLast((point) => point.loss !== null)?.loss;
  const lastEval = points.findLast((point) => point.evalLoss !== null)?.evalLoss;
  const { customized } = training;
  const { ids, others } = useOthers();
  return (
    <div className="e-columns">
      <Stack gap={16}>
        {run.status === "SUCCEEDED" ? null : (
          <Surface title={t("Progress")}>
            <RunProgress run={run} />
            <WhereItRuns run={run} />
          </Surface>
        )}
        {points.length > 0 ? (
          <Curves points={points} others={others} picker={<PickOthers selfId={training.id} ids={ids} />} />
        ) : (
          <Surface title={t("Loss")}>
            <Text size="sm" c="dimmed">
              {run.status === "QUEUED"
                ? t("Waiting for a trainer to take it. The curve starts with the first step.")
                : isRunning
                  ? t("The trainer loads model and data. The curve starts with the first step.")
                  : t("It ended before the first step.")}
            </Text>
          </Surface>
        )}
        {others.length > 0 ? (
          <Differences self={{ ...training, run, metrics: points }} others={others} />
        ) : null}
        <Samples samples={training.samples} />
        <RunLog lines={lines} search={search} onSearch={setSearch} />
      </Stack>
      <Stack gap={16}>
        {customized ? (
          <Surface title={t("Next")} tone="blue">
            <Stack gap={8}>
              <ChatButton model={training.base.name} other={customized.name} variant="filled" />
              <SaveButton id={customized.id} name={customized.name} variant="default" />
              <DeployButton id={customized.id} name={customized.name} variant="default" />
            </Stack>
          </Surface>
        ) : null}
        <Surface title={t("What it is")}>
          <Facts
            items={[
              [
                t("Base model"),
                <Link key="b" to={`/base-models/${training.base.id}`}>
                  {training.base.name}
                </Link>,
              ],
              [t("Rows"), training.datasetVersion?.rowCount ?? t("its dataset is deleted")],
              [t("Method"), training.method],
              [t("Loss"), lastLoss === null || lastLoss === undefined ? "–" : small(lastLoss)],
              [t("Eval loss"), lastEval === null || lastEval === undefined ? "–" : small(lastEval)],
              [t("Took"), tookText(training.run)],
              [t("Started"), <When key="w" at={training.createdAt} />],
              ...(customized
                ? ([
                    [
                      t("Made"),
                      <Link key="c" to={`/customized/${customized.id}`}>
                        {customized.name}
                      </Link>,
                    ],
                  ] as [string, React.ReactNode][])
                : []),
            ]}
          />
        </Surface>
        <Attempts attempts={training.run.attempts} />
        <Surface title={t("Parameters")}>
          <Facts
            items={Object.entries((training.parameters ?? {}) as Record<string, unknown>).map(
              ([key, value]) => [
                key,
                <span key={key} className="e-mono">
                  {typeof value === "string" ? value : JSON.stringify(value)}
                </span>,
              ],
            )}
          />
        </Surface>
        {customized ? (
          <Surface title={t("Lineage")}>
            <Lineage
              nodes={[...customized.lineage, ...customized.dependants]}
              hidden={customized.dependantCount - customized.dependants.length}
              self={{ id: customized.id, kind: "customized", name: customized.name }}
            />
          </Surface>
        ) : null}
      </Stack>
    </div>
  );
}

export function TrainingPage() {
  const { id } = useParams({ strict: false }) as { id: string };
  const reading = useData(trainingQuery, { id });
  const training = reading.data?.node?.__typename === "Training" ? reading.data.node : null;
  return (
    <Page
      title={training?.name ?? t("Training")}
      thing={training}
      crumb={{ label: t("Trainings"), to: "/trainings" }}
      aside={training ? <RunPill run={training.run} /> : null}
    >
      <Loaded reading={reading}>
        {() =>
          training ? (
            <TrainingBody training={training} />
          ) : (
            <Empty title={t("No such training")} text={t("The address may be mistyped.")} />
          )
        }
      </Loaded>
    </Page>
  );
}
