// Images by every provider's own wire format through a real server: made, refused, misbehaving, kept, downloaded.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { z } from "zod";
import { createImageKit, MODELS, sourceImage } from "./image-kit.ts";
import { IMAGE_KEY, type ImageManner, type ImageWireKind, picture } from "./image-wire.ts";
import { startWorld, type World } from "./world.ts";

setDefaultTimeout(60_000);

let world: World;
beforeAll(async () => {
  world = await startWorld([["read"], ["read", "chat"]]);
});
afterAll(async () => {
  await world?.close();
  await kit.close();
});

const kit = createImageKit(() => world);
const { provide, start, refusal, ended, imagesOf, make, failure, uploaded } = kit;

const RATIO: Partial<Record<ImageWireKind, [ratio: string, size: [number, number]]>> = {
  openai: ["3:2", [1536, 1024]],
  "openai-compatible": ["16:9", [1280, 720]],
  siliconflow: ["3:4", [960, 1280]],
  bedrock: ["9:16", [720, 1280]],
  azure: ["2:3", [1024, 1536]],
};

describe.each(Object.keys(MODELS) as ImageWireKind[])("%s", (kind) => {
  test("two images of words, in a ratio, each with its facts, bytes and cost", async () => {
    const { model, server } = await provide(kind, "well", { prices: { image: 0.04 } });
    const [ratio, [width, height]] = RATIO[kind] ?? ["16:9", [1024, 1024]];
    const made = await make({ model, count: 2, ratio });
    expect(made.length).toBe(2);
    for (const image of made) {
      expect(image).toMatchObject({
        mediaType: "image/png",
        width,
        height,
        prompt: "A fox in the snow",
        model,
        ratio,
        costUsd: 0.04,
        createdBy: "admin",
        source: null,
      });
      const file = await world.fetch(image.url);
      expect(file.headers.get("content-type")).toBe("image/png");
      expect(new Uint8Array(await file.arrayBuffer()).slice(1, 4)).toEqual(
        new Uint8Array([0x50, 0x4e, 0x47]),
      );
    }
    expect(server.asked.length).toBe(2);
    for (const { key, body } of server.asked) {
      expect(key).toBe(IMAGE_KEY);
      expect(JSON.stringify(body)).toContain("A fox in the snow");
    }
  });

  test("a seed goes along where the provider has one, and the next image has the next", async () => {
    const { model, server } = await provide(kind);
    const isNone = kind === "openai" || kind === "azure";
    if (isNone) {
      expect(await refusal({ model, seed: 5 })).toMatchObject({ code: "SEED_UNSUPPORTED", field: "seed" });
      const { request } = await start({ model });
      expect(request.seed).toBe(null);
      return;
    }
    const made = await make({ model, count: 2, seed: 41 });
    expect(made.map(({ seed }) => seed).sort()).toEqual([41, 42]);
    const sent = server.asked.map(({ body }) => /"seed":(\d+)/.exec(JSON.stringify(body))?.[1]).sort();
    expect(sent).toEqual(["41", "42"]);
    // One that nobody chose is drawn and kept, so that the image can be made again; an unknown server is sent none.
    const { request } = await start({ model });
    if (kind === "openai-compatible") expect(request.seed).toBe(null);
    else expect(request.seed).toBeGreaterThan(0);
  });

  test("an image starts from a picture", async () => {
    const { model, server } = await provide(kind);
    const { image: source } = sourceImage.parse(await uploaded(picture(32, 24, kind.length)));
    expect(source).toMatchObject({ width: 32, height: 24, prompt: null, fileName: "mine.png" });
    const [made] = await make({ model, sourceId: source.id, prompt: "The same in winter" });
    expect(made?.source).toEqual({ id: source.id });
    const { path, body } = server.asked[0] ?? { path: "", body: {} };
    const text = JSON.stringify(body);
    if (kind === "openai" || kind === "openai-compatible" || kind === "azure") {
      expect(path).toEndWith("/images/edits");
      expect(text).toMatch(/"image":"image\/png \d+"/);
    } else expect(text).toContain("iVBORw0KGgo");
  });

  test("the provider's filter, its key, its 429 and a web page are told in its own words", async () => {
    const wrong = "sk-wrong-9876543210";
    const tried = async (manner: ImageManner, key?: string) =>
      failure({ model: (await provide(kind, manner, key ? { key } : {})).model });
    const [filtered, locked, busy, page, words] = await Promise.all([
      tried("filtered"),
      tried("well", wrong),
      tried("busy-long"),
      tried("html"),
      tried("no-picture"),
    ]);
    expect(filtered).toMatchObject({
      code: "PROVIDER_FILTERED",
      text: expect.stringMatching(/content filter: .*(safety|SAFETY|Violence)/),
    });
    expect(locked?.code).toBe("PROVIDER_KEY_REFUSED");
    expect(locked?.text).not.toContain(wrong);
    expect(busy).toMatchObject({ code: "PROVIDER_BUSY", hint: "It asks to wait: Retry-After 3600." });
    expect([page?.code, words?.code]).toEqual(["PROVIDER_NOT_AN_API", "PICTURE_UNREADABLE"]);
  });
});

describe("a picture that the answer only names an address of", () => {
  test.each(["openai", "openai-compatible", "siliconflow"] as const)("%s", async (kind) => {
    const { model, server } = await provide(kind, { at: "picture" });
    const [image] = await make({ model });
    expect(image).toMatchObject({ width: 1024, height: 1024, mediaType: "image/png" });
    // The provider's key is not for whoever keeps its pictures.
    expect(server.fetched).toEqual([{ path: "/pictures/1024x1024", key: null }]);
  });

  test.each([
    ["html", "PICTURE_UNREADABLE"],
    ["svg", "PICTURE_UNREADABLE"],
    ["huge", "PROVIDER_ANSWER_TOO_LARGE"],
    ["gone", "PICTURE_GONE"],
  ] as const)("%s is refused: %s", async (at, code) => {
    const { model } = await provide("openai-compatible", { at });
    expect(await failure({ model })).toMatchObject({ code });
    expect(await imagesOf(model)).toEqual([]);
  });

  test.each([
    ["a private host", { url: "http://localhost:1/x.png" }, "ADDRESS_PRIVATE"],
    ["a cloud's metadata", { url: "http://169.254.169.254/latest/meta-data" }, "ADDRESS_FORBIDDEN"],
    ["a redirect to a private host", { redirect: "http://10.0.0.1/x.png" }, "ADDRESS_PRIVATE"],
    ["a redirect to metadata", { redirect: "http://169.254.169.254/" }, "ADDRESS_FORBIDDEN"],
    ["a file", { url: "file:///etc/passwd" }, "URL_INVALID"],
  ] as const)("%s is not called", async (_, manner, code) => {
    const { model } = await provide("openai-compatible", manner);
    expect(await failure({ model })).toMatchObject({ code });
  });
});

test("a short Retry-After is waited for", async () => {
  const { model, server } = await provide("openai", "busy-once");
  expect((await make({ model })).length).toBe(1);
  expect(server.asked.length).toBe(2);
});

test("silence ends after four times the provider's time limit", async () => {
  const { model } = await provide("openai", "silent", { timeoutMs: 1000 });
  const startedAt = performance.now();
  expect(await failure({ model })).toMatchObject({ code: "PROVIDER_TIMEOUT" });
  expect(performance.now() - startedAt).toBeGreaterThan(3900);
});

test("what was made before a failure stays, and a retry pays only for the rest", async () => {
  const { model, server } = await provide("openai", "one-only");
  const { run } = await start({ model, count: 4 });
  const { status, error } = await ended(run.id);
  expect(status).toBe("FAILED");
  expect(error).toMatchObject({
    code: "PROVIDER_REFUSED",
    text: expect.stringContaining("1 of 4 images are there. "),
  });
  expect((await imagesOf(model)).length).toBe(1);
  const before = server.asked.length;
  // Two were under way together; nothing was begun after the refusal.
  expect(before).toBe(2);
  server.manner = "well";
  const again = z
    .object({ run: z.object({ id: z.string() }) })
    .parse(
      await world.act(
        "mutation ($id: ID!) { retryRun(id: $id) { __typename ... on RunSuccess { run { id } } ... on UserError { code text: message } } }",
        { id: run.id },
      ),
    );
  expect(await ended(again.run.id)).toMatchObject({ status: "SUCCEEDED", step: 4, totalSteps: 4 });
  expect(server.asked.length - before).toBe(3);
  expect((await imagesOf(model)).length).toBe(4);
});

test("a cancel ends the waiting at once; what is missing is listed until it is deleted, and can come back", async () => {
  const { model, server } = await provide("openai", "slow");
  const { run, request } = await start({ model, count: 2 });
  while (server.asked.length < 2) await Bun.sleep(10);
  const startedAt = performance.now();
  await world.act(
    "mutation ($id: ID!) { cancelRun(id: $id) { __typename ... on RunSuccess { run { id } } ... on UserError { code text: message } } }",
    { id: run.id },
  );
  expect((await ended(run.id)).status).toBe("CANCELLED");
  expect(performance.now() - startedAt).toBeLessThan(5000);
  const open = async () =>
    JSON.stringify(await world.graphql("{ imageRequests { nodes { id madeCount run { status } } } }"));
  expect(await open()).toContain(`{"id":"${request.id}","madeCount":0,"run":{"status":"CANCELLED"}}`);
  const del = `mutation ($id: ID!) { delete(id: $id) { __typename ... on DeleteSuccess { name } ... on UserError { code text: message } } }`;
  expect(await world.act(del, { id: request.id })).toMatchObject({ name: "A fox in the snow" });
  expect(await open()).not.toContain(request.id);
  await world.act(
    "mutation ($id: ID!) { undelete(id: $id) { __typename ... on UndeleteSuccess { id } ... on UserError { code text: message } } }",
    { id: request.id },
  );
  expect(await open()).toContain(request.id);
});

test("use and cost are recorded for each image: its price, else its tokens'", async () => {
  const priced = await provide("openai", "well", { prices: { input: 10, output: 40 } });
  const [image] = await make({ model: priced.model });
  expect(image?.costUsd).toBeCloseTo((10 * 10 + 1000 * 40) / 1e6, 9);
  const free = await provide("bedrock");
  expect((await make({ model: free.model }))[0]?.costUsd).toBe(null);
  const said = await world.graphql(
    "{ usage(first: 200) { nodes { model source requests inputTokens outputTokens costUsd } } }",
  );
  const days = z
    .object({ usage: z.object({ nodes: z.array(z.looseObject({ model: z.string() })) }) })
    .parse(said).usage.nodes;
  expect(days.find(({ model }) => model === priced.model)).toMatchObject({
    source: "image",
    requests: 1,
    inputTokens: 10,
    outputTokens: 1000,
    costUsd: image?.costUsd,
  });
});

test("a deleted image is out of sight and out of reach, and comes back whole", async () => {
  const { model } = await provide("openai");
  const [image] = await make({ model });
  const { id = "", url = "" } = image ?? {};
  const before = await (await world.fetch(url)).arrayBuffer();
  await world.act(
    "mutation ($id: ID!) { delete(id: $id) { __typename ... on DeleteSuccess { name } ... on UserError { code text: message } } }",
    { id },
  );
  expect(await imagesOf(model)).toEqual([]);
  expect((await world.fetch(url)).status).toBe(404);
  expect(JSON.stringify(await world.graphql("{ trash { nodes { id kind name } } }"))).toContain(
    `{"id":"${id}","kind":"image","name":"A fox in the snow"}`,
  );
  await world.act(
    "mutation ($id: ID!) { undelete(id: $id) { __typename ... on UndeleteSuccess { id } ... on UserError { code text: message } } }",
    { id },
  );
  expect(await imagesOf(model)).toEqual(image ? [image] : []);
  expect(await (await world.fetch(url)).arrayBuffer()).toEqual(before);
});

test("the download is a picture and nothing else: typed, not to be run, asked for anew each time", async () => {
  const { model } = await provide("openai");
  const url = (await make({ model }))[0]?.url ?? "";
  const shown = await world.fetch(url);
  const headers = Object.fromEntries(shown.headers);
  expect(headers).toMatchObject({
    "content-type": "image/png",
    "content-disposition": expect.stringMatching(/^inline; filename\*=UTF-8''img_\w+\.png$/),
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; sandbox",
    "cache-control": "private, no-cache",
  });
  const etag = headers["etag"] ?? "";
  expect((await world.fetch(url, { headers: { "if-none-match": etag } })).status).toBe(304);
  const kept = await world.fetch(`${url}?download`);
  expect(kept.headers.get("content-disposition")).toMatch(/^attachment; filename\*=UTF-8''img_\w+\.png$/);
  expect((await fetch(`${world.server.url}${url}`)).status).toBe(401);
  expect((await world.fetch(url, { key: world.key("read") })).status).toBe(200);
});

test("an uploaded picture is looked at, and the same one twice is one", async () => {
  const bytes = picture(40, 30, 7);
  const first = sourceImage.parse(await uploaded(bytes));
  expect(sourceImage.parse(await uploaded(bytes, "again.png")).image.id).toBe(first.image.id);
  const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>');
  expect(await uploaded(svg, "evil.png")).toMatchObject({ code: "PICTURE_UNREADABLE" });
  expect(await uploaded(new Uint8Array(21 * 1024 * 1024), "big.png")).toMatchObject({
    code: "PICTURE_TOO_LARGE",
    field: "file",
  });
});

test("what a model does not offer is refused by name", async () => {
  const { model } = await provide("openai", "well", { model: "dall-e-3" });
  expect(await refusal({ model, ratio: "21:9" })).toMatchObject({
    code: "RATIO_UNSUPPORTED",
    field: "ratio",
    hint: "Choose one of 1:1, 7:4, 4:7.",
  });
  const { image } = sourceImage.parse(await uploaded(picture(16, 16, 9)));
  expect(await refusal({ model, sourceId: image.id })).toMatchObject({ code: "SOURCE_UNSUPPORTED" });
  expect(await refusal({ model, count: 5 })).toMatchObject({ code: "PARAMETER_INVALID", field: "count" });
  expect(await refusal({ model, prompt: "  " })).toMatchObject({ code: "PROMPT_INVALID", field: "prompt" });
  expect(await refusal({ model: "nobody" })).toMatchObject({ code: "MODEL_NOT_FOUND" });
  const gpt = await provide("openai");
  expect(await refusal({ model: gpt.model, sourceId: "img_x" })).toMatchObject({
    code: "IMAGE_NOT_FOUND",
    field: "source",
  });
});
