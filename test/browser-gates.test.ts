// Gates in the browser through the executable: made from an assessment with a preview, said before a model is deployed,
// gone past with a reason that stays on the live model's page, and removed.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { z } from "zod";
import { canWalk, narrow, startWalk, type Walk } from "./browser-kit.ts";

setDefaultTimeout(300_000);
let walk: Walk;
let base: { id: string; name: string };
beforeAll(async () => {
  if (!canWalk) return;
  walk = await startWalk();
  await walk.setUp();
  const { baseModels, datasets } = await walk.samples();
  [base] = baseModels.nodes;
  const input = {
    ...{ name: "exam", dataset: datasets.nodes[0].name, graders: ["exact", "json"], maxTokens: 4 },
    ...{ sample: { size: 3 }, candidates: [{ model: base.name }] },
  };
  await walk.act(
    "mutation ($input: StartAssessmentInput!) { startAssessment(input: $input) { __typename } }",
    { input },
  );
  await walk.until(
    '{ assessment(name: "exam") { run { status } } }',
    z.object({ assessment: z.object({ run: z.object({ status: z.literal("SUCCEEDED") }) }) }),
  );
});
afterAll(() => walk?.close());

const overrides = z.object({
  gateOverrides: z.object({
    nodes: z.tuple([z.object({ action: z.literal("deploy"), reason: z.string(), createdBy: z.string() })]),
  }),
});

test.skipIf(!canWalk)("N4 a gate is made from an assessment, after a look at what it would say", async () => {
  const { page } = walk;
  await walk.open("/assessments");
  await page.getByRole("link", { name: "Gates", exact: true }).click();
  await walk.heading("Gates").waitFor();
  await page.getByText("Nothing is held back").waitFor();
  await walk.look("gates-empty", { picture: false });
  await walk.open("/assessments");
  await page.getByRole("link", { name: "exam" }).click();
  await walk.button("Make this a gate").click();
  const dialog = walk.dialog();
  await dialog.getByRole("textbox", { name: "Name" }).fill("quality");
  await dialog.getByRole("textbox", { name: "At least", exact: true }).fill("0.9");
  await dialog.getByRole("textbox", { name: "Lower bound at least" }).fill("0.7");
  await dialog.getByText(/scores 0\.\d+ \[.* it takes 0\.90 or more\./).waitFor();
  await walk.look("gate-make", { dark: true });
  await walk.within(narrow, () => walk.look("gate-make-narrow", { picture: false }));
  await walk.button("Make gate", dialog).click();
  await walk.heading("Gates").waitFor();
  await page.getByText("The score is at least 0.90, and its lower bound at least 0.70.").waitFor();
});

test.skipIf(!canWalk)(
  "deploying shows what holds it, takes a reason, and the live page keeps that",
  async () => {
    const { page } = walk;
    await walk.open(`/base-models/${base.id}`);
    await walk.button("Deploy").first().click();
    const dialog = walk.dialog();
    const confirm = walk.button(`Deploy ${base.name}`, dialog);
    await dialog.getByText(/it takes 0\.90 or more\./).waitFor();
    expect(await confirm.isDisabled()).toBe(true);
    await dialog.getByRole("textbox", { name: "Reason for going past the gate" }).fill("A demonstration.");
    await walk.look("deploy-held", { dark: true });
    await walk.within(narrow, () => walk.look("deploy-held-narrow", { picture: false }));
    await confirm.click();
    await page.getByRole("heading", { name: "Went past a gate" }).waitFor();
    await page.getByText("A demonstration.").waitFor();
    expect(await walk.until("{ gateOverrides { nodes { action reason createdBy } } }", overrides)).toEqual({
      gateOverrides: { nodes: [{ action: "deploy", reason: "A demonstration.", createdBy: "ada" }] },
    });
    await page.getByText(/^loaded, answers at once$|^loads at the next request$/).waitFor();
    await walk.look("live-overridden", { picture: false });
    await walk.button("Register").first().click();
    await walk
      .dialog()
      .getByText(/it takes 0\.90 or more\./)
      .waitFor();
    await page.keyboard.press("Escape");
  },
);

test.skipIf(!canWalk)("a model is checked, and a gate is removed after a question", async () => {
  const { page } = walk;
  await walk.open(`/gates?model=${encodeURIComponent(base.name)}`);
  await page.getByText(`${base.name} is held.`).waitFor();
  await walk.look("gates", { dark: true, keys: true });
  await walk.within(narrow, () => walk.look("gates-narrow", { picture: false }));
  await walk.act(`mutation { delete(id: "exam") { __typename } }`);
  await walk.open(`/gates?model=${encodeURIComponent(base.name)}`);
  await page.getByText(/^exam was deleted: nothing passes until/).waitFor();
  await page.getByText("The assessment exam was deleted, so nothing can pass.").waitFor();
  await walk.look("gates-orphan", { picture: false });
  await walk.button("Remove").click();
  await walk.button("Remove quality", walk.dialog()).click();
  await page.getByText("Nothing is held back").waitFor();
  // What went past it stays said.
  await page.getByText("A demonstration.").waitFor();
});

test.skipIf(!canWalk)("no page broke, or asked another host", () => {
  expect(walk.faults).toEqual([]);
});
