// One column of the chat as it looks: its model, its messages, following the end unless the reader scrolled up.
import { Text } from "@mantine/core";
import { type ReactNode, useEffect, useRef } from "react";
import { t } from "../i18n.ts";
import { Mark } from "../shell/mark.tsx";
import { reachable } from "../ui/bits.tsx";
import { ProblemNotice } from "../ui/states.tsx";
import { MessageView } from "./message.tsx";
import type { Column } from "./use-column.ts";

export function ColumnView(props: {
  column: Column;
  picker: ReactNode;
  onAgain: ((text: string) => void) | null;
}) {
  const { column } = props;
  const said = column.messages.findLast(({ role }) => role === "user")?.text;
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
          <div className="e-hush">
            <Mark size={32} />
            <Text size="sm" c="dimmed">
              {t("Say something below. What you write stays on your machines.")}
            </Text>
          </div>
        ) : null}
        {column.messages.map((message, index) => (
          <MessageView
            key={message.id}
            message={message}
            onAgain={
              props.onAgain && index === column.messages.length - 1 && said
                ? () => props.onAgain?.(said)
                : null
            }
          />
        ))}
        {column.problem ? <ProblemNotice problem={column.problem} /> : null}
      </div>
    </section>
  );
}
