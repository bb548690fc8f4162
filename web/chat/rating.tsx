// A thumb up or down for a reply; the thumb down asks why, and takes no answer as one.
import { Button, Group, Popover, Textarea } from "@mantine/core";
import { IconThumbDown, IconThumbUp } from "@tabler/icons-react";
import { useState } from "react";
import { t } from "../i18n.ts";
import type { ChatMessage, Column } from "./column.ts";
import { ToolIcon } from "./tool-icon.tsx";

export function RatingButtons(props: { message: ChatMessage; column: Column }) {
  const { message, column } = props;
  const rating = message.opinion?.rating ?? null;
  const [isAsking, setAsking] = useState(false);
  const [note, setNote] = useState("");
  return (
    <>
      <ToolIcon
        label={t("Good reply")}
        isOn={rating === "UP"}
        onClick={() => void column.rate(message.id, rating === "UP" ? null : "UP")}
      >
        <IconThumbUp size={14} />
      </ToolIcon>
      <Popover opened={isAsking} onChange={setAsking} width={280} trapFocus withRoles={false}>
        <Popover.Target>
          <span>
            <ToolIcon
              label={t("Bad reply")}
              isOn={rating === "DOWN"}
              onClick={() => {
                void column.rate(message.id, rating === "DOWN" ? null : "DOWN");
                setNote("");
                setAsking(rating !== "DOWN");
              }}
            >
              <IconThumbDown size={14} />
            </ToolIcon>
          </span>
        </Popover.Target>
        <Popover.Dropdown>
          <form
            onSubmit={(event) => {
              event.preventDefault();
              void column.rate(message.id, "DOWN", note);
              setAsking(false);
            }}
          >
            <Textarea
              label={t("What is wrong with it?")}
              description={t("Kept with your rating; may stay empty.")}
              autosize
              minRows={2}
              value={note}
              onChange={(event) => setNote(event.currentTarget.value)}
            />
            <Group justify="flex-end" mt={8}>
              <Button size="xs" type="submit">
                {t("Keep note")}
              </Button>
            </Group>
          </form>
        </Popover.Dropdown>
      </Popover>
    </>
  );
}
