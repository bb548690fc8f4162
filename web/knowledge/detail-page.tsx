// One knowledge base: its documents with how each stands, the playground, what it is, its settings.
import { Button, Drawer, Stack, Tabs, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import type { ResultOf } from "gql.tada";
import { useEffect } from "react";
import { act } from "../api/client.ts";
import { useData } from "../api/data.ts";
import { type RunState, useLiveRun } from "../api/runs-live.ts";
import { t } from "../i18n.ts";
import { Facts, Surface } from "../ui/bits.tsx";
import { ConfirmButton } from "../ui/confirm.tsx";
import { count } from "../ui/format.ts";
import { ImportDrawer, useImport } from "../ui/import-frame.tsx";
import { Page } from "../ui/page.tsx";
import { Empty, Loaded } from "../ui/states.tsx";
import { RunProgress } from "../ui/status.tsx";
import { idFact, whenFact } from "../ui/things.tsx";
import { AddForm } from "./add-form.tsx";
import { Documents } from "./documents.tsx";
import { Measure } from "./measure.tsx";
import { Playground } from "./playground.tsx";
import { deleteKnowledgeBase, knowledgeBaseQuery } from "./queries.ts";
import { ChangeForm, RerankerName, rankers } from "./settings-form.tsx";

export type KnowledgeBase = NonNullable<ResultOf<typeof knowledgeBaseQuery>["knowledgeBase"]>;

/** Asks again whenever the run moves on: each step is a document that changed. */
function Watch(props: { run: RunState; reload: () => void }) {
  const { step, status } = useLiveRun(props.run);
  const { reload } = props;
  // biome-ignore lint/correctness/useExhaustiveDependencies: a step or state says "ask again"
  useEffect(reload, [step, status, reload]);
  return null;
}

export function KnowledgeBasePage() {
  const { id } = useParams({ strict: false }) as { id: string };
  const search = useSearch({ strict: false }) as { tab?: string };
  const navigate = useNavigate();
  const reading = useData(knowledgeBaseQuery, { id });
  const base = reading.data?.knowledgeBase ?? null;
  const adding = useImport();
  const [isChanging, changing] = useDisclosure(false);
  const add = <Button onClick={() => adding.open()}>{t("Add documents")}</Button>;
  return (
    <Page
      title={base?.name ?? t("Knowledge base")}
      crumb={{ label: t("Knowledge bases"), to: "/knowledge" }}
      action={base ? add : null}
    >
      <Loaded reading={reading}>
        {() => {
          if (!base)
            return <Empty title={t("No such knowledge base")} text={t("It may have been deleted.")} />;
          const { run } = base;
          return (
            <div className="e-columns">
              <Stack gap={16}>
                {run ? <Watch run={run} reload={reading.reload} /> : null}
                {run && run.status !== "SUCCEEDED" ? (
                  <Surface title={run.kind === "REBUILD_INDEX" ? t("New index") : t("Reading documents")}>
                    <RunProgress run={run} />
                    <Text size="xs" mt={8}>
                      <Link to={`/runs/${run.id}`}>{t("See its log")}</Link>
                    </Text>
                  </Surface>
                ) : null}
                <Tabs
                  value={search.tab ?? "documents"}
                  onChange={(tab) =>
                    navigate({
                      to: ".",
                      search: (old: Record<string, unknown>) => ({ ...old, tab: tab ?? undefined }),
                      replace: true,
                    })
                  }
                  keepMounted={false}
                  color="leaf"
                >
                  <Tabs.List mb={12}>
                    <Tabs.Tab value="documents">{t("Documents")}</Tabs.Tab>
                    <Tabs.Tab value="playground">{t("Playground")}</Tabs.Tab>
                    <Tabs.Tab value="measure">{t("Measure")}</Tabs.Tab>
                  </Tabs.List>
                  <Tabs.Panel value="documents">
                    <Documents base={base} add={add} />
                  </Tabs.Panel>
                  <Tabs.Panel value="playground">
                    <Playground base={base} />
                  </Tabs.Panel>
                  <Tabs.Panel value="measure">
                    <Measure base={base} />
                  </Tabs.Panel>
                </Tabs>
              </Stack>
              <Stack gap={16}>
                <Surface
                  title={t("What it is")}
                  aside={
                    <Button size="compact-sm" variant="default" onClick={changing.open}>
                      {t("Change settings")}
                    </Button>
                  }
                >
                  <Facts items={factsOf(base)} />
                </Surface>
                <ConfirmButton
                  button={t("Delete")}
                  title={t("Delete {{name}}?", { name: base.name })}
                  sentence={t(
                    "Its {{n}} documents go with it into the trash for seven days; brought back, they are read and indexed again.",
                    { n: count(base.counts.total) },
                  )}
                  confirm={t("Delete {{name}}", { name: base.name })}
                  done={t("{{name}} is deleted", { name: base.name })}
                  backTo="/knowledge"
                  undoId={base.id}
                  run={async () => void (await act(deleteKnowledgeBase, { id: base.id }))}
                />
              </Stack>
              <Drawer
                opened={isChanging}
                onClose={changing.close}
                position="right"
                size={640}
                title={t("Settings of {{name}}", { name: base.name })}
              >
                <ChangeForm
                  id={base.id}
                  start={{
                    name: base.name,
                    embedder: base.embedder.id,
                    ...base.chunking,
                    ranker: base.retrieval.ranker,
                    k: base.retrieval.k,
                    threshold: base.retrieval.threshold,
                    neighbours: base.retrieval.neighbours,
                    reranker: base.retrieval.reranker ?? "",
                  }}
                  onDone={changing.close}
                />
              </Drawer>
            </div>
          );
        }}
      </Loaded>
      {base ? (
        <ImportDrawer
          state={adding}
          title={t("Add documents to {{name}}", { name: base.name })}
          dropHint={t("Drop files or folders to add them to {{name}}", { name: base.name })}
        >
          <AddForm
            key={adding.files.map(({ name }) => name).join()}
            knowledgeBase={base.id}
            firstFiles={adding.files}
            onDone={adding.close}
          />
        </ImportDrawer>
      ) : null}
    </Page>
  );
}

function factsOf(base: KnowledgeBase): Parameters<typeof Facts>[0]["items"] {
  const { chunking, retrieval, embedder } = base;
  return [
    [t("Documents"), count(base.counts.total)],
    ...(base.counts.failed > 0 ? [[t("Failed"), count(base.counts.failed)] satisfies [string, string]] : []),
    [t("Chunks"), count(base.chunkCount)],
    [t("Embedder"), t("{{name}}, {{n}} numbers a vector", { name: embedder.name, n: embedder.dimensions })],
    [
      t("Cutting"),
      t("{{max}} tokens, {{overlap}} repeated", { max: chunking.maxTokens, overlap: chunking.overlapTokens }),
    ],
    [t("Found by"), rankers.find(({ value }) => value === retrieval.ranker)?.label ?? retrieval.ranker],
    [t("Passages"), retrieval.k],
    [t("Least similarity"), retrieval.threshold],
    [t("Neighbours"), retrieval.neighbours],
    [t("Reranker"), <RerankerName key="reranker" id={retrieval.reranker} />],
    whenFact(t("Made"), base.createdAt),
    idFact(base.id),
  ];
}
