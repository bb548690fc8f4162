// Replies from knowledge: passages are retrieved for the last message (and what it leans on), fitted into what the model holds, and cited.
import type { GenerationEvent, GenerationRequest } from "../inference/inference.ts";
import { EspalierError, isEspalierError } from "../kit/errors.ts";
import { limits } from "../kit/limits.ts";
import {
  type AnswerEvent,
  type Citation,
  citationsOf,
  groundedMessages,
  joinPassages,
  type Knowledge,
  lookupsOf,
} from "../knowledge/knowledge.ts";
import type { ModelRef } from "../models/models.ts";
import type { Caller } from "../usage/usage.ts";
import type { ConversationRow } from "./conversations.ts";

type Complete = (
  model: ModelRef,
  request: GenerationRequest,
  caller: Caller,
  signal?: AbortSignal,
) => AsyncGenerator<GenerationEvent, void, void>;

/** Shortest text of a passage that is still worth giving. */
const SHORTEST_PASSAGE = 200;

/** The part of chat that knows of knowledge bases. */
export function createGrounding(knowledge: Knowledge, complete: Complete) {
  return {
    /**
     * A reply of a model; with knowledge bases (names or ids), the passages that it was given come first, as citations.
     * Passages that do not fit into the model are left out from the end, and the last one is cut.
     * @throws EspalierError KNOWLEDGE_BASE_NOT_FOUND, KNOWLEDGE_BASES_TOO_MANY, CONTEXT_TOO_LONG where not even one fits
     */
    async *answer(
      model: ModelRef,
      request: GenerationRequest,
      caller: Caller,
      knowledgeBases: readonly string[],
      signal?: AbortSignal,
    ): AsyncGenerator<AnswerEvent, void, void> {
      const { messages = [] } = request;
      const last = messages.at(-1);
      // Pictures without a word are no question to a knowledge base.
      if (knowledgeBases.length === 0 || !last || last.content.trim() === "") {
        yield* complete(model, request, caller, signal);
        return;
      }
      if (knowledgeBases.length > limits.chatKnowledgeBases)
        throw new EspalierError(
          "KNOWLEDGE_BASES_TOO_MANY",
          `${knowledgeBases.length} knowledge bases are named, ${limits.chatKnowledgeBases} are allowed.`,
          { field: "knowledgeBases", value: String(knowledgeBases.length), hint: "Name fewer." },
        );
      const { projectId } = caller;
      const passages = joinPassages(
        await Promise.all(
          lookupsOf(messages).map(
            async (question) =>
              (await knowledge.retrieve({ projectId, knowledgeBases, question, signal })).passages,
          ),
        ),
      );
      const leaveTokens = Math.min(
        request.maxTokens ?? limits.groundedReplyTokens,
        limits.groundedReplyTokens,
      );
      for (let citations = citationsOf(passages); ; citations = fewer(citations)) {
        let hasBegun = false;
        const grounded = { ...request, messages: groundedMessages(messages, citations), leaveTokens };
        try {
          for await (const event of complete(model, grounded, caller, signal)) {
            if (!hasBegun) yield { type: "citations", citations };
            hasBegun = true;
            yield event;
          }
          return;
        } catch (error) {
          const isTooLong = isEspalierError(error) && error.code === "CONTEXT_TOO_LONG";
          if (hasBegun || !isTooLong || fewer(citations).length === 0) throw error;
        }
      }
    },

    /** Knowledge bases of a conversation that are still there. */
    async basesOf({ projectId, knowledgeBases }: ConversationRow): Promise<string[]> {
      const found = await Promise.all(knowledgeBases.map((id) => knowledge.find(projectId, id)));
      return found.flatMap((base) => base?.id ?? []);
    },

    /**
     * Ids of the knowledge bases that a message names, or else of its conversation's.
     * @throws EspalierError KNOWLEDGE_BASE_NOT_FOUND
     */
    async namedBases(
      {
        projectId,
        knowledgeBases,
      }: { projectId: string; knowledgeBases?: readonly string[] | null | undefined },
      known: ConversationRow | null,
    ): Promise<string[]> {
      if (!knowledgeBases) return known?.knowledgeBases ?? [];
      const bases = await Promise.all(knowledgeBases.map((name) => knowledge.get(projectId, name)));
      return [...new Set(bases.map(({ id }) => id))];
    },
  };
}

/** Half of the passages, or half of the last one's text; none where that would be too little. */
function fewer(citations: readonly Citation[]): Citation[] {
  const [first] = citations;
  if (citations.length > 1) return citations.slice(0, Math.floor(citations.length / 2));
  if (!first || first.text.length < 2 * SHORTEST_PASSAGE) return [];
  const text = first.text.slice(0, Math.floor(first.text.length / 2));
  return [{ ...first, text, end: first.start + text.length }];
}
