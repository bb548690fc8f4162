// Pictures in chat, through a running server: taken in by their bytes, kept with their message, sent in each provider's own format.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { z } from "zod";
import { type LocalVerbs, runCli } from "../src/cli/cli.ts";
import { noPictures, pngOf, redPictures } from "../src/kit/picture.test-kit.ts";
import { createProviderKit } from "./provider-kit.ts";
import { startWorld, type World } from "./world.ts";

let world: World;
const { provide, complete, close } = createProviderKit(() => world);
beforeAll(async () => {
  world = await startWorld([["read"], ["read", "chat"]]);
});
afterAll(async () => {
  await close();
  await world?.close();
});

const SEES = [
  { model: "seer", abilities: ["TEXT", "VISION"], prices: { input: 2, output: 10 } },
  { model: "blind", abilities: ["TEXT"] },
];
const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");
const dataUrl = (bytes: Uint8Array, type = "image/png"): string => `data:${type};base64,${base64(bytes)}`;
const PNG = base64(redPictures.png);

const added = z.object({
  addPicture: z.object({
    picture: z.object({ id: z.string(), mediaType: z.string(), width: z.number(), url: z.string() }),
  }),
});
const ADD_PICTURE = `mutation ($input: AddPictureInput!) { addPicture(input: $input) { __typename
  ... on AddPictureSuccess { picture { id mediaType width height url } } ... on UserError { code text: message field value } } }`;

/** Sends bytes as a multipart request, with a key that may not upload. */
async function addPicture(bytes: Uint8Array<ArrayBuffer>, name: string): Promise<unknown> {
  const body = new FormData();
  body.set("operations", JSON.stringify({ query: ADD_PICTURE, variables: { input: { name, file: null } } }));
  body.set("map", JSON.stringify({ 0: ["variables.input.file"] }));
  body.set("0", new File([bytes], name, { type: "image/png" }));
  const response = await world.fetch("/graphql", { method: "POST", key: world.key("read", "chat"), body });
  const answer: unknown = await response.json();
  return z.object({ data: z.unknown() }).parse(answer).data;
}
async function picture(name = "red.png", bytes = redPictures.png): Promise<string> {
  return added.parse(await addPicture(bytes, name)).addPicture.picture.id;
}

const SEND = `mutation ($input: SendMessageInput!) { sendMessage(input: $input) { __typename
  ... on SendMessageSuccess { conversation { id title } reply { id parentId } } ... on UserError { code text: message field hint } } }`;
const RETRY = `mutation ($input: RetryReplyInput!) { retryReply(input: $input) { __typename
  ... on SendMessageSuccess { conversation { id title } reply { id parentId } } ... on UserError { code text: message } } }`;
const sent = z.looseObject({
  conversation: z.object({ id: z.string(), title: z.string() }),
  reply: z.object({ id: z.string(), parentId: z.string() }),
});
const messageShape = z.object({
  id: z.string(),
  role: z.string(),
  text: z.string(),
  finishReason: z.string().nullable(),
  pictures: z.array(
    z.object({ id: z.string(), name: z.string(), width: z.number(), height: z.number(), url: z.string() }),
  ),
});
async function messagesOf(id: string) {
  const { node } = z
    .object({ node: z.object({ messages: z.object({ nodes: z.array(messageShape) }) }) })
    .parse(
      await world.graphql(
        `query ($id: ID!) { node(id: $id) { ... on Conversation { messages(first: 50) { nodes { id role text finishReason pictures { id name width height url } } } } } }`,
        { id },
      ),
    );
  return node.messages.nodes;
}
/** Sends, and waits until the reply is kept. */
async function say(input: object, document = SEND) {
  const done = sent.parse(await world.act(document, { input }));
  for (;;) {
    const messages = await messagesOf(done.conversation.id);
    if (messages.at(-1)?.finishReason) return { ...done, messages };
    await Bun.sleep(20);
  }
}

describe("what is sent", () => {
  const formats = {
    openai: {
      messages: [
        {
          role: "user",
          content: [
            { type: "image_url", image_url: { url: `data:image/png;base64,${PNG}` } },
            { type: "text", text: "What is this?" },
          ],
        },
      ],
    },
    anthropic: {
      messages: [
        {
          role: "user",
          content: [
            { type: "image", source: { type: "base64", media_type: "image/png", data: PNG } },
            { type: "text", text: "What is this?" },
          ],
        },
      ],
    },
    google: {
      contents: [
        {
          role: "user",
          parts: [{ inlineData: { mimeType: "image/png", data: PNG } }, { text: "What is this?" }],
        },
      ],
    },
    ollama: {
      messages: [
        {
          role: "user",
          content: [
            { type: "image_url", image_url: { url: `data:image/png;base64,${PNG}` } },
            { type: "text", text: "What is this?" },
          ],
        },
      ],
    },
  } as const;
  test.each(Object.keys(formats) as (keyof typeof formats)[])(
    "%s gets the picture in its own format, from the chat and from /v1",
    async (kind) => {
      const { name, server } = await provide(kind, "well", { models: SEES });
      const model = `${name}/seer`;
      const { messages } = await say({ model, text: "What is this?", pictures: [await picture()] });
      expect(messages.map(({ role, text }) => [role, text])).toEqual([
        ["user", "What is this?"],
        ["assistant", "Hello wörld"],
      ]);
      expect(server.asked.at(-1)?.body).toMatchObject(formats[kind]);
      const content = [
        { type: "text", text: "What is this?" },
        // What the address calls it is not believed.
        { type: "image_url", image_url: { url: dataUrl(redPictures.png, "image/jpeg"), detail: "low" } },
      ];
      const answer = await complete(model, { messages: [{ role: "user", content }] });
      expect(answer).toMatchObject({ status: 200, json: { usage: { prompt_tokens: 11 } } });
      expect(server.asked.at(-1)?.body).toMatchObject(formats[kind]);
    },
  );

  test("later turns show earlier pictures again, and use is recorded with its cost", async () => {
    const { name, server } = await provide("openai", "well", { models: SEES });
    const model = `${name}/seer`;
    const first = await say({
      model,
      text: "",
      pictures: [await picture("cat.png"), await picture("dog.png")],
    });
    expect(first.conversation.title).toBe("cat.png");
    await say({ model, conversationId: first.conversation.id, text: "And now?" });
    const part = { type: "image_url", image_url: { url: `data:image/png;base64,${PNG}` } };
    expect(server.asked.at(-1)?.body).toMatchObject({
      messages: [
        { role: "user", content: [part, part] },
        { role: "assistant", content: "Hello wörld" },
        { role: "user", content: "And now?" },
      ],
    });
    const usage = await world.graphql("{ usage(first: 200) { nodes { model source requests costUsd } } }");
    expect(usage).toMatchObject({
      usage: {
        nodes: expect.arrayContaining([
          { model, source: "chat", requests: 2, costUsd: expect.closeTo((2 * (11 * 2 + 7 * 10)) / 1e6, 12) },
        ]),
      },
    });
  });
});

test("the command line shows pictures, and says which file is none", async () => {
  const { name, server } = await provide("openai", "well", { models: SEES });
  const run = async (...files: string[]) => {
    let out = "";
    const write = (text: string): unknown => (out += text);
    const code = await runCli(
      ["chat", `${name}/seer`, "Look", ...files.flatMap((one) => ["--picture", one])],
      {
        local: {} as LocalVerbs,
        connection: () => ({ url: world.server.url, key: world.key("read", "chat") }),
        stdout: { write },
        stderr: { write },
      },
    );
    return { code, out };
  };
  const [red, none] = [join(world.folder, "red.png"), join(world.folder, "none.png")];
  await Bun.write(red, redPictures.png);
  await Bun.write(none, noPictures.html);
  expect(await run(red, red)).toEqual({ code: 0, out: "Hello wörld\n" });
  const part = { type: "image_url", image_url: { url: `data:image/png;base64,${PNG}` } };
  expect(server.asked.at(-1)?.body).toMatchObject({
    messages: [{ content: [part, part, { type: "text", text: "Look" }] }],
  });
  expect((await run(none)).out).toContain("These bytes are no PNG, JPEG, WebP or GIF.");
  expect((await run(join(world.folder, "gone.png"))).out).toContain("there is no picture");
});

describe("what is kept", () => {
  test("edits and retries keep the pictures, deleting and undoing too; the export has them", async () => {
    const { name, server } = await provide("anthropic", "well", { models: SEES });
    const model = `${name}/seer`;
    const { conversation, reply, messages } = await say({ model, text: "Look", pictures: [await picture()] });
    const [asked] = messages;
    expect(asked?.pictures).toMatchObject([{ name: "red.png", width: 3, height: 2 }]);
    const image = { type: "image", source: { type: "base64", media_type: "image/png", data: PNG } };
    await say({ messageId: reply.id }, RETRY);
    expect(server.asked.at(-1)?.body).toMatchObject({ messages: [{ content: [image, { text: "Look" }] }] });
    const id = conversation.id;
    const edited = await say({ model, conversationId: id, insteadOfId: asked?.id, text: "Look again" });
    expect(edited.messages[0]?.pictures).toMatchObject([{ name: "red.png" }]);
    expect(edited.messages[0]?.pictures[0]?.id).not.toBe(asked?.pictures[0]?.id);
    expect(server.asked.at(-1)?.body).toMatchObject({
      messages: [{ content: [image, { text: "Look again" }] }],
    });
    const without = await say({
      model,
      conversationId: id,
      insteadOfId: asked?.id,
      text: "Never mind",
      pictures: [],
    });
    expect(without.messages[0]?.pictures).toEqual([]);
    await world.act(`mutation ($id: ID!) { showBranch(messageId: $id) { __typename } }`, {
      id: edited.messages[0]?.id,
    });
    const file = async (format: string): Promise<string> =>
      (await world.fetch(`/files/${id}.${format}`)).text();
    expect(await file("md")).toContain(`![red.png](data:image/png;base64,${PNG})\n\nLook again`);
    const whole = z
      .object({
        messages: z.array(
          z.looseObject({ text: z.string(), pictures: z.array(z.looseObject({})).optional() }),
        ),
      })
      .parse(JSON.parse(await file("json")));
    expect(whole.messages.filter(({ pictures }) => pictures).map(({ text }) => text)).toEqual([
      "Look",
      "Look again",
    ]);
    expect(whole.messages[0]?.pictures).toEqual([
      expect.objectContaining({ name: "red.png", mediaType: "image/png", width: 3, height: 2, data: PNG }),
    ]);
    const path = edited.messages[0]?.pictures[0]?.url ?? "";
    await world.act(`mutation ($id: ID!) { deleteConversation(id: $id) { __typename } }`, { id });
    expect((await world.fetch(path)).status).toBe(404);
    await world.act(`mutation ($id: ID!) { undelete(id: $id) { __typename } }`, { id });
    expect((await world.fetch(path)).status).toBe(200);
    expect((await messagesOf(id))[0]?.pictures).toMatchObject([{ name: "red.png" }]);
  });

  test("a picture is served with its own type, inert, to whoever may chat", async () => {
    const id = await picture('<b>"x"\r\n.png', redPictures.webpLossy);
    const response = await world.fetch(`/files/${id}`, { key: world.key("read", "chat") });
    expect(Object.fromEntries(response.headers)).toMatchObject({
      "content-type": "image/webp",
      "x-content-type-options": "nosniff",
      "content-security-policy": "default-src 'none'; sandbox",
      "cross-origin-resource-policy": "same-origin",
    });
    expect(await response.bytes()).toEqual(redPictures.webpLossy);
    expect((await world.fetch(`/files/${id}`, { key: world.key("read") })).status).toBe(403);
    expect((await fetch(`${world.server.url}/files/${id}`)).status).toBe(401);
    expect((await world.fetch(`/files/${id}x`)).status).toBe(404);
  });
});

describe("what is refused", () => {
  test("what is no picture, whatever its name and type say", async () => {
    const cut = redPictures.jpeg.slice(0, -40);
    for (const [bytes, text] of [
      [noPictures.svg, "These bytes are no PNG, JPEG, WebP or GIF."],
      [noPictures.html, "These bytes are no PNG, JPEG, WebP or GIF."],
      [noPictures.empty, "These bytes are no PNG, JPEG, WebP or GIF."],
      [cut, "The JPEG picture is cut off or damaged."],
      [pngOf(20_000, 20_000), expect.stringContaining("20000×20000 pixels")],
    ] as const)
      expect(await addPicture(bytes, "holiday.png")).toMatchObject({
        addPicture: { code: "PICTURE_UNREADABLE", text, field: "picture" },
      });
    const large = new Uint8Array(20 * 1024 * 1024 + 1);
    expect(await addPicture(large, "large.png")).toMatchObject({
      addPicture: { code: "PICTURE_TOO_LARGE", value: "20971521" },
    });
    const uploadId = await world.upload("notes.png", Buffer.from("no picture"));
    expect(await world.graphql(ADD_PICTURE, { input: { name: "notes.png", uploadId } })).toMatchObject({
      addPicture: { code: "PICTURE_UNREADABLE" },
    });
    expect(await world.graphql(ADD_PICTURE, { input: { name: "none.png" } })).toMatchObject({
      addPicture: { code: "FILE_MISSING" },
    });
  });

  test("a model that takes no pictures, also for those of earlier messages", async () => {
    const { name, server } = await provide("openai", "well", { models: SEES });
    const pictures = [await picture()];
    const refusal = {
      sendMessage: {
        code: "MODEL_TAKES_NO_PICTURES",
        field: "model",
        text: `${name}/blind takes no pictures, and this conversation has 1.`,
        hint: "Choose a model that reads pictures, or leave them out.",
      },
    };
    expect(
      await world.graphql(SEND, { input: { model: `${name}/blind`, text: "Look", pictures } }),
    ).toMatchObject(refusal);
    expect(server.asked).toEqual([]);
    const { conversation } = await say({ model: `${name}/seer`, text: "Look", pictures });
    const input = { model: `${name}/blind`, conversationId: conversation.id, text: "And now?" };
    expect(await world.graphql(SEND, { input })).toMatchObject(refusal);
    expect((await messagesOf(conversation.id)).length).toBe(2);
    const nine = Array.from({ length: 9 }, () => pictures[0]);
    expect(
      await world.graphql(SEND, { input: { model: `${name}/seer`, text: "Look", pictures: nine } }),
    ).toMatchObject({ sendMessage: { code: "PICTURES_TOO_MANY" } });
    expect(
      await world.graphql(SEND, { input: { model: `${name}/seer`, text: "Look", pictures: ["pic_x"] } }),
    ).toMatchObject({ sendMessage: { code: "PICTURE_NOT_FOUND", field: "pictures" } });
    expect(
      await world.graphql(SEND, { input: { model: `${name}/seer`, text: " ", pictures: [] } }),
    ).toMatchObject({ sendMessage: { code: "MESSAGE_EMPTY" } });
  });

  test("/v1 fetches nothing, reads what is sent by its bytes, and names the part that it refuses", async () => {
    const { name, server } = await provide("openai", "well", { models: SEES });
    const ask = (url: string, model = "seer", role = "user") =>
      complete(`${name}/${model}`, {
        messages: [{ role, content: [{ type: "image_url", image_url: { url } }] }],
      });
    const param = "messages[0].content[0].image_url.url";
    expect(await ask("http://127.0.0.1:1/secret.png")).toMatchObject({
      status: 400,
      json: { error: { param, message: expect.stringContaining("addresses are not fetched here") } },
    });
    expect(await ask("file:///etc/passwd")).toMatchObject({ status: 400, json: { error: { param } } });
    expect(await ask(dataUrl(noPictures.svg, "image/png"))).toMatchObject({
      status: 400,
      json: { error: { param, code: "picture_unreadable" } },
    });
    expect(await ask(dataUrl(redPictures.png), "blind")).toMatchObject({
      status: 400,
      json: { error: { param: "model", code: "model_takes_no_pictures" } },
    });
    expect(await ask(dataUrl(redPictures.png), "seer", "assistant")).toMatchObject({
      status: 400,
      json: { error: { param: "messages[0].content[0]" } },
    });
    expect(server.asked).toEqual([]);
  });
});

describe("searching conversations", () => {
  const found = async (search: string): Promise<string[]> =>
    z
      .object({ conversations: z.object({ nodes: z.array(z.object({ title: z.string() })) }) })
      .parse(
        await world.graphql(
          `query ($search: String!) { conversations(first: 50, search: $search) { nodes { title } } }`,
          { search },
        ),
      )
      .conversations.nodes.map(({ title }) => title);

  test("finds parts of words in any script and case, and follows edits, deletion and undoing", async () => {
    const { name } = await provide("openai");
    const model = `${name}/some-model`;
    const { conversation } = await say({ model, text: 'Größe der 知识库 ist "42%_ \\ OR' });
    const id = conversation.id;
    const title = conversation.title;
    for (const search of ["größe", "RÖSS", "röße", "知识库", "知识", "ß", '"42%_ \\', "% _"])
      expect([search, await found(search)]).toEqual([
        search,
        ["RÖSS", "% _"].includes(search) ? [] : [title],
      ]);
    await world.act(`mutation ($id: ID!) { renameConversation(id: $id, title: "Zebras") { __typename } }`, {
      id,
    });
    expect(await found("zebra")).toEqual(["Zebras"]);
    await world.act(`mutation ($id: ID!) { deleteConversation(id: $id) { __typename } }`, { id });
    expect(await found("zebra")).toEqual([]);
    expect(await found("größe")).toEqual([]);
    await world.act(`mutation ($id: ID!) { undelete(id: $id) { __typename } }`, { id });
    expect(await found("zebra")).toEqual(["Zebras"]);
    expect(await found("größe")).toEqual(["Zebras"]);
  });
});
