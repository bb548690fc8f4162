// Knowledge bases: the list, with how their documents stand; a new one is made beside it.
import { Button, Drawer } from "@mantine/core";
import { useData } from "../api/data.ts";
import { t } from "../i18n.ts";
import { count } from "../ui/format.ts";
import { useImport } from "../ui/import-frame.tsx";
import { List } from "../ui/list.tsx";
import { Page } from "../ui/page.tsx";
import { Empty, Loaded } from "../ui/states.tsx";
import { Pill } from "../ui/status.tsx";
import { createdColumn, nameColumn } from "../ui/things.tsx";
import { knowledgeBasesQuery } from "./queries.ts";
import { CreateForm } from "./settings-form.tsx";

export function KnowledgePage() {
  const reading = useData(knowledgeBasesQuery, {});
  const making = useImport();
  const button = <Button onClick={() => making.open()}>{t("Create knowledge base")}</Button>;
  return (
    <Page
      title={t("Knowledge bases")}
      sentence={t("Your own documents, found by words and meaning, so that answers can cite them.")}
      action={button}
    >
      <Loaded reading={reading}>
        {(data) =>
          data.knowledgeBases.nodes.length === 0 ? (
            <Empty
              title={t("No knowledge base yet")}
              text={t(
                "Create one, then drop your handbooks, contracts or notes into it: text, Markdown, HTML, PDF, Word, PowerPoint, Excel, CSV, EPUB, JSON or code. With the embedder that is built in, nothing leaves this machine.",
              )}
              action={button}
            />
          ) : (
            <List
              rows={data.knowledgeBases.nodes}
              label={t("Knowledge bases")}
              searchText={(row) => row.name}
              openPath={(row) => `/knowledge/${row.id}`}
              nameToDelete={(row) => row.name}
              columns={[
                nameColumn("/knowledge"),
                {
                  key: "documents",
                  label: t("Documents"),
                  isNumber: true,
                  sortBy: (row) => row.counts.total,
                  cell: (row) => count(row.counts.total),
                },
                {
                  key: "chunks",
                  label: t("Chunks"),
                  isNumber: true,
                  sortBy: (row) => row.chunkCount,
                  cell: (row) => count(row.chunkCount),
                },
                { key: "embedder", label: t("Embedder"), cell: (row) => row.embedder.name },
                {
                  key: "status",
                  label: t("Status"),
                  cell: (row) =>
                    row.status === "indexing" ? (
                      <Pill tone="amber">{t("reading")}</Pill>
                    ) : row.counts.failed > 0 ? (
                      <Pill tone="red">{t("{{n}} failed", { n: row.counts.failed })}</Pill>
                    ) : (
                      <Pill tone="leaf">{t("ready")}</Pill>
                    ),
                },
                createdColumn(t("Made")),
              ]}
            />
          )
        }
      </Loaded>
      <Drawer
        opened={making.isOpen}
        onClose={making.close}
        position="right"
        size={640}
        title={t("Create a knowledge base")}
      >
        <CreateForm />
      </Drawer>
    </Page>
  );
}
