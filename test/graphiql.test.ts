// GraphiQL at /graphql, through the executable and in Chromium: for who is signed in, from this server alone, within
// its policy; it completes, runs a query and follows a subscription.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { z } from "zod";

setDefaultTimeout(120_000);

const { env } = process;
const root = join(import.meta.dir, "..");
const command = env.ESPALIER_BIN ? [env.ESPALIER_BIN] : [process.execPath, join(root, "src/main.ts")];
const browserPath = env.ESPALIER_CHROMIUM ?? "/usr/bin/chromium";
const canBrowse = existsSync(browserPath);

const dir = mkdtempSync(join(tmpdir(), "espalier-graphiql-"));
const Ready = z.object({ ready: z.literal(true), url: z.url(), setupUrl: z.url() });
let server: Bun.Subprocess<"ignore", "pipe", Bun.BunFile>;
let ready: z.infer<typeof Ready>;
let browser: Browser | undefined;

beforeAll(async () => {
  server = Bun.spawn([...command, "serve", "--data", join(dir, "data"), "--port", "0"], {
    env: { PATH: "/usr/bin:/bin", HOME: dir, XDG_CACHE_HOME: join(dir, "cache"), TMPDIR: dir },
    stdin: "ignore",
    stdout: "pipe",
    stderr: Bun.file(join(dir, "stderr.log")),
  });
  const reader = server.stdout.getReader();
  let text = "";
  while (!text.includes("\n")) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`serve ended: ${await Bun.file(join(dir, "stderr.log")).text()}`);
    text += new TextDecoder().decode(value);
  }
  reader.releaseLock();
  ready = Ready.parse(JSON.parse(text.slice(0, text.indexOf("\n"))));
});

afterAll(async () => {
  await browser?.close();
  server.kill("SIGTERM");
  await server.exited;
  rmSync(dir, { recursive: true, force: true });
});

const asPage = (headers: Record<string, string> = {}) =>
  fetch(`${ready.url}/graphql`, { headers: { accept: "text/html,*/*;q=0.8", ...headers } });

test("who is not signed in gets 401 and the way to sign in, and nothing of GraphiQL", async () => {
  for (const headers of [{}, { authorization: "Bearer esp_wrong" }, { cookie: "espalier_session=x" }]) {
    const answer = await asPage(headers);
    expect(answer.status).toBe(401);
    const html = await answer.text();
    expect(html).toContain("/sign-in?back=%2Fgraphql");
    expect(html).not.toContain("<script");
  }
});

/** Signs the first person in, once; later calls get the same session. */
let cookie = "";
async function signIn(): Promise<string> {
  if (cookie !== "") return cookie;
  const token = new URL(ready.setupUrl).searchParams.get("token");
  const answer = await fetch(`${ready.url}/auth/setup`, {
    method: "POST",
    body: JSON.stringify({ token, name: "ada", password: "correct horse" }),
  });
  expect(answer.status).toBe(200);
  cookie = answer.headers.get("set-cookie")?.split(";", 1)[0] ?? "";
  return cookie;
}

test("the page names no foreign address, and its policy lets none in", async () => {
  const answer = await asPage({ cookie: await signIn() });
  expect(answer.status).toBe(200);
  const policy = answer.headers.get("content-security-policy") ?? "";
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain("script-src 'self';");
  expect(policy).not.toContain("unsafe-eval");
  expect(policy).not.toMatch(/https?:/);
  const html = await answer.text();
  expect(html).not.toMatch(/(https?:)?\/\/[a-z]/i);
  const parts = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path]) => path ?? "");
  expect(parts.length).toBeGreaterThanOrEqual(4);
  for (const path of [...parts, "/graphiql/graphql.worker.js", "/graphiql/json.worker.js"])
    expect([path, (await fetch(`${ready.url}${path}`)).status]).toEqual([path, 200]);
  // Styles fetch on their own: none of them from elsewhere.
  const css = await (await fetch(`${ready.url}/graphiql/graphiql.css`)).text();
  expect(css).not.toMatch(/url\(\s*["']?(https?:)?\/\//i);
});

test("a program that asks by GET still gets an answer and no page", async () => {
  const headers = { cookie: await signIn(), accept: "application/json" };
  const answer = await fetch(`${ready.url}/graphql?query={version}`, { headers });
  expect(await answer.json()).toMatchObject({ data: { version: expect.any(String) } });
});

/** What a page must not do: fail in a script, break its policy, or ask another host. */
const faults: string[] = [];
function watch(page: Page): void {
  page.on("pageerror", (error) => faults.push(`script: ${error.message}`));
  page.on("console", (message) => {
    if (/Content Security Policy|Failed to load|worker/i.test(message.text())) faults.push(message.text());
  });
}

async function openBrowser(): Promise<BrowserContext> {
  browser = await chromium.launch({
    executablePath: browserPath,
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"],
  });
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  context.on("request", (request) => {
    const url = new URL(request.url());
    if (url.protocol.startsWith("http") && url.origin !== ready.url) faults.push(`asked ${url}`);
  });
  return context;
}

test.skipIf(!canBrowse)("in Chromium: sign in, complete, run a query, follow a subscription", async () => {
  await signIn();
  const context = await openBrowser();
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  await page.goto(`${ready.url}/graphql`);
  await page.waitForURL(/\/sign-in\?back=%2Fgraphql$/);
  await page.getByRole("textbox", { name: "Name" }).fill("ada");
  await page.getByRole("textbox", { name: "Password" }).fill("correct horse");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL(`${ready.url}/graphql`);
  // From here on: the refusals before the sign-in are no faults.
  faults.length = 0;
  watch(page);

  const editor = page.locator(".graphiql-query-editor .monaco-editor").first();
  await editor.waitFor();
  const write = async (text: string) => {
    await editor.click();
    await page.keyboard.press("Control+A");
    await page.keyboard.press("Delete");
    // As typed, brackets would close themselves.
    await page.keyboard.insertText(text);
  };
  const response = page.locator(".graphiql-response .view-lines");

  await write("{ viewer { na } }");
  for (let i = 0; i < 4; i++) await page.keyboard.press("ArrowLeft");
  await page.keyboard.press("Control+Space");
  const suggestion = page.locator(".suggest-widget .monaco-list-row", { hasText: "name" }).first();
  await suggestion.waitFor();
  await page.keyboard.press("Escape");

  await write("{ viewer { name scopes } models { totalCount } }");
  await page.getByRole("button", { name: /Execute query/ }).click();
  await response.getByText('"ada"').waitFor();
  await response.getByText('"totalCount"').waitFor();

  await write("subscription { runChanged { kind status } }");
  await page.getByRole("button", { name: /Execute query/ }).click();
  await page.getByRole("button", { name: /Stop query/ }).waitFor();
  const operations = {
    query:
      'mutation ($file: File) { importDataset(input: { name: "rows", file: $file }) { __typename ... on UserError { code text: message } } }',
    variables: { file: null },
  };
  const imported = await context.request.post(`${ready.url}/graphql`, {
    multipart: {
      operations: JSON.stringify(operations),
      map: JSON.stringify({ 0: ["variables.file"] }),
      0: {
        name: "rows.jsonl",
        mimeType: "application/jsonl",
        buffer: Buffer.from('{"prompt":"a","completion":"b"}\n'.repeat(20)),
      },
    },
  });
  expect(await imported.json()).toMatchObject({
    data: { importDataset: { __typename: "ImportDatasetSuccess" } },
  });
  await response.getByText('"SUCCEEDED"').waitFor();
  await page.getByRole("button", { name: /Stop query/ }).click();
  await page.getByRole("button", { name: /Execute query/ }).waitFor();

  expect(faults).toEqual([]);
});
