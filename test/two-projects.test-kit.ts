// One of everything in a project, made from the tables themselves: what a new table holds is there without a word here.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { eq, getTableColumns, is, type SQL } from "drizzle-orm";
import { getTableConfig, type SQLiteColumn, SQLiteTable } from "drizzle-orm/sqlite-core";
import { z } from "zod";
import { memberships } from "../schema/tables/accounts.ts";
import { baseModels } from "../schema/tables/models.ts";
import type { Accounts } from "../src/accounts/accounts.ts";
import { ID_PREFIX, type IdNoun, newId } from "../src/kit/ids.ts";
import type { Store } from "../src/store/store.ts";
import type { World } from "./world.ts";

type Row = Record<string, unknown>;
export type Things = {
  /** By table: a row of the project. */
  rows: Map<string, Row>;
  /** Ids of all of them, by the noun of the id. */
  ids: Map<string, string>;
};

const folder = join(import.meta.dir, "../schema/tables");

/** Every table of the schema. */
export async function allTables(): Promise<SQLiteTable[]> {
  const found: SQLiteTable[] = [];
  for (const file of readdirSync(folder)) {
    const module: Record<string, unknown> = await import(join(folder, file));
    for (const value of Object.values(module)) if (is(value, SQLiteTable)) found.push(value);
  }
  return found;
}

/** Tables that belong to no project, and why. */
const OF_NO_PROJECT: Record<string, string> = {
  projects: "is one",
  users: "a person may be in several",
  sessions: "a person's, who may be in several",
  settings: "of the server, or of one person or key",
};

/** Words that a column must hold for its row to be found, where any text will not do. */
const WORDS: Record<string, unknown> = {
  "runs.status": "failed",
  "runs.last_seq": 1,
  "runs.kind": "train",
  "runs.executor": "trainer",
  "runs.ended_at": 1,
  "one_time_links.kind": "invitation",
  "one_time_links.role": "viewer",
  "one_time_links.expires_at": 8_000_000_000_000,
  "memberships.role": "viewer",
  "deployments.status": "stopped",
  "deployments.precision": "fp32",
  "documents.state": "ready",
  "knowledge_indexes.state": "current",
  "messages.role": "user",
  // Not so long ago that the server empties it while a test runs.
  "trash.deleted_at": 8_000_000_000_000,
  // Made by a person, read by the key too.
  "conversations.is_shared": true,
  "trainings.method": "sft",
  "notifications.kind": "run-failed",
  "assessments.sample": { kind: "all", size: null, seed: 1, by: null },
  "gates.rule": { kind: "score", grader: null, atLeast: 0, lowerBoundAtLeast: null },
  "suite_entries.definition": {
    datasetVersionId: "dsv_gone",
    datasetName: "gone@1",
    split: null,
    sample: { kind: "all", size: null, seed: 1, by: null },
    question: "{{prompt}}",
    reference: null,
    graders: [],
    maxTokens: 1,
    temperature: 0,
  },
  "webhooks.url": "http://127.0.0.1:1/",
};

const nounWords: Record<string, IdNoun> = {
  aliases: "alias",
  suite_entries: "suiteEntry",
  webhook_deliveries: "webhookDelivery",
};
/** Tables whose ids are those of what they keep. */
const keeps: Record<string, IdNoun> = { trash: "conversation" };

function nounOf(table: string): IdNoun | null {
  const camel = table.replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
  for (const noun of [nounWords[table], camel.replace(/s$/, ""), camel.replace(/es$/, "")])
    if (noun !== undefined && Object.hasOwn(ID_PREFIX, noun)) return noun as IdNoun;
  return null;
}

/** Rows of `table`, of a project where it has a column for it. */
export function rowsOf(store: Store, table: SQLiteTable, where?: SQL): Promise<Row[]> {
  return store.db.select().from(table).where(where) as Promise<Row[]>;
}

/**
 * Makes what the project does not have yet, one of each; texts begin with `marker`.
 * @throws Error naming a table whose rows cannot be made: give its ids a noun in src/kit/ids.ts
 */
export async function oneOfEverything(
  store: Store,
  of: { projectId: string; userId: string; marker: string; card: unknown },
): Promise<Things> {
  const things: Things = { rows: new Map(), ids: new Map() };
  things.rows.set("projects", { id: of.projectId });
  things.rows.set("users", { id: of.userId });
  things.ids.set("project", of.projectId);
  const left = new Set((await allTables()).filter((table) => !(getTableConfig(table).name in OF_NO_PROJECT)));
  while (left.size > 0) {
    const before = left.size;
    for (const table of left) if (await make(table, true)) left.delete(table);
    // Tables that name each other: the first that can be made without the other's row is.
    if (left.size === before) for (const table of left) if (await make(table, false)) left.delete(table);
    if (left.size === before)
      throw new Error(
        `no row can be made for ${[...left].map((one) => getTableConfig(one).name).join(", ")}`,
      );
  }
  return things;

  /** What a row of a table is named by: its id, or its number. */
  function keyOf(table: string): unknown {
    const row = things.rows.get(table);
    return row?.["id"] ?? row?.["number"];
  }

  async function make(table: SQLiteTable, isPatient: boolean): Promise<boolean> {
    const { name, foreignKeys } = getTableConfig(table);
    const columns = Object.entries(getTableColumns(table)) as [string, SQLiteColumn][];
    const project = columns.find(([key]) => key === "projectId")?.[1];
    const refs = new Map(
      foreignKeys.map((key) => {
        const { columns: own, foreignTable } = key.reference();
        return [own[0]?.name ?? "", getTableConfig(foreignTable as SQLiteTable).name];
      }),
    );
    // A row of the table itself may stand in the way of itself; leave such a column empty.
    for (const [, target] of refs) if (target !== name && !things.rows.has(target)) return false;
    const awaited = new Set([...left].map((one) => nounOf(getTableConfig(one).name)));
    const named = columns.flatMap(([key]) => (key.endsWith("Id") ? [key.slice(0, -2)] : []));
    if (isPatient && named.some((noun) => noun !== nounOf(name) && awaited.has(noun as IdNoun))) return false;
    const parent = [...refs].find(([, target]) => things.rows.has(target) && target !== "users");
    const held = parent && columns.find(([, column]) => column.name === parent[0])?.[1];
    // One row for each thing of another table, which a trigger may have made.
    const only = columns.find(([key, { primary }]) => primary && named.some((noun) => key === `${noun}Id`));
    const onlyId = only && things.ids.get(only[0].slice(0, -2) as IdNoun);
    const where = project
      ? eq(project, of.projectId)
      : onlyId
        ? eq(only[1], onlyId)
        : held && eq(held, keyOf(parent[1]));
    const [known] = where ? await rowsOf(store, table, where) : [];
    const row = known ?? rowFor(name, columns, refs, (await store.db.$count(table)) + 1);
    if (!project && !parent && !named.some((noun) => things.ids.has(noun)))
      throw new Error(`${name} belongs to no project: say why in test/two-projects.test-kit.ts`);
    if (!known) await store.write((tx) => tx.insert(table).values(row));
    things.rows.set(name, row);
    const noun = nounOf(name);
    if (noun && typeof row["id"] === "string") things.ids.set(noun, row["id"]);
    return true;
  }

  function rowFor(
    name: string,
    columns: [string, SQLiteColumn][],
    refs: Map<string, string>,
    next: number,
  ): Row {
    const row: Row = {};
    for (const [key, column] of columns) {
      const path = `${name}.${column.name}`;
      const target = refs.get(column.name);
      if (path in WORDS) row[key] = WORDS[path];
      else if (target !== undefined) row[key] = target === name ? null : keyOf(target);
      else if (key === "projectId") row[key] = of.projectId;
      else if (key === "card") row[key] = of.card;
      else if (key === "id" && column.dataType === "string") {
        const noun = keeps[name] ?? nounOf(name);
        if (!noun) throw new Error(`the ids of ${name} have no noun in src/kit/ids.ts`);
        row[key] = newId(noun);
      } else if (key === "userId") row[key] = of.userId;
      else if (key.endsWith("Id") && column.dataType === "string")
        row[key] = things.ids.get(key.slice(0, -2)) ?? (column.notNull ? things.ids.get("baseModel") : null);
      else if (column.primary && column.dataType === "number") row[key] = next;
      else if (!column.notNull) row[key] = null;
      else if (column.dataType === "json") row[key] = /s$/.test(key) ? [] : {};
      else if (column.dataType === "string") row[key] = `${of.marker}-${name}-${key}`;
      else
        row[key] = column.dataType === "boolean" ? false : column.dataType === "buffer" ? Buffer.alloc(4) : 1;
    }
    return row;
  }
}

/** A project with its key and what is in it. */
export type Side = {
  key: string;
  projectId: string;
  things: Things;
  names: string[];
  upload: string;
  blob: string;
};

type Over = { world: World; store: Store; accounts: Accounts };

/** A project with a person, a key, a real model, dataset and upload, and one row of every other table. */
export async function makeSide(
  { world, store, accounts }: Over,
  marker: string,
  projectId: string,
): Promise<Side> {
  const { id: userId } = await accounts.putUser({
    name: `${marker}-person`,
    password: "correct horse",
    reset: false,
  });
  await store.write((tx) => tx.update(memberships).set({ projectId }).where(eq(memberships.userId, userId)));
  const key = (
    await accounts.createMachineKey({ name: `${marker}-key`, scopes: ["owner"], project: projectId })
  ).secret;
  const send = (path: string, body: object | Uint8Array, more: RequestInit = {}) =>
    world.fetch(path, {
      key,
      method: "POST",
      body: body instanceof Uint8Array ? new Uint8Array(body) : JSON.stringify(body),
      ...more,
    });
  const upload = async (name: string, text: string): Promise<string> => {
    const bytes = Buffer.from(text);
    const made = await send("/uploads", { name, sizeBytes: bytes.byteLength });
    const { id } = z.object({ id: z.string() }).parse(await made.json());
    await send(`/uploads/${id}`, bytes, { method: "PATCH", headers: { "upload-offset": "0" } });
    return id;
  };
  const rows = JSON.stringify({ prompt: `${marker} asks`, completion: `${marker} answers` });
  const dataset = await upload("rows.jsonl", `${rows}\n${rows.replace("asks", "asks again")}\n`);
  await ended(
    world,
    key,
    `importDataset(input: { name: "${marker}-data", uploadId: "${dataset}" }) { ... on ImportDatasetSuccess { run { id } } }`,
  );
  await ended(
    world,
    key,
    `importModel(input: { name: "${marker}-toy", path: "${join(world.folder, "toy")}" }) { ... on ImportModelSuccess { run { id } } }`,
  );
  const base = z.object({ card: z.unknown(), files: z.array(z.object({ sha256: z.string() })) });
  const mine = (await rowsOf(store, baseModels)).find((row) => row["projectId"] === projectId);
  const { card, files } = base.parse(mine);
  const things = await oneOfEverything(store, { projectId, userId, marker, card });
  const names = [
    `${marker}-toy`,
    `${marker}-data`,
    `${marker}-person`,
    `${marker}-key`,
    ...textsOf(things, marker),
  ];
  return {
    key,
    projectId,
    things,
    names,
    upload: await upload("left.txt", marker),
    blob: files[0]?.sha256 ?? "",
  };
}

/** Names of things among the generated texts. */
function textsOf({ rows }: Things, marker: string): string[] {
  const named = [...rows.values()].flatMap((row) => [row["name"], row["alias"]]);
  return [
    ...new Set(named.filter((name): name is string => typeof name === "string" && name.startsWith(marker))),
  ];
}

/** The answer to an operation with a key, as text. */
export async function askAs(world: World, key: string, query: string): Promise<string> {
  const response = await world.fetch("/graphql", {
    key,
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ query }),
  });
  return response.text();
}

async function ended(world: World, key: string, mutation: string): Promise<void> {
  const said = await askAs(world, key, `mutation { done: ${mutation} }`);
  const run = z.object({ data: z.object({ done: z.object({ run: z.object({ id: z.string() }) }) }) });
  const { id } = run.parse(JSON.parse(said)).data.done.run;
  for (;;) {
    const state = await askAs(
      world,
      key,
      `{ node(id: "${id}") { ... on Run { status error { message } } } }`,
    );
    if (state.includes("SUCCEEDED")) return;
    if (/FAILED|CANCELLED/.test(state)) throw new Error(state);
    await Bun.sleep(50);
  }
}
