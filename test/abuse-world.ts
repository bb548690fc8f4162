// The executable as an outsider meets it: uploads, imports and refusals, and a look at everything a refusal could leave.
import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { createUser } from "./command.ts";

const refusalShape = z.looseObject({
  code: z.string(),
  message: z.string(),
  hint: z.string().nullish(),
  value: z.string().nullish(),
});
export type Refusal = z.infer<typeof refusalShape>;
const answerShape = z.object({
  data: z.record(z.string(), z.unknown()).nullish(),
  errors: z
    .array(z.object({ message: z.string(), extensions: z.looseObject({ code: z.string() }).optional() }))
    .optional(),
});
const resultShape = z.looseObject({ __typename: z.string() });
const startedShape = z.looseObject({ run: z.object({ id: z.string() }) });
const endedShape = z.object({ node: z.object({ status: z.string(), error: refusalShape.nullable() }) });

export type Bytes = Uint8Array | string;
export type Files = Record<string, Bytes>;
export type AbuseWorld = Awaited<ReturnType<typeof startAbuseWorld>>;
type Init = Omit<RequestInit, "headers"> & { headers?: Record<string, string>; key?: string };

/** What is done, the code under which it must be refused, and what the refusal must name. */
export type Case = [
  what: string,
  code: string,
  names: RegExp,
  act: (w: AbuseWorld) => Promise<Refusal | null>,
];
export const turn = (role: string, content: string) => ({ role, content });
export const nest = (depth: number): string => "[".repeat(depth) + "]".repeat(depth);

const ERROR = "... on UserError { code text: message hint value }";

/** Starts the executable on an empty folder. */
export async function startAbuseWorld(flags: readonly string[] = []) {
  const user = createUser();
  const data = join(user.folder, "data");

  async function newKey(scopes: string): Promise<string> {
    const { document } = await user.json([
      "key",
      "create",
      "--data",
      data,
      "--name",
      scopes,
      "--scopes",
      scopes,
    ]);
    return z.object({ key: z.string() }).parse(document).key;
  }
  const admin = await newKey("admin");
  const writer = await newKey("read,write");
  const { url, pid } = await user.serve(data, ["--log-level", "warn", ...flags]);

  const world = {
    data,
    url,
    admin,
    writer,
    user,
    /** Peak resident bytes of the server process so far. */
    peakBytes(): number {
      const status = readFileSync(`/proc/${pid}/status`, "utf8");
      return Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) * 1024;
    },
    fetch(path: string, { key = admin, headers = {}, ...init }: Init = {}): Promise<Response> {
      return fetch(`${url}${path}`, { ...init, headers: { authorization: `Bearer ${key}`, ...headers } });
    },
    /** The refusal of a plain request. @throws Error where it was not refused */
    async refused(path: string, init?: Init): Promise<Refusal> {
      const response = await world.fetch(path, init);
      const text = await response.text();
      if (response.ok) throw new Error(`${path} was answered: ${text.slice(0, 200)}`);
      return z.object({ error: refusalShape }).parse(JSON.parse(text)).error;
    },
    async graphql(query: string, variables: object = {}, key = admin) {
      const response = await world.fetch("/graphql", {
        method: "POST",
        key,
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ query, variables }),
      });
      return answerShape.parse(await response.json());
    },
    /** What a mutation answers: its success, or the refusal. */
    async act(field: string, type: string, input: object, wants: string, key = admin) {
      const query = `mutation ($input: ${type}!) { ${field}(input: $input) { __typename ${wants} ${ERROR} } }`;
      const { data, errors } = await world.graphql(query, { input }, key);
      const [error] = errors ?? [];
      if (error) return refusalOf({ ...error.extensions, message: error.message });
      const result = resultShape.parse(data?.[field]);
      return result.__typename.endsWith("Success")
        ? { done: result }
        : refusalOf({ ...result, message: result["text"] });
    },
    /** How a mutation that starts a run was refused, at once or by the run; null where it succeeded. */
    async outcome(field: string, type: string, input: object, key = admin): Promise<Refusal | null> {
      const answer = await world.act(
        field,
        type,
        input,
        `... on ${type.replace(/Input$/, "Success")} { run { id } }`,
        key,
      );
      if ("refusal" in answer) return answer.refusal;
      return world.ended(startedShape.parse(answer.done).run.id);
    },
    async ended(runId: string): Promise<Refusal | null> {
      const query =
        "query ($id: ID!) { node(id: $id) { ... on Run { status error { code message hint value } } } }";
      for (const until = Date.now() + 20_000; Date.now() < until; await Bun.sleep(20)) {
        const { node } = endedShape.parse((await world.graphql(query, { id: runId })).data);
        if (node.status === "SUCCEEDED") return null;
        if (node.status !== "QUEUED" && node.status !== "RUNNING") return refusalShape.parse(node.error);
      }
      throw new Error(`run ${runId} is stuck`);
    },
    /** A finished upload's id, or the refusal. */
    async upload(name: string, bytes: Bytes, extra: object = {}): Promise<string | Refusal> {
      const body = new Uint8Array(Buffer.from(bytes));
      const opened = await world.fetch("/uploads", {
        method: "POST",
        body: JSON.stringify({ name, sizeBytes: body.byteLength, ...extra }),
      });
      const made = z
        .looseObject({ id: z.string().optional(), error: refusalShape.optional() })
        .parse(await opened.json());
      if (made.error) return made.error;
      const id = z.string().parse(made.id);
      if (body.byteLength === 0) return id;
      const sent = await world.fetch(`/uploads/${id}`, {
        method: "PATCH",
        headers: { "upload-offset": "0" },
        body,
      });
      return sent.ok ? id : z.object({ error: refusalShape }).parse(await sent.json()).error;
    },
    /** How the import of files as one base model ends. */
    async importModel(files: Files, name = "m"): Promise<Refusal | null> {
      const uploadIds: string[] = [];
      for (const [file, bytes] of Object.entries(files)) {
        const id = await world.upload(file, bytes);
        if (typeof id !== "string") return id;
        uploadIds.push(id);
      }
      const refusal = await world.outcome("importModel", "ImportModelInput", { name, uploadIds });
      await world.discard(uploadIds);
      return refusal;
    },
    async importDataset(file: string, bytes: Bytes, more: object = {}): Promise<Refusal | null> {
      const uploadId = await world.upload(file, bytes);
      if (typeof uploadId !== "string") return uploadId;
      const refusal = await world.outcome("importDataset", "ImportDatasetInput", {
        name: "d",
        uploadId,
        ...more,
      });
      await world.discard([uploadId]);
      return refusal;
    },
    /** Deletes uploads that a refused import did not take: they would wait for another try. */
    async discard(ids: readonly string[]): Promise<void> {
      for (const id of ids) await world.fetch(`/uploads/${id}`, { method: "DELETE" });
    },
    async versionOf(dataset: string): Promise<string> {
      const { data } = await world.graphql(`{ dataset(name: "${dataset}") { latest { id } } }`);
      const shape = z.object({ dataset: z.object({ latest: z.object({ id: z.string() }) }) });
      return shape.parse(data).dataset.latest.id;
    },
    /** Registers the live model that the world has. */
    async register(alias: string): Promise<Refusal | null> {
      const { data } = await world.graphql('{ model(name: "toy_live") { id } }');
      const liveId = z.object({ model: z.object({ id: z.string() }) }).parse(data).model.id;
      const answer = await world.act("registerModel", "RegisterModelInput", { liveId, alias }, "");
      return "refusal" in answer ? answer.refusal : null;
    },
    /** Everything that stays: things listed, work under way, and files of the data folder by their area. */
    async left(): Promise<Record<string, unknown>> {
      const { data: lists } = await world.graphql(
        "{ baseModels { edges { node { name } } } datasets { edges { node { name } } } liveModels { edges { node { name } } }" +
          " registeredModels { edges { node { alias } } } trainings { edges { node { name } } }" +
          " queued: runs(status: QUEUED) { totalCount } running: runs(status: RUNNING) { totalCount } }",
      );
      const files = (area: string): string[] => {
        const path = join(data, area);
        return existsSync(path) ? readdirSync(path, { recursive: true }).map(String).sort() : [];
      };
      return {
        ...lists,
        files: ["blobs", "incoming", "models", "tmp", "uploads"].map((area) => [area, files(area)]),
      };
    },
    close: () => user.close(),
    /** An empty folder of the test's own. */
    newFolder(name: string): string {
      const path = join(user.work, name);
      mkdirSync(path, { recursive: true });
      return path;
    },
  };
  return world;
}

function refusalOf(value: unknown): { refusal: Refusal } {
  return { refusal: refusalShape.parse(value) };
}
