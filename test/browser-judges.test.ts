// Judges and people in the browser through the executable: one, two and six candidates with judges, judging again, a copy,
// and rating blind by keys.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { z } from "zod";
import { START } from "./assessment-kit.ts";
import { canWalk, narrow, startWalk, type Walk } from "./browser-kit.ts";
import { ADD } from "./provider-kit.ts";
import { KEY, startWire, WIRES, type WireServer } from "./provider-wire.ts";

setDefaultTimeout(300_000);
let walk: Walk;
const wires: WireServer[] = [];
const told = z.looseObject({ messages: z.array(z.looseObject({ content: z.string() })) });
const textOf = (body: unknown): string => told.parse(body).messages.at(-1)?.content ?? "";
const framed = (text: string, name: string): string =>
  new RegExp(`<(data-[0-9a-f]{10}) ${name}>\\n([\\s\\S]*?)\\n</\\1>`).exec(text)?.[2] ?? "";
const rowOf = (text: string): number => Number(/\d+/.exec(text)?.[0] ?? 0);

/** A judge that finds the longer answer better, or the only one good. */
function judge(body: unknown): string {
  const text = textOf(body);
  const [a, b] = [framed(text, "answer A"), framed(text, "answer B")];
  if (b === "") return JSON.stringify({ reason: "It says what was asked.", score: 4 });
  const verdict = a.length === b.length ? "tie" : a.length > b.length ? "A" : "B";
  return JSON.stringify({ reason: "One says more than the other.", verdict });
}

async function provide(name: string, say: (body: unknown) => string): Promise<void> {
  const wire = startWire(WIRES.openai, "well", say);
  wires.push(wire);
  const input = {
    name,
    kind: "openai",
    url: wire.url,
    key: KEY,
    allowPrivate: true,
    models: [{ model: "m" }],
  };
  await walk.act(ADD, { input });
}
const ended = z.object({
  assessment: z.object({ id: z.string(), run: z.object({ status: z.literal("SUCCEEDED") }) }),
});
async function finished(name: string): Promise<string> {
  const query = "query ($name: String!) { assessment(name: $name) { id run { status } } }";
  return (await walk.until(query, ended, { name })).assessment.id;
}
async function assess(name: string, input: object): Promise<string> {
  const common = { name, dataset: "questions", question: "{{question}}", reference: "answer" };
  await walk.act(START, { input: { ...common, ...input } });
  return finished(name);
}

beforeAll(async () => {
  if (!canWalk) return;
  walk = await startWalk();
  await walk.setUp();
  await walk.samples();
  await walk.importRows(
    "questions",
    Array.from({ length: 30 }, (_, at) => ({ question: `What is ${at}?`, answer: `It is ${at}.` })),
  );
  // The first is right three times of four, the others less often.
  for (const [at, name] of ["clear", "short", "third", "fourth", "fifth", "sixth"].entries())
    await provide(name, (body) => {
      const row = rowOf(textOf(body));
      return row % 12 < 9 - at ? `It is ${row}.${" Indeed.".repeat(5 - at)}` : "Who knows?";
    });
  await provide("court", judge);
  await provide("jury", judge);
});
afterAll(async () => {
  await walk?.close();
  for (const wire of wires) await wire.close();
});

test.skipIf(!canWalk)(
  "P13 two candidates are judged in both orders by what the form says, and it can be opened",
  async () => {
    const { page } = walk;
    await walk.open("/assess?models=clear/m,short/m");
    await page.getByRole("textbox", { name: "Name", exact: true }).fill("two and a judge");
    await page.getByRole("combobox", { name: "Dataset" }).click();
    await page.getByRole("option", { name: /questions/ }).click();
    await page.getByRole("combobox", { name: "Split" }).waitFor({ state: "detached" });
    await page.getByRole("textbox", { name: "Question" }).fill("{{question}}");
    await page.getByRole("combobox", { name: "Right answer" }).click();
    await page.getByRole("option", { name: "answer", exact: true }).click();
    await page.getByRole("combobox", { name: "Judges" }).click();
    await page.getByRole("option", { name: /court\/m/ }).click();
    await page.getByRole("textbox", { name: "What makes an answer good" }).fill("It says as much as it can.");
    await page.getByText("Told to judge:court/m").first().waitFor();
    await walk.look("assess-judge", { keys: true });
    await walk.button("Assess 2 models").click();
    await walk.heading("two and a judge").waitFor();
    await finished("two and a judge");
    await page.getByText(/clear\/m is better than short\/m/).waitFor();
    // One that tells two answers apart by their length says the same in both orders.
    await page.getByRole("row", { name: /judge:court\/m 1\.00 / }).waitFor();
    await walk.look("assessment-judged", { keys: true });
    await walk.within(narrow, () => walk.look("assessment-judged-narrow", { picture: false }));
    await page
      .getByRole("button", { name: /^Open row / })
      .first()
      .click();
    await page.getByText("What judges said").waitFor();
    await page
      .getByText(/shown before/)
      .first()
      .click();
    await page.getByText("It says as much as it can.").first().waitFor();
    await walk.look("row-judged", { picture: false });
    await page.keyboard.press("Escape");
  },
);

test.skipIf(!canWalk)("R90 one with a judge, and six candidates with two judges and a rule", async () => {
  const { page } = walk;
  const one = await assess("one and a judge", {
    graders: [],
    candidates: [{ model: "clear/m" }],
    judges: [{ model: "court/m" }],
  });
  await walk.open(`/assessments/${one}`);
  await page.getByText("clear/m scores 0.75").waitFor();
  // Both were asked before: what it took stands beside what was expected.
  await page.getByText(/^\(.+ expected\)$/).waitFor();
  await walk.look("assessment-one-judged");
  const six = await assess("six", {
    graders: ["contains"],
    candidates: ["clear", "short", "third", "fourth", "fifth", "sixth"].map((name) => ({
      model: `${name}/m`,
    })),
    judges: [{ model: "court/m" }, { model: "jury/m" }],
    sample: { kind: "first", size: 12 },
  });
  await walk.open(`/assessments/${six}`);
  await page
    .getByText(/clear\/m/)
    .first()
    .waitFor();
  await page
    .getByRole("row", { name: /judge:jury\/m with|judge:court\/m with judge:jury\/m 1\.00/ })
    .first()
    .waitFor();
  await walk.look("assessment-six");
  await walk.within(narrow, () => walk.look("assessment-six-narrow", { picture: false }));
});

test.skipIf(!canWalk)(
  "R95 an assessment is copied into the form, and its answers are scored again without asking",
  async () => {
    const { page } = walk;
    const id = await finished("two and a judge");
    await walk.open(`/assessments/${id}`);
    await page.getByRole("link", { name: "Copy", exact: true }).click();
    await walk.heading("Assess models").waitFor();
    await page.getByRole("textbox", { name: "What makes an answer good" }).waitFor();
    expect(await page.getByRole("textbox", { name: "What makes an answer good" }).inputValue()).toBe(
      "It says as much as it can.",
    );
    expect(await page.getByRole("textbox", { name: "Question" }).inputValue()).toBe("{{question}}");
    await walk.open(`/assessments/${id}`);
    const asked = wires[0]?.asked.length;
    await walk.button("Score again").click();
    const dialog = walk.dialog();
    await dialog.getByRole("textbox", { name: "Name" }).fill("scored again");
    await dialog.getByRole("combobox", { name: "An answer is right when it is" }).click();
    await page.getByRole("option", { name: "Contains the right answer" }).click();
    await dialog.getByRole("combobox", { name: "An answer is right when it is" }).click();
    await page.getByRole("option", { name: /eyes of people/ }).click();
    await walk.look("score-again");
    await walk.button("Score again", dialog).click();
    await walk.heading("scored again").waitFor();
    await finished("scored again");
    await page.getByRole("link", { name: "two and a judge" }).waitFor();
    expect(wires[0]?.asked.length).toBe(asked ?? 0);
  },
);

test.skipIf(!canWalk)("P15 answers are rated blind by keys, taken back, and the scores follow", async () => {
  const { page } = walk;
  const id = await finished("scored again");
  await walk.open(`/assessments/${id}`);
  await page.getByRole("link", { name: "Rate answers" }).click();
  await walk.heading("Rate answers").waitFor();
  await page.getByText("0 of 20 rated").first().waitFor();
  // Nothing says whose answer it is.
  expect(await page.getByText(/clear\/m|short\/m/).count()).toBe(0);
  await walk.look("rate", { keys: true });
  await walk.within(narrow, () => walk.look("rate-narrow", { picture: false }));
  for (const [at, key] of ["1", "3", "2", "ArrowLeft"].entries()) {
    await page.keyboard.press(key);
    await page
      .getByText(`${at + 1} of 20 rated`)
      .first()
      .waitFor();
  }
  await page.keyboard.press("Backspace");
  await page.getByText("3 of 20 rated").first().waitFor();
  await walk.open(`/assessments/${id}`);
  const scored = z.object({
    assessment: z.object({
      report: z.object({
        candidates: z.array(z.object({ interval: z.object({ n: z.literal(3) }) })),
        agreements: z
          .array(z.object({ n: z.number(), first: z.string(), second: z.literal("people") }))
          .min(1),
      }),
    }),
  });
  await walk.until(
    '{ assessment(name: "scored again") { report { candidates { interval { n } } agreements { n first second } } } }',
    scored,
  );
  await page.getByText("Judges and people").waitFor();
  await walk.look("assessment-rated");
});

test.skipIf(!canWalk)("no page broke, or asked another host", () => {
  expect(walk.faults).toEqual([]);
});
