// Other trainings laid over this one: picked by name, kept in the address; and what differs between them.
import { MultiSelect, Table, Text } from "@mantine/core";
import { useNavigate, useSearch } from "@tanstack/react-router";
import type { ResultOf } from "gql.tada";
import { useData } from "../api/data.ts";
import { graphql } from "../api/graphql.ts";
import { t } from "../i18n.ts";
import { reachable, Surface } from "../ui/bits.tsx";
import { small, tookText } from "../ui/format.ts";
import type { MetricPoint } from "./use-metrics.ts";

const namesQuery = graphql(`
  query TrainingNames($trainings: String) {
    trainings(first: 200, after: $trainings) { nodes { id name createdAt } pageInfo { hasNextPage endCursor } }
  }
`);
const othersQuery = graphql(`
  query OtherTrainings($ids: [ID!]!) {
    nodes(ids: $ids) {
      __typename
      ... on Training {
        id name parameters base { name } datasetVersion { id rowCount } run { startedAt endedAt }
        metrics { step loss evalLoss learningRate gradNorm tokensPerSecond memoryBytes }
      }
    }
  }
`);

/** How many can be told apart beside this one. */
const mostOthers = 3;

export type Compared = Extract<
  NonNullable<ResultOf<typeof othersQuery>["nodes"][number]>,
  { __typename: "Training" }
>;

/** The trainings that the address lays over this one. */
export function useOthers(): { ids: string[]; others: Compared[] } {
  const search = useSearch({ strict: false }) as { with?: string };
  const ids = (search.with ?? "").split(",").filter(Boolean).slice(0, mostOthers);
  const { data } = useData(othersQuery, ids.length > 0 ? { ids } : null);
  const others = (data?.nodes ?? []).flatMap((node) => (node?.__typename === "Training" ? [node] : []));
  return { ids, others: ids.length > 0 ? others : [] };
}

export function PickOthers(props: { selfId: string; ids: string[] }) {
  const { data } = useData(namesQuery, {});
  const navigate = useNavigate();
  const known = (data?.trainings.nodes ?? []).filter(({ id }) => id !== props.selfId);
  if (known.length === 0) return null;
  return (
    <MultiSelect
      size="xs"
      aria-label={t("Compare with other trainings")}
      placeholder={props.ids.length === 0 ? t("Compare with…") : ""}
      data={known.map(({ id, name }) => ({ value: id, label: name }))}
      value={props.ids.filter((id) => known.some((one) => one.id === id))}
      maxValues={mostOthers}
      searchable
      clearable
      clearButtonProps={{ "aria-label": t("Compare with none") }}
      miw={200}
      onChange={(ids) =>
        navigate({
          to: ".",
          search: (old: Record<string, unknown>) => ({ ...old, with: ids.join(",") || undefined }),
          replace: true,
        })
      }
    />
  );
}

const text = (value: unknown): string =>
  value === undefined ? "–" : typeof value === "string" ? value : JSON.stringify(value);
const lastOf = (points: readonly MetricPoint[], key: "loss" | "evalLoss"): string => {
  const value = points.findLast((point) => point[key] !== null)?.[key];
  return value === null || value === undefined ? "–" : small(value);
};

type Column = Pick<Compared, "id" | "name" | "base" | "datasetVersion" | "run" | "parameters"> & {
  metrics: readonly MetricPoint[];
};

/** What came out of each, and the parameters in which they differ. */
export function Differences(props: { self: Column; others: Column[] }) {
  const all = [props.self, ...props.others];
  const parametersOf = (one: Column) => (one.parameters ?? {}) as Record<string, unknown>;
  const rows: [label: string, cells: string[], isResult: boolean][] = [
    [t("Loss"), all.map((one) => lastOf(one.metrics, "loss")), true],
    [t("Eval loss"), all.map((one) => lastOf(one.metrics, "evalLoss")), true],
    [t("Took"), all.map((one) => tookText(one.run)), true],
    [t("Base model"), all.map((one) => one.base.name), false],
    [t("Dataset version"), all.map((one) => one.datasetVersion?.id ?? "–"), false],
    ...[...new Set(all.flatMap((one) => Object.keys(parametersOf(one))))].map(
      (key): [string, string[], boolean] => [key, all.map((one) => text(parametersOf(one)[key])), false],
    ),
  ];
  const shown = rows.filter(([, cells, isResult]) => isResult || new Set(cells).size > 1);
  return (
    <Surface title={t("What differs")}>
      <section className="e-scroll" {...reachable} aria-label={t("What differs")}>
        <Table fz={14} verticalSpacing={6}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{t("Parameter")}</Table.Th>
              {all.map((one) => (
                <Table.Th key={one.id}>{one.name}</Table.Th>
              ))}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {shown.map(([label, cells]) => (
              <Table.Tr key={label}>
                <Table.Th scope="row" fw={400} c="dimmed">
                  {label}
                </Table.Th>
                {all.map((one, index) => (
                  <Table.Td key={one.id}>{cells[index]}</Table.Td>
                ))}
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </section>
      {shown.every(([, , isResult]) => isResult) ? (
        <Text size="sm" c="dimmed" mt={8}>
          {t("Same base, dataset and parameters.")}
        </Text>
      ) : null}
    </Surface>
  );
}
