// Runs: every background execution, and one of them with its log.
import { Button, Select, Stack } from "@mantine/core";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { refreshAll, useData } from "../api/data.ts";
import { graphql } from "../api/graphql.ts";
import { isOver, type RunStatus, useLiveRun } from "../api/runs-live.ts";
import { t } from "../i18n.ts";
import { placeOfRun } from "../paths.ts";
import { said } from "../said.ts";
import { Copyable, Facts, Surface, When } from "../ui/bits.tsx";
import { tookText } from "../ui/format.ts";
import { List } from "../ui/list.tsx";
import { Page } from "../ui/page.tsx";
import { Empty, Loaded } from "../ui/states.tsx";
import { kindWord, RunPill, RunProgress, statusWord } from "../ui/status.tsx";
import { Attempts } from "./attempts.tsx";
import { RunLog } from "./log.tsx";
import { type TrainedRun, WhereItRuns } from "./where.tsx";

const runsQuery = graphql(`
  query Runs($status: RunStatus, $runs: String) {
    runs(first: 100, after: $runs, status: $status) {
      nodes {
        id kind name status attempt progress step totalSteps etaSeconds createdAt startedAt endedAt subjectId cancelRequestedAt
        hold { isSilent }
        error { code message hint field value }
      }
      pageInfo { hasNextPage endCursor }
    }
  }
`);
const runQuery = graphql(`
  query RunOne($id: ID!, $search: String) {
    node(id: $id) {
      __typename
      ... on Run {
        id kind name status attempt progress step totalSteps etaSeconds createdAt startedAt endedAt subjectId retryOf cancelRequestedAt
        checkpointStep hold { isSilent silentMs until trainer { id name } }
        attempts { number worker startedAt endedAt outcome why }
        error { code message hint field value }
        logLines(search: $search, last: 500)
      }
    }
  }
`);
const statuses: RunStatus[] = ["QUEUED", "RUNNING", "SUCCEEDED", "FAILED", "CANCELLED"];

export function RunsPage() {
  const { status } = useSearch({ strict: false }) as { status?: RunStatus };
  const navigate = useNavigate();
  const [pages, setPages] = useState(1);
  const reading = useData(runsQuery, { status: status && statuses.includes(status) ? status : null }, pages);
  return (
    <Page
      title={t("Runs")}
      sentence={t(
        "Everything that works in the background, now and before: imports, trainings, saves, deploys.",
      )}
      action={<Button onClick={refreshAll}>{t("Refresh")}</Button>}
    >
      <Loaded reading={reading}>
        {(data) =>
          data.runs.nodes.length === 0 && !status ? (
            <Empty
              title={t("Nothing has run yet")}
              text={t("Import a dataset or start a training; it shows here with its progress and log.")}
            />
          ) : (
            <List
              rows={data.runs.nodes}
              more={data.runs.pageInfo.hasNextPage ? () => setPages(pages + 1) : null}
              label={t("Runs")}
              searchText={(row) => `${said(row.name)} ${kindWord(row.kind)}`}
              openPath={(row) => `/runs/${row.id}`}
              aside={
                <Select
                  aria-label={t("Status")}
                  placeholder={t("Any status")}
                  clearable
                  data={statuses.map((value) => ({ value, label: statusWord(value) }))}
                  value={status ?? null}
                  onChange={(value) =>
                    navigate({
                      to: ".",
                      search: (old: Record<string, unknown>) => ({ ...old, status: value ?? undefined }),
                      replace: true,
                    })
                  }
                />
              }
              columns={[
                {
                  key: "name",
                  label: t("Name"),
                  sortBy: (r) => said(r.name),
                  cell: (r) => <Link to={`/runs/${r.id}`}>{said(r.name)}</Link>,
                },
                { key: "kind", label: t("Kind"), sortBy: (r) => r.kind, cell: (r) => kindWord(r.kind) },
                {
                  key: "status",
                  label: t("Status"),
                  sortBy: (r) => r.status,
                  cell: (r) => <RunPill run={r} />,
                },
                {
                  key: "started",
                  label: t("Started"),
                  sortBy: (r) => r.createdAt,
                  cell: (r) => <When at={r.startedAt ?? r.createdAt} />,
                },
                { key: "took", label: t("Took"), isNumber: true, cell: tookText },
                {
                  key: "error",
                  label: t("Why it failed"),
                  cell: (r) => (r.error ? <span className="e-muted">{said(r.error.message)}</span> : null),
                },
              ]}
            />
          )
        }
      </Loaded>
    </Page>
  );
}

export function RunPage() {
  const { id } = useParams({ strict: false }) as { id: string };
  const [search, setSearch] = useState("");
  const reading = useData(runQuery, { id, search: search || null });
  const run = reading.data?.node?.__typename === "Run" ? reading.data.node : null;
  return (
    <Page
      title={run ? said(run.name) : t("Run")}
      crumb={{ label: t("Runs"), to: "/runs" }}
      aside={run ? <RunPill run={run} /> : null}
    >
      <Loaded reading={reading}>
        {() =>
          run ? (
            <RunBody run={run} reload={reading.reload} search={search} onSearch={setSearch} />
          ) : (
            <Empty title={t("No such run")} text={t("The address may be mistyped.")} />
          )
        }
      </Loaded>
    </Page>
  );
}

type RunNode = Parameters<typeof useLiveRun>[0] & {
  attempt: number;
  createdAt: string;
  startedAt: string | null;
  endedAt: string | null;
  logLines: string[];
} & TrainedRun;

function RunBody(props: {
  run: RunNode;
  reload: () => void;
  search: string;
  onSearch: (text: string) => void;
}) {
  const run = useLiveRun(props.run);
  const { reload } = props;
  const isRunning = !isOver(run.status);
  useEffect(() => {
    if (!isRunning) return;
    const timer = setInterval(reload, 1500);
    return () => clearInterval(timer);
  }, [isRunning, reload]);
  const words = {
    IMPORT_DATASET: t("Open the dataset"),
    IMPORT_MODEL: t("Open the model"),
    TRAIN: t("Open the training"),
    MERGE: t("Open the complete model"),
    DEPLOY: t("Open the live model"),
    EXPORT: t("Open runs"),
    INDEX_DOCUMENTS: t("Open runs"),
    REBUILD_INDEX: t("Open runs"),
    EVALUATE_RETRIEVAL: t("Open runs"),
    MAKE_IMAGES: t("See the images"),
    ASSESS: t("Open the assessment"),
    CHECK_OVERLAP: t("Open the assessment"),
  } as const;
  return (
    <div className="e-columns">
      <Stack gap={16}>
        <Surface title={t("Progress")}>
          <RunProgress run={run} />
          <WhereItRuns run={run} />
        </Surface>
        <RunLog lines={props.run.logLines} search={props.search} onSearch={props.onSearch} />
      </Stack>
      <Stack gap={16}>
        <Surface title={t("Facts")}>
          <Facts
            items={[
              [t("Kind"), kindWord(run.kind)],
              [t("Attempt"), props.run.attempt],
              [t("Asked"), <When key="c" at={props.run.createdAt} />],
              [t("Started"), <When key="s" at={props.run.startedAt} />],
              [t("Took"), tookText(props.run)],
              [t("Id"), <Copyable key="i" text={run.id} label={t("Copy id")} />],
            ]}
          />
        </Surface>
        <Attempts attempts={props.run.attempts} />
        {run.status === "SUCCEEDED" ? (
          <Button component={Link} to={placeOfRun(run)}>
            {words[run.kind]}
          </Button>
        ) : null}
      </Stack>
    </div>
  );
}
