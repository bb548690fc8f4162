// The playground: one question, the passages that answer it, and what each ranker says of them.
import { Button, Group, MultiSelect, NumberInput, Stack, Text, TextInput } from "@mantine/core";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import type { ResultOf, VariablesOf } from "gql.tada";
import { useState } from "react";
import { z } from "zod";
import { useData } from "../api/data.ts";
import { t } from "../i18n.ts";
import { said } from "../said.ts";
import { reachable, Surface } from "../ui/bits.tsx";
import { small } from "../ui/format.ts";
import { Empty, Loaded } from "../ui/states.tsx";
import type { KnowledgeBase } from "./detail-page.tsx";
import { LabelButton } from "./label-button.tsx";
import { type LabelledQuestion, labelledQuestionsQuery } from "./measure-queries.ts";
import { retrieveQuery } from "./queries.ts";
import { asRanker, type Retrieval, RetrievalFields, retrievalOf } from "./settings-form.tsx";

type Retrieved = ResultOf<typeof retrieveQuery>["retrieve"];
type Search = Partial<
  Record<
    "question" | "ranker" | "k" | "threshold" | "neighbours" | "reranker" | "in" | "formats" | "from" | "to",
    string
  >
>;

/** What a link says, so that it shows the same search to others. */
function askedOf(
  search: Search,
  base: KnowledgeBase,
): Retrieval & {
  documentIds: string[];
  formats: string[];
  pageFrom: number | null;
  pageTo: number | null;
} {
  const number = (value: string | undefined, otherwise: number): number => {
    const read = Number(value);
    return value === undefined || value === "" || Number.isNaN(read) ? otherwise : read;
  };
  const { retrieval } = base;
  return {
    ranker: asRanker(search.ranker) ?? retrieval.ranker,
    k: number(search.k, retrieval.k),
    threshold: number(search.threshold, retrieval.threshold),
    neighbours: number(search.neighbours, retrieval.neighbours),
    reranker: search.reranker ?? retrieval.reranker ?? "",
    documentIds: search.in?.split(",").filter(Boolean) ?? [],
    formats: search.formats?.split(",").filter(Boolean) ?? [],
    pageFrom: number(search.from, 0) || null,
    pageTo: number(search.to, 0) || null,
  };
}

export function Playground(props: { base: KnowledgeBase }) {
  const { base } = props;
  const search = useSearch({ strict: false }) as Search;
  const navigate = useNavigate();
  const [question, setQuestion] = useState(search.question ?? "");
  const set = (change: Search): void =>
    void navigate({
      to: ".",
      search: (old: Record<string, unknown>) => ({ ...old, ...change }),
      replace: true,
    });
  const asked = askedOf(search, base);
  const settings = retrievalOf(asked);
  const documents = base.documents.nodes.filter(({ state }) => state === "READY");
  const formats = [...new Set(documents.flatMap(({ format }) => format ?? []))].sort();
  if (documents.length === 0)
    return (
      <Empty
        title={t("Nothing to search yet")}
        text={t("Add documents first; as soon as one is ready it can be asked here.")}
      />
    );
  return (
    <Stack gap={16}>
      <Surface>
        <form
          onSubmit={(event) => {
            event.preventDefault();
            set({ question: question.trim() });
          }}
        >
          <Stack gap={12}>
            <Group align="flex-end" gap={8}>
              <TextInput
                label={t("Question")}
                style={{ flex: "1 1 260px" }}
                value={question}
                onChange={(event) => setQuestion(event.currentTarget.value)}
              />
              <Button
                type="submit"
                disabled={question.trim() === ""}
                title={question.trim() === "" ? t("Type a question first.") : undefined}
              >
                {t("Search")}
              </Button>
            </Group>
            <RetrievalFields
              values={settings}
              onChange={(change) =>
                set(Object.fromEntries(Object.entries(change).map(([key, value]) => [key, String(value)])))
              }
            />
            <Group align="flex-end" gap={12}>
              <MultiSelect
                label={t("Only in these documents")}
                data={documents.map(({ id, name }) => ({ value: id, label: name }))}
                value={asked.documentIds}
                searchable
                clearable
                limit={50}
                style={{ flex: "1 1 240px" }}
                onChange={(ids) => set({ in: ids.join(",") })}
              />
              <MultiSelect
                label={t("Only these formats")}
                data={formats}
                value={asked.formats}
                clearable
                style={{ flex: "0 1 200px" }}
                onChange={(values) => set({ formats: values.join(",") })}
              />
              <NumberInput
                label={t("From page")}
                min={1}
                w={100}
                value={asked.pageFrom ?? ""}
                onChange={(value) => set({ from: String(value) })}
              />
              <NumberInput
                label={t("To page")}
                min={1}
                w={100}
                value={asked.pageTo ?? ""}
                onChange={(value) => set({ to: String(value) })}
              />
            </Group>
          </Stack>
        </form>
      </Surface>
      {search.question ? (
        <Answer
          baseId={base.id}
          input={{
            knowledgeBases: [base.id],
            question: search.question,
            settings,
            filter: {
              ...(asked.documentIds.length > 0 ? { documentIds: asked.documentIds } : {}),
              ...(asked.formats.length > 0 ? { formats: asked.formats } : {}),
              pageFrom: asked.pageFrom,
              pageTo: asked.pageTo,
            },
          }}
        />
      ) : null}
    </Stack>
  );
}

const took = z.object({ total: z.number() });

function Answer(props: { baseId: string; input: VariablesOf<typeof retrieveQuery>["input"] }) {
  const reading = useData(retrieveQuery, { input: props.input });
  const labelled = useData(labelledQuestionsQuery, { id: props.baseId }).data?.knowledgeBase?.questions.nodes;
  return (
    <Loaded reading={reading} rows={4}>
      {({ retrieve }) => {
        const ms = took.safeParse(retrieve.tookMs);
        return (
          <Stack gap={12}>
            {retrieve.warnings.map((warning) => (
              <Text key={warning} size="sm" role="alert">
                {said(warning)}
              </Text>
            ))}
            {retrieve.nothingFound ? (
              <Surface>
                <Text role="status">{said(retrieve.nothingFound)}</Text>
              </Surface>
            ) : (
              <>
                <Text size="sm" c="dimmed" role="status">
                  {t("{{count}} passages", { count: retrieve.passages.length })}
                  {ms.success ? ` · ${t("{{n}} ms", { n: Math.round(ms.data.total) })}` : ""}
                </Text>
                <ol className="e-passages">
                  {retrieve.passages.map((passage, at) => (
                    <PassageCard
                      key={passage.chunkId}
                      baseId={props.baseId}
                      question={props.input.question.trim()}
                      labelled={labelled ?? null}
                      passage={passage}
                      place={at + 1}
                    />
                  ))}
                </ol>
              </>
            )}
          </Stack>
        );
      }}
    </Loaded>
  );
}

const rankerWords: Record<string, string> = {
  words: t("Words"),
  meaning: t("Meaning"),
  reranker: t("Reranker"),
};

function PassageCard(props: {
  baseId: string;
  question: string;
  labelled: readonly LabelledQuestion[] | null;
  passage: Retrieved["passages"][number];
  place: number;
}) {
  const { passage } = props;
  const { pageFrom, pageTo } = passage;
  const pages =
    pageFrom === null
      ? ""
      : pageTo === null || pageTo === pageFrom
        ? t("page {{n}}", { n: pageFrom })
        : t("pages {{from}} to {{to}}", { from: pageFrom, to: pageTo });
  return (
    <li className="e-surface e-passage">
      <Group justify="space-between" gap={8}>
        <Text size="sm" fw={600}>
          {props.place}.{" "}
          <Link
            to={`/knowledge/${props.baseId}/documents/${passage.documentId}`}
            search={{ chunk: passage.chunkId }}
          >
            {passage.document}
          </Link>
        </Text>
        <Text size="xs" c="dimmed">
          {t("score {{n}}", { n: small(passage.score) })}
        </Text>
      </Group>
      <Text size="xs" c="dimmed">
        {[pages, passage.headings.join(" › "), t("{{n}} tokens", { n: passage.tokens })]
          .filter(Boolean)
          .join(" · ")}
      </Text>
      <p {...reachable}>{passage.text}</p>
      <dl className="e-scores">
        {passage.rankers.map(({ ranker, rank, score }) => (
          <div key={ranker}>
            <dt>{rankerWords[ranker] ?? ranker}</dt>
            <dd>
              {rank === null ? t("beyond its depth") : t("rank {{n}}", { n: rank })} · {small(score)}
            </dd>
          </div>
        ))}
      </dl>
      <LabelButton {...props} />
    </li>
  );
}
