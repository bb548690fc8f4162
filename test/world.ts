// A real server on a fresh data folder, for tests: keys of any scope, GraphQL, uploads, and waiting for runs.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { type Accounts, createAccounts, type Scope } from "../src/accounts/accounts.ts";
import { type Flags, loadConfig } from "../src/config.ts";
import { now } from "../src/kit/clock.ts";
import { createLog } from "../src/kit/log.ts";
import { type RunningServer, startServer } from "../src/serve/serve.ts";
import { openStore, type Store } from "../src/store/store.ts";

export type World = {
  /** Folder of the test, gone after `close`. */
  folder: string;
  server: RunningServer;
  /** Secret of a key with exactly these scopes, made before the server started. */
  key(...scopes: Scope[]): string;
  fetch(path: string, init?: RequestInit & { key?: string }): Promise<Response>;
  /** Data of a GraphQL operation as admin, or with another key. @throws Error with the answer when it has errors. */
  graphql(query: string, variables?: object, key?: string): Promise<Record<string, unknown>>;
  /** The success of a mutation's result. @throws Error with the typed error. */
  act(query: string, variables?: object): Promise<Record<string, unknown>>;
  /** Waits for the end of a run. @throws Error with its error unless it succeeded. */
  succeeded(runId: string): Promise<void>;
  /** Accounts over the same folder, as the command line opens it beside the server. */
  beside(): Promise<{ accounts: Accounts; store: Store; close(): Promise<void> }>;
  /** Sends bytes to /uploads and returns the upload's id. */
  upload(name: string, bytes: Uint8Array): Promise<string>;
  /** Imports rows as a dataset, and waits until it is there. */
  importRows(name: string, rows: readonly object[]): Promise<void>;
  close(): Promise<void>;
};

const answer = z.object({
  data: z.record(z.string(), z.unknown()).nullish(),
  errors: z.unknown().optional(),
});
const result = z.looseObject({ __typename: z.string() });
const runState = z.object({ node: z.object({ status: z.string(), error: z.unknown() }) });

const withRun = z.looseObject({ run: z.object({ id: z.string() }) });
const IMPORT = `mutation ($input: ImportDatasetInput!) { importDataset(input: $input) { __typename
  ... on ImportDatasetSuccess { run { id } } ... on UserError { code text: message field } } }`;

/** Starts a server with keys of the given sets of scopes; admin is always among them. */
export async function startWorld(scopeSets: Scope[][] = [], flags: Flags = {}): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), "espalier-world-"));
  const dataDir = join(folder, "data");
  const keys = new Map<string, string>();
  const store = await openStore({ dataDir, log: createLog({ level: "silent" }) });
  const accounts = createAccounts({ store, clock: now });
  for (const scopes of [["admin"], ...scopeSets])
    keys.set(scopes.join(), (await accounts.createMachineKey({ name: scopes.join(), scopes })).secret);
  await store.close();
  const config = loadConfig(
    { data: dataDir, cache: join(folder, "cache"), port: 0, logLevel: "silent", ...flags },
    {},
  );
  const server = await startServer({ config, withTrainer: false });

  const world: World = {
    folder,
    server,
    key(...scopes) {
      const secret = keys.get(scopes.join());
      if (secret === undefined) throw new Error(`the world has no key for ${scopes.join()}`);
      return secret;
    },
    fetch(path, { key = world.key("admin"), headers, ...init } = {}) {
      const all = new Headers(headers);
      all.set("authorization", `Bearer ${key}`);
      return fetch(`${server.url}${path}`, { ...init, headers: all });
    },
    async graphql(query, variables = {}, key = world.key("admin")) {
      const response = await world.fetch("/graphql", {
        key,
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ query, variables }),
      });
      const { data, errors } = answer.parse(await response.json());
      if (errors !== undefined || !data) throw new Error(JSON.stringify(errors));
      return data;
    },
    async act(query, variables) {
      const [value] = Object.values(await world.graphql(query, variables));
      const parsed = result.parse(value);
      if (!parsed.__typename.endsWith("Success")) throw new Error(JSON.stringify(parsed));
      return parsed;
    },
    async succeeded(runId) {
      const query = "query ($id: ID!) { node(id: $id) { ... on Run { status error { code message } } } }";
      for (;;) {
        const { node } = runState.parse(await world.graphql(query, { id: runId }));
        if (node.status === "SUCCEEDED") return;
        if (node.status === "FAILED" || node.status === "CANCELLED") throw new Error(JSON.stringify(node));
        await Bun.sleep(50);
      }
    },
    async beside() {
      const beside = await openStore({ dataDir, log: createLog({ level: "silent" }), beside: true });
      return {
        accounts: createAccounts({ store: beside, clock: now }),
        store: beside,
        close: () => beside.close(),
      };
    },
    async upload(name, bytes) {
      const body = JSON.stringify({ name, sizeBytes: bytes.byteLength });
      const made = await world.fetch("/uploads", { method: "POST", body });
      const { id } = z.object({ id: z.string() }).parse(await made.json());
      const headers = { "upload-offset": "0" };
      await world.fetch(`/uploads/${id}`, { method: "PATCH", headers, body: new Uint8Array(bytes) });
      return id;
    },
    async importRows(name, rows) {
      const text = rows.map((row) => `${JSON.stringify(row)}\n`).join("");
      const uploadId = await world.upload(`${name}.jsonl`, new TextEncoder().encode(text));
      const { run } = withRun.parse(await world.act(IMPORT, { input: { name, uploadId } }));
      await world.succeeded(run.id);
    },
    async close() {
      await server.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
  return world;
}
