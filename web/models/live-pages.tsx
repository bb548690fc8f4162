// Live and registered models: what is served, at which precision, how well; stop, start, retire, register.
import { Button, Stack, Text } from "@mantine/core";
import { Link, useParams } from "@tanstack/react-router";
import { useEffect } from "react";
import { act } from "../api/client.ts";
import { useData, useWork } from "../api/data.ts";
import { t } from "../i18n.ts";
import { pathOf } from "../paths.ts";
import { Copyable, Facts, Lineage, reachable, Surface, When } from "../ui/bits.tsx";
import { bytes, rate } from "../ui/format.ts";
import { List } from "../ui/list.tsx";
import { Page } from "../ui/page.tsx";
import { Empty, Loaded, ProblemNotice } from "../ui/states.tsx";
import { Pill, type Tone } from "../ui/status.tsx";
import { ChatButton, precisionWord, RegisterButton } from "./actions.tsx";
import {
  liveOneQuery,
  liveQuery,
  registeredQuery,
  retireLive,
  startLive,
  stopLive,
  unregisterModel,
} from "./queries.ts";

type Status = "STARTING" | "LIVE" | "STOPPED" | "FAILED";
const tones: Record<Status, Tone> = { STARTING: "amber", LIVE: "leaf", STOPPED: "plain", FAILED: "red" };

function LivePill(props: { status: Status }) {
  const words: Record<Status, string> = {
    STARTING: t("starting"),
    LIVE: t("live"),
    STOPPED: t("stopped"),
    FAILED: t("failed"),
  };
  return <Pill tone={tones[props.status]}>{words[props.status]}</Pill>;
}

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
    <Page
      title={t("Live models")}
      sentence={t("Models that are loaded and answer now, with their health.")}
      action={button}
    >
      <Loaded reading={reading}>
        {(data) =>
          data.liveModels.nodes.length === 0 ? (
            <Empty
              title={t("Nothing is live yet")}
              text={t(
                "Deploy a base, customized or complete model; it answers a smoke prompt before it counts as live.",
              )}
              action={button}
            />
          ) : (
            <List
              rows={data.liveModels.nodes}
              label={t("Live models")}
              searchText={(row) => `${row.name} ${row.source.name} ${row.aliases.join(" ")}`}
              openPath={(row) => `/live/${row.id}`}
              columns={[
                {
                  key: "name",
                  label: t("Name"),
                  sortBy: (r) => r.name,
                  cell: (r) => <Link to={`/live/${r.id}`}>{r.name}</Link>,
                },
                {
                  key: "status",
                  label: t("Status"),
                  sortBy: (r) => r.status,
                  cell: (r) => <LivePill status={r.status} />,
                },
                { key: "health", label: t("Health"), cell: (r) => r.health },
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
          )
        }
      </Loaded>
    </Page>
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
                  <Facts
                    items={[
                      [t("Health"), live.health],
                      [t("Speed"), rate(live.tokensPerSecond)],
                      [t("Memory"), bytes(live.memoryBytes)],
                      [t("Requests"), live.requests],
                      [t("Precision"), precisionWord(live.precision)],
                      [
                        t("Serves"),
                        <Link key="s" to={pathOf(live.source)}>
                          {live.source.name}
                        </Link>,
                      ],
                      [t("Registered as"), live.aliases.join(", ") || "–"],
                      [t("Deployed"), <When key="w" at={live.createdAt} />],
                    ]}
                  />
                </Surface>
                <Surface title={t("Lineage")}>
                  <Lineage nodes={[...live.lineage, ...live.dependants]} self={live.id} />
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
                  <Button
                    variant="subtle"
                    c="var(--e-red)"
                    color="red"
                    loading={work.isBusy}
                    onClick={() => work.run(async () => void (await act(retireLive, { id })))}
                  >
                    {t("Retire {{name}}", { name: live.name })}
                  </Button>
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

export function RegisteredListPage() {
  const reading = useData(registeredQuery, {});
  const button = (
    <Button component={Link} to="/live">
      {t("Register a live model")}
    </Button>
  );
  return (
    <Page
      title={t("Registered models")}
      sentence={t("Stable names for live models, in chat and for programs at /v1.")}
      action={button}
    >
      <Loaded reading={reading}>
        {(data) =>
          data.registeredModels.nodes.length === 0 ? (
            <Empty
              title={t("No alias yet")}
              text={t(
                "Register a live model: programs then call it by its alias while you change what stands behind it.",
              )}
              action={button}
            />
          ) : (
            <List
              rows={data.registeredModels.nodes}
              label={t("Registered models")}
              searchText={(row) => `${row.alias} ${row.live.name}`}
              openPath={(row) => `/registered/${row.id}`}
              columns={[
                {
                  key: "alias",
                  label: t("Alias"),
                  sortBy: (r) => r.alias,
                  cell: (r) => <Link to={`/registered/${r.id}`}>{r.alias}</Link>,
                },
                {
                  key: "live",
                  label: t("Live model"),
                  cell: (r) => <Link to={`/live/${r.live.id}`}>{r.live.name}</Link>,
                },
                { key: "status", label: t("Status"), cell: (r) => <LivePill status={r.live.status} /> },
                {
                  key: "created",
                  label: t("Registered"),
                  sortBy: (r) => r.createdAt,
                  cell: (r) => <When at={r.createdAt} />,
                },
              ]}
            />
          )
        }
      </Loaded>
    </Page>
  );
}

export function RegisteredPage() {
  const { id } = useParams({ strict: false }) as { id: string };
  const reading = useData(registeredQuery, {});
  const work = useWork();
  const model = reading.data?.registeredModels.nodes.find((row) => row.id === id);
  const lineage = useData(liveOneQuery, model ? { id: model.live.id } : null);
  const live = lineage.data?.node?.__typename === "LiveModel" ? lineage.data.node : null;
  const example = `curl ${location.origin}/v1/chat/completions \\
  -H "authorization: Bearer $ESPALIER_KEY" -H "content-type: application/json" \\
  -d '{"model": "${model?.alias ?? ""}", "messages": [{"role": "user", "content": "Hello"}]}'`;
  return (
    <Page
      title={model?.alias ?? t("Registered model")}
      crumb={{ label: t("Registered models"), to: "/registered" }}
      action={model ? <ChatButton model={model.alias} variant="filled" /> : null}
    >
      <Loaded reading={reading}>
        {() =>
          model ? (
            <div className="e-columns">
              <Stack gap={16}>
                <Surface title={t("What it is")}>
                  <Facts
                    items={[
                      [
                        t("Live model"),
                        <Link key="l" to={`/live/${model.live.id}`}>
                          {model.live.name}
                        </Link>,
                      ],
                      [t("Status"), <LivePill key="p" status={model.live.status} />],
                      [t("Precision"), precisionWord(model.live.precision)],
                      [t("Registered"), <When key="w" at={model.createdAt} />],
                    ]}
                  />
                </Surface>
                <Surface title={t("From a program")}>
                  <Text size="sm" mb={8}>
                    {t(
                      "Any OpenAI client works: base address {{url}}, a key from Settings, this alias as model.",
                      { url: `${location.origin}/v1` },
                    )}
                  </Text>
                  <pre className="e-tokens e-mono" {...reachable}>
                    {example}
                  </pre>
                  <Copyable text={example} short={t("Copy")} label={t("Copy the example")} />
                </Surface>
                {live ? (
                  <Surface title={t("Lineage")}>
                    <Lineage nodes={[...live.lineage, ...live.dependants]} self={model.id} />
                  </Surface>
                ) : null}
              </Stack>
              <Surface title={t("Next")}>
                <Stack gap={8}>
                  <Button
                    variant="subtle"
                    color="red"
                    c="var(--e-red)"
                    loading={work.isBusy}
                    onClick={() =>
                      work.run(async () => void (await act(unregisterModel, { alias: model.alias })))
                    }
                  >
                    {t("Unregister {{name}}", { name: model.alias })}
                  </Button>
                  {work.problem ? <ProblemNotice problem={work.problem} /> : null}
                </Stack>
              </Surface>
            </div>
          ) : (
            <Empty title={t("No such alias")} text={t("It may have been unregistered.")} />
          )
        }
      </Loaded>
    </Page>
  );
}
