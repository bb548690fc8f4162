// How a running thing looks everywhere: amber pill, bar with step of total, time left, cancel.
import { Button, Group, Text } from "@mantine/core";
import { act } from "../api/client.ts";
import { useWork } from "../api/data.ts";
import { graphql } from "../api/graphql.ts";
import { isOver, type RunKind, type RunState, type RunStatus, useLiveRun } from "../api/runs-live.ts";
import { t } from "../i18n.ts";
import { said } from "../said.ts";
import { duration } from "./format.ts";
import { ProblemNotice } from "./states.tsx";

const cancelRun = graphql(`
  mutation CancelRun($id: ID!) {
    cancelRun(id: $id) { __typename ... on RunSuccess { run { id } } ... on UserError { code message hint field value } }
  }
`);
export const retryRun = graphql(`
  mutation RetryRun($id: ID!) {
    retryRun(id: $id) { __typename ... on RunSuccess { run { id } } ... on UserError { code message hint field value } }
  }
`);

export type Tone = "amber" | "red" | "leaf" | "blue" | "plain";

export function Pill(props: { tone: Tone; children: string }) {
  return (
    <span className="e-pill" data-tone={props.tone}>
      {props.children}
    </span>
  );
}

/** The words of a status. */
export function statusWord(status: RunStatus): string {
  const words: Record<RunStatus, string> = {
    QUEUED: t("queued"),
    RUNNING: t("running"),
    SUCCEEDED: t("done"),
    FAILED: t("failed"),
    CANCELLED: t("cancelled"),
  };
  return words[status];
}

/** What a run does, in a word or two. */
export function kindWord(kind: RunKind): string {
  const words: Record<RunKind, string> = {
    IMPORT_DATASET: t("Dataset import"),
    IMPORT_MODEL: t("Model import"),
    TRAIN: t("Training"),
    MERGE: t("Save"),
    DEPLOY: t("Deploy"),
    EXPORT: t("Export"),
    INDEX_DOCUMENTS: t("Reading documents"),
    REBUILD_INDEX: t("New index"),
    EVALUATE_RETRIEVAL: t("Measurement"),
    MAKE_IMAGES: t("Images"),
    ASSESS: t("Assessment"),
    CHECK_OVERLAP: t("Check of training rows"),
  };
  return words[kind];
}

const tones: Record<RunStatus, Tone> = {
  QUEUED: "amber",
  RUNNING: "amber",
  SUCCEEDED: "leaf",
  FAILED: "red",
  CANCELLED: "plain",
};

/** Whether its trainer should have been heard of by now. */
export const isSilent = (run: RunState): boolean => run.status === "RUNNING" && run.hold?.isSilent === true;

/** Where a run stands in a word or three. */
function pillWord(run: RunState): string {
  if (run.cancelRequestedAt && !isOver(run.status)) return t("cancelling");
  if (isSilent(run)) return t("trainer not heard from");
  if (run.status === "QUEUED" && run.kind === "TRAIN" && run.attempt) return t("queued again");
  return statusWord(run.status);
}

export function RunPill(props: { run: RunState }) {
  const run = useLiveRun(props.run);
  return <Pill tone={isSilent(run) ? "red" : tones[run.status]}>{pillWord(run)}</Pill>;
}

export function Bar(props: { share: number | null; label: string }) {
  const { share } = props;
  return (
    <div
      className="e-bar"
      role="progressbar"
      aria-label={props.label}
      aria-valuemin={0}
      aria-valuemax={100}
      {...(share === null ? {} : { "aria-valuenow": Math.round(share * 100) })}
    >
      <i {...(share === null ? { "data-unknown": "" } : { style: { width: `${share * 100}%` } })} />
    </div>
  );
}

/** Bar, step of total, time left and cancel for a run; its error with retry when it failed. */
export function RunProgress(props: { run: RunState; isQuiet?: boolean }) {
  const run = useLiveRun(props.run);
  const work = useWork();
  if (run.status === "SUCCEEDED" && props.isQuiet) return null;
  return (
    <div>
      <Group justify="space-between" gap={8} mb={6}>
        <Group gap={8}>
          <RunPill run={run} />
          <Text size="xs" c="dimmed">
            {run.step !== null && run.totalSteps !== null && run.totalSteps > 0
              ? t("step {{step}} of {{total}}", { step: run.step, total: run.totalSteps })
              : ""}
            {run.etaSeconds !== null && !isOver(run.status)
              ? ` · ${t("{{left}} left", { left: duration(run.etaSeconds) })}`
              : ""}
          </Text>
        </Group>
        {isOver(run.status) ? null : (
          <Button
            size="compact-xs"
            variant="default"
            aria-label={t("Cancel {{name}}", { name: said(run.name) })}
            loading={work.isBusy}
            disabled={Boolean(run.cancelRequestedAt)}
            onClick={() => work.run(async () => void (await act(cancelRun, { id: run.id })))}
          >
            {t("Cancel")}
          </Button>
        )}
      </Group>
      {isOver(run.status) ? null : (
        <Bar
          share={run.status === "QUEUED" ? 0 : run.progress}
          label={t("Progress of {{name}}", { name: said(run.name) })}
        />
      )}
      {run.status === "FAILED" && run.error ? <ProblemNotice problem={run.error} /> : null}
      {run.status === "FAILED" || run.status === "CANCELLED" ? (
        <Button
          size="xs"
          variant="default"
          mt={8}
          loading={work.isBusy}
          onClick={() => work.run(async () => void (await act(retryRun, { id: run.id })))}
        >
          {t("Run it again")}
        </Button>
      ) : null}
      {work.problem ? <ProblemNotice problem={work.problem} /> : null}
    </div>
  );
}
