// The chat in Chromium through the executable: how words are drawn, five hundred turns, the prompt library.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { chatOf } from "./browser-chat-kit.ts";
import { canWalk, narrow, startWalk, type Walk } from "./browser-kit.ts";

let walk: Walk;
let base: string;
beforeAll(async () => {
  if (!canWalk) return;
  walk = await startWalk();
  await walk.setUp();
  base = (await walk.samples()).baseModels.nodes[0].name;
}, 120_000);
afterAll(() => walk?.close());

test.skipIf(!canWalk)(
  "R73 rendering: code, mathematics and tables are drawn, and nothing in a reply runs",
  async () => {
    const { page } = walk;
    const { reply } = chatOf(walk);
    const said = [
      "A formula \\(e^{i\\pi} = -1\\), for $5.",
      "\\[\\int_0^1 x^2 dx = \\frac{1}{3}\\]",
      "```python\ndef area(r):\n    return 3.14 * r ** 2  # about\n```",
      "| town | people |\n|---|---|\n| Lyon | 520 000 |",
      "[here](javascript:window.broken=1) <img src=x onerror='window.broken=1'> ![map](https://example.com/m.png)",
    ].join("\n\n");
    await walk.open(`/chat?model=${encodeURIComponent(base)}`);
    await walk.say("Show me.", 1);
    await walk.button("Mend the reply", reply(0)).click();
    await page.getByLabel("The reply, as it should be").fill(said);
    await walk.button("Keep as a version").click();
    await reply(0).locator(".katex-display").waitFor();
    await reply(0).locator(".hljs-keyword", { hasText: "def" }).waitFor();
    expect(await reply(0).locator("td").first().textContent()).toBe("Lyon");
    expect(await reply(0).locator("img, script, [href^=javascript]").count()).toBe(0);
    expect(await page.evaluate(() => Reflect.get(window, "broken"))).toBeUndefined();
    // The fonts of the mathematics come from here.
    await page.evaluate(() => document.fonts.ready);
    expect(
      await page.evaluate(() =>
        [...document.fonts].some((one) => one.family.startsWith("KaTeX") && one.status === "loaded"),
      ),
    ).toBe(true);
    await walk.look("chat-rendering");
    await walk.within(narrow, () => walk.look("chat-rendering-narrow", { picture: false }));
  },
  60_000,
);

test.skipIf(!canWalk)(
  "five hundred turns open at once, and show their beginning when asked",
  async () => {
    const { page } = walk;
    const { shown } = chatOf(walk);
    const id = new URL(page.url()).pathname.split("/").at(-1) ?? "";
    const from = (await shown()).messages.nodes.at(-1)?.id ?? "";
    const { Database } = await import("bun:sqlite");
    const database = new Database(join(walk.user.folder, "data/espalier.db"));
    const add = database.query(
      `INSERT INTO messages (id, conversation_id, parent_id, role, text, finish_reason, created_at)
       VALUES (?1, ?2, ?3, ?4, ?5, 'stop', ?6)`,
    );
    const began = Date.now();
    database.transaction(() => {
      let parent = from;
      for (let turn = 1; turn <= 1000; turn++) {
        const next = `msg_turn${String(turn).padStart(5, "0")}`;
        const isReply = turn % 2 === 0;
        add.run(
          next,
          id,
          parent,
          isReply ? "assistant" : "user",
          `Words of turn **${turn}**: \`x = ${turn}\`.`,
          began + turn,
        );
        parent = next;
      }
      database.run("UPDATE conversations SET current_id = ? WHERE id = ?", [parent, id]);
    })();
    database.close();
    const opened = performance.now();
    await page.reload();
    await page.getByText("Words of turn 1000").waitFor();
    expect(performance.now() - opened).toBeLessThan(8_000);
    expect(await page.getByTestId("reply").count()).toBeLessThan(50);
    const atEnd = () =>
      page.getByRole("log").evaluate((list) => list.scrollHeight - list.scrollTop - list.clientHeight < 40);
    expect(await atEnd()).toBe(true);
    await walk.button("Show earlier messages").click();
    await page.getByText("Words of turn 930").waitFor();
    // Typing stays quick with all of them open.
    await page.getByRole("textbox", { name: "Message" }).fill("quick");
    expect(await page.getByText("Words of turn 1000").count()).toBe(1);
  },
  60_000,
);

test.skipIf(!canWalk)(
  "R74 prompt library: versions and variables, as system prompt with starter questions, and as a message",
  async () => {
    const { page } = walk;
    const { whole } = chatOf(walk);
    await walk.open(`/chat?model=${encodeURIComponent(base)}`);
    const save = async (text: string) => {
      await walk.dialog().getByLabel("Name", { exact: true }).fill("Guide");
      await walk.dialog().getByLabel("Text", { exact: true }).fill(text);
      await walk.dialog().getByLabel("Starter questions").fill("Where to eat?\n\nWhere to sleep?");
      await walk.button("Save prompt").click();
      await page.getByTestId("prompt-text").getByText(text).waitFor();
    };
    await walk.button("Prompt library").click();
    await walk.button("New prompt").click();
    await save("You know {{town}}.");
    await walk.button("Edit Guide").click();
    await save("You know {{town}} in {{month}}.");
    await walk.dialog().getByLabel("town").fill("Lyon");
    await walk.dialog().getByLabel("month").fill("May");
    await page.getByTestId("prompt-text").getByText("You know Lyon in May.").waitFor();
    await walk.look("chat-prompts");
    expect(
      await walk.graphql(
        "{ prompts { nodes { name versions { nodes { number text variables starters } } } } }",
      ),
    ).toEqual({
      prompts: {
        nodes: [
          {
            name: "Guide",
            versions: {
              nodes: [
                {
                  number: 2,
                  text: "You know {{town}} in {{month}}.",
                  variables: ["town", "month"],
                  starters: ["Where to eat?", "Where to sleep?"],
                },
                {
                  number: 1,
                  text: "You know {{town}}.",
                  variables: ["town"],
                  starters: ["Where to eat?", "Where to sleep?"],
                },
              ],
            },
          },
        ],
      },
    });
    await walk.button("Use as system prompt").click();
    await walk.button("Where to eat?").click();
    const composer = page.getByRole("textbox", { name: "Message" });
    expect(await composer.inputValue()).toBe("Where to eat?");
    await composer.press("Enter");
    await whole(1);
    const id = new URL(page.url()).pathname.split("/").at(-1);
    expect(
      await walk.asPerson("query ($id: ID!) { node(id: $id) { ... on Conversation { systemPrompt } } }", {
        id,
      }),
    ).toEqual({
      node: { systemPrompt: "You know Lyon in May." },
    });
    await walk.button("Prompt library").click();
    await walk.button("Insert into the message").click();
    expect(await composer.inputValue()).toBe("You know {{town}} in {{month}}.");
    await walk.button("Prompt library").click();
    await walk.button("Delete Guide with its versions").click();
    await page.getByText("The library is empty.").waitFor();
  },
  60_000,
);

test.skipIf(!canWalk)("no page of the chat broke, or asked another host", () => {
  expect(walk.faults).toEqual([]);
});
