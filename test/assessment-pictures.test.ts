// Pictures in the columns of an assessment's rows, through a running server: where they are named, and how each is served.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { z } from "zod";
import { projects } from "../schema/tables/accounts.ts";
import { pictureIn } from "../src/assessments/rows.ts";
import { newId } from "../src/kit/ids.ts";
import { limits } from "../src/kit/limits.ts";
import { noPictures, pngOf, redPictures } from "../src/kit/picture.test-kit.ts";
import { ERRORS, START, started } from "./assessment-kit.ts";
import { createProviderKit } from "./provider-kit.ts";
import { startWorld, type World } from "./world.ts";

setDefaultTimeout(60_000);
let world: World;
const kit = createProviderKit(() => world);
/** A column that would leave its route, were it a part of the path, and one in letters of its own. */
const COLUMNS = ["../photo", "图 & 片"] as const;
const dataUrl = (bytes: Uint8Array, type = "image/png"): string =>
  `data:${type};base64,${Buffer.from(bytes).toString("base64")}`;
const fileOf = (version: string, row: number | string, column: string): string =>
  `/files/${version}/${row}?${new URLSearchParams({ column })}`;

const HOSTILE: [bytes: Uint8Array, type: string][] = [
  [noPictures.html, "image/png"],
  [noPictures.svg, "image/svg+xml"],
  [redPictures.jpeg.slice(0, -40), "image/jpeg"],
  [pngOf(20_000, 20_000), "image/png"],
];

const picture = z.object({ column: z.string(), url: z.string().nullable() });
const FOUND = z.object({
  assessment: z.object({
    id: z.string(),
    datasetVersionId: z.string(),
    rows: z.object({ nodes: z.array(z.object({ row: z.number(), pictures: z.array(picture) })) }),
    row: z.object({ pictures: z.array(picture) }),
    ratingQueue: z.object({ tasks: z.array(z.object({ row: z.number(), pictures: z.array(picture) })) }),
  }),
});
const read = async (name: string) =>
  FOUND.parse(
    await world.graphql(
      `query ($name: String!) { assessment(name: $name) { id datasetVersionId
        rows(first: 5, filter: { show: ALL }) { nodes { row pictures { column url } } } row(number: 0) { pictures { column url } }
        ratingQueue(first: 5) { tasks { row pictures { column url } } } } }`,
      { name },
    ),
  ).assessment;

beforeAll(async () => {
  world = await startWorld([["read"], ["chat"]]);
  const [first, second] = COLUMNS;
  await world.importRows("photos", [
    {
      [first]: dataUrl(redPictures.png),
      [second]: dataUrl(redPictures.webpLossy, "image/webp"),
      say: "Look",
    },
    // What the address calls it is not believed.
    { [first]: dataUrl(redPictures.png, "image/jpeg"), [second]: "none here", say: "Look again" },
  ]);
  await world.importRows(
    "hostile",
    HOSTILE.map(([bytes, type]) => ({ photo: dataUrl(bytes, type), say: "Look" })),
  );
  const { name } = await kit.provide("openai", "well", {
    models: [{ model: "sees", abilities: ["TEXT", "VISION"] }],
    say: () => "red",
  });
  const { run } = started.parse(
    await world.act(START, {
      input: {
        name: "photos",
        dataset: "photos",
        question: `{{${first}}} {{${second}}} {{say}}`,
        graders: ["people"],
        candidates: [{ model: `${name}/sees` }, { model: `${name}/sees`, systemPrompt: "Be short." }],
      },
    }),
  );
  await world.succeeded(run.id);
});
afterAll(async () => {
  await world?.close();
  await kit.close();
});

describe("where they are named", () => {
  test("rows, one row and tasks of raters name each column once, with where it is served", async () => {
    const { datasetVersionId: version, rows, row, ratingQueue } = await read("photos");
    const [first, second] = COLUMNS.map((column) => ({ column, url: fileOf(version, 0, column) }));
    const again = { column: COLUMNS[0], url: fileOf(version, 1, COLUMNS[0]) };
    expect(row.pictures).toEqual([first, second] as typeof row.pictures);
    expect(rows.nodes).toEqual([
      { row: 0, pictures: row.pictures },
      { row: 1, pictures: [again] },
    ]);
    expect(ratingQueue.tasks.toSorted((a, b) => a.row - b.row)).toEqual(rows.nodes);
  });

  test("a look before anything is asked names them too, one that cannot be read beside its problem", async () => {
    const PREVIEW = `query ($input: StartAssessmentInput!) { assessmentPreview(input: $input) { __typename
      ... on AssessmentPreviewSuccess { rows { row problem pictures { column url } } } ${ERRORS} } }`;
    const { name } = await kit.provide("openai", "well");
    const input = { dataset: "hostile", question: "{{photo}} {{say}}", graders: ["people"] };
    const found = await world.graphql(PREVIEW, {
      input: { ...input, candidates: [{ model: `${name}/some-model` }] },
    });
    const shape = z.object({
      assessmentPreview: z.object({
        rows: z.array(z.object({ row: z.number(), problem: z.string(), pictures: z.tuple([picture]) })),
      }),
    });
    const { rows } = shape.parse(found).assessmentPreview;
    expect(rows.map(({ problem }) => problem)).toEqual([
      "These bytes are no PNG, JPEG, WebP or GIF.",
      "These bytes are no PNG, JPEG, WebP or GIF.",
      "The JPEG picture is cut off or damaged.",
      expect.stringContaining("20000×20000 pixels"),
    ]);
    // None of them is served, whatever it calls itself.
    for (const { problem, pictures } of rows) {
      const response = await world.fetch(pictures[0].url ?? "");
      expect([response.status, await response.text()]).toEqual([422, expect.stringContaining(problem)]);
    }
  });
});

test("one that cannot be read fails its row alone, without asking the model, however many there are", async () => {
  // More in a row than an endpoint may fail before it is asked no more.
  const bad = limits.assessmentFailuresInRow + 5;
  await world.importRows(
    "mixed",
    [...Array.from({ length: bad }, () => noPictures.html), redPictures.png].map((bytes) => ({
      photo: dataUrl(bytes),
    })),
  );
  const models = [{ model: "sees", abilities: ["TEXT", "VISION"] }];
  const { name, server } = await kit.provide("openai", "well", { models, say: () => "red" });
  const input = { name: "mixed", dataset: "mixed", question: "{{photo}}", graders: ["regex:red"] };
  const { run } = started.parse(
    await world.act(START, { input: { ...input, candidates: [{ model: `${name}/sees` }] } }),
  );
  await world.succeeded(run.id);
  expect(server.asked.length).toBe(1);
  const found = await world.graphql(
    '{ assessment(name: "mixed") { answers(first: 50) { nodes { row text error { code } } } } }',
  );
  const nodes = [
    { row: 0, text: null, error: { code: "PICTURE_UNREADABLE" } },
    { row: bad, text: "red", error: null },
  ];
  expect(found).toEqual({ assessment: { answers: { nodes: expect.arrayContaining(nodes) } } });
});

describe("how each is served", () => {
  test("with its own type by its bytes, inert, and again only where it changed", async () => {
    const { datasetVersionId: version } = await read("photos");
    const kinds = [
      [0, COLUMNS[0], "image/png", redPictures.png],
      [0, COLUMNS[1], "image/webp", redPictures.webpLossy],
      [1, COLUMNS[0], "image/png", redPictures.png],
    ] as const;
    for (const [row, column, type, bytes] of kinds) {
      const response = await world.fetch(fileOf(version, row, column), { key: world.key("read") });
      expect(Object.fromEntries(response.headers)).toMatchObject({
        "content-type": type,
        "x-content-type-options": "nosniff",
        "content-security-policy": "default-src 'none'; sandbox",
        "cross-origin-resource-policy": "same-origin",
        "cache-control": "private, no-cache",
      });
      expect(await response.bytes()).toEqual(bytes);
      const etag = response.headers.get("etag") ?? "";
      const same = await world.fetch(fileOf(version, row, column), { headers: { "if-none-match": etag } });
      expect([same.status, (await same.bytes()).byteLength]).toEqual([304, 0]);
    }
  });

  test("not where there is none, and not to whoever may not read", async () => {
    const { datasetVersionId: version } = await read("photos");
    const codeOf = async (path: string): Promise<[number, string]> => {
      const response = await world.fetch(path);
      return [response.status, /"code":"(\w+)"/.exec(await response.text())?.[1] ?? ""];
    };
    for (const [row, column] of [
      [1, COLUMNS[1]],
      [0, "say"],
      [0, "__proto__"],
      [0, "constructor"],
      [0, ""],
      [2, COLUMNS[0]],
      ["999999999999999", COLUMNS[0]],
    ] as const)
      expect([row, column, ...(await codeOf(fileOf(version, row, column)))]).toEqual([
        ...[row, column],
        ...[404, "PICTURE_NOT_FOUND"],
      ]);
    for (const row of ["-1", "0x0", "1e0", "", "0/1"])
      expect([row, (await codeOf(fileOf(version, row, COLUMNS[0])))[0]]).toEqual([row, 404]);
    expect(await codeOf(fileOf("dsv_0nothing", 0, COLUMNS[0]))).toEqual([404, "DATASET_NOT_FOUND"]);
    const own = fileOf(version, 0, COLUMNS[0]);
    expect((await world.fetch(own, { method: "POST" })).status).toBe(405);
    expect((await world.fetch(own, { key: world.key("chat") })).status).toBe(403);
    expect((await fetch(`${world.server.url}${own}`)).status).toBe(401);
  });

  test("not to another project, which is told the same of a version that is none", async () => {
    const { datasetVersionId: version } = await read("photos");
    const { accounts, store, close } = await world.beside();
    const row = { id: newId("project"), name: "another", createdAt: 1 };
    await store.write((tx) => tx.insert(projects).values(row));
    const { secret: key } = await accounts.createMachineKey({
      ...{ name: "other", scopes: ["owner"], project: row.id },
    });
    await close();
    const said = async (id: string): Promise<[number, string]> => {
      const response = await world.fetch(fileOf(id, 0, COLUMNS[0]), { key });
      return [response.status, (await response.text()).replaceAll(id, "…")];
    };
    const foreign = await said(version);
    expect(foreign[0]).toBe(404);
    expect(foreign).toEqual(await said("dsv_0nothing"));
  });

  test("larger than a picture may be, it is refused before it is looked at", () => {
    const large = dataUrl(new Uint8Array(limits.pictureBytes + 1));
    expect(() => pictureIn("photo", large)).toThrow(`${limits.pictureBytes + 1} bytes`);
  });

  test("of a deleted dataset nothing is served, and rows say so; undone, they are there again", async () => {
    const { datasetVersionId: version } = await read("photos");
    const own = fileOf(version, 0, COLUMNS[0]);
    const { dataset } = z
      .object({ dataset: z.object({ id: z.string() }) })
      .parse(await world.graphql('{ dataset(name: "photos") { id } }'));
    await world.act(
      `mutation ($id: ID!) { delete(id: $id, confirm: true) { __typename ... on DeleteSuccess { id } ${ERRORS} } }`,
      dataset,
    );
    expect((await world.fetch(own)).status).toBe(404);
    const gone = { column: COLUMNS[0], url: null };
    const { row, ratingQueue } = await read("photos");
    expect(row.pictures[0]).toEqual(gone);
    expect(ratingQueue.tasks[0]?.pictures[0]).toEqual(gone);
    await world.act(`mutation ($id: ID!) { undelete(id: $id) { __typename ${ERRORS} } }`, dataset);
    expect((await world.fetch(own)).status).toBe(200);
    expect((await read("photos")).row.pictures[0]).toEqual({ column: COLUMNS[0], url: own });
  });
});
