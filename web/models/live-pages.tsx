// Live models: what is served, at which precision, how well; stop, start, retire, register.
import { Button, Stack } from "@mantine/core";
import { Link, useParams } from "@tanstack/react-router";
import { useEffect } from "react";
import { act } from "../api/client.ts";
import { useData, useWork } from "../api/data.ts";
import { LiveOverrides } from "../gates/overrides.tsx";
import { t } from "../i18n.ts";
import { pathOf } from "../paths.ts";
import { Facts, Surface, Tile } from "../ui/bits.tsx";
import { ConfirmButton } from "../ui/confirm.tsx";
import { bytes, count, rate } from "../ui/format.ts";
import { Lineage } from "../ui/lineage.tsx";
import { ListPage } from "../ui/list-page.tsx";
import { Page } from "../ui/page.tsx";
import { Empty, Loaded, ProblemNotice } from "../ui/states.tsx";
import { idFact, nameColumn, whenFact } from "../ui/things.tsx";
import { deleteThing } from "../ui/trash.tsx";
import { ChatButton, precisionWord, RegisterButton } from "./actions.tsx";
import { LivePill } from "./live-pill.tsx";
import { liveOneQuery, liveQuery, startLive, stopLive } from "./queries.ts";

const healthWords: Record<string, [word: string, note: string]> = {
  starting: [t("starting"), t("loads and answers a smoke prompt")],
  ready: [t("ready"), t("loaded, answers at once")],
  asleep: [t("asleep"), t("loads at the next request")],
  stopped: [t("stopped"), t("start it to use it")],
  failed: [t("failed"), t("see why, then start it again")],
};
const healthWord = (health: string): string => healthWords[health]?.[0] ?? health;
const healthNote = (health: string): string => healthWords[health]?.[1] ?? "";

/** Health and rates move without a run: ask again every few seconds while the page is seen. */
function useTicking(reload: () => void): void {
  useEffect(() => {
    const timer = setInterval(() => {
      if (document.visibilityState === "visible") reload();
    }, 5000);
    return () => clearInterval(timer);
  }, [reload]);
}

export function LiveListPage() {
  const reading = useData(liveQuery, {});
  useTicking(reading.reload);
  const button = (
    <Button component={Link} to="/complete">
      {t("Deploy a model")}
    </Button>
  );
  return (
    <ListPage
      title={t("Live models")}
      sentence={t("Models that are loaded and answer now, with their health.")}
      action={button}
      reading={reading}
      rows={reading.data?.liveModels.nodes}
      empty={{
        title: t("Nothing is live yet"),
        text: t(
          "Deploy a base, customized or complete model; it answers a smoke prompt before it counts as live.",
        ),
      }}
      searchText={(row) => `${row.name} ${row.source.name} ${row.aliases.join(" ")}`}
      openPath={(row) => `/live/${row.id}`}
      nameToDelete={(row) => row.name}
      columns={[
        nameColumn("/live"),
        {
          key: "status",
          label: t("Status"),
          sortBy: (r) => r.status,
          cell: (r) => <LivePill status={r.status} />,
        },
        { key: "health", label: t("Health"), cell: (r) => healthWord(r.health) },
        {
          key: "source",
          label: t("Serves"),
          sortBy: (r) => r.source.name,
          cell: (r) => <Link to={pathOf(r.source)}>{r.source.name}</Link>,
        },
        { key: "precision", label: t("Precision"), cell: (r) => precisionWord(r.precision) },
        {
          key: "rate",
          label: t("Speed"),
          isNumber: true,
          sortBy: (r) => r.tokensPerSecond ?? 0,
          cell: (r) => rate(r.tokensPerSecond),
        },
        {
          key: "memory",
          label: t("Memory"),
          isNumber: true,
          sortBy: (r) => r.memoryBytes ?? 0,
          cell: (r) => bytes(r.memoryBytes),
        },
        {
          key: "requests",
          label: t("Requests"),
          isNumber: true,
          sortBy: (r) => r.requests,
          cell: (r) => r.requests,
        },
        {
          key: "aliases",
          label: t("Registered as"),
          cell: (r) => r.aliases.join(", ") || <span className="e-muted">–</span>,
        },
      ]}
    />
  );
}

export function LivePage() {
  const { id } = useParams({ strict: false }) as { id: string };
  const reading = useData(liveOneQuery, { id });
  useTicking(reading.reload);
  const work = useWork();
  const live = reading.data?.node?.__typename === "LiveModel" ? reading.data.node : null;
  return (
    <Page
      title={live?.name ?? t("Live model")}
      thing={live}
      crumb={{ label: t("Live models"), to: "/live" }}
      aside={live ? <LivePill status={live.status} /> : null}
      action={
        live ? (
          <RegisterButton
            id={live.id}
            name={live.name}
            disabledReason={
              live.status === "LIVE" ? null : t("Only a live model can be registered; start it first.")
            }
          />
        ) : null
      }
    >
      <Loaded reading={reading}>
        {() =>
          live ? (
            <div className="e-columns">
              <Stack gap={16}>
                {live.error ? <ProblemNotice problem={live.error} /> : null}
                <Surface title={t("Now")}>
                  <dl className="e-tiles">
                    <Tile
                      label={t("Health")}
                      value={healthWord(live.health)}
                      note={healthNote(live.health)}
                    />
                    <Tile
                      label={t("Speed")}
                      value={rate(live.tokensPerSecond)}
                      note={t("of the last reply")}
                    />
                    <Tile
                      label={t("Memory")}
                      value={bytes(live.memoryBytes)}
                      note={t("at {{precision}}", { precision: precisionWord(live.precision) })}
                    />
                    <Tile
                      label={t("Requests")}
                      value={count(live.requests)}
                      note={t("since it was deployed")}
                    />
                  </dl>
                </Surface>
                <LiveOverrides id={live.id} />
                <Surface title={t("Lineage")}>
                  <Lineage
                    nodes={[...live.lineage, ...live.dependants]}
                    hidden={live.dependantCount - live.dependants.length}
                    self={{ id: live.id, kind: "live", name: live.name }}
                  />
                </Surface>
                <Surface title={t("What it is")}>
                  <Facts
                    items={[
                      [
                        t("Serves"),
                        <Link key="s" to={pathOf(live.source)}>
                          {live.source.name}
                        </Link>,
                      ],
                      [t("Precision"), precisionWord(live.precision)],
                      [t("Registered as"), live.aliases.join(", ") || "–"],
                      whenFact(t("Deployed"), live.createdAt),
                      idFact(live.id),
                    ]}
                  />
                </Surface>
              </Stack>
              <Surface title={t("Next")}>
                <Stack gap={8}>
                  <ChatButton model={live.name} />
                  {live.status === "STOPPED" || live.status === "FAILED" ? (
                    <Button
                      variant="default"
                      loading={work.isBusy}
                      onClick={() => work.run(async () => void (await act(startLive, { id })))}
                    >
                      {t("Start {{name}}", { name: live.name })}
                    </Button>
                  ) : (
                    <Button
                      variant="default"
                      loading={work.isBusy}
                      onClick={() => work.run(async () => void (await act(stopLive, { id })))}
                    >
                      {t("Stop {{name}}", { name: live.name })}
                    </Button>
                  )}
                  <ConfirmButton
                    button={t("Retire {{name}}", { name: live.name })}
                    title={t("Retire {{name}}?", { name: live.name })}
                    sentence={t("It stops answering and leaves the list. The model that it serves stays.")}
                    confirm={t("Retire {{name}}", { name: live.name })}
                    done={t("{{name}} is retired", { name: live.name })}
                    undoId={id}
                    dependants={live.dependants}
                    dependantCount={live.dependantCount}
                    run={async () => void (await act(deleteThing, { id, confirm: true }))}
                    backTo="/live"
                  />
                  {work.problem ? <ProblemNotice problem={work.problem} /> : null}
                </Stack>
              </Surface>
            </div>
          ) : (
            <Empty title={t("No such live model")} text={t("It may have been retired.")} />
          )
        }
      </Loaded>
    </Page>
  );
}
