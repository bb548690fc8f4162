// Making a knowledge base and changing one: name, embedder, how documents are cut with a live look at it, how it is asked.
import { Button, Group, NumberInput, Select, Stack, Text, TextInput } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { type ReactNode, useState } from "react";
import { act } from "../api/client.ts";
import { useData, useWork } from "../api/data.ts";
import { t } from "../i18n.ts";
import { Loaded, ProblemNotice } from "../ui/states.tsx";
import { CutPreview } from "./cut-preview.tsx";
import { rerankersQuery } from "./measure-queries.ts";
import { createKnowledgeBase, embeddersQuery, updateKnowledgeBase } from "./queries.ts";

export type Ranker = "HYBRID" | "WORDS" | "MEANING";
/** What finds passages, in words. */
export const rankers: { value: Ranker; label: string }[] = [
  { value: "HYBRID", label: t("Words and meaning") },
  { value: "WORDS", label: t("Words alone") },
  { value: "MEANING", label: t("Meaning alone") },
];
export const asRanker = (value: string | null | undefined): Ranker | undefined =>
  rankers.find((one) => one.value === value)?.value;

export type Retrieval = {
  ranker: Ranker;
  k: number;
  threshold: number;
  neighbours: number;
  /** Id of a third-party reranker; empty for none. */
  reranker: string;
};
type Values = { name: string; embedder: string; maxTokens: number; overlapTokens: number } & Retrieval;
/** What the server proposes too. */
const proposed = {
  name: "",
  maxTokens: 220,
  overlapTokens: 32,
  ranker: "HYBRID",
  k: 8,
  threshold: 0,
  neighbours: 0,
  reranker: "",
} as const;

/** Third-party models that rerank; none while they are read. */
export function useRerankers(): { value: string; label: string }[] {
  const reading = useData(rerankersQuery, {});
  const models = reading.data?.providers.nodes.flatMap((provider) => provider.models) ?? [];
  return models
    .filter(({ abilities }) => abilities.includes("RERANK"))
    .map(({ id, name }) => ({ value: id, label: name }));
}

const asNumber = (value: string | number): number => (typeof value === "number" ? value : Number(value) || 0);

/** A reranker by its name; its id where it is gone. */
export function RerankerName(props: { id: string | null }) {
  const rerankers = useRerankers();
  if (props.id === null || props.id === "") return t("None");
  return rerankers.find(({ value }) => value === props.id)?.label ?? props.id;
}

/** How a knowledge base is asked: what finds, how many, from which similarity on, with how much around, who orders. */
export function RetrievalFields(props: {
  values: Retrieval;
  onChange: (change: Partial<Retrieval>) => void;
}) {
  const { values, onChange } = props;
  const rerankers = useRerankers();
  // One that is gone meanwhile is still shown, so that it can be taken away.
  const isLost = values.reranker !== "" && !rerankers.some(({ value }) => value === values.reranker);
  const choices = [
    { value: "", label: t("None") },
    ...rerankers,
    ...(isLost ? [{ value: values.reranker, label: values.reranker }] : []),
  ];
  return (
    <Group align="flex-end" gap={12}>
      <Select
        label={t("Found by")}
        data={rankers}
        value={values.ranker}
        allowDeselect={false}
        w={220}
        onChange={(value) => onChange({ ranker: asRanker(value) ?? "HYBRID" })}
      />
      <NumberInput
        label={t("Passages")}
        min={1}
        max={100}
        w={100}
        value={values.k}
        onChange={(value) => onChange({ k: asNumber(value) })}
      />
      <NumberInput
        label={t("Least similarity")}
        min={0}
        max={1}
        step={0.05}
        decimalScale={2}
        w={150}
        value={values.threshold}
        onChange={(value) => onChange({ threshold: asNumber(value) })}
      />
      <NumberInput
        label={t("Neighbours")}
        min={0}
        max={5}
        w={110}
        value={values.neighbours}
        onChange={(value) => onChange({ neighbours: asNumber(value) })}
      />
      <Select
        label={t("Reranker")}
        data={choices}
        value={values.reranker}
        allowDeselect={false}
        w={200}
        title={
          choices.length === 1
            ? t("Add a third-party model that reranks under Third-party models to choose it here.")
            : undefined
        }
        onChange={(value) => onChange({ reranker: value ?? "" })}
      />
    </Group>
  );
}

/** What a mutation or a search takes of them. */
export const retrievalOf = ({ ranker, k, threshold, neighbours, reranker }: Retrieval): Retrieval => ({
  ranker,
  k,
  threshold,
  neighbours,
  reranker,
});

function SettingsFields(props: {
  start: Values | null;
  button: string;
  note?: ReactNode;
  save: (values: Values) => Promise<void>;
}) {
  const reading = useData(embeddersQuery, {});
  const [changed, setChanged] = useState<Partial<Values>>({});
  const work = useWork();
  return (
    <Loaded reading={reading}>
      {({ embedders }) => {
        const embedder = changed.embedder ?? props.start?.embedder ?? embedders[0]?.id ?? "";
        // Similarities of one embedder say nothing about those of another.
        const fresh =
          embedder === props.start?.embedder ? undefined : embedders.find(({ id }) => id === embedder);
        const values: Values = {
          ...proposed,
          ...props.start,
          ...(fresh ? { threshold: fresh.threshold } : {}),
          ...changed,
          embedder,
        };
        const set = (change: Partial<Values>): void => setChanged((old) => ({ ...old, ...change }));
        const seen = embedders.find(({ id }) => id === values.embedder)?.maxTokens ?? null;
        const chunking = { maxTokens: values.maxTokens, overlapTokens: values.overlapTokens };
        return (
          <form
            onSubmit={(event) => {
              event.preventDefault();
              void work.run(() => props.save(values));
            }}
          >
            <Stack gap={16}>
              <TextInput
                label={t("Name")}
                required
                withAsterisk={false}
                value={values.name}
                onChange={(event) => set({ name: event.currentTarget.value })}
              />
              <Select
                label={t("Embedder")}
                description={t("Turns texts into vectors, so that meaning can be searched.")}
                data={embedders.map(({ id, name }) => ({ value: id, label: name }))}
                value={values.embedder}
                allowDeselect={false}
                onChange={(value) => set({ embedder: value ?? values.embedder })}
              />
              <Group align="flex-end" gap={12}>
                <NumberInput
                  label={t("Tokens of a chunk")}
                  description={
                    seen === null
                      ? t("At most so many.")
                      : t("At most so many; the embedder sees {{n}}.", { n: seen })
                  }
                  min={16}
                  {...(seen === null ? {} : { max: seen })}
                  w={250}
                  value={values.maxTokens}
                  onChange={(value) => set({ maxTokens: asNumber(value) })}
                />
                <NumberInput
                  label={t("Overlap in tokens")}
                  description={t("What a chunk repeats of the one before it.")}
                  min={0}
                  max={Math.floor(values.maxTokens / 2)}
                  w={250}
                  value={values.overlapTokens}
                  onChange={(value) => set({ overlapTokens: asNumber(value) })}
                />
              </Group>
              <RetrievalFields values={values} onChange={set} />
              <CutPreview embedder={values.embedder} chunking={chunking} />
              {props.note}
              {work.problem ? <ProblemNotice problem={work.problem} /> : null}
              <Group justify="flex-end">
                <Button type="submit" loading={work.isBusy}>
                  {props.button}
                </Button>
              </Group>
            </Stack>
          </form>
        );
      }}
    </Loaded>
  );
}

const inputOf = ({ name, embedder, maxTokens, overlapTokens, ...values }: Values) => ({
  name: name.trim(),
  embedder,
  chunking: { maxTokens, overlapTokens },
  retrieval: retrievalOf(values),
});

export function CreateForm() {
  const navigate = useNavigate();
  return (
    <SettingsFields
      start={null}
      button={t("Create knowledge base")}
      save={async (values) => {
        const done = await act(createKnowledgeBase, { input: inputOf(values) });
        await navigate({ to: `/knowledge/${done.knowledgeBase.id}`, search: {} });
      }}
    />
  );
}

export function ChangeForm(props: { id: string; start: Values; onDone: () => void }) {
  return (
    <SettingsFields
      start={props.start}
      button={t("Save settings")}
      note={
        <Text size="xs" c="dimmed">
          {t(
            "Another embedder or cutting builds a new index in the background; the old one answers until it is whole.",
          )}
        </Text>
      }
      save={async (values) => {
        await act(updateKnowledgeBase, { input: { id: props.id, ...inputOf(values) } });
        props.onDone();
      }}
    />
  );
}
