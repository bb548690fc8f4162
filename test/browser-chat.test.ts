// The chat in Chromium through the executable: branches, history, JSON, knowledge, side by side and blind votes.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { z } from "zod";
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
  "R71 chat: edit, ask again, mend, branch; every version is kept and one press away",
  async () => {
    const { page } = walk;
    const { shown, question, reply, whole, fewTokens } = chatOf(walk);
    await walk.open(`/chat?model=${encodeURIComponent(base)}`);
    await fewTokens();
    await walk.say("What is the capital of France?", 1);
    await page.waitForURL(/\/chat\/cnv_/);
    await page.getByText(/tok\/s, first after \d/).waitFor();

    await walk.button("Ask again", reply(0)).click();
    await page.getByTestId("version").getByText("2/2").waitFor();
    await whole(1);
    const second = (await shown()).messages.nodes;
    expect(second.map(({ role }) => role)).toEqual(["user", "assistant"]);
    expect(second[1]?.versionIds).toHaveLength(2);

    await walk.button("Mend the reply", reply(0)).click();
    await page.getByLabel("The reply, as it should be").fill("Paris, of course.");
    await walk.button("Keep as a version").click();
    await reply(0).getByText("Paris, of course.").waitFor();
    await reply(0).getByText("3/3").waitFor();
    await reply(0).getByText("mended by hand").waitFor();
    await walk.button("Earlier version", reply(0)).click();
    await reply(0).getByText("2/3").waitFor();

    await walk.say("And of Spain?", 2);
    await walk.button("Edit the message", question(0)).click();
    await page.getByLabel("Your message").fill("What is the capital of Italy?");
    await walk.button("Send again").click();
    await question(0).getByText("2/2").waitFor();
    await whole(1);
    expect((await shown()).messages.nodes[0]?.text).toBe("What is the capital of Italy?");
    await walk.look("chat-branches");
    await walk.button("Earlier version", question(0)).click();
    await question(1).getByText("And of Spain?").waitFor();
    expect((await shown()).messages.nodes).toHaveLength(4);

    await walk.button("Branch off here", reply(0)).click();
    await page.getByText("Your next message begins another branch here.").waitFor();
    await walk.say("And of Portugal?", 2);
    await question(1).getByText("2/2").waitFor();
    await page.reload();
    await question(1).getByText("And of Portugal?").waitFor();
    expect((await shown()).messages.nodes[2]?.versionIds).toHaveLength(2);

    await walk.button("Bad reply", reply(1)).click();
    await page.getByLabel("What is wrong with it?").fill("Not Lisbon");
    await walk.button("Keep note").click();
    const rated = z.object({
      feedback: z.object({
        nodes: z.tuple([
          z.object({
            verdict: z.literal("down"),
            note: z.literal("Not Lisbon"),
            replies: z.array(z.unknown()),
          }),
        ]),
      }),
    });
    await walk.until(
      "{ feedback(kind: RATING) { nodes { verdict note replies { model lineage { kind } } } } }",
      rated,
      {},
      walk.asPerson,
    );
    await walk.within(narrow, () => walk.look("chat-narrow", { picture: false }));
  },
  180_000,
);

test.skipIf(!canWalk)(
  "R71 history: found by its words, renamed, taken along as Markdown, deleted after yes",
  async () => {
    const { page } = walk;
    const { shown } = chatOf(walk);
    const list = page.getByRole("complementary", { name: "Conversations" });
    const title = (await shown()).title;
    await walk.button(`Actions for ${title}`, list).click();
    await page.getByRole("menuitem", { name: "Rename" }).click();
    await walk.dialog().getByLabel("Title").fill("Capitals of Europe");
    await walk.button("Rename conversation").click();
    await list.getByText("Capitals of Europe").waitFor();
    expect((await shown()).title).toBe("Capitals of Europe");
    await list.getByLabel("Search the conversations").fill("no such words");
    await list.getByText("Nothing matches").waitFor();
    await list.getByLabel("Search the conversations").fill("portugal");
    await list.getByText("Capitals of Europe").waitFor();

    await walk.button("Actions for Capitals of Europe", list).click();
    const coming = page.waitForEvent("download");
    await page.getByRole("menuitem", { name: "Download as Markdown" }).click();
    const taken = await coming;
    expect(taken.suggestedFilename()).toBe("Capitals_of_Europe.md");
    expect(readFileSync(await taken.path(), "utf8")).toContain("## Person\n\nAnd of Portugal?\n");

    await walk.button("Actions for Capitals of Europe", list).click();
    await page.getByRole("menuitem", { name: "Delete" }).click();
    await walk.look("chat-delete", { picture: false });
    await walk.button("Delete conversation").click();
    await page.waitForURL(/\/chat$/);
    expect(await walk.asPerson("{ conversations { totalCount } feedback { totalCount } }")).toEqual({
      conversations: { totalCount: 0 },
      feedback: { totalCount: 0 },
    });
  },
  60_000,
);

test.skipIf(!canWalk)(
  "R71 JSON mode: a reply held to a schema parses, and a schema that is none is said",
  async () => {
    const { page } = walk;
    const { shown, fewTokens } = chatOf(walk);
    await walk.open(`/chat?model=${encodeURIComponent(base)}`);
    await fewTokens(200);
    await walk.button("Parameters").click();
    await page.getByLabel("Reply in JSON").check();
    const schema = page.getByLabel("JSON schema");
    await schema.fill("{");
    await walk.look("chat-json", { picture: false });
    await page.keyboard.press("Escape");
    await walk.dialog().waitFor({ state: "detached" });
    await page.getByRole("textbox", { name: "Message" }).fill("The capital of France?");
    await page.keyboard.press("Enter");
    await page.getByText("SCHEMA_NOT_JSON").waitFor();
    await walk.button("Parameters").click();
    const shape = {
      type: "object",
      properties: { city: { type: "string" }, country: { enum: ["France", "Spain"] } },
      required: ["city", "country"],
    };
    await schema.fill(JSON.stringify(shape));
    await page.keyboard.press("Escape");
    await walk.dialog().waitFor({ state: "detached" });
    await walk.say("The capital of France?", 1);
    const said = z.object({ city: z.string(), country: z.enum(["France", "Spain"]) });
    said.parse(JSON.parse((await shown()).messages.nodes.at(-1)?.text ?? ""));
    await walk.button("Parameters").click();
    await page.getByLabel("Reply in JSON").uncheck();
    await page.keyboard.press("Escape");
    await walk.dialog().waitFor({ state: "detached" });
  },
  120_000,
);

test.skipIf(!canWalk)(
  "R71 knowledge: a base is chosen at the composer, and the passages stand under the reply as links",
  async () => {
    const { page } = walk;
    const { reply } = chatOf(walk);
    const authorization = `Bearer ${walk.key}`;
    const words = "The garden gate opens at seven and closes at nine in the evening. Dogs stay on the lead.";
    const upload = await fetch(`${walk.url()}/uploads`, {
      method: "POST",
      headers: { authorization },
      body: JSON.stringify({ name: "rules.md", sizeBytes: words.length }),
    });
    const { id: uploadId } = z.object({ id: z.string() }).parse(await upload.json());
    await fetch(`${walk.url()}/uploads/${uploadId}`, {
      method: "PATCH",
      headers: { authorization, "upload-offset": "0" },
      body: words,
    });
    await walk.act(
      'mutation { createKnowledgeBase(input: { name: "rules" }) { __typename ... on UserError { code text: message } } }',
    );
    const added = await walk.act(
      "mutation ($input: AddDocumentsInput!) { addDocuments(input: $input) { __typename ... on AddDocumentsSuccess { run { id } } ... on UserError { code text: message } } }",
      { input: { knowledgeBase: "rules", files: [{ uploadId, name: "rules.md" }] } },
    );
    const { run } = z.looseObject({ run: z.object({ id: z.string() }) }).parse(added);
    await walk.until(
      "query ($id: ID!) { node(id: $id) { ... on Run { status } } }",
      z.object({ node: z.object({ status: z.literal("SUCCEEDED") }) }),
      { id: run.id },
    );
    await walk.open(`/chat?model=${encodeURIComponent(base)}`);
    await walk.button("Knowledge bases", page.getByRole("main")).click();
    await page.getByRole("checkbox", { name: "rules" }).check();
    await page.keyboard.press("Escape");
    await walk.say("When does the garden gate close?", 1);
    const source = reply(0).getByRole("list", { name: "Sources" }).getByRole("link");
    await source.first().waitFor();
    expect(await source.first().textContent()).toBe("1 · rules.md");
    expect(await source.first().getAttribute("href")).toMatch(
      /^\/knowledge\/kb_\w+\/documents\/doc_\w+\?chunk=/,
    );
    await page.reload();
    await source.first().waitFor();
    await walk.look("chat-citations", { picture: false });
    const id = new URL(page.url()).pathname.split("/").at(-1);
    expect(
      await walk.asPerson(
        "query ($id: ID!) { node(id: $id) { ... on Conversation { knowledgeBases { name } } } }",
        { id },
      ),
    ).toEqual({ node: { knowledgeBases: [{ name: "rules" }] } });
  },
  120_000,
);

test.skipIf(!canWalk)(
  "R72 blind vote: up to four under one composer, names hidden until the vote, kept with its models",
  async () => {
    const { page } = walk;
    const { whole } = chatOf(walk);
    const deployed = await walk.act(
      'mutation ($id: ID!) { deployModel(input: { modelId: $id, name: "rounded", precision: INT8 }) { __typename ... on DeployModelSuccess { run { id } } } }',
      { id: base },
    );
    const { run } = z.looseObject({ run: z.object({ id: z.string() }) }).parse(deployed);
    await walk.until(
      "query ($id: ID!) { node(id: $id) { ... on Run { status } } }",
      z.object({ node: z.object({ status: z.literal("SUCCEEDED") }) }),
      { id: run.id },
    );
    await walk.open(`/chat?models=${encodeURIComponent(base)}`);
    await walk.button("Compare").click();
    await page.getByRole("combobox", { name: "Second model" }).waitFor();
    await walk.button("Add a model").click();
    await walk.button("Add a model").click();
    expect(await walk.button("Add a model").count()).toBe(0);
    await walk.look("chat-compare", { picture: false });
    await walk.button("Take this model out").last().click();
    // One column's parameters, then the same for all.
    await walk.button("Parameters").click();
    const each = page.getByRole("combobox", { name: "For" });
    const choose = async (name: RegExp) => {
      await each.click();
      await page.getByRole("option", { name }).click();
    };
    const seed = page.getByLabel("Seed");
    await choose(/^2 · /);
    await seed.fill("7");
    await choose(/^3 · /);
    expect(await seed.inputValue()).toBe("");
    await choose(/^2 · /);
    await walk.button("Copy these parameters to the other models").click();
    await choose(/^3 · /);
    expect(await seed.inputValue()).toBe("7");
    await walk.look("chat-compare-parameters", { picture: false });
    await page.keyboard.press("Escape");
    await walk.dialog().waitFor({ state: "detached" });
    await page.getByLabel("Hide names until a vote").check();
    await walk.say("Say hello.", 3);
    await page.getByText("Model C").waitFor();
    const asked = z.object({
      conversations: z.object({
        nodes: z.tuple([
          z.object({
            parameters: z.looseObject({ seed: z.literal(7) }),
            beside: z.array(z.object({ parameters: z.looseObject({ seed: z.literal(7) }) })).length(2),
          }),
        ]),
      }),
    });
    asked.parse(
      await walk.asPerson("{ conversations(first: 1) { nodes { parameters beside { parameters } } } }"),
    );
    expect(page.url()).not.toContain(base);
    expect(await page.getByText("tok/s").count()).toBe(0);
    await walk.look("chat-blind");
    await walk.button("B is better").click();
    await page.getByText(/· your choice$/).waitFor();
    await page.getByRole("combobox", { name: "Third model" }).waitFor();
    const kept = z.object({
      feedback: z.object({
        nodes: z.tuple([
          z.object({
            verdict: z.literal("better"),
            isBlind: z.literal(true),
            replies: z.array(z.object({ model: z.string(), modelId: z.string(), isChosen: z.boolean() })),
          }),
        ]),
      }),
    });
    const { feedback } = kept.parse(
      await walk.asPerson(
        "{ feedback(kind: VOTE) { nodes { verdict isBlind replies { model modelId isChosen } } } }",
      ),
    );
    expect(feedback.nodes[0].replies.map(({ isChosen }) => isChosen)).toEqual([false, true, false]);
    const chosen = feedback.nodes[0].replies[1]?.model;
    expect(await page.getByRole("combobox", { name: "Second model" }).inputValue()).toContain(chosen ?? "?");

    await page.reload();
    await whole(3);
    await walk.within(narrow, () => walk.look("chat-compare-narrow", { picture: false }));
    await page.getByRole("link", { name: "Go on with this one alone" }).nth(1).click();
    await whole(1);
    await walk.say("Once more.", 2);
  },
  180_000,
);

test.skipIf(!canWalk)("no page of the chat broke, or asked another host", () => {
  expect(walk.faults).toEqual([]);
});
