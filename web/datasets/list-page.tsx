// Datasets: the list, with imports that run; a file dropped anywhere on it is imported.
import { Button } from "@mantine/core";
import { useData } from "../api/data.ts";
import { t } from "../i18n.ts";
import { saidWord } from "../said.ts";
import { bytes, count } from "../ui/format.ts";
import { ImportDrawer, useImport } from "../ui/import-frame.tsx";
import { List } from "../ui/list.tsx";
import { Page } from "../ui/page.tsx";
import { Empty, Loaded } from "../ui/states.tsx";
import { RunPill } from "../ui/status.tsx";
import { createdColumn, nameColumn } from "../ui/things.tsx";
import { ImportForm } from "./import-form.tsx";
import { datasetsQuery } from "./queries.ts";

type Shape = "ALPACA" | "PROMPT_COMPLETION" | "MESSAGES" | "SHAREGPT" | "PREFERENCE" | "TABLE";

/** The words of a shape. */
export function shapeWord(shape: Shape): string {
  const words: Record<Shape, string> = {
    ALPACA: t("Alpaca"),
    PROMPT_COMPLETION: t("prompt and completion"),
    MESSAGES: t("messages"),
    SHAREGPT: t("ShareGPT"),
    PREFERENCE: t("preferences, for no training yet"),
    TABLE: t("table, needs a mapping"),
  };
  return words[shape];
}

export function DatasetsPage() {
  const reading = useData(datasetsQuery, {});
  const importing = useImport();
  const button = <Button onClick={() => importing.open()}>{t("Import dataset")}</Button>;
  return (
    <Page
      title={t("Datasets")}
      sentence={t("Examples to learn from, kept as versions that never change.")}
      action={button}
      needs="write"
    >
      <Loaded reading={reading}>
        {(data) =>
          data.datasets.nodes.length === 0 ? (
            <Empty
              title={t("No dataset yet")}
              text={t(
                'Each row is one example, such as {"prompt": "My invoice is wrong", "completion": "billing"}. Import a JSONL, JSON or CSV file.',
              )}
              action={button}
            />
          ) : (
            <List
              rows={data.datasets.nodes}
              label={t("Datasets")}
              searchText={(row) => row.name}
              openPath={(row) => `/datasets/${row.id}`}
              nameToDelete={(row) => row.name}
              columns={[
                nameColumn("/datasets"),
                {
                  key: "version",
                  label: t("Version"),
                  isNumber: true,
                  cell: (r) => (r.latest ? r.latest.number : "–"),
                },
                {
                  key: "rows",
                  label: t("Rows"),
                  isNumber: true,
                  sortBy: (r) => r.latest?.rowCount ?? 0,
                  cell: (r) => (r.latest ? count(r.latest.rowCount) : "–"),
                },
                {
                  key: "shape",
                  label: t("Row shape"),
                  cell: (r) => (r.latest ? shapeWord(r.latest.shape) : "–"),
                },
                {
                  key: "size",
                  label: t("Size"),
                  isNumber: true,
                  sortBy: (r) => r.latest?.sizeBytes ?? 0,
                  cell: (r) => bytes(r.latest?.sizeBytes),
                },
                {
                  key: "status",
                  label: t("Status"),
                  cell: (r) =>
                    r.run && r.run.status !== "SUCCEEDED" ? (
                      <RunPill run={r.run} />
                    ) : (
                      saidWord(r.status.toLowerCase())
                    ),
                },
                createdColumn(t("Added")),
              ]}
            />
          )
        }
      </Loaded>
      <ImportDrawer
        state={importing}
        title={t("Import a dataset")}
        dropHint={t("Drop a file to import it as a dataset")}
      >
        <ImportForm key={importing.files[0]?.name ?? ""} firstFile={importing.files[0]} />
      </ImportDrawer>
    </Page>
  );
}
