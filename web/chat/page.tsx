// Chat with any usable model, or two side by side under one composer; parameters in a side sheet; history kept.

import { ActionIcon, Button, Drawer, Group, Select, Text, Textarea, Tooltip } from "@mantine/core";
import { useDisclosure, useLocalStorage } from "@mantine/hooks";
import {
  IconAdjustments,
  IconColumns2,
  IconPlayerStopFilled,
  IconSend,
  IconTrash,
} from "@tabler/icons-react";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import type { ResultOf } from "gql.tada";
import { type KeyboardEvent, useCallback, useEffect, useRef, useState } from "react";
import { act } from "../api/client.ts";
import { refreshAll, useData } from "../api/data.ts";
import { t } from "../i18n.ts";
import { reachable } from "../ui/bits.tsx";
import { Empty, ProblemNotice } from "../ui/states.tsx";
import { MessageView } from "./message.tsx";
import { chatQuery, deleteConversation, historyQuery } from "./queries.ts";
import { SettingsSheet } from "./settings-sheet.tsx";
import { type ChatSettings, type Column, useColumn } from "./use-column.ts";

type Data = ResultOf<typeof chatQuery>;
const defaults: ChatSettings = {
  system: "",
  temperature: 0,
  topP: 1,
  topK: 0,
  maxTokens: 256,
  seed: null,
  stop: "",
};

const kindWords: Record<string, string> = {
  BASE: t("base"),
  CUSTOMIZED: t("customized"),
  COMPLETE: t("complete"),
  LIVE: t("live"),
  REGISTERED: t("registered"),
  THIRD_PARTY: t("third-party"),
};

function ModelPicker(props: {
  models: Data["models"]["nodes"];
  value: string | null;
  onChange: (name: string) => void;
  label: string;
}) {
  const groups = Object.keys(kindWords)
    .map((kind) => ({
      group: kindWords[kind] ?? kind,
      items: props.models
        .filter((model) => model.kind === kind)
        .map((model) => ({
          value: model.name,
          label: model.usable
            ? `${model.name} · ${kindWords[kind]}`
            : `${model.name} · ${model.reason ?? t("not usable now")}`,
          disabled: !model.usable,
        })),
    }))
    .filter((group) => group.items.length > 0);
  return (
    <Select
      aria-label={props.label}
      placeholder={t("Choose a model")}
      data={groups}
      value={props.value}
      searchable
      allowDeselect={false}
      onChange={(value) => value && props.onChange(value)}
      style={{ flex: 1 }}
    />
  );
}

function ColumnView(props: { column: Column; picker: React.ReactNode }) {
  const { column } = props;
  const end = useRef<HTMLDivElement>(null);
  const isAtEnd = useRef(true);
  // biome-ignore lint/correctness/useExhaustiveDependencies: each new text follows the end, unless the reader scrolled up
  useEffect(() => {
    const list = end.current;
    if (list && isAtEnd.current) list.scrollTop = list.scrollHeight;
  }, [column.messages]);
  return (
    <section className="e-surface e-chat-column">
      <header>{props.picker}</header>
      <div
        className="e-messages"
        ref={end}
        {...reachable}
        role="log"
        aria-label={t("Messages")}
        onScroll={(event) => {
          const list = event.currentTarget;
          isAtEnd.current = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
        }}
      >
        {column.messages.length === 0 && !column.problem ? (
          <Text size="sm" c="dimmed" ta="center" mt={48}>
            {t("Say something below. What you write stays on your machines.")}
          </Text>
        ) : null}
        {column.messages.map((message) => (
          <MessageView key={message.id} message={message} />
        ))}
        {column.problem ? <ProblemNotice problem={column.problem} /> : null}
      </div>
    </section>
  );
}

function History(props: { openId: string | null }) {
  const [pages, setPages] = useState(1);
  const { data } = useData(historyQuery, {}, pages);
  return (
    <aside className="e-history" aria-label={t("Conversations")}>
      <Button component={Link} to="/chat" variant="default" fullWidth size="xs">
        {t("New conversation")}
      </Button>
      <ul>
        {data?.conversations.nodes.map((conversation) => (
          <li key={conversation.id} {...(conversation.id === props.openId ? { "data-open": "" } : {})}>
            <Link
              to={`/chat/${conversation.id}`}
              title={`${conversation.title} (${conversation.models.join(", ")})`}
            >
              {conversation.title}
            </Link>
            <ActionIcon
              size="sm"
              variant="subtle"
              color="gray"
              aria-label={t("Delete {{name}}", { name: conversation.title })}
              onClick={async () => {
                await act(deleteConversation, { id: conversation.id }).catch(() => null);
                refreshAll();
              }}
            >
              <IconTrash size={14} />
            </ActionIcon>
          </li>
        ))}
      </ul>
      {data?.conversations.pageInfo.hasNextPage ? (
        <Button variant="subtle" fullWidth size="xs" onClick={() => setPages(pages + 1)}>
          {t("Show older")}
        </Button>
      ) : null}
    </aside>
  );
}

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

  const send = async () => {
    const said = text.trim();
    if (!said || !model || isStreaming) return;
    setText("");
    // One after the other: each names its conversation in the address before the next does.
    try {
      await first.send(said, model, settings);
      if (other) await second.send(said, other, settings);
    } catch {
      setText(said);
    }
  };
  const onKey = (event: KeyboardEvent) => {
    if (event.key === "Enter" && !event.shiftKey && !event.nativeEvent.isComposing) {
      event.preventDefault();
      void send();
    }
  };
  if (reading.problem && !reading.data)
    return (
      <div className="e-page">
        <ProblemNotice problem={reading.problem} onRetry={reading.reload} />
      </div>
    );
  return (
    <div className="e-chat">
      <History openId={id ?? null} />
      <div className="e-talk">
        <Group justify="space-between">
          <h1 style={{ fontSize: 20, margin: 0 }}>{t("Chat")}</h1>
          <Group gap={8}>
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
            <ActionIcon
              size={36}
              color="leaf"
              aria-label={t("Stop")}
              onClick={() => {
                first.stop();
                second.stop();
              }}
            >
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
