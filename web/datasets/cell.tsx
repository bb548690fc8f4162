// One cell of a dataset's table: a conversation as its turns, anything else as a few lines of text.
import { Text } from "@mantine/core";

type Turn = { role: string; text: string };

/** The turns of a conversation, OpenAI's or ShareGPT's way of writing it; null for what is none. */
export function turnsOf(value: unknown): Turn[] | null {
  if (!Array.isArray(value) || value.length === 0) return null;
  const turns: Turn[] = [];
  for (const part of value as unknown[]) {
    const message = (typeof part === "object" && part !== null ? part : {}) as Record<string, unknown>;
    const role = message.role ?? message.from;
    const text = message.content ?? message.value;
    if (typeof role !== "string" || typeof text !== "string") return null;
    turns.push({ role, text });
  }
  return turns;
}

/** A cell as one line of text, whatever JSON it holds. */
export function cellText(value: unknown): string {
  if (typeof value === "string") return value;
  return value === undefined ? "" : JSON.stringify(value);
}

export function Cell(props: { value: unknown }) {
  const turns = turnsOf(props.value);
  if (!turns)
    return (
      <Text size="sm" lineClamp={3} style={{ overflowWrap: "anywhere" }}>
        {cellText(props.value)}
      </Text>
    );
  // The system prompt is the same in most rows; what differs should be seen without opening one.
  return (
    <dl className="e-turns">
      {turns.map((turn, place) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: turns have no other identity, and never move
        <div key={place} data-quiet={turn.role === "system" || undefined}>
          <dt>{turn.role}</dt>
          <dd>{turn.text}</dd>
        </div>
      ))}
    </dl>
  );
}
