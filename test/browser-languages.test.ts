// The three languages, in Chromium through the executable: chosen at the door and in Settings, kept, nothing left in English.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import type { Page } from "playwright-core";
import { z } from "zod";
import de from "../web/locales/de.json";
import en from "../web/locales/en.json";
import serverDe from "../web/locales/server.de.json";
import serverZh from "../web/locales/server.zh.json";
import zh from "../web/locales/zh.json";
import { ada, canWalk, narrow, startWalk, type Walk } from "./browser-kit.ts";

setDefaultTimeout(900_000);

let walk: Walk;
beforeAll(async () => {
  if (canWalk) walk = await startWalk();
});
afterAll(() => walk?.close());

/** By English text: the page's own words and what the server says. */
const words: Record<string, Record<string, string>> = {
  en,
  de: { ...serverDe, ...de },
  zh: { ...serverZh, ...zh },
};

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
  return shown.filter((text) => (words[language]?.[text] ?? text) !== text);
}

/** Nothing waits any more. */
const whole = (page: Page) => page.waitForFunction(() => document.querySelector("[aria-busy=true]") === null);
const spoken = (page: Page, tag: string) => page.locator(`html[lang=${tag}]`).waitFor();
const kept = (language: string | null) => z.object({ viewer: z.object({ language: z.literal(language) }) });
const mapSentence = z.object({ processMap: z.object({ next: z.object({ sentence: z.string() }) }) });

test.skipIf(!canWalk)(
  "R9 languages: English, German and Chinese, switched at once and remembered",
  async () => {
    const { page } = walk;
    await walk.setUp();
    await walk.samples();
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
      }
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
    await other.getByLabel(de["Password"], { exact: true }).fill(ada.password);
    await other.getByRole("button", { name: de["Sign in"] }).click();
    await spoken(other, "zh-Hans");
    await other.getByRole("heading", { level: 1, name: zh["Process map"] }).waitFor();
    await other.close();
    expect(walk.faults).toEqual([]);
  },
);
