// Assessments in the browser through the executable: two models asked about the sample's rows, the verdict, the rows
// behind it, and what a wrong wish is told.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { z } from "zod";
import { canWalk, narrow, startWalk, type Walk } from "./browser-kit.ts";
import { ADD } from "./provider-kit.ts";
import { KEY, startWire, WIRES, type WireServer } from "./provider-wire.ts";

setDefaultTimeout(300_000);
let walk: Walk;
let wire: WireServer;
beforeAll(async () => {
  if (!canWalk) return;
  wire = startWire(WIRES.openai);
  walk = await startWalk();
  await walk.setUp();
  await walk.samples();
  const input = { name: "acme", kind: "openai", url: wire.url, key: KEY, allowPrivate: true };
  await walk.act(ADD, { input: { ...input, models: [{ model: "m" }] } });
});
afterAll(async () => {
  await walk?.close();
  await wire?.close();
});

const found = z.object({
  assessment: z.object({
    rowCount: z.literal(3),
    run: z.object({ status: z.literal("SUCCEEDED") }),
    report: z.object({ candidates: z.array(z.object({ answered: z.literal(3) })) }),
  }),
});

test.skipIf(!canWalk)(
  "R92 two models are assessed on the sample's held-out rows, and the rows are looked at",
  async () => {
    const { page } = walk;
    await walk.open("/assessments");
    await page.getByText("Nothing is assessed yet").waitFor();
    await walk.look("assessments-empty", { picture: false });
    await page.getByRole("link", { name: "Assess models" }).first().click();
    await walk.heading("Assess models").waitFor();
    await page.getByRole("textbox", { name: "Name" }).fill("first look");
    for (const option of [/SmolLM2/, /acme\/m/]) {
      await page.getByRole("combobox", { name: "Candidates" }).click();
      await page.getByRole("option", { name: option }).click();
    }
    await page.getByRole("textbox", { name: "Rows", exact: true }).fill("3");
    // A look before anything is asked: what is told to whom, and what it takes.
    await page.getByText("not known before the first answers").waitFor();
    await page.getByText("Told to acme/m").first().waitFor();
    expect(wire.asked.filter(({ path }) => path.endsWith("/chat/completions"))).toEqual([]);
    await walk.look("assess", { keys: true });
    await walk.button("Assess 2 models").click();
    await walk.heading("first look").waitFor();
    await walk.until(
      '{ assessment(name: "first look") { rowCount run { status } report { candidates { answered } } } }',
      found,
    );
    // The provider's words are no JSON and the base does not know the task: whatever they score, the page says what GraphQL says.
    const { assessment } = z
      .object({
        assessment: z.object({
          report: z.object({
            candidates: z.array(
              z.object({
                candidate: z.object({ name: z.string() }),
                interval: z.object({ mean: z.number() }),
              }),
            ),
          }),
        }),
      })
      .parse(
        await walk.graphql(
          '{ assessment(name: "first look") { report { candidates { candidate { name } interval { mean } } } } }',
        ),
      );
    for (const { candidate, interval } of assessment.report.candidates)
      await page
        .getByRole("row", {
          name: new RegExp(`${RegExp.escape(candidate.name)} ${interval.mean.toFixed(2)} `),
        })
        .waitFor();
    await page
      .getByText(/^Not enough evidence that |is better than |score the same on each of the 3 rows/)
      .waitFor();
    await page.getByRole("combobox", { name: "Rows", exact: true }).click();
    await page.getByRole("option", { name: "all", exact: true }).click();
    await page.getByText("Hello wörld").first().waitFor();
    await walk.look("assessment");
    await page
      .getByRole("button", { name: /^Open row / })
      .first()
      .click();
    await walk.dialog().getByText("Sort the support message.", { exact: false }).first().waitFor();
    await page.keyboard.press("Escape");
    await walk.dialog().waitFor({ state: "hidden" });
    await walk.within(narrow, () => walk.look("assessment-narrow", { picture: false }));

    await walk.open("/assessments");
    await page.getByRole("link", { name: "first look" }).waitFor();
    await walk.look("assessments", { picture: false });
    await walk.open("/");
    await page.getByText("first look").first().waitFor();
    await walk.look("map-assessed", { picture: false });
  },
);

test.skipIf(!canWalk)("R91 a wish that cannot be is refused in the form, with the mend", async () => {
  const { page } = walk;
  await walk.open("/assess?models=acme/m");
  await page.getByRole("textbox", { name: "Name" }).fill("first look");
  await walk.button("Assess 1 model").click();
  await page.getByRole("alert").getByText('There already is an assessment named "first look".').waitFor();
  await page.getByRole("textbox", { name: "Name" }).fill("second look");
  // Names are completed while they are typed, and what is wrong is said before anything is sent.
  const question = page.getByRole("textbox", { name: "Question" });
  await question.pressSequentially("Sort: {{pro");
  await page.getByRole("option", { name: "prompt", exact: true }).waitFor();
  await page.keyboard.press("Enter");
  while ((await question.inputValue()) !== "Sort: {{prompt}}") await Bun.sleep(50);
  await question.fill("{{promt}}");
  await page.getByText(/Did you mean "prompt"/).waitFor();
  await walk.button("Assess 1 model").click();
  await page
    .getByRole("alert")
    .getByText(/Did you mean "prompt"/)
    .waitFor();
});

test.skipIf(!canWalk)("no page broke, or asked another host", () => {
  expect(walk.faults).toEqual([]);
});
