// Rows seen in training, in the browser before a server run from source: the warning beside the verdict, how many rows,
// the scores without them, and the rows beside what was found.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { AxeBuilder } from "@axe-core/playwright";
import { type Browser, chromium, type Page } from "playwright-core";
import { ERRORS, trainTuned, withRun } from "./overlaps-kit.ts";
import { createProviderKit } from "./provider-kit.ts";
import { startWorld, type World } from "./world.ts";

setDefaultTimeout(240_000);
const executablePath = process.env.ESPALIER_CHROMIUM ?? "/usr/bin/chromium";
/** The UI as it was built: by bin/build, or by `vite build` in web/. */
const canLook = existsSync(executablePath) && existsSync(join(import.meta.dir, "../web/dist/index.html"));
/** Where pictures of the pages go, for whoever wants to look at them. */
const gallery = process.env.ESPALIER_GALLERY;
let world: World;
let browser: Browser;
let page: Page;
const kit = createProviderKit(() => world);

beforeAll(async () => {
  if (!canLook) return;
  world = await startWorld([["trainer"]]);
  await trainTuned(world);
  const { name } = await kit.provide("openai");
  const started = await world.act(
    `mutation ($input: StartAssessmentInput!) { startAssessment(input: $input) { __typename ... on AssessmentSuccess { run { id } } ${ERRORS} } }`,
    {
      input: {
        ...{ name: "seen", dataset: "rows", split: "test", graders: ["exact"], maxTokens: 1 },
        candidates: [{ model: "tuned" }, { model: `${name}/some-model` }],
      },
    },
  );
  await world.succeeded(withRun.parse(started).run.id);
  browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
  const context = await browser.newContext({
    viewport: { width: 1440, height: 900 },
    reducedMotion: "reduce",
  });
  page = await context.newPage();
  await page.goto(world.server.setupUrl ?? "");
  await page.getByLabel("Name").fill("ada");
  await page.getByLabel("Password", { exact: true }).fill("a long walk");
  await page.getByRole("button", { name: "Create account" }).click();
  await page.getByRole("heading", { level: 1, name: "Process map" }).waitFor();
});
afterAll(async () => {
  await browser?.close();
  await world?.close();
  await kit.close();
});

async function look(name: string): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).include("#seen-in-training").analyze();
  expect(violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)])).toEqual([]);
  if (!gallery) return;
  for (const width of [1440, 390])
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize({ width, height: 900 });
      await page.screenshot({ path: join(gallery, `${name}-${width}-${colorScheme}.png`), fullPage: true });
    }
  await page.emulateMedia({ colorScheme: "light" });
  await page.setViewportSize({ width: 1440, height: 900 });
}

test.skipIf(!canLook)(
  "N7 rows seen in training are warned of, counted, left out of the scores and shown",
  async () => {
    await page.goto(`${world.server.url}/assessments`);
    await page.getByRole("link", { name: "seen" }).click();
    await page.getByText("tuned was trained on 2 of the 5 rows, or nearly.").waitFor();
    await page.getByRole("link", { name: "See the rows, and the scores without them" }).click();
    const section = page.locator("#seen-in-training");
    await section.getByRole("row", { name: /^tuned rows@1 4 rows, by .* 1 1 1 1 –$/ }).waitFor();
    await section.getByText("What it was trained on is not known.").waitFor();
    await section.getByRole("row", { name: /^All rows 0 .*0\.80/ }).waitFor();
    await section.getByRole("row", { name: /^Without those alike in meaning, too 3 .*0\.50/ }).waitFor();
    await section.getByText("Where can I download the invoices of the last year?", { exact: true }).waitFor();
    await section.getByText("another answer: does not count").waitFor();
    await section.getByText("How rows are compared").click();
    await section.getByText(/^Exact: the same words/).waitFor();
    await look("overlaps");

    await section.getByRole("button", { name: "Check again" }).click();
    await section.getByRole("button", { name: "Check again" }).waitFor();
    await section.getByRole("link", { name: "rows@1" }).first().click();
    await page.getByRole("heading", { level: 1, name: "rows" }).waitFor();
  },
);
