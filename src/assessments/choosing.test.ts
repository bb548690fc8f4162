import { expect, test } from "bun:test";
import type { Datasets, DatasetVersionRow } from "../datasets/datasets.ts";
import { createChooser, createRowReader } from "./choosing.ts";

/** A dataset of so many rows whose pages hold `most`; notes where each page begins. */
function datasetOf(count: number, most = 500) {
  const asked: number[] = [];
  const rows: Datasets["rows"] = async (_, { offset = 0, limit = 50 }) => {
    asked.push(offset);
    const length = Math.max(0, Math.min(limit, most, count - offset));
    const found = Array.from({ length }, (_, at) => ({ index: offset + at, value: { n: offset + at } }));
    return { rows: found, total: count, nextOffset: null } as Awaited<ReturnType<Datasets["rows"]>>;
  };
  return { asked, datasets: { rows } as Datasets };
}
const version = { id: "v" } as DatasetVersionRow;
const upTo = (count: number): number[] => Array.from({ length: count }, (_, at) => at);

test("every wanted row is read, however few a page holds", async () => {
  for (const most of [1, 7, 500]) {
    const { datasets } = datasetOf(200, most);
    const wanted = upTo(200).filter((row) => row % 3 !== 0);
    const read = createRowReader(datasets, version, "rows@1", wanted);
    expect(await Promise.all(wanted.map(read))).toEqual(wanted.map((n) => ({ n })));
  }
});

test("what comes next is read before it is asked for, and nothing twice", async () => {
  const { asked, datasets } = datasetOf(1000);
  const read = createRowReader(datasets, version, "rows@1", upTo(1000));
  await read(0);
  await Bun.sleep(0);
  expect(asked).toEqual([0, 32, 64]);
  await Promise.all([read(0), read(1), read(33), read(31)]);
  expect(asked).toEqual([0, 32, 64, 96]);
});

test("rows far apart are read one by one", async () => {
  const { asked, datasets } = datasetOf(10_000);
  const read = createRowReader(datasets, version, "rows@1", [5, 4_000, 9_999]);
  expect(await read(9_999)).toEqual({ n: 9_999 });
  expect(asked).toEqual([5, 4_000, 9_999]);
});

test("a row that is not there is a dataset that is gone", async () => {
  const { datasets } = datasetOf(10);
  const read = createRowReader(datasets, version, "rows@1", [3, 12]);
  await expect(read(12)).rejects.toMatchObject({ code: "DATASET_GONE" });
});

test("a choice is made once, whoever stops waiting for it, and every row is chosen without reading any", async () => {
  const { asked, datasets } = datasetOf(700);
  const choose = createChooser(datasets);
  const all = {
    split: null,
    sample: { kind: "all", size: null, seed: 1, by: null },
    dataset: "rows@1",
  } as const;
  expect(await choose({ ...version, rowCount: 700 }, all)).toEqual(upTo(700));
  expect(asked).toEqual([]);
  const strata = { ...all, sample: { ...all.sample, kind: "stratified", size: 7, by: "n" } } as const;
  const left = choose(version, strata, AbortSignal.abort(new Error("not waited for")));
  await expect(left).rejects.toThrow("not waited for");
  expect(await choose(version, strata)).toHaveLength(7);
  expect(asked).toEqual([0]);
});
