// The states every page designs: empty, loading, failed; and the notice that shows one problem with its mend.
import { Button, Group, Skeleton, Stack, Text } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import type { ReactNode } from "react";
import type { Problem } from "../api/errors.ts";
import { t } from "../i18n.ts";
import { said } from "../said.ts";

/** What went wrong, why, and the mend; with a retry where one makes sense. */
export function ProblemNotice(props: { problem: Problem; onRetry?: () => void }) {
  const { problem } = props;
  return (
    <div
      role="alert"
      style={{
        background: "var(--e-red-soft)",
        borderRadius: 8,
        padding: 12,
        color: "var(--e-ink)",
        overflowWrap: "anywhere",
      }}
    >
      <Group gap={8} wrap="nowrap" align="flex-start">
        <IconAlertTriangle size={18} color="var(--e-red)" aria-hidden style={{ flexShrink: 0 }} />
        <div>
          <Text size="sm" fw={600}>
            {said(problem.message)}
          </Text>
          {problem.hint ? <Text size="sm">{said(problem.hint)}</Text> : null}
          <Text size="xs" className="e-mono" mt={4}>
            {problem.code}
            {problem.field ? ` · ${problem.field}` : ""}
            {problem.value ? ` = ${problem.value}` : ""}
          </Text>
          {props.onRetry ? (
            <Button size="xs" variant="default" mt={8} onClick={props.onRetry}>
              {t("Try again")}
            </Button>
          ) : null}
        </div>
      </Group>
    </div>
  );
}

export function Empty(props: { title: string; text: string; picture?: ReactNode; action?: ReactNode }) {
  return (
    <Stack align="center" gap={8} p={48} className="e-surface" ta="center">
      {props.picture}
      <Text fw={600}>{props.title}</Text>
      <Text size="sm" c="dimmed" maw={520}>
        {props.text}
      </Text>
      {props.action ? <div style={{ marginTop: 8 }}>{props.action}</div> : null}
    </Stack>
  );
}

export function LoadingRows(props: { rows?: number }) {
  return (
    <div
      className="e-surface"
      style={{ padding: 16 }}
      aria-busy="true"
      aria-label={t("Loading")}
      role="status"
    >
      <Stack gap={12}>
        {Array.from({ length: props.rows ?? 5 }, (_, row) => `row-${row}`).map((key) => (
          <Skeleton key={key} height={20} radius={6} />
        ))}
      </Stack>
    </div>
  );
}

/** Shows loading, failed or the content of one reading. */
export function Loaded<D>(props: {
  reading: { data: D | undefined; problem: Problem | null; isLoading: boolean; reload: () => void };
  children: (data: D) => ReactNode;
  rows?: number;
}) {
  const { reading } = props;
  if (reading.data !== undefined) {
    return (
      <>
        {reading.problem ? (
          <div style={{ marginBottom: 12 }}>
            <ProblemNotice problem={reading.problem} onRetry={reading.reload} />
          </div>
        ) : null}
        {props.children(reading.data)}
      </>
    );
  }
  if (reading.problem) return <ProblemNotice problem={reading.problem} onRetry={reading.reload} />;
  return <LoadingRows {...(props.rows ? { rows: props.rows } : {})} />;
}
