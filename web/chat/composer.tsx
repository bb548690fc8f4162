// The one composer under all columns: Enter sends, Shift+Enter breaks the line, Escape and the button stop.
import { ActionIcon, Textarea, Tooltip } from "@mantine/core";
import { IconBookmarks, IconPlayerStopFilled, IconSend } from "@tabler/icons-react";
import type { KeyboardEvent } from "react";
import { t } from "../i18n.ts";
import { KnowledgeButton, type KnowledgeChoice } from "./knowledge-button.tsx";

export function Composer(props: {
  text: string;
  onText: (text: string) => void;
  placeholder: string;
  isStreaming: boolean;
  knowledge: KnowledgeChoice;
  onPrompts: () => void;
  onSend: () => void;
  onStop: () => void;
}) {
  const { text, isStreaming } = props;
  const onKey = (event: KeyboardEvent) => {
    if (event.key === "Enter" && !event.shiftKey && !event.nativeEvent.isComposing) {
      event.preventDefault();
      props.onSend();
    } else if (event.key === "Escape" && isStreaming) props.onStop();
  };
  return (
    <div className="e-surface e-composer">
      <KnowledgeButton {...props.knowledge} />
      <ActionIcon
        size={36}
        variant="subtle"
        color="gray"
        aria-label={t("Prompt library")}
        title={t("Prompt library")}
        onClick={props.onPrompts}
      >
        <IconBookmarks size={18} />
      </ActionIcon>
      <Textarea
        aria-label={t("Message")}
        placeholder={props.placeholder}
        autosize
        minRows={1}
        maxRows={8}
        variant="unstyled"
        style={{ flex: 1 }}
        px={8}
        value={text}
        onChange={(event) => props.onText(event.currentTarget.value)}
        onKeyDown={onKey}
      />
      {isStreaming ? (
        <ActionIcon size={36} color="leaf" aria-label={t("Stop")} onClick={props.onStop}>
          <IconPlayerStopFilled size={18} />
        </ActionIcon>
      ) : (
        <Tooltip label={text.trim() ? t("Send") : t("Write a message first")}>
          <ActionIcon
            size={36}
            color="leaf"
            aria-label={t("Send")}
            onClick={props.onSend}
            aria-disabled={!text.trim()}
          >
            <IconSend size={18} />
          </ActionIcon>
        </Tooltip>
      )}
    </div>
  );
}
