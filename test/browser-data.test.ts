// Base models and datasets in Chromium through the executable: cards, chat and deploy of a base, imports good and bad.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { z } from "zod";
import { canWalk, root, startWalk, type Walk } from "./browser-kit.ts";
import { seesCuts, seesMappings } from "./browser-mapping.ts";

setDefaultTimeout(900_000);

let walk: Walk;
let base: { id: string; name: string; hash: string };
beforeAll(async () => {
  if (!canWalk) return;
  walk = await startWalk();
  await walk.setUp();
  base = (await walk.samples()).baseModels.nodes[0];
});
afterAll(() => walk?.close());

const sampleFile = join(root, "samples/support-messages.jsonl");
const cardQuery =
  "query ($id: ID!) { node(id: $id) { ... on BaseModel { architecture contextLength hash licence renderedExample card readme fit { sentence } } } }";
const cardShape = z.object({
  node: z.object({
    architecture: z.string(),
    contextLength: z.number(),
    hash: z.string(),
    licence: z.string().nullable(),
    renderedExample: z.string(),
    card: z.string().nullable(),
    readme: z.string(),
    fit: z.object({ sentence: z.string() }),
  }),
});
const card = async () => cardShape.parse(await walk.graphql(cardQuery, { id: base.id })).node;

async function openBase(): Promise<void> {
  await walk.open("/base-models");
  await walk.page.getByRole("table").getByRole("link", { name: base.name }).click();
  await walk.heading(base.name).waitFor();
}

/** What the page or its dialog says went wrong; notices in the corner are of earlier work. */
const problem = () => walk.page.locator(".e-page [role=alert], [role=dialog] [role=alert]").first();

/** Drops or chooses a file in the import form, and sends it under a name. */
async function importFile(
  name: string,
  file: string | { name: string; text: string },
  keepGoodRows = false,
): Promise<void> {
  await walk.open("/datasets?import=1");
  const form = walk.dialog();
  await form
    .locator("input[type=file]")
    .setInputFiles(
      typeof file === "string"
        ? file
        : { name: file.name, mimeType: "text/plain", buffer: Buffer.from(file.text) },
    );
  // The form proposes the file's name once it has read it; what is typed comes after.
  await form.getByText(basename(typeof file === "string" ? file : file.name), { exact: false }).waitFor();
  await form.getByLabel("Name").fill(name);
  if (keepGoodRows) await form.getByLabel("Keep the good rows when some are bad").check();
  await walk.button("Import dataset", form).click();
}
const datasetShape = z.object({
  dataset: z
    .object({
      status: z.string(),
      latest: z
        .object({
          rowCount: z.number(),
          number: z.number(),
          shape: z.string(),
          hash: z.string(),
          columns: z.array(z.object({ name: z.string() })),
        })
        .nullable(),
    })
    .nullable(),
});
const datasetOf = async (name: string) =>
  datasetShape.parse(
    await walk.graphql(
      "query ($name: String!) { dataset(name: $name) { status latest { rowCount number shape hash columns { name } } } }",
      { name },
    ),
  ).dataset;

test.skipIf(!canWalk)(
  "R31 model card: scanned, edited in place, sanitised, taken away with its YAML header",
  async () => {
    const { page } = walk;
    await walk.open("/base-models");
    await page.getByRole("table").waitFor();
    await walk.look("base-models");
    await openBase();
    const scanned = await card();
    for (const text of [scanned.architecture, scanned.fit.sentence, scanned.hash.slice(0, 16)])
      await page.getByText(text, { exact: true }).first().waitFor();
    expect(await page.locator("pre", { hasText: "capital of France" }).textContent()).toBe(
      scanned.renderedExample,
    );

    await walk.button("Write a README").click();
    const text = `## Small and quick\n\nAnswers **support** mail.\n\n<img src="x" onerror="document.title = 'taken over'">`;
    await page.getByLabel("README, as Markdown").fill(text);
    await walk.button("Save README").click();
    await page.getByRole("heading", { name: "Small and quick" }).waitFor();
    expect(await page.title()).not.toContain("taken over");
    expect((await card()).card).toBe(text);
    expect((await card()).hash).toBe(scanned.hash);

    const edit =
      "mutation ($id: ID!, $text: String!) { editCard(id: $id, text: $text) { __typename ... on UserError { code } } }";
    const better = "## What it is for\n\nA small model that learns to sort support mail in minutes.\n";
    expect(await walk.act(edit, { id: base.id, text: better })).toEqual({ __typename: "EditCardSuccess" });
    expect(await walk.act(edit, { id: base.id, text: "x".repeat(20_001) })).toMatchObject({
      code: "CARD_TOO_LONG",
    });
    await walk.restart();
    await page.reload();
    await page.getByRole("heading", { name: "What it is for" }).waitFor();
    const coming = page.waitForEvent("download");
    await page.getByRole("link", { name: "Download README.md" }).click();
    const taken = readFileSync(await (await coming).path(), "utf8");
    expect(taken).toBe((await card()).readme);
    expect(Bun.YAML.parse(taken.split("\n---\n")[0]?.slice(4) ?? "")).toMatchObject({
      model_name: base.name,
      architecture: scanned.architecture,
      context_length: scanned.contextLength,
    });
    await walk.look("base-model");
  },
);

test.skipIf(!canWalk)(
  "R33 infer with a base model: the same right answer in the chat and by GraphQL",
  async () => {
    const { page } = walk;
    await openBase();
    await page.getByRole("link", { name: "Chat with it" }).click();
    const question = "What is the capital of France?";
    const [reply] = await walk.say(question, 1);
    expect(reply).toContain("The capital of France is Paris.");
    const sent = await walk.act(
      "mutation ($input: SendMessageInput!) { sendMessage(input: $input) { __typename ... on SendMessageSuccess { reply { id } } } }",
      { input: { model: base.name, text: question, temperature: 0, maxTokens: 32 } },
    );
    const { reply: made } = z.looseObject({ reply: z.object({ id: z.string() }) }).parse(sent);
    const { node } = await walk.until(
      "query ($id: ID!) { node(id: $id) { ... on Message { text finishReason } } }",
      z.object({ node: z.object({ text: z.string(), finishReason: z.literal("stop") }) }),
      { id: made.id },
    );
    expect(reply).toContain(node.text.trim());
  },
);

test.skipIf(!canWalk)(
  "R34 deploy a base model: live on its page and by GraphQL, with an answer",
  async () => {
    const { page } = walk;
    await openBase();
    await walk.button("Deploy").click();
    await walk.dialog().getByLabel("Name of the live model").fill("smol-live");
    await walk.look("deploy", { picture: false });
    // Rounded weights may answer another way; exact ones answer as the model does.
    await walk.dialog().getByRole("combobox", { name: "Precision" }).click();
    await page.getByRole("option", { name: /^fp32/ }).click();
    await walk.button(/^Deploy /, walk.dialog()).click();
    await walk.heading("smol-live").waitFor();
    await page.locator(".e-pill", { hasText: /^live$/ }).waitFor({ timeout: 600_000 });
    expect(await walk.graphql("{ liveModels { nodes { name status source { kind name } } } }")).toEqual({
      liveModels: {
        nodes: [{ name: "smol-live", status: "LIVE", source: { kind: "BASE", name: base.name } }],
      },
    });
    await page.getByRole("link", { name: "Chat with it" }).click();
    const [reply] = await walk.say("What is the capital of France?", 1);
    expect(reply).toContain("Paris");
  },
);

test.skipIf(!canWalk)(
  "R20 single-file dataset: JSONL, JSON and CSV become the rows that GraphQL counts",
  async () => {
    const { page } = walk;
    await importFile("tickets-2026", sampleFile);
    await walk.heading("tickets-2026").waitFor();
    await page.getByText("1 to 50 of 460 rows").waitFor();
    await walk.look("dataset");
    expect(await datasetOf("tickets-2026")).toMatchObject({
      status: "ready",
      latest: { rowCount: 460, number: 1, shape: "MESSAGES" },
    });
    await importFile("orders", {
      name: "orders.json",
      text: '[{"prompt":"a","completion":"b"},{"prompt":"c","completion":"d"}]',
    });
    await page.getByText("1 to 2 of 2 rows").waitFor();
    expect((await datasetOf("orders"))?.latest).toMatchObject({ rowCount: 2, shape: "PROMPT_COMPLETION" });
    await importFile("reviews", {
      name: "reviews.csv",
      text: 'text,stars\n"good, really",5\nbad,1\nfine,3\n',
    });
    await page.getByText("1 to 3 of 3 rows").waitFor();
    expect((await datasetOf("reviews"))?.latest).toMatchObject({
      rowCount: 3,
      shape: "TABLE",
      columns: [{ name: "text" }, { name: "stars" }],
    });
  },
);

test.skipIf(!canWalk)(
  "P3 preview and statistics: search, token lengths, and a row as the model sees it",
  async () => {
    const { page } = walk;
    await walk.open("/datasets");
    await walk.look("datasets");
    await page.getByRole("table").getByRole("link", { name: "tickets-2026", exact: true }).click();
    // Its first page, so that what goes away below was there.
    await page.getByText("1 to 50 of 460 rows").waitFor();
    await page.getByLabel("Search the rows").fill("hacked");
    await page.getByText("1 to 50 of 460 rows").waitFor({ state: "detached" });
    const rows = page.getByRole("region", { name: "Rows" }).getByRole("row");
    expect(await rows.nth(1).textContent()).toMatch(/hacked/i);
    const { dataset } = z
      .object({
        dataset: z.object({
          latest: z.object({ rows: z.object({ rows: z.array(z.object({ index: z.number() })) }) }),
        }),
      })
      .parse(
        await walk.graphql(
          '{ dataset(name: "tickets-2026") { latest { rows(search: "hacked", limit: 200) { rows { index } } } } }',
        ),
      );
    expect(dataset.latest.rows.rows).toHaveLength((await rows.count()) - 1);

    await page.getByRole("tab", { name: "As the model sees it" }).click();
    const marked = page.locator("mark");
    await marked.first().waitFor();
    const rendered = z.object({
      dataset: z.object({
        latest: z.object({
          renderedRow: z.object({ tokens: z.array(z.object({ text: z.string(), counts: z.boolean() })) }),
        }),
      }),
    });
    const { tokens } = rendered.parse(
      await walk.graphql(
        'query ($base: ID!) { dataset(name: "tickets-2026") { latest { renderedRow(index: 0, baseId: $base) { tokens { text counts } } } } }',
        { base: base.id },
      ),
    ).dataset.latest.renderedRow;
    const counted = tokens.filter(({ counts }) => counts).map(({ text }) => text);
    expect((await marked.allTextContents()).join("")).toBe(counted.join(""));
    await walk.look("dataset-row");
    await page.getByRole("tab", { name: "Token lengths" }).click();
    await page.getByText(/Half of the rows have at most \d+ tokens/).waitFor();
    await walk.look("dataset-lengths");
  },
);

test.skipIf(!canWalk)(
  "P4 mapping: columns are mapped on rows as the model will see them, with what is learned and what is cut",
  async () => {
    const text = "who,where,what\nAda,Oslo,Ada lives in Oslo\nBo,Rome,Bo lives in Rome\n";
    await importFile("people", { name: "people.csv", text });
    await walk.heading("people").waitFor();
    while ((await datasetOf("people"))?.status !== "ready") await Bun.sleep(100);
    await seesMappings(walk, base.id, "people");
    await seesCuts(walk, base.id, "support-messages");
  },
);

test.skipIf(!canWalk)(
  "R24 validation: a bad row is named by line; on request the good ones stay",
  async () => {
    const { page } = walk;
    const file = {
      name: "march-tickets.jsonl",
      text: '{"prompt":"Where is my order?","completion":"shipping"}\n{"prompt":"My card was charged twice"\n{"prompt":"The app is down","completion":"technical"}\n',
    };
    await importFile("march-tickets", file);
    const alert = problem();
    await alert.waitFor();
    expect(await alert.textContent()).toMatch(/line 2/i);
    await walk.dialog().waitFor({ state: "detached" });
    await walk.look("dataset-failed");
    expect(await datasetOf("march-tickets")).toMatchObject({ status: "failed", latest: null });
    await importFile("march-tickets-kept", file, true);
    await page.getByText("1 to 2 of 2 rows").waitFor();
    expect((await datasetOf("march-tickets-kept"))?.latest?.rowCount).toBe(2);
  },
);

test.skipIf(!canWalk)(
  "R26 versions: the same name again is a second version, and the first stays",
  async () => {
    const { page } = walk;
    const first = (await datasetOf("orders"))?.latest;
    await importFile("orders", { name: "orders.jsonl", text: '{"prompt":"a","completion":"b"}\n' });
    await page.getByText("1 to 1 of 1 rows").waitFor();
    expect((await datasetOf("orders"))?.latest).toMatchObject({ number: 2, rowCount: 1 });
    const { dataset } = await walk.graphql(
      '{ dataset(name: "orders") { version(number: 1) { hash rowCount } } }',
    );
    expect(dataset).toEqual({ version: { hash: first?.hash, rowCount: 2 } });
  },
);

test.skipIf(!canWalk)(
  "bad input: a name that is taken, a picture, an empty file, a path that is none",
  async () => {
    await openBase();
    await walk.button("Deploy").click();
    await walk.dialog().getByLabel("Name of the live model").fill(base.name);
    await walk.button(/^Deploy /, walk.dialog()).click();
    expect(await walk.dialog().getByRole("alert").textContent()).toContain("NAME_TAKEN");
    await walk.look("name-taken", { picture: false });
    const png = join(root, "docs/screenshots/sign-in.png");
    for (const [name, file] of [
      ["a-picture", png],
      ["nothing", { name: "nothing.jsonl", text: "" }],
    ] as const) {
      await importFile(name, file);
      const alert = problem();
      await alert.waitFor();
      expect([name, /[A-Z]+_[A-Z_]+/.test((await alert.textContent()) ?? "")]).toEqual([name, true]);
      expect([name, await alert.textContent()]).not.toEqual([name, expect.stringContaining("INTERNAL")]);
      expect([name, (await datasetOf(name))?.latest ?? null]).toEqual([name, null]);
    }
    await walk.open("/base-models?import=1");
    await walk.dialog().getByLabel("Path").fill("/no/such/model");
    await walk.dialog().getByLabel("Name").fill("nowhere");
    await walk.button("Import model", walk.dialog()).click();
    await problem().waitFor();
    expect(await problem().textContent()).toContain("/no/such/model");
    expect(await walk.graphql("{ baseModels { totalCount } }")).toEqual({ baseModels: { totalCount: 1 } });
  },
);

test.skipIf(!canWalk)("no page broke, or asked another host", () => {
  expect(walk.faults).toEqual([]);
});
