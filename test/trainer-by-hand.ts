// A trainer that speaks the contract by hand: it takes runs, delivers a toy adapter, and can say what is wrong.
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { contractVersion, finishResponse, helloResponse, leaseResponse } from "../schema/trainer.ts";
import { writeToyAdapter } from "../src/inference/toy.test-kit.ts";
import { sha256 } from "../src/kit/hash.ts";
import type { World } from "./world.ts";

export const hello = {
  contractVersion,
  name: "by hand",
  host: {
    hostname: "here",
    os: "linux",
    arch: "x64",
    python: "3.11",
    packages: {},
    cpuCount: 2,
    memoryBytes: 1,
  },
  devices: [{ kind: "cpu", name: "cpu", memoryBytes: 1 }],
  methods: [],
};

type Held = { id: string; attempt: number };

/** Checks in with the world's trainer key. Adapters fit `writeToyModel`. */
export async function joinByHand(world: Pick<World, "folder" | "key" | "fetch">) {
  const key = world.key("trainer");
  const adapter = join(world.folder, "adapter");
  await writeToyAdapter(adapter);
  /** One message of a trainer. */
  const say = (path: string, body: unknown): Promise<Response> =>
    world.fetch(`/trainer/v1/${path}`, { method: "POST", key, body: JSON.stringify(body) });
  const put = (run: Held, name: string, bytes: Uint8Array<ArrayBuffer>, hash = sha256(bytes)) =>
    world.fetch(`/trainer/v1/runs/${run.id}/artifacts/${name}`, {
      method: "PUT",
      key,
      headers: { "x-sha256": hash, "x-attempt": String(run.attempt) },
      body: bytes,
    });
  const { trainerId } = helloResponse.parse(await (await say("hello", hello)).json());

  return {
    trainerId,
    say,
    put,
    /** The next run. @throws ZodError when there is none within five seconds */
    async lease() {
      return leaseResponse.parse(await (await say("lease", { trainerId, waitMs: 5000 })).json());
    },
    /** Delivers the adapter and ends the run; says it twice, as after a lost answer: nothing is made twice. */
    async deliver(run: Held): Promise<void> {
      const artifacts: unknown[] = [];
      for (const name of await readdir(adapter)) {
        const bytes = new Uint8Array(await readFile(join(adapter, name)));
        const response = await put(run, name, bytes);
        if (response.status !== 200) throw new Error(await response.text());
        artifacts.push(await response.json());
      }
      const result = {
        steps: 2,
        totalSteps: 2,
        trainLoss: 1,
        evalLoss: null,
        trainRows: 8,
        validationRows: 0,
        skippedRows: 0,
        trainedTokens: 24,
        trainableParameters: 1,
        durationMs: 5,
        parameters: {},
      };
      const finish = { attempt: run.attempt, status: "succeeded", artifacts, result };
      for (const _ of [1, 2]) {
        const response = await say(`runs/${run.id}/finish`, finish);
        const text = await response.text();
        if (finishResponse.parse(JSON.parse(text)).status !== "succeeded") throw new Error(text);
      }
    },
  };
}
