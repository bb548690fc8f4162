// A conversation is its maker's alone: whatever another of the same project asks for by its ids, owner and admin among
// them, is answered as if there were none; shared it is read by all, changed by none but its maker, and copied.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { eq } from "drizzle-orm";
import { getNamedType } from "graphql";
import { z } from "zod";
import { conversations, feedback, messages } from "../schema/tables/chat.ts";
import { schema } from "../src/api/schema.ts";
import { newId } from "../src/kit/ids.ts";
import type { Store } from "../src/store/store.ts";
import { call, type Field, isIdPath, rootsOf, selection, textPaths } from "./schema-walk.test-kit.ts";
import { startWorld, type World } from "./world.ts";

const SECRET = "zzprivate";
let world: World;
let store: Store;
let close: () => Promise<void>;
/** The maker, and who asks beside: another owner, and the admin key of the world. */
const cookies = new Map<string, string>();
const ids = {
  conversation: newId("conversation"),
  question: newId("message"),
  reply: newId("message"),
  feedback: newId("feedback"),
};

beforeAll(async () => {
  world = await startWorld([["chat", "write"]]);
  const beside = await world.beside();
  ({ store, close } = beside);
  let projectId = "";
  for (const [name, role] of [
    ["mia", "member"],
    ["otto", "owner"],
    ["adam", "admin"],
  ] as const) {
    const { id } = await beside.accounts.putUser({ name, password: "correct horse", role, reset: false });
    const signed = await fetch(`${world.server.url}/auth/sign-in`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ name, password: "correct horse" }),
    });
    cookies.set(name, (signed.headers.get("set-cookie") ?? "").split(";", 1)[0] ?? "");
    if (name === "mia") {
      projectId = (await beside.accounts.firstProject()).id;
      await keep(id, projectId);
    }
  }
}, 60_000);
afterAll(async () => {
  await close?.();
  await world?.close();
});

/** Mia's question with its reply, and her rating of it. */
async function keep(userId: string, projectId: string): Promise<void> {
  const rest = { citations: null, usage: null, error: null };
  await store.write(async (tx) => {
    await tx.insert(conversations).values({
      id: ids.conversation,
      projectId,
      userId,
      title: `${SECRET} title`,
      models: ["toy"],
      parameters: {},
      currentId: ids.reply,
      createdAt: 1,
      updatedAt: 1,
    });
    const both = [
      { id: ids.question, role: "user", parentId: null, finishReason: null },
      { id: ids.reply, role: "assistant", parentId: ids.question, finishReason: "stop" },
    ];
    for (const [at, one] of both.entries())
      await tx.insert(messages).values({
        ...one,
        ...rest,
        conversationId: ids.conversation,
        text: `${SECRET} ${one.role}`,
        createdAt: at,
      });
    await tx.insert(feedback).values({
      id: ids.feedback,
      projectId,
      userId,
      conversationId: ids.conversation,
      kind: "rating",
      verdict: "up",
      replies: [{ messageId: ids.reply, model: "toy", modelId: null }],
      isBlind: false,
      note: `${SECRET} note`,
      createdAt: 1,
    });
  });
}

type Who = { cookie?: string; key?: string };
const person = (name: string): Who => ({ cookie: cookies.get(name) ?? "" });
async function ask(who: Who, query: string): Promise<string> {
  const headers = new Headers({ "content-type": "application/json" });
  if (who.cookie) headers.set("cookie", who.cookie);
  if (who.key) headers.set("authorization", `Bearer ${who.key}`);
  if (query.startsWith("subscription")) headers.set("accept", "text/event-stream");
  const response = await fetch(`${world.server.url}/graphql`, {
    method: "POST",
    headers,
    body: JSON.stringify({ query }),
    signal: AbortSignal.timeout(5_000),
  });
  return response.text();
}
const others = (): [string, Who][] => [
  ["another owner", person("otto")],
  ["an admin", person("adam")],
  ["an admin's key", { key: world.key("admin") }],
];
const kept = async (): Promise<string> =>
  JSON.stringify([
    await store.db.select().from(conversations),
    await store.db.select().from(messages),
    await store.db.select().from(feedback),
  ]);

/** Arguments that may speak of a conversation, a message or a judgement. */
const MAY_MEAN = /^ids?$|message|conversation|beside|after|insteadOf|chosen/i;

/** Each of them in the whole schema, with each of the private ids in it and one of nothing. */
function* calls(): Generator<{ name: string; said: string; query: string; ghost: string; none: string }> {
  for (const [kind, type] of rootsOf(schema))
    for (const field of Object.values(type.getFields()) as Field[])
      for (const path of textPaths(field.args).filter(
        (one) => isIdPath(field, one) && MAY_MEAN.test(one.at(-1) ?? ""),
      ))
        for (const said of Object.values(ids)) {
          const ghost = `${said.split("_", 1)[0]}_${newId("run").slice(4)}`;
          const what = selection(getNamedType(field.type), 1);
          const saying = (id: string) => `${kind} { ${call(field, path, id, () => "x")} ${what} }`;
          yield {
            name: `${kind} ${field.name}`,
            said,
            query: saying(said),
            ghost,
            none: saying(ghost),
          };
        }
}

describe("private, it is not there for others of the project", () => {
  test("by any id in any argument of the schema", async () => {
    const before = await kept();
    let tried = 0;
    // An owner: nobody's scopes open more.
    const asker = person("otto");
    for (const one of calls()) {
      const [answer, none] = await Promise.all([ask(asker, one.query), ask(asker, one.none)]);
      expect([one.name, answer.includes(SECRET), answer.includes("FAULT")]).toEqual([one.name, false, false]);
      expect([one.name, answer.replaceAll(one.said, "…")]).toEqual([
        one.name,
        none.replaceAll(one.ghost, "…"),
      ]);
      tried++;
    }
    expect(tried).toBeGreaterThan(100);
    expect(await kept()).toBe(before);
  }, 120_000);

  test("nor in a list, a search, the map, what was rated, or as a file", async () => {
    for (const [who, asker] of others()) {
      for (const query of [
        "{ conversations { totalCount nodes { id title messages { nodes { text } } } } }",
        `{ conversations(search: "${SECRET}") { totalCount nodes { title } } }`,
        "{ feedback { totalCount nodes { id note prompt { nodes { text } } replies { message { text } } } } }",
        "{ processMap { stages { key count summary } } }",
      ]) {
        const said = await ask(asker, query);
        expect([who, query, said.includes(SECRET), said.includes("errors")]).toEqual([
          who,
          query,
          false,
          false,
        ]);
      }
      expect(await ask(asker, "{ conversations { totalCount } }")).toContain('"totalCount":0');
      for (const ending of ["md", "json"]) {
        const headers = new Headers(asker.cookie ? { cookie: asker.cookie } : {});
        if (asker.key) headers.set("authorization", `Bearer ${asker.key}`);
        const file = await fetch(`${world.server.url}/files/${ids.conversation}.${ending}`, { headers });
        expect([who, file.status]).toEqual([who, 404]);
      }
    }
  });

  test("nor in the trash; only its maker brings it back", async () => {
    const mia = person("mia");
    const deleting = `mutation { deleteConversation(id: "${ids.conversation}") { __typename } }`;
    const undoing = `mutation { undelete(id: "${ids.conversation}") { __typename ... on UserError { code } } }`;
    const purging = undoing.replace("undelete", "purge");
    expect(await ask(mia, deleting)).toContain("DeleteSuccess");
    for (const [, asker] of others()) {
      expect(await ask(asker, "{ trash { nodes { id name } } }")).not.toContain(ids.conversation);
      expect(await ask(asker, undoing)).toContain("NOT_IN_TRASH");
      expect(await ask(asker, purging)).toContain("NOT_IN_TRASH");
    }
    expect(await ask(mia, "{ trash { nodes { id name } } }")).toContain(SECRET);
    expect(await ask(mia, undoing)).toContain("UndeleteSuccess");
  });
});

describe("shared, it is read by all and changed by its maker alone", () => {
  const share = (isShared: boolean): Promise<string> =>
    ask(
      person("mia"),
      `mutation { shareConversation(id: "${ids.conversation}", isShared: ${isShared}) { __typename ... on ConversationSuccess { conversation { isShared isMine maker } } } }`,
    );

  test("others read it whole, and every change is refused with the mend", async () => {
    expect(await share(true)).toContain('"isShared":true,"isMine":true,"maker":"mia"');
    const before = await kept();
    for (const [who, asker] of others()) {
      const read = await ask(
        asker,
        "{ conversations { nodes { title isMine isShared maker messages { nodes { text } } } } }",
      );
      expect([who, read]).toEqual([who, expect.stringContaining(`${SECRET} assistant`)]);
      expect(read).toContain('"isMine":false,"isShared":true,"maker":"mia"');
      const { conversation, question, reply } = ids;
      for (const change of [
        `sendMessage(input: { conversationId: "${conversation}", model: "toy", text: "x" })`,
        `renameConversation(id: "${conversation}", title: "x")`,
        `shareConversation(id: "${conversation}", isShared: false)`,
        `deleteConversation(id: "${conversation}")`,
        `showBranch(messageId: "${question}")`,
        `stopReply(messageId: "${reply}")`,
        `editReply(messageId: "${reply}", text: "x")`,
        `retryReply(input: { messageId: "${reply}" })`,
      ]) {
        const said = await ask(asker, `mutation { ${change} { __typename ... on UserError { code } } }`);
        // The world has no model, which is looked for first.
        const code = change.startsWith("sendMessage") ? "MODEL_NOT_FOUND" : "CONVERSATION_OF_ANOTHER";
        expect([who, change, said]).toEqual([who, change, expect.stringContaining(code)]);
      }
    }
    expect(await kept()).toBe(before);
  }, 60_000);

  test("a copy is the copier's own, and private", async () => {
    const copying = `mutation { copyConversation(id: "${ids.conversation}") { __typename ... on ConversationSuccess { conversation { id isMine isShared messages { nodes { id role text } } } } } }`;
    const answer = z
      .object({
        data: z.object({
          copyConversation: z.object({
            conversation: z.object({
              id: z.string(),
              isMine: z.literal(true),
              isShared: z.literal(false),
              messages: z.object({
                nodes: z.array(z.object({ id: z.string(), role: z.string(), text: z.string() })),
              }),
            }),
          }),
        }),
      })
      .parse(JSON.parse(await ask(person("otto"), copying)));
    const { id, messages: copied } = answer.data.copyConversation.conversation;
    expect(copied.nodes.map(({ role, text }) => [role, text])).toEqual([
      ["user", `${SECRET} user`],
      ["assistant", `${SECRET} assistant`],
    ]);
    expect(copied.nodes.map((one) => one.id)).not.toContain(ids.reply);
    expect(await ask(person("adam"), `{ node(id: "${id}") { id } }`)).toContain('"node":null');
    expect(await ask(person("mia"), `{ node(id: "${id}") { id } }`)).toContain('"node":null');
  });

  test("what each thinks of a reply is theirs, also of two keys", async () => {
    const raters = [
      [person("otto"), "DOWN"],
      [{ key: world.key("admin") }, "UP"],
      [{ key: world.key("chat", "write") }, "DOWN"],
    ] as const;
    const rating = (value: string | null) =>
      `mutation { rateReply(messageId: "${ids.reply}", rating: ${value}) { __typename } }`;
    const opinion = "{ conversations { nodes { messages { nodes { opinion { rating } } } } } }";
    for (const [asker, value] of raters)
      expect(await ask(asker, rating(value))).toContain("RateReplySuccess");
    for (const [asker, value] of [...raters, [person("mia"), "UP"] as const])
      expect(await ask(asker, opinion)).toContain(`"rating":"${value}"`);
    expect(await ask(raters[1][0], rating(null))).toContain("RateReplySuccess");
    expect(await ask(raters[1][0], opinion)).not.toContain('"rating"');
    expect(await ask(raters[2][0], opinion)).toContain('"rating":"DOWN"');
  });

  test("private again, it is gone for the others", async () => {
    expect(await share(false)).toContain('"isShared":false');
    for (const [, asker] of others())
      expect(await ask(asker, `{ node(id: "${ids.conversation}") { id } }`)).toContain('"node":null');
  });
});

test("a key sees its own conversations, no other key's", async () => {
  const rows = await store.db.select().from(conversations).where(eq(conversations.id, ids.conversation));
  const [row] = rows;
  if (!row) throw new Error("no conversation");
  const { id: keyId } = z
    .object({
      data: z.object({
        apiKeys: z.object({ nodes: z.array(z.object({ id: z.string(), name: z.string() })) }),
      }),
    })
    .parse(JSON.parse(await ask({ key: world.key("admin") }, "{ apiKeys { nodes { id name } } }")))
    .data.apiKeys.nodes.find(({ name }) => name === "chat,write") ?? { id: "" };
  const id = newId("conversation");
  await store.write((tx) =>
    tx
      .insert(conversations)
      .values({ ...row, id, userId: null, keyId, title: "a program's", currentId: null }),
  );
  expect(await ask({ key: world.key("chat", "write") }, `{ conversations { nodes { id } } }`)).toContain(id);
  expect(await ask({ key: world.key("admin") }, "{ conversations { nodes { id } } }")).not.toContain(id);
});
