// Where a new message stands: what it follows, when it was said, and beside which conversation a new one begins.
import { eq } from "drizzle-orm";
import { messages } from "../../schema/tables/chat.ts";
import type { Clock } from "../kit/clock.ts";
import { EspalierError } from "../kit/errors.ts";
import { limits } from "../kit/limits.ts";
import type { Store } from "../store/store.ts";
import type { Asker } from "./access.ts";
import type { ConversationRow, Kept } from "./conversations.ts";

type Placed = Asker & {
  afterId?: string | null | undefined;
  insteadOfId?: string | null | undefined;
  besideId?: string | null | undefined;
};

/** Builds the questions over `store`. */
export function createPlaces({ store, clock, kept }: { store: Store; clock: Clock; kept: Kept }) {
  return {
    /** The conversation that leads a new one, if it is to stand beside another. @throws EspalierError TOO_MANY_COLUMNS */
    async leadOf(input: Placed): Promise<ConversationRow | null> {
      const { besideId } = input;
      if (!besideId) return null;
      const beside = await kept.getOwnConversation(input, besideId);
      const lead = beside.leadId ? await kept.getOwnConversation(input, beside.leadId) : beside;
      const columns = 1 + (await kept.besides(lead)).length;
      if (columns < limits.chatColumns) return lead;
      throw new EspalierError(
        "TOO_MANY_COLUMNS",
        `${columns} models answer side by side already; ${limits.chatColumns} are allowed.`,
        { field: "besideId", value: besideId, hint: "Begin a new conversation." },
      );
    },

    /**
     * What a new message of the person follows: null where it is the first.
     * @throws EspalierError MESSAGE_NOT_FOUND, MESSAGE_ELSEWHERE, MESSAGE_NOT_REPLY, MESSAGE_NOT_ASKED
     */
    async placeOf(input: Placed, known: ConversationRow | null): Promise<string | null> {
      const field = input.insteadOfId ? "insteadOfId" : "afterId";
      const named = input.insteadOfId ?? input.afterId;
      if (!named) return known?.currentId ?? null;
      const { message } = await kept.getMessage(input, named, field);
      if (message.conversationId !== known?.id)
        throw wrongMessage("MESSAGE_ELSEWHERE", field, named, "is of another conversation", "its own");
      if (field === "insteadOfId") {
        if (message.role === "user") return message.parentId;
        throw wrongMessage("MESSAGE_NOT_ASKED", field, named, "is a reply", "a message of yours");
      }
      if (message.role === "assistant") return message.id;
      throw wrongMessage("MESSAGE_NOT_REPLY", field, named, "is no reply", "a reply");
    },

    /** Now, but later than the message that comes before: messages of a branch are ordered by their times. */
    async timeAfter(parentId: string | null): Promise<number> {
      const parent =
        parentId === null
          ? undefined
          : await store.db.query.messages.findFirst({ where: eq(messages.id, parentId) });
      return Math.max(clock(), (parent?.createdAt ?? 0) + 1);
    },
  };
}

/** A message that cannot be meant. */
export function wrongMessage(
  code: string,
  field: string,
  id: string,
  what: string,
  wanted: string,
): EspalierError {
  return new EspalierError(code, `The message ${id.slice(0, 80)} ${what}.`, {
    field,
    value: id.slice(0, 80),
    hint: `Name ${wanted} of this conversation.`,
  });
}
