// One column of the chat as it looks: its model, its messages, following the end unless the reader scrolled up.
import { ActionIcon, Button, CloseButton, Group, Text } from "@mantine/core";
import { IconArrowRight, IconPlayerStopFilled } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import { type ReactNode, useCallback, useEffect, useRef, useState } from "react";
import { t } from "../i18n.ts";
import { Mark } from "../shell/mark.tsx";
import { reachable } from "../ui/bits.tsx";
import { ProblemNotice } from "../ui/states.tsx";
import { type Column, useColumn } from "./column.ts";
import { type MessageVerbs, MessageView } from "./message.tsx";

/** Messages drawn at first and with each look further back: a long conversation opens as fast as a short one. */
const MESSAGES_AT_ONCE = 40;

export function ColumnView(props: {
  column: Column;
  picker: ReactNode;
  verbs: MessageVerbs;
  isHidden: boolean;
  /** What an empty column says. */
  hint: string;
  /** Whether others stand beside it. */
  isOneOfSeveral: boolean;
  onRemove: (() => void) | null;
  /** Questions that an empty column proposes. */
  starters: readonly string[];
  onStarter: (text: string) => void;
}) {
  const { column } = props;
  const state = useColumn(column);
  const { messages, conversationId, streamingId, branchId } = state;
  const [drawn, setDrawn] = useState({ of: conversationId, count: MESSAGES_AT_ONCE });
  const count = drawn.of === conversationId ? drawn.count : MESSAGES_AT_ONCE;
  const list = useRef<HTMLDivElement>(null);
  const isAtEnd = useRef(true);
  // Whatever makes the words longer, the end stays in sight, unless the reader scrolled up.
  const inner = useCallback((element: HTMLDivElement | null) => {
    if (!element) return;
    const observer = new ResizeObserver(() => {
      if (list.current && isAtEnd.current) list.current.scrollTop = list.current.scrollHeight;
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another conversation, or a new question, begins at its end
  useEffect(() => {
    isAtEnd.current = true;
    if (list.current) list.current.scrollTop = list.current.scrollHeight;
  }, [conversationId, streamingId]);
  const showEarlier = () => {
    const { current } = list;
    const fromEnd = current ? current.scrollHeight - current.scrollTop : 0;
    setDrawn({ of: conversationId, count: count + MESSAGES_AT_ONCE });
    requestAnimationFrame(() => {
      if (current) current.scrollTop = current.scrollHeight - fromEnd;
    });
  };
  const branchAt = messages.findIndex(({ id }) => id === branchId);
  const shown = branchAt < 0 ? messages : messages.slice(0, branchAt + 1);
  return (
    <section className="e-surface e-chat-column" {...(props.isOneOfSeveral ? { "data-several": "" } : {})}>
      <header>
        {props.picker}
        {props.isOneOfSeveral && streamingId ? (
          <ActionIcon size={36} variant="default" aria-label={t("Stop this reply")} onClick={column.stop}>
            <IconPlayerStopFilled size={16} />
          </ActionIcon>
        ) : null}
        {props.isOneOfSeveral && conversationId && !streamingId && !props.isHidden ? (
          <ActionIcon
            size={36}
            variant="default"
            component={Link}
            to={`/chat/${conversationId}?alone=1`}
            aria-label={t("Go on with this one alone")}
            title={t("Go on with this one alone")}
          >
            <IconArrowRight size={16} />
          </ActionIcon>
        ) : null}
        {props.onRemove ? (
          <CloseButton size={36} aria-label={t("Take this model out")} onClick={props.onRemove} />
        ) : null}
      </header>
      <div
        className="e-messages"
        ref={list}
        {...reachable}
        role="log"
        aria-label={t("Messages")}
        onScroll={(event) => {
          const { scrollHeight, scrollTop, clientHeight } = event.currentTarget;
          isAtEnd.current = scrollHeight - scrollTop - clientHeight < 40;
        }}
      >
        <div className="e-messages-inner" ref={inner}>
          {messages.length === 0 && !state.problem ? (
            <div className="e-hush">
              <Mark size={32} />
              <Text size="sm" c="dimmed">
                {props.hint}
              </Text>
              {props.starters.map((starter) => (
                <Button key={starter} size="xs" variant="default" onClick={() => props.onStarter(starter)}>
                  {starter}
                </Button>
              ))}
            </div>
          ) : null}
          {shown.length > count ? (
            <Group justify="center">
              <Button size="xs" variant="default" onClick={showEarlier}>
                {t("Show earlier messages")}
              </Button>
            </Group>
          ) : null}
          {shown.slice(-count).map((message) => (
            <MessageView
              key={message.id}
              message={message}
              column={column}
              verbs={props.verbs}
              isBusy={streamingId !== null || !state.isMine}
              isLast={message === messages.at(-1)}
              isHidden={props.isHidden}
            />
          ))}
          {branchAt < 0 ? null : (
            <Group className="e-branch" gap={8}>
              <Text size="sm">{t("Your next message begins another branch here.")}</Text>
              <Button size="compact-xs" variant="default" onClick={() => column.branchAt(null)}>
                {t("Back to the end")}
              </Button>
            </Group>
          )}
          {state.problem ? <ProblemNotice problem={state.problem} /> : null}
        </div>
      </div>
    </section>
  );
}
