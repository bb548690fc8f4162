// Customized and complete models: lists and details with lineage and what can be done next.
import { Button, Stack, Text } from "@mantine/core";
import { Link, useParams } from "@tanstack/react-router";
import { useData } from "../api/data.ts";
import { t } from "../i18n.ts";
import { Copyable, Facts, Lineage, Surface, When } from "../ui/bits.tsx";
import { DeleteButton } from "../ui/delete-button.tsx";
import { bytes } from "../ui/format.ts";
import { List } from "../ui/list.tsx";
import { Page } from "../ui/page.tsx";
import { Empty, Loaded } from "../ui/states.tsx";
import { ChatButton, DeployButton, ExportButton, SaveButton } from "./actions.tsx";
import { completeOneQuery, completeQuery, customizedOneQuery, customizedQuery } from "./queries.ts";

export function CustomizedListPage() {
  const reading = useData(customizedQuery, {});
  const button = (
    <Button component={Link} to="/train">
      {t("Train")}
    </Button>
  );
  return (
    <Page
      title={t("Customized models")}
      sentence={t("Adapters made by a training; each needs its base model.")}
      action={button}
    >
      <Loaded reading={reading}>
        {(data) =>
          data.customizedModels.nodes.length === 0 ? (
            <Empty
              title={t("No customized model yet")}
              text={t("A training leaves one here: a small adapter that changes how its base answers.")}
              action={button}
            />
          ) : (
            <List
              rows={data.customizedModels.nodes}
              label={t("Customized models")}
              searchText={(row) => `${row.name} ${row.base.name}`}
              openPath={(row) => `/customized/${row.id}`}
              columns={[
                {
                  key: "name",
                  label: t("Name"),
                  sortBy: (r) => r.name,
                  cell: (r) => <Link to={`/customized/${r.id}`}>{r.name}</Link>,
                },
                {
                  key: "base",
                  label: t("Base model"),
                  sortBy: (r) => r.base.name,
                  cell: (r) => <Link to={`/base-models/${r.base.id}`}>{r.base.name}</Link>,
                },
                {
                  key: "training",
                  label: t("Training"),
                  cell: (r) => <Link to={`/trainings/${r.training.id}`}>{r.training.name}</Link>,
                },
                { key: "rank", label: t("Rank"), isNumber: true, sortBy: (r) => r.rank, cell: (r) => r.rank },
                {
                  key: "size",
                  label: t("Size"),
                  isNumber: true,
                  sortBy: (r) => r.sizeBytes,
                  cell: (r) => bytes(r.sizeBytes),
                },
                {
                  key: "created",
                  label: t("Made"),
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

export function CustomizedPage() {
  const { id } = useParams({ strict: false }) as { id: string };
  const reading = useData(customizedOneQuery, { id });
  const model = reading.data?.node?.__typename === "CustomizedModel" ? reading.data.node : null;
  return (
    <Page
      title={model?.name ?? t("Customized model")}
      crumb={{ label: t("Customized models"), to: "/customized" }}
      action={model ? <SaveButton id={model.id} name={model.name} /> : null}
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
                        t("Base model"),
                        <Link key="b" to={`/base-models/${model.base.id}`}>
                          {model.base.name}
                        </Link>,
                      ],
                      [
                        t("Training"),
                        <Link key="t" to={`/trainings/${model.training.id}`}>
                          {model.training.name}
                        </Link>,
                      ],
                      [t("Method"), model.training.method],
                      [t("Rank"), model.rank],
                      [t("Size"), bytes(model.sizeBytes)],
                      [t("Made"), <When key="w" at={model.createdAt} />],
                      [
                        t("Hash"),
                        <Copyable
                          key="h"
                          text={model.hash}
                          short={model.hash.slice(0, 16)}
                          label={t("Copy hash")}
                        />,
                      ],
                    ]}
                  />
                </Surface>
                <Surface title={t("Lineage")}>
                  <Lineage nodes={[...model.lineage, ...model.dependants]} self={model.id} />
                </Surface>
              </Stack>
              <Surface title={t("Next")}>
                <Stack gap={8}>
                  <ChatButton model={model.base.name} other={model.name} />
                  <DeployButton
                    id={model.id}
                    name={model.name}
                    variant="default"
                    precisions={model.base.precisions}
                  />
                  <ExportButton id={model.id} />
                  <DeleteButton
                    id={model.id}
                    name={model.name}
                    dependants={model.dependants}
                    backTo="/customized"
                  />
                </Stack>
              </Surface>
            </div>
          ) : (
            <Empty title={t("No such customized model")} text={t("It may have been deleted.")} />
          )
        }
      </Loaded>
    </Page>
  );
}

export function CompleteListPage() {
  const reading = useData(completeQuery, {});
  const button = (
    <Button component={Link} to="/customized">
      {t("Save a customized model")}
    </Button>
  );
  return (
    <Page
      title={t("Complete models")}
      sentence={t("Self-contained models: base and adapter merged, ready to deploy or take away.")}
      action={button}
    >
      <Loaded reading={reading}>
        {(data) =>
          data.completeModels.nodes.length === 0 ? (
            <Empty
              title={t("No complete model yet")}
              text={t("Open a customized model and save it; the merge is checked against base and adapter.")}
              action={button}
            />
          ) : (
            <List
              rows={data.completeModels.nodes}
              label={t("Complete models")}
              searchText={(row) => `${row.name} ${row.base.name}`}
              openPath={(row) => `/complete/${row.id}`}
              columns={[
                {
                  key: "name",
                  label: t("Name"),
                  sortBy: (r) => r.name,
                  cell: (r) => <Link to={`/complete/${r.id}`}>{r.name}</Link>,
                },
                {
                  key: "from",
                  label: t("Made from"),
                  cell: (r) =>
                    r.customized ? (
                      <Link to={`/customized/${r.customized.id}`}>{r.customized.name}</Link>
                    ) : (
                      r.base.name
                    ),
                },
                {
                  key: "size",
                  label: t("Size"),
                  isNumber: true,
                  sortBy: (r) => r.sizeBytes,
                  cell: (r) => bytes(r.sizeBytes),
                },
                {
                  key: "created",
                  label: t("Made"),
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

export function CompletePage() {
  const { id } = useParams({ strict: false }) as { id: string };
  const reading = useData(completeOneQuery, { id });
  const model = reading.data?.node?.__typename === "CompleteModel" ? reading.data.node : null;
  return (
    <Page
      title={model?.name ?? t("Complete model")}
      crumb={{ label: t("Complete models"), to: "/complete" }}
      action={model ? <DeployButton id={model.id} name={model.name} /> : null}
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
                        t("Base model"),
                        <Link key="b" to={`/base-models/${model.base.id}`}>
                          {model.base.name}
                        </Link>,
                      ],
                      [
                        t("Made from"),
                        model.customized ? (
                          <Link key="c" to={`/customized/${model.customized.id}`}>
                            {model.customized.name}
                          </Link>
                        ) : (
                          "–"
                        ),
                      ],
                      [t("Size"), bytes(model.sizeBytes)],
                      [t("Made"), <When key="w" at={model.createdAt} />],
                      [
                        t("Hash"),
                        <Copyable
                          key="h"
                          text={model.hash}
                          short={model.hash.slice(0, 16)}
                          label={t("Copy hash")}
                        />,
                      ],
                    ]}
                  />
                </Surface>
                {model.verification ? (
                  <Surface title={t("Merged equals base and adapter")}>
                    <Text size="xs" className="e-mono" style={{ whiteSpace: "pre-wrap" }}>
                      {JSON.stringify(model.verification, null, 2)}
                    </Text>
                  </Surface>
                ) : null}
                <Surface title={t("Lineage")}>
                  <Lineage nodes={[...model.lineage, ...model.dependants]} self={model.id} />
                </Surface>
              </Stack>
              <Surface title={t("Next")}>
                <Stack gap={8}>
                  <ChatButton model={model.name} />
                  <ExportButton id={model.id} />
                  <DeleteButton
                    id={model.id}
                    name={model.name}
                    dependants={model.dependants}
                    backTo="/complete"
                  />
                </Stack>
              </Surface>
            </div>
          ) : (
            <Empty title={t("No such complete model")} text={t("It may have been deleted.")} />
          )
        }
      </Loaded>
    </Page>
  );
}
