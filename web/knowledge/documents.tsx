// The documents of a knowledge base: how each stands, why one failed, its log, retry and delete.
import { Button, Group, Text } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { act } from "../api/client.ts";
import { useWork } from "../api/data.ts";
import { sentencesOf } from "../api/errors.ts";
import { t } from "../i18n.ts";
import { bytes, count } from "../ui/format.ts";
import { List } from "../ui/list.tsx";
import { Empty, ProblemNotice } from "../ui/states.tsx";
import { Pill, type Tone } from "../ui/status.tsx";
import { createdColumn } from "../ui/things.tsx";
import type { KnowledgeBase } from "./detail-page.tsx";
import { retryDocument } from "./queries.ts";

type Document = KnowledgeBase["documents"]["nodes"][number];

const states: Record<Document["state"], [word: string, tone: Tone]> = {
  QUEUED: [t("queued"), "amber"],
  PARSING: [t("reading"), "amber"],
  INDEXING: [t("indexing"), "amber"],
  READY: [t("ready"), "leaf"],
  FAILED: [t("failed"), "red"],
};

export function StatePill(props: { state: Document["state"] }) {
  const [word, tone] = states[props.state];
  return <Pill tone={tone}>{word}</Pill>;
}

export function Documents(props: { base: KnowledgeBase; add: ReactNode }) {
  const { base } = props;
  const work = useWork();
  if (base.documents.nodes.length === 0)
    return (
      <Empty
        title={t("No document yet")}
        text={t("Drop files or whole folders anywhere on this page. They are read in the background.")}
        action={props.add}
      />
    );
  return (
    <>
      {work.problem ? <ProblemNotice problem={work.problem} /> : null}
      <List
        rows={base.documents.nodes}
        label={t("Documents")}
        searchText={(row) => `${row.name} ${row.format ?? ""} ${states[row.state][0]}`}
        openPath={(row) => `/knowledge/${base.id}/documents/${row.id}`}
        nameToDelete={(row) => row.name}
        columns={[
          {
            key: "name",
            label: t("Name"),
            sortBy: (row) => row.name,
            cell: (row) => <Link to={`/knowledge/${base.id}/documents/${row.id}`}>{row.name}</Link>,
          },
          {
            key: "state",
            label: t("State"),
            sortBy: (row) => row.state,
            cell: (row) => (
              <StateCell
                document={row}
                isBusy={work.isBusy}
                onRetry={() => work.run(async () => void (await act(retryDocument, { id: row.id })))}
              />
            ),
          },
          {
            key: "format",
            label: t("Format"),
            sortBy: (row) => row.format ?? "",
            cell: (row) => formatOf(row),
          },
          {
            key: "chunks",
            label: t("Chunks"),
            isNumber: true,
            sortBy: (row) => row.chunkCount ?? 0,
            cell: (row) => (row.chunkCount === null ? "–" : count(row.chunkCount)),
          },
          {
            key: "size",
            label: t("Size"),
            isNumber: true,
            sortBy: (row) => row.sizeBytes,
            cell: (row) => bytes(row.sizeBytes),
          },
          createdColumn(t("Added")),
        ]}
      />
    </>
  );
}

/** What a document is, and how long where it has pages. */
function formatOf({ format, pages }: Document): string {
  if (format === null) return "–";
  return pages === null ? format : t("{{format}}, {{count}} pages", { format, count: pages });
}

function StateCell(props: { document: Document; isBusy: boolean; onRetry: () => void }) {
  const { name, state, error, run } = props.document;
  if (state !== "FAILED") return <StatePill state={state} />;
  return (
    <div style={{ minWidth: 180, maxWidth: 360, whiteSpace: "normal" }}>
      <Group gap={8} mb={2}>
        <StatePill state={state} />
        <Button
          size="compact-xs"
          variant="default"
          loading={props.isBusy}
          aria-label={t("Retry {{name}}", { name })}
          onClick={props.onRetry}
        >
          {t("Retry")}
        </Button>
        {run ? (
          <Text size="xs">
            <Link to={`/runs/${run.id}`} aria-label={t("Log of {{name}}", { name })}>
              {t("Log")}
            </Link>
          </Text>
        ) : null}
      </Group>
      {error ? <Text size="xs">{sentencesOf(error)}</Text> : null}
    </div>
  );
}
