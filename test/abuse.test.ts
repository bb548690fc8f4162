// Hostile and wrong input through the executable: each case is refused under its own code, with name, value and mend;
// nothing half-made stays, and the server goes on.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { datasetCases, uploadCases } from "./abuse-datasets.ts";
import { toyFiles } from "./abuse-files.ts";
import { modelCases } from "./abuse-models.ts";
import { requestCases, trainingCases } from "./abuse-requests.ts";
import { type AbuseWorld, type Refusal, startAbuseWorld, turn } from "./abuse-world.ts";

setDefaultTimeout(60_000);
let w: AbuseWorld;
let before: Record<string, unknown>;
beforeAll(async () => {
  w = await startAbuseWorld();
  const made = async (work: Promise<Refusal | null>): Promise<void> => expect(await work).toBeNull();
  await made(w.importModel(await toyFiles(), "toy"));
  const row = (split: string) =>
    JSON.stringify({ messages: [turn("user", "What is it? ".repeat(9)), turn("assistant", "It.")], split });
  await made(w.importDataset("chats.jsonl", `${row("train")}\n${row("train")}\n`, { name: "chats" }));
  await made(w.importDataset("tested.jsonl", `${row("test")}\n`, { name: "tested" }));
  await made(w.importDataset("table.csv", "question,answer\na,b\n", { name: "table" }));
  const live = { modelId: "toy", name: "toy_live", precision: "FP32" };
  await made(w.outcome("deployModel", "DeployModelInput", live));
  await made(w.register("pet"));
  before = await w.left();
});
afterAll(() => w.close());

/** Of no use to a reader: the fault is ours, or nobody thought of it. */
const NO_CODES = ["INTERNAL", "FAULT", "RUN_FAILED", "REQUEST_FAILED", "INTERNAL_SERVER_ERROR", ""];

for (const [area, cases] of Object.entries({
  dataset: datasetCases,
  model: modelCases,
  upload: uploadCases,
  training: trainingCases,
  request: requestCases,
}))
  test.each(cases)(`${area}: %s → %s`, async (_, code, names, act) => {
    const refusal = await act(w);
    expect({ ...refusal, code: refusal?.code }).toMatchObject({ code });
    expect(NO_CODES).not.toContain(code);
    expect(`${refusal?.message} ${refusal?.value ?? ""}`).toMatch(names);
    expect(refusal?.hint ?? "").toMatch(/\w+ \w+/);
    // What a run leaves behind is removed right after its end.
    for (const until = Date.now() + 3_000; Date.now() < until && !Bun.deepEquals(await w.left(), before); )
      await Bun.sleep(20);
    expect(await w.left()).toEqual(before);
  });
