// The form of a provider: which kind, where, its key, the models to use of it and what they cost; a private address is confirmed here.
import {
  Button,
  Drawer,
  Group,
  NumberInput,
  PasswordInput,
  Select,
  Stack,
  Text,
  TextInput,
} from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { act } from "../api/client.ts";
import { refreshAll, useWork } from "../api/data.ts";
import { t } from "../i18n.ts";
import { said } from "../said.ts";
import { ProblemNotice } from "../ui/states.tsx";
import { sayDeleted } from "../ui/trash.tsx";
import { type ModelDraft, ModelRows, modelDraft, modelInput } from "./model-rows.tsx";
import { addProvider, type KindNode, type ProviderNode, updateProvider } from "./queries.ts";
import { kindTitle } from "./words.ts";

type Draft = {
  kind: string;
  name: string;
  url: string;
  key: string;
  models: ModelDraft[];
  requestsPerMinute: number | null;
  timeoutSeconds: number | null;
};

function draftOf(provider: ProviderNode | null, kinds: readonly KindNode[]): Draft {
  if (provider)
    return {
      kind: provider.kind,
      name: provider.name,
      url: provider.url,
      key: "",
      models: provider.models.map((model) => modelDraft(model)),
      requestsPerMinute: provider.requestsPerMinute,
      timeoutSeconds: provider.timeoutMs / 1000,
    };
  const [kind] = kinds;
  return {
    kind: kind?.name ?? "openai",
    name: kind?.name ?? "",
    url: kind?.url ?? "",
    key: "",
    models: [modelDraft()],
    requestsPerMinute: null,
    timeoutSeconds: null,
  };
}

/** A whole number as a field gives it; null for an empty one. */
const numberOf = (value: number | string): number | null =>
  typeof value === "number" && Number.isFinite(value) ? value : null;

export function ProviderForm(props: {
  isOpen: boolean;
  onClose: () => void;
  kinds: readonly KindNode[];
  provider: ProviderNode | null;
}) {
  const { provider, kinds } = props;
  return (
    <Drawer
      opened={props.isOpen}
      onClose={props.onClose}
      position="right"
      size={560}
      title={provider ? t("Change {{name}}", provider) : t("Add a provider")}
    >
      <Fields provider={provider} kinds={kinds} onClose={props.onClose} />
    </Drawer>
  );
}

function Fields(props: { kinds: readonly KindNode[]; provider: ProviderNode | null; onClose: () => void }) {
  const { provider, kinds } = props;
  const [draft, setDraft] = useState(() => draftOf(provider, kinds));
  const work = useWork();
  const navigate = useNavigate();
  const kind = kinds.find(({ name }) => name === draft.kind);
  const change = (part: Partial<Draft>) => setDraft((old) => ({ ...old, ...part }));
  const wantsConsent = work.problem?.code === "ADDRESS_PRIVATE";
  const isDependedOn = work.problem?.code === "HAS_DEPENDANTS";

  const choose = (name: string | null) => {
    const next = kinds.find((one) => one.name === name);
    if (!next) return;
    // What was typed by hand stays.
    const isOwnName = draft.name !== "" && draft.name !== kind?.name;
    change({ kind: next.name, url: next.url, ...(isOwnName ? {} : { name: next.name }) });
  };

  const save = (consent: { allowPrivate?: true; confirm?: true } = {}) =>
    work.run(async () => {
      const shared = {
        url: draft.url,
        ...(draft.key.trim() === "" ? {} : { key: draft.key }),
        models: draft.models.filter(({ model }) => model.trim() !== "").map(modelInput),
        requestsPerMinute: draft.requestsPerMinute,
        ...(draft.timeoutSeconds === null ? {} : { timeoutMs: Math.round(draft.timeoutSeconds * 1000) }),
        allowPrivate: consent.allowPrivate ?? false,
      };
      const confirm = consent.confirm ?? false;
      const done = provider
        ? await act(updateProvider, { input: { provider: provider.id, confirm, ...shared } })
        : await act(addProvider, { input: { name: draft.name, kind: draft.kind, ...shared } });
      refreshAll();
      notifications.show({ message: t("{{name}} is kept", done.provider), color: "gray" });
      sayLeftOut(provider?.models.filter((old) => !shared.models.some(({ model }) => model === old.model)));
      props.onClose();
      if (!provider) await navigate({ to: `/third-party/${done.provider.id}` });
    });

  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void save();
      }}
    >
      <Stack gap={16}>
        {provider ? null : (
          <>
            <Select
              label={t("Kind")}
              data={kinds.map(({ name }) => ({ value: name, label: kindTitle(kinds, name) }))}
              value={draft.kind}
              onChange={choose}
              searchable
              allowDeselect={false}
              data-autofocus
            />
            <TextInput
              label={t("Name")}
              description={t("First part of its models' names: {{name}}/model", {
                name: draft.name || "name",
              })}
              value={draft.name}
              onChange={(event) => change({ name: event.currentTarget.value })}
              required
            />
          </>
        )}
        <TextInput
          label={t("Address")}
          placeholder={kind?.urlExample ?? ""}
          value={draft.url}
          onChange={(event) => change({ url: event.currentTarget.value })}
          required
        />
        <PasswordInput
          label={t("Key")}
          description={
            provider?.hasKey
              ? t("A key is kept. Enter another one to replace it.")
              : kind?.keyHint
                ? said(kind.keyHint)
                : kind?.needsKey
                  ? t("It is sealed at once and never shown again.")
                  : t("Only if its server wants one.")
          }
          value={draft.key}
          autoComplete="off"
          onChange={(event) => change({ key: event.currentTarget.value })}
          required={kind?.needsKey === true && !provider?.hasKey}
        />
        <ModelRows
          models={draft.models}
          abilities={kind?.abilities ?? []}
          provider={provider}
          onChange={(models) => change({ models })}
        />
        <Group grow align="flex-start">
          <NumberInput
            label={t("Most requests a minute")}
            placeholder={t("no limit")}
            min={1}
            allowDecimal={false}
            value={draft.requestsPerMinute ?? ""}
            onChange={(value) => change({ requestsPerMinute: numberOf(value) })}
          />
          <NumberInput
            label={t("Longest silence, in seconds")}
            placeholder="60"
            min={1}
            max={900}
            value={draft.timeoutSeconds ?? ""}
            onChange={(value) => change({ timeoutSeconds: numberOf(value) })}
          />
        </Group>
        {wantsConsent ? (
          <Consent
            place={work.problem?.value ?? ""}
            isBusy={work.isBusy}
            onAllow={() => save({ allowPrivate: true })}
          />
        ) : work.problem ? (
          <ProblemNotice problem={work.problem} />
        ) : null}
        {isDependedOn ? (
          <Button
            variant="default"
            c="var(--e-red)"
            loading={work.isBusy}
            onClick={() => save({ confirm: true })}
          >
            {t("Leave it out all the same")}
          </Button>
        ) : null}
        <Group justify="flex-end">
          <Button variant="default" onClick={props.onClose}>
            {t("Cancel")}
          </Button>
          <Button type="submit" loading={work.isBusy} variant={wantsConsent ? "default" : "filled"}>
            {provider ? t("Keep the changes") : t("Add the provider")}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

/** Says which models went into the trash, with the way back. */
function sayLeftOut(models: ProviderNode["models"] = []): void {
  const [first] = models;
  if (!first) return;
  const message =
    models.length === 1
      ? t("{{name}} is deleted", first)
      : t("{{count}} things deleted", { count: models.length });
  sayDeleted(
    message,
    models.map(({ id }) => id),
  );
}

/** Asks whether a host of this machine or its network may be called. */
function Consent(props: { place: string; isBusy: boolean; onAllow: () => void }) {
  return (
    <div
      role="alert"
      className="e-surface"
      style={{ padding: 16 }}
      // It appears below what a small window shows.
      ref={(asked) => asked?.scrollIntoView({ block: "nearest" })}
    >
      <Text size="sm" fw={600}>
        {t("{{place}} is this machine or its private network.", props)}
      </Text>
      <Text size="sm" mt={4}>
        {t(
          "That is right for an Ollama or vLLM of your own. The server will send messages there, so allow only a host that you know.",
        )}
      </Text>
      <Button mt={8} onClick={props.onAllow} loading={props.isBusy}>
        {t("Allow {{place}}", props)}
      </Button>
    </div>
  );
}
