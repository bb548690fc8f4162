// Walks the whole lifecycle in Chromium through the executable, by the mouse and keyboard alone; axe finds nothing
// on any page, the page asks nobody but this server. ESPALIER_SCREENSHOTS=1 writes docs/screenshots/.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AxeBuilder } from "@axe-core/playwright";
import { type Browser, chromium, type Page } from "playwright-core";
import { z } from "zod";

setDefaultTimeout(900_000);

const { env } = process;
const root = join(import.meta.dir, "..");
const built = env.ESPALIER_BIN ?? join(root, "dist/espalier");
const model = env.ESPALIER_TEST_MODEL ?? join(root, ".cache/models/SmolLM2-135M-Instruct.Q4_1.gguf");
const python = env.ESPALIER_TRAINER_PYTHON ?? join(root, "trainer/.venv/bin/python");
const browserPath = env.ESPALIER_CHROMIUM ?? "/usr/bin/chromium";
const canWalk = existsSync(browserPath) && existsSync(model);
const canTrain =
  canWalk && existsSync(python) && env.ESPALIER_TRAINER !== "0" && env.ESPALIER_TESTS !== "quick";
const wantsPictures = env.ESPALIER_SCREENSHOTS === "1";
const pictures = join(root, "docs/screenshots");
const steps = wantsPictures ? 60 : 12;

const dir = mkdtempSync(join(tmpdir(), "espalier-browser-"));
const Ready = z.object({ ready: z.literal(true), url: z.url(), setupUrl: z.url() });
let server: Bun.Subprocess<"ignore", "pipe", Bun.BunFile>;
let ready: z.infer<typeof Ready>;
let browser: Browser;
let page: Page;
/** What a page must not do: fail in a script, break its content policy, or ask another host. */
const faults: string[] = [];

/** The executable, elsewhere: with a trainer where one can run. */
async function startServer(): Promise<void> {
  const moved = join(dir, "espalier");
  cpSync(built, moved);
  const trainer = canTrain ? ["--with-trainer", "--trainer-python", python] : [];
  server = Bun.spawn(
    [moved, "serve", "--data", join(dir, "data"), "--port", "0", "--sample-model", model, ...trainer],
    {
      cwd: dir,
      env: { PATH: "/usr/bin:/bin", HOME: dir, XDG_CACHE_HOME: join(dir, "cache"), TMPDIR: dir },
      stdin: "ignore",
      stdout: "pipe",
      stderr: Bun.file(join(dir, "stderr.log")),
    },
  );
  const reader = server.stdout.getReader();
  let text = "";
  while (!text.includes("\n")) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`serve ended: ${readFileSync(join(dir, "stderr.log"), "utf8")}`);
    text += new TextDecoder().decode(value);
  }
  ready = Ready.parse(JSON.parse(text.slice(0, text.indexOf("\n"))));
}

beforeAll(async () => {
  if (!canWalk) return;
  if (!existsSync(built)) throw new Error(`${built} does not exist; run bin/build`);
  await startServer();
  browser = await chromium.launch({
    executablePath: browserPath,
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"],
  });
  const context = await browser.newContext({
    viewport: { width: 1440, height: 900 },
    reducedMotion: "reduce",
  });
  page = await context.newPage();
  page.setDefaultTimeout(20_000);
  page.on("pageerror", (error) => faults.push(`script: ${error.message}`));
  page.on("console", (message) => {
    if (/Content Security Policy/i.test(message.text())) faults.push(message.text());
  });
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (url.protocol.startsWith("http") && url.origin !== new URL(ready.url).origin)
      faults.push(`asked ${url}`);
  });
});

afterAll(async () => {
  await browser?.close();
  if (server) {
    server.kill("SIGTERM");
    await server.exited;
  }
  rmSync(dir, { recursive: true, force: true });
});

/** Looks at the page as it is now: axe must find nothing; takes its picture where wanted. */
async function look(name: string): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  expect(violations.map(({ id, nodes }) => `${name}: ${id}: ${nodes[0]?.html.slice(0, 200)}`)).toEqual([]);
  expect(
    await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth),
  ).toBeLessThanOrEqual(0);
  if (wantsPictures) await picture(name);
}

async function picture(name: string): Promise<void> {
  mkdirSync(pictures, { recursive: true });
  const path = join(pictures, `${name}.png`);
  await page.screenshot({ path, animations: "disabled" });
  expect(statSync(path).size).toBeLessThan(250 * 1024);
}

const open = (path: string) => page.goto(new URL(path, ready.url).href);
const button = (name: string | RegExp) => page.getByRole("button", { name });
const heading = (name: string) => page.getByRole("heading", { level: 1, name, exact: true });

/** Waits until what stands on the page is done, asking at most `timeout` ms. */
async function say(text: string, replies: number): Promise<string[]> {
  const composer = page.getByRole("textbox", { name: "Message" });
  // A picker shows the model's name once the models are known.
  await page.waitForFunction(() =>
    [...document.querySelectorAll<HTMLInputElement>('input[aria-label="Model"]')].every(
      (input) => input.value !== "",
    ),
  );
  await composer.fill(text);
  await composer.press("Enter");
  const ended = page.locator("[data-testid=reply]:not([data-streaming])");
  await page.waitForFunction(
    (count) => document.querySelectorAll("[data-testid=reply]:not([data-streaming])").length >= count,
    replies,
    { timeout: 240_000 },
  );
  return ended.allInnerTexts();
}

test.skipIf(!canWalk)("the set-up link leads to the map", async () => {
  await page.goto(ready.setupUrl);
  await look("setup");
  await page.getByLabel("Name").fill("ada");
  await page.getByLabel("Password", { exact: true }).fill("a long walk");
  await button("Create account").click();
  await heading("Process map").waitFor();
  await page
    .getByRole("navigation", { name: "Lifecycle" })
    .getByRole("link", { name: "Base models" })
    .waitFor();
  expect(await page.getByRole("navigation", { name: "Lifecycle" }).getByRole("listitem").count()).toBe(10);
});

test.skipIf(!canWalk)("a signed-out visitor is led to sign in and back", async () => {
  await open("/settings");
  await button("Sign out").click();
  await heading("Sign in").waitFor();
  await look("sign-in");
  await open("/datasets");
  await heading("Sign in").waitFor();
  expect(new URL(page.url()).searchParams.get("back")).toBe("/datasets");
  await page.getByLabel("Name").fill("ada");
  await page.getByLabel("Password", { exact: true }).fill("not this one");
  await button("Sign in").click();
  await page.getByRole("alert").waitFor();
  await page.getByLabel("Password", { exact: true }).fill("a long walk");
  await button("Sign in").click();
  await heading("Datasets").waitFor();
});

test.skipIf(!canWalk)("a base model shows its card", async () => {
  await open("/base-models");
  // The sample is imported in the background at the first start.
  const first = page.getByRole("table").getByRole("link").first();
  await first.waitFor({ timeout: 120_000 });
  await look("base-models");
  await first.click();
  await page.getByText("Architecture", { exact: true }).waitFor();
  await look("base-model");
});

test.skipIf(!canWalk)("a dataset is imported, read, searched and seen as the model will see it", async () => {
  await open("/datasets?import=1");
  const form = page.getByRole("dialog");
  await form.locator("input[type=file]").setInputFiles(join(root, "samples/support-messages.jsonl"));
  await form.getByLabel("Name").fill("walk");
  await form.getByRole("button", { name: "Import dataset" }).click();
  await heading("walk").waitFor();
  await page.getByText("1 to 50 of 460 rows").waitFor();
  await look("dataset");
  await page.getByLabel("Search the rows").fill("hacked");
  await page.getByText("1 to 50 of 460 rows").waitFor({ state: "detached" });
  expect(await page.getByRole("region", { name: "Rows" }).getByRole("row").nth(1).textContent()).toMatch(
    /hacked/i,
  );
  await page.getByRole("tab", { name: "As the model sees it" }).click();
  expect(await page.locator("mark").first().textContent()).toContain('"team"');
  await look("dataset-row");
  await page.getByRole("tab", { name: "Token lengths" }).click();
  await page.getByText(/Half of the rows have at most \d+ tokens/).waitFor();
  await look("dataset-lengths");
});

test.skipIf(!canWalk)("bad rows are named by line, and the good ones can be kept", async () => {
  await open("/datasets?import=1");
  const form = page.getByRole("dialog");
  const text = '{"prompt":"a","completion":"b"}\n7\n{"prompt":"c","completion":"d"}\n';
  await form.locator("input[type=file]").setInputFiles({
    name: "bad.jsonl",
    mimeType: "application/jsonl",
    buffer: Buffer.from(text),
  });
  await form.getByLabel("Name").fill("bad");
  await form.getByRole("button", { name: "Import dataset" }).click();
  await page.getByRole("alert").first().waitFor();
  expect(await page.getByRole("alert").first().textContent()).toContain("2");
  await form.waitFor({ state: "detached" });
  await look("dataset-failed");
});

test.skipIf(!canWalk)("a key is shown once and can be revoked", async () => {
  await open("/settings");
  await button("Create key").click();
  const form = page.getByRole("dialog");
  await form.getByLabel("Name").fill("laptop");
  await form.getByRole("button", { name: "Create key" }).click();
  await form.getByText("Copy it now", { exact: false }).waitFor();
  await form.getByRole("button", { name: "I have copied it" }).click();
  await look("settings");
  await button("Revoke laptop").click();
  await page.getByText("revoked", { exact: true }).waitFor();
});

test.skipIf(!canWalk)("the palette goes anywhere by name", async () => {
  await open("/");
  await page.keyboard.press("ControlOrMeta+k");
  await page.getByPlaceholder("Go to anything by name").fill("trainers");
  await page.getByRole("dialog").getByText("Trainers", { exact: true }).click();
  await heading("Trainers").waitFor();
  await look("trainers");
});

test.skipIf(!canWalk)("the map is whole in the dark and on a telephone", async () => {
  await open("/");
  await heading("Process map").waitFor();
  await page.emulateMedia({ colorScheme: "dark" });
  await look("map-dark");
  await page.setViewportSize({ width: 360, height: 800 });
  await page.getByRole("navigation", { name: "Lifecycle" }).waitFor();
  await look("map-narrow");
  await page.setViewportSize({ width: 1440, height: 900 });
  await page.emulateMedia({ colorScheme: "light" });
});

test.skipIf(!canTrain)("a training shows its loss while it runs, and leaves a customized model", async () => {
  await open("/train");
  await page.getByLabel("Steps", { exact: true }).fill(String(steps));
  await page.locator("mark").first().waitFor();
  await page.getByText("Memory", { exact: true }).waitFor();
  await page.getByLabel("Name", { exact: true }).fill("router");
  await look("start-training");
  await button("Train router").click();
  await heading("router").waitFor();
  const curve = page.getByRole("img", { name: /^Loss: Loss \d/ });
  await curve.waitFor({ timeout: 300_000 });
  await page.getByText(new RegExp(`step \\d+ of ${steps}`)).waitFor();
  await look("training");
  await open("/");
  await page.getByText("training", { exact: true }).waitFor();
  await look("map");
  await open("/trainings");
  await page.getByRole("link", { name: "router", exact: true }).first().click();
  await page.getByRole("link", { name: "Compare with its base in chat" }).waitFor({ timeout: 800_000 });
  await look("training-done");
});

test.skipIf(!canTrain)("base and customized answer side by side", async () => {
  await page.getByRole("link", { name: "Compare with its base in chat" }).click();
  await button("Parameters").click();
  await button(/Use the system prompt of/)
    .first()
    .click();
  await page.getByLabel("Most tokens of a reply").fill("32");
  await look("chat-parameters");
  await page.keyboard.press("Escape");
  const replies = await say("The courier left my parcel at the wrong house.", 2);
  expect(replies).toHaveLength(2);
  expect(replies[1]).toContain('"team"');
  await look("chat");
});

test.skipIf(!canTrain)("save, deploy and register lead to an alias that answers", async () => {
  await open("/customized");
  await page.getByRole("link", { name: "router", exact: true }).first().click();
  await look("customized");
  await button("Save as complete model").click();
  await page.getByRole("dialog").getByRole("button", { name: "Save router" }).click();
  await page.getByRole("link", { name: "Open the complete model" }).click({ timeout: 300_000 });
  await heading("router-complete").waitFor();
  await look("complete");
  await button("Deploy").click();
  await page.getByLabel("Name of the live model").fill("router-live");
  await page
    .getByRole("dialog")
    .getByRole("button", { name: /^Deploy / })
    .click();
  await heading("router-live").waitFor();
  await page.locator(".e-pill", { hasText: /^live$/ }).waitFor({ timeout: 300_000 });
  await look("live");
  await button("Register").click();
  await page.getByLabel("Alias").fill("support");
  await page
    .getByRole("dialog")
    .getByRole("button", { name: /^Register / })
    .click();
  await heading("support").waitFor();
  await look("registered");
  await page.getByRole("link", { name: "Chat with it" }).click();
  const [reply] = await say("I was charged twice in March.", 1);
  expect(reply?.length ?? 0).toBeGreaterThan(5);
});

test.skipIf(!canWalk)("every other list has its page", async () => {
  for (const [path, title] of [
    ["/runs", "Runs"],
    ["/trainings", "Trainings"],
    ["/customized", "Customized models"],
    ["/complete", "Complete models"],
    ["/live", "Live models"],
    ["/registered", "Registered models"],
    ["/datasets", "Datasets"],
  ] as const) {
    await open(path);
    await heading(title).waitFor();
    await page.getByRole("status", { name: "Loading" }).waitFor({ state: "detached" });
    await look(path.slice(1));
  }
});

test.skipIf(!canWalk)("no page broke, or asked another host", () => {
  expect(faults).toEqual([]);
});
