// The one composer under all columns: Enter sends, Shift+Enter breaks the line, Escape and the button stop; pictures are
// pasted, dropped or chosen.
import { ActionIcon, FileButton, Text, Textarea, Tooltip } from "@mantine/core";
import { IconBookmarks, IconPhotoPlus, IconPlayerStopFilled, IconSend } from "@tabler/icons-react";
import type { KeyboardEvent } from "react";
import { t } from "../i18n.ts";
import { KnowledgeButton, type KnowledgeChoice } from "./knowledge-button.tsx";
import { PictureTray } from "./pictures.tsx";
import { PICTURE_TYPES, picturesIn, type usePictures } from "./use-pictures.ts";

export function Composer(props: {
  text: string;
  onText: (text: string) => void;
  placeholder: string;
  isStreaming: boolean;
  knowledge: KnowledgeChoice;
  pictures: ReturnType<typeof usePictures>;
  /** Why nothing can be sent now; null where it can. */
  refusal: string | null;
  onPrompts: () => void;
  onSend: () => void;
  onStop: () => void;
}) {
  const { text, isStreaming, pictures, refusal } = props;
  const onKey = (event: KeyboardEvent) => {
    if (event.key === "Enter" && !event.shiftKey && !event.nativeEvent.isComposing) {
      event.preventDefault();
      props.onSend();
    } else if (event.key === "Escape" && isStreaming) props.onStop();
  };
  const isEmpty = !text.trim() && pictures.kept.length === 0;
  const note = refusal ?? pictures.note;
  return (
    <div className="e-surface e-composer">
      <PictureTray pictures={pictures.all} onRemove={pictures.remove} />
      {note ? (
        <Text size="sm" role="status" className="e-composer-note">
          {note}
        </Text>
      ) : null}
      <div className="e-composer-row">
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
        <FileButton
          multiple
          accept={PICTURE_TYPES.join(",")}
          onChange={pictures.add}
          inputProps={{ "aria-label": t("Pictures") }}
        >
          {({ onClick }) => (
            <ActionIcon
              size={36}
              variant="subtle"
              color="gray"
              aria-label={t("Add pictures")}
              title={t("Add pictures: choose, paste or drop them")}
              onClick={onClick}
            >
              <IconPhotoPlus size={18} />
            </ActionIcon>
          )}
        </FileButton>
        <Textarea
          aria-label={t("Message")}
          placeholder={props.placeholder}
          autosize
          minRows={1}
          maxRows={8}
          variant="unstyled"
          className="e-composer-text"
          value={text}
          onChange={(event) => props.onText(event.currentTarget.value)}
          onKeyDown={onKey}
          onPaste={(event) => {
            const files = picturesIn(event.clipboardData);
            if (files.length === 0) return;
            event.preventDefault();
            pictures.add(files);
          }}
        />
        {isStreaming ? (
          <ActionIcon size={36} color="leaf" aria-label={t("Stop")} onClick={props.onStop}>
            <IconPlayerStopFilled size={18} />
          </ActionIcon>
        ) : (
          <Tooltip label={refusal ?? (isEmpty ? t("Write a message first") : t("Send"))}>
            <ActionIcon
              size={36}
              color="leaf"
              aria-label={t("Send")}
              onClick={props.onSend}
              aria-disabled={isEmpty || refusal !== null}
            >
              <IconSend size={18} />
            </ActionIcon>
          </Tooltip>
        )}
      </div>
    </div>
  );
}
