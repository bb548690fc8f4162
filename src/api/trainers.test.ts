// Whether a trainer is there: from its signs of life, by the clock, with news to whoever listens.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { contractVersion, leaseWaitMs } from "../../schema/trainer.ts";
import { createOutbound } from "../inference/remote/outbound.ts";
import { limits } from "../kit/limits.ts";
import { createLog } from "../kit/log.ts";
import { createNotifications } from "../notifications/notifications.ts";
import { createRuns, type Runs } from "../runs/runs.ts";
import { createSecrets } from "../store/secrets.ts";
import { openStore, type Store } from "../store/store.ts";
import { createTrainerRegistry, type TrainerRegistry, type TrainerRow } from "./trainers.ts";

const LEASE_MS = 30_000;
const hello = {
  contractVersion,
  name: "t",
  host: { hostname: "h", os: "o", arch: "a", python: "3", packages: {}, cpuCount: 1, memoryBytes: 1 },
  devices: [{ kind: "cpu", name: "c", memoryBytes: 1 }],
  methods: [],
} as const;

let folder: string;
let store: Store;
let runs: Runs;
let registry: TrainerRegistry;
let time = 1_000_000;
const clock = (): number => time;
const log = createLog({ level: "silent" });
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "espalier-trainers-"));
  store = await openStore({ dataDir: folder, log });
  runs = createRuns({ store, clock, log });
  const secrets = createSecrets({ dataDir: folder });
  const outbound = createOutbound({ clock });
  const notifications = createNotifications({ store, runs, clock, log, secrets, outbound });
  registry = createTrainerRegistry({ store, runs, notifications, clock, leaseMs: LEASE_MS });
});
afterEach(async () => {
  registry.close();
  await store.close();
  await rm(folder, { recursive: true, force: true });
});

const greet = (): Promise<TrainerRow> =>
  registry.hello({ ...hello, devices: [...hello.devices], methods: [] }, "p");
async function presence(id: string): Promise<string> {
  const row = await registry.find(id);
  return row ? registry.presenceOf(row) : "none";
}

test("one that waits for work is there for as long as it may wait, then silent, then away", async () => {
  const { id } = await greet();
  await registry.seen(id, "p", { withinMs: leaseWaitMs });
  const seen: [number, string][] = [];
  const from = time;
  for (const ms of [
    leaseWaitMs,
    leaseWaitMs + limits.trainerQuietMs,
    leaseWaitMs + limits.trainerQuietMs + 1,
  ]) {
    time = from + ms;
    seen.push([ms, await presence(id)]);
  }
  time = from + LEASE_MS + 1;
  expect([...seen, await presence(id)]).toEqual([
    [leaseWaitMs, "there"],
    [leaseWaitMs + limits.trainerQuietMs, "there"],
    [leaseWaitMs + limits.trainerQuietMs + 1, "silent"],
    "away",
  ]);
});

test("one that hangs up while it waits is silent at once, and there again when it calls", async () => {
  const { id } = await greet();
  await registry.seen(id, "p", { withinMs: leaseWaitMs });
  time += 10;
  registry.hungUp(id);
  time += 1;
  expect(await presence(id)).toBe("silent");
  await registry.seen(id, "p", { withinMs: leaseWaitMs });
  expect(await presence(id)).toBe("there");
});

test("one that says goodbye is away at once, and back with its next hello", async () => {
  const { id } = await greet();
  await registry.goodbye(id, "p");
  expect(await presence(id)).toBe("away");
  expect((await greet()).id).toBe(id);
  expect(await presence(id)).toBe("there");
  await expect(registry.goodbye(id, "other")).rejects.toMatchObject({ code: "TRAINER_NOT_FOUND" });
});

test("what it holds is silent when no heartbeat came in time, with the end of its lease", async () => {
  const { id } = await greet();
  const made = await store.write((tx) =>
    runs.createRun(tx, { projectId: "p", kind: "train", executor: "trainer", name: "x", spec: {} }),
  );
  await runs.claim({ executor: "trainer", owner: id, leaseMs: LEASE_MS });
  const held = async () => registry.holdOf(await runs.get(made.id));
  expect(await held()).toMatchObject({
    trainerId: id,
    heardAt: time,
    until: time + LEASE_MS,
    isSilent: false,
  });
  time += limits.trainerQuietMs + 1;
  expect(await held()).toMatchObject({ isSilent: true });
  await runs.heartbeat(made.id, 1, LEASE_MS);
  expect(await held()).toMatchObject({ isSilent: false });
  await runs.giveBack(made.id, 1, "its trainer was stopped");
  expect(await held()).toBeNull();
});

test("who listens is told of a trainer that comes, leaves, or falls silent", async () => {
  const told: string[] = [];
  const leave = registry.subscribe((row) => void told.push(registry.presenceOf(row)));
  const next = async (): Promise<string> => {
    const count = told.length;
    for (let tries = 0; told.length === count && tries < 300; tries++) await Bun.sleep(10);
    return told.at(-1) ?? "none";
  };
  const came = next();
  const { id } = await greet();
  expect(await came).toBe("there");
  const silent = next();
  time += limits.trainerQuietMs + 1;
  expect(await silent).toBe("silent");
  const left = next();
  await registry.goodbye(id, "p");
  expect(await left).toBe("away");
  leave();
});

test("how busy its machine is stands as it said last, until it is away", async () => {
  const { id } = await greet();
  const loadNow = async () => {
    const row = await registry.find(id);
    return row ? registry.loadOf(row) : null;
  };
  expect(await loadNow()).toBeNull();
  const load = { cpuShare: 0.5, memoryBytes: 7, gpus: [{ memoryBytes: 3 }] };
  await registry.seen(id, "p", { load });
  await registry.seen(id, "p");
  expect(await loadNow()).toEqual(load);
  time += LEASE_MS + limits.trainerQuietMs + 1;
  expect(await loadNow()).toBeNull();
});
