// One message: the person's text as it is, the model's as sanitised Markdown, how it ended, and what can be done with it.
import { ActionIcon, CopyButton } from "@mantine/core";
import {
  IconArrowsSplit2,
  IconCheck,
  IconChevronLeft,
  IconChevronRight,
  IconCopy,
  IconPencil,
  IconRefresh,
} from "@tabler/icons-react";
import { memo, type ReactNode, useState } from "react";
import { z } from "zod";
import { t } from "../i18n.ts";
import { rate, seconds } from "../ui/format.ts";
import { Markdown } from "../ui/markdown.tsx";
import { ProblemNotice } from "../ui/states.tsx";
import { Sources, withLinks } from "./citations.tsx";
import type { ChatMessage, Column } from "./column.ts";
import { MendForm } from "./mend-form.tsx";
import { MessagePictures } from "./pictures.tsx";
import { RatingButtons } from "./rating.tsx";
import { ToolIcon } from "./tool-icon.tsx";
import type { Shown } from "./use-pictures.ts";

/** What a message asks of the page around it. */
export type MessageVerbs = {
  /** Says a text with pictures in place of an earlier one. Throws what the server refused. */
  edit: (messageId: string, text: string, pictures: readonly Shown[]) => Promise<void>;
  retry: (messageId: string) => void;
};

const usageShape = z.looseObject({
  completionTokens: z.number().optional(),
  tokensPerSecond: z.number().optional(),
  firstTokenMs: z.number().optional(),
  costUsd: z.number().nullish(),
});

function usageText(usage: unknown): string {
  const read = usageShape.safeParse(usage);
  if (!read.success) return "";
  const { completionTokens, tokensPerSecond, firstTokenMs, costUsd } = read.data;
  return [
    completionTokens === undefined ? "" : t("{{n}} tokens", { n: completionTokens }),
    tokensPerSecond ? rate(tokensPerSecond) : "",
    firstTokenMs === undefined ? "" : t("first after {{time}}", { time: seconds(firstTokenMs) }),
    costUsd === undefined || costUsd === null ? "" : `$${costUsd.toPrecision(2)}`,
  ]
    .filter(Boolean)
    .join(", ");
}

const endings: Record<string, string> = {
  length: t("cut at the token limit"),
  cancelled: t("stopped"),
  edited: t("mended by hand"),
};
const votes: Record<string, string> = {
  CHOSEN: t("your choice"),
  NOT_CHOSEN: t("not your choice"),
  TIE: t("a tie"),
  BAD: t("none was good"),
};

function CopyTool(props: { text: string; label: string }) {
  return (
    <CopyButton value={props.text}>
      {({ copied, copy }) => (
        <ToolIcon label={props.label} onClick={copy}>
          {copied ? <IconCheck size={14} /> : <IconCopy size={14} />}
        </ToolIcon>
      )}
    </CopyButton>
  );
}

/** ‹ 2/3 ›: the message's versions, one at a time. */
function Versions(props: { message: ChatMessage; column: Column }) {
  const { versionIds, id } = props.message;
  const at = versionIds.indexOf(id);
  if (versionIds.length < 2 || at < 0) return null;
  const step = (label: string, target: string | undefined, icon: ReactNode) => (
    <ActionIcon
      size="sm"
      variant="subtle"
      color="gray"
      aria-label={label}
      disabled={target === undefined}
      onClick={() => target && void props.column.show(target)}
    >
      {icon}
    </ActionIcon>
  );
  return (
    <span className="e-versions">
      {step(t("Earlier version"), versionIds[at - 1], <IconChevronLeft size={14} />)}
      <span data-testid="version">
        {at + 1}/{versionIds.length}
      </span>
      {step(t("Later version"), versionIds[at + 1], <IconChevronRight size={14} />)}
    </span>
  );
}

export const MessageView = memo(function MessageView(props: {
  message: ChatMessage;
  column: Column;
  verbs: MessageVerbs;
  /** Nothing may be begun while a reply is being made, nor in a conversation of somebody else. */
  isBusy: boolean;
  isLast: boolean;
  /** Whether nothing may tell which model replied. */
  isHidden: boolean;
}) {
  const { message, column, verbs } = props;
  const [isMending, setMending] = useState(false);
  const isKept = !message.id.startsWith("local-");
  const isQuestion = message.role === "user";
  const canChange = isKept && !props.isBusy;
  const versions = canChange ? <Versions message={message} column={column} /> : null;
  const pencil = (label: string) =>
    canChange ? (
      <ToolIcon label={label} onClick={() => setMending(true)}>
        <IconPencil size={14} />
      </ToolIcon>
    ) : null;
  if (isMending)
    return (
      <MendForm
        text={message.text}
        pictures={message.pictures ?? []}
        label={isQuestion ? t("Your message") : t("The reply, as it should be")}
        action={isQuestion ? t("Send again") : t("Keep as a version")}
        onDone={async (text, pictures) => {
          if (isQuestion) await verbs.edit(message.id, text, pictures);
          else await column.mend(message.id, text);
          setMending(false);
        }}
        onCancel={() => setMending(false)}
      />
    );
  if (isQuestion)
    return (
      <div className="e-said-row" data-testid="question">
        <MessagePictures pictures={message.pictures ?? []} />
        {message.text ? <div className="e-said">{message.text}</div> : null}
        <div className="e-message-foot">
          <CopyTool text={message.text} label={t("Copy the message")} />
          {pencil(t("Edit the message"))}
          {versions}
        </div>
      </div>
    );
  const citations = message.citations ?? [];
  const foot = [
    endings[message.finishReason ?? ""] ?? "",
    props.isHidden ? "" : usageText(message.usage),
    votes[message.opinion?.vote ?? ""] ?? "",
  ];
  return (
    <div className="e-reply" data-testid="reply" {...(message.isStreaming ? { "data-streaming": "" } : {})}>
      <Markdown
        text={citations.length > 0 ? withLinks(message.text, citations) : message.text}
        isGrowing={message.isStreaming ?? false}
      />
      {message.isStreaming ? <span className="e-caret" aria-hidden /> : null}
      {message.error ? <ProblemNotice problem={message.error} /> : null}
      <Sources citations={citations} />
      {message.isStreaming ? null : (
        <div className="e-message-foot">
          <CopyTool text={message.text} label={t("Copy the reply")} />
          {canChange ? (
            <ToolIcon label={t("Ask again")} onClick={() => verbs.retry(message.id)}>
              <IconRefresh size={14} />
            </ToolIcon>
          ) : null}
          {pencil(t("Mend the reply"))}
          {canChange && !props.isLast ? (
            <ToolIcon label={t("Branch off here")} onClick={() => column.branchAt(message.id)}>
              <IconArrowsSplit2 size={14} />
            </ToolIcon>
          ) : null}
          {isKept ? <RatingButtons message={message} column={column} /> : null}
          {versions}
          <span>{foot.filter(Boolean).join(" · ")}</span>
        </div>
      )}
    </div>
  );
});
