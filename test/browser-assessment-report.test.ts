// The report of an assessment in the browser through the executable: rows by filters, one row with all that was sent, two
// answers word by word, parts of the rows, an earlier assessment; all of it by keyboard.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { z } from "zod";
import { createAccounts } from "../src/accounts/accounts.ts";
import { now } from "../src/kit/clock.ts";
import { createLog } from "../src/kit/log.ts";
import { openStore } from "../src/store/store.ts";
import { putAssessed } from "./assessed.test-kit.ts";
import { canWalk, narrow, startWalk, type Walk } from "./browser-kit.ts";

setDefaultTimeout(300_000);
let walk: Walk;
let id: string;
let otherId: string;
const HOSTILE = "</script><img src=x onerror=alert(1)> \u202egnp";

beforeAll(async () => {
  if (!canWalk) return;
  walk = await startWalk();
  await walk.setUp();
  await walk.samples();
  const lines = Array.from({ length: 48 }, (_, row) => ({
    question: `What is ${row}?`,
    answer: `It is ${row}.`,
    topic: row < 5 ? "rare" : row % 2 ? "fruit" : "tree",
  }));
  const version = await walk.importRows("report-rows", lines);
  const store = await openStore({
    dataDir: join(walk.user.folder, "data"),
    log: createLog({ level: "silent" }),
    beside: true,
  });
  const { id: projectId } = await createAccounts({ store, clock: now }).firstProject();
  const common = {
    projectId,
    datasetVersionId: version,
    datasetName: "report-rows@1",
    candidates: ["quick", "careful", "third"].map((name) => ({ name, modelId: `base_${name}` })),
    rows: lines.map((_, row) => row),
  };
  const said =
    (isRight: (candidate: number, row: number) => boolean) => (candidate: number, row: number) => ({
      text:
        row === 3 && candidate === 0
          ? HOSTILE
          : isRight(candidate, row)
            ? `It is surely ${row}.`
            : `It is perhaps ${row + 1}, or so I think.`,
      scores: [Number(isRight(candidate, row))],
      reference: `It is ${row}.`,
      asked: `What is ${row}?`,
    });
  otherId = await putAssessed(store, {
    ...common,
    name: "last week",
    question: "Say: {{question}}",
    said: said((_, row) => row % 2 === 0),
  });
  id = await putAssessed(store, {
    ...common,
    name: "today",
    said: said((candidate, row) => row % (candidate + 3) !== 0),
  });
  await store.close();
});
afterAll(() => walk?.close());

test.skipIf(!canWalk)(
  "R94 rows are filtered, opened by keyboard, and two answers are told apart",
  async () => {
    const { page } = walk;
    await walk.open(`/assessments/${id}`);
    await page.getByText("What a score takes").first().waitFor();
    // Rows 0 of three, four and five in their turn; all wrong on 0, where they agree.
    const differ = Array.from({ length: 48 }, (_, row) => row).filter(
      (row) => new Set([3, 4, 5].map((by) => row % by === 0)).size > 1,
    );
    await page.getByText(`Rows that match: ${differ.length}`).waitFor();
    const rows = page.getByRole("region", { name: "Answers, row by row" });
    const opener = (row: number | undefined) =>
      rows.getByRole("button", { name: `Open row ${row}`, exact: true });
    await opener(differ[0]).waitFor();
    await walk.look("assessment-report", { dark: true });

    await opener(differ[0]).focus();
    await page.keyboard.press("j");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("k");
    expect(await opener(differ[1]).evaluate((own) => own === document.activeElement)).toBe(true);
    await page.keyboard.press("k");
    await page.keyboard.press("Enter");
    const row = walk.dialog();
    await row.getByText("What is 3?").first().waitFor();
    expect(new URL(page.url()).searchParams.get("row")).toBe("3");
    await row.getByText("Be candidate 1.").first().waitFor();
    // What is hostile is words.
    await row.getByText(HOSTILE).first().waitFor();
    await row.getByText('"topic": "rare"').waitFor();
    await walk.look("assessment-row", { dark: true });
    await walk.within(narrow, () => walk.look("assessment-row-narrow", { picture: false }));
    await walk.button("Row after", row).focus();
    await page.keyboard.press("ArrowRight");
    await row.getByText("What is 4?").first().waitFor();
    // The first is right on 4, the second is not.
    await row.locator(".e-diff del", { hasText: "surely" }).waitFor();
    await row.locator(".e-diff ins", { hasText: "perhaps" }).waitFor();
    await row.getByRole("combobox", { name: "Struck out: only here" }).click();
    await page.getByRole("option", { name: "Right answer" }).click();
    await row.getByRole("combobox", { name: "Marked: only here" }).click();
    await page.getByRole("option", { name: "quick" }).click();
    await row.locator(".e-diff ins", { hasText: "surely" }).waitFor();
    await walk.button("Row after", row).focus();
    await page.keyboard.press("Escape");
    await row.waitFor({ state: "hidden" });
    await page.waitForFunction(() => document.activeElement?.getAttribute("data-row") === "4");

    await page.getByRole("combobox", { name: "Rows", exact: true }).click();
    await page.getByRole("option", { name: "where it is better" }).click();
    await page.getByRole("combobox", { name: "Candidate", exact: true }).click();
    await page.getByRole("option", { name: "careful" }).click();
    await page.getByRole("combobox", { name: "than", exact: true }).click();
    await page.getByRole("option", { name: "quick" }).click();
    const better = Array.from({ length: 48 }, (_, at) => at).filter((at) => at % 4 !== 0 && at % 3 === 0);
    await page.getByText(`Rows that match: ${better.length}`).waitFor();
    await page.getByRole("searchbox", { name: "Search in questions and answers" }).fill("what is 3?");
    await page.getByText("Rows that match: 1").waitFor();
    // The address holds it all.
    await page.reload();
    await page.getByText("Rows that match: 1").waitFor();
    await opener(3).waitFor();
    await page
      .getByRole("searchbox", { name: "Search in questions and answers" })
      .fill("nothing of the kind");
    await page.getByText("No row matches.").waitFor();
  },
);

test.skipIf(!canWalk)("P14 parts of the rows have intervals, and lead to their rows", async () => {
  const { page } = walk;
  await walk.open(`/assessments/${id}`);
  await page.getByRole("combobox", { name: "Slices by" }).click();
  await page.getByRole("option", { name: "topic (3 values)" }).click();
  await page.getByText("Each interval stands for itself", { exact: false }).waitFor();
  await page.getByRole("combobox", { name: "Difference of" }).click();
  await page.getByRole("option", { name: "quick" }).click();
  await page.getByRole("combobox", { name: "and", exact: true }).click();
  await page.getByRole("option", { name: "careful" }).click();
  await page.getByText("The difference is quick less careful", { exact: false }).waitFor();
  await page.getByText("few", { exact: true }).waitFor();
  await walk.look("assessment-slices", { dark: true });
  await walk.button("Show the rows of rare").click();
  await page.getByText("Rows that match: 5").waitFor();
});

test.skipIf(!canWalk)("an earlier assessment is compared, with what was set otherwise", async () => {
  const { page } = walk;
  await walk.open(`/assessments/${id}`);
  await page.getByRole("combobox", { name: "Assessment of the same dataset" }).click();
  await page.getByRole("option", { name: /last week/ }).click();
  await page.getByText("Rows in both: 48.").waitFor();
  await page.getByText("A difference may come from other settings").waitFor();
  await page.getByText("Say: {{question}}").waitFor();
  await walk.look("assessment-compared", { dark: true });
  await walk.within(narrow, () => walk.look("assessment-compared-narrow", { picture: false }));
  expect(new URL(page.url()).searchParams.get("with")).toBe(otherId);
});

test.skipIf(!canWalk)("the HTML report opens from disk, asks for nothing and runs nothing", async () => {
  const { page } = walk;
  const got = await page.request.get(`${walk.url()}/files/${id}.html?by=topic`);
  const file = join(walk.user.folder, "report.html");
  await Bun.write(file, await got.body());
  const wasAt = page.url();
  await page.goto(`file://${file}`);
  await page.getByRole("heading", { level: 1, name: "today" }).waitFor();
  await page.getByText(HOSTILE).first().waitFor();
  expect(await page.locator("script, img").count()).toBe(0);
  expect(await page.locator("svg[role=img]").count()).toBe(3);
  await page.goto(wasAt);
});

test.skipIf(!canWalk)("no page broke, or asked another host", () => {
  expect(walk.faults).toEqual([]);
});
