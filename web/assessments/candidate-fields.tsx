// Who answers: a card for each candidate with what it is given.
import {
  ActionIcon,
  Button,
  Group,
  MultiSelect,
  NumberInput,
  Select,
  Stack,
  Text,
  Textarea,
} from "@mantine/core";
import { IconCopy, IconX } from "@tabler/icons-react";
import { t } from "../i18n.ts";
import { kindOfNode } from "../ui/lineage.tsx";
import { type CandidateDraft, candidateDraft, newKey } from "./draft.ts";

export const MOST_CANDIDATES = 6;
export type ModelChoice = { name: string; kind: string };

/** Models as options, each with what it is. */
export const optionsOf = (models: readonly ModelChoice[]) =>
  models.map((model) => ({
    value: model.name,
    label: `${model.name} · ${kindOfNode(model.kind.toLowerCase().replace("_", "-"))}`,
  }));

export function CandidateFields(props: {
  models: readonly ModelChoice[];
  knowledgeBases: readonly { name: string }[];
  value: CandidateDraft[];
  onChange: (value: CandidateDraft[]) => void;
}) {
  const { value, onChange } = props;
  const isFull = value.length >= MOST_CANDIDATES;
  const change = (key: number, part: Partial<CandidateDraft>): void =>
    onChange(value.map((one) => (one.key === key ? { ...one, ...part } : one)));
  return (
    <Stack gap={8}>
      <Select
        label={t("Candidates")}
        description={
          isFull
            ? t("{{n}} are the most.", { n: MOST_CANDIDATES })
            : t("Up to {{n}} models.", { n: MOST_CANDIDATES })
        }
        placeholder={t("Add a model that answers")}
        data={optionsOf(props.models)}
        value={null}
        onChange={(model) => model && onChange([...value, candidateDraft(model)])}
        disabled={isFull}
        searchable
        selectFirstOptionOnChange
      />
      {value.map((one) => (
        <div key={one.key} className="e-assess-card">
          <Group justify="space-between" wrap="nowrap">
            <Text fw={600} size="sm" style={{ overflowWrap: "anywhere" }}>
              {one.model}
            </Text>
            <Group gap={4} wrap="nowrap">
              <ActionIcon
                variant="subtle"
                color="gray"
                aria-label={t("{{name}} once more", { name: one.model })}
                title={t("Once more, given something else")}
                disabled={isFull}
                onClick={() => onChange([...value, { ...one, key: newKey() }])}
              >
                <IconCopy size={16} />
              </ActionIcon>
              <ActionIcon
                variant="subtle"
                color="gray"
                aria-label={t("Take {{name}} out", { name: one.model })}
                onClick={() => onChange(value.filter(({ key }) => key !== one.key))}
              >
                <IconX size={16} />
              </ActionIcon>
            </Group>
          </Group>
          <details>
            <summary>{givenTo(one)}</summary>
            <Stack gap={8} mt={8}>
              <Textarea
                label={t("System prompt")}
                description={t("Left empty, each row's own is said.")}
                autosize
                minRows={1}
                maxRows={6}
                value={one.systemPrompt}
                onChange={(event) => change(one.key, { systemPrompt: event.currentTarget.value })}
              />
              {props.knowledgeBases.length > 0 ? (
                <MultiSelect
                  label={t("Knowledge bases")}
                  description={t("It answers from their passages.")}
                  data={props.knowledgeBases.map(({ name }) => name)}
                  value={one.knowledgeBases}
                  onChange={(knowledgeBases) => change(one.key, { knowledgeBases })}
                  searchable
                />
              ) : null}
              <div className="e-assess-fields">
                <NumberInput
                  label={t("Temperature")}
                  placeholder="0"
                  min={0}
                  max={2}
                  step={0.1}
                  value={one.temperature ?? ""}
                  onChange={(said) =>
                    change(one.key, { temperature: typeof said === "number" ? said : null })
                  }
                />
                <NumberInput
                  label={t("Longest answer in tokens")}
                  placeholder="256"
                  min={1}
                  value={one.maxTokens ?? ""}
                  onChange={(said) => change(one.key, { maxTokens: typeof said === "number" ? said : null })}
                />
              </div>
            </Stack>
          </details>
        </div>
      ))}
      {value.length > 1 && value.some(({ systemPrompt }) => systemPrompt !== value[0]?.systemPrompt) ? (
        <Group>
          <Button
            size="xs"
            variant="default"
            onClick={() =>
              onChange(value.map((one) => ({ ...one, systemPrompt: value[0]?.systemPrompt ?? "" })))
            }
          >
            {t("Give all the first one's system prompt")}
          </Button>
        </Group>
      ) : null}
    </Stack>
  );
}

/** In a line, what a candidate is given. */
function givenTo(one: CandidateDraft): string {
  const parts = [
    ...(one.systemPrompt.trim() ? [t("own system prompt")] : []),
    ...one.knowledgeBases,
    ...(one.temperature === null ? [] : [t("temperature {{n}}", { n: one.temperature })]),
    ...(one.maxTokens === null ? [] : [t("{{count}} tokens", { count: one.maxTokens })]),
  ];
  return parts.length > 0 ? parts.join(", ") : t("System prompt, knowledge bases, parameters");
}
