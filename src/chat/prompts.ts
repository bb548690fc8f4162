// The prompt library: named prompts with {{variables}}, of which every version is kept.
import { and, desc, eq } from "drizzle-orm";
import { prompts, promptVersions } from "../../schema/tables/prompts.ts";
import type { Clock } from "../kit/clock.ts";
import { EspalierError } from "../kit/errors.ts";
import { newId } from "../kit/ids.ts";
import { limits } from "../kit/limits.ts";
import { type Page, type PageRequest, readPage, type Store } from "../store/store.ts";

export type PromptRow = typeof prompts.$inferSelect;
export type PromptVersionRow = typeof promptVersions.$inferSelect;
export type SavePromptInput = {
  projectId: string;
  userId: string | null;
  name: string;
  text: string;
  starters?: readonly string[] | null | undefined;
};

/** Names in a prompt's text that are filled in when it is used, in the order of their first place: `{{town}}`. */
export function variablesOf(text: string): string[] {
  const found = [...text.matchAll(/\{\{\s*([\p{L}_][\p{L}\p{N}_ -]{0,59}?)\s*\}\}/gu)];
  return [...new Set(found.map(([, name]) => name ?? ""))];
}

/** Builds the verbs over `store`. */
export function createPrompts({ store, clock }: { store: Store; clock: Clock }) {
  const { db } = store;

  /** @throws EspalierError PROMPT_NOT_FOUND */
  async function getPrompt(projectId: string, id: string): Promise<PromptRow> {
    const where = and(eq(prompts.id, id), eq(prompts.projectId, projectId));
    const row = await db.query.prompts.findFirst({ where });
    if (row) return row;
    throw new EspalierError("PROMPT_NOT_FOUND", `There is no prompt ${id.slice(0, 80)}.`, {
      field: "id",
      value: id.slice(0, 80),
      status: 404,
    });
  }

  return {
    findPrompt: async (id: string): Promise<PromptRow | null> =>
      (await db.query.prompts.findFirst({ where: eq(prompts.id, id) })) ?? null,
    /** By name. */
    pageOfPrompts: (projectId: string, page: PageRequest): Promise<Page<PromptRow>> =>
      readPage(
        db,
        prompts,
        { where: eq(prompts.projectId, projectId), keys: ["name", "id"], order: "ascending" },
        page,
      ),
    /** The latest first. */
    pageOfPromptVersions: (promptId: string, page: PageRequest): Promise<Page<PromptVersionRow>> =>
      readPage(
        db,
        promptVersions,
        { where: eq(promptVersions.promptId, promptId), keys: ["number", "id"], order: "descending" },
        page,
      ),

    /**
     * Keeps a text under a name: as the first version of a new prompt, or as the next one of the prompt of that name.
     * @throws EspalierError PROMPT_INVALID naming the field, PROMPT_UNCHANGED
     */
    async savePrompt(input: SavePromptInput): Promise<PromptRow> {
      const { projectId, userId } = input;
      const name = input.name.trim();
      const starters = (input.starters ?? []).map((one) => one.trim()).filter(Boolean);
      if (name === "" || name.length > limits.promptNameChars)
        throw invalid("name", name, limits.promptNameChars);
      if (input.text.trim() === "" || input.text.length > limits.messageChars)
        throw invalid("text", input.text, limits.messageChars);
      const long = starters.find((one) => one.length > limits.starterChars);
      if (long !== undefined) throw invalid("starters", long, limits.starterChars);
      if (starters.length > limits.starters)
        throw new EspalierError(
          "PROMPT_INVALID",
          `${starters.length} starter questions; ${limits.starters} are allowed.`,
          {
            field: "starters",
            value: String(starters.length),
            hint: "Keep the best of them.",
          },
        );
      return store.write(async (tx) => {
        const at = clock();
        const known = await tx.query.prompts.findFirst({
          where: and(eq(prompts.projectId, projectId), eq(prompts.name, name)),
        });
        const row = known
          ? { ...known, updatedAt: at }
          : { id: newId("prompt"), projectId, name, createdAt: at, updatedAt: at };
        const last = await tx.query.promptVersions.findFirst({
          where: eq(promptVersions.promptId, row.id),
          orderBy: [desc(promptVersions.number)],
        });
        if (last && last.text === input.text && JSON.stringify(last.starters) === JSON.stringify(starters))
          throw new EspalierError("PROMPT_UNCHANGED", `${name} says just this in version ${last.number}.`, {
            field: "text",
            hint: "Change its text or its starter questions.",
            status: 409,
          });
        if (known) await tx.update(prompts).set({ updatedAt: at }).where(eq(prompts.id, row.id));
        else await tx.insert(prompts).values(row);
        const number = (last?.number ?? 0) + 1;
        const version = { id: newId("promptVersion"), promptId: row.id, number, userId, createdAt: at };
        await tx.insert(promptVersions).values({ ...version, text: input.text, starters });
        return row;
      }, "chat.prompt");
    },

    /** Deletes a prompt with its versions. @throws EspalierError PROMPT_NOT_FOUND */
    async deletePrompt(projectId: string, id: string): Promise<{ id: string; name: string }> {
      const { name } = await getPrompt(projectId, id);
      await store.write(async (tx) => {
        await tx.delete(promptVersions).where(eq(promptVersions.promptId, id));
        await tx.delete(prompts).where(eq(prompts.id, id));
      }, "chat.prompt.delete");
      return { id, name };
    },
  };
}

function invalid(field: string, value: string, most: number): EspalierError {
  return new EspalierError(
    "PROMPT_INVALID",
    `A prompt's ${field} has 1 to ${most} characters, not ${value.length}.`,
    {
      field,
      value: value.slice(0, 80),
      hint: "Write something within the limit.",
    },
  );
}
