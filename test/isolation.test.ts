// Nobody sees or changes anything of another project: every field, stream and route is asked for its things by id and name.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { eq } from "drizzle-orm";
import { getTableConfig } from "drizzle-orm/sqlite-core";
import { getNamedType, isInterfaceType, isObjectType, isRequiredArgument } from "graphql";
import { z } from "zod";
import { projects } from "../schema/tables/accounts.ts";
import { runs as runsTable } from "../schema/tables/runs.ts";
import { contractVersion } from "../schema/trainer.ts";
import type { Accounts } from "../src/accounts/accounts.ts";
import { schema } from "../src/api/schema.ts";
import { writeToyModel } from "../src/inference/toy.test-kit.ts";
import { now } from "../src/kit/clock.ts";
import { newId } from "../src/kit/ids.ts";
import type { Store } from "../src/store/store.ts";
import { call, type Field, isIdPath, selection, textPaths } from "./schema-walk.test-kit.ts";
import { allTables, askAs, makeSide, rowsOf, type Side } from "./two-projects.test-kit.ts";
import { startWorld, type World } from "./world.ts";

/** In every text of the other project. */
const MARKER = "zzforeign";
const OWN = "ourown";

let world: World;
let store: Store;
let accounts: Accounts;
let close: () => Promise<void>;
let ours: Side;
let theirs: Side;

beforeAll(async () => {
  world = await startWorld();
  ({ store, accounts, close } = await world.beside());
  await writeToyModel(join(world.folder, "toy"));
  ours = await makeSide({ world, store, accounts }, OWN, (await accounts.firstProject()).id);
  const projectId = newId("project");
  await store.write((tx) =>
    tx.insert(projects).values({ id: projectId, name: `${MARKER} project`, createdAt: 1 }),
  );
  theirs = await makeSide({ world, store, accounts }, MARKER, projectId);
}, 120_000);
afterAll(async () => {
  await close?.();
  await world?.close();
});

const ask = (key: string, query: string) => askAs(world, key, query);

/** A value of our own side for an argument, by what its name speaks of. */
function ownValue(name: string): string {
  const { ids } = ours.things;
  if (/dataset/i.test(name)) return ids.get("datasetVersion") ?? "";
  if (/live/i.test(name)) return ids.get("deployment") ?? "";
  if (/customized/i.test(name)) return ids.get("customizedModel") ?? "";
  for (const [noun, id] of ids) if (name.toLowerCase().startsWith(noun.toLowerCase())) return id;
  return /model|base/i.test(name) ? `${OWN}-toy` : "sft";
}

/** What belongs to the other project or names something of it by id, as it is in the tables now. */
async function theirRows(): Promise<Map<string, string>> {
  const ids = [theirs.projectId, ...theirs.things.ids.values()].join("|");
  const names = new RegExp(`"\\w*[iI]d":"(${ids})"`);
  const found = new Map<string, string>();
  for (const table of await allTables()) {
    const rows = (await rowsOf(store, table)).map((row) => JSON.stringify({ ...row, lastUsedAt: null }));
    found.set(
      getTableConfig(table).name,
      rows
        .filter((row) => names.test(row))
        .sort()
        .join("\n"),
    );
  }
  return found;
}

function expectUnchanged(before: Map<string, string>, after: Map<string, string>): void {
  for (const [table, rows] of before)
    if (after.get(table) !== rows)
      throw new Error(`${table} was:\n${rows.slice(0, 1000)}\nand is:\n${after.get(table)?.slice(0, 2000)}`);
}

/** Arguments of mutations that name what is made or say something new, and so refer to nothing. */
const NEW_TEXTS =
  /(^|\.)(name|title|note|text|system|systemPrompt|current|wanted|description|reason|overrideReason)$|^registerModel\.input\.alias$/;

const fieldsOf = (type: ReturnType<typeof schema.getQueryType>) => Object.values(type?.getFields() ?? {});

type Foreign = { said: string; call: string; ghost: { said: string; call: string } | null };

/** Each way to say something of theirs in a field's arguments; with an id also the same with an id of nothing. */
function* foreignCalls(field: Field): Generator<Foreign> {
  const isMutation = schema.getMutationType()?.getFields()[field.name] === field;
  const ids = [...theirs.things.ids.values(), theirs.upload];
  for (const path of textPaths(field.args)) {
    if (isMutation && NEW_TEXTS.test([field.name, ...path].join("."))) continue;
    const saying = (said: string) => ({ said, call: call(field, path, said, ownValue) });
    for (const said of [...ids, ...theirs.names]) {
      const isId = ids.includes(said) && isIdPath(field, path);
      // The same prefix, so that it is looked for in the same place.
      const nothing = `${said.split("_", 1)[0]}_${newId("run").slice(4)}`;
      yield { ...saying(said), ghost: isId ? saying(nothing) : null };
    }
  }
}

/** Asks with something of theirs: nothing comes of it, and an id of theirs is answered as one of nothing. */
async function expectRefusal(
  foreign: Foreign,
  query: (call: string) => string,
  hear = (text: string): Promise<string> => ask(ours.key, text),
): Promise<void> {
  const { said, call: one, ghost } = foreign;
  const answer = await hear(query(one));
  expectNothingOfTheirs(answer, said, one);
  if (!ghost) return;
  const none = await hear(query(ghost.call));
  expect([one, answer.replaceAll(said, "…")]).toEqual([one, none.replaceAll(ghost.said, "…")]);
}

/** Fails where an answer holds something of theirs that was not said to it. */
function expectNothingOfTheirs(answer: string, said: string, what: string): void {
  if (answer.replaceAll(said, "").includes(MARKER))
    throw new Error(`${what} tells of the other project: ${answer.slice(0, 600)}`);
  if (answer.includes("FAULT") || answer.includes("Unexpected"))
    throw new Error(`${what} fails: ${answer.slice(0, 600)}`);
}

test("the other side is there: its own key finds each of its things, and every type of Node has one", async () => {
  const kinds = new Set<string>();
  for (const id of theirs.things.ids.values()) {
    const answer: { data: { node: { __typename: string } | null } } = JSON.parse(
      await ask(theirs.key, `{ node(id: "${id}") { __typename id } }`),
    );
    if (answer.data.node) kinds.add(answer.data.node.__typename);
  }
  const node = schema.getType("Node");
  const all = isInterfaceType(node) ? schema.getPossibleTypes(node).map(({ name }) => name) : [];
  expect([...kinds].sort()).toEqual(all.toSorted());
  const lists = await Promise.all(
    ["datasets", "baseModels", "people", "apiKeys", "conversations"].map((name) =>
      ask(
        theirs.key,
        `{ ${name} { nodes { __typename id ${name === "conversations" ? "title" : "name"} } } }`,
      ),
    ),
  );
  for (const list of lists) expect(list).toContain(MARKER);
});

describe("queries", () => {
  for (const field of fieldsOf(schema.getQueryType()))
    test(field.name, async () => {
      const what = selection(getNamedType(field.type), 2);
      expectNothingOfTheirs(
        await ask(ours.key, `{ ${call(field, [], "", ownValue)} ${what} }`),
        "",
        field.name,
      );
      for (const foreign of foreignCalls(field)) await expectRefusal(foreign, (one) => `{ ${one} ${what} }`);
    }, 60_000);
});

test("fields of our own things that take an id of theirs", async () => {
  let tried = 0;
  const ownIds = [...ours.things.ids.values()];
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type) || !type.getInterfaces().some(({ name }) => name === "Node")) continue;
    for (const field of Object.values(type.getFields()))
      for (const foreign of foreignCalls(field))
        for (const id of ownIds) {
          if ((await kindOf(id)) !== type.name) continue;
          const what = selection(getNamedType(field.type), 1);
          await expectRefusal(
            foreign,
            (one) => `{ node(id: "${id}") { ... on ${type.name} { ${one} ${what} } } }`,
          );
          tried++;
        }
  }
  expect(tried).toBeGreaterThan(20);
}, 120_000);

const kinds = new Map<string, string>();
async function kindOf(id: string): Promise<string> {
  const known = kinds.get(id);
  if (known !== undefined) return known;
  const said =
    /"__typename":"(\w+)"/.exec(await ask(ours.key, `{ node(id: "${id}") { __typename } }`))?.[1] ?? "";
  kinds.set(id, said);
  return said;
}

describe("mutations change nothing of theirs and tell nothing of it", () => {
  for (const field of fieldsOf(schema.getMutationType()))
    test(field.name, async () => {
      const before = await theirRows();
      const what = selection(getNamedType(field.type), 1);
      for (const foreign of foreignCalls(field))
        await expectRefusal(foreign, (one) => `mutation { ${one} ${what} }`);
      expectUnchanged(before, await theirRows());
    }, 60_000);
});

describe("subscriptions", () => {
  const headers = { accept: "text/event-stream" };
  /** What a stream says within a moment. */
  async function heard(key: string, query: string, ms: number): Promise<string> {
    const response = await world.fetch("/graphql", {
      key,
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify({ query }),
    });
    const reader = response.body?.getReader();
    const decoder = new TextDecoder();
    let text = "";
    const until = now() + ms;
    while (reader && now() < until) {
      const part = await Promise.race([reader.read(), Bun.sleep(until - now()).then(() => null)]);
      if (!part || part.done) break;
      text += decoder.decode(part.value);
    }
    await reader?.cancel();
    return text;
  }
  for (const field of fieldsOf(schema.getSubscriptionType()))
    test(field.name, async () => {
      const what = selection(getNamedType(field.type), 1);
      for (const foreign of foreignCalls(field))
        await expectRefusal(
          foreign,
          (one) => `subscription { ${one} ${what} }`,
          (text) => heard(ours.key, text, 300),
        );
      if (field.args.some(isRequiredArgument)) return;
      const streams = [ours.key, theirs.key].map((key) =>
        heard(key, `subscription { ${field.name} ${what} }`, 1500),
      );
      await Bun.sleep(300);
      await stir();
      const [mine, other] = await Promise.all(streams);
      await calm();
      expectNothingOfTheirs(mine ?? "", "", field.name);
      expect(other).toContain(MARKER);
    }, 60_000);

  /** Until nothing goes on in the other project any more. */
  async function calm(): Promise<void> {
    const query = "{ a: runs(status: QUEUED) { totalCount } b: runs(status: RUNNING) { totalCount } }";
    while (/"totalCount":[1-9]/.test(await ask(theirs.key, query))) await Bun.sleep(50);
  }

  /** Something happens in the other project: a run is made, which fails or not. */
  async function stir(): Promise<void> {
    const again = `importModel(input: { name: "${MARKER}-stir-${newId("run")}", path: "${join(world.folder, "toy")}" }) { __typename }`;
    expect(await ask(theirs.key, `mutation { ${again} }`)).toContain("ImportModelSuccess");
  }
});

describe("routes", () => {
  type Route = [method: string, path: (thing: string) => string, body?: (thing: string) => object];
  const chat = (model: string) => ({
    model,
    input: "x",
    messages: [{ role: "user", content: "hello" }],
    query: "x",
    documents: ["x"],
    prompt: "x",
  });
  const routes: Route[] = [
    ["GET", (thing) => `/files/${thing}`],
    ["GET", (thing) => `/files/${thing}/`],
    ["GET", (thing) => `/files/${thing}.md`],
    ["GET", (thing) => `/files/${thing}.json`],
    ["GET", (thing) => `/files/${thing}/README.md`],
    ["GET", (thing) => `/files/${thing}/0?column=prompt`],
    ["GET", (thing) => `/v1/models/${thing}`],
    ...["chat/completions", "completions", "embeddings", "rerank", "images/generations"].map(
      (name): Route => ["POST", () => `/v1/${name}`, chat],
    ),
    ["HEAD", (thing) => `/uploads/${thing}`],
    ["GET", (thing) => `/uploads/${thing}`],
    ["DELETE", (thing) => `/uploads/${thing}`],
    ["POST", (thing) => `/trainer/v1/runs/${thing}/heartbeat`, () => ({ attempt: 1, lastSeq: 0 })],
    ["POST", (thing) => `/trainer/v1/runs/${thing}/events`, () => ({ attempt: 1, events: [] })],
    ["POST", (thing) => `/trainer/v1/runs/${thing}/finish`, () => ({ attempt: 1, status: "failed" })],
    ["PUT", (thing) => `/trainer/v1/runs/${thing}/artifacts/x`],
  ];
  for (const [method, path, body] of routes)
    test(`${method} ${path("…")}`, async () => {
      const before = await theirRows();
      for (const thing of [...theirs.things.ids.values(), ...theirs.names, theirs.upload, theirs.blob]) {
        const response = await world.fetch(path(encodeURIComponent(thing)), {
          key: ours.key,
          method,
          ...(body ? { body: JSON.stringify(body(thing)) } : {}),
        });
        expect([thing, response.status]).toEqual([thing, 404]);
        expectNothingOfTheirs(await response.text(), thing, `${method} ${path(thing)}`);
      }
      expectUnchanged(before, await theirRows());
    }, 60_000);

  test("the same routes answer their own key, so that the refusals are of the project", async () => {
    const status = async (path: string) => (await world.fetch(path, { key: theirs.key })).status;
    expect(await status(`/files/${MARKER}-toy/`)).toBe(200);
    expect(await status(`/v1/models/${MARKER}-toy`)).toBe(200);
    expect(await status(`/uploads/${theirs.upload}`)).toBe(200);
    expect(await status(`/files/${theirs.things.ids.get("conversation")}.md`)).toBe(200);
  });

  test("a blob that no training of ours was told to fetch is not there", async () => {
    const path = `/trainer/v1/blobs/${theirs.blob}`;
    expect((await world.fetch(path, { key: ours.key })).status).toBe(404);
    expect(await (await world.fetch(path, { key: ours.key })).text()).toContain("NOT_FOUND");
  });

  test("lists and metrics count our own alone", async () => {
    for (const path of ["/v1/models", "/metrics"]) {
      const text = await (await world.fetch(path, { key: ours.key })).text();
      expectNothingOfTheirs(text, "", path);
    }
    const counted = async (key: string) =>
      /espalier_runs\{status="failed"\} (\d+)/.exec(
        await (await world.fetch("/metrics", { key })).text(),
      )?.[1];
    const { runs } = z
      .object({ data: z.object({ runs: z.object({ totalCount: z.number() }) }) })
      .parse(JSON.parse(await ask(ours.key, "{ runs(status: FAILED) { totalCount } }"))).data;
    expect(await counted(ours.key)).toBe(String(runs.totalCount));
  });

  test("a trainer with our key is handed none of their trainings, and is not in their list", async () => {
    await store.write((tx) =>
      tx
        .update(runsTable)
        .set({ status: "queued", endedAt: null })
        .where(eq(runsTable.id, theirs.things.ids.get("run") ?? "")),
    );
    const say = (path: string, body: object, key: string) =>
      world.fetch(`/trainer/v1/${path}`, { key, method: "POST", body: JSON.stringify(body) });
    const packages = { torch: "2" };
    const host = { hostname: "h", os: "o", arch: "a", python: "3", packages, cpuCount: 1, memoryBytes: 1 };
    const devices = [{ kind: "cpu", name: "c", memoryBytes: 1 }];
    const hello = { contractVersion, name: "our trainer", host, devices, methods: [] };
    const { trainerId } = z
      .object({ trainerId: z.string() })
      .parse(await (await say("hello", hello, ours.key)).json());
    expect((await say("lease", { trainerId, waitMs: 0 }, ours.key)).status).toBe(204);
    // Their key does not know our trainer either.
    expect((await say("lease", { trainerId, waitMs: 0 }, theirs.key)).status).toBe(404);
    expect(await ask(theirs.key, "{ trainers { nodes { name } } }")).not.toContain("our trainer");
    expect(await ask(ours.key, "{ trainers { nodes { name } } }")).toContain("our trainer");
  });
});
