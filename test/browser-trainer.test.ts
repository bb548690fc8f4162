// A trainer that leaves in the middle of a run, seen in Chromium: killed, it is missed and its run goes back to the
// queue; another joins and goes on from the checkpoint; stopped, it hands its run back at once. No page is reloaded.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { writeToyModel } from "../src/inference/toy.test-kit.ts";
import { canTrain, narrow, root, startWalk, type Walk } from "./browser-kit.ts";

setDefaultTimeout(300_000);

const LEASE_MS = 12_000;
const python = process.env.ESPALIER_TRAINER_PYTHON ?? join(root, "trainer/.venv/bin/python");
const runState = z.object({
  trainings: z.object({
    nodes: z.tuple([
      z.object({
        id: z.string(),
        run: z.object({
          id: z.string(),
          status: z.string(),
          attempt: z.number(),
          step: z.number().nullable(),
          checkpointStep: z.number().nullable(),
          attempts: z.array(
            z.object({
              number: z.number(),
              worker: z.string().nullable(),
              outcome: z.string(),
              why: z.string().nullable(),
            }),
          ),
        }),
      }),
    ]),
  }),
});
const asking =
  "{ trainings { nodes { id run { id status attempt step checkpointStep attempts { number worker outcome why } } } } }";

let walk: Walk;
let killed: ReturnType<typeof startTrainer>;
const run = async () => runState.parse(await walk.graphql(asking)).trainings.nodes[0].run;
beforeAll(async () => {
  if (!canTrain) return;
  walk = await startWalk();
  await walk.setUp();
  walk.user.env.ESPALIER_LEASE_MS = String(LEASE_MS);
  await walk.restart();
  await writeToyModel(join(walk.user.work, "toy"));
  const rows = Array.from({ length: 60 }, (_, i) => JSON.stringify({ prompt: `q${i}`, completion: `a${i}` }));
  await Bun.write(join(walk.user.work, "rows.jsonl"), rows.join("\n"));
  const env = { ESPALIER_URL: walk.url(), ESPALIER_KEY: walk.key };
  for (const [kind, file] of [
    ["model", "toy"],
    ["dataset", "rows.jsonl"],
  ] as const) {
    const made = await walk.user.json([kind, "import", file, "--name", kind, "--wait"], { env });
    if (made.code !== 0) throw new Error(JSON.stringify(made.document));
  }
});
afterAll(() => walk?.close());

/** A process and all below it. */
function tree(pid: number): number[] {
  const children = readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, "utf8").split(" ").filter(Boolean).map(Number),
  );
  return [pid, ...children.flatMap(tree)];
}

function startTrainer() {
  const child = walk.user.start(["trainer", "--url", walk.url(), "--token", walk.key, "--python", python]);
  for (const stream of [child.stdout, child.stderr]) void new Response(stream).text();
  return child;
}

/** Follows a link of the navigation: no reload, so what a page shows came to it by itself. */
const go = (name: string) =>
  walk.page
    .locator(".e-nav-places a", { hasText: new RegExp(`^${name}`) })
    .first()
    .click();
const customized = () => walk.page.locator("[data-stage=customized]");

test.skipIf(!canTrain)("a trainer that joins turns the map on, while it is looked at", async () => {
  const { page } = walk;
  await walk.open("/");
  await walk.button("No trainer: training is off").waitFor();
  await customized().locator("xpath=self::*[@data-off]").waitFor();
  await customized().getByRole("button", { name: "Add a trainer" }).waitFor();
  killed = startTrainer();
  await page.getByText(/^Trainer on /).waitFor({ timeout: 120_000 });
  await walk.button("No trainer: training is off").waitFor({ state: "detached" });
  await customized().getByRole("link", { name: "Train" }).waitFor();
  expect(await customized().getAttribute("data-off")).toBeNull();
});

test.skipIf(!canTrain)(
  "killed in the middle of a run, it is missed within seconds, and the run goes back to the queue",
  async () => {
    const { page } = walk;
    const { datasets } = z
      .object({
        datasets: z.object({
          nodes: z.array(z.object({ name: z.string(), latest: z.object({ id: z.string() }).nullable() })),
        }),
      })
      .parse(await walk.graphql("{ datasets { nodes { name latest { id } } } }"));
    const input = {
      name: "long",
      baseId: "model",
      datasetVersionId: datasets.nodes.find(({ name }) => name === "dataset")?.latest?.id,
      method: "sft",
      parameters: { max_steps: 100_000, save_steps: 20, eval_steps: 0, logging_steps: 10 },
    };
    const started = await walk.act(
      "mutation ($input: StartTrainingInput!) { startTraining(input: $input) { __typename ... on StartTrainingSuccess { training { id } } ... on UserError { code message } } }",
      { input },
    );
    expect(started.__typename).toBe("StartTrainingSuccess");
    await go("Training");
    await page.getByRole("link", { name: "long" }).click();
    await page.getByText(/^On .+, attempt 1$/).waitFor();
    while ((await run()).checkpointStep === null) await Bun.sleep(100);

    const family = tree(killed.pid);
    expect(family.length).toBeGreaterThanOrEqual(2);
    const from = performance.now();
    for (const pid of family.reverse()) process.kill(pid, "SIGKILL");
    const notice = page.getByRole("status").filter({ hasText: "was last heard from" });
    await notice.waitFor();
    expect(performance.now() - from).toBeLessThan(LEASE_MS);
    expect((await run()).status).toBe("RUNNING");
    expect(await notice.innerText()).toMatch(
      /^The trainer .+ was last heard from \d+ s ago\.\s+Unless it comes back, the run goes back to the queue at .+ and continues from its last checkpoint at step \d+ when a trainer is there\.$/,
    );
    await page
      .locator(".e-pill", { hasText: /^trainer not heard from$/ })
      .first()
      .waitFor();
    await walk.picture("training-trainer-missed");
    await go("Trainers");
    await page.getByText(/^not heard from for \d+ s$/).waitFor();
    await go("Process map");
    await customized().getByText("Its trainer is not heard from").waitFor();

    // The lease runs out while the map is looked at.
    await customized().getByText("Waits for a trainer").waitFor({ timeout: LEASE_MS });
    expect(performance.now() - from).toBeLessThan(LEASE_MS + 5_000);
    await walk.button("No trainer: training is off").waitFor();
    await page.locator(".e-trainer-line", { hasText: "No trainer" }).waitFor();
    expect(await customized().getAttribute("data-off")).not.toBeNull();
    await go("Trainers");
    await page.locator(".e-pill", { hasText: /^gone$/ }).waitFor();
    await go("Runs");
    await page.locator(".e-pill", { hasText: /^queued again$/ }).waitFor();
    await go("Training");
    await page.locator(".e-pill", { hasText: /^queued again$/ }).waitFor();
    await page.getByRole("link", { name: "long" }).click();
    const waits = page.getByRole("status").filter({ hasText: "It waits for a trainer; none is connected." });
    await waits.filter({ hasText: "went back to the queue" }).waitFor();
    const { attempts, checkpointStep, status } = await run();
    expect(await waits.innerText()).toContain(
      `went back to the queue: its trainer was silent for too long. The next one continues from the checkpoint at step ${checkpointStep}.`,
    );
    expect({ status, attempts }).toEqual({
      status: "QUEUED",
      attempts: [
        {
          number: 1,
          worker: expect.any(String),
          outcome: "lost",
          why: "its worker has been silent for too long",
        },
      ],
    });
    await walk.look("training-waits", { dark: true });
    await walk.within(narrow, () => walk.look("training-waits-narrow", { picture: false }));
  },
);

test.skipIf(!canTrain)(
  "the next trainer goes on from the checkpoint; stopped, it hands the run back at once",
  async () => {
    const { page } = walk;
    const { checkpointStep } = await run();
    const next = startTrainer();
    await page.getByText(/^On .+, attempt 2$/).waitFor({ timeout: 120_000 });
    await page.getByText(`going on after step ${checkpointStep}`).waitFor();
    const list = page.getByRole("list", { name: "Attempts" });
    await list.getByText("back to the queue: its trainer was silent for too long").waitFor();
    await list.getByText("running", { exact: true }).waitFor();
    await walk.look("training-again", { picture: false });

    const family = tree(next.pid);
    const from = performance.now();
    next.kill("SIGTERM");
    await page.getByRole("status").filter({ hasText: "its trainer was stopped" }).waitFor();
    // Long before its lease would have run out.
    expect(performance.now() - from).toBeLessThan(LEASE_MS / 2);
    await walk.button("No trainer: training is off").waitFor();
    await next.exited;
    expect(family.filter((pid) => existsSync(`/proc/${pid}`))).toEqual([]);
    expect((await run()).attempts.map(({ outcome, why }) => [outcome, why])).toEqual([
      ["lost", "its worker has been silent for too long"],
      ["lost", "its trainer was stopped"],
    ]);
    expect(walk.faults).toEqual([]);
  },
);
