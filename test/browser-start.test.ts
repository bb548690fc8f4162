// The first minute, in Chromium through the executable without a trainer: set-up, map, colours, sign-in, keys, keyboard.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { z } from "zod";
import { ada, canWalk, narrow, startWalk, type Walk } from "./browser-kit.ts";
import { readGeneratedName } from "./browser-models.ts";

setDefaultTimeout(900_000);

let walk: Walk;
beforeAll(async () => {
  if (canWalk) walk = await startWalk();
});
afterAll(() => walk?.close());

const viewer = z.object({ viewer: z.object({ name: z.string() }) });
const viewerName = async (said: Promise<Record<string, unknown>>) => viewer.parse(await said).viewer.name;

test.skipIf(!canWalk)("R7 first admin: the printed link works once, by keyboard alone", async () => {
  const { page } = walk;
  expect((await walk.ask("{ version }")).status).toBe(401);
  expect((await walk.ask("{ version }", {}, "admin")).status).toBe(401);
  await walk.open("/");
  await walk.heading("Sign in").waitFor();
  await page.goto(walk.setupUrl);
  await walk.look("setup");
  await page.keyboard.type(ada.name);
  await page.keyboard.press("Tab");
  await page.keyboard.type("short");
  await page.keyboard.press("Enter");
  // Too short a password does not leave the form.
  expect(await walk.heading("Set up Espalier").isVisible()).toBe(true);
  await page.keyboard.press("ControlOrMeta+a");
  await page.keyboard.type(ada.password);
  await page.keyboard.press("Enter");
  await walk.heading("Process map").waitFor();
  expect(await viewerName(walk.asPerson("{ viewer { name } }"))).toBe(ada.name);
  expect(await viewerName(walk.graphql("{ viewer { name } }"))).toBe("walk");

  const stranger = await walk.elsewhere();
  await stranger.goto(walk.setupUrl);
  await stranger.getByLabel("Name").fill("eve");
  await stranger.getByLabel("Password", { exact: true }).fill("another walk");
  await stranger.getByRole("button", { name: "Create account" }).click();
  expect(await stranger.getByRole("alert").textContent()).toContain("SETUP_DONE");
  await stranger.close();
});

test.skipIf(!canWalk)(
  "the first minute by keyboard alone: from the map to a training, and back out of it",
  async () => {
    const { page } = walk;
    const { baseModels } = await walk.samples();
    const name = await readGeneratedName(walk, baseModels.nodes[0].name, "TRAIN");
    await walk.open("/");
    await walk.heading("Process map").waitFor();
    await page.keyboard.press("g");
    await page.keyboard.press("n");
    await walk.heading("Start training").waitFor();
    await walk.button(`Train ${name}`).waitFor();
    await walk.tabTo(`Train ${name}`);
    await page.keyboard.press("Enter");
    await walk.heading(name).waitFor();
    const ofTraining = "{ trainings { nodes { name run { status } } } }";
    const inState = (status: string) =>
      z.object({
        trainings: z.object({
          nodes: z.tuple([z.object({ name: z.literal(name), run: z.object({ status: z.literal(status) }) })]),
        }),
      });
    inState("QUEUED").parse(await walk.graphql(ofTraining));
    await walk.tabTo(`Cancel Train ${name}`);
    await page.keyboard.press("Enter");
    await page.getByText("cancelled", { exact: true }).first().waitFor();
    await walk.until(ofTraining, inState("CANCELLED"));
  },
);

const map = z.object({
  processMap: z.object({
    next: z.object({ sentence: z.string(), label: z.string(), path: z.string() }),
    stages: z.array(
      z.object({
        key: z.string(),
        count: z.number(),
        available: z.boolean(),
        actionLabel: z.string().nullable(),
        actionPath: z.string().nullable(),
      }),
    ),
  }),
});

test.skipIf(!canWalk)(
  "R13 process overview: the map draws what GraphQL says, and greys the training side without a trainer",
  async () => {
    const { page } = walk;
    await walk.open("/");
    await page
      .getByRole("navigation", { name: "Lifecycle" })
      .getByRole("link", { name: "Base models" })
      .waitFor();
    const { processMap } = map.parse(
      await walk.graphql(
        "{ processMap { next { sentence label path } stages { key count available actionLabel actionPath } } }",
      ),
    );
    expect(processMap.stages.map(({ key }) => key)).toEqual([
      ...[
        "base",
        "datasets",
        "customized",
        "complete",
        "live",
        "registered",
        "assessment",
        "chat",
        "knowledge",
        "thirdParty",
      ],
    ]);
    for (const stage of processMap.stages) {
      const card = page.locator(`[data-stage=${stage.key}]`);
      await card.locator(".e-count", { hasText: new RegExp(`^${stage.count}$`) }).waitFor();
      expect([stage.key, (await card.getAttribute("data-off")) === null]).toEqual([
        stage.key,
        stage.available,
      ]);
      if (stage.actionLabel && stage.actionPath)
        expect(
          await card.locator(`a[href="${stage.actionPath}"]`, { hasText: stage.actionLabel }).count(),
        ).toBe(1);
    }
    expect(processMap.stages.filter(({ available }) => !available).map(({ key }) => key)).toEqual([
      "customized",
    ]);
    // Required solid, optional dashed, state-making blue.
    const drawn = await page.locator("path.e-edge[marker-end]").evaluateAll((edges) =>
      edges.map((edge) => {
        const { stroke, strokeDasharray } = getComputedStyle(edge);
        return { kind: edge.getAttribute("data-kind"), stroke, isDashed: strokeDasharray !== "none" };
      }),
    );
    const kinds = Map.groupBy(drawn, ({ kind }) => kind);
    expect([...kinds.keys()].sort()).toEqual(["optional", "required", "state"]);
    expect(kinds.get("required")?.some(({ isDashed }) => isDashed)).toBe(false);
    expect(kinds.get("optional")?.every(({ isDashed }) => isDashed)).toBe(true);
    const colours = (kind: string) => [...new Set(kinds.get(kind)?.map(({ stroke }) => stroke))];
    expect(colours("state")).toHaveLength(1);
    expect(colours("required")).not.toContain(colours("state")[0] ?? "");
    // A stage without a trainer says how to get one, and what is next is one click away.
    await walk.button("Add a trainer").click();
    await walk.dialog().getByText("espalier trainer --url").waitFor();
    await walk.look("add-trainer");
    await page.keyboard.press("Escape");
    await page.getByText(processMap.next.sentence).waitFor();
    await page.getByRole("link", { name: processMap.next.label, exact: true }).first().click();
    await page.waitForURL((url) => url.pathname === new URL(processMap.next.path, walk.url()).pathname);
  },
);

test.skipIf(!canWalk)("R10 look: the chosen colours follow the person to another browser", async () => {
  const { page } = walk;
  const shown = (scheme: string, on = page) =>
    on.locator(`html[data-mantine-color-scheme=${scheme}]`).waitFor();
  const kept = (look: string) => z.object({ viewer: z.object({ look: z.literal(look) }) });
  await walk.open("/settings");
  await page.getByText("Dark", { exact: true }).click();
  await shown("dark");
  await walk.until("{ viewer { look } }", kept("DARK"), {}, walk.asPerson);
  // A key has a choice of its own.
  kept("SYSTEM").parse(await walk.graphql("{ viewer { look } }"));

  const other = await walk.elsewhere();
  await other.goto(new URL("/settings", walk.url()).href);
  await shown("light", other);
  await other.getByLabel("Name").fill(ada.name);
  await other.getByLabel("Password", { exact: true }).fill(ada.password);
  await other.getByRole("button", { name: "Sign in" }).click();
  await other.getByRole("heading", { level: 1, name: "Settings" }).waitFor();
  await shown("dark", other);
  await other.close();

  const set = "mutation ($look: Look!) { setLook(look: $look) { ... on ViewerSuccess { viewer { look } } } }";
  await walk.asPerson(set, { look: "LIGHT" });
  await walk.restart();
  await walk.open("/settings");
  await shown("light");
  await page.emulateMedia({ colorScheme: "dark" });
  await shown("light");
  await page.getByText("As the system", { exact: true }).click();
  await shown("dark");
  await page.emulateMedia({ colorScheme: "light" });
  await shown("light");
});

test.skipIf(!canWalk)("R8 login: a signed-out visitor is led to sign in and back", async () => {
  const { page } = walk;
  await walk.open("/settings");
  await walk.button("Sign out").click();
  await walk.heading("Sign in").waitFor();
  await walk.look("sign-in");
  await walk.open("/datasets");
  await walk.heading("Sign in").waitFor();
  expect(new URL(page.url()).searchParams.get("back")).toBe("/datasets");
  await page.getByLabel("Name").fill(ada.name);
  await page.getByLabel("Password", { exact: true }).fill("not this one");
  await walk.button("Sign in").click();
  expect(await page.getByRole("alert").textContent()).toContain("SIGN_IN_FAILED");
  await page.getByLabel("Password", { exact: true }).fill(ada.password);
  await walk.button("Sign in").click();
  await walk.heading("Datasets").waitFor();
});

test.skipIf(!canWalk)(
  "R105 keys: a key is shown once, opens what its scopes say, and is void once revoked",
  async () => {
    const { page } = walk;
    await walk.open("/settings");
    await walk.button("Create key").click();
    await walk.dialog().getByLabel("Name").fill("laptop");
    await walk.look("create-key", { picture: false });
    await walk.button("Create key", walk.dialog()).click();
    await walk.dialog().getByText("Copy it now", { exact: false }).waitFor();
    const secret = (await walk.dialog().getByText(/^esp_/).textContent()) ?? "";
    await walk.button("I have copied it").click();
    expect(await viewerName(walk.graphql("{ viewer { name } }", {}, secret))).toBe("laptop");
    await expect(walk.graphql("{ apiKeys { nodes { name } } }", {}, secret)).rejects.toThrow("SCOPE_MISSING");
    expect(await page.getByText(secret).count()).toBe(0);
    await walk.look("settings");
    await walk.button("Revoke laptop").click();
    await page.getByText("revoked", { exact: true }).waitFor();
    expect((await walk.ask("{ version }", {}, secret)).status).toBe(401);
  },
);

test.skipIf(!canWalk)("the palette and an unknown address lead somewhere", async () => {
  const { page } = walk;
  await walk.open("/");
  await walk.heading("Process map").waitFor();
  await page.keyboard.press("ControlOrMeta+k");
  await page.getByPlaceholder("Go to anything by name").fill("trainers");
  await walk.dialog().getByText("Trainers", { exact: true }).waitFor();
  await walk.look("palette", { picture: false });
  await page.keyboard.press("Enter");
  await walk.heading("Trainers").waitFor();
  // The arrows walk what was found; Escape gives the focus back.
  await page.keyboard.press("ControlOrMeta+k");
  await page.getByPlaceholder("Go to anything by name").fill("models");
  const chosen = walk.dialog().locator("[data-selected]");
  await walk.dialog().getByText("Base models", { exact: true }).waitFor();
  await page.keyboard.press("ArrowDown");
  const first = await chosen.innerText();
  await page.keyboard.press("ArrowDown");
  const second = await chosen.innerText();
  expect(second).not.toBe(first);
  await page.keyboard.press("ArrowUp");
  expect(await chosen.innerText()).toBe(first);
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await walk.heading(second.split("\n")[0] ?? "").waitFor();
  const opener = page.getByRole("button", { name: "Go to" });
  await opener.focus();
  await page.keyboard.press("Enter");
  await page.getByPlaceholder("Go to anything by name").waitFor();
  await page.keyboard.press("Escape");
  await walk.dialog().waitFor({ state: "hidden" });
  await page.waitForFunction((one) => document.activeElement === one, await opener.elementHandle());
  await walk.open("/no-such-page");
  await walk.heading("Not found").waitFor();
  await walk.look("not-found", { picture: false });
  await page.getByRole("link", { name: "Open the process map" }).click();
  await walk.heading("Process map").waitFor();
  await page.keyboard.press("?");
  await walk.dialog().getByText("Anywhere").waitFor();
  await walk.look("shortcuts", { picture: false });
});

test.skipIf(!canWalk)("every page is whole while there is nothing on it, also on a telephone", async () => {
  const { page } = walk;
  for (const [path, title] of [
    ["/", "Process map"],
    ["/train", "Start training"],
    ["/trainings", "Trainings"],
    ["/customized", "Customized models"],
    ["/complete", "Complete models"],
    ["/live", "Live models"],
    ["/registered", "Registered models"],
    ["/runs", "Runs"],
    ["/trainers", "Trainers"],
    ["/trash", "Deleted"],
    ["/chat", "Chat"],
  ] as const) {
    await walk.open(path);
    await walk.heading(title).waitFor();
    await page.waitForFunction(() => document.querySelector("[role=status][aria-busy=true]") === null);
    await walk.within(narrow, () => walk.look(`${path} empty`, { picture: false }));
  }
});

test.skipIf(!canWalk)("no page broke, or asked another host", () => {
  expect(walk.faults).toEqual([]);
});
