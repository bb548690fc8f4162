// Chat with any usable model, or two side by side under one composer; parameters in a side sheet; history kept.

import { ActionIcon, Button, CloseButton, Drawer, Group, Textarea, Tooltip } from "@mantine/core";
import { useDisclosure, useLocalStorage } from "@mantine/hooks";
import {
  IconAdjustments,
  IconColumns2,
  IconHistory,
  IconPlayerStopFilled,
  IconSend,
} from "@tabler/icons-react";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { type KeyboardEvent, useCallback, useEffect, useState } from "react";
import { refreshAll, useData } from "../api/data.ts";
import { t } from "../i18n.ts";
import { Empty, ProblemNotice } from "../ui/states.tsx";
import { ColumnView } from "./column-view.tsx";
import { History } from "./history.tsx";
import { ModelPicker } from "./model-picker.tsx";
import { chatQuery } from "./queries.ts";
import { SettingsSheet } from "./settings-sheet.tsx";
import { type ChatSettings, useColumn } from "./use-column.ts";

const defaults: ChatSettings = {
  system: "",
  temperature: 0,
  topP: 1,
  topK: 0,
  maxTokens: 256,
  seed: null,
  stop: "",
};

export function ChatPage() {
  const { id } = useParams({ strict: false }) as { id?: string };
  const given = useSearch({ strict: false }) as {
    model?: string;
    other?: string;
    second?: string;
    models?: string;
  };
  // A link may name both models at once, as the map's next action does.
  const [linked, linkedOther] = (given.models ?? "").split(",").map((name) => decodeURIComponent(name));
  const search = {
    model: given.model ?? (linked || undefined),
    other: given.other ?? (linkedOther || undefined),
    second: given.second,
  };
  const navigate = useNavigate();
  const reading = useData(chatQuery, {});
  const [settings, setSettings] = useLocalStorage<ChatSettings>({
    key: "espalier-chat",
    defaultValue: defaults,
  });
  const [isOpen, sheet] = useDisclosure(false);
  const [isHistoryOpen, history] = useDisclosure(false);
  const [text, setText] = useState("");
  const models = reading.data?.models.nodes ?? [];

  const remember = useCallback(
    (change: { id?: string; second?: string }) => {
      void navigate({
        to: change.id ? `/chat/${change.id}` : ".",
        search: (old: Record<string, unknown>) => ({
          ...old,
          ...(change.second ? { second: change.second } : {}),
        }),
        replace: true,
      });
      refreshAll();
    },
    [navigate],
  );
  const first = useColumn(
    id ?? null,
    useCallback((made: string) => remember({ id: made }), [remember]),
  );
  const second = useColumn(
    search.second ?? null,
    useCallback((made: string) => remember({ second: made }), [remember]),
  );

  const usable = models.filter((model) => model.usable);
  const known = (name: string | undefined) =>
    name && models.some((model) => model.name === name) ? name : null;
  const model = known(search.model) ?? known(first.models[0]) ?? usable[0]?.name ?? null;
  const other =
    search.other === undefined
      ? null
      : (known(search.other) ?? usable.find((one) => one.name !== model)?.name ?? model);
  const isStreaming = first.isStreaming || second.isStreaming;
  const set = (change: Record<string, string | undefined>) =>
    navigate({ to: ".", search: (old: Record<string, unknown>) => ({ ...old, ...change }), replace: true });

  useEffect(() => {
    document.title = `${t("Chat")} · Espalier`;
  }, []);

  const ask = async (said: string) => {
    if (!said || !model || isStreaming) return false;
    // One after the other: each names its conversation in the address before the next does.
    await first.send(said, model, settings);
    if (other) await second.send(said, other, settings);
    return true;
  };
  const send = async () => {
    const said = text.trim();
    setText("");
    const isSent = await ask(said).catch(() => false);
    if (!isSent) setText(said);
  };
  const stop = () => {
    first.stop();
    second.stop();
  };
  const onKey = (event: KeyboardEvent) => {
    if (event.key === "Enter" && !event.shiftKey && !event.nativeEvent.isComposing) {
      event.preventDefault();
      void send();
    } else if (event.key === "Escape" && isStreaming) stop();
  };
  const again = isStreaming ? null : (said: string) => void ask(said).catch(() => undefined);
  if (reading.problem && !reading.data)
    return (
      <div className="e-page">
        <ProblemNotice problem={reading.problem} onRetry={reading.reload} />
      </div>
    );
  return (
    <div className="e-chat">
      <aside className="e-history" aria-label={t("Conversations")}>
        <History openId={id ?? null} />
      </aside>
      {/* Without the kit's header: on narrow screens the top bar is the page's one banner. */}
      <Drawer.Root opened={isHistoryOpen} onClose={history.close} size={320}>
        <Drawer.Overlay />
        <Drawer.Content aria-label={t("Conversations")}>
          <Drawer.Body className="e-history-list" pt={16}>
            <Group justify="flex-end" mb={8}>
              <CloseButton aria-label={t("Close")} onClick={history.close} />
            </Group>
            <History openId={id ?? null} onPicked={history.close} />
          </Drawer.Body>
        </Drawer.Content>
      </Drawer.Root>
      <div className="e-talk">
        <Group justify="space-between">
          <h1 style={{ fontSize: 20, margin: 0 }}>{t("Chat")}</h1>
          <Group gap={8}>
            <Button
              className="e-history-button"
              variant="default"
              size="xs"
              leftSection={<IconHistory size={16} aria-hidden />}
              onClick={history.open}
            >
              {t("History")}
            </Button>
            <Button
              variant="default"
              size="xs"
              leftSection={<IconColumns2 size={16} aria-hidden />}
              aria-pressed={other !== null}
              onClick={() => set(other === null ? { other: "" } : { other: undefined, second: undefined })}
            >
              {other === null ? t("Compare two") : t("One model")}
            </Button>
            <Button
              variant="default"
              size="xs"
              leftSection={<IconAdjustments size={16} aria-hidden />}
              onClick={sheet.open}
            >
              {t("Parameters")}
            </Button>
          </Group>
        </Group>
        {reading.data && usable.length === 0 ? (
          <Empty
            title={t("No model to talk to")}
            text={t("Import a base model, and it answers here.")}
            action={
              <Button component={Link} to="/base-models">
                {t("Import model")}
              </Button>
            }
          />
        ) : (
          <div className="e-chat-columns">
            <ColumnView
              column={first}
              onAgain={again}
              picker={
                <ModelPicker
                  label={t("Model")}
                  models={models}
                  value={model}
                  onChange={(name) => set({ model: name })}
                />
              }
            />
            {other === null ? null : (
              <ColumnView
                column={second}
                onAgain={null}
                picker={
                  <ModelPicker
                    label={t("Second model")}
                    models={models}
                    value={other}
                    onChange={(name) => set({ other: name })}
                  />
                }
              />
            )}
          </div>
        )}
        <div className="e-surface e-composer">
          <Textarea
            aria-label={t("Message")}
            placeholder={settings.system ? t("Message; the system prompt is set") : t("Message")}
            autosize
            minRows={1}
            maxRows={8}
            variant="unstyled"
            style={{ flex: 1 }}
            px={8}
            value={text}
            onChange={(event) => setText(event.currentTarget.value)}
            onKeyDown={onKey}
          />
          {isStreaming ? (
            <ActionIcon size={36} color="leaf" aria-label={t("Stop")} onClick={stop}>
              <IconPlayerStopFilled size={18} />
            </ActionIcon>
          ) : (
            <Tooltip label={text.trim() ? t("Send") : t("Write a message first")}>
              <ActionIcon
                size={36}
                color="leaf"
                aria-label={t("Send")}
                onClick={() => void send()}
                aria-disabled={!text.trim()}
              >
                <IconSend size={18} />
              </ActionIcon>
            </Tooltip>
          )}
        </div>
      </div>
      <Drawer opened={isOpen} onClose={sheet.close} position="right" title={t("Parameters")}>
        <SettingsSheet
          settings={settings}
          onChange={setSettings}
          datasets={reading.data?.datasets.nodes ?? []}
        />
      </Drawer>
    </div>
  );
}
