// Where a training runs: its trainer, what happens when that is not heard from, and what it waits for.
import { Text } from "@mantine/core";
import { useData } from "../api/data.ts";
import { graphql } from "../api/graphql.ts";
import { type RunState, useLiveRun } from "../api/runs-live.ts";
import { t } from "../i18n.ts";
import { AddTrainerButton, isOnline } from "../trainers/add-trainer.tsx";
import { Ago } from "../ui/ago.tsx";
import { clockTime } from "../ui/format.ts";
import { isSilent } from "../ui/status.tsx";
import { type Attempt, reasonWord } from "./attempts.tsx";

const whoTrains = graphql(`
  query WhoTrains { processMap { trainerHint trainers { id status } } }
`);

export type TrainedRun = RunState & {
  checkpointStep: number | null;
  hold: {
    isSilent: boolean;
    silentMs: number;
    until: string;
    trainer: { id: string; name: string } | null;
  } | null;
  attempts: Attempt[];
};

/** Nothing for runs of other kinds and for ended ones. */
export function WhereItRuns(props: { run: TrainedRun }) {
  const run = useLiveRun(props.run);
  if (run.kind !== "TRAIN") return null;
  if (run.status === "QUEUED") return <Waiting run={run} />;
  if (run.status !== "RUNNING" || !run.hold) return null;
  const name = run.hold.trainer?.name ?? t("the trainer");
  if (!isSilent(run))
    return (
      <Text size="xs" c="dimmed" mt={8}>
        {t("On {{name}}, attempt {{n}}", { name, n: run.attempt ?? 1 })}
      </Text>
    );
  const at = clockTime(run.hold.until);
  return (
    <div className="e-warning" role="status">
      <p>
        <Ago
          ms={run.hold.silentMs}
          say={(ago) => t("The trainer {{name}} was last heard from {{ago}} ago.", { name, ago })}
        />
      </p>
      <p>
        {run.checkpointStep === null
          ? t(
              "Unless it comes back, the run goes back to the queue at {{at}} and begins anew when a trainer is there: there is no checkpoint yet.",
              { at },
            )
          : t(
              "Unless it comes back, the run goes back to the queue at {{at}} and continues from its last checkpoint at step {{step}} when a trainer is there.",
              { at, step: run.checkpointStep },
            )}
      </p>
    </div>
  );
}

function Waiting(props: { run: TrainedRun }) {
  const { run } = props;
  const map = useData(whoTrains, {}).data?.processMap;
  const last = run.attempts.at(-1);
  const isAlone = map !== undefined && !map.trainers.some(isOnline);
  return (
    <div className="e-warning" role="status">
      {last?.outcome === "lost" ? (
        <p>
          {t("Attempt {{n}} on {{name}} went back to the queue: {{why}}.", {
            n: last.number,
            name: last.worker ?? t("the trainer"),
            why: reasonWord(last.why ?? ""),
          })}{" "}
          {run.checkpointStep === null
            ? t("The next one begins anew: there is no checkpoint yet.")
            : t("The next one continues from the checkpoint at step {{step}}.", { step: run.checkpointStep })}
        </p>
      ) : null}
      <p>
        {isAlone ? t("It waits for a trainer; none is connected.") : t("It waits until a trainer is free.")}
      </p>
      {isAlone ? <AddTrainerButton /> : null}
    </div>
  );
}
