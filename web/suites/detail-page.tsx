// One suite: the latest run first, then how scores went over the runs, and what the suite holds.
import { Button, Stack, Text } from "@mantine/core";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import type { ResultOf } from "gql.tada";
import { Gate } from "../accounts/viewer.tsx";
import { act } from "../api/client.ts";
import { useData, useWork } from "../api/data.ts";
import { t } from "../i18n.ts";
import { Made, Surface, When } from "../ui/bits.tsx";
import { ConfirmButton } from "../ui/confirm.tsx";
import { Page } from "../ui/page.tsx";
import { Empty, Loaded, ProblemNotice } from "../ui/states.tsx";
import { deleteThing } from "../ui/trash.tsx";
import { History } from "./history.tsx";
import { Matrix, suiteText } from "./matrix.tsx";
import { copySuite, suiteQuery, takeOutOfSuite } from "./queries.ts";
import { RunForm } from "./run-form.tsx";

export type Suite = Extract<NonNullable<ResultOf<typeof suiteQuery>["node"]>, { __typename: "Suite" }>;
export type SuiteRun = NonNullable<Suite["run"]>;

function CopyButton(props: { suite: Suite }) {
  const { suite } = props;
  const work = useWork();
  const navigate = useNavigate();
  return (
    <Gate scope="write">
      {work.problem ? <ProblemNotice problem={work.problem} /> : null}
      <Button
        variant="default"
        fullWidth
        loading={work.isBusy}
        onClick={() =>
          void work.run(async () => {
            const name = t("{{name}} copy", { name: suite.name });
            const { suite: made } = await act(copySuite, { suite: suite.id, name });
            await navigate({ to: `/suites/${made.id}` });
          })
        }
      >
        {t("Copy")}
      </Button>
    </Gate>
  );
}

function Entries(props: { suite: Suite }) {
  const { suite } = props;
  if (suite.entries.length === 0)
    return <Text size="sm">{t("Nothing yet: open an assessment and add it to this suite.")}</Text>;
  return (
    <Stack gap={12}>
      {suite.entries.map((entry) => (
        <div key={entry.entryId} className="e-suite-entry">
          <div>
            <strong>{entry.name}</strong>
            <Text size="sm" c="dimmed">
              {entry.isThere ? (
                <Link to={`/datasets/${entry.datasetVersionId}`}>{entry.dataset}</Link>
              ) : (
                <span className="e-wrong">{t("{{name}} was deleted", { name: entry.dataset })}</span>
              )}
            </Text>
            <Text size="sm" c="dimmed">
              {entry.graders.join(", ")}
            </Text>
          </div>
          <ConfirmButton
            button={t("Take out")}
            title={t("Take {{name}} out of the suite?", { name: entry.name })}
            sentence={t("What earlier runs found of it stays; new runs do not ask it.")}
            confirm={t("Take out {{name}}", { name: entry.name })}
            done={t("{{name}} is taken out", { name: entry.name })}
            run={async () => void (await act(takeOutOfSuite, { suite: suite.id, entry: entry.entryId }))}
          />
        </div>
      ))}
    </Stack>
  );
}

function Body(props: { suite: Suite; onShow: (number: number | null) => void }) {
  const { suite, onShow } = props;
  const { run } = suite;
  return (
    <div className="e-columns">
      <Stack gap={16}>
        {run ? (
          <>
            <Surface
              title={t("Verdict of run {{number}}", { number: run.number })}
              aside={<When at={run.createdAt} />}
              {...(run.isClear ? { tone: "blue" as const } : {})}
            >
              <Text size="lg" className="e-verdict">
                {suiteText(run)}
              </Text>
            </Surface>
            <Surface title={t("Candidates and entries")}>
              <Matrix run={run} />
            </Surface>
            {suite.history.length > 0 ? (
              <Surface title={t("Over the runs")}>
                <History suite={suite} shown={run.number} onShow={onShow} />
              </Surface>
            ) : null}
          </>
        ) : (
          <Empty
            title={t("Not run yet")}
            text={t("Choose candidates and run it: each entry is asked of each.")}
          />
        )}
      </Stack>
      <Stack gap={16}>
        <Surface title={t("Run")}>
          <RunForm id={suite.id} onStarted={() => onShow(null)} />
        </Surface>
        <Surface title={t("What it holds")}>
          <Entries suite={suite} />
        </Surface>
        <Surface title={t("Next")}>
          <Stack gap={8}>
            <CopyButton suite={suite} />
            <ConfirmButton
              button={t("Delete")}
              title={t("Delete {{name}}?", { name: suite.name })}
              sentence={t("The assessments of its runs stay.")}
              confirm={t("Delete {{name}}", { name: suite.name })}
              done={t("{{name}} is deleted", { name: suite.name })}
              undoId={suite.id}
              backTo="/suites"
              run={async () => void (await act(deleteThing, { id: suite.id, confirm: true }))}
            />
            <Text size="xs" c="dimmed">
              <Made at={suite.createdAt} by={suite.createdBy} />
            </Text>
          </Stack>
        </Surface>
      </Stack>
    </div>
  );
}

export function SuitePage() {
  const { id = "" } = useParams({ strict: false });
  const search = useSearch({ strict: false }) as { run?: string };
  const navigate = useNavigate();
  const number = search.run === undefined ? null : Number.parseInt(search.run, 10) || null;
  const reading = useData(suiteQuery, { id, number });
  const node = reading.data?.node;
  const suite = node?.__typename === "Suite" ? node : null;
  return (
    <Page title={suite?.name ?? t("Suite")} thing={suite} crumb={{ label: t("Suites"), to: "/suites" }}>
      <Loaded reading={reading}>
        {() =>
          suite ? (
            <Body
              suite={suite}
              onShow={(wanted) =>
                void navigate({
                  to: `/suites/${id}`,
                  search: (wanted === null ? {} : { run: String(wanted) }) as never,
                })
              }
            />
          ) : (
            <Empty title={t("No such suite")} text={t("It may have been deleted.")} />
          )
        }
      </Loaded>
    </Page>
  );
}
