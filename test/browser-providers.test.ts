// Third-party models as a person connects them at the browser: empty page, form, consent, a try, a chat with costs, removal.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { z } from "zod";
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
  await page.getByText("1 call, 18 tokens, $0.000092").waitFor();
  await walk.look("third-party", { dark: true });
  await walk.within(narrow, () => walk.look("third-party-narrow"));
  await walk.within({ width: 2560, height: 1200 }, () => walk.look("third-party-wide", { picture: false }));
});

test.skipIf(!canWalk)("it lists its models to choose from, is changed, and removed with them", async () => {
  const { page } = walk;
  await walk.button("Change acme").click();
  const form = walk.dialog();
  await walk.button("Ask acme for its models", form).click();
  await walk.button("2 models to choose from", form).waitFor();
  await walk.button("Add a model", form).click();
  await form.getByLabel("Model", { exact: true }).last().fill("z-mod");
  await page.getByRole("option", { name: "z-model" }).click();
  await walk.button("Keep the changes", form).click();
  await page.getByRole("cell", { name: "acme/z-model" }).waitFor();
  await walk.button("Remove acme").click();
  await walk.dialog().getByText("acme/z-model").waitFor();
  await walk.button("Remove acme", walk.dialog()).click();
  await walk.heading("Third-party models").waitFor();
  expect(await kept()).toEqual([]);
  expect(walk.faults).toEqual([]);
});
