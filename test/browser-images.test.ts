// Images as a person makes them at the browser: no model yet, a provider, words, a ratio, a seed, a picture to start from, the gallery.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { canWalk, narrow, startWalk, type Walk } from "./browser-kit.ts";
import { IMAGE_KEY, picture, startImageWire } from "./image-wire.ts";
import { ADD } from "./provider-kit.ts";

setDefaultTimeout(300_000);

let walk: Walk;
const painter = startImageWire("openai");
const seeded = startImageWire("siliconflow");
const folder = mkdtempSync(join(tmpdir(), "espalier-images-"));
beforeAll(async () => {
  if (canWalk) walk = await startWalk();
});
afterAll(async () => {
  await walk?.close();
  await painter.close();
  await seeded.close();
  rmSync(folder, { recursive: true, force: true });
});

const shape = z.object({
  images: z.object({
    nodes: z.array(
      z.object({
        id: z.string(),
        prompt: z.string().nullable(),
        model: z.string().nullable(),
        ratio: z.string().nullable(),
        seed: z.number().nullable(),
        width: z.number(),
        height: z.number(),
        createdBy: z.string(),
        costUsd: z.number().nullable(),
        source: z.object({ id: z.string() }).nullable(),
      }),
    ),
  }),
});
const kept = async () =>
  shape.parse(
    await walk.graphql(
      "{ images { nodes { id prompt model ratio seed width height createdBy costUsd source { id } } } }",
    ),
  ).images.nodes;

const add = (name: string, kind: string, url: string, model: string, price: number) =>
  walk.act(ADD, {
    input: {
      name,
      kind,
      url,
      key: IMAGE_KEY,
      allowPrivate: true,
      models: [{ model, prices: { image: price } }],
    },
  });

test.skipIf(!canWalk)(
  "R75 images: words and pictures become images, with ratio, seed, progress, gallery, reuse and delete",
  async () => {
    const { page } = walk;
    const tiles = page.locator(".e-gallery > button");
    const form = page.getByRole("form", { name: "Make images" });
    await walk.setUp();
    await walk.open("/images");
    await page.getByText("No model makes images yet").waitFor();
    await walk.look("images-empty", { picture: false });

    // Abilities are guessed by the models' names.
    await add("acme", "openai", painter.url, "gpt-image-1", 0.04);
    await add("flow", "siliconflow", seeded.url, "Kwai-Kolors/Kolors", 0.01);
    await page.keyboard.press("g");
    await page.keyboard.press("m");
    await walk.heading("Process map").waitFor();
    await page.keyboard.press("g");
    await page.keyboard.press("i");
    await page.getByText("No images yet.").waitFor();
    await form
      .getByRole("combobox", { name: "Model" })
      .or(form.getByLabel("Model", { exact: true }))
      .first()
      .click();
    await page.getByRole("option", { name: "acme/gpt-image-1" }).click();
    // OpenAI has no seed: the field says so, and cannot be filled.
    expect(await form.getByLabel("Seed").isDisabled()).toBe(true);
    await form.getByText("acme/gpt-image-1 has no seed: it cannot make the same image twice.").waitFor();
    expect(
      await form
        .locator("input[type=radio][name=ratio]")
        .evaluateAll((all) => all.map((one) => one.getAttribute("aria-label"))),
    ).toEqual(["automatic", "1:1", "3:2", "2:3"]);
    expect(await walk.button("Make the image", form).isDisabled()).toBe(true);
    await form.getByLabel("What the image shows").fill("A red fox in the first snow");
    await form.getByRole("radio", { name: "3:2" }).check();
    await form.getByText("2", { exact: true }).click();
    await form.getByText("About $0.08.").waitFor();

    // The page shows how far it is while the provider takes its time, and what is made as it comes.
    painter.manner = "slow";
    await form.getByLabel("What the image shows").press("Control+Enter");
    await page.getByText("0 of 2 images · acme/gpt-image-1").waitFor();
    await page.getByRole("progressbar").waitFor();
    while (painter.asked.length < 2) await Bun.sleep(20);
    painter.releaseOne();
    await page.getByText("1 of 2 images · acme/gpt-image-1").waitFor();
    await tiles.first().waitFor();
    expect(await tiles.count()).toBe(1);
    painter.release();
    await page.waitForFunction(() => document.querySelectorAll(".e-gallery > button").length === 2);
    await page.getByText("Image: A red fox in the first snow is done").waitFor();
    painter.manner = "well";
    const [second, first] = await kept();
    for (const image of [first, second])
      expect(image).toMatchObject({
        prompt: "A red fox in the first snow",
        model: "acme/gpt-image-1",
        ratio: "3:2",
        seed: null,
        width: 1536,
        height: 1024,
        createdBy: "ada",
        costUsd: 0.04,
      });
    // The picture is really shown, not only its frame.
    expect(
      await tiles
        .first()
        .locator("img")
        .evaluate(async (img: HTMLImageElement) => {
          await img.decode();
          return [img.naturalWidth, img.naturalHeight];
        }),
    ).toEqual([1536, 1024]);

    // Another model keeps what it can of the form; its seed is chosen.
    await form.getByLabel("Model", { exact: true }).first().click();
    await page.getByRole("option", { name: "flow/Kwai-Kolors/Kolors" }).click();
    expect(await form.getByRole("radio", { name: "automatic" }).isChecked()).toBe(true);
    await form.getByLabel("Seed").fill("41");
    await form.getByRole("radio", { name: "9:16" }).check();
    const file = join(folder, "garden.png");
    writeFileSync(file, picture(64, 48, 5));
    await form.locator("input[type=file]").setInputFiles(file);
    await form.getByText("garden.png").waitFor();
    await walk.look("images", { dark: true, keys: true });
    await walk.within(narrow, () => walk.look("images-narrow", { picture: false }));
    await walk.button("Make 2 images", form).click();
    await page.waitForFunction(() => document.querySelectorAll(".e-gallery > button").length === 5);
    const uploaded = (await kept()).find(({ model }) => model === null);
    const made = (await kept()).filter(({ model }) => model === "flow/Kwai-Kolors/Kolors");
    expect(made.map(({ seed }) => seed).sort()).toEqual([41, 42]);
    for (const image of made) expect(image).toMatchObject({ ratio: "9:16", source: { id: uploaded?.id } });
    expect(JSON.stringify(seeded.asked[0]?.body)).toContain('"image":"data:image/png;base64,');

    // Large, with its facts; by keyboard to the next one; used again with everything.
    const wanted = made.find(({ seed }) => seed === 42);
    await page.locator(`.e-gallery > button[data-id="${wanted?.id}"]`).focus();
    await page.keyboard.press("Enter");
    const large = walk.dialog();
    await large.getByText("flow/Kwai-Kolors/Kolors").waitFor();
    await large.getByText("720 × 1280 pixels").waitFor();
    await walk.look("images-large", { dark: true, keys: true });
    await walk.within(narrow, () => walk.look("images-large-narrow", { picture: false }));
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      large.getByRole("link", { name: "Download" }).click(),
    ]);
    expect(download.suggestedFilename()).toBe(`${wanted?.id}.png`);
    await form.getByLabel("What the image shows").fill("something else", { force: true });
    await walk.button("Use again", large).click();
    await large.waitFor({ state: "hidden" });
    expect(await form.getByLabel("What the image shows").inputValue()).toBe("A red fox in the first snow");
    expect(await form.getByLabel("Seed").inputValue()).toBe("42");
    expect(await form.getByRole("radio", { name: "9:16" }).isChecked()).toBe(true);
    await form.getByText("garden.png").waitFor();
    const before = seeded.asked.length;
    await walk.button("Make the image", form).click();
    await page.waitForFunction(() => document.querySelectorAll(".e-gallery > button").length === 6);
    // The same request, to the byte: seed, words, ratio, picture.
    const again = JSON.stringify(seeded.asked[before]?.body);
    expect(seeded.asked.slice(0, before).map(({ body }) => JSON.stringify(body))).toContain(again);

    // An image as the source of the next.
    await tiles.nth(5).focus();
    await page.keyboard.press("ArrowLeft");
    await page.keyboard.press("Enter");
    await walk.button("Use as source", large).click();
    await form.getByAltText("The picture to start from").waitFor();

    // A refusal says so in the provider's words, stays until it is forgotten, and can be run again.
    seeded.manner = "filtered";
    await walk.button("Make the image", form).click();
    await page.getByText("flow refused by its content filter: Your request was rejected").first().waitFor();
    await walk.look("images-failed", { picture: false });
    seeded.manner = "well";
    await walk.button("Run it again").click();
    await page.waitForFunction(() => document.querySelectorAll(".e-gallery > button").length === 7);

    // Search, then delete with the way back.
    await page.getByLabel("Search the images").fill("garden");
    await page.getByText("one image").waitFor();
    await tiles.first().click();
    await walk.button("Delete", large).click();
    await page.getByText("The image is deleted").waitFor();
    await page.getByText("No image has these words.").waitFor();
    expect((await kept()).length).toBe(6);
    await walk.button("Undo").click();
    await page.getByText("one image").waitFor();
    expect((await kept()).length).toBe(7);
    expect(walk.faults).toEqual([]);
  },
);
