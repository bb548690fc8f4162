// One message: the person's text as it is, the model's as sanitised Markdown, with how it ended.
import { Text } from "@mantine/core";
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

export function MessageView(props: { message: ChatMessage }) {
  const { message } = props;
  if (message.role === "user") return <div className="e-said">{message.text}</div>;
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
      {foot ? (
        <Text size="xs" c="dimmed">
          {foot}
        </Text>
      ) : null}
    </div>
  );
}
