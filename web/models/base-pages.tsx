// Base models: the list, the import by path or upload, and the card scanned from the files.
import { Button, Stack } from "@mantine/core";
import { Link, useParams } from "@tanstack/react-router";
import { useData } from "../api/data.ts";
import { t } from "../i18n.ts";
import { said } from "../said.ts";
import { Facts, reachable, Surface } from "../ui/bits.tsx";
import { DeleteButton } from "../ui/confirm.tsx";
import { bytes, count } from "../ui/format.ts";
import { ImportDrawer, useImport } from "../ui/import-frame.tsx";
import { UsedBy } from "../ui/lineage.tsx";
import { List } from "../ui/list.tsx";
import { Page } from "../ui/page.tsx";
import { Empty, Loaded } from "../ui/states.tsx";
import { Pill, RunProgress } from "../ui/status.tsx";
import { createdColumn, hashFact, idFact, nameColumn, sizeColumn, whenFact } from "../ui/things.tsx";
import { ChatButton, DeployButton } from "./actions.tsx";
import { ImportModelForm } from "./import-form.tsx";
import { baseQuery, basesQuery } from "./queries.ts";
import { Readme } from "./readme.tsx";

export function BasesPage() {
  const reading = useData(basesQuery, {});
  const importing = useImport();
  const button = <Button onClick={() => importing.open()}>{t("Import model")}</Button>;
  const imports = (reading.data?.processMap.stages ?? [])
    .flatMap((s) => s.running)
    .filter((run) => run.kind === "IMPORT_MODEL");
  return (
    <Page
      title={t("Base models")}
      sentence={t("The weights everything starts from; they are never changed.")}
      action={button}
      needs="write"
    >
      <Stack gap={12}>
        {imports.map((run) => (
          <Surface key={run.id} title={said(run.name)}>
            <RunProgress run={run} />
          </Surface>
        ))}
        <Loaded reading={reading}>
          {(data) =>
            data.baseModels.nodes.length === 0 ? (
              <Empty
                title={t("No base model yet")}
                text={t(
                  "Import a Hugging Face folder or a GGUF file of the Llama, Qwen or Mistral families. Its card is read from the files.",
                )}
                action={button}
              />
            ) : (
              <List
                rows={data.baseModels.nodes}
                label={t("Base models")}
                searchText={(row) => `${row.name} ${row.architecture} ${row.format}`}
                openPath={(row) => `/base-models/${row.id}`}
                nameToDelete={(row) => row.name}
                columns={[
                  nameColumn("/base-models"),
                  {
                    key: "architecture",
                    label: t("Architecture"),
                    sortBy: (r) => r.architecture,
                    cell: (r) => r.architecture,
                  },
                  {
                    key: "parameters",
                    label: t("Parameters"),
                    isNumber: true,
                    sortBy: (r) => r.parameters,
                    cell: (r) => count(r.parameters),
                  },
                  {
                    key: "context",
                    label: t("Context, tokens"),
                    isNumber: true,
                    sortBy: (r) => r.contextLength,
                    cell: (r) => count(r.contextLength),
                  },
                  sizeColumn(),
                  {
                    key: "fit",
                    label: t("On this machine"),
                    cell: (r) => (
                      <span title={said(r.fit.sentence)}>
                        {
                          <Pill tone={r.fit.fits ? "leaf" : "red"}>
                            {r.fit.fits ? t("fits") : t("too large")}
                          </Pill>
                        }
                      </span>
                    ),
                  },
                  createdColumn(t("Added")),
                ]}
              />
            )
          }
        </Loaded>
      </Stack>
      <ImportDrawer
        state={importing}
        title={t("Import a base model")}
        dropHint={t("Drop a model file to import it")}
      >
        <ImportModelForm key={importing.files[0]?.name ?? ""} firstFiles={importing.files} />
      </ImportDrawer>
    </Page>
  );
}

export function BasePage() {
  const { id } = useParams({ strict: false }) as { id: string };
  const reading = useData(baseQuery, { id });
  const base = reading.data?.node?.__typename === "BaseModel" ? reading.data.node : null;
  return (
    <Page
      title={base?.name ?? t("Base model")}
      thing={base}
      crumb={{ label: t("Base models"), to: "/base-models" }}
      needs="train"
      action={
        base ? (
          <Button component={Link} to={`/train?base=${base.id}`}>
            {t("Train it")}
          </Button>
        ) : null
      }
    >
      <Loaded reading={reading}>
        {() =>
          base ? (
            <div className="e-columns">
              <Stack gap={16}>
                <Surface title={t("Card")}>
                  <Facts
                    items={[
                      [t("Architecture"), base.architecture],
                      [t("Parameters"), count(base.parameters)],
                      [t("Format"), `${base.format}, ${base.dtype}`],
                      [t("Context"), t("{{n}} tokens", { n: count(base.contextLength) })],
                      [t("Vocabulary"), t("{{n}} tokens", { n: count(base.vocabSize) })],
                      [t("Size"), bytes(base.sizeBytes)],
                      [t("Licence"), base.licence ?? t("not stated in the files")],
                      [t("This machine"), said(base.fit.sentence)],
                      whenFact(t("Added"), base.createdAt),
                      hashFact(base.hash),
                      idFact(base.id),
                    ]}
                  />
                </Surface>
                {base.renderedExample ? (
                  <Surface title={t("A conversation in its chat template")}>
                    <pre className="e-tokens e-mono" {...reachable}>
                      {base.renderedExample}
                    </pre>
                  </Surface>
                ) : null}
                <Readme model={base} />
              </Stack>
              <Stack gap={16}>
                <Surface title={t("Next")}>
                  <Stack gap={8}>
                    <ChatButton model={base.name} />
                    <DeployButton
                      id={base.id}
                      name={base.name}
                      precisions={base.precisions}
                      variant="default"
                    />
                    <DeleteButton
                      id={base.id}
                      name={base.name}
                      dependants={base.dependants}
                      dependantCount={base.dependantCount}
                      backTo="/base-models"
                    />
                  </Stack>
                </Surface>
                <Surface title={t("Used by")}>
                  <UsedBy nodes={base.dependants} count={base.dependantCount} />
                </Surface>
              </Stack>
            </div>
          ) : (
            <Empty title={t("No such base model")} text={t("It may have been deleted.")} />
          )
        }
      </Loaded>
    </Page>
  );
}
