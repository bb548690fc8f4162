// What went live though a gate held it: who decided that, why, and what the gates had said.
import { Stack, Text } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import type { ResultOf } from "gql.tada";
import { useData } from "../api/data.ts";
import { t } from "../i18n.ts";
import { said } from "../said.ts";
import { Made, Surface } from "../ui/bits.tsx";
import { ProblemNotice } from "../ui/states.tsx";
import { type gatesQuery, overridesQuery } from "./queries.ts";

type Override = ResultOf<typeof gatesQuery>["gateOverrides"]["nodes"][number];

export function Overrides(props: { overrides: readonly Override[]; isNamed: boolean }) {
  return (
    <ul className="e-gate-list">
      {props.overrides.map((one) => (
        <li key={one.id}>
          <Stack gap={4}>
            {props.isNamed ? (
              <Text size="sm">
                <Link to={`/live/${one.liveId}`}>{one.name}</Link>
              </Text>
            ) : null}
            <Text size="sm" fw={600}>
              {one.action === "register"
                ? t("Registered as {{alias}}", { alias: one.alias ?? "" })
                : t("Deployed")}
            </Text>
            <Text size="sm">{one.reason}</Text>
            {one.held.map(({ gate, sentence }) => (
              <Text key={gate} size="sm" c="dimmed">
                {gate}: {said(sentence)}
              </Text>
            ))}
            <Text size="xs" c="dimmed">
              <Made at={one.createdAt} by={one.createdBy} />
            </Text>
          </Stack>
        </li>
      ))}
    </ul>
  );
}

/** Those of one live model; nothing where there are none. */
export function LiveOverrides(props: { id: string }) {
  const reading = useData(overridesQuery, { id: props.id });
  const node = reading.data?.node;
  const overrides = node?.__typename === "LiveModel" ? node.gateOverrides.nodes : [];
  if (reading.problem) return <ProblemNotice problem={reading.problem} onRetry={reading.reload} />;
  if (overrides.length === 0) return null;
  return (
    <Surface title={t("Went past a gate")}>
      <Overrides overrides={overrides} isNamed={false} />
    </Surface>
  );
}
