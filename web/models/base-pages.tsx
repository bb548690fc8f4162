// Base models: the list, the import by path or upload, and the card scanned from the files.
import { Button, Drawer, FileInput, Group, SegmentedControl, Stack, TextInput } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { act } from "../api/client.ts";
import { useData, useWork } from "../api/data.ts";
import { upload } from "../api/uploads.ts";
import { t } from "../i18n.ts";
import { Copyable, Facts, Lineage, reachable, Surface, When } from "../ui/bits.tsx";
import { DeleteButton } from "../ui/delete-button.tsx";
import { bytes, count } from "../ui/format.ts";
import { List } from "../ui/list.tsx";
import { Page } from "../ui/page.tsx";
import { Empty, Loaded, ProblemNotice } from "../ui/states.tsx";
import { Bar, Pill, RunProgress } from "../ui/status.tsx";
import { ChatButton, DeployButton } from "./actions.tsx";
import { baseQuery, basesQuery, importModel } from "./queries.ts";
import { Readme } from "./readme.tsx";

function ImportModel(props: { onDone: () => void }) {
  const [way, setWay] = useState("path");
  const [name, setName] = useState("");
  const [path, setPath] = useState("");
  const [file, setFile] = useState<File | null>(null);
  const [share, setShare] = useState<number | null>(null);
  const work = useWork();
  const navigate = useNavigate();
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void work.run(async () => {
          const uploadId = way === "upload" && file ? await upload(file, setShare) : null;
          const done = await act(importModel, {
            input: { name: name.trim(), ...(uploadId ? { uploadId } : { path: path.trim() }) },
          });
          props.onDone();
          await navigate({ to: `/runs/${done.run.id}` });
        });
      }}
    >
      <Stack gap={16}>
        <SegmentedControl
          value={way}
          onChange={setWay}
          fullWidth
          aria-label={t("Where the model is")}
          data={[
            { value: "path", label: t("On the server's disk") },
            { value: "upload", label: t("Upload a file") },
          ]}
        />
        <TextInput
          label={t("Name")}
          required
          withAsterisk={false}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          data-autofocus
        />
        {way === "path" ? (
          <TextInput
            label={t("Path")}
            description={t(
              "A Hugging Face folder with safetensors, or a GGUF file. It is read, never changed.",
            )}
            required
            withAsterisk={false}
            value={path}
            onChange={(event) => setPath(event.currentTarget.value)}
          />
        ) : (
          <FileInput
            label={t("File")}
            description={t("A GGUF file, or a zip of a Hugging Face folder.")}
            accept=".gguf,.zip"
            required
            withAsterisk={false}
            value={file}
            onChange={setFile}
          />
        )}
        {share !== null && work.isBusy ? <Bar share={share} label={t("Upload")} /> : null}
        {work.problem ? <ProblemNotice problem={work.problem} /> : null}
        <Group justify="flex-end">
          <Button type="submit" loading={work.isBusy} disabled={way === "upload" && !file}>
            {t("Import model")}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

export function BasesPage() {
  const reading = useData(basesQuery, {});
  const [isOpen, drawer] = useDisclosure(
    (useSearch({ strict: false }) as { import?: string }).import === "1",
  );
  const button = <Button onClick={drawer.open}>{t("Import model")}</Button>;
  const imports = (reading.data?.processMap.stages ?? [])
    .flatMap((s) => s.running)
    .filter((run) => run.kind === "IMPORT_MODEL");
  return (
    <Page
      title={t("Base models")}
      sentence={t("The weights everything starts from; they are never changed.")}
      action={button}
    >
      <Stack gap={12}>
        {imports.map((run) => (
          <Surface key={run.id} title={run.name}>
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
                columns={[
                  {
                    key: "name",
                    label: t("Name"),
                    sortBy: (r) => r.name,
                    cell: (r) => <Link to={`/base-models/${r.id}`}>{r.name}</Link>,
                  },
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
                  {
                    key: "size",
                    label: t("Size"),
                    isNumber: true,
                    sortBy: (r) => r.sizeBytes,
                    cell: (r) => bytes(r.sizeBytes),
                  },
                  {
                    key: "fit",
                    label: t("On this machine"),
                    cell: (r) => (
                      <span title={r.fit.sentence}>
                        {
                          <Pill tone={r.fit.fits ? "leaf" : "red"}>
                            {r.fit.fits ? t("fits") : t("too large")}
                          </Pill>
                        }
                      </span>
                    ),
                  },
                  {
                    key: "created",
                    label: t("Added"),
                    sortBy: (r) => r.createdAt,
                    cell: (r) => <When at={r.createdAt} />,
                  },
                ]}
              />
            )
          }
        </Loaded>
      </Stack>
      <Drawer opened={isOpen} onClose={drawer.close} position="right" title={t("Import a base model")}>
        <ImportModel onDone={drawer.close} />
      </Drawer>
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
      crumb={{ label: t("Base models"), to: "/base-models" }}
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
                      [t("This machine"), base.fit.sentence],
                      [t("Added"), <When key="when" at={base.createdAt} />],
                      [
                        t("Hash"),
                        <Copyable
                          key="hash"
                          text={base.hash}
                          short={base.hash.slice(0, 16)}
                          label={t("Copy hash")}
                        />,
                      ],
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
                      backTo="/base-models"
                    />
                  </Stack>
                </Surface>
                <Surface title={t("Used by")}>
                  <Lineage nodes={base.dependants} />
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
