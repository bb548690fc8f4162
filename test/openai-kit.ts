// A server with a tiny random model, live and registered, and the official `openai` client for it.
import { join } from "node:path";
import OpenAI, { APIError } from "openai";
import { z } from "zod";
import { writeToyModel } from "../src/inference/toy.test-kit.ts";
import { startWorld, type World } from "./world.ts";

/** The embedder inside the executable. */
export const EMBEDDER = "all-MiniLM-L6-v2";
const started = z.looseObject({ run: z.object({ id: z.string() }) });

/** The model is "toy", live as "toy-live", registered as "helper". `ai` may chat, `reader` only read. */
export async function startOpenAi(): Promise<{ world: World; ai: OpenAI; reader: OpenAI }> {
  const world = await startWorld([["chat"], ["read"]]);
  const client = (apiKey: string) => new OpenAI({ baseURL: `${world.server.url}/v1`, apiKey, maxRetries: 0 });
  await writeToyModel(join(world.folder, "toy"));
  const imported = await world.act(
    `mutation ($path: String!) { importModel(input: { name: "toy", path: $path }) { __typename ... on ImportModelSuccess { run { id } } ... on UserError { code text: message } } }`,
    { path: join(world.folder, "toy") },
  );
  await world.succeeded(started.parse(imported).run.id);
  const deployed = await world.act(
    `mutation { deployModel(input: { modelId: "toy", name: "toy-live", precision: FP32 }) { __typename ... on DeployModelSuccess { run { id } } ... on UserError { code text: message } } }`,
  );
  await world.succeeded(started.parse(deployed).run.id);
  await world.act(
    `mutation { registerModel(input: { liveId: "toy-live", alias: "helper" }) { __typename ... on UserError { code } } }`,
  );
  return { world, ai: client(world.key("chat")), reader: client(world.key("read")) };
}

/** The error that a call is refused with; fails the test when it is not refused. */
export async function refusal(call: Promise<unknown>): Promise<APIError> {
  try {
    await call;
  } catch (error) {
    if (error instanceof APIError) return error;
    throw error;
  }
  throw new Error("the call was not refused");
}
