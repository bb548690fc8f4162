// Every way from a base model to an answer, on tiny random weights, with a trainer that speaks the contract by hand.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { unzipSync } from "fflate";
import { isInterfaceType } from "graphql";
import { z } from "zod";
import { eventsResponse, heartbeatResponse } from "../schema/trainer.ts";
import { schema } from "../src/api/schema.ts";
import { writeToyModel } from "../src/inference/toy.test-kit.ts";
import { sha256 } from "../src/kit/hash.ts";
import { hello, joinByHand } from "./trainer-by-hand.ts";
import { startWorld, type World } from "./world.ts";

let world: World;
let trainer: Awaited<ReturnType<typeof joinByHand>>;

const withRun = z.looseObject({ run: z.object({ id: z.string() }) });
const errors = "... on UserError { code text: message field }";
beforeAll(async () => {
  world = await startWorld([["trainer"], ["read"]]);
  await writeToyModel(join(world.folder, "toy"));
  const imported = await world.act(
    `mutation ($path: String!) { importModel(input: { name: "toy", path: $path }) { __typename ... on ImportModelSuccess { run { id } } ${errors} } }`,
    { path: join(world.folder, "toy") },
  );
  await world.succeeded(withRun.parse(imported).run.id);
  const rows = Array.from({ length: 8 }, (_, i) => JSON.stringify({ prompt: `q${i}`, completion: `a${i}` }));
  const uploadId = await world.upload("rows.jsonl", new TextEncoder().encode(`${rows.join("\n")}\n`));
  const dataset = await world.act(
    `mutation ($uploadId: ID!) { importDataset(input: { name: "rows", uploadId: $uploadId }) { __typename ... on ImportDatasetSuccess { run { id } } ${errors} } }`,
    { uploadId },
  );
  await world.succeeded(withRun.parse(dataset).run.id);
  trainer = await joinByHand(world);
}, 60_000);
afterAll(() => world?.close());

async function codeOf(response: Response): Promise<string> {
  return z.object({ error: z.object({ code: z.string() }) }).parse(await response.json()).error.code;
}
async function train(name: string, save = false): Promise<string> {
  const started = await world.act(
    `mutation ($name: String!, $save: Boolean) { startTraining(input: { name: $name, baseId: "toy", datasetVersionId: "rows", method: "sft", parameters: { max_steps: 2 }, save: $save }) { __typename ... on StartTrainingSuccess { run { id } } ${errors} } }`,
    { name, save },
  );
  return withRun.parse(started).run.id;
}
async function answerOf(model: string): Promise<string> {
  const body = { model, messages: [{ role: "user", content: "q1" }], temperature: 0, max_tokens: 10 };
  const response = await world.fetch("/v1/chat/completions", { method: "POST", body: JSON.stringify(body) });
  const reply = z.object({ choices: z.array(z.object({ message: z.object({ content: z.string() }) })) });
  const text = await response.text();
  if (!response.ok) throw new Error(text);
  return reply.parse(JSON.parse(text)).choices[0]?.message.content ?? "";
}
async function deploy(model: string, name: string): Promise<void> {
  const made = await world.act(
    `mutation ($model: ID!, $name: String!) { deployModel(input: { modelId: $model, name: $name, precision: FP32 }) { __typename ... on DeployModelSuccess { run { id } } ${errors} } }`,
    { model, name },
  );
  await world.succeeded(withRun.parse(made).run.id);
}

describe("the trainer's side", () => {
  test("another contract version, an unknown trainer and a broken message are refused by name", async () => {
    const other = await trainer.say("hello", {
      ...hello,
      contractVersion: "espalier-trainer/0",
      methods: "old shape",
    });
    expect([other.status, await codeOf(other)]).toEqual([409, "CONTRACT_VERSION_MISMATCH"]);
    const stranger = await trainer.say("lease", { trainerId: "tnr_none", waitMs: 0 });
    expect([stranger.status, await codeOf(stranger)]).toEqual([404, "TRAINER_NOT_FOUND"]);
    expect((await trainer.say("lease", { trainerId: trainer.trainerId, waitMs: 0 })).status).toBe(204);
    const broken = await trainer.say("lease", { trainerId: trainer.trainerId, waitMs: -1 });
    expect([broken.status, await codeOf(broken)]).toEqual([400, "INPUT_INVALID"]);
  });

  test("a run is handed out once, with files that download whole and from an offset", async () => {
    const runId = await train("first");
    const { run, files } = await trainer.lease();
    expect(run).toMatchObject({ id: runId, attempt: 1, kind: "train" });
    expect((await trainer.say("lease", { trainerId: trainer.trainerId, waitMs: 0 })).status).toBe(204);
    for (const file of files) {
      const bytes = new Uint8Array(await (await world.fetch(file.url)).arrayBuffer());
      expect(sha256(bytes)).toBe(file.sha256);
      const rest = await world.fetch(file.url, { headers: { range: `bytes=${file.sizeBytes - 5}-` } });
      expect(rest.status).toBe(206);
      expect(new Uint8Array(await rest.arrayBuffer())).toEqual(bytes.subarray(-5));
    }
    const metrics = (seq: number) => ({
      seq,
      at: 1,
      type: "metrics",
      step: seq,
      totalSteps: 2,
      epoch: 1,
      loss: 2 / seq,
    });
    const events = (list: unknown[], attempt = run.attempt) =>
      trainer.say(`runs/${run.id}/events`, { attempt, events: list });
    await events([metrics(1)]);
    const again = await events([metrics(1), metrics(2)]);
    expect(eventsResponse.parse(await again.json()).lastSeq).toBe(2);
    const gap = await events([metrics(4)]);
    expect([gap.status, await codeOf(gap)]).toEqual([409, "EVENT_GAP"]);
    const stale = await events([metrics(3)], 2);
    expect([stale.status, await codeOf(stale)]).toEqual([409, "STALE_ATTEMPT"]);
    const beat = await trainer.say(`runs/${run.id}/heartbeat`, { attempt: 1, lastSeq: 2 });
    expect(heartbeatResponse.parse(await beat.json()).cancelRequested).toBe(false);

    const damaged = await trainer.put(
      run,
      "adapter_config.json",
      new Uint8Array([1]),
      sha256("something else"),
    );
    expect([damaged.status, await codeOf(damaged)]).toEqual([400, "HASH_MISMATCH"]);
    const bare = await trainer.say(`runs/${run.id}/finish`, {
      attempt: 1,
      status: "succeeded",
      artifacts: [],
    });
    expect(await codeOf(bare)).toBe("ADAPTER_INCOMPLETE");
    await trainer.deliver(run);
    const { trainings } = await world.graphql(
      "{ trainings { nodes { name run { status } metrics { step loss } customized { name } } } }",
    );
    expect(trainings).toEqual({
      nodes: [
        {
          name: "first",
          run: { status: "SUCCEEDED" },
          metrics: [
            { step: 1, loss: 2 },
            { step: 2, loss: 1 },
          ],
          customized: { name: "first" },
        },
      ],
    });
  }, 30_000);

  test("a cancel is told by the next heartbeat, and the cancelled run makes no model", async () => {
    const runId = await train("unwanted");
    const { run } = await trainer.lease();
    await world.act(`mutation ($id: ID!) { cancelRun(id: $id) { __typename ${errors} } }`, { id: runId });
    const beat = await trainer.say(`runs/${run.id}/heartbeat`, { attempt: 1, lastSeq: 0 });
    expect(heartbeatResponse.parse(await beat.json()).cancelRequested).toBe(true);
    await trainer.say(`runs/${run.id}/finish`, { attempt: 1, status: "cancelled", artifacts: [] });
    const { customizedModels } = await world.graphql("{ customizedModels { nodes { name } } }");
    expect(customizedModels).toEqual({ nodes: [{ name: "first" }] });
  });
});

describe("every path", () => {
  test("base → live", async () => {
    await deploy("toy", "toy-live");
    expect(await answerOf("toy-live")).toBe(await answerOf("toy"));
  }, 30_000);

  test("base → customized → live: the adapter changes the answer, and live says what customized says", async () => {
    await deploy("first", "first-live");
    expect(await answerOf("first-live")).toBe(await answerOf("first"));
    expect(await answerOf("first")).not.toBe(await answerOf("toy"));
  }, 30_000);

  test("customized → complete → live → registered: the same answer at every stage", async () => {
    const saved = await world.act(
      `mutation { saveModel(input: { customizedId: "first", name: "first-whole" }) { __typename ... on SaveModelSuccess { run { id } } ${errors} } }`,
    );
    await world.succeeded(withRun.parse(saved).run.id);
    await deploy("first-whole", "whole-live");
    await world.act(
      `mutation { registerModel(input: { liveId: "whole-live", alias: "helper" }) { __typename ${errors} } }`,
    );
    const expected = await answerOf("first");
    for (const model of ["first-whole", "whole-live", "helper"]) expect(await answerOf(model)).toBe(expected);
    const { completeModels } = await world.graphql(
      "{ completeModels { nodes { name lineage { kind name } verification } } }",
    );
    expect(completeModels).toMatchObject({
      nodes: [
        {
          name: "first-whole",
          lineage: [
            { kind: "customized", name: "first" },
            { kind: "training", name: "first" },
            { kind: "dataset", name: "rows@1" },
            { kind: "base", name: "toy" },
          ],
        },
      ],
    });
  }, 30_000);

  test("base → complete in one training", async () => {
    await train("at-once", true);
    await trainer.deliver((await trainer.lease()).run);
    const merging = z.object({
      runs: z.object({ edges: z.array(z.object({ node: z.object({ id: z.string() }) })) }),
    });
    const { runs } = merging.parse(
      await world.graphql("{ runs(kind: MERGE, first: 1) { edges { node { id } } } }"),
    );
    await world.succeeded(runs.edges[0]?.node.id ?? "");
    expect(await answerOf("at-once")).toBe(await answerOf("first"));
  }, 30_000);

  test("a download is the model's folder as one zip, with the bytes that the list names", async () => {
    const list = z.object({ files: z.array(z.object({ path: z.string(), sha256: z.string() })) });
    for (const name of ["first", "first-whole"]) {
      const { files } = list.parse(await (await world.fetch(`/files/${name}/`)).json());
      const zip = unzipSync(new Uint8Array(await (await world.fetch(`/files/${name}`)).arrayBuffer()));
      for (const { path, sha256: hash } of files) expect(sha256(zip[`${name}/${path}`] ?? "")).toBe(hash);
    }
  });

  test("what the lifecycle makes is found by its id alone, by whom it is open to", async () => {
    await world.act(
      `mutation { sendMessage(input: { model: "first", text: "q1", maxTokens: 2 }) { __typename ${errors} } }`,
    );
    const lists =
      "runs trainings baseModels customizedModels completeModels liveModels registeredModels trainers apiKeys".split(
        " ",
      );
    const one = (list: string, more = "") => `${list}(first: 1) { nodes { __typename id ${more} } }`;
    const inside = `${one("conversations", one("messages"))} ${one("datasets", one("versions"))}`;
    const text = JSON.stringify(
      await world.graphql(`{ ${lists.map((list) => one(list)).join(" ")} ${inside} }`),
    );
    const found = [...text.matchAll(/"__typename":"(\w+)","id":"(\w+)"/g)].map(([, type = "", id = ""]) => ({
      __typename: type,
      id,
    }));
    const node = schema.getType("Node");
    const types = isInterfaceType(node) ? schema.getPossibleTypes(node).map(({ name }) => name) : [];
    // That every type of Node can be found is held by test/isolation.test.ts.
    expect(found.length).toBe(lists.length + 4);
    expect(types).toEqual(expect.arrayContaining(found.map(({ __typename }) => __typename)));

    const query = "query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }";
    const ids = [...found.map(({ id }) => id), "run_none", "cnv_none", "nonsense", ""];
    expect(await world.graphql(query, { ids })).toEqual({ nodes: [...found, null, null, null, null] });
    for (const { __typename, id } of found) {
      expect(await world.graphql("query ($id: ID!) { node(id: $id) { __typename id } }", { id })).toEqual({
        node: { __typename, id },
      });
      const answer = await world.fetch("/graphql", {
        method: "POST",
        key: world.key("read"),
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ query, variables: { ids: [id] } }),
      });
      const text = await answer.text();
      // A conversation is its maker's alone until it is shared: for another it is not there.
      if (__typename === "Conversation" || __typename === "Message")
        expect(text).toBe('{"data":{"nodes":[null]}}');
      else
        expect([__typename, text.includes("SCOPE_MISSING")]).toEqual([__typename, __typename === "ApiKey"]);
    }
  });

  test("deleting says what depends on it, and takes it along only when told to", async () => {
    const remove =
      'mutation ($confirm: Boolean) { delete(id: "first", confirm: $confirm) { __typename ... on UserError { code } } }';
    const { delete: refused } = await world.graphql(remove, {});
    expect(refused).toEqual({ __typename: "RefusedError", code: "HAS_DEPENDANTS" });
    await world.act(remove, { confirm: true });
    const { models } = await world.graphql("{ models { nodes { name } } }");
    const names = z
      .object({ nodes: z.array(z.object({ name: z.string() })) })
      .parse(models)
      .nodes.map(({ name }) => name);
    for (const gone of ["first", "first-live", "first-whole", "helper"]) expect(names).not.toContain(gone);
    expect(names).toContain("toy-live");
  });
});
