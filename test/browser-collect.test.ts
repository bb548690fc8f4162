// From failures to data in the browser: lost rows are chosen, looked at and confirmed, mended replies become preferences.
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

const ended = z.object({
  assessment: z.object({ id: z.string(), run: z.object({ status: z.literal("SUCCEEDED") }) }),
});
const whole = (rowCount: number) =>
  z.object({ dataset: z.object({ latest: z.object({ rowCount: z.literal(rowCount) }) }) });

test.skipIf(!canWalk)(
  "N9 chosen rows that a model lost become a dataset, once it is known what that costs",
  async () => {
    const { page } = walk;
    const [first] = z
      .object({ datasets: z.object({ nodes: z.tuple([z.object({ name: z.string() })]) }) })
      .parse(await walk.graphql("{ datasets { nodes { name } } }")).datasets.nodes;
    await walk.act(
      `mutation ($dataset: String!) { startAssessment(input: { name: "router", dataset: $dataset, graders: ["exact"],
      candidates: [{ model: "acme/m" }], sample: { size: 3 } }) { __typename } }`,
      { dataset: first.name },
    );
    const { assessment } = await walk.until('{ assessment(name: "router") { id run { status } } }', ended);
    await walk.open(`/assessments/${assessment.id}`);
    await walk.button("Make data of lost rows").waitFor();
    for (const at of [0, 1])
      await page
        .getByRole("checkbox", { name: /^Choose row \d+$/ })
        .nth(at)
        .check();
    await walk.look("assessment-chosen", { picture: false });
    await walk.button("Make data of 2 rows").click();
    const dialog = walk.dialog();
    await dialog.getByText(/^2 of these rows are held out in .* no longer measures anything\.$/).waitFor();
    const add = walk.button("Add 2 rows", dialog);
    expect(await add.isDisabled()).toBe(true);
    await dialog.getByLabel("I know, and add them nevertheless").check();
    await walk.look("collect-lost", { dark: true });
    await walk.within(narrow, () => walk.look("collect-lost-narrow", { picture: false }));
    await dialog.getByLabel("Name of the dataset").fill("lost rows");
    await walk.button("Add 2 rows", dialog).click();
    await walk.heading("lost rows").waitFor();
    await walk.until('{ dataset(name: "lost rows") { latest { rowCount } } }', whole(2));
    await page.getByText("2 from the assessment router").waitFor();
    await page.getByText("2 rows added", { exact: true }).waitFor();
    await page.getByText("collected_from").first().waitFor();
    await page.getByRole("link", { name: "Train with it" }).waitFor();
    await walk.look("collected-dataset", { picture: false });
  },
);

test.skipIf(!canWalk)("a mended reply becomes a preference, which no training is offered for", async () => {
  const { page } = walk;
  const { sendMessage } = z
    .object({ sendMessage: z.object({ reply: z.object({ id: z.string() }) }) })
    .parse(
      await walk.asPerson(
        'mutation { sendMessage(input: { model: "acme/m", text: "Who are you?" }) { ... on SendMessageSuccess { reply { id } } } }',
      ),
    );
  const { id } = sendMessage.reply;
  const done = z.object({ node: z.object({ finishReason: z.string() }) });
  const query = "query ($id: ID!) { node(id: $id) { ... on Message { finishReason } } }";
  await walk.until(query, done, { id }, walk.asPerson);
  await walk.asPerson(
    'mutation ($id: ID!) { editReply(messageId: $id, text: "A model of acme.") { __typename } }',
    { id },
  );
  await walk.open("/rated");
  await page.getByRole("checkbox", { name: "Choose this reply" }).check();
  await walk.look("rated-chosen", { picture: false });
  await walk.button("Make data of 1 verdict").click();
  const dialog = walk.dialog();
  await dialog.getByText(/^1 of these rows come from conversations that only you can read/).waitFor();
  await dialog.locator("label", { hasText: "preferences: better and worse" }).click();
  await dialog.getByText("rejected", { exact: true }).waitFor();
  await dialog.getByText("A model of acme.").waitFor();
  await walk.look("collect-judged", { picture: false });
  await walk.button("Add 1 row", dialog).click();
  await walk.heading("rated-replies").waitFor();
  await walk.until('{ dataset(name: "rated-replies") { latest { rowCount } } }', whole(1));
  await page.getByText("1 from replies mended in chat").waitFor();
  await page.getByText("No training method learns from preferences yet.", { exact: false }).waitFor();
  expect(await page.getByRole("link", { name: "Train with it" }).count()).toBe(0);
  await walk.look("preferences", { picture: false });
});

test.skipIf(!canWalk)("no page broke, or asked another host", () => {
  expect(walk.faults).toEqual([]);
});
