// Conversations as trees, by GraphQL and /files: edit, retry, switch, rename, search, export, and the way from a list.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { z } from "zod";
import { writeToyModel } from "../src/inference/toy.test-kit.ts";
import { createLog } from "../src/kit/log.ts";
import { nativePath } from "../src/kit/native.ts";
import { openPool } from "../src/store/connections.ts";
import { migrate } from "../src/store/migrate.ts";
import { MIGRATIONS } from "../src/store/migrations.ts";
import { startWorld, type World } from "./world.ts";

let world: World;
beforeAll(async () => {
  world = await startWorld([["read"]]);
  await writeToyModel(join(world.folder, "toy"));
  const imported = await world.act(
    'mutation ($path: String!) { importModel(input: { name: "toy", path: $path }) { __typename ... on ImportModelSuccess { run { id } } } }',
    { path: join(world.folder, "toy") },
  );
  await world.succeeded(z.looseObject({ run: z.object({ id: z.string() }) }).parse(imported).run.id);
}, 60_000);
afterAll(() => world?.close());

const sent = z.looseObject({
  conversation: z.object({ id: z.string() }),
  reply: z.object({ id: z.string(), modelId: z.string() }),
});
const branch = z.object({
  node: z.object({
    title: z.string(),
    messages: z.object({
      totalCount: z.number(),
      nodes: z.array(
        z.object({
          id: z.string(),
          role: z.string(),
          text: z.string(),
          parentId: z.string().nullable(),
          versionIds: z.array(z.string()),
          finishReason: z.string().nullable(),
        }),
      ),
    }),
  }),
});
const SENT =
  "__typename ... on SendMessageSuccess { conversation { id } reply { id modelId } } ... on UserError { code text: message field }";

async function send(input: object): Promise<z.infer<typeof sent>> {
  const query = `mutation ($input: SendMessageInput!) { sendMessage(input: $input) { ${SENT} } }`;
  return ended(await world.act(query, { input: { model: "toy", maxTokens: 4, temperature: 0, ...input } }));
}
async function retry(input: object): Promise<z.infer<typeof sent>> {
  const query = `mutation ($input: RetryReplyInput!) { retryReply(input: $input) { ${SENT} } }`;
  return ended(await world.act(query, { input: { maxTokens: 4, temperature: 0, ...input } }));
}
async function ended(answer: object): Promise<z.infer<typeof sent>> {
  const made = sent.parse(answer);
  const query = "query ($id: ID!) { node(id: $id) { ... on Message { finishReason } } }";
  const done = z.object({ node: z.object({ finishReason: z.string() }) });
  while (!done.safeParse(await world.graphql(query, { id: made.reply.id })).success) await Bun.sleep(10);
  return made;
}
async function shown(id: string) {
  const query =
    "query ($id: ID!) { node(id: $id) { ... on Conversation { title messages { totalCount nodes { id role text parentId versionIds finishReason } } } } }";
  return branch.parse(await world.graphql(query, { id })).node;
}
const roles = (nodes: { role: string }[]): string => nodes.map(({ role }) => role[0]).join("");

test("an edit and a retry stand beside what they replace, and each branch can be shown again", async () => {
  const first = await send({ text: "one" });
  const { id } = first.conversation;
  const second = await send({ conversationId: id, text: "two" });
  const straight = await shown(id);
  expect(roles(straight.messages.nodes)).toBe("uaua");
  expect(straight.messages.nodes.map(({ parentId }) => parentId)).toEqual([
    null,
    ...straight.messages.nodes.slice(0, 3).map((one) => one.id),
  ]);
  expect(first.reply.modelId).toStartWith("base_");

  const again = await retry({ messageId: second.reply.id });
  const retried = (await shown(id)).messages.nodes;
  expect(retried.map((one) => one.id)).toEqual([
    ...straight.messages.nodes.slice(0, 3).map((one) => one.id),
    again.reply.id,
  ]);
  expect(retried[3]?.versionIds).toEqual([second.reply.id, again.reply.id]);

  const [asked] = straight.messages.nodes;
  await send({ conversationId: id, insteadOfId: asked?.id, text: "uno" });
  const edited = (await shown(id)).messages;
  expect(edited.nodes.map(({ text }) => text)[0]).toBe("uno");
  expect([edited.totalCount, edited.nodes[0]?.versionIds.length, edited.nodes[0]?.versionIds[0]]).toEqual([
    2,
    2,
    asked?.id ?? "",
  ]);

  // Back on the first branch: its newest end is shown, the retried reply.
  const back = "mutation ($id: ID!) { showBranch(messageId: $id) { __typename } }";
  await world.act(back, { id: asked?.id });
  expect((await shown(id)).messages.nodes.map((one) => one.id)).toEqual(retried.map((one) => one.id));
  await world.act(back, { id: second.reply.id });
  expect((await shown(id)).messages.nodes).toEqual(
    straight.messages.nodes.map((one) => ({ ...one, versionIds: expect.arrayContaining([one.id]) })),
  );

  // A branch from the middle: a second answer to the first reply.
  await send({ conversationId: id, afterId: first.reply.id, text: "deux" });
  const aside = (await shown(id)).messages.nodes;
  expect(aside.map(({ text }) => text)[2]).toBe("deux");
  expect(aside[2]?.versionIds).toEqual([straight.messages.nodes[2]?.id ?? "", aside[2]?.id ?? ""]);
}, 30_000);

test("what the model sees is the branch, not the whole tree", async () => {
  const usage = z.object({ node: z.object({ usage: z.object({ promptTokens: z.number() }) }) });
  const promptOf = async (id: string): Promise<number> =>
    usage.parse(
      await world.graphql("query ($id: ID!) { node(id: $id) { ... on Message { usage } } }", { id }),
    ).node.usage.promptTokens;
  const first = await send({ text: "hello there" });
  const { id } = first.conversation;
  await send({ conversationId: id, text: "something longer, that takes tokens of its own" });
  const other = await retry({ messageId: first.reply.id });
  expect(await promptOf(other.reply.id)).toBe(await promptOf(first.reply.id));
}, 30_000);

test("a message of another conversation, or of the wrong side, is no place for the next one", async () => {
  const here = await send({ text: "here" });
  const there = await send({ text: "there" });
  const [asked] = (await shown(here.conversation.id)).messages.nodes;
  const code = async (input: object): Promise<unknown> => {
    const query = `mutation ($input: SendMessageInput!) { sendMessage(input: $input) { ${SENT} } }`;
    const answer = Object.values(
      await world.graphql(query, { input: { model: "toy", text: "x", ...input } }),
    )[0];
    return z.object({ code: z.string(), field: z.string() }).parse(answer);
  };
  const { id: conversationId } = here.conversation;
  expect(await code({ conversationId, afterId: there.reply.id })).toEqual({
    code: "MESSAGE_ELSEWHERE",
    field: "afterId",
  });
  expect(await code({ conversationId, afterId: asked?.id })).toEqual({
    code: "MESSAGE_NOT_REPLY",
    field: "afterId",
  });
  expect(await code({ conversationId, insteadOfId: here.reply.id })).toEqual({
    code: "MESSAGE_NOT_ASKED",
    field: "insteadOfId",
  });
  expect(await code({ insteadOfId: asked?.id })).toEqual({ code: "MESSAGE_ELSEWHERE", field: "insteadOfId" });
});

test("conversations are found by title and by words, and a wildcard is a character", async () => {
  const titles = async (search: string): Promise<string[]> => {
    const query = "query ($search: String) { conversations(search: $search) { nodes { title } } }";
    const list = z.object({ conversations: z.object({ nodes: z.array(z.object({ title: z.string() })) }) });
    return list.parse(await world.graphql(query, { search })).conversations.nodes.map(({ title }) => title);
  };
  const made = await send({ text: "Where is the zebra, 100% sure?" });
  await world.act(
    'mutation ($id: ID!) { renameConversation(id: $id, title: "  Animals  ") { __typename } }',
    { id: made.conversation.id },
  );
  expect(await titles("ANIMALS")).toEqual(["Animals"]);
  expect(await titles("zebra, 100%")).toEqual(["Animals"]);
  expect(await titles("zebra_")).toEqual([]);
  expect(await titles("%zebra%sure%")).toEqual([]);
});

test("a conversation leaves as Markdown of its branch and as JSON of its tree, to whoever may chat", async () => {
  const first = await send({ text: "# first", system: "Be kind." });
  const { id } = first.conversation;
  await retry({ messageId: first.reply.id });
  const markdown = await world.fetch(`/files/${id}.md`);
  expect(markdown.headers.get("content-type")).toStartWith("text/markdown");
  expect(await markdown.text()).toStartWith(
    "# # first\n\n## System\n\nBe kind.\n\n## Person\n\n# first\n\n## toy\n\n",
  );
  const tree = z
    .object({
      title: z.string(),
      currentId: z.string(),
      messages: z.array(z.looseObject({ id: z.string() })),
    })
    .parse(await (await world.fetch(`/files/${id}.json`)).json());
  expect(tree.messages).toHaveLength(3);
  expect(tree.messages.at(-1)?.id).toBe(tree.currentId);
  expect((await world.fetch(`/files/${id}.md`, { key: world.key("read") })).status).toBe(403);
  expect((await world.fetch(`/files/${id}.html`)).status).toBe(404);
  expect((await world.fetch("/files/cnv_0000.md")).status).toBe(404);
});

test("two side by side: a blind vote is kept with the models, once, and shows their names", async () => {
  const one = await send({ text: "compare", isBlind: true });
  const two = await send({ text: "compare", isBlind: true, besideId: one.conversation.id });
  const query = `query ($id: ID!) { conversations(search: "compare") { nodes { id } }
    node(id: $id) { ... on Conversation { isBlind beside { id isBlind lead { id } } messages { nodes { opinion { vote rating note } } } } } }`;
  const pair = { id: one.conversation.id };
  expect(await world.graphql(query, pair)).toMatchObject({
    conversations: { nodes: [pair] },
    node: { isBlind: true, beside: [{ id: two.conversation.id, isBlind: true, lead: pair }] },
  });
  const vote =
    "mutation ($input: VoteInput!) { voteOnReplies(input: $input) { __typename ... on VoteSuccess { vote { id } } ... on UserError { code } } }";
  const messageIds = [two.reply.id, one.reply.id];
  const wrong = await world.graphql(vote, { input: { messageIds, verdict: "BETTER" } });
  expect(wrong).toMatchObject({ voteOnReplies: { code: "VOTE_INVALID" } });
  await world.act(vote, { input: { messageIds, verdict: "BETTER", chosenId: one.reply.id } });
  expect(await world.graphql(vote, { input: { messageIds, verdict: "TIE" } })).toMatchObject({
    voteOnReplies: { code: "VOTE_TWICE" },
  });
  expect(await world.graphql(query, pair)).toMatchObject({
    node: {
      isBlind: false,
      beside: [{ isBlind: false }],
      messages: { nodes: [{ opinion: null }, { opinion: { vote: "CHOSEN", rating: null } }] },
    },
  });
  const list = `{ feedback(kind: VOTE, first: 10) { totalCount nodes { verdict isBlind conversation { id }
    replies { message { id } model isChosen lineage { kind name } } prompt { nodes { role text } } } } }`;
  const reply = (id: string, isChosen: boolean) => ({
    message: { id },
    model: "toy",
    isChosen,
    lineage: expect.any(Array),
  });
  expect(await world.graphql(list)).toEqual({
    feedback: {
      totalCount: 1,
      nodes: [
        {
          verdict: "better",
          isBlind: true,
          conversation: pair,
          replies: [reply(two.reply.id, false), reply(one.reply.id, true)],
          prompt: { nodes: [{ role: "user", text: "compare" }] },
        },
      ],
    },
  });
  const more = [
    await send({ text: "c", besideId: two.conversation.id }),
    await send({ text: "c", besideId: pair.id }),
  ];
  const full = `mutation ($input: SendMessageInput!) { sendMessage(input: $input) { ${SENT} } }`;
  expect(
    await world.graphql(full, { input: { model: "toy", text: "x", besideId: more[0]?.conversation.id } }),
  ).toMatchObject({ sendMessage: { code: "TOO_MANY_COLUMNS" } });
  await world.act("mutation ($id: ID!) { deleteConversation(id: $id) { __typename } }", pair);
  expect(await world.graphql("{ feedback { totalCount } }")).toEqual({ feedback: { totalCount: 0 } });
  expect(
    await world.graphql("query ($id: ID!) { node(id: $id) { id } }", { id: more[1]?.conversation.id }),
  ).toEqual({ node: null });
}, 30_000);

test("a rating is replaced and taken back; an edit stands beside the reply, which stays", async () => {
  const made = await send({ text: "rate me" });
  const rate =
    "mutation ($id: ID!, $rating: Rating, $note: String) { rateReply(messageId: $id, rating: $rating, note: $note) { __typename ... on RateReplySuccess { reply { opinion { rating note vote } } } } }";
  const { id } = made.reply;
  expect(await world.act(rate, { id, rating: "UP" })).toMatchObject({
    reply: { opinion: { rating: "UP", note: null } },
  });
  expect(await world.act(rate, { id, rating: "DOWN", note: " wrong town " })).toMatchObject({
    reply: { opinion: { rating: "DOWN", note: "wrong town" } },
  });
  const list = "{ feedback(first: 1) { nodes { kind verdict replies { message { id text } isChosen } } } }";
  expect(await world.graphql(list)).toMatchObject({
    feedback: { nodes: [{ kind: "rating", verdict: "down" }] },
  });
  expect(await world.act(rate, { id })).toMatchObject({ reply: { opinion: null } });

  const edit =
    "mutation ($id: ID!, $text: String!) { editReply(messageId: $id, text: $text) { __typename ... on SendMessageSuccess { reply { id text finishReason versionIds } } } }";
  const edited = z
    .looseObject({ reply: z.object({ id: z.string(), text: z.string(), versionIds: z.array(z.string()) }) })
    .parse(await world.act(edit, { id, text: "what it should say" })).reply;
  expect(edited.versionIds).toEqual([id, edited.id]);
  expect((await shown(made.conversation.id)).messages.nodes.at(-1)).toMatchObject({
    text: "what it should say",
    finishReason: "edited",
  });
  expect(await world.graphql(list)).toMatchObject({
    feedback: {
      nodes: [
        {
          kind: "edit",
          replies: [
            { message: { id }, isChosen: false },
            { message: { id: edited.id, text: "what it should say" }, isChosen: true },
          ],
        },
      ],
    },
  });
});

test("an older folder's lists become trees of one branch", async () => {
  const dataDir = join(world.folder, "older");
  await Bun.write(join(dataDir, "keep"), "");
  const log = createLog({ level: "silent" });
  const pool = openPool({
    path: join(dataDir, "espalier.db"),
    vecPath: nativePath("vec0.so"),
    size: 1,
    readOnly: false,
  });
  await migrate({ pool, dataDir, log, mayApply: true, migrations: MIGRATIONS.slice(0, 1) });
  await pool.$client.execute(
    "INSERT INTO conversations (id, project_id, title, models, parameters, created_at, updated_at) VALUES ('c', 'p', 't', '[]', '{}', 1, 1), ('d', 'p', 't', '[]', '{}', 1, 1)",
  );
  for (const [id, at] of [
    ["m3", 9],
    ["m1", 1],
    ["m2", 1],
  ] as const)
    await pool.$client.execute({
      sql: "INSERT INTO messages (id, conversation_id, role, text, created_at) VALUES (?, 'c', 'user', 'x', ?)",
      args: [id, at],
    });
  await migrate({ pool, dataDir, log, mayApply: true });
  const rows = async (sql: string) => (await pool.$client.execute(sql)).rows.map((row) => ({ ...row }));
  expect(await rows("SELECT id, parent_id FROM messages ORDER BY id")).toMatchObject([
    { id: "m1", parent_id: null },
    { id: "m2", parent_id: "m1" },
    { id: "m3", parent_id: "m2" },
  ]);
  expect(await rows("SELECT id, current_id FROM conversations ORDER BY id")).toMatchObject([
    { id: "c", current_id: "m3" },
    { id: "d", current_id: null },
  ]);
  pool.$client.close();
});
