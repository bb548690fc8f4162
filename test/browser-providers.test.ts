// Third-party models as a person connects them at the browser: empty page, form, consent, a try, a chat with costs, removal.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { z } from "zod";
import { sunnyPng } from "../src/kit/picture.test-kit.ts";
import { chatOf } from "./browser-chat-kit.ts";
import { canWalk, narrow, startWalk, type Walk } from "./browser-kit.ts";
import { KEY, startWire, WIRES, WORDS } from "./provider-wire.ts";

setDefaultTimeout(300_000);

let walk: Walk;
const wire = startWire(WIRES.openai);
beforeAll(async () => {
  if (canWalk) walk = await startWalk();
});
afterAll(async () => {
  await walk?.close();
  await wire.close();
});

const place = new URL(wire.url).host;
const shape = z.object({
  providers: z.object({
    nodes: z.array(
      z.object({ name: z.string(), hasKey: z.boolean(), models: z.array(z.object({ name: z.string() })) }),
    ),
  }),
});
const kept = async () =>
  shape.parse(await walk.graphql("{ providers { nodes { name hasKey models { name } } } }")).providers.nodes;

test.skipIf(!canWalk)(
  "a provider at a private address is added once it is confirmed, and answers a try",
  async () => {
    const { page } = walk;
    await walk.setUp();
    await walk.open("/third-party");
    await walk.heading("Third-party models").waitFor();
    await page.getByText("No provider yet").waitFor();
    await walk.look("third-party-empty", { picture: false });
    await walk.button("Add a provider").first().click();
    const form = walk.dialog();
    expect(await form.getByLabel("Address").inputValue()).toBe("https://api.openai.com/v1");
    await form.getByRole("textbox", { name: "Name" }).fill("acme");
    await form.getByLabel("Address").fill(wire.url);
    await form.locator("input[type=password]").fill(KEY);
    await form.getByLabel("Model", { exact: true }).first().fill("gpt-4o-mini");
    await form.getByLabel("$ per million sent").fill("2");
    await form.getByLabel("$ per million received").fill("10");
    await walk.look("third-party-form", { dark: true });
    await walk.button("Add the provider", form).click();
    await form.getByText(`${place} is this machine or its private network.`).waitFor();
    expect(await kept()).toEqual([]);
    await walk.look("third-party-confirm", { picture: false });
    await walk.button(`Allow ${place}`, form).click();
    await walk.heading("acme").waitFor();
    expect(await kept()).toEqual([{ name: "acme", hasKey: true, models: [{ name: "acme/gpt-4o-mini" }] }]);

    await walk.button("Try acme").click();
    await page.getByText(WORDS.join("")).waitFor();
    wire.manner = "busy-long";
    await walk.button("Try acme").click();
    await page.getByText("acme answered 429: Rate limit reached for requests.").waitFor();
    wire.manner = "well";
    expect(await page.content()).not.toContain(KEY);
  },
);

test.skipIf(!canWalk)("its model is chatted with, and its page says what that cost", async () => {
  const { page } = walk;
  await page.getByRole("link", { name: "Chat with it" }).click();
  const [reply] = await walk.say("Hello", 1);
  expect(reply).toContain(WORDS.join(""));
  // The map and the navigation count it; the stage leads to the providers.
  await walk.open("/");
  const stage = page.locator("[data-stage=thirdParty]");
  await stage.locator(".e-count", { hasText: /^1$/ }).waitFor();
  await stage.getByText("acme/gpt-4o-mini", { exact: true }).waitFor();
  await page.getByRole("link", { name: "Third-party 1", exact: true }).waitFor();
  await stage.getByRole("link", { name: "Open", exact: true }).click();
  await walk.heading("Third-party models").waitFor();
  await page.getByRole("link", { name: "acme" }).click();
  await walk.heading("acme").waitFor();
  await page.getByText("2 calls, 36 tokens, $0.00018").waitFor();
  await walk.look("third-party", { dark: true });
  await walk.within(narrow, () => walk.look("third-party-narrow"));
  await walk.within({ width: 2560, height: 1200 }, () => walk.look("third-party-wide", { picture: false }));
});

test.skipIf(!canWalk)(
  "pictures are chosen, pasted and dropped, shown to a model that sees, kept, and edited; others refuse them",
  async () => {
    const { page } = walk;
    const { question, whole } = chatOf(walk);
    await walk.samples();
    await walk.open("/chat?model=acme%2Fgpt-4o-mini");
    const composer = page.getByRole("textbox", { name: "Message" });
    const tray = page.getByRole("list", { name: "Pictures of your message" });
    const sendButton = walk.button("Send");
    const bytes = Buffer.from(sunnyPng(640, 400)).toString("base64");
    /** Lets go of a picture over the talk, or pastes it. */
    const give = (how: "drop" | "paste", name: string) =>
      page.evaluate(
        ([way, title, data]) => {
          const parts = Uint8Array.from(atob(data), (one) => one.charCodeAt(0));
          const given = new DataTransfer();
          given.items.add(new File([parts], title, { type: "image/png" }));
          const about = { bubbles: true, cancelable: true };
          const field = document.querySelector("textarea[aria-label=Message]");
          field?.dispatchEvent(
            way === "drop"
              ? new DragEvent("drop", { ...about, dataTransfer: given })
              : new ClipboardEvent("paste", { ...about, clipboardData: given }),
          );
        },
        [how, name, bytes] as const,
      );
    await page.getByLabel("Pictures", { exact: true }).setInputFiles([
      { name: "sunny.png", mimeType: "image/png", buffer: Buffer.from(bytes, "base64") },
      { name: "holiday.png", mimeType: "image/png", buffer: Buffer.from("<script>alert(1)</script>") },
    ]);
    await tray.getByText("holiday.png: These bytes are no PNG, JPEG, WebP or GIF.").waitFor();
    await page.getByText("Remove the picture that could not be taken.").waitFor();
    expect(await sendButton.getAttribute("aria-disabled")).toBe("true");
    await walk.button("Remove holiday.png").press("Enter");
    await give("paste", "pasted.png");
    await give("drop", "dropped.png");
    await page.waitForFunction(() => document.querySelectorAll(".e-picture-tray img").length === 3);
    await walk.button("Remove pasted.png").click();
    // A second column whose model takes none holds the message back, and says why.
    await walk.button("Compare").click();
    await page.getByText(": takes no pictures. Choose a model that reads pictures").waitFor();
    await composer.fill("What do you see?");
    await composer.press("Enter");
    expect(await sendButton.getAttribute("aria-disabled")).toBe("true");
    await walk.look("chat-pictures-refused", { picture: false });
    await walk.button("Take this model out").last().click();
    await page.getByText("takes no pictures").waitFor({ state: "detached" });
    await walk.within(narrow, () => walk.look("chat-pictures-narrow", { picture: false }));
    await composer.press("Enter");
    await whole(1);
    await page.waitForURL(/\/chat\/cnv_/);
    await question(0).getByText("What do you see?").waitFor();
    const url = `data:image/png;base64,${bytes}`;
    const part = { type: "image_url", image_url: { url } };
    expect(wire.asked.at(-1)?.body).toMatchObject({
      messages: [{ role: "user", content: [part, part, { type: "text", text: "What do you see?" }] }],
    });
    await page.reload();
    await walk.button("Enlarge sunny.png", question(0)).waitFor();
    await page.waitForFunction(
      () => document.querySelector<HTMLImageElement>(".e-picture img[alt='sunny.png']")?.naturalWidth === 640,
    );
    await walk.look("chat-pictures", { dark: true });
    await walk.button("Enlarge sunny.png").click();
    await walk.dialog().getByText("sunny.png · 640 × 400").waitFor();
    await walk.look("chat-picture-large", { picture: false });
    await page.keyboard.press("Escape");
    await walk.dialog().waitFor({ state: "detached" });
    await walk.button("Edit the message", question(0)).click();
    await walk.button("Remove dropped.png").click();
    await page.getByRole("textbox", { name: "Your message" }).fill("And now?");
    await walk.button("Send again").click();
    await question(0).getByText("2/2").waitFor();
    await whole(1);
    expect(await walk.button(/^Enlarge/, question(0)).count()).toBe(1);
    expect(wire.asked.at(-1)?.body).toMatchObject({
      messages: [{ content: [part, { type: "text", text: "And now?" }] }],
    });
    await walk.button("Good reply").click();
    const id = new URL(page.url()).pathname.split("/").at(-1);
    const query =
      "query ($id: ID!) { node(id: $id) { ... on Conversation { messages { nodes { pictures { name } } } } } }";
    expect(await walk.asPerson(query, { id })).toEqual({
      node: { messages: { nodes: [{ pictures: [{ name: "sunny.png" }] }, { pictures: [] }] } },
    });
    // What was thought of the reply is gathered on a page of its own.
    await walk.until(
      '{ feedback(verdict: UP, model: "acme/gpt-4o-mini") { nodes { verdict } } }',
      z.object({ feedback: z.object({ nodes: z.tuple([z.object({ verdict: z.literal("up") })]) }) }),
      {},
      walk.asPerson,
    );
    await page.getByRole("link", { name: "Rated replies" }).click();
    await walk.heading("Rated replies").waitFor();
    await page.getByRole("cell", { name: "acme/gpt-4o-mini" }).waitFor();
    await walk.look("rated", { dark: true });
    await page.getByLabel("Only of this model").fill("nobody");
    await page.getByText("Nothing of the kind").waitFor();
    await page.getByLabel("Only of this model").fill("acme/gpt-4o-mini");
    await page.getByRole("link", { name: "What do you see?" }).click();
    await question(0).getByText("And now?").waitFor();
  },
);

test.skipIf(!canWalk)(
  "it lists its models to choose from, is changed, removed with them, and comes back",
  async () => {
    const { page } = walk;
    await walk.open("/third-party");
    await page.getByRole("link", { name: "acme" }).click();
    await walk.button("Change acme").click();
    const form = walk.dialog();
    await walk.button("Ask acme for its models", form).click();
    await walk.button("2 models to choose from", form).waitFor();
    await walk.button("Add a model", form).click();
    await form.getByLabel("Model", { exact: true }).last().fill("z-mod");
    await page.getByRole("option", { name: "z-model" }).click();
    await walk.button("Keep the changes", form).click();
    await page.getByRole("cell", { name: "acme/z-model" }).waitFor();
    // A model that is left out can come back at once.
    await walk.button("Change acme").click();
    await walk.button("Leave z-model out", form).click();
    await walk.button("Keep the changes", form).click();
    await page.getByText("acme/z-model is deleted").waitFor();
    await page.getByRole("cell", { name: "acme/z-model" }).waitFor({ state: "detached" });
    await walk.button("Undo").click();
    await page.getByRole("cell", { name: "acme/z-model" }).waitFor();
    // One that a knowledge base asks is left out only once that was said.
    await walk.button("Change acme").click();
    await walk.button("Add a model", form).click();
    await form.getByLabel("Model", { exact: true }).last().fill("text-embedding-3-small");
    await walk.button("Keep the changes", form).click();
    await page.getByRole("cell", { name: "acme/text-embedding-3-small" }).waitFor();
    await walk.graphql(
      `mutation { createKnowledgeBase(input: { name: "handbook", embedder: "acme/text-embedding-3-small" }) { __typename } }`,
    );
    await walk.button("Change acme").click();
    await walk.button("Leave text-embedding-3-small out", form).click();
    await walk.button("Keep the changes", form).click();
    await form.getByText("On acme/text-embedding-3-small depend knowledge base handbook.").waitFor();
    await walk.look("third-party-left-out", { picture: false });
    await walk.button("Leave it out all the same", form).click();
    await page.getByText("acme/text-embedding-3-small is deleted").waitFor();
    await page.getByRole("cell", { name: "acme/text-embedding-3-small" }).waitFor({ state: "detached" });
    await walk.button("Undo").click();
    await page.getByRole("cell", { name: "acme/text-embedding-3-small" }).waitFor();
    const before = await kept();
    await walk.button("Remove acme").click();
    await walk.dialog().getByText("acme/z-model").waitFor();
    await walk.dialog().getByText("handbook (knowledge base)").waitFor();
    await walk.look("third-party-remove", { picture: false });
    await walk.button("Remove acme", walk.dialog()).click();
    await walk.heading("Third-party models").waitFor();
    await page.getByText("No provider yet").waitFor();
    expect(await kept()).toEqual([]);
    await walk.button("Undo").click();
    await page.getByRole("link", { name: "acme" }).click();
    expect(await kept()).toEqual(before);
    await walk.button("Try acme").click();
    await page.getByText(WORDS.join("")).waitFor();
    // The page of deleted things knows it too.
    await walk.button("Remove acme").click();
    await walk.button("Remove acme", walk.dialog()).click();
    await walk.heading("Third-party models").waitFor();
    await walk.open("/trash");
    const row = page.getByRole("row", { name: /^acme/ });
    await row.getByText("provider", { exact: true }).waitFor();
    await row.getByText("acme/z-model").waitFor();
    await walk.button("Bring acme back").click();
    await page.getByText("Nothing was deleted").waitFor();
    expect(await kept()).toEqual(before);
    expect(walk.faults).toEqual([]);
  },
);
