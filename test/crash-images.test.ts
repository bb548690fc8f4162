// kill -9 of the server at each point of making an image: after a restart the rest is made, and what was kept is not paid for again.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { makeHome, makeKey, placeIn, removeFolder, serve, until } from "./crash.test-kit.ts";
import { IMAGE_KEY, type ImageServer, startImageWire } from "./image-wire.ts";
import { ADD } from "./provider-kit.ts";

setDefaultTimeout(300_000);
const dir = mkdtempSync(join(tmpdir(), "espalier-kill-images-"));
const home = makeHome(dir);
let painter: ImageServer;
beforeAll(() => {
  painter = startImageWire("siliconflow");
});
afterAll(async () => {
  await painter.close();
  removeFolder(dir);
});

const START = `mutation { startImages(input: { model: "flow/kolors", prompt: "a fox", seed: 100, count: 3 }) {
  __typename ... on UserError { code text: message } } }`;
const shape = z.object({
  images: z.object({ nodes: z.array(z.object({ seed: z.number() })) }),
  runs: z.object({ nodes: z.array(z.object({ status: z.string(), attempt: z.number() })) }),
});
const QUERY = "{ images { nodes { seed } } runs(kind: MAKE_IMAGES) { nodes { status attempt } } }";

// The first image is answered, kept or counted when the process dies; two are asked for at once, so two may be lost.
test.each([
  ["run.make-images.answered:1", 0],
  ["run.make-images.kept:1", 1],
  ["run.make-images.kept:3", 3],
])("%s", async (point, keptBefore) => {
  const folder = join(dir, point.replaceAll(/\W/g, "-"));
  const place = placeIn(folder);
  const key = makeKey(home, place);
  const first = await serve(home, place, { key, crashAt: point });
  await first.act(ADD, {
    input: {
      name: "flow",
      kind: "siliconflow",
      url: painter.url,
      key: IMAGE_KEY,
      allowPrivate: true,
      models: [{ model: "kolors", abilities: ["IMAGE"] }],
    },
  });
  const before = painter.asked.length;
  // The answer may not come: the process dies under it.
  await first.act(START).catch(() => undefined);
  await first.exited;
  expect(first.signal()).toBe("SIGKILL");
  const paidBefore = painter.asked.length - before;

  const second = await serve(home, place, { key });
  const atRestart = shape.parse(await second.graphql(QUERY)).images.nodes.length;
  expect(atRestart).toBeGreaterThanOrEqual(keptBefore);
  await until(
    async () => shape.parse(await second.graphql(QUERY)).runs.nodes[0]?.status === "SUCCEEDED" || null,
    60_000,
    "the end of the run",
  );
  const { images, runs } = shape.parse(await second.graphql(QUERY));
  expect(images.nodes.map(({ seed }) => seed).sort()).toEqual([100, 101, 102]);
  expect(runs.nodes.length).toBe(1);
  // Only what was not kept was asked for once more.
  const paidAfter = painter.asked.length - before - paidBefore;
  expect(paidAfter).toBeLessThanOrEqual(3 - keptBefore);
  if (keptBefore === 3) expect(paidAfter).toBe(0);
  await second.stop();
});
