// Registered models: the stable names of live models, and how a program calls one.
import { Button, Stack, Text } from "@mantine/core";
import { Link, useParams } from "@tanstack/react-router";
import { act } from "../api/client.ts";
import { useData, useWork } from "../api/data.ts";
import { t } from "../i18n.ts";
import { Copyable, Facts, Lineage, reachable, Surface, When } from "../ui/bits.tsx";
import { List } from "../ui/list.tsx";
import { Page } from "../ui/page.tsx";
import { Empty, Loaded, ProblemNotice } from "../ui/states.tsx";
import { ChatButton, precisionWord } from "./actions.tsx";
import { LivePill } from "./live-pill.tsx";
import { liveOneQuery, registeredQuery, unregisterModel } from "./queries.ts";

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
