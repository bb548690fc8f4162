// The lifecycle in Chromium through the executable: a trainer joins, two trainings, every path to a live model, alias.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { z } from "zod";
import { canTrain, narrow, startWalk, type Walk, wantsPictures } from "./browser-kit.ts";
import {
  answerBy,
  deployHere,
  endForGood,
  openFrom,
  QUESTION,
  readGeneratedName,
  readLive,
  readTraining,
} from "./browser-models.ts";
import { leaveAndChangeNames } from "./browser-names.ts";

setDefaultTimeout(900_000);

const steps = wantsPictures ? 60 : 12;
let walk: Walk;
let base: { id: string; name: string; hash: string };
beforeAll(async () => {
  if (!canTrain) return;
  walk = await startWalk();
  await walk.setUp();
  base = (await walk.samples()).baseModels.nodes[0];
});
afterAll(() => walk?.close());

const training = (name: string) => readTraining(walk, name);
const liveModel = (name: string) => readLive(walk, name);
const answerOf = (model: string) => answerBy(walk, model);
const openThing = (list: string, name: string) => openFrom(walk, list, name);
const generated = (model: string, step: string, precision?: string) =>
  readGeneratedName(walk, model, step, precision);
const deploy = (name: string) => deployHere(walk, name);

test.skipIf(!canTrain)(
  "R4 training-free mode: pages say that training is off; a trainer joins without a restart",
  async () => {
    const { page } = walk;
    const places = "base-models datasets trainings customized live chat settings".split(" ");
    for (const path of ["", ...places]) {
      await walk.open(`/${path}`);
      await walk.button("No trainer: training is off").waitFor();
    }
    expect(await walk.graphql("{ trainers { nodes { id } } processMap { trainerHint } }")).toMatchObject({
      trainers: { nodes: [] },
      processMap: { trainerHint: expect.stringContaining("espalier trainer") },
    });
    await walk.open("/train");
    await page.getByText("No trainer yet").waitFor();
    await walk.button("No trainer: training is off").click();
    await walk.button("Make a key for it").click();
    const shown = await walk.dialog().locator("pre", { hasText: "--token esp_" }).textContent();
    const [, token = ""] = /--token (\S+)/.exec(shown ?? "") ?? [];
    walk.startTrainer(token);
    await walk.dialog().getByText("has checked in", { exact: false }).waitFor({ timeout: 300_000 });
    await walk.button("Done").click();
    await walk.button("No trainer: training is off").waitFor({ state: "detached" });
    await page.getByText("No trainer yet").waitFor({ state: "detached" });
    await walk.until(
      "{ trainers { nodes { status } } processMap { trainerHint stages { key available } } }",
      z.object({
        trainers: z.object({ nodes: z.tuple([z.object({ status: z.literal("idle") })]) }),
        processMap: z.object({
          trainerHint: z.null(),
          stages: z.array(z.object({ available: z.literal(true) })),
        }),
      }),
    );
    await walk.open("/trainers");
    await page.getByText("idle", { exact: true }).waitFor();
    await walk.look("trainers");
  },
);

test.skipIf(!canTrain)(
  "R42 parameters: each of the method's is in the form with its words, and a wrong one is refused",
  async () => {
    const { page } = walk;
    await walk.open("/train");
    await walk.button(/^\d+ more parameters$/).click();
    const { methods } = z
      .object({
        methods: z.tuple([
          z.object({
            parameters: z.object({
              properties: z.record(
                z.string(),
                z.looseObject({ title: z.string(), description: z.string(), default: z.unknown() }),
              ),
            }),
          }),
        ]),
      })
      .parse(await walk.graphql("{ methods { parameters } }"));
    const all = Object.entries(methods[0].parameters.properties);
    expect(all.length).toBeGreaterThanOrEqual(20);
    for (const [name, { description, default: fallback }] of all) {
      const field = page.locator(`input[name="${name}"]`);
      expect([name, await field.first().inputValue()]).toEqual([name, String(fallback)]);
      expect([name, await page.getByText(description, { exact: true }).count()]).toEqual([name, 1]);
    }
    await page.getByLabel("Adapted layers").fill("no layer!");
    expect(await page.getByRole("alert").first().textContent()).toContain("target_modules");
    await page.getByLabel("Name", { exact: true }).fill("refused");
    await walk.button("Train refused").click();
    await page.locator("[aria-invalid=true][name=target_modules]").waitFor();
    expect(await walk.graphql("{ trainings { totalCount } }")).toEqual({ trainings: { totalCount: 0 } });
  },
);

test.skipIf(!canTrain)(
  "R45 live curves: loss and log while it runs; a reload and a restart of the server lose nothing",
  async () => {
    const { page } = walk;
    await walk.open("/train");
    await page.getByLabel("Steps", { exact: true }).fill(String(steps));
    await page.getByLabel("Learning rate", { exact: true }).fill("0.001");
    await page.locator("mark").first().waitFor();
    await page.getByText("Memory", { exact: true }).waitFor();
    await page.getByLabel("Name", { exact: true }).fill("support-router");
    await walk.look("start-training");
    await walk.button("Train support-router").click();
    await walk.heading("support-router").waitFor();
    const curve = page.getByRole("img", { name: /^Loss: Loss \d/ });
    await curve.waitFor({ timeout: 600_000 });
    await page.getByText(new RegExp(`step \\d+ of ${steps}`)).waitFor();
    await walk.look("training-live", { picture: false });
    const before = (await training("support-router")).metrics.length;
    expect(before).toBeGreaterThan(0);
    await walk.restart();
    await page.reload();
    await curve.waitFor();
    expect((await training("support-router")).metrics.length).toBeGreaterThanOrEqual(before);
    await page.getByRole("link", { name: "Compare with its base in chat" }).waitFor({ timeout: 800_000 });

    const { metrics, parameters, run } = await training("support-router");
    expect(run.status).toBe("SUCCEEDED");
    expect(parameters).toMatchObject({ max_steps: steps, learning_rate: 0.001 });
    expect(metrics.filter(({ loss }) => loss !== null).map(({ step }) => step)).toEqual(
      Array.from({ length: steps }, (_, index) => index + 1),
    );
    expect(metrics.at(-1)?.loss ?? 9).toBeLessThan(metrics[0]?.loss ?? 0);
    await page.getByLabel("Search the log").fill("no line has this");
    await page.getByText("No line matches.").waitFor();
    await page.getByLabel("Search the log").fill("");
    await page.getByText("No line matches.").waitFor({ state: "detached" });
    await walk.look("training", { dark: true, keys: true });
  },
);

test.skipIf(!canTrain)("side by side: base and customized answer under one composer", async () => {
  const { page } = walk;
  await page.getByRole("link", { name: "Compare with its base in chat" }).click();
  await walk.button("Parameters").click();
  await walk
    .button(/Use the system prompt of/)
    .first()
    .click();
  await page.getByLabel("Most tokens of a reply").fill("48");
  await walk.look("chat-parameters");
  await page.keyboard.press("Escape");
  await walk.dialog().waitFor({ state: "detached" });
  const replies = await walk.say(QUESTION, 2);
  expect(replies).toHaveLength(2);
  expect(replies[1]).toContain('"team"');
  await walk.look("chat", { dark: true, keys: true });
  const column = z.object({
    models: z.array(z.string()),
    messages: z.object({ nodes: z.array(z.object({ role: z.string(), text: z.string() })) }),
  });
  const kept = z.object({
    conversations: z.object({ nodes: z.tuple([column.extend({ beside: z.tuple([column]) })]) }),
  });
  const { conversations } = kept.parse(
    await walk.asPerson(
      "{ conversations { nodes { models messages(first: 9) { nodes { role text } } beside { models messages(first: 9) { nodes { role text } } } } } }",
    ),
  );
  const [{ models, beside }] = conversations.nodes;
  expect([models, beside[0].models]).toEqual([[base.name], ["support-router"]]);
  const said = beside[0].messages.nodes;
  expect(replies[1]).toContain(said.at(-1)?.text.trim() ?? "no reply");
});

test.skipIf(!canTrain)(
  "R62 customized, save: the adapter's page names its base; saved, it equals base and adapter",
  async () => {
    const { page } = walk;
    await openThing("/customized", "support-router");
    await walk.look("customized", { keys: true });
    await page.getByText(base.hash.slice(0, 16)).waitFor();
    const { customizedModels } = await walk.graphql(
      "{ customizedModels { nodes { name hash rank base { hash } training { name } } } }",
    );
    expect(customizedModels).toEqual({
      nodes: [
        {
          name: "support-router",
          hash: expect.stringMatching(/^[0-9a-f]{64}$/),
          rank: 8,
          base: { hash: base.hash },
          training: { name: "support-router" },
        },
      ],
    });
    await walk.button("Save as complete model").click();
    await walk.dialog().getByLabel("Name of the complete model").fill("support-router-complete");
    await walk.button("Save support-router", walk.dialog()).click();
    await page.getByRole("link", { name: "Open the complete model" }).click({ timeout: 600_000 });
    await walk.heading("support-router-complete").waitFor();
    await page.getByText("Merged equals base and adapter").waitFor();
    const { completeModels } = z
      .object({
        completeModels: z.object({
          nodes: z.tuple([
            z.object({ verification: z.looseObject({ maxDifference: z.number(), tolerance: z.number() }) }),
          ]),
        }),
      })
      .parse(await walk.graphql("{ completeModels { nodes { verification } } }"));
    const { maxDifference, tolerance } = completeModels.nodes[0].verification;
    expect(maxDifference).toBeLessThan(tolerance);
    await walk.look("complete", { keys: true });
    expect(await answerOf("support-router-complete")).toBe(await answerOf("support-router"));
  },
);

test.skipIf(!canTrain)(
  "R60 six paths: train, save and deploy in every order, and a base model at once",
  async () => {
    const { page } = walk;
    // A training that saves: from base to complete at once. Its names are left to the server.
    const trained = await generated(base.name, "TRAIN");
    await walk.open("/train");
    await page.getByLabel("Steps", { exact: true }).fill("2");
    await page.getByLabel("Save as a complete model when done").check();
    await walk.button(`Train ${trained}`).click();
    await walk.heading(trained).waitFor();

    await openThing("/base-models", base.name);
    await deploy("base-live");
    await openThing("/customized", "support-router");
    await deploy("router-adapter");
    await openThing("/complete", "support-router-complete");
    await deploy("support-router-live");
    await walk.until(
      "query ($name: String!) { model(name: $name) { kind usable } }",
      z.object({ model: z.object({ kind: z.literal("COMPLETE"), usable: z.literal(true) }) }),
      { name: `${trained}_s_1` },
    );
    await openThing("/complete", `${trained}_s_1`);
    await deploy("triage-live");

    const kinds = async (name: string) => {
      const one = await liveModel(name);
      return [one?.status, one?.source.kind, ...(one?.lineage.map(({ kind }) => kind) ?? [])];
    };
    expect(await kinds("base-live")).toEqual(["LIVE", "BASE", "base"]);
    expect(await kinds("router-adapter")).toEqual([
      "LIVE",
      "CUSTOMIZED",
      "customized",
      "training",
      "dataset",
      "base",
    ]);
    const whole = ["LIVE", "COMPLETE", "complete", "customized", "training", "dataset", "base"];
    expect(await kinds("support-router-live")).toEqual(whole);
    expect(await kinds("triage-live")).toEqual(whole);
  },
);

test.skipIf(!canTrain)(
  "R61 generated names: shown before each step, taken when left; changed in a title and in a row, and followed",
  () => leaveAndChangeNames(walk, base.name),
);

test.skipIf(!canTrain)(
  "R64 live list: status, speed and memory as GraphQL says; stopped, it refuses; started, it answers",
  async () => {
    const { page } = walk;
    await openThing("/live", "triage-live");
    await walk.button("Stop triage-live").click();
    await page.locator(".e-pill", { hasText: /^stopped$/ }).waitFor();
    expect((await liveModel("triage-live"))?.status).toBe("STOPPED");
    await expect(answerOf("triage-live")).rejects.toThrow();
    await walk.button("Start triage-live").click();
    await page.locator(".e-pill", { hasText: /^live$/ }).waitFor({ timeout: 600_000 });
    expect((await answerOf("triage-live")).length).toBeGreaterThan(0);
    const { tokensPerSecond, memoryBytes } = (await liveModel("triage-live")) ?? {};
    expect(tokensPerSecond).toBeGreaterThan(0);
    expect(memoryBytes).toBeGreaterThan(50e6);
    await openThing("/live", "support-router-live");
    await page.getByText("tok/s").first().waitFor();
    await walk.look("live", { keys: true });
  },
);

test.skipIf(!canTrain)(
  "R65 register: one dialog to an alias that works wherever a model is chosen",
  async () => {
    const { page } = walk;
    await openThing("/live", "support-router-live");
    await walk.button("Register").click();
    await walk.dialog().getByLabel("Alias").fill(base.name);
    await walk.button(/^Register /, walk.dialog()).click();
    expect(await walk.dialog().getByRole("alert").textContent()).toContain("TAKEN");
    await walk.dialog().getByLabel("Alias").fill("support");
    await walk.button(/^Register /, walk.dialog()).click();
    await walk.heading("support").waitFor();
    await walk.look("registered", { keys: true });
    expect((await liveModel("support-router-live"))?.aliases).toEqual(["support"]);
    // Rounded weights may say one and the same thing two ways, so what counts is that it answers.
    expect((await answerOf("support")).length).toBeGreaterThan(0);
    await page.getByRole("link", { name: "Chat with it" }).click();
    const [reply] = await walk.say("I was charged twice in March.", 1);
    expect(reply).toContain('"team"');
    const { models } = z
      .object({ models: z.object({ nodes: z.array(z.object({ name: z.string(), kind: z.string() })) }) })
      .parse(await walk.graphql("{ models(kinds: [REGISTERED]) { nodes { name kind } } }"));
    expect(models.nodes).toEqual([{ name: "support", kind: "REGISTERED" }]);
  },
);

test.skipIf(!canTrain)("the map and every list with a whole lifecycle on them", async () => {
  const { page } = walk;
  await walk.open("/");
  await page.locator("[data-stage=registered] .e-count", { hasText: /^1$/ }).waitFor();
  await walk.look("map", { dark: true });
  await walk.within(narrow, () => walk.look("map-narrow"));
  for (const [path, title] of [
    ["/runs", "Runs"],
    ["/trainings", "Trainings"],
    ["/customized", "Customized models"],
    ["/complete", "Complete models"],
    ["/live", "Live models"],
    ["/registered", "Registered models"],
  ] as const) {
    await walk.open(path);
    await walk.heading(title).waitFor();
    await page.getByRole("table").waitFor();
    await walk.look(path.slice(1) === "live" ? "live-models" : path.slice(1), {
      picture: ["/runs", "/trainings", "/live"].includes(path),
    });
  }
});

test.skipIf(!canTrain)(
  "R66 delete: what depends on a model is named, goes with it only after yes, and comes back with it",
  async () => {
    const { page } = walk;
    await openThing("/customized", "support-router");
    await walk.button("Delete", page).first().click();
    for (const name of ["support-router-complete", "support-router-live", "router-adapter", "support"])
      await walk.dialog().getByText(name, { exact: false }).first().waitFor();
    await walk.look("delete", { picture: false });
    const refused =
      'mutation { delete(id: "support-router") { __typename ... on UserError { code message } } }';
    expect(await walk.act(refused)).toMatchObject({ code: "HAS_DEPENDANTS" });
    await walk.button("Keep it").click();
    expect(await liveModel("support-router-live")).toBeDefined();

    // What serves under an alias goes with its alias: unregistering follows.
    await openThing("/live", "support-router-live");
    await walk.button("Retire support-router-live").click();
    await walk.button("Retire support-router-live", walk.dialog()).click();
    await walk.heading("Live models").waitFor();
    expect(await walk.graphql("{ registeredModels { totalCount } }")).toEqual({
      registeredModels: { totalCount: 0 },
    });
    expect(await liveModel("support-router-live")).toBeUndefined();

    // Undone at once, it answers under its alias again; what is deleted without looking waits on a page.
    await walk.button("Undo").click();
    await page.getByText("support-router-live is back").waitFor();
    expect((await answerOf("support")).length).toBeGreaterThan(0);
    await walk.act('mutation { delete(id: "support-router", confirm: true) { __typename } }');
    await walk.open("/trash");
    await page.getByRole("row", { name: /support-router-complete.*support/ }).waitFor();
    await walk.look("trash", { picture: false });
    await walk.button("Bring support-router back").click();
    await page.getByText("support-router is back").waitFor();
    expect((await answerOf("support")).length).toBeGreaterThan(0);
    expect((await liveModel("support-router-live"))?.aliases).toEqual(["support"]);

    // What is not wanted any more goes for good before its time, after a question.
    await walk.act('mutation { delete(id: "support", confirm: true) { __typename } }');
    await endForGood(walk, "support");
    expect(await walk.graphql("{ trash { nodes { name } } }")).toEqual({ trash: { nodes: [] } });
  },
);

test.skipIf(!canTrain)("no page broke, or asked another host", () => {
  expect(walk.faults).toEqual([]);
});
