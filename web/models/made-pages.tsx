// Customized and complete models: lists and details with lineage and what can be done next.
import { Button, Stack, Text } from "@mantine/core";
import { Link, useParams } from "@tanstack/react-router";
import { z } from "zod";
import { useData } from "../api/data.ts";
import { FactorialLink } from "../assessments/factorial-link.tsx";
import { t } from "../i18n.ts";
import { Facts, Surface } from "../ui/bits.tsx";
import { DeleteButton } from "../ui/confirm.tsx";
import { bytes, small } from "../ui/format.ts";
import { Lineage } from "../ui/lineage.tsx";
import { ListPage } from "../ui/list-page.tsx";
import { Page } from "../ui/page.tsx";
import { Empty, Loaded } from "../ui/states.tsx";
import { createdColumn, hashFact, idFact, linkTo, nameColumn, sizeColumn, whenFact } from "../ui/things.tsx";
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
    <ListPage
      title={t("Customized models")}
      sentence={t("Adapters made by a training; each needs its base model.")}
      action={button}
      reading={reading}
      rows={reading.data?.customizedModels.nodes}
      empty={{
        title: t("No customized model yet"),
        text: t("A training leaves one here: a small adapter that changes how its base answers."),
      }}
      searchText={(row) => `${row.name} ${row.base.name}`}
      openPath={(row) => `/customized/${row.id}`}
      nameToDelete={(row) => row.name}
      columns={[
        nameColumn("/customized"),
        {
          key: "base",
          label: t("Base model"),
          sortBy: (r) => r.base.name,
          cell: (r) => linkTo("/base-models", r.base),
        },
        { key: "training", label: t("Training"), cell: (r) => linkTo("/trainings", r.training) },
        { key: "rank", label: t("Rank"), isNumber: true, sortBy: (r) => r.rank, cell: (r) => r.rank },
        sizeColumn(),
        createdColumn(t("Made")),
      ]}
    />
  );
}

export function CustomizedPage() {
  const { id } = useParams({ strict: false }) as { id: string };
  const reading = useData(customizedOneQuery, { id });
  const model = reading.data?.node?.__typename === "CustomizedModel" ? reading.data.node : null;
  return (
    <Page
      title={model?.name ?? t("Customized model")}
      thing={model}
      crumb={{ label: t("Customized models"), to: "/customized" }}
      action={model ? <SaveButton id={model.id} name={model.name} /> : null}
    >
      <Loaded reading={reading}>
        {() =>
          model ? (
            <div className="e-columns">
              <Stack gap={16}>
                <Surface title={t("Lineage")}>
                  <Lineage
                    nodes={[...model.lineage, ...model.dependants]}
                    hidden={model.dependantCount - model.dependants.length}
                    self={{ id: model.id, kind: "customized", name: model.name }}
                  />
                </Surface>
                <Surface title={t("What it is")}>
                  <Facts
                    items={[
                      [t("Base model"), linkTo("/base-models", model.base)],
                      hashFact(model.base.hash, t("Base model's hash")),
                      [t("Training"), linkTo("/trainings", model.training)],
                      [t("Method"), model.training.method],
                      [t("Rank"), model.rank],
                      [t("Size"), bytes(model.sizeBytes)],
                      whenFact(t("Made"), model.createdAt),
                      hashFact(model.hash),
                      idFact(model.id),
                    ]}
                  />
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
                  <FactorialLink model={model.name} />
                  <ExportButton
                    id={model.id}
                    what={t("the adapter, a PEFT folder of {{size}}", { size: bytes(model.sizeBytes) })}
                  />
                  <DeleteButton
                    id={model.id}
                    name={model.name}
                    dependants={model.dependants}
                    dependantCount={model.dependantCount}
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
    <ListPage
      title={t("Complete models")}
      sentence={t("Self-contained models: base and adapter merged, ready to deploy or take away.")}
      action={button}
      reading={reading}
      rows={reading.data?.completeModels.nodes}
      empty={{
        title: t("No complete model yet"),
        text: t("Open a customized model and save it; the merge is checked against base and adapter."),
      }}
      searchText={(row) => `${row.name} ${row.base.name}`}
      openPath={(row) => `/complete/${row.id}`}
      nameToDelete={(row) => row.name}
      columns={[
        nameColumn("/complete"),
        {
          key: "from",
          label: t("Made from"),
          cell: (r) => (r.customized ? linkTo("/customized", r.customized) : linkTo("/base-models", r.base)),
        },
        sizeColumn(),
        createdColumn(t("Made")),
      ]}
    />
  );
}

const verificationShape = z.looseObject({
  tokens: z.number(),
  maxDifference: z.number(),
  topAgreement: z.number(),
  tolerance: z.number(),
});

/** What the merge was checked by, as figures; as it stands where an older version kept other ones. */
function Verification(props: { value: unknown }) {
  const read = verificationShape.safeParse(props.value);
  if (!read.success)
    return (
      <Text size="xs" className="e-mono" style={{ whiteSpace: "pre-wrap" }}>
        {JSON.stringify(props.value, null, 2)}
      </Text>
    );
  const { tokens, maxDifference, topAgreement, tolerance } = read.data;
  return (
    <Text size="sm">
      {t(
        "Asked the same {{tokens}} tokens, the complete model and base with adapter differ by at most {{difference}} in any logit ({{tolerance}} is allowed); their likeliest token is the same {{agreement}} of the time.",
        {
          tokens,
          difference: small(maxDifference),
          tolerance: small(tolerance),
          agreement: `${small(topAgreement * 100)} %`,
        },
      )}
    </Text>
  );
}

export function CompletePage() {
  const { id } = useParams({ strict: false }) as { id: string };
  const reading = useData(completeOneQuery, { id });
  const model = reading.data?.node?.__typename === "CompleteModel" ? reading.data.node : null;
  return (
    <Page
      title={model?.name ?? t("Complete model")}
      thing={model}
      crumb={{ label: t("Complete models"), to: "/complete" }}
      action={model ? <DeployButton id={model.id} name={model.name} /> : null}
    >
      <Loaded reading={reading}>
        {() =>
          model ? (
            <div className="e-columns">
              <Stack gap={16}>
                <Surface title={t("Lineage")}>
                  <Lineage
                    nodes={[...model.lineage, ...model.dependants]}
                    hidden={model.dependantCount - model.dependants.length}
                    self={{ id: model.id, kind: "complete", name: model.name }}
                  />
                </Surface>
                <Surface title={t("What it is")}>
                  <Facts
                    items={[
                      [t("Base model"), linkTo("/base-models", model.base)],
                      [t("Made from"), model.customized ? linkTo("/customized", model.customized) : "–"],
                      [t("Size"), bytes(model.sizeBytes)],
                      whenFact(t("Made"), model.createdAt),
                      hashFact(model.hash),
                      idFact(model.id),
                    ]}
                  />
                </Surface>
                {model.verification ? (
                  <Surface title={t("Merged equals base and adapter")}>
                    <Verification value={model.verification} />
                  </Surface>
                ) : null}
              </Stack>
              <Surface title={t("Next")}>
                <Stack gap={8}>
                  <ChatButton model={model.name} />
                  <FactorialLink model={model.name} />
                  <ExportButton
                    id={model.id}
                    what={t("a Hugging Face folder of {{size}}", { size: bytes(model.sizeBytes) })}
                  />
                  <DeleteButton
                    id={model.id}
                    name={model.name}
                    dependants={model.dependants}
                    dependantCount={model.dependantCount}
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
