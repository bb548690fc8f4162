// What a row of training asks and answers: one exchange, or each exchange of a conversation.
import type { TrainingRow } from "../../datasets/datasets.ts";

export type Exchange = { question: string; answer: string };

/** The exchanges of a row: what somebody said, and what the model learns to reply. */
export function entriesOf(row: TrainingRow): Exchange[] {
  if (!("messages" in row)) return [{ question: row.prompt, answer: row.completion }];
  const exchanges: Exchange[] = [];
  let question = "";
  for (const { role, content } of row.messages) {
    if (role === "user") question = content;
    if (role !== "assistant") continue;
    exchanges.push({ question, answer: content });
    question = "";
  }
  return exchanges;
}
