// One dataset: its import, its rows with search, token lengths, and one row exactly as a model will see it.
import { Button, Group, NumberInput, Select, Stack, Table, Tabs, Text, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { useData } from "../api/data.ts";
import { t } from "../i18n.ts";
import { Facts, reachable, Surface, TokenText } from "../ui/bits.tsx";
import { DeleteButton } from "../ui/confirm.tsx";
import { bytes, count } from "../ui/format.ts";
import { UsedBy } from "../ui/lineage.tsx";
import { Page } from "../ui/page.tsx";
import { Empty, Loaded } from "../ui/states.tsx";
import { RunProgress } from "../ui/status.tsx";
import { hashFact, idFact, whenFact } from "../ui/things.tsx";
import { Cell } from "./cell.tsx";
import { shapeWord } from "./list-page.tsx";
import { collectedFacts, originFacts } from "./origins.tsx";
import { datasetQuery, histogramQuery, renderedRowQuery, rowsQuery } from "./queries.ts";

const pageRows = 50;

function Rows(props: { versionId: string; columns: string[] }) {
  const [offset, setOffset] = useState(0);
  const [search, setSearch] = useState("");
  const [settled] = useDebouncedValue(search, 250);
  const reading = useData(rowsQuery, {
    id: props.versionId,
    offset,
    limit: pageRows,
    search: settled || null,
  });
  return (
    <Stack gap={12}>
      <TextInput
        aria-label={t("Search the rows")}
        placeholder={t("Search the rows")}
        value={search}
        maw={320}
        onChange={(event) => {
          setSearch(event.currentTarget.value);
          setOffset(0);
        }}
      />
      <Loaded reading={reading}>
        {(data) => {
          if (data.node?.__typename !== "DatasetVersion") return null;
          const page = data.node.rows;
          return (
            <>
              <section
                className="e-surface e-scroll"
                style={{ maxHeight: 560, overflowY: "auto" }}
                {...reachable}
                aria-label={t("Rows")}
              >
                <Table stickyHeader fz={14} verticalSpacing={8} horizontalSpacing={16}>
                  <Table.Thead bg="var(--e-surface)">
                    <Table.Tr>
                      <Table.Th w={64}>{t("Row")}</Table.Th>
                      {props.columns.map((column) => (
                        <Table.Th key={column}>{column}</Table.Th>
                      ))}
                    </Table.Tr>
                  </Table.Thead>
                  <Table.Tbody>
                    {page.rows.map((row) => (
                      <Table.Tr key={row.index}>
                        <Table.Td className="e-muted">{row.index}</Table.Td>
                        {props.columns.map((column) => (
                          <Table.Td key={column} style={{ verticalAlign: "top", minWidth: 120 }}>
                            <Cell value={((row.value ?? {}) as Record<string, unknown>)[column]} />
                          </Table.Td>
                        ))}
                      </Table.Tr>
                    ))}
                  </Table.Tbody>
                </Table>
              </section>
              <Group gap={8}>
                <Button
                  size="xs"
                  variant="default"
                  disabled={offset === 0}
                  onClick={() => setOffset(Math.max(0, offset - pageRows))}
                >
                  {t("Before")}
                </Button>
                <Button
                  size="xs"
                  variant="default"
                  disabled={page.nextOffset === null}
                  onClick={() => page.nextOffset !== null && setOffset(page.nextOffset)}
                >
                  {t("After")}
                </Button>
                <Text size="sm" c="dimmed">
                  {page.total === 0
                    ? t("No row matches.")
                    : t("{{from}} to {{to}} of {{total}} rows", {
                        from: offset + 1,
                        to: offset + page.rows.length,
                        total: count(page.total),
                      })}
                </Text>
              </Group>
            </>
          );
        }}
      </Loaded>
    </Stack>
  );
}

function LengthHistogram(props: { versionId: string; baseId: string }) {
  const reading = useData(histogramQuery, { id: props.versionId, baseId: props.baseId });
  return (
    <Loaded reading={reading} rows={3}>
      {(data) => {
        if (data.node?.__typename !== "DatasetVersion") return null;
        const { edges, counts, p50, p95, max, sampled } = data.node.tokenHistogram;
        const highest = Math.max(1, ...counts);
        const width = 100 / Math.max(1, counts.length);
        const sentence = t(
          "Half of the rows have at most {{p50}} tokens, 95 % at most {{p95}}, the longest {{max}}; {{sampled}} rows counted.",
          { p50, p95, max, sampled },
        );
        return (
          <div>
            <svg
              viewBox="0 0 100 40"
              preserveAspectRatio="none"
              width="100%"
              height="140"
              role="img"
              aria-label={sentence}
            >
              {counts.map((value, index) => (
                <rect
                  key={edges[index] ?? index}
                  x={index * width + width * 0.06}
                  width={width * 0.88}
                  y={40 - (value / highest) * 39}
                  height={(value / highest) * 39}
                  fill="var(--e-leaf)"
                >
                  <title>
                    {t("{{from}} to {{to}} tokens: {{n}} rows", {
                      from: edges[index],
                      to: edges[index + 1],
                      n: value,
                    })}
                  </title>
                </rect>
              ))}
            </svg>
            <Group justify="space-between">
              <Text size="xs" c="dimmed">
                {t("{{n}} tokens", { n: edges[0] ?? 0 })}
              </Text>
              <Text size="xs" c="dimmed">
                {t("{{n}} tokens", { n: edges.at(-1) ?? 0 })}
              </Text>
            </Group>
            <Text size="sm" mt={8}>
              {sentence}
            </Text>
          </div>
        );
      }}
    </Loaded>
  );
}

/** One row in the base model's template; the tokens that count for the loss are marked, and where a training cuts it. */
export function RowAsSeen(props: {
  versionId: string;
  baseId: string;
  index: number;
  /** Columns of a table, as they are being chosen. */
  mapping?: Record<string, string>;
  /** Tokens that a training would keep; all when unsaid. */
  maxLength?: number;
}) {
  const reading = useData(renderedRowQuery, {
    id: props.versionId,
    baseId: props.baseId,
    index: props.index,
    mapping: props.mapping ?? null,
    maxLength: props.maxLength ?? null,
  });
  return (
    <Loaded reading={reading} rows={4}>
      {(data) => {
        if (data.node?.__typename !== "DatasetVersion") return null;
        const row = data.node.renderedRow;
        return (
          <>
            <TokenText tokens={row.tokens} />
            <Text size="xs" c="dimmed" mt={8}>
              {t("{{all}} tokens; the {{loss}} marked ones count for the loss.", {
                all: row.tokenCount,
                loss: row.lossTokenCount,
              })}{" "}
              {row.keptTokenCount < row.tokenCount
                ? t("Only the first {{kept}} are kept: the rest, struck out, is cut off.", {
                    kept: row.keptTokenCount,
                  })
                : null}
            </Text>
          </>
        );
      }}
    </Loaded>
  );
}

export function DatasetPage() {
  const { id } = useParams({ strict: false }) as { id: string };
  const search = useSearch({ strict: false }) as { tab?: string; base?: string; row?: string };
  const navigate = useNavigate();
  const reading = useData(datasetQuery, { id });
  const dataset = reading.data?.node?.__typename === "Dataset" ? reading.data.node : null;
  const bases = reading.data?.baseModels.nodes ?? [];
  const baseId = search.base ?? bases[0]?.id;
  const set = (change: Record<string, string | undefined>) =>
    navigate({ to: ".", search: (old: Record<string, unknown>) => ({ ...old, ...change }), replace: true });
  const version = dataset?.latest ?? null;
  const index = Number(search.row ?? 0) || 0;
  return (
    <Page
      title={dataset?.name ?? t("Dataset")}
      thing={dataset}
      crumb={{ label: t("Datasets"), to: "/datasets" }}
      needs="train"
      action={
        version && version.shape !== "PREFERENCE" ? (
          <Button component={Link} to={`/train?dataset=${version.id}`}>
            {t("Train with it")}
          </Button>
        ) : null
      }
    >
      <Loaded reading={reading}>
        {() => {
          if (!dataset) return <Empty title={t("No such dataset")} text={t("It may have been deleted.")} />;
          return (
            <div className="e-columns">
              <Stack gap={16}>
                {dataset.run && dataset.run.status !== "SUCCEEDED" ? (
                  <Surface title={t("Import")}>
                    <RunProgress run={dataset.run} />
                    <Text size="xs" mt={8}>
                      <Link to={`/runs/${dataset.run.id}`}>{t("See its log")}</Link>
                    </Text>
                  </Surface>
                ) : null}
                {version ? (
                  <Tabs
                    value={search.tab ?? "rows"}
                    onChange={(value) => set({ tab: value ?? undefined })}
                    keepMounted={false}
                    color="leaf"
                  >
                    <Tabs.List mb={12}>
                      <Tabs.Tab value="rows">{t("Rows")}</Tabs.Tab>
                      <Tabs.Tab value="seen">{t("As the model sees it")}</Tabs.Tab>
                      <Tabs.Tab value="lengths">{t("Token lengths")}</Tabs.Tab>
                    </Tabs.List>
                    <Tabs.Panel value="rows">
                      <Rows versionId={version.id} columns={version.columns.map((column) => column.name)} />
                    </Tabs.Panel>
                    {(["seen", "lengths"] as const).map((tab) => (
                      <Tabs.Panel key={tab} value={tab}>
                        <Surface>
                          <Group mb={12} align="flex-end">
                            <Select
                              label={t("Base model")}
                              data={bases.map((base) => ({ value: base.id, label: base.name }))}
                              value={baseId ?? null}
                              onChange={(value) => set({ base: value ?? undefined })}
                              allowDeselect={false}
                            />
                            {tab === "seen" ? (
                              <NumberInput
                                label={t("Row")}
                                min={0}
                                max={Math.max(0, version.rowCount - 1)}
                                value={index}
                                onChange={(value) => set({ row: String(value) })}
                                w={110}
                              />
                            ) : null}
                          </Group>
                          {!baseId ? (
                            <Text size="sm">
                              {t("Import a base model first: tokens are counted by its tokenizer.")}
                            </Text>
                          ) : tab === "seen" ? (
                            <RowAsSeen versionId={version.id} baseId={baseId} index={index} />
                          ) : (
                            <LengthHistogram versionId={version.id} baseId={baseId} />
                          )}
                        </Surface>
                      </Tabs.Panel>
                    ))}
                  </Tabs>
                ) : null}
              </Stack>
              <Stack gap={16}>
                {version ? (
                  <Surface title={t("What it is")}>
                    <Facts
                      items={[
                        [t("Version"), version.number],
                        [t("Rows"), count(version.rowCount)],
                        [t("Row shape"), shapeWord(version.shape)],
                        [t("Columns"), version.columns.map((column) => column.name).join(", ")],
                        ...originFacts(version.statistics, version.rowCount),
                        ...collectedFacts(dataset.lastCollected),
                        [t("Size"), bytes(version.sizeBytes)],
                        whenFact(t("Added"), version.createdAt),
                        hashFact(version.hash),
                        idFact(version.id),
                      ]}
                    />
                    {version.shape === "PREFERENCE" ? (
                      <Text size="sm" mt={8}>
                        {t(
                          "No training method learns from preferences yet. To train on the better replies, collect the same rows as examples.",
                        )}
                      </Text>
                    ) : null}
                  </Surface>
                ) : null}
                <Surface title={t("Used by")}>
                  <UsedBy nodes={dataset.dependants} count={dataset.dependantCount} />
                </Surface>
                <DeleteButton
                  id={dataset.id}
                  name={dataset.name}
                  dependants={dataset.dependants}
                  dependantCount={dataset.dependantCount}
                  backTo="/datasets"
                />
              </Stack>
            </div>
          );
        }}
      </Loaded>
    </Page>
  );
}
