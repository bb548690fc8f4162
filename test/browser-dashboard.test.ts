// Dashboard and notifications as a person sees them at the browser, with the same figures by GraphQL.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { z } from "zod";
import { contractVersion } from "../schema/trainer.ts";
import { canWalk, narrow, startWalk, type Walk } from "./browser-kit.ts";
import { ADD } from "./provider-kit.ts";
import { KEY, startWire, WIRES } from "./provider-wire.ts";

setDefaultTimeout(300_000);

let walk: Walk;
const wire = startWire(WIRES.openai);
beforeAll(async () => {
  if (!canWalk) return;
  walk = await startWalk();
  await walk.setUp();
  await walk.samples();
});
afterAll(async () => {
  await walk?.close();
  await wire.close();
});

const figures = z.object({
  dashboard: z.object({
    days: z.array(z.string()),
    runs: z.array(z.object({ kind: z.string(), status: z.string(), count: z.number() })),
    thirdParty: z.array(z.object({ model: z.string(), calls: z.number(), costUsd: z.number().nullable() })),
    queue: z.object({ waiting: z.number(), running: z.number() }),
    failures: z.array(z.object({ name: z.string(), error: z.object({ code: z.string() }) })),
    engines: z.object({ loaded: z.array(z.object({ models: z.array(z.string()), use: z.string() })) }),
    disk: z.object({ parts: z.array(z.object({ name: z.string(), bytes: z.number() })) }),
  }),
});
const today = (): string => new Date(Date.now()).toISOString().slice(0, 10);
const asked = async () =>
  figures.parse(
    await walk.graphql(
      `query ($day: String!) { dashboard(from: $day, to: $day) {
        days runs { kind status count } thirdParty { model calls costUsd } queue { waiting running }
        failures { name error { code } } engines { loaded { models use } } disk { parts { name bytes } } } }`,
      { day: today() },
    ),
  ).dashboard;

/** Uploads something that is no dataset and imports it; waits until that has failed. */
async function failAnImport(name: string): Promise<void> {
  const bytes = "no rows here";
  const headers = { authorization: `Bearer ${walk.key}` };
  const post = {
    method: "POST",
    headers,
    body: JSON.stringify({ name: "x.jsonl", sizeBytes: bytes.length }),
  };
  const { id } = z
    .object({ id: z.string() })
    .parse(await (await fetch(`${walk.url()}/uploads`, post)).json());
  const patch = { method: "PATCH", headers: { ...headers, "upload-offset": "0" }, body: bytes };
  await fetch(`${walk.url()}/uploads/${id}`, patch);
  const said = await walk.asPerson(
    `mutation ($input: ImportDatasetInput!) { importDataset(input: $input) { ... on ImportDatasetSuccess { run { id } } ... on UserError { message } } }`,
    { input: { name, uploadId: id } },
  );
  const { run } = z
    .object({ importDataset: z.object({ run: z.object({ id: z.string() }) }) })
    .parse(said).importDataset;
  await walk.until(
    "query ($id: ID!) { node(id: $id) { ... on Run { status } } }",
    z.object({ node: z.object({ status: z.literal("FAILED") }) }),
    { id: run.id },
  );
}

test.skipIf(!canWalk)("R12 dashboard: an empty server says so, with nothing made up", async () => {
  const { page } = walk;
  await page.getByRole("link", { name: "Dashboard", exact: true }).click();
  await walk.heading("Dashboard").waitFor();
  await page.getByText("No model was assessed in these days.").waitFor();
  await page.getByText("No third-party model was called in these days.").waitFor();
  await page.getByText("No run has failed.").waitFor();
  await page.getByText("Nothing was trained in these days.").waitFor();
  await walk.within(narrow, () => walk.look("dashboard-narrow", { picture: false }));
});

test.skipIf(!canWalk)(
  "R12 dashboard shows what ran, what failed, what third parties cost and what is loaded",
  async () => {
    const { page } = walk;
    await failAnImport("broken-rows");
    const models = [{ model: "gpt-4o-mini", prices: { input: 2, output: 10 } }];
    const input = { name: "acme", kind: "openai", url: wire.url, key: KEY, models, allowPrivate: true };
    await walk.act(ADD, { input });
    const bases = await walk.samples();
    const base = bases.baseModels.nodes[0].name;
    for (const model of ["acme/gpt-4o-mini", base]) {
      const body = { model, max_tokens: 4, messages: [{ role: "user", content: "Hello" }] };
      const headers = { authorization: `Bearer ${walk.key}`, "content-type": "application/json" };
      const answer = await fetch(`${walk.url()}/v1/chat/completions`, {
        method: "POST",
        headers,
        body: JSON.stringify(body),
      });
      expect(answer.status).toBe(200);
      await answer.text();
    }
    await walk.open("/dashboard?days=7");
    await page.getByRole("link", { name: "Import broken-rows" }).waitFor();
    await page.getByRole("img", { name: /^Runs by day: .*Model import 1/ }).waitFor();
    await page.getByRole("img", { name: /^Third-party use: acme\/gpt-4o-mini 1$/ }).waitFor();
    await page.getByRole("heading", { name: base, level: 3 }).first().waitFor();
    await page.getByText("Base models", { exact: true }).last().waitFor();
    const now = await asked();
    expect(now.days).toEqual([today()]);
    expect(now.runs.filter(({ status }) => status !== "SUCCEEDED")).toEqual([
      { kind: "IMPORT_DATASET", status: "FAILED", count: 1 },
    ]);
    expect(now.thirdParty).toEqual([{ model: "acme/gpt-4o-mini", calls: 1, costUsd: expect.any(Number) }]);
    expect(now.failures.map(({ name }) => name)).toEqual(["Import broken-rows"]);
    expect(now.engines.loaded.flatMap((one) => one.models)).toContain(base);
    expect(now.disk.parts.find(({ name }) => name === "base-models")?.bytes).toBeGreaterThan(50_000_000);

    // The figures can be read as a table; the cost is one click away.
    await page.getByText("Show as a table").first().click();
    await page.getByRole("cell", { name: today() }).first().waitFor();
    await page.getByText("Show as a table").first().click();
    await page.getByText("Cost", { exact: true }).first().click();
    await page.getByRole("img", { name: /^Third-party use: acme\/gpt-4o-mini \$0\.000092$/ }).waitFor();
    await walk.look("dashboard", { dark: true });
    await walk.within(narrow, () => walk.look("dashboard-narrow", { picture: false }));

    // The range stands in the address, days of one's own too.
    await page.getByText("Other days", { exact: true }).click();
    await page.getByLabel("First day").fill("2020-01-01");
    await page.getByLabel("Last day").fill("2020-01-31");
    await page.getByText("Nothing ran in these days.").waitFor();
    expect(new URL(page.url()).search).toBe("?from=2020-01-01&to=2020-01-31");
    await page.reload();
    await page.getByText("Nothing ran in these days.").waitFor();
    expect(await page.getByLabel("First day").inputValue()).toBe("2020-01-01");

    // What failed is tried again from here, and is counted.
    await page.getByRole("button", { name: "Run it again: Import broken-rows" }).first().click();
    await page.getByRole("link", { name: "Import broken-rows" }).nth(1).waitFor();
    expect((await asked()).failures.length).toBe(2);
  },
);

const unreadShape = z.object({
  unreadNotifications: z.number(),
  notifications: z.object({
    nodes: z.array(
      z.object({
        kind: z.string(),
        text: z.string(),
        next: z.object({ verb: z.string(), path: z.string() }),
      }),
    ),
  }),
});
const told = async () =>
  unreadShape.parse(
    await walk.asPerson(
      "{ unreadNotifications notifications(unread: true) { nodes { kind text next { verb path } } } }",
    ),
  );
const bell = (unread: number, page = walk.page) =>
  page
    .getByRole("button", {
      name: unread === 0 ? "Notifications" : `Notifications, ${unread} unread`,
      exact: true,
    })
    .first();

test.skipIf(!canWalk)("R11 notifications: the bell counts what happened, and each leads on", async () => {
  const { page } = walk;
  // What failed so far, started by the person at the browser.
  await walk.asPerson("mutation { readNotifications { __typename } }");
  for (const name of ["one-row", "other-row"]) await failAnImport(name);
  await bell(2).click();
  const panel = page.getByRole("dialog", { name: "Notifications" });
  for (const name of ["one-row", "other-row"]) await panel.getByText(`Import ${name} failed`).waitFor();
  await walk.button("Mark all as read", panel).click();
  await bell(0).waitFor();
  expect(await told()).toEqual({ unreadNotifications: 0, notifications: { nodes: [] } });
  await page.keyboard.press("Escape");

  // Live: a notice with the next action, and the count, without asking for the page anew.
  await failAnImport("second-rows");
  await page.getByText("Import second-rows failed").waitFor();
  await bell(1).waitFor();
  const hello = {
    contractVersion,
    name: "attic",
    host: { hostname: "h", os: "o", arch: "a", python: "3", packages: {}, cpuCount: 1, memoryBytes: 1 },
    devices: [{ kind: "cpu", name: "c", memoryBytes: 1 }],
    methods: [],
  };
  const headers = { authorization: `Bearer ${walk.key}` };
  await fetch(`${walk.url()}/trainer/v1/hello`, { method: "POST", headers, body: JSON.stringify(hello) });
  await bell(2).waitFor();
  const { notifications } = await told();
  expect(notifications.nodes.map(({ kind, next }) => [kind, next.verb])).toEqual([
    ["TRAINER_JOINED", "OPEN"],
    ["RUN_FAILED", "SEE_WHY"],
  ]);
  expect(notifications.nodes[0]?.text).toBe("The trainer attic checked in.");
  await bell(2).click();
  await panel.getByText("The trainer attic checked in").waitFor();
  await panel.getByRole("heading", { name: "Today" }).waitFor();
  await walk.look("notifications", { dark: true });
  await walk.within(narrow, () => walk.look("notifications-narrow", { picture: false }));
  await panel
    .getByRole("listitem")
    .filter({ hasText: "Import second-rows failed" })
    .getByRole("link", { name: "See why" })
    .click();
  await walk.heading("Import second-rows").waitFor();
  await bell(1).waitFor();

  // The server was stopped and started: nothing is lost, nothing comes twice.
  await walk.restart();
  await page.reload();
  await bell(1).waitFor();
  expect((await told()).unreadNotifications).toBe(1);
});

test.skipIf(!canWalk)("eight tabs of one browser all hear what happens, after a restart too", async () => {
  const others = await Promise.all(Array.from({ length: 7 }, () => walk.page.context().newPage()));
  const tabs = [walk.page, ...others];
  const all = (unread: number) => Promise.all(tabs.map((tab) => bell(unread, tab).waitFor()));
  await Promise.all(others.map((tab) => tab.goto(walk.url())));
  await all(1);
  await failAnImport("tabs-rows");
  await all(2);
  await walk.restart();
  await failAnImport("later-rows");
  await all(3);
  await Promise.all(others.map((tab) => tab.close()));
  await walk.asPerson("mutation { readNotifications { __typename } }");
  await failAnImport("last-rows");
  await bell(1).waitFor();
});

test.skipIf(!canWalk)(
  "R11 notifications are chosen by kind; the browser is asked by a click alone",
  async () => {
    const { page } = walk;
    await walk.open("/settings");
    const what = "A run of mine failed";
    // A browser that nobody can answer refuses: the page says so, and what to do about it.
    await page.getByText("This browser has not been asked yet.").waitFor();
    await walk.button("Allow notifications of this browser").click();
    await page.getByText("This browser was told not to show any").waitFor();
    await page.getByRole("switch", { name: `In the bell: ${what}` }).click({ force: true });
    await page.getByRole("switch", { name: `In the bell: ${what}`, checked: false }).waitFor();
    await failAnImport("third-rows");
    expect((await told()).unreadNotifications).toBe(1);
    await page.getByRole("switch", { name: `In the bell: ${what}` }).click({ force: true });
    await page.getByRole("switch", { name: `By the browser: ${what}`, checked: true }).waitFor();
    await page.context().grantPermissions(["notifications"], { origin: new URL(walk.url()).origin });
    await page.reload();
    await page.getByText("This browser shows them while you look elsewhere").waitFor();
  },
);

test.skipIf(!canWalk)(
  "R11 notifications go to a webhook, signed and confirmed, with what became of them",
  async () => {
    const { page } = walk;
    const got: { id: string | null; signature: string | null; type: string }[] = [];
    const server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      async fetch(request) {
        const { type } = z.object({ type: z.string() }).parse(await request.json());
        const header = (name: string) => request.headers.get(name);
        got.push({ id: header("webhook-id"), signature: header("webhook-signature"), type });
        return new Response("ok");
      },
    });
    try {
      const place = new URL(server.url).host;
      await page.getByLabel("Address", { exact: true }).fill(server.url.href);
      await walk.button("Set the webhook").click();
      await walk.button(`Allow ${place}`).click();
      const secret = page.getByRole("dialog", { name: "The signing secret" });
      await secret.getByText(/^whsec_/).waitFor();
      await walk.button("I have copied it", secret).click();
      await walk.button("Send a test").click();
      const table = page.getByRole("region", { name: "Latest messages" });
      await table.getByRole("cell", { name: "taken in HTTP 200" }).waitFor();
      await walk.look("settings-webhook", { picture: false });
      await failAnImport("fourth-rows");
      for (let tries = 0; tries < 200 && got.length < 2; tries++) await Bun.sleep(50);
      expect(got.map(({ type }) => type)).toEqual(["test", "run-failed"]);
      for (const { id, signature } of got)
        expect([id?.slice(0, 4), signature?.slice(0, 3)]).toEqual(["whd_", "v1,"]);
      const kept = await walk.graphql("{ webhook { url kinds deliveries { kind status error nextAt } } }");
      expect(JSON.stringify(kept)).not.toContain("whsec_");
      await walk.button("Remove the webhook").click();
      await walk.button("Remove the webhook", page.getByRole("dialog")).click();
      await walk.button("Set the webhook").waitFor();
      expect(await walk.graphql("{ webhook { url } }")).toEqual({ webhook: null });
      expect(walk.faults).toEqual([]);
    } finally {
      await server.stop(true);
    }
  },
);
