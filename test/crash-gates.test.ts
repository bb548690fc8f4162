// kill -9 of the server as an overridden deployment is committed: the live model and the override are there, or neither.
import { afterAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { writeToyModel } from "../src/inference/toy.test-kit.ts";
import { makeHome, makeKey, placeIn, removeFolder, serve, until } from "./crash.test-kit.ts";

setDefaultTimeout(300_000);
const dir = mkdtempSync(join(tmpdir(), "espalier-kill-gates-"));
const home = makeHome(dir);
afterAll(() => removeFolder(dir));

const ERRORS = "... on UserError { code text: message }";
const names = z.object({
  liveModels: z.object({ nodes: z.array(z.object({ name: z.string() })) }),
  gateOverrides: z.object({ nodes: z.array(z.object({ name: z.string(), reason: z.string() })) }),
});

test.each([
  ["live.deploy.commit.before:1", 0],
  ["live.deploy.commit.after:1", 1],
] as const)("%s leaves %d", async (point, count) => {
  const place = placeIn(join(dir, point.replaceAll(/\W/g, "-")));
  const key = makeKey(home, place);
  const path = join(dir, "toy");
  await writeToyModel(path);
  const first = await serve(home, place, { key, crashAt: point });
  await first.act(
    `mutation { importModel(input: { name: "toy", path: ${JSON.stringify(path)} }) { __typename ${ERRORS} } }`,
  );
  const rows = '{"question":"q","answer":"a"}\n';
  const body = JSON.stringify({ name: "rows.jsonl", sizeBytes: rows.length });
  const { id } = z
    .object({ id: z.string() })
    .parse(await (await first.fetch("/uploads", { method: "POST", body })).json());
  await first.fetch(`/uploads/${id}`, { method: "PATCH", headers: { "upload-offset": "0" }, body: rows });
  await first.act(
    `mutation { importDataset(input: { name: "rows", uploadId: "${id}" }) { __typename ${ERRORS} } }`,
  );
  const there = z.object({ model: z.object({}), dataset: z.object({ latest: z.object({}) }) });
  const query = '{ model(name: "toy") { id } dataset(name: "rows") { latest { id } } }';
  await until(
    async () => there.safeParse(await first.graphql(query)).success || null,
    60_000,
    "the model and the rows",
  );
  await first.act(`mutation { startAssessment(input: { name: "exam", dataset: "rows", question: "{{question}}",
    reference: "answer", graders: ["exact"], candidates: [{ model: "toy" }], maxTokens: 2 }) { __typename ${ERRORS} } }`);
  await first.act(
    `mutation { createGate(name: "all", rule: { assessment: "exam", atLeast: 1 }) { __typename ${ERRORS} } }`,
  );
  const deploy = `mutation { deployModel(input: { modelId: "toy", name: "served", precision: FP32,
    overrideReason: "It has to be." }) { __typename ${ERRORS} } }`;
  // The answer does not come: the process dies under it.
  await first.act(deploy).catch(() => undefined);
  await first.exited;
  expect(first.signal()).toBe("SIGKILL");

  const second = await serve(home, place, { key });
  const found = names.parse(
    await second.graphql("{ liveModels { nodes { name } } gateOverrides { nodes { name reason } } }"),
  );
  expect(found.liveModels.nodes).toEqual(count === 0 ? [] : [{ name: "served" }]);
  expect(found.gateOverrides.nodes).toEqual(count === 0 ? [] : [{ name: "served", reason: "It has to be." }]);
  await second.stop();
});
