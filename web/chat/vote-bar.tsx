// The vote on replies side by side: which is better, a tie, or none good; then the names are shown.
import { Button, Group, Text } from "@mantine/core";
import { act } from "../api/client.ts";
import { useWork } from "../api/data.ts";
import { t } from "../i18n.ts";
import { ProblemNotice } from "../ui/states.tsx";
import { type Column, useColumn } from "./column.ts";
import { voteOnReplies } from "./queries.ts";

/** What a column is called while its model's name is hidden. */
export const letterOf = (index: number): string => "ABCD".charAt(index);

export function VoteBar(props: {
  columns: readonly [Column, ...Column[]];
  isHidden: boolean;
  nameOf: (index: number) => string;
}) {
  const { columns } = props;
  const lead = lastReply(useColumn(columns[0]).messages);
  const work = useWork();
  if (!lead || lead.opinion?.vote) return null;
  const messageIds = columns.flatMap((column) => lastReply(column.read().messages)?.id ?? []);
  if (messageIds.length < columns.length) return null;
  const vote = (verdict: "BETTER" | "TIE" | "BAD", chosenId: string | null = null) =>
    work.run(async () => {
      await act(voteOnReplies, { input: { messageIds, verdict, chosenId } });
      await Promise.all(columns.map((column) => column.reload()));
    });
  return (
    <section aria-label={t("Vote")}>
      <Group gap={8} justify="center">
        <Text size="sm" c="dimmed">
          {props.isHidden ? t("Which is better? A vote shows the names.") : t("Which is better?")}
        </Text>
        {columns.map((_, index) => (
          <Button
            key={letterOf(index)}
            size="compact-sm"
            variant="default"
            loading={work.isBusy}
            onClick={() => void vote("BETTER", messageIds[index] ?? null)}
          >
            {t("{{name}} is better", { name: props.nameOf(index) })}
          </Button>
        ))}
        <Button size="compact-sm" variant="default" loading={work.isBusy} onClick={() => void vote("TIE")}>
          {t("Tie")}
        </Button>
        <Button size="compact-sm" variant="default" loading={work.isBusy} onClick={() => void vote("BAD")}>
          {columns.length === 2 ? t("Both bad") : t("All bad")}
        </Button>
      </Group>
      {work.problem ? <ProblemNotice problem={work.problem} /> : null}
    </section>
  );
}

/** The reply that ends the messages, once it is whole. */
function lastReply(messages: ReturnType<Column["read"]>["messages"]) {
  const last = messages.at(-1);
  return last?.role === "assistant" && last.finishReason && !last.isStreaming && !last.error
    ? last
    : undefined;
}
