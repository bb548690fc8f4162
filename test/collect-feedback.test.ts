// Collecting judged replies: thumbs, mended texts and votes become rows, only of conversations that who asks may read.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { z } from "zod";
import { writeToyModel } from "../src/inference/toy.test-kit.ts";
import { createCollectKit, ERRORS } from "./collect-kit.ts";
import { createProviderKit } from "./provider-kit.ts";
import { startWorld, type World } from "./world.ts";

setDefaultTimeout(60_000);
/** What every provider of these tests answers. */
const SAID = "Hello wörld";
let world: World;
let acme = "";
const kit = createProviderKit(() => world);
const { preview, refused, collect, latest } = createCollectKit(() => world);

beforeAll(async () => {
  world = await startWorld([
    ["read", "write"],
    ["read", "write", "chat"],
  ]);
  const path = join(world.folder, "toy");
  await writeToyModel(path);
  const imported = await world.act(
    `mutation { importModel(input: { name: "toy", path: ${JSON.stringify(path)} }) { __typename
      ... on ImportModelSuccess { run { id } } ${ERRORS} } }`,
  );
  await world.succeeded(z.looseObject({ run: z.object({ id: z.string() }) }).parse(imported).run.id);
  acme = `${(await kit.provide("openai")).name}/some-model`;
});
afterAll(async () => {
  await world?.close();
  await kit.close();
});

const sent = z.looseObject({
  conversation: z.object({ id: z.string() }),
  reply: z.object({ id: z.string() }),
});
const SENT = `__typename ... on SendMessageSuccess { conversation { id } reply { id } } ${ERRORS}`;
async function send(input: object) {
  const made = sent.parse(
    await world.act(`mutation ($input: SendMessageInput!) { sendMessage(input: $input) { ${SENT} } }`, {
      input: { model: acme, maxTokens: 4, temperature: 0, ...input },
    }),
  );
  const done = z.object({ node: z.object({ finishReason: z.string() }) });
  const query = "query ($id: ID!) { node(id: $id) { ... on Message { finishReason } } }";
  while (!done.safeParse(await world.graphql(query, { id: made.reply.id })).success) await Bun.sleep(10);
  return made;
}
const rate = (messageId: string, rating: string) =>
  world.act(
    `mutation ($messageId: ID!, $rating: Rating) { rateReply(messageId: $messageId, rating: $rating) { __typename ${ERRORS} } }`,
    { messageId, rating },
  );
const edit = (messageId: string, text: string) =>
  world.act(
    `mutation ($messageId: ID!, $text: String!) { editReply(messageId: $messageId, text: $text) { __typename ${ERRORS} } }`,
    { messageId, text },
  );

test("thumbs, mended replies and votes become examples and preferences, each once", async () => {
  const good = await send({ text: "good one?", system: "Be kind." });
  await rate(good.reply.id, "UP");
  const bad = await send({ text: "bad one?" });
  await rate(bad.reply.id, "DOWN");
  await edit(bad.reply.id, "A mended text.");
  const left = await send({ text: "which?", isBlind: true });
  const right = await send({ text: "which?", besideId: left.conversation.id, model: "toy", isBlind: true });
  await world.act(`mutation ($input: VoteInput!) { voteOnReplies(input: $input) { __typename ${ERRORS} } }`, {
    input: {
      messageIds: [left.reply.id, right.reply.id],
      verdict: "BETTER",
      chosenId: left.reply.id,
    },
  });
  const examples = { feedback: {}, as: "EXAMPLES", name: "liked" };
  const seen = await preview(examples);
  // The thumb down leads to the same mended text as the edit: two rows of which the import keeps one.
  expect({ rowCount: seen.rowCount, leftOut: seen.leftOut }).toEqual({
    rowCount: 3,
    leftOut: [{ reason: "no reply is said to be good", rows: 1 }],
  });
  expect(seen.warnings).toMatchObject([{ code: "ROWS_PRIVATE", rows: 3, needsConfirm: false }]);
  await collect(examples);
  const made = await latest("liked");
  expect(made).toMatchObject({ shape: "MESSAGES", rowCount: 2 });
  expect(made.rows).toMatchObject([
    {
      messages: [
        { role: "system", content: "Be kind." },
        { role: "user", content: "good one?" },
        { role: "assistant", content: SAID },
      ],
      collected_from: { kind: "rating", verdict: "up", conversation: good.conversation.id, model: acme },
    },
    { messages: [{ role: "user", content: "bad one?" }, { content: "A mended text." }] },
  ]);
  await collect({ feedback: {}, as: "PREFERENCES", name: "voted" });
  const voted = await latest("voted");
  expect(voted).toMatchObject({ shape: "PREFERENCE", rowCount: 2 });
  expect(voted.rows).toMatchObject([
    { chosen: [{ content: "A mended text." }], rejected: [{ content: SAID }] },
    {
      chosen: [{ content: SAID }],
      collected_from: {
        kind: "vote",
        message: left.reply.id,
        rejectedMessage: right.reply.id,
        rejectedModel: "toy",
      },
    },
  ]);
  expect(voted.statistics.origins).toContainEqual({ kind: "feedback", name: "vote", rows: 1 });
  // Only of a model, only from a day on.
  const none = { as: "EXAMPLES", name: "none" };
  expect(await preview({ feedback: { model: "nobody" }, ...none })).toMatchObject({ rowCount: 0 });
  const later = new Date(Date.now() + 60_000).toISOString();
  expect(await preview({ feedback: { since: later }, ...none })).toMatchObject({ rowCount: 0 });
});

test("another's private conversation is not there, and feedback needs the scope chat", async () => {
  const { reply } = await send({ text: "private?" });
  await rate(reply.id, "UP");
  const list = z.object({ feedback: z.object({ nodes: z.array(z.object({ id: z.string() })).length(1) }) });
  const found = list.parse(await world.graphql("{ feedback(first: 1) { nodes { id } } }")).feedback.nodes;
  const ids = found.map(({ id }) => id);
  const input = { feedback: { ids }, as: "EXAMPLES", name: "stolen" };
  const other = world.key("read", "write", "chat");
  expect(await refused(input, other)).toMatchObject({
    collectRows: { code: "FEEDBACK_NOT_FOUND", field: "feedback.ids" },
  });
  expect(await preview({ ...input, feedback: {} }, other)).toMatchObject({ rowCount: 0 });
  expect(await refused(input, world.key("read", "write"))).toMatchObject({
    collectRows: { code: "SCOPE_MISSING" },
  });
});
