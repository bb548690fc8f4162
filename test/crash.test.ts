// kill -9 of the server at every named point of import, training, save, deploy and register, through the executable:
// after a restart the work completes by itself, with the same bytes, and nothing that was acknowledged is lost.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, utimesSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeToyModel } from "../src/inference/toy.test-kit.ts";
import { uniform as seededUniform } from "../src/kit/random.ts";
import {
  copyPlace,
  type Facts,
  factsOf,
  freePort,
  halfMade,
  makeHome,
  makeKey,
  type Place,
  placeIn,
  python,
  removeFolder,
  serve,
  startTrainer,
  type TrainerProcess,
  until,
} from "./crash.test-kit.ts";
import { drive, type Stage, stagesOf } from "./crash-stages.test-kit.ts";

setDefaultTimeout(900_000);
const amount = process.env.ESPALIER_TESTS ?? "sample";
const isQuick = amount === "quick";
const canTrain = existsSync(python) && !isQuick;
const seed = Number(process.env.ESPALIER_SEED ?? 7);

const dir = mkdtempSync(join(tmpdir(), "espalier-kill-"));
const home = makeHome(dir);
const START = join(dir, "start");
const STAGES = stagesOf(join(dir, "toy"));

type Prepared = { stage: Stage; before: string; expected: Facts; passed: Map<string, number> };
const prepared: Prepared[] = [];
let key = "";
let port = 0;
let trainer: TrainerProcess | undefined;

beforeAll(async () => {
  await writeToyModel(join(dir, "toy"));
  key = makeKey(home, placeIn(START));
  port = await freePort();
  if (canTrain) trainer = startTrainer(home, port, key);
  let before = START;
  for (const stage of canTrain ? STAGES : STAGES.slice(0, 2)) {
    const after = join(dir, `after-${stage.name}`);
    const place = copyPlace(before, after);
    const options = { key, port: stage.needsTrainer ? port : 0, crashAt: "trace" };
    const server = await serve(home, place, options);
    await drive(server, stage);
    const passed = new Map<string, number>();
    for (const point of server.passed()) {
      const [name = "", count = "1"] = point.split(":");
      passed.set(name, Number(count));
    }
    expect(await server.stop()).toBe(0);
    prepared.push({ stage, before, expected: await factsOf(place), passed });
    before = after;
  }
});

afterAll(async () => {
  await trainer?.stop();
  removeFolder(dir);
});

type Strike = { at: Prepared; name: string; hit: number };

/** Kills at a point and brings the work to its end. Returns what was wrong, or null when the point was not reached. */
async function strike({ at, name, hit }: Strike): Promise<string[] | null> {
  const { stage, before, expected } = at;
  const folder = join(dir, `strike-${stage.name}-${name}-${hit}`);
  const place = copyPlace(before, folder);
  const own = { key, port: stage.needsTrainer ? port : 0 };
  const armed = await serve(home, place, { ...own, crashAt: `${name}:${hit}` });
  let acknowledged: string | null = null;
  if (!armed.isDead())
    await drive(armed, stage, (id) => {
      acknowledged = id;
    }).catch(() => undefined);
  if (!armed.isDead()) await Promise.race([armed.exited, Bun.sleep(1_000)]);
  const wasHit = armed.isDead() && armed.signal() === "SIGKILL";
  if (!wasHit) {
    await armed.stop();
    removeFolder(folder);
    return null;
  }
  const wrong: string[] = [];
  let again = await serve(home, place, own);
  try {
    wrong.push(...(await halfMade(place)));
    const found = await stage.find(again);
    if (acknowledged !== null && found?.id !== acknowledged)
      wrong.push(`${acknowledged} was acknowledged and is gone`);
    await drive(again, stage);
    if (await ageUploads(place)) {
      await again.stop();
      again = await serve(home, place, own);
      await until(
        () => readdirSync(join(place.data, "uploads")).length === 0 || null,
        10_000,
        "the uploads to go",
      );
    }
  } catch (error) {
    wrong.push(
      `${error instanceof Error ? error.message : error}; the server said: ${again.said().slice(-800)}`,
    );
  }
  if ((await again.stop()) !== 0) wrong.push("the server did not stop cleanly");
  wrong.push(...differences(await factsOf(place), expected));
  if (wrong.length === 0) removeFolder(folder);
  return wrong;
}

/** An upload whose request was cut off belongs to nobody; the server forgets it after a day. */
async function ageUploads(place: Place): Promise<boolean> {
  const uploads = join(place.data, "uploads");
  const left = existsSync(uploads) ? readdirSync(uploads) : [];
  for (const id of left)
    for (const path of [
      ".",
      "files",
      ...readdirSync(join(uploads, id, "files")).map((name) => `files/${name}`),
    ])
      utimesSync(join(uploads, id, path), 1, 1);
  return left.length > 0;
}

function differences(found: Facts, expected: Facts): string[] {
  const keys = Object.keys(expected).filter((one): one is keyof Facts => one in expected);
  return keys.flatMap((one) => {
    const [is, was] = [JSON.stringify(found[one]), JSON.stringify(expected[one])];
    return is === was ? [] : [`${one}: ${is.slice(0, 600)} instead of ${was.slice(0, 600)}`];
  });
}

/** How often these come depends on time, so only their first hits can be asked for. */
const TIMED = /heartbeat|events/;
/** Written only when a trainer has been there for some seconds, which a quick stage may never see. */
const RARE = /^trainer\.seen\./;

/** Every name at its first, middle and last hit; a sample takes each name once, at a stage and hit by the seed. */
function chooseStrikes(): Strike[] {
  const uniform = seededUniform(seed);
  const all = new Map<string, Strike[]>();
  for (const at of prepared)
    for (const [name, count] of at.passed) {
      // Only a training lasts long enough to be sure of them.
      if (RARE.test(name) || (TIMED.test(name) && !at.stage.needsTrainer)) continue;
      const hits = TIMED.test(name) ? [1] : [1, Math.ceil(count / 2), count];
      for (const hit of new Set(hits)) all.set(name, [...(all.get(name) ?? []), { at, name, hit }]);
    }
  return [...all.values()].flatMap((strikes) =>
    amount === "long" ? strikes : [strikes[Math.floor(uniform() * strikes.length)] ?? []].flat(),
  );
}

test("an uninterrupted life passes at least fifty named points and leaves what every other one must", () => {
  const names = new Set(prepared.flatMap(({ passed }) => [...passed.keys()]));
  expect(names.size).toBeGreaterThanOrEqual(isQuick ? 20 : 50);
  const last = prepared.at(-1)?.expected;
  expect(last?.versions.length).toBe(1);
  expect(last?.strayFolders).toEqual([]);
  if (!canTrain) return;
  expect(Object.keys(last?.losses ?? {})).toEqual(Array.from({ length: 12 }, (_, i) => `${i + 1}`));
  expect(last?.live).toEqual([["served", "live", "fp32", last?.live[0]?.[3]]]);
  expect(last?.live[0]?.[3]).toBeString();
  expect(last?.aliases).toEqual(["helper"]);
  expect(last?.graphs.length).toBeGreaterThan(0);
});

test("killed at each point, the work completes after the restart with the same bytes", async () => {
  const strikes = chooseStrikes();
  const failures: Record<string, string[]> = {};
  const hit = new Set<string>();
  const missed: string[] = [];
  const lane = async (own: Strike[]): Promise<void> => {
    for (const one of own) {
      const label = `${one.at.stage.name}/${one.name}:${one.hit}`;
      const from = performance.now();
      const wrong = (await strike(one)) ?? (TIMED.test(one.name) ? await strike(one) : null);
      if (process.env.ESPALIER_VERBOSE) console.log(label, Math.round(performance.now() - from), wrong);
      if (wrong === null) missed.push(label);
      else hit.add(label);
      if (wrong && wrong.length > 0) failures[label] = wrong;
    }
  };
  await Promise.all([
    lane(strikes.filter(({ at }) => at.stage.needsTrainer)),
    lane(strikes.filter(({ at }) => !at.stage.needsTrainer)),
  ]);
  const names = new Set([...hit].map((label) => label.replace(/^[^/]+\/|:\d+$/g, "")));
  console.log(`${strikes.length} points, ${hit.size} hit (${names.size} names, seed ${seed})`);
  expect({ failures, missed }).toEqual({ failures: {}, missed: [] });
  expect(names.size).toBeGreaterThanOrEqual(isQuick ? 20 : 50);
});
