// The side sheet of the chat: system prompt, sampling and limits, for all columns at once or for one of them.
import { Button, NumberInput, Select, Stack, Switch, Textarea, TextInput } from "@mantine/core";
import type { ResultOf } from "gql.tada";
import { useState } from "react";
import { t } from "../i18n.ts";
import type { chatQuery } from "./queries.ts";
import { type ChatSettings, defaultSettings } from "./settings.ts";

type Data = ResultOf<typeof chatQuery>;

/** The system message of a dataset's first row, where it has one. */
function systemOf(value: unknown): string | null {
  const row = (value ?? {}) as Record<string, unknown>;
  if (typeof row.system === "string") return row.system;
  const messages = row.messages ?? row.conversations;
  const first = Array.isArray(messages) ? ((messages[0] ?? {}) as Record<string, unknown>) : {};
  const text = first.content ?? first.value;
  return (first.role ?? first.from) === "system" && typeof text === "string" ? text : null;
}

const ALL = "all";

export function SettingsSheet(props: {
  /** Those of each column. */
  settings: ChatSettings[];
  /** What each column is called. */
  names: string[];
  onChange: (settings: ChatSettings[]) => void;
  datasets: Data["datasets"]["nodes"];
}) {
  const [chosen, setChosen] = useState(ALL);
  const several = props.settings.length > 1;
  const index = several && chosen !== ALL ? Number(chosen) : null;
  const settings = props.settings[index ?? 0] ?? defaultSettings;
  const set = (change: Partial<ChatSettings>) =>
    props.onChange(
      props.settings.map((one, at) => (index === null || at === index ? { ...one, ...change } : one)),
    );
  const prompts = props.datasets.flatMap((dataset) => {
    const text = systemOf(dataset.latest?.rows.rows[0]?.value);
    return text ? [{ name: dataset.name, text }] : [];
  });
  const number = (value: string | number, otherwise: number): number =>
    typeof value === "number" ? value : otherwise;
  return (
    <Stack gap={16}>
      {several ? (
        <Select
          label={t("For")}
          description={t("A change for all models leaves the rest of each as it is.")}
          allowDeselect={false}
          value={index === null ? ALL : String(index)}
          data={[
            { value: ALL, label: t("all models") },
            ...props.names.map((name, at) => ({ value: String(at), label: `${at + 1} · ${name}` })),
          ]}
          onChange={(value) => setChosen(value ?? ALL)}
        />
      ) : null}
      {index === null ? null : (
        <Button
          size="xs"
          variant="default"
          onClick={() => props.onChange(props.settings.map(() => settings))}
        >
          {t("Copy these parameters to the other models")}
        </Button>
      )}
      <Textarea
        label={t("System prompt")}
        description={t("Said to every model before the first message.")}
        autosize
        minRows={4}
        maxRows={14}
        value={settings.system}
        onChange={(event) => set({ system: event.currentTarget.value })}
      />
      {prompts.map((prompt) => (
        <Button key={prompt.name} size="xs" variant="default" onClick={() => set({ system: prompt.text })}>
          {t("Use the system prompt of {{name}}", { name: prompt.name })}
        </Button>
      ))}
      <NumberInput
        label={t("Temperature")}
        description={t("0 always takes the likeliest token.")}
        min={0}
        max={2}
        step={0.1}
        value={settings.temperature}
        onChange={(value) => set({ temperature: number(value, 0) })}
      />
      <NumberInput
        label={t("Top-p")}
        description={t("Only the likeliest tokens up to this share.")}
        min={0.01}
        max={1}
        step={0.05}
        value={settings.topP}
        onChange={(value) => set({ topP: number(value, 1) })}
      />
      <NumberInput
        label={t("Top-k")}
        description={t("Only this many likeliest tokens; 0 is all.")}
        min={0}
        step={1}
        value={settings.topK}
        onChange={(value) => set({ topK: number(value, 0) })}
      />
      <NumberInput
        label={t("Most tokens of a reply")}
        min={1}
        step={64}
        value={settings.maxTokens}
        onChange={(value) => set({ maxTokens: number(value, 256) })}
      />
      <NumberInput
        label={t("Seed")}
        description={t("Same seed, same reply; empty is random.")}
        min={0}
        value={settings.seed ?? ""}
        onChange={(value) => set({ seed: typeof value === "number" ? value : null })}
      />
      <TextInput
        label={t("Stop at")}
        description={
          settings.isJson
            ? t("Off: a reply that is JSON ends where the JSON does.")
            : t("The reply ends before this text.")
        }
        disabled={settings.isJson}
        value={settings.stop}
        onChange={(event) => set({ stop: event.currentTarget.value })}
      />
      <Switch
        label={t("Reply in JSON")}
        description={t("The reply parses as a JSON object, unless the token limit cuts it.")}
        checked={settings.isJson}
        onChange={(event) => set({ isJson: event.currentTarget.checked })}
      />
      {settings.isJson ? (
        <Textarea
          label={t("JSON schema")}
          description={t("What the object must look like; any object when empty.")}
          autosize
          minRows={4}
          maxRows={14}
          styles={{ input: { fontFamily: "var(--mantine-font-family-monospace)" } }}
          value={settings.schema}
          onChange={(event) => set({ schema: event.currentTarget.value })}
        />
      ) : null}
    </Stack>
  );
}
