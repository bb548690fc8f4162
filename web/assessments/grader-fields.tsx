// How answers are scored: rules that need no model, and judges.
import { ActionIcon, Group, SegmentedControl, Select, Stack, Text, Textarea, TextInput } from "@mantine/core";
import { IconX } from "@tabler/icons-react";
import { t } from "../i18n.ts";
import { type ModelChoice, optionsOf } from "./candidate-fields.tsx";
import { type GraderDraft, graderDraft, type JudgeDraft, judgeDraft } from "./draft.ts";
import { TemplateField } from "./template-field.tsx";

/** Graders by what they say, and whether they take a word of their own. */
export const RULES: { value: string; label: string; takes?: string; isLong?: boolean }[] = [
  { value: "json", label: t("Same JSON") },
  { value: "exact", label: t("Same text") },
  { value: "normalised", label: t("Same words, whatever case and punctuation") },
  { value: "contains", label: t("Contains the right answer") },
  { value: "numeric", label: t("Same number"), takes: t("Tolerance, such as 0.01 or 5%") },
  { value: "json-field", label: t("Same field of JSON"), takes: t("Field, such as team") },
  { value: "regex", label: t("Matches an expression"), takes: t("Regular expression") },
  { value: "json-schema", label: t("Fits a JSON schema"), takes: t("JSON schema"), isLong: true },
  { value: "similarity", label: t("Similar in meaning") },
  { value: "bleu", label: t("Like the right answer (BLEU)") },
  { value: "rouge-l", label: t("Like the right answer (ROUGE-L)") },
  { value: "chrf", label: t("Like the right answer (chrF)") },
  {
    value: "javascript",
    label: t("Right by own JavaScript"),
    takes: t("Code, such as answer.length < 100"),
    isLong: true,
  },
  { value: "people", label: t("Good in the eyes of people, who rate it blind") },
];

export function GraderFields(props: { value: GraderDraft[]; onChange: (value: GraderDraft[]) => void }) {
  const { value, onChange } = props;
  return (
    <Stack gap={8}>
      <Select
        label={t("An answer is right when it is")}
        description={t("Scored without a model; the score is the mean of all.")}
        placeholder={t("Add a rule")}
        data={RULES.map(({ value: kind, label }) => ({ value: kind, label }))}
        value={null}
        onChange={(kind) => kind && onChange([...value, graderDraft(kind)])}
      />
      {value.map((one) => {
        const rule = RULES.find(({ value: kind }) => kind === one.kind);
        const field = {
          label: rule?.takes ?? "",
          value: one.word,
          required: true,
          onChange: (event: { currentTarget: { value: string } }) => {
            const word = event.currentTarget.value;
            onChange(value.map((other) => (other.key === one.key ? { ...other, word } : other)));
          },
        };
        return (
          <div key={one.key} className="e-assess-card">
            <Group justify="space-between" wrap="nowrap">
              <Text size="sm" fw={600}>
                {rule?.label ?? one.kind}
              </Text>
              <ActionIcon
                variant="subtle"
                color="gray"
                aria-label={t("Take {{name}} out", { name: rule?.label ?? one.kind })}
                onClick={() => onChange(value.filter(({ key }) => key !== one.key))}
              >
                <IconX size={16} />
              </ActionIcon>
            </Group>
            {rule?.takes ? (
              rule.isLong ? (
                <Textarea autosize minRows={3} maxRows={16} {...field} />
              ) : (
                <TextInput {...field} />
              )
            ) : null}
          </div>
        );
      })}
    </Stack>
  );
}

export function JudgeFields(props: {
  models: readonly ModelChoice[];
  /** Names of the candidates: a judge that is one of them is warned of. */
  candidates: readonly string[];
  /** Whether there are two candidates and more, which can be compared. */
  isSeveral: boolean;
  names: readonly string[];
  value: JudgeDraft[];
  onChange: (value: JudgeDraft[]) => void;
}) {
  const { value, onChange, candidates, isSeveral } = props;
  const change = (key: number, part: Partial<JudgeDraft>): void =>
    onChange(value.map((one) => (one.key === key ? { ...one, ...part } : one)));
  return (
    <Stack gap={8}>
      <Select
        label={t("Judges")}
        description={t(
          "Models that say how good the answers are. Each call of a third-party one is paid for.",
        )}
        placeholder={t("Add a judge")}
        data={optionsOf(props.models)}
        value={null}
        onChange={(model) => model && onChange([...value, judgeDraft(model)])}
        searchable
        selectFirstOptionOnChange
      />
      {value.map((one) => {
        const isPairwise = isSeveral && one.mode !== "direct";
        return (
          <div key={one.key} className="e-assess-card">
            <Group justify="space-between" wrap="nowrap">
              <Text size="sm" fw={600} style={{ overflowWrap: "anywhere" }}>
                {one.model}
              </Text>
              <ActionIcon
                variant="subtle"
                color="gray"
                aria-label={t("Take {{name}} out", { name: one.model })}
                onClick={() => onChange(value.filter(({ key }) => key !== one.key))}
              >
                <IconX size={16} />
              </ActionIcon>
            </Group>
            {candidates.includes(one.model) ? (
              <Text size="xs" c="dimmed">
                {t("It is a candidate, too: models tend to prefer their own answers.")}
              </Text>
            ) : null}
            {isSeveral ? (
              <SegmentedControl
                size="xs"
                mt={8}
                aria-label={t("How it judges")}
                value={isPairwise ? "pairwise" : "direct"}
                onChange={(mode) => change(one.key, { mode })}
                data={[
                  { value: "pairwise", label: t("two against each other, in both orders") },
                  { value: "direct", label: t("each answer by itself, 1 to 5") },
                ]}
              />
            ) : null}
            <Textarea
              mt={8}
              label={t("What makes an answer good")}
              placeholder={t("It is correct, does what was asked, and says nothing false.")}
              autosize
              minRows={1}
              maxRows={8}
              value={one.criteria}
              onChange={(event) => change(one.key, { criteria: event.currentTarget.value })}
            />
            <details>
              <summary>{one.prompt.trim() ? t("Own words") : t("Tell it in own words")}</summary>
              <TemplateField
                label={t("What the judge is told")}
                description={t(
                  "With the answers in double braces; how it has to reply is added. Left empty, it sees question, right answer and answers.",
                )}
                names={[
                  "ResponseA",
                  ...(isPairwise ? ["ResponseB"] : []),
                  "CandidateSystemPrompt",
                  ...props.names,
                ]}
                value={one.prompt}
                onChange={(prompt) => change(one.key, { prompt })}
              />
            </details>
          </div>
        );
      })}
    </Stack>
  );
}
