// The open conversation of a walk, as the browser shows it and as GraphQL says.
import { z } from "zod";
import type { Walk } from "./browser-kit.ts";

const turns = z.object({
  node: z.object({
    title: z.string(),
    messages: z.object({
      nodes: z.array(
        z.object({ id: z.string(), role: z.string(), text: z.string(), versionIds: z.array(z.string()) }),
      ),
    }),
  }),
});
/** What a test looks at in the chat. */
export function chatOf(walk: Walk) {
  const { page } = walk;
  return {
    /** The open conversation as GraphQL says. */
    async shown() {
      const id = new URL(page.url()).pathname.split("/").at(-1);
      const query =
        "query ($id: ID!) { node(id: $id) { ... on Conversation { title messages { nodes { id role text versionIds } } } } }";
      // A conversation is its maker's alone: a key would not find it.
      return turns.parse(await walk.asPerson(query, { id })).node;
    },
    question: (index: number) => page.getByTestId("question").nth(index),
    reply: (index: number) => page.getByTestId("reply").nth(index),
    /** Waits until exactly so many replies stand there whole. */
    whole: (count: number) =>
      page.waitForFunction(
        (wanted) => document.querySelectorAll("[data-testid=reply]:not([data-streaming])").length === wanted,
        count,
      ),
    /** Few tokens: what is looked at is what happens around the words. */
    async fewTokens(most = 12): Promise<void> {
      await walk.button("Parameters").click();
      await page.getByLabel("Most tokens of a reply").fill(String(most));
      await page.keyboard.press("Escape");
      await walk.dialog().waitFor({ state: "detached" });
    },
  };
}
