// The three languages, in Chromium through the executable: chosen at the door and in Settings, kept, nothing left in English.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import type { Page } from "playwright-core";
import { z } from "zod";
import de from "../web/locales/de.json";
import en from "../web/locales/en.json";
import { filled } from "../web/locales/match.ts";
import serverDe from "../web/locales/server.de.json";
import serverZh from "../web/locales/server.zh.json";
import zh from "../web/locales/zh.json";
import { opensByKey, walkByKeys, walkTabs } from "./browser-keys.ts";
import { ada, canWalk, narrow, startWalk, type Walk, wide } from "./browser-kit.ts";

setDefaultTimeout(900_000);

let walk: Walk;
let made: Awaited<ReturnType<typeof makeThings>>;
beforeAll(async () => {
  if (!canWalk) return;
  walk = await startWalk();
  await walk.setUp();
  made = await makeThings();
});
afterAll(() => walk?.close());

/** By English text: the page's own words and what the server says. */
const words: Record<string, Record<string, string>> = {
  en,
  de: { ...serverDe, ...de },
  zh: { ...serverZh, ...zh },
};

/** Names of a scope, a column, a split and a grader, which happen to be words as well. */
const names = new Set(["admin", "messages", "train", "exact"]);

/** Texts and labels of the page that are English keys with another translation. */
async function leftInEnglish(page: Page, language: "de" | "zh", least = 40): Promise<string[]> {
  const shown = await page.evaluate(() => {
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const texts: string[] = [];
    for (let node = walker.nextNode(); node; node = walker.nextNode()) texts.push(node.textContent ?? "");
    for (const name of ["aria-label", "placeholder", "title"])
      for (const element of document.querySelectorAll(`[${name}]`))
        texts.push(element.getAttribute(name) ?? "");
    return texts.map((text) => text.trim());
  });
  expect(shown.length).toBeGreaterThan(least);
  return shown.filter((text) => (words[language]?.[text] ?? text) !== text && !names.has(text));
}

/** Nothing waits any more. */
const whole = (page: Page) => page.waitForFunction(() => document.querySelector("[aria-busy=true]") === null);
const spoken = (page: Page, tag: string) => page.locator(`html[lang=${tag}]`).waitFor();
/** What the server's sentence becomes with these values. */
const sentence = (language: string, key: string, values: Record<string, string> = {}): string => {
  const text = words[language]?.[key];
  if (text === undefined) throw new Error(`no sentence ${key}`);
  return filled(text, values);
};

const listPages = [
  ..."base-models datasets trainings customized complete live registered third-party knowledge".split(" "),
  ..."chat rated images dashboard runs trash assessments assess trainers people projects account settings nowhere".split(
    " ",
  ),
  ..."gates suites assess/factorial third-party?add=1 base-models?import=1 datasets?import=1 knowledge?import=1".split(
    " ",
  ),
].map((path) => `/${path}`);

/** A list, a form, a table, cards of figures: what differs on a telephone. */
const narrowByKeys = new Set(["/datasets", "/chat", "/images", "/dashboard", "/settings", "/people"]);

/** A page of each kind of thing that can be had without a trainer, and the dataset among them. */
async function makeThings() {
  const { baseModels, datasets } = await walk.samples();
  const [base] = baseModels.nodes;
  const [dataset] = datasets.nodes;
  const act = async <T>(shape: z.ZodType<T>, mutation: string): Promise<T> =>
    shape.parse(Object.values(await walk.asPerson(`mutation { ${mutation} }`))[0]);
  const id = z.object({ id: z.string() });
  const { knowledgeBase } = await act(
    z.object({ knowledgeBase: id }),
    'createKnowledgeBase(input: { name: "handbook" }) { ... on KnowledgeBaseSuccess { knowledgeBase { id } } }',
  );
  const { provider } = await act(
    z.object({ provider: id }),
    'addProvider(input: { name: "house", kind: "openai-compatible", url: "http://127.0.0.1:9", models: [{ model: "m" }], allowPrivate: true }) { ... on ProviderSuccess { provider { id } } }',
  );
  const { conversation } = await act(
    z.object({ conversation: id }),
    `sendMessage(input: { model: "${base.name}", text: "Where to eat?", maxTokens: 8 }) { ... on SendMessageSuccess { conversation { id } } }`,
  );
  const assessed = await assessSample(base.name, dataset.name);
  const { runs } = z
    .object({ runs: z.object({ nodes: z.tuple([id]).rest(z.unknown()) }) })
    .parse(await walk.graphql("{ runs { nodes { id } } }"));
  const pages = [
    `/base-models/${base.id}`,
    `/datasets/${dataset.id}`,
    `/knowledge/${knowledgeBase.id}`,
    `/third-party/${provider.id}`,
    `/chat/${conversation.id}`,
    `/runs/${runs.nodes[0].id}`,
    ...assessed,
  ];
  return { dataset, pages };

  /** Pages of an assessment by rule, judge and people, of a suite of it, and the gate that it makes. */
  async function assessSample(model: string, rows: string): Promise<string[]> {
    const { assessment, run } = await act(
      z.object({ assessment: id, run: id }),
      `startAssessment(input: { name: "which is better", dataset: "${rows}", question: "{{prompt}}", reference: "completion",
        sample: { kind: "first", size: 4 }, graders: ["exact", "people"], judges: [{ model: "${model}" }], maxTokens: 16,
        candidates: [{ model: "${model}" }, { model: "${model}", systemPrompt: "Answer in one word." }] })
        { ... on AssessmentSuccess { assessment { id } run { id } } ... on UserError { message } }`,
    );
    await walk.until(
      "query ($id: ID!) { node(id: $id) { ... on Run { status } } }",
      z.object({ node: z.object({ status: z.literal("SUCCEEDED") }) }),
      { id: run.id },
    );
    const { suite } = await act(
      z.object({ suite: id }),
      'createSuite(name: "nightly", assessments: ["which is better"]) { ... on SuiteSuccess { suite { id } } ... on UserError { message } }',
    );
    await act(
      z.object({ gate: id }),
      'createGate(name: "sorted", rule: { assessment: "which is better", grader: "exact", atLeast: 0.8 }) { ... on CreateGateSuccess { gate { id } } ... on UserError { message } }',
    );
    return [`/assessments/${assessment.id}`, `/assessments/${assessment.id}/rate`, `/suites/${suite.id}`];
  }
}

/** What opens something on a page, by its English name; a menu is only a menu. */
const openers: Record<string, readonly [name: string, role?: "menu"][]> = {
  "/": [["Go to"], ["Keyboard shortcuts"], ["Notifications"], [ada.name, "menu"], ["Add a trainer"]],
  "/base-models": [["Import model"]],
  "/datasets": [["Import dataset"]],
  "/knowledge": [["Create knowledge base"]],
  "/third-party": [["Add a provider"]],
  "/chat": [["Parameters"], ["Prompt library"]],
  "/people": [["Invite somebody"], ["What can be done about {{name}}", "menu"]],
  "/projects": [["Make a project"], ["Archive {{name}}"]],
  "/settings": [["Create key"]],
};

/** The page by keyboard alone, and what can be opened on it. */
async function byKeys(path: string): Promise<void> {
  const { page } = walk;
  await walkByKeys(walk, path);
  await walkTabs(walk, path);
  for (const [name, role = "dialog"] of openers[path] ?? []) {
    const said = RegExp.escape(words["de"]?.[name] ?? name).replaceAll(/\\\{\\\{.*?\\\}\\\}/g, ".*");
    await opensByKey(walk, page.getByRole("button", { name: new RegExp(said) }).first(), role);
  }
}

/** Every page of the menu and one of each kind that there is; without English, and no wider than a telephone. */
async function everyPage(language: "de" | "zh", paths: readonly string[]): Promise<void> {
  const { page } = walk;
  for (const path of paths) {
    await walk.open(path);
    await page.locator("h1, [role=dialog], .e-chat").first().waitFor();
    await whole(page);
    const left = await leftInEnglish(page, language);
    await page.setViewportSize(narrow);
    const tooWide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    await page.setViewportSize(wide);
    expect({ language, path, left, tooWide }).toEqual({ language, path, left: [], tooWide: 0 });
    await walk.show(`${language}${path.replaceAll(/\W+/g, "-")}`);
    // What the keyboard reaches is the same in every language.
    if (language !== "de") continue;
    await byKeys(path);
    if (narrowByKeys.has(path)) await walk.within(narrow, () => walkByKeys(walk, `${path}, narrow`));
  }
}

/** A name and a file that are refused, the file by a run; what the server says of them is in the page's language. */
async function twoErrors(language: "de" | "zh", dataset: { id: string; name: string }): Promise<void> {
  const { page } = walk;
  const { ["Rename {{name}}"]: rename = "", ["New name of {{name}}"]: fresh = "" } = words[language] ?? {};
  await walk.open(`/datasets/${dataset.id}`);
  await walk.button(filled(rename, dataset)).click();
  const field = page.getByLabel(filled(fresh, dataset));
  await field.fill("a/b");
  await field.press("Enter");
  await page.getByText(sentence(language, '"{{shown}}" cannot be a name.', { shown: "a/b" })).waitFor();
  await field.press("Escape");

  const name = `picture-${language}`;
  await walk.open("/datasets?import=1");
  await walk
    .dialog()
    .locator("input[type=file]")
    .setInputFiles({
      name: `${name}.jsonl`,
      mimeType: "text/plain",
      buffer: Buffer.from([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10]),
    });
  await walk.dialog().getByText(`${name}.jsonl`).first().waitFor();
  await walk.button(words[language]?.["Import dataset"] ?? "", walk.dialog()).click();
  const found = sentence(language, "a PNG image");
  const key = "{{name}} is {{found}}, not a dataset of rows.";
  await page
    .locator("[role=alert]")
    .getByText(sentence(language, key, { name: `${name}.jsonl`, found }))
    .first()
    .waitFor();
  await page
    .getByText(sentence(language, "Give a JSONL, JSON (array of objects), CSV or TSV file in UTF-8."))
    .first()
    .waitFor();
}

const kept = (language: string | null) => z.object({ viewer: z.object({ language: z.literal(language) }) });
const mapSentence = z.object({ processMap: z.object({ next: z.object({ sentence: z.string() }) }) });

test.skipIf(!canWalk)(
  "R9 languages: English, German and Chinese, switched at once and remembered",
  async () => {
    const { page } = walk;
    const { dataset, pages } = made;
    kept(null).parse(await walk.asPerson("{ viewer { language } }"));
    const { processMap } = mapSentence.parse(await walk.asPerson("{ processMap { next { sentence } } }"));

    let current: Record<string, string> = en;
    for (const [language, tag, name] of [
      ["de", "de", "DE"],
      ["zh", "zh-Hans", "ZH"],
    ] as const) {
      const translated = words[language] ?? {};
      await walk.open("/settings");
      await page.getByLabel(current["Language"] ?? "", { exact: true }).selectOption(name);
      await spoken(page, tag);
      await walk.heading(translated["Settings"] ?? "").waitFor();
      await walk.until("{ viewer { language } }", kept(name), {}, walk.asPerson);
      for (const [path, title] of [
        ["/", "Process map"],
        ["/train", "Start training"],
      ] as const) {
        await walk.open(path);
        await walk.heading(translated[title] ?? "").waitFor();
        await whole(page);
        expect({ language, path, left: await leftInEnglish(page, language) }).toEqual({
          language,
          path,
          left: [],
        });
        await walk.look(`${path === "/" ? "map" : "train"}-${language}`, { picture: false });
        if (path === "/") {
          expect(await page.getByText(processMap.next.sentence).count()).toBe(0);
          await page.getByText(translated[processMap.next.sentence] ?? "no translation").waitFor();
        }
        await walk.within(narrow, () => walk.look(`${path} ${language} narrow`, { picture: false }));
        if (language === "de") await byKeys(path);
      }
      await everyPage(language, [...listPages, ...pages]);
      await twoErrors(language, dataset);
      current = translated;
    }

    // Without the session the browser still knows; with it the server does, on another device too.
    await walk.open("/settings");
    await walk.button(zh["Sign out"]).click();
    await walk.heading(zh["Sign in"]).waitFor();
    const other = await walk.elsewhere();
    await other.goto(new URL("/sign-in", walk.url()).href);
    await other.getByLabel("Language").selectOption("DE");
    await other.getByRole("heading", { level: 1, name: de["Sign in"] }).waitFor();
    expect(await leftInEnglish(other, "de", 8)).toEqual([]);
    await other.getByLabel(de["Name"]).fill(ada.name);
    await other.getByLabel(de["Password"], { exact: true }).fill("another one");
    await other.getByRole("button", { name: de["Sign in"] }).click();
    await other.getByText(sentence("de", "name or password is wrong")).waitFor();
    expect(await leftInEnglish(other, "de", 8)).toEqual([]);
    await other.getByLabel(de["Password"], { exact: true }).fill(ada.password);
    await other.getByRole("button", { name: de["Sign in"] }).click();
    await spoken(other, "zh-Hans");
    await other.getByRole("heading", { level: 1, name: zh["Process map"] }).waitFor();
    await other.close();
    expect(walk.faults).toEqual([]);
  },
);
