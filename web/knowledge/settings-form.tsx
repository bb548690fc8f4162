// Making a knowledge base and changing one: name, embedder, how documents are cut with a live look at it, how it is asked.
import { Button, Group, NumberInput, Select, Stack, Text, TextInput } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { type ReactNode, useState } from "react";
import { act } from "../api/client.ts";
import { useData, useWork } from "../api/data.ts";
import { t } from "../i18n.ts";
import { Loaded, ProblemNotice } from "../ui/states.tsx";
import { CutPreview } from "./cut-preview.tsx";
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

export type Retrieval = { ranker: Ranker; k: number; threshold: number; neighbours: number };
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
} as const;

const asNumber = (value: string | number): number => (typeof value === "number" ? value : Number(value) || 0);

/** The four numbers and words of how a knowledge base is asked. */
export function RetrievalFields(props: {
  values: Retrieval;
  onChange: (change: Partial<Retrieval>) => void;
}) {
  const { values, onChange } = props;
  return (
    <Group align="flex-end" gap={12}>
      <Select
        label={t("Found by")}
        data={rankers}
        value={values.ranker}
        allowDeselect={false}
        w={180}
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
        w={130}
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
    </Group>
  );
}

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
        const values: Values = {
          ...proposed,
          embedder: embedders[0]?.id ?? "",
          ...props.start,
          ...changed,
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
              <Group align="flex-start" gap={12}>
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

const inputOf = ({ name, embedder, maxTokens, overlapTokens, ranker, k, threshold, neighbours }: Values) => ({
  name: name.trim(),
  embedder,
  chunking: { maxTokens, overlapTokens },
  retrieval: { ranker, k, threshold, neighbours },
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
