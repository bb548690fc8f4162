// Chat with any usable model, or with up to four side by side under one composer; parameters in a side sheet.
import { Button, CloseButton, Drawer, Group, Switch, Text } from "@mantine/core";
import { useDisclosure, useLocalStorage } from "@mantine/hooks";
import { IconAdjustments, IconColumns2, IconHistory } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import { useEffect, useMemo, useRef, useState } from "react";
import { refreshAll, useData } from "../api/data.ts";
import { t } from "../i18n.ts";
import { Empty, ProblemNotice } from "../ui/states.tsx";
import { ColumnView } from "./column-view.tsx";
import { Composer } from "./composer.tsx";
import { History } from "./history.tsx";
import type { MessageVerbs } from "./message.tsx";
import { chattable, ModelPicker } from "./model-picker.tsx";
import { PromptsDialog } from "./prompts-dialog.tsx";
import { chatQuery } from "./queries.ts";
import { type ChatSettings, defaultSettings } from "./settings.ts";
import { SettingsSheet } from "./settings-sheet.tsx";
import { SharedNotice } from "./sharing.tsx";
import { MOST_COLUMNS, useColumns } from "./use-columns.ts";
import { picturesIn, usePictures } from "./use-pictures.ts";
import { letterOf, VoteBar } from "./vote-bar.tsx";

const pickerLabels = [t("Model"), t("Second model"), t("Third model"), t("Fourth model")];

export function ChatPage() {
  const reading = useData(chatQuery, {});
  const [stored, setStored] = useLocalStorage<ChatSettings[]>({
    key: "espalier-chat-columns",
    defaultValue: [],
  });
  const [isOpen, sheet] = useDisclosure(false);
  const [isHistoryOpen, history] = useDisclosure(false);
  const [isLibraryOpen, library] = useDisclosure(false);
  const [text, setText] = useState("");
  const [isDropping, setDropping] = useState(false);
  // Null: those that the conversation has.
  const [bases, setBases] = useState<{ of: string | null; ids: readonly string[] } | null>(null);
  const models = useMemo(() => chattable(reading.data?.models.nodes ?? []), [reading.data]);
  const settings = pickerLabels.map((_, index) => ({ ...defaultSettings, ...(stored[index] ?? stored[0]) }));
  const chat = useColumns(models, (index) => settings[index] ?? defaultSettings);
  const { columns } = chat;
  const several = columns.length > 1;

  useEffect(() => {
    document.title = `${t("Chat")} · Espalier`;
  }, []);

  // The verbs stay the same from one drawing to the next, so that the messages need not be drawn again.
  const latest = useRef({ chat, settings });
  latest.current = { chat, settings };
  const verbs = useMemo(
    () =>
      pickerLabels.map((_, index): MessageVerbs => {
        const now = () => ({
          column: latest.current.chat.columns[index],
          model: latest.current.chat.models[index] ?? "",
          settings: latest.current.settings[index] ?? defaultSettings,
        });
        return {
          async edit(insteadOfId, said, shown) {
            const { column, model, settings: chosen } = now();
            await column?.send({ text: said, pictures: shown, model, settings: chosen, insteadOfId });
          },
          retry(messageId) {
            const { column, model, settings: chosen } = now();
            void column?.retry(messageId, model, chosen).then(refreshAll);
          },
        };
      }),
    [],
  );

  const pictures = usePictures();
  const chosenBases = bases?.of === chat.id ? bases.ids : null;
  const send = async () => {
    const said = text.trim();
    const shown = pictures.kept;
    if ((!said && shown.length === 0) || chat.isStreaming || refusal !== null) return;
    setText("");
    const putBack = pictures.take();
    if (await chat.send(said, shown, chosenBases)) return;
    setText(said);
    putBack();
  };
  const nameOf = (index: number) =>
    chat.isHidden ? letterOf(index) : (chat.models[index] ?? letterOf(index));
  const blind = chat.blindTo(pictures.all.length > 0);
  const refusal = refusalOf(
    blind.map(nameOf),
    chat.blindTo(false).length > 0,
    pictures.isSending,
    pictures.hasFailed,
  );
  const usable = models.filter((model) => model.usable);
  const [first, ...others] = columns;
  if (reading.problem && !reading.data)
    return (
      <div className="e-page">
        <ProblemNotice problem={reading.problem} onRetry={reading.reload} />
      </div>
    );
  return (
    <div className="e-chat">
      <aside className="e-history" aria-label={t("Conversations")}>
        <History openId={chat.id} />
      </aside>
      {/* Without the kit's header: on narrow screens the top bar is the page's one banner. */}
      <Drawer.Root opened={isHistoryOpen} onClose={history.close} size={320}>
        <Drawer.Overlay />
        <Drawer.Content aria-label={t("Conversations")}>
          <Drawer.Body className="e-history-list" pt={16}>
            <Group justify="flex-end" mb={8}>
              <CloseButton aria-label={t("Close")} onClick={history.close} />
            </Group>
            <History openId={chat.id} onPicked={history.close} />
          </Drawer.Body>
        </Drawer.Content>
      </Drawer.Root>
      {/* Pictures may be dropped anywhere on the talk. */}
      <section
        className="e-talk"
        aria-label={t("Chat")}
        {...(isDropping ? { "data-dropping": "" } : {})}
        onDragOver={(event) => {
          if (!event.dataTransfer.types.includes("Files")) return;
          event.preventDefault();
          setDropping(true);
        }}
        onDragLeave={(event) => {
          const { relatedTarget } = event;
          if (!(relatedTarget instanceof Node && event.currentTarget.contains(relatedTarget)))
            setDropping(false);
        }}
        onDrop={(event) => {
          event.preventDefault();
          setDropping(false);
          pictures.add(picturesIn(event.dataTransfer));
        }}
      >
        <Group justify="space-between" gap={8}>
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
            {several && !chat.hasBegun ? (
              <Switch
                size="xs"
                label={t("Hide names until a vote")}
                checked={chat.wantsBlind}
                onChange={(event) => chat.setBlind(event.currentTarget.checked)}
              />
            ) : null}
            {columns.length < MOST_COLUMNS && !chat.isHidden ? (
              <Button
                variant="default"
                size="xs"
                leftSection={<IconColumns2 size={16} aria-hidden />}
                onClick={chat.addModel}
              >
                {several ? t("Add a model") : t("Compare")}
              </Button>
            ) : null}
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
            {columns.map((column, index) => (
              <ColumnView
                key={pickerLabels[index]}
                column={column}
                verbs={verbs[index] ?? { edit: async () => undefined, retry: () => undefined }}
                isHidden={chat.isHidden}
                hint={hintOf(models.find(({ name }) => name === chat.models[index])?.kind, chat.wantsBlind)}
                isOneOfSeveral={several}
                starters={settings[0]?.starters ?? []}
                onStarter={setText}
                onRemove={
                  several && column.read().conversationId === null && !chat.isStreaming
                    ? () => void chat.removeModel(index)
                    : null
                }
                picker={
                  chat.isHidden ? (
                    <Text fw={600} style={{ flex: 1, alignSelf: "center" }}>
                      {t("Model {{letter}}", { letter: letterOf(index) })}
                    </Text>
                  ) : (
                    <ModelPicker
                      label={pickerLabels[index] ?? ""}
                      models={models}
                      value={chat.models[index] ?? null}
                      onChange={(name) => void chat.setModel(index, name)}
                    />
                  )
                }
              />
            ))}
          </div>
        )}
        {several && first && !chat.isStreaming && chat.isMine ? (
          <VoteBar columns={[first, ...others]} isHidden={chat.isHidden} nameOf={nameOf} />
        ) : null}
        {chat.id !== null && !chat.isMine ? (
          <SharedNotice id={chat.id} maker={chat.maker} />
        ) : (
          <Composer
            text={text}
            onText={setText}
            placeholder={settings[0]?.system ? t("Message; the system prompt is set") : t("Message")}
            isStreaming={chat.isStreaming}
            onPrompts={library.open}
            knowledge={{
              all: reading.data?.knowledgeBases.nodes ?? [],
              chosen: chosenBases ?? chat.knowledgeBases,
              onChoose: (ids) => setBases({ of: chat.id, ids }),
            }}
            pictures={pictures}
            refusal={refusal}
            onSend={() => void send()}
            onStop={chat.stop}
          />
        )}
      </section>
      {isLibraryOpen ? (
        <PromptsDialog
          onClose={library.close}
          onSystem={({ text: system, starters }) => {
            setStored(settings.map((one) => ({ ...one, system, starters })));
            library.close();
          }}
          onMessage={(said) => {
            setText((old) => (old.trim() ? `${old}\n${said}` : said));
            library.close();
          }}
        />
      ) : null}
      <Drawer opened={isOpen} onClose={sheet.close} position="right" title={t("Parameters")}>
        <SettingsSheet
          settings={settings.slice(0, columns.length)}
          names={columns.map((_, index) => nameOf(index))}
          onChange={setStored}
          datasets={reading.data?.datasets.nodes ?? []}
        />
      </Drawer>
    </div>
  );
}

/** What an empty column says: where the words go, unless that would tell who is hidden. */
function hintOf(kind: string | undefined, isHidden: boolean): string {
  if (isHidden) return t("Say something below.");
  return kind === "THIRD_PARTY"
    ? t("Say something below. It goes to this model's provider.")
    : t("Say something below. What you write stays on your machines.");
}

/** Why nothing can be sent now, and what to do about it; null where it can. `blind` names models that take no pictures. */
function refusalOf(
  blind: readonly string[],
  hasEarlier: boolean,
  isSending: boolean,
  hasFailed: boolean,
): string | null {
  const names = blind.join(", ");
  if (names && hasEarlier)
    return t(
      "{{names}}: takes no pictures, and this conversation has some. Choose a model that reads pictures, or begin a new conversation.",
      { names },
    );
  if (names)
    return t("{{names}}: takes no pictures. Choose a model that reads pictures, or remove them.", { names });
  if (hasFailed) return t("Remove the picture that could not be taken.");
  return isSending ? t("The pictures are on their way; a moment.") : null;
}
