// Knowledge bases in Chromium through the executable: made with a look at the chunks, filled with good and bad files,
// asked in the playground, opened at a passage, changed, emptied.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { zipSync } from "fflate";
import { z } from "zod";
import { canWalk, narrow, startWalk, type Walk, wide } from "./browser-kit.ts";
import { ADD } from "./provider-kit.ts";
import { KEY, startWire, WIRES } from "./provider-wire.ts";

setDefaultTimeout(300_000);

let walk: Walk;
/** A provider that embeds and reranks in OpenAI's wire format: its best passage is always the last one it is given. */
const provider = startWire(WIRES.openai);
beforeAll(async () => {
  if (!canWalk) return;
  walk = await startWalk();
  await walk.setUp();
  const models = [{ model: "text-embedding-3-small" }, { model: "bge-reranker" }];
  const input = {
    name: "house",
    kind: "openai-compatible",
    url: provider.url,
    key: KEY,
    models,
    allowPrivate: true,
  };
  await walk.act(ADD, { input });
});
afterAll(async () => {
  await provider.close();
  await walk?.close();
});

const sections = ["Pears", "Apples", "Quinces", "Medlars"].map(
  (fruit, at) =>
    `## ${fruit}\n\n${fruit} are pruned in ${["January", "February", "March", "April"][at]} and tied to the ${at + 1}. wire of the trellis. ${"The shoots grow along the wire and bear fruit in their third year. ".repeat(12)}`,
);
const handbook = `# Gardening handbook\n\n${sections.join("\n\n")}\n\n| Sort | Harvest |\n|---|---|\n| Nashi | 12 kg |\n| Comice | 9 kg |\n`;
const letter = zipSync(
  Object.fromEntries(
    Object.entries({
      "[Content_Types].xml":
        '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="xml" ContentType="application/xml"/></Types>',
      "_rels/.rels":
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/></Relationships>',
      "word/document.xml":
        '<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body><w:p><w:r><w:t>The supplier of bamboo canes is Hanako Trading in Kyoto.</w:t></w:r></w:p></w:body></w:document>',
    }).map(([name, part]) => [name, new TextEncoder().encode(part)]),
  ),
);
const files = [
  { name: "handbook.md", mimeType: "text/markdown", buffer: Buffer.from(handbook) },
  { name: "letter.docx", mimeType: "application/octet-stream", buffer: Buffer.from(letter) },
  { name: "picture.md", mimeType: "text/markdown", buffer: Buffer.from("\x89PNG\r\n\x1a\n\0\0", "latin1") },
];
const baseShape = (counts: { ready: number; failed: number }) =>
  z.object({
    knowledgeBase: z.object({
      id: z.string(),
      status: z.literal("ready"),
      counts: z.object({ ready: z.literal(counts.ready), failed: z.literal(counts.failed) }),
      chunking: z.object({ maxTokens: z.number() }),
    }),
  });
const baseQuery =
  '{ knowledgeBase(name: "garden") { id status counts { ready failed } chunking { maxTokens } } }';
const panel = () => walk.page.getByRole("tabpanel");

test.skipIf(!canWalk)(
  "a knowledge base is made with a live look at its chunks, and takes good and bad files",
  async () => {
    const { page } = walk;
    await walk.open("/knowledge");
    await page.getByText("No knowledge base yet").waitFor();
    await walk.look("knowledge-empty");
    await walk.button("Create knowledge base").first().click();
    const form = walk.dialog();
    await form.getByLabel("Name").fill("garden");
    await form.getByLabel("See how it cuts").fill(handbook);
    const chunks = form.getByRole("region", { name: "Chunks" }).locator("article");
    await chunks.first().waitFor();
    const before = await chunks.count();
    expect(before).toBeGreaterThan(2);
    // Smaller chunks, and the look follows.
    await form.getByLabel("Tokens of a chunk").fill("96");
    await page.waitForFunction(
      (old) => document.querySelectorAll("[role=dialog] article").length > old,
      before,
    );
    expect(await form.locator("mark").count()).toBeGreaterThan(0);
    await walk.look("knowledge-create", { dark: true });
    await walk.button("Create knowledge base", form).click();
    await walk.heading("garden").waitFor();
    await page.getByText("No document yet").waitFor();

    await walk.button("Add documents").first().click();
    await walk
      .dialog()
      .locator("input[type=file]:not([aria-label='Folder of documents'])")
      .setInputFiles(files);
    await walk.dialog().getByText("letter.docx").waitFor();
    await walk.button("Add documents", walk.dialog()).click();
    await page.getByText("3 documents are being read.").waitFor();
    const { knowledgeBase } = await walk.until(baseQuery, baseShape({ ready: 2, failed: 1 }));
    expect(knowledgeBase.chunking.maxTokens).toBe(96);
    // The page follows by itself: every document shows how it stands, the bad one why.
    const table = page.getByRole("table");
    await table.getByText("ready").nth(1).waitFor();
    await table.getByText("picture.md is a PNG image,", { exact: false }).waitFor();
    await walk.look("knowledge-documents", { dark: true, keys: true });
    await walk.within(narrow, () => walk.look("knowledge-documents-narrow", { keys: true }));

    // The same files again are not read twice.
    await walk.open(`/knowledge/${knowledgeBase.id}?import=1`);
    await walk
      .dialog()
      .locator("input[type=file]:not([aria-label='Folder of documents'])")
      .setInputFiles(files.slice(0, 1));
    await walk.button("Add documents", walk.dialog()).click();
    await page.getByText("1 document was there already.", { exact: false }).waitFor();
  },
);

test.skipIf(!canWalk)(
  "R82 the playground shows what each ranker says, and a passage opens in its document, marked",
  async () => {
    const { page } = walk;
    const { knowledgeBase } = await walk.until(baseQuery, baseShape({ ready: 2, failed: 1 }));
    await walk.open(`/knowledge/${knowledgeBase.id}?tab=playground`);
    await panel().getByLabel("Question").fill("Who sells us bamboo?");
    await panel().getByLabel("Question").press("Enter");
    const passages = panel().locator(".e-passage");
    await passages.first().waitFor();
    expect(await passages.first().textContent()).toContain("Hanako Trading");
    expect(await passages.first().textContent()).toMatch(/Words\s*rank 1[\s\S]*Meaning\s*rank 1/);
    await walk.look("knowledge-playground", { dark: true, keys: true });
    await walk.within(narrow, () => walk.look("knowledge-playground-narrow", { picture: false }));

    // The address holds the search; a filter leaves the others out.
    expect(page.url()).toContain("question=Who");
    await panel().getByRole("combobox", { name: "Only these formats" }).press("ArrowDown");
    await page.getByRole("option", { name: "markdown" }).click();
    await page.waitForFunction(() => !document.querySelector(".e-passage")?.textContent?.includes("Hanako"));
    await walk.open(`/knowledge/${knowledgeBase.id}?tab=playground&question=zebra&threshold=1`);
    await panel().getByText("Nothing found: no passage", { exact: false }).waitFor();

    await walk.open(
      `/knowledge/${knowledgeBase.id}?tab=playground&question=When%20are%20quinces%20pruned%3F`,
    );
    await passages.first().waitFor();
    expect(await passages.first().textContent()).toContain("Quinces are pruned in March");
    await passages.first().getByRole("link", { name: "handbook.md" }).click();
    await walk.heading("handbook.md").waitFor();
    const mark = page.locator(".e-text mark", { hasText: "Quinces are pruned in March" });
    await mark.waitFor();
    expect(
      await mark.evaluate((one) => {
        const { top, bottom } = one.getBoundingClientRect();
        return top < window.innerHeight && bottom > 0;
      }),
    ).toBe(true);
    expect(page.url()).toContain("chunk=");
    expect(await page.locator(".e-text").getByRole("cell", { name: "12 kg" }).count()).toBe(1);
    await walk.look("knowledge-document", { dark: true, keys: true });
    await walk.within(narrow, () => walk.look("knowledge-document-narrow", { picture: false }));
  },
);

test.skipIf(!canWalk)(
  "R82 a third-party reranker is chosen in the settings, and its score stands beside each ranker's",
  async () => {
    const { page } = walk;
    const { knowledgeBase } = await walk.until(baseQuery, baseShape({ ready: 2, failed: 1 }));
    await walk.open(`/knowledge/${knowledgeBase.id}`);
    await page.locator(".e-facts").getByText("None").waitFor();
    await walk.button("Change settings").click();
    await walk.dialog().getByRole("combobox", { name: "Reranker" }).click();
    await page.getByRole("option", { name: "house/bge-reranker" }).click();
    await walk.button("Save settings", walk.dialog()).click();
    await page.locator(".e-facts").getByText("house/bge-reranker").waitFor();
    await walk.open(
      `/knowledge/${knowledgeBase.id}?tab=playground&question=Who%20sells%20us%20bamboo%3F&threshold=0`,
    );
    const first = panel().locator(".e-passage").first();
    await first.getByText("Reranker").waitFor();
    expect(await first.textContent()).toMatch(/Reranker\s*rank 1/);
    // Turned off again for one search, then in the settings.
    await panel().getByRole("combobox", { name: "Reranker" }).click();
    await page.getByRole("option", { name: "None" }).click();
    await page.waitForFunction(
      () => !document.querySelector(".e-passage")?.textContent?.includes("Reranker"),
    );
    expect(await first.textContent()).toContain("Hanako Trading");
    await walk.open(`/knowledge/${knowledgeBase.id}`);
    await walk.button("Change settings").click();
    await walk.dialog().getByRole("combobox", { name: "Reranker" }).click();
    await page.getByRole("option", { name: "None" }).click();
    await walk.button("Save settings", walk.dialog()).click();
    await page.locator(".e-facts").getByText("None").waitFor();
  },
);

const questionsQuery =
  '{ knowledgeBase(name: "garden") { questions { nodes { text documents { name } relevant { start } } } } }';
const evaluationShape = z.object({
  knowledgeBase: z.object({
    evaluations: z.object({
      nodes: z.tuple([
        z.object({
          results: z.array(
            z.object({
              settings: z.object({ ranker: z.string() }),
              recall: z.object({ mean: z.number() }),
              difference: z.object({ ndcg: z.object({ low: z.number(), high: z.number() }) }).nullable(),
            }),
          ),
        }),
      ]),
    }),
  }),
});

test.skipIf(!canWalk)(
  "P11 labelled questions come from the playground, by hand and from a file; ways of asking are measured side by side",
  async () => {
    const { page } = walk;
    const { knowledgeBase } = await walk.until(baseQuery, baseShape({ ready: 2, failed: 1 }));
    await walk.open(`/knowledge/${knowledgeBase.id}?tab=playground&question=Who%20sells%20us%20bamboo%3F`);
    await walk.button("This is the right passage", panel().locator(".e-passage").first()).click();
    await panel().getByRole("button", { name: "Answers the question" }).waitFor();

    await walk.open(`/knowledge/${knowledgeBase.id}?tab=measure`);
    await panel().getByRole("cell", { name: "Who sells us bamboo?", exact: true }).waitFor();
    await walk.button("Add a question").click();
    await walk.dialog().getByLabel("Question").fill("When are quinces pruned?");
    await walk.dialog().getByRole("combobox", { name: "Answered by" }).click();
    await page.getByRole("option", { name: "handbook.md" }).click();
    await page.keyboard.press("Escape");
    await walk.button("Save question", walk.dialog()).click();
    await panel().getByRole("cell", { name: "When are quinces pruned?", exact: true }).waitFor();

    await walk.button("Import questions").click();
    const csv =
      "question,document,grade\nHow much do nashi yield?,handbook.md,2\nWho?,lost.md,1\nWhere are canes from?,letter.docx,9\n";
    await walk
      .dialog()
      .locator("input[type=file]")
      .setInputFiles({ name: "questions.csv", mimeType: "text/csv", buffer: Buffer.from(csv) });
    await walk.button("Import questions", walk.dialog()).click();
    await walk.dialog().getByText('Line 3: there is no document "lost.md"').waitFor();
    await walk.dialog().getByText("Line 4: `grade` must be 1 to 4").waitFor();
    await page.keyboard.press("Escape");
    await panel().getByRole("cell", { name: "How much do nashi yield?", exact: true }).waitFor();
    expect(await walk.graphql(questionsQuery)).toEqual({
      knowledgeBase: {
        questions: {
          nodes: [
            { text: "Who sells us bamboo?", documents: [{ name: "letter.docx" }], relevant: [{ start: 0 }] },
            {
              text: "When are quinces pruned?",
              documents: [{ name: "handbook.md" }],
              relevant: [{ start: null }],
            },
            {
              text: "How much do nashi yield?",
              documents: [{ name: "handbook.md" }],
              relevant: [{ start: null }],
            },
          ],
        },
      },
    });

    await walk.button("Measure 3 questions").click();
    await panel().getByText("Means over 3 questions", { exact: false }).waitFor();
    const figures = panel().locator(".e-figures");
    expect(await figures.getByRole("row", { name: /^Recall@10/ }).textContent()).toContain("1.000");
    expect(await figures.locator("[data-difference]").count()).toBe(3);
    const measured = await walk.until(
      '{ knowledgeBase(name: "garden") { evaluations { nodes { results { settings { ranker } recall { mean } difference { ndcg { low high } } } } } } }',
      evaluationShape,
    );
    const [{ results }] = measured.knowledgeBase.evaluations.nodes;
    expect(results.map(({ settings }) => settings.ranker)).toEqual(["HYBRID", "WORDS"]);
    expect(results.map(({ difference }) => difference === null)).toEqual([true, false]);
    await panel().getByText("Who sells us bamboo?").last().click();
    await panel().locator(".e-found li[data-relevant=true]", { hasText: "letter.docx" }).first().waitFor();
    await walk.look("knowledge-measure", { dark: true, keys: true });
    await walk.within(narrow, () => walk.look("knowledge-measure-narrow"));

    await walk.button("Use these settings of way B").click();
    await page.locator(".e-facts").getByText("Words alone").waitFor();
    await walk.button("Forget How much do nashi yield?").click();
    await panel()
      .getByRole("cell", { name: "How much do nashi yield?", exact: true })
      .waitFor({ state: "detached" });
  },
);

test.skipIf(!canWalk)(
  "R80 a knowledge base is made with a third-party embedder, chosen by name",
  async () => {
    const { page } = walk;
    await walk.open("/knowledge");
    await walk.button("Create knowledge base").first().click();
    await walk.dialog().getByLabel("Name").fill("abroad");
    await walk.dialog().getByRole("combobox", { name: "Embedder" }).click();
    await page.getByRole("option", { name: "house/text-embedding-3-small" }).click();
    await walk.button("Create knowledge base", walk.dialog()).click();
    await walk.heading("abroad").waitFor();
    await page.locator(".e-facts").getByText("house/text-embedding-3-small, 4 numbers a vector").waitFor();
    await walk.button("Add documents").first().click();
    await walk
      .dialog()
      .locator("input[type=file]:not([aria-label='Folder of documents'])")
      .setInputFiles(files.slice(0, 1));
    await walk.button("Add documents", walk.dialog()).click();
    await page.getByRole("table").getByText("ready").waitFor();
    const embedded = provider.asked.filter(({ path }) => path === "/v1/embeddings");
    expect(JSON.stringify(embedded)).toContain("Quinces are pruned in March");
    expect(await walk.graphql('{ knowledgeBase(name: "abroad") { embedder { name dimensions } } }')).toEqual({
      knowledgeBase: { embedder: { name: "house/text-embedding-3-small", dimensions: 4 } },
    });
    await walk.graphql('mutation { deleteKnowledgeBase(id: "abroad", confirm: true) { __typename } }');
  },
);

test.skipIf(!canWalk)(
  "a failed document is retried and deleted, settings change in place, a knowledge base is deleted",
  async () => {
    const { page } = walk;
    const { knowledgeBase } = await walk.until(baseQuery, baseShape({ ready: 2, failed: 1 }));
    await walk.open(`/knowledge/${knowledgeBase.id}`);
    await walk.button("Retry picture.md").click();
    await walk.until(baseQuery, baseShape({ ready: 2, failed: 1 }));
    await page.getByRole("link", { name: "picture.md", exact: true }).click();
    await page.getByText("DOCUMENT_KIND_UNSUPPORTED").waitFor();
    await walk.button("Delete").click();
    await walk.button("Delete picture.md", walk.dialog()).click();
    await walk.heading("garden").waitFor();
    await walk.until(baseQuery, baseShape({ ready: 2, failed: 0 }));

    await walk.button("Change settings").click();
    await walk.dialog().getByLabel("Tokens of a chunk").fill("128");
    await walk.button("Save settings", walk.dialog()).click();
    await page.getByText("128 tokens, 32 repeated").waitFor();
    expect(
      (await walk.until(baseQuery, baseShape({ ready: 2, failed: 0 }))).knowledgeBase.chunking.maxTokens,
    ).toBe(128);

    // The navigation, the map and the palette know it.
    await walk.open("/");
    await page.getByRole("link", { name: "Knowledge bases" }).first().waitFor();
    await page.locator("[data-stage=knowledge] .e-count", { hasText: "1" }).waitFor();
    await page.setViewportSize(wide);
    await walk.open("/knowledge");
    await page.getByRole("table").getByRole("link", { name: "garden" }).waitFor();
    await walk.look("knowledge", { dark: true });
    await page.getByRole("table").getByRole("link", { name: "garden" }).click();
    await walk.button("Delete", page.locator(".e-columns")).click();
    await walk.button("Delete garden", walk.dialog()).click();
    await page.getByText("No knowledge base yet").waitFor();
    expect(await walk.graphql('{ knowledgeBase(name: "garden") { id } }')).toEqual({ knowledgeBase: null });
    expect(walk.faults).toEqual([]);
  },
);
