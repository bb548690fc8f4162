// Pictures in an assessment's rows in the browser through the executable: in the look before, the rows, one row and the
// queue of who rates them; enlarged and closed again by keys, and a word where a picture is gone.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import type { Locator } from "playwright-core";
import { z } from "zod";
import { noPictures, sunnyPng } from "../src/kit/picture.test-kit.ts";
import { START, started } from "./assessment-kit.ts";
import { canWalk, narrow, startWalk, type Walk } from "./browser-kit.ts";
import { ADD } from "./provider-kit.ts";
import { KEY, startWire, WIRES, type WireServer } from "./provider-wire.ts";

setDefaultTimeout(300_000);
let walk: Walk;
let wire: WireServer;
let id: string;
const dataUrl = (bytes: Uint8Array): string =>
  `data:image/png;base64,${Buffer.from(bytes).toString("base64")}`;
const INPUT = {
  dataset: "photos",
  question: "{{photo}} {{other}} {{question}}",
  reference: "answer",
  graders: ["contains", "people"],
  candidates: [{ model: "acme/sees" }, { model: "acme/sees", systemPrompt: "Be short." }],
};

beforeAll(async () => {
  if (!canWalk) return;
  wire = startWire(WIRES.openai, "well", () => "A sun over a hill.");
  walk = await startWalk();
  await walk.setUp();
  await walk.samples();
  const models = [{ model: "sees", abilities: ["TEXT", "VISION"] }];
  const input = { name: "acme", kind: "openai", url: wire.url, key: KEY, allowPrivate: true, models };
  await walk.act(ADD, { input });
  // Wide, high and tiny: none of them may move what stands around it.
  const sizes: [number, number][] = [
    [1200, 800],
    [300, 900],
    [16, 16],
  ];
  await walk.importRows(
    "photos",
    sizes.map(([width, height], at) => ({
      photo: dataUrl(sunnyPng(width, height)),
      other: at === 2 ? dataUrl(noPictures.html) : at === 1 ? dataUrl(sunnyPng(2400, 300)) : "",
      question: "What is in the picture?",
      answer: "sun",
    })),
  );
  started.parse(await walk.act(START, { input: { ...INPUT, name: "what is seen" } }));
  const ended = z.object({
    assessment: z.object({ id: z.string(), run: z.object({ status: z.literal("SUCCEEDED") }) }),
  });
  id = (await walk.until('{ assessment(name: "what is seen") { id run { status } } }', ended)).assessment.id;
});
afterAll(async () => {
  await walk?.close();
  await wire?.close();
});

/** Waits until it is there whole; its width in its own pixels. */
async function widthOf(picture: Locator): Promise<number> {
  await picture.waitFor();
  for (;;) {
    const width = await picture.evaluate((own) => own instanceof HTMLImageElement && own.naturalWidth);
    if (width) return width;
    await Bun.sleep(20);
  }
}
const pictureOf = (column: string, row: number, within: Locator | Walk["page"] = walk.page): Locator =>
  within.getByRole("img", { name: `Picture ${column} of row ${row}`, exact: true });

test.skipIf(!canWalk)("a look before shows the pictures, and one that cannot be shown says so", async () => {
  const { page } = walk;
  await walk.open(`/assess?copy=${id}`);
  expect(await widthOf(pictureOf("photo", 0))).toBe(1200);
  expect(await widthOf(pictureOf("other", 1))).toBe(2400);
  await page.getByText("The picture cannot be shown.").waitFor();
  await walk.look("assess-pictures", { picture: false });
  await walk.within(narrow, () => walk.look("assess-pictures-narrow", { picture: false }));
});

test.skipIf(!canWalk)(
  "rows show small ones, one row all of them; Escape closes an enlarged one alone",
  async () => {
    const { page } = walk;
    await walk.open(`/assessments/${id}?show=ALL`);
    const rows = page.getByRole("region", { name: "Answers, row by row" });
    expect(await widthOf(pictureOf("photo", 0, rows))).toBe(1200);
    await walk.look("assessment-pictures", { picture: false });
    await walk.within(narrow, () => walk.look("assessment-pictures-narrow", { picture: false }));

    await page.getByRole("button", { name: "Open row 1", exact: true }).click();
    const drawer = page.getByRole("dialog", { name: "Row 1", exact: true });
    expect(await widthOf(pictureOf("photo", 1, drawer))).toBe(300);
    expect(await widthOf(pictureOf("other", 1, drawer))).toBe(2400);
    // The row as text has no megabytes.
    await drawer.getByText("data:image/png;base64,", { exact: false }).first().waitFor();
    expect((await drawer.innerText()).length).toBeLessThan(5_000);
    await walk.look("row-pictures", { picture: false });
    await walk.within(narrow, () => walk.look("row-pictures-narrow", { picture: false }));

    await walk.button("Enlarge photo", drawer).click();
    const enlarged = page.getByRole("dialog", { name: "Picture photo of row 1", exact: true });
    expect(await widthOf(pictureOf("photo", 1, enlarged))).toBe(300);
    await walk.look("row-picture-large", { picture: false });
    // Keys that lead to another row are not meant while it is open.
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("Escape");
    await enlarged.waitFor({ state: "hidden" });
    expect(await drawer.isVisible()).toBe(true);
    await page.keyboard.press("ArrowRight");
    await page.getByRole("dialog", { name: "Row 2", exact: true }).waitFor();
    await page.keyboard.press("Escape");
    await walk.dialog().waitFor({ state: "hidden" });
  },
);

test.skipIf(!canWalk)("who rates sees the picture, and keys rate only while none is enlarged", async () => {
  const { page } = walk;
  await walk.open(`/assessments/${id}/rate`);
  await page.getByText("0 of 2 rated").first().waitFor();
  const shown = page.getByRole("img", { name: /^Picture photo of row / });
  const first = await shown.getAttribute("alt");
  expect(await widthOf(shown)).toBeGreaterThan(0);
  await walk.look("rate-pictures", { picture: false, keys: true });
  await walk.within(narrow, () => walk.look("rate-pictures-narrow", { picture: false }));
  await walk.button("Enlarge photo").click();
  const enlarged = page.getByRole("dialog", { name: first ?? "", exact: true });
  await enlarged.waitFor();
  await page.keyboard.press("1");
  await page.keyboard.press("Escape");
  await enlarged.waitFor({ state: "hidden" });
  await page.getByText("0 of 2 rated").first().waitFor();
  await page.keyboard.press("1");
  await page.getByText("1 of 2 rated").first().waitFor();
  expect(await widthOf(shown)).toBeGreaterThan(0);
  expect(await shown.getAttribute("alt")).not.toBe(first);
});

test.skipIf(!canWalk)("pictures of a deleted dataset are said to be gone", async () => {
  const { page } = walk;
  const { dataset } = z
    .object({ dataset: z.object({ id: z.string() }) })
    .parse(await walk.graphql('{ dataset(name: "photos") { id } }'));
  await walk.act("mutation ($id: ID!) { delete(id: $id, confirm: true) { __typename } }", dataset);
  await walk.open(`/assessments/${id}?show=ALL&row=0`);
  await walk.dialog().getByText("The picture is gone with its dataset.").waitFor();
  await walk.look("row-pictures-gone", { picture: false });
  await walk.open(`/assessments/${id}/rate`);
  await page.getByText("The picture is gone with its dataset.").first().waitFor();
});

test.skipIf(!canWalk)("no page broke, or asked another host", () => {
  expect(walk.faults).toEqual([]);
});
