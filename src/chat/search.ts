// Searching conversations: their titles and messages by the word index, whatever the language.
import { type SQL, sql } from "drizzle-orm";
import { conversations } from "../../schema/tables/chat.ts";
import { EspalierError } from "../kit/errors.ts";
import { limits } from "../kit/limits.ts";

/** The index knows texts by three neighbouring letters; what is shorter has to be looked for in every text. */
const INDEXED_CHARS = 3;

/**
 * Holds for conversations whose title or messages, also of those beside, contain the text, in whatever case.
 * @throws EspalierError SEARCH_TOO_LONG
 */
export function containing(search: string): SQL {
  if (search.length > limits.searchChars)
    throw new EspalierError(
      "SEARCH_TOO_LONG",
      `The search has ${search.length} characters; ${limits.searchChars} are allowed.`,
      { field: "search", hint: "Search for fewer words." },
    );
  if ([...search].length >= INDEXED_CHARS) {
    const phrase = `"${search.replaceAll('"', '""')}"`;
    return sql`${conversations.id} IN (
      SELECT coalesce(c.lead_id, c.id) FROM chat_words w JOIN chat_texts t ON t.number = w.rowid
      JOIN conversations c ON c.id = t.conversation_id WHERE w.text MATCH ${phrase})`;
  }
  const like = `%${search.replaceAll(/[\\%_]/g, "\\$&")}%`;
  return sql`(${conversations.title} LIKE ${like} ESCAPE '\\' OR EXISTS (
    SELECT 1 FROM messages m JOIN conversations c ON c.id = m.conversation_id
    WHERE ${conversations.id} IN (c.id, c.lead_id) AND m.text LIKE ${like} ESCAPE '\\'))`;
}
