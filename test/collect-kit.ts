// For the tests of collecting: asks for previews and rows, and reads what a dataset holds.
import { z } from "zod";
import type { World } from "./world.ts";

export const ERRORS = "... on UserError { code text: message hint field value }";
const PREVIEW = `query ($input: CollectInput!) { collectPreview(input: $input) { rowCount rows
  leftOut { reason rows } warnings { code message rows needsConfirm } } }`;
const COLLECT = `mutation ($input: CollectInput!) { collectRows(input: $input) { __typename
  ... on CollectRowsSuccess { dataset { id name } run { id } collected { rowCount } } ${ERRORS} } }`;
const previewShape = z.object({
  collectPreview: z.object({
    rowCount: z.number(),
    rows: z.array(z.looseObject({})),
    leftOut: z.array(z.object({ reason: z.string(), rows: z.number() })),
    warnings: z.array(z.looseObject({ code: z.string(), needsConfirm: z.boolean() })),
  }),
});
const started = z.looseObject({
  dataset: z.object({ id: z.string(), name: z.string() }),
  run: z.object({ id: z.string() }),
});
const latestShape = z.object({
  dataset: z.object({
    latest: z.object({
      id: z.string(),
      number: z.number(),
      shape: z.string(),
      rowCount: z.number(),
      splits: z.unknown(),
      statistics: z.looseObject({ origins: z.unknown() }),
      rows: z.object({ rows: z.array(z.object({ value: z.looseObject({}) })) }),
    }),
  }),
});

/** Over the world of a test, which may start after the kit was made. */
export function createCollectKit(world: () => World) {
  const preview = async (input: object, key?: string) =>
    previewShape.parse(await world().graphql(PREVIEW, { input }, key)).collectPreview;
  const refused = (input: object, key?: string) => world().graphql(COLLECT, { input }, key);
  async function collect(input: object): Promise<void> {
    const { run } = started.parse(await world().act(COLLECT, { input }));
    await world().succeeded(run.id);
  }
  async function latest(name: string) {
    const query = `query ($name: String!) { dataset(name: $name) { latest { id number shape rowCount splits statistics
    rows(limit: 50) { rows { value } } } } }`;
    const { rows, ...rest } = latestShape.parse(await world().graphql(query, { name })).dataset.latest;
    return { ...rest, rows: rows.rows.map(({ value }) => value) };
  }
  async function importRows(name: string, rows: readonly object[], mapping?: object): Promise<void> {
    const text = rows.map((row) => `${JSON.stringify(row)}\n`).join("");
    const uploadId = await world().upload("rows.jsonl", new TextEncoder().encode(text));
    const answer = await world().act(
      `mutation ($input: ImportDatasetInput!) { importDataset(input: $input) { __typename
      ... on ImportDatasetSuccess { run { id } } ${ERRORS} } }`,
      { input: { name, uploadId, mapping } },
    );
    await world().succeeded(z.looseObject({ run: z.object({ id: z.string() }) }).parse(answer).run.id);
  }
  return { preview, refused, collect, latest, importRows };
}
