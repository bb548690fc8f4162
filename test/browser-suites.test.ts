// Training or documents, and suites, in the browser through the executable: asked by a form, read on the page, with the
// figures that GraphQL says.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { z } from "zod";
import { type Filled, fill } from "./assess-kit.ts";
import { canWalk, narrow, startWalk, type Walk } from "./browser-kit.ts";

setDefaultTimeout(300_000);
let walk: Walk;

/** The server of the walk as tests fill it, by the walk's own admin key. */
function filled(of: Walk): Filled {
  const send = (path: string, { key = of.key, headers, ...init }: RequestInit & { key?: string } = {}) => {
    const all = new Headers(headers);
    all.set("authorization", `Bearer ${key}`);
    return fetch(`${of.url()}${path}`, { ...init, headers: all });
  };
  const ended = z.object({ node: z.object({ status: z.literal("SUCCEEDED") }) });
  return {
    folder: of.user.folder,
    key: () => of.key,
    fetch: send,
    async act(query, variables) {
      const said = await of.act(query, variables);
      if (!said.__typename.endsWith("Success")) throw new Error(JSON.stringify(said));
      return said;
    },
    async succeeded(id) {
      await of.until("query ($id: ID!) { node(id: $id) { ... on Run { status } } }", ended, { id });
    },
    async upload(name, bytes) {
      const body = JSON.stringify({ name, sizeBytes: bytes.byteLength });
      const made = await send("/uploads", { method: "POST", body });
      const { id } = z.object({ id: z.string() }).parse(await made.json());
      await send(`/uploads/${id}`, {
        method: "PATCH",
        headers: { "upload-offset": "0" },
        body: new Uint8Array(bytes),
      });
      return id;
    },
  };
}

beforeAll(async () => {
  if (!canWalk) return;
  walk = await startWalk();
  await walk.setUp();
  await walk.samples();
  await fill(filled(walk));
});
afterAll(() => walk?.close());

const NAME = "tuned with and without documents";
const factorial = z.object({
  assessment: z.object({
    factorial: z.object({
      n: z.literal(12),
      score: z.object({ training: z.object({ estimate: z.number() }) }),
    }),
  }),
});

test.skipIf(!canWalk)(
  "N8 from a tuned model to what training and documents bring, with one button",
  async () => {
    const { page } = walk;
    await walk.open("/customized");
    await page.getByRole("link", { name: "tuned", exact: true }).first().click();
    await page.getByRole("link", { name: "Documents, training, or both?" }).click();
    await walk.heading("Does it need documents, training, or both?").waitFor();
    await page.getByRole("combobox", { name: "Dataset" }).click();
    await page.getByRole("option", { name: "rows, 12 rows" }).click();
    await page.getByRole("combobox", { name: "An answer is right when it is" }).click();
    await page.getByRole("option", { name: "Matches an expression" }).click();
    await page.getByLabel("Regular expression").fill("[a-h]");
    await page.getByRole("textbox", { name: "Question" }).fill("{{question}}");
    await walk.look("factorial-form", { picture: false });
    await walk.button("Compare all four").click();
    await walk.heading(NAME).waitFor();
    const { assessment } = await walk.until(
      `{ assessment(name: "${NAME}") { factorial { n score { training { estimate } } } } }`,
      factorial,
    );
    const { estimate } = assessment.factorial.score.training;
    const said = `${estimate < 0 ? "−" : "+"}${Math.abs(estimate).toFixed(2)}`;
    await page.getByRole("row", { name: `Training ${said} ` }).waitFor();
    await page
      .getByRole("img", { name: /^toy: .*; toy \+ handbook: .*; tuned: .*; tuned \+ handbook: / })
      .waitFor();
    await page.getByText(/Both together bring|Not enough evidence that both together/).waitFor();
    await walk.look("factorial", { keys: true, picture: false });
    await walk.within(narrow, () => walk.look("factorial-narrow", { picture: false }));
  },
);

const done = z.object({
  suite: z.object({
    run: z.object({
      number: z.literal(1),
      lines: z.array(z.object({ overall: z.object({ n: z.literal(12) }) })),
    }),
  }),
});

test.skipIf(!canWalk)(
  "R96 an assessment becomes a suite, which is run, renamed, deleted and brought back",
  async () => {
    const { page } = walk;
    await walk.open("/suites");
    await page.getByText("No suite yet").waitFor();
    await walk.look("suites-empty", { picture: false });
    await walk.open("/assessments");
    await page.getByRole("link", { name: NAME }).click();
    await walk.button("Add to suite").click();
    await page.getByLabel("Name of the new suite").fill("nightly");
    await walk.button("Create suite", walk.dialog()).click();
    await page.getByText("Not run yet").waitFor();
    await page.getByRole("combobox", { name: "Candidates" }).click();
    for (const name of [/^toy · /, /^tuned · /]) await page.getByRole("option", { name }).click();
    await page.keyboard.press("Escape");
    await walk.button("Run with 2 models").click();
    await walk.until('{ suite(name: "nightly") { run { number lines { overall { n } } } } }', done);
    await page.getByText(/(is better than|differ: ).* over 1 entry, 12 rows/).waitFor();
    await page.getByRole("row", { name: /^Over all / }).waitFor();
    await page.getByText("Over the runs").waitFor();
    await walk.look("suite", { keys: true, picture: false });
    await walk.within(narrow, () => walk.look("suite-narrow", { picture: false }));

    await walk.button("Rename nightly").click();
    await page.getByRole("textbox", { name: "Name" }).fill("every night");
    await page.keyboard.press("Enter");
    await page.getByText("every night").first().waitFor();
    await walk.button("Delete", page.locator("main")).click();
    await walk.button("Delete every night", walk.dialog()).click();
    await page.getByText("No suite yet").waitFor();
    await walk.button("Undo").click();
    await page.getByRole("link", { name: "every night" }).waitFor();
    await walk.look("suites", { picture: false });
  },
);

test.skipIf(!canWalk)("no page broke, or asked another host", () => {
  expect(walk.faults).toEqual([]);
});
