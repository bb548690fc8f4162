// Datasets: the list, with imports that run and drag and drop anywhere on it.
import { Button, Drawer } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { Link, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { useData } from "../api/data.ts";
import { t } from "../i18n.ts";
import { When } from "../ui/bits.tsx";
import { bytes, count } from "../ui/format.ts";
import { List } from "../ui/list.tsx";
import { Page } from "../ui/page.tsx";
import { Empty, Loaded } from "../ui/states.tsx";
import { RunPill } from "../ui/status.tsx";
import { ImportForm } from "./import-form.tsx";
import { datasetsQuery } from "./queries.ts";

type Shape = "ALPACA" | "PROMPT_COMPLETION" | "MESSAGES" | "SHAREGPT" | "TABLE";

/** The words of a shape. */
export function shapeWord(shape: Shape): string {
  const words: Record<Shape, string> = {
    ALPACA: t("Alpaca"),
    PROMPT_COMPLETION: t("prompt and completion"),
    MESSAGES: t("messages"),
    SHAREGPT: t("ShareGPT"),
    TABLE: t("table, needs a mapping"),
  };
  return words[shape];
}

export function DatasetsPage() {
  const reading = useData(datasetsQuery, {});
  const [isOpen, drawer] = useDisclosure(
    (useSearch({ strict: false }) as { import?: string }).import === "1",
  );
  const [dropped, setDropped] = useState<File | null>(null);
  const button = (
    <Button
      onClick={() => {
        setDropped(null);
        drawer.open();
      }}
    >
      {t("Import dataset")}
    </Button>
  );
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: dropping a file is an extra way; the button does the same
    <div
      onDragOver={(event) => event.preventDefault()}
      onDrop={(event) => {
        const file = event.dataTransfer.files[0];
        if (!file || isOpen) return;
        event.preventDefault();
        setDropped(file);
        drawer.open();
      }}
    >
      <Page
        title={t("Datasets")}
        sentence={t("Examples to learn from, kept as versions that never change.")}
        action={button}
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
                columns={[
                  {
                    key: "name",
                    label: t("Name"),
                    sortBy: (r) => r.name,
                    cell: (r) => <Link to={`/datasets/${r.id}`}>{r.name}</Link>,
                  },
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
                    label: t("Shape"),
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
                        r.status.toLowerCase()
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
        <Drawer opened={isOpen} onClose={drawer.close} position="right" title={t("Import a dataset")}>
          <ImportForm key={dropped?.name ?? "none"} onDone={drawer.close} firstFile={dropped} />
        </Drawer>
      </Page>
    </div>
  );
}
