// One message: the person's text as it is, the model's as sanitised Markdown, with how it ended.
import { ActionIcon, CopyButton } from "@mantine/core";
import { IconCheck, IconCopy, IconRefresh } from "@tabler/icons-react";
import { z } from "zod";
import { t } from "../i18n.ts";
import { rate } from "../ui/format.ts";
import { Markdown } from "../ui/markdown.tsx";
import { ProblemNotice } from "../ui/states.tsx";
import type { ChatMessage } from "./use-column.ts";

const usageShape = z.looseObject({
  completionTokens: z.number().optional(),
  completion_tokens: z.number().optional(),
  tokensPerSecond: z.number().optional(),
});

function usageText(usage: unknown): string {
  const read = usageShape.safeParse(usage);
  if (!read.success) return "";
  const tokens = read.data.completionTokens ?? read.data.completion_tokens;
  return [
    tokens === undefined ? "" : t("{{n}} tokens", { n: tokens }),
    read.data.tokensPerSecond === undefined ? "" : rate(read.data.tokensPerSecond),
  ]
    .filter(Boolean)
    .join(", ");
}

export function MessageView(props: { message: ChatMessage; onAgain: (() => void) | null }) {
  const { message } = props;
  if (message.role === "user")
    return (
      <div className="e-said-row">
        <div className="e-said">{message.text}</div>
      </div>
    );
  const ended =
    message.finishReason === "length"
      ? t("cut at the token limit")
      : message.finishReason === "cancelled" || message.finishReason === "stopped"
        ? t("stopped")
        : "";
  const foot = [ended, usageText(message.usage)].filter(Boolean).join(" · ");
  return (
    <div className="e-reply" data-testid="reply" {...(message.isStreaming ? { "data-streaming": "" } : {})}>
      <Markdown text={message.text} />
      {message.isStreaming ? <span className="e-caret" aria-hidden /> : null}
      {message.error ? <ProblemNotice problem={message.error} /> : null}
      {message.isStreaming ? null : (
        <div className="e-reply-foot">
          <CopyButton value={message.text}>
            {({ copied, copy }) => (
              <ActionIcon
                size="sm"
                variant="subtle"
                color="gray"
                aria-label={t("Copy the reply")}
                title={t("Copy the reply")}
                onClick={copy}
              >
                {copied ? <IconCheck size={14} /> : <IconCopy size={14} />}
              </ActionIcon>
            )}
          </CopyButton>
          {props.onAgain ? (
            <ActionIcon
              size="sm"
              variant="subtle"
              color="gray"
              aria-label={t("Ask again")}
              title={t("Ask again")}
              onClick={props.onAgain}
            >
              <IconRefresh size={14} />
            </ActionIcon>
          ) : null}
          {foot ? <span>{foot}</span> : null}
        </div>
      )}
    </div>
  );
}
