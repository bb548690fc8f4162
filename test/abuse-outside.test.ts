// Hostile documents and misbehaving providers through the executable: each is refused under its own code, with name,
// value and mend, and what is right is still read and answered afterwards.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { encode, line, pdf } from "../src/knowledge/documents/hostile.test-kit.ts";
import { addDocument, documentCases, providerCases } from "./abuse-outside.ts";
import { type AbuseWorld, startAbuseWorld } from "./abuse-world.ts";

setDefaultTimeout(60_000);
let w: AbuseWorld;
beforeAll(async () => {
  w = await startAbuseWorld();
  const made = await w.act("createKnowledgeBase", "CreateKnowledgeBaseInput", { name: "shelf" }, "");
  expect("done" in made).toBe(true);
});
afterAll(() => w?.close());

for (const [area, cases] of Object.entries({ document: documentCases, provider: providerCases }))
  test.each(cases)(`${area}: %s → %s`, async (_, code, names, act) => {
    const refusal = await act(w);
    expect({ ...refusal, code: refusal?.code }).toMatchObject({ code });
    expect(`${refusal?.message} ${refusal?.value ?? ""}`).toMatch(names);
    expect(refusal?.hint ?? "").toMatch(/\w+ \w+/);
    expect((await w.fetch("/healthz")).status).toBe(200);
  });

test("what comes after them is read: a PDF of 400 pages, a page with scripts, a table with formulas, a wrong ending", async () => {
  const pages = Array.from({ length: 400 }, (_, at) => line(`Page ${at + 1} speaks of trees.`, 700));
  const right: [string, Uint8Array][] = [
    ["long.pdf", pdf(pages)],
    [
      "page.html",
      encode("<h1>Trees</h1><script>alert('zzscript')</script><p onclick=\"zzclick()\">They grow.</p>"),
    ],
    ["sums.csv", encode('name,sum\npear,"=HYPERLINK(""http://zz.example"",""x"")"\n')],
    ["really-a-pdf.docx", pdf([line("Words of a PDF.", 700)])],
  ];
  for (const [name, bytes] of right) {
    const { refusal, chunks } = await addDocument(w, name, bytes);
    expect([name, refusal, chunks > 0]).toEqual([name, null, true]);
  }
  const { data } = await w.graphql(
    '{ knowledgeBase(name: "shelf") { documents(first: 50) { nodes { name chunks(first: 5) { nodes { text } } } } } }',
  );
  const said = JSON.stringify(data);
  expect(said).toContain("They grow.");
  expect([said.includes("zzscript"), said.includes("zzclick")]).toEqual([false, false]);
  expect(said).toContain("=HYPERLINK");
});
