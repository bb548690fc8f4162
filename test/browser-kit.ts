// A person at a browser before the executable, which was moved away from everything else: Chromium, axe, pictures,
// and the same truth by GraphQL with a key. ESPALIER_SCREENSHOTS=1 writes docs/screenshots/; ESPALIER_GALLERY=DIR puts
// every page that is looked at there, light and dark, wide and narrow.
import { expect } from "bun:test";
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AxeBuilder } from "@axe-core/playwright";
import { type Browser, type BrowserContext, chromium, type Locator, type Page } from "playwright-core";
import { z } from "zod";
import { walkByKeys } from "./browser-keys.ts";
import { createUser, type Served } from "./command.ts";

const { env } = process;
export const root = join(import.meta.dir, "..");
const built = env.ESPALIER_BIN ?? join(root, "dist/espalier");
const model = env.ESPALIER_TEST_MODEL ?? join(root, ".cache/models/SmolLM2-135M-Instruct.Q4_1.gguf");
const python = env.ESPALIER_TRAINER_PYTHON ?? join(root, "trainer/.venv/bin/python");
const browserPath = env.ESPALIER_CHROMIUM ?? "/usr/bin/chromium";
const pictures = join(root, "docs/screenshots");
const { ESPALIER_GALLERY: gallery } = env;

export const canWalk = existsSync(browserPath) && existsSync(model);
export const canTrain =
  canWalk && existsSync(python) && env.ESPALIER_TRAINER !== "0" && env.ESPALIER_TESTS !== "quick";
/** Pictures want a real state: more steps, whole replies. */
export const wantsPictures = env.ESPALIER_SCREENSHOTS === "1";
/** A walk waits for what it looks at; this is only how long a stuck one lasts. */
const stuckMs = 600_000;
const pictureBytes = 256 * 1024;

export const ada = { name: "ada", password: "a long walk" };
export const wide = { width: 1440, height: 900 };
export const narrow = { width: 390, height: 844 };

const answer = z.object({
  data: z.record(z.string(), z.unknown()).nullish(),
  errors: z.array(z.looseObject({ message: z.string() })).optional(),
});
const outcome = z.looseObject({ __typename: z.string() });

export type Walk = Awaited<ReturnType<typeof startWalk>>;

/** Starts the executable from a folder of its own, with the sample model, and a browser; nobody is set up yet. */
export async function startWalk() {
  if (!existsSync(built)) throw new Error(`${built} does not exist; run bin/build`);
  const moved = mkdtempSync(join(tmpdir(), "espalier-moved-"));
  const program = join(moved, "espalier");
  cpSync(built, program);
  chmodSync(program, 0o755);
  const user = createUser([program]);
  // node_modules and this repository's tools are out of reach.
  user.env.PATH = "/usr/bin:/bin";
  const data = join(user.folder, "data");
  const made = await user.json(["key", "create", "--data", data, "--name", "walk"]);
  const { key } = z.looseObject({ key: z.string() }).parse(made.document);
  let served: Served = await user.serve(data, ["--sample-model", model]);
  const setupUrl = served.setupUrl ?? "";
  const { port } = new URL(served.url);

  const browser: Browser = await chromium.launch({
    executablePath: browserPath,
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"],
  });
  /** What a page must not do: fail in a script, break its content policy, or ask another host. */
  const faults: string[] = [];
  const context = await browser.newContext({
    viewport: wide,
    reducedMotion: "reduce",
    colorScheme: "light",
    acceptDownloads: true,
  });
  const page = await context.newPage();
  watch(context, page);

  function watch(within: BrowserContext, one: Page): void {
    within.setDefaultTimeout(30_000);
    one.on("pageerror", (error) => faults.push(`script: ${error.message}`));
    one.on("console", (message) => {
      if (/Content Security Policy/i.test(message.text())) faults.push(message.text());
    });
    one.on("request", (request) => {
      const url = new URL(request.url());
      if (url.protocol.startsWith("http") && url.origin !== new URL(served.url).origin)
        faults.push(`asked ${url}`);
    });
  }

  /** The page as it is for the gallery, in both widths. */
  async function hang(name: string): Promise<void> {
    if (!gallery) return;
    const before = page.viewportSize() ?? wide;
    for (const [word, size] of Object.entries({ wide, narrow })) {
      await page.setViewportSize(size);
      await page.screenshot({ path: join(gallery, `${name}-${word}.png`), animations: "disabled" });
    }
    await page.setViewportSize(before);
  }

  const walk = {
    user,
    page,
    faults,
    setupUrl,
    key,
    url: () => served.url,
    open: (path: string) => page.goto(new URL(path, served.url).href),
    button: (name: string | RegExp, within: Page | Locator = page) => within.getByRole("button", { name }),
    heading: (name: string) => page.getByRole("heading", { level: 1, name, exact: true }),
    dialog: () => page.getByRole("dialog"),

    /** Creates the first person by the set-up link, and sees the map. */
    async setUp(): Promise<void> {
      await page.goto(setupUrl);
      await page.getByLabel("Name").fill(ada.name);
      await page.getByLabel("Password", { exact: true }).fill(ada.password);
      await walk.button("Create account").click();
      await walk.heading("Process map").waitFor();
    },

    /** Data of a GraphQL operation with a key, the walk's own admin key when unsaid. @throws Error with its errors. */
    async graphql(query: string, variables: object = {}, bearer = key): Promise<Record<string, unknown>> {
      const response = await walk.ask(query, variables, bearer);
      const { data: found, errors } = answer.parse(await response.json());
      if (errors !== undefined || !found) throw new Error(JSON.stringify(errors));
      return found;
    },
    /** The HTTP answer itself. */
    ask: (query: string, variables: object = {}, bearer?: string): Promise<Response> =>
      fetch(`${served.url}/graphql`, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          ...(bearer ? { authorization: `Bearer ${bearer}` } : {}),
        },
        body: JSON.stringify({ query, variables }),
      }),
    /** The same as the person who is signed in at the browser. */
    async asPerson(query: string, variables: object = {}): Promise<Record<string, unknown>> {
      const response = await page.request.post(`${served.url}/graphql`, { data: { query, variables } });
      const { data: found, errors } = answer.parse(await response.json());
      if (errors !== undefined || !found) throw new Error(JSON.stringify(errors));
      return found;
    },
    /** The success of a mutation, or its typed error. */
    async act(query: string, variables: object = {}): Promise<z.infer<typeof outcome>> {
      return outcome.parse(Object.values(await walk.graphql(query, variables))[0]);
    },
    /** Asks by GraphQL until the answer has the shape. */
    async until<T>(
      query: string,
      shape: z.ZodType<T>,
      variables: object = {},
      ask?: (query: string, variables: object) => Promise<Record<string, unknown>>,
    ): Promise<T> {
      const from = performance.now();
      for (;;) {
        const said = await (ask ?? walk.graphql)(query, variables);
        const read = shape.safeParse(said);
        if (read.success) return read.data;
        if (performance.now() - from > stuckMs) throw new Error(`still ${JSON.stringify(said)}`);
        await Bun.sleep(100);
      }
    },
    /** Waits for the samples of a first start. */
    samples: () =>
      walk.until(
        "{ baseModels { nodes { id name hash } } datasets { nodes { id name latest { id rowCount } } } }",
        z.object({
          baseModels: z.object({
            nodes: z.tuple([z.object({ id: z.string(), name: z.string(), hash: z.string() })]),
          }),
          datasets: z.object({
            nodes: z.tuple([
              z.object({
                id: z.string(),
                name: z.string(),
                latest: z.object({ id: z.string(), rowCount: z.number() }),
              }),
            ]),
          }),
        }),
      ),

    /** Imports rows as a dataset, and gives its version's id. */
    async importRows(name: string, rows: readonly object[]): Promise<string> {
      const bytes = new TextEncoder().encode(rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
      const headers = { authorization: `Bearer ${walk.key}` };
      const body = JSON.stringify({ name: `${name}.jsonl`, sizeBytes: bytes.byteLength });
      const made = await fetch(`${served.url}/uploads`, { method: "POST", headers, body });
      const { id: uploadId } = z.object({ id: z.string() }).parse(await made.json());
      await fetch(`${served.url}/uploads/${uploadId}`, {
        method: "PATCH",
        headers: { ...headers, "upload-offset": "0" },
        body: bytes,
      });
      await walk.act(
        "mutation ($input: ImportDatasetInput!) { importDataset(input: $input) { __typename ... on UserError { message } } }",
        { input: { name, uploadId } },
      );
      const shape = z.object({ dataset: z.object({ latest: z.object({ id: z.string() }) }) });
      const query = "query ($name: String!) { dataset(name: $name) { latest { id } } }";
      return (await walk.until(query, shape, { name })).dataset.latest.id;
    },

    /** Ends the server and starts it again on the same data and port. */
    async restart(): Promise<void> {
      await served.stop();
      served = await user.serve(data, ["--sample-model", model, "--port", port]);
    },
    /** A trainer process of the moved executable, as on another machine. */
    startTrainer(token: string): void {
      const child = user.start(["trainer", "--url", served.url, "--token", token, "--python", python]);
      // Read, so that it never waits for a reader.
      for (const stream of [child.stdout, child.stderr]) void new Response(stream).text();
    },

    /**
     * Looks at the page as it is: nothing for axe to find in light or dark, nothing wider than the window.
     * Takes its picture where pictures are wanted, the dark one too when asked; walks it by keyboard when asked.
     */
    async look(name: string, { dark = false, picture = true, keys = false } = {}): Promise<void> {
      for (const scheme of ["dark", "light"] as const) {
        await page.emulateMedia({ colorScheme: scheme });
        await page.locator(`html[data-mantine-color-scheme=${scheme}]`).waitFor();
        const { violations } = await new AxeBuilder({ page }).analyze();
        const found = violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html.slice(0, 200)}`);
        expect({ page: name, scheme, found }).toEqual({ page: name, scheme, found: [] });
        if (picture && (scheme === "light" || dark))
          await walk.picture(scheme === "dark" ? `${name}-dark` : name);
        if (gallery) await hang(`${name}-${scheme}`);
      }
      const tooWide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      expect({ page: name, tooWide: Math.max(0, tooWide) }).toEqual({ page: name, tooWide: 0 });
      if (keys) await walkByKeys(walk, name);
    },
    /** The page as it is for the gallery, in both schemes and widths, for what nothing else looks at. */
    async show(name: string): Promise<void> {
      if (!gallery) return;
      for (const colorScheme of ["dark", "light"] as const) {
        await page.emulateMedia({ colorScheme });
        await hang(`${name}-${colorScheme}`);
      }
    },
    async picture(name: string): Promise<void> {
      if (!wantsPictures) return;
      mkdirSync(pictures, { recursive: true });
      const path = join(pictures, `${name}.png`);
      await page.screenshot({ path, animations: "disabled" });
      expect({ picture: name, fits: statSync(path).size <= pictureBytes }).toEqual({
        picture: name,
        fits: true,
      });
    },
    /** Puts a window of another size before the page for as long as `work` lasts. */
    async within(size: { width: number; height: number }, work: () => Promise<void>): Promise<void> {
      await page.setViewportSize(size);
      await work();
      await page.setViewportSize(wide);
    },

    /** Says something in the chat and waits until so many replies stand there whole; their texts. */
    async say(text: string, replies: number): Promise<string[]> {
      const composer = page.getByRole("textbox", { name: "Message" });
      await composer.waitFor();
      // A picker shows the model's name once the models are known.
      await page.waitForFunction(() => {
        const pickers = [...document.querySelectorAll<HTMLInputElement>('input[aria-label="Model"]')];
        return pickers.length > 0 && pickers.every((input) => input.value !== "");
      });
      await composer.fill(text);
      await composer.press("Enter");
      await page.waitForFunction(
        (count) => document.querySelectorAll("[data-testid=reply]:not([data-streaming])").length >= count,
        replies,
        { timeout: stuckMs },
      );
      return page.locator("[data-testid=reply]:not([data-streaming])").allInnerTexts();
    },

    /** Presses Tab until the element with this name has the focus. */
    async tabTo(name: string): Promise<void> {
      const named = () =>
        page.evaluate(() => {
          const { activeElement: at } = document;
          return at?.getAttribute("aria-label") ?? at?.textContent?.trim() ?? "";
        });
      for (let presses = 0; presses < 120; presses++) {
        if ((await named()) === name) return;
        await page.keyboard.press("Tab");
      }
      throw new Error(`no Tab led to "${name}"`);
    },
    /** A second browser, as a person would have on another device. */
    async elsewhere(): Promise<Page> {
      const other = await browser.newContext({
        viewport: wide,
        reducedMotion: "reduce",
        colorScheme: "light",
      });
      const one = await other.newPage();
      watch(other, one);
      return one;
    },

    async close(): Promise<void> {
      await browser.close();
      await user.close();
      rmSync(moved, { recursive: true, force: true });
    },
  };
  return walk;
}
