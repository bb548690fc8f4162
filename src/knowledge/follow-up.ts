// What a chat looks up: its last message, and where that leans on what was asked before, both together.
import type { ChatMessage } from "../inference/inference.ts";
import { limits } from "../kit/limits.ts";
import type { Passage } from "./retrieval.ts";
import { wordQuery } from "./words.ts";

/** A question with no more words of its own than this says too little to be found by. */
const FEW_WORDS = 2;
/** Words that stand for something said before. Those that mean much else besides are left out, as the German "die". */
const POINTING =
  /\b(it|its|they|them|their|theirs|he|him|his|she|her|hers|this|that|these|those|ones?|er|ihn|ihm|ihr|ihnen|deren|dessen|dies|diese[mnrs]?|davon|damit|dafür|daran|darin|dazu|what about|how about|was ist mit|wie ist es)\b|[它他她这那其]|^\s*(and|und|or|oder|also|auch|why|warum|wieso)\b|^\s*(为什么|还有)/iu;

/** Whether a message can hardly be understood without those before it. */
export function isFollowUp(text: string): boolean {
  const words = wordQuery(text)?.split(" OR ").length ?? 0;
  return words <= FEW_WORDS || POINTING.test(text);
}

/**
 * Questions to look up for the last message: itself, then with the nearest message of the same person that says
 * something by itself and all after it, where it is a follow-up.
 */
export function lookupsOf(messages: readonly ChatMessage[]): string[] {
  const asked = messages.filter(({ role }) => role === "user").map(({ content }) => content);
  const last = messages.at(-1)?.content ?? "";
  if (asked.length < 2 || !isFollowUp(last)) return [last];
  const from = asked.slice(0, -1).findLastIndex((text) => !isFollowUp(text));
  const together = asked.slice(from === -1 ? -2 : from).join("\n");
  // The nearest words matter most where there are too many.
  return [last, together.slice(-limits.questionChars)];
}

/** Passages of several lookups as one list, by the ranks that each gave; no more than the longest had. */
export function joinPassages(lists: readonly (readonly Passage[])[]): Passage[] {
  const known = new Map<string, { passage: Passage; sum: number }>();
  for (const list of lists)
    list.forEach((passage, at) => {
      const sum = (known.get(passage.chunkId)?.sum ?? 0) + 1 / (60 + at);
      known.set(passage.chunkId, { passage: known.get(passage.chunkId)?.passage ?? passage, sum });
    });
  const most = Math.max(0, ...lists.map(({ length }) => length));
  return [...known.values()]
    .toSorted((a, b) => b.sum - a.sum)
    .slice(0, most)
    .map(({ passage }) => passage);
}
