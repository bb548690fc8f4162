// Registered models: the stable names of live models, and how a program calls one.
import { Button, Stack } from "@mantine/core";
import { Link, useParams } from "@tanstack/react-router";
import { act } from "../api/client.ts";
import { useData } from "../api/data.ts";
import { t } from "../i18n.ts";
import { Facts, Surface } from "../ui/bits.tsx";
import { ConfirmButton } from "../ui/confirm.tsx";
import { Lineage } from "../ui/lineage.tsx";
import { ListPage } from "../ui/list-page.tsx";
import { Page } from "../ui/page.tsx";
import { Empty, Loaded } from "../ui/states.tsx";
import { createdColumn, idFact, linkTo, whenFact } from "../ui/things.tsx";
import { deleteThing } from "../ui/trash.tsx";
import { ChatButton, precisionWord } from "./actions.tsx";
import { LivePill } from "./live-pill.tsx";
import { liveOneQuery, registeredQuery } from "./queries.ts";
import { Snippets } from "./snippets.tsx";

export function RegisteredListPage() {
  const reading = useData(registeredQuery, {});
  const button = (
    <Button component={Link} to="/live">
      {t("Register a live model")}
    </Button>
  );
  return (
    <ListPage
      title={t("Registered models")}
      sentence={t("Stable names for live models, in chat and for programs at /v1.")}
      action={button}
      reading={reading}
      rows={reading.data?.registeredModels.nodes}
      empty={{
        title: t("No alias yet"),
        text: t(
          "Register a live model: programs then call it by its alias while you change what stands behind it.",
        ),
      }}
      searchText={(row) => `${row.alias} ${row.live.name}`}
      openPath={(row) => `/registered/${row.id}`}
      nameToDelete={(row) => row.alias}
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
          cell: (r) => linkTo("/live", r.live),
        },
        { key: "status", label: t("Status"), cell: (r) => <LivePill status={r.live.status} /> },
        createdColumn(t("Registered")),
      ]}
    />
  );
}

export function RegisteredPage() {
  const { id } = useParams({ strict: false }) as { id: string };
  const reading = useData(registeredQuery, {});
  const model = reading.data?.registeredModels.nodes.find((row) => row.id === id);
  const lineage = useData(liveOneQuery, model ? { id: model.live.id } : null);
  const live = lineage.data?.node?.__typename === "LiveModel" ? lineage.data.node : null;
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
                <Surface title={t("From a program")}>
                  <Snippets alias={model.alias} />
                </Surface>
                {live ? (
                  <Surface title={t("Lineage")}>
                    <Lineage
                      nodes={[...live.lineage, ...live.dependants, { ...live, kind: "live", relation: "" }]}
                      hidden={live.dependantCount - live.dependants.length}
                      self={{ id: model.id, kind: "registered", name: model.alias }}
                    />
                  </Surface>
                ) : null}
                <Surface title={t("What it is")}>
                  <Facts
                    items={[
                      [t("Live model"), linkTo("/live", model.live)],
                      [t("Status"), <LivePill key="p" status={model.live.status} />],
                      [t("Precision"), precisionWord(model.live.precision)],
                      whenFact(t("Registered"), model.createdAt),
                      idFact(model.id),
                    ]}
                  />
                </Surface>
              </Stack>
              <Surface title={t("Next")}>
                <Stack gap={8}>
                  <Button component={Link} to="/settings" variant="default">
                    {t("Make a key for a program")}
                  </Button>
                  <ConfirmButton
                    button={t("Unregister {{name}}", { name: model.alias })}
                    title={t("Unregister {{name}}?", { name: model.alias })}
                    sentence={t("Programs that ask for {{name}} get 404 from then on. {{live}} stays live.", {
                      name: model.alias,
                      live: model.live.name,
                    })}
                    confirm={t("Unregister {{name}}", { name: model.alias })}
                    done={t("{{name}} is unregistered", { name: model.alias })}
                    undoId={model.id}
                    run={async () => void (await act(deleteThing, { id: model.id }))}
                    backTo="/registered"
                  />
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
