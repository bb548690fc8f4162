// The dashboard: what ran and what it cost in a range of days, and how queue, trainers, engines and disk stand now.
import { Button, SegmentedControl, Stack, Text } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import type { ResultOf } from "gql.tada";
import { useContext, useMemo, useState } from "react";
import { useWhyNot, ViewerContext } from "../accounts/viewer.tsx";
import { act } from "../api/client.ts";
import { refreshAll, useData, useWork } from "../api/data.ts";
import { t } from "../i18n.ts";
import { said } from "../said.ts";
import { DayBars, ShareBars } from "../ui/bars.tsx";
import { Surface, When } from "../ui/bits.tsx";
import { count, dollars } from "../ui/format.ts";
import { Page } from "../ui/page.tsx";
import { Loaded, ProblemNotice } from "../ui/states.tsx";
import { kindWord, retryRun } from "../ui/status.tsx";
import { Table } from "../ui/table.tsx";
import { Disk, Engines, NowTiles, Trainers, useWhileVisible } from "./now.tsx";
import { daysQuery, nowQuery } from "./queries.ts";
import { RangePicker, useRange } from "./range.tsx";
import { type Measure, runSeries, thirdPartySeries, thirdPartySums } from "./series.ts";

type Days = ResultOf<typeof daysQuery>["dashboard"];

/** How many candidates an assessment compares. */
const modeWords: Record<string, string> = {
  single: t("one candidate"),
  pair: t("two candidates"),
  several: t("more candidates"),
};

export function DashboardPage() {
  const { from, to, timeZone } = useRange();
  const viewer = useContext(ViewerContext);
  const isAdmin = viewer?.scopes.includes("admin") ?? false;
  const days = useData(daysQuery, { from, to, timeZone });
  const now = useData(nowQuery, viewer ? { from: to, to, timeZone, isAdmin } : null);
  useWhileVisible(now.reload);
  return (
    <Page
      title={t("Dashboard")}
      sentence={t("What ran, what it cost, and how the server stands.")}
      action={<Button onClick={refreshAll}>{t("Refresh")}</Button>}
    >
      <Stack gap={16}>
        <Loaded reading={now} rows={2}>
          {({ dashboard }) => <NowTiles now={dashboard} />}
        </Loaded>
        <div>
          <RangePicker />
          <Loaded reading={days} rows={8}>
            {({ dashboard }) => <DayCharts days={dashboard} />}
          </Loaded>
        </div>
        {now.data ? (
          <div className="e-dash">
            <Trainers trainers={now.data.dashboard.trainers} />
            {now.data.dashboard.engines ? <Engines engines={now.data.dashboard.engines} /> : null}
            {now.data.dashboard.disk ? <Disk disk={now.data.dashboard.disk} /> : null}
          </div>
        ) : null}
      </Stack>
    </Page>
  );
}

function Nothing(props: { children: string }) {
  return (
    <Text size="sm" c="dimmed" py={24} ta="center">
      {props.children}
    </Text>
  );
}

function DayCharts({ days }: { days: Days }) {
  const runs = useMemo(() => runSeries(days.days, days.runs), [days]);
  return (
    <div className="e-dash">
      <div className="e-wide">
        <Surface title={t("Runs by day")}>
          {days.runs.length === 0 ? (
            <Nothing>{t("Nothing ran in these days.")}</Nothing>
          ) : (
            <DayBars label={t("Runs by day")} days={days.days} series={runs} format={count} />
          )}
        </Surface>
      </div>
      <ThirdParty days={days} />
      <Failures failures={days.failures} />
      <Surface title={t("Base models of trainings")}>
        {days.bases.length === 0 ? (
          <Nothing>{t("Nothing was trained in these days.")}</Nothing>
        ) : (
          <ShareBars
            label={t("Base models of trainings")}
            format={count}
            items={days.bases.map(({ name, count: value }) => ({ name, value, color: "var(--e-blue)" }))}
          />
        )}
      </Surface>
      <Surface title={t("Assessments by mode")}>
        {days.assessments.length === 0 ? (
          <Nothing>{t("No model was assessed in these days.")}</Nothing>
        ) : (
          <ShareBars
            label={t("Assessments by mode")}
            format={count}
            items={days.assessments.map(({ name, count: value }) => ({
              name: modeWords[name] ?? name,
              value,
            }))}
          />
        )}
      </Surface>
    </div>
  );
}

function ThirdParty({ days }: { days: Days }) {
  const [measure, setMeasure] = useState<Measure>("calls");
  const format = measure === "cost" ? dollars : count;
  const sums = useMemo(() => thirdPartySums(days.thirdParty), [days]);
  return (
    <Surface
      title={t("Third-party use")}
      aside={
        sums.length === 0 ? null : (
          <SegmentedControl
            size="xs"
            aria-label={t("What is counted")}
            value={measure}
            onChange={(value) => setMeasure(value as Measure)}
            data={[
              { value: "calls", label: t("Calls") },
              { value: "tokens", label: t("Tokens") },
              { value: "cost", label: t("Cost") },
            ]}
          />
        )
      }
    >
      {sums.length === 0 ? (
        <Nothing>{t("No third-party model was called in these days.")}</Nothing>
      ) : (
        <>
          <DayBars
            label={t("Third-party use")}
            days={days.days}
            series={thirdPartySeries(days.days, days.thirdParty, measure)}
            format={format}
          />
          <div className="e-scroll" style={{ marginTop: 12 }}>
            <Table
              rows={sums}
              idOf={(row) => row.model}
              columns={[
                {
                  label: t("Model"),
                  cell: (row) => <span style={{ overflowWrap: "anywhere" }}>{row.model}</span>,
                },
                { label: t("Calls"), isNumber: true, cell: (row) => count(row.calls) },
                {
                  label: t("Tokens"),
                  isNumber: true,
                  cell: (row) => count(row.inputTokens + row.outputTokens),
                },
                {
                  label: t("Cost"),
                  isNumber: true,
                  cell: (row) => (row.costUsd === null ? "–" : dollars(row.costUsd)),
                },
              ]}
            />
          </div>
        </>
      )}
    </Surface>
  );
}

function Failures({ failures }: { failures: Days["failures"] }) {
  const work = useWork();
  const why = useWhyNot()("train");
  return (
    <Surface
      title={t("Latest failures")}
      aside={<Link to="/runs?status=FAILED">{t("All that failed")}</Link>}
    >
      {work.problem ? <ProblemNotice problem={work.problem} /> : null}
      {failures.length === 0 ? (
        <Nothing>{t("No run has failed.")}</Nothing>
      ) : (
        <ul className="e-rows">
          {failures.map((run) => (
            <li key={run.id}>
              <h3 style={{ justifyContent: "space-between" }}>
                <Link to={`/runs/${run.id}`}>{said(run.name)}</Link>
                <Button
                  size="compact-xs"
                  variant="default"
                  aria-label={t("Run it again: {{name}}", { name: said(run.name) })}
                  disabled={work.isBusy || why !== null}
                  title={why ?? undefined}
                  onClick={() => work.run(async () => void (await act(retryRun, { id: run.id })))}
                >
                  {t("Run it again")}
                </Button>
              </h3>
              <p style={{ marginBottom: 0 }}>
                {kindWord(run.kind)} · <When at={run.endedAt ?? run.createdAt} /> ·{" "}
                {said(run.error?.message ?? "")}
              </p>
            </li>
          ))}
        </ul>
      )}
    </Surface>
  );
}
