// Hostile requests: to training, serving, trainers, GraphQL and /v1, and the code under which each must be refused.
import { z } from "zod";
import { contractVersion } from "../schema/trainer.ts";
import { type AbuseWorld, type Case, nest, type Refusal, turn } from "./abuse-world.ts";

async function train(w: AbuseWorld, more: object, dataset = "chats"): Promise<Refusal | null> {
  const datasetVersionId = await w.versionOf(dataset);
  return w.outcome("startTraining", "StartTrainingInput", {
    ...{ name: "t", baseId: "toy", datasetVersionId, method: "sft", ...more },
  });
}
const query = async (w: AbuseWorld, text: string): Promise<Refusal> => {
  const [error] = (await w.graphql(text)).errors ?? [];
  return { code: "", ...error?.extensions, message: error?.message ?? "" };
};
export const chat = async (w: AbuseWorld, body: object | string): Promise<Refusal> => {
  const messages = [turn("user", "hi")];
  const text = typeof body === "string" ? body : JSON.stringify({ model: "toy", messages, ...body });
  const answer = await w.fetch("/v1/chat/completions", { method: "POST", body: text });
  const shape = z.object({ error: z.looseObject({ code: z.string(), message: z.string() }) });
  const { error } = shape.parse(await answer.json());
  // OpenAI's envelope has the mend in the message and the field in `param`.
  return { ...error, hint: error.message, value: String(error["param"]) };
};
const hello = (w: AbuseWorld, version: string): Promise<Refusal> =>
  w.refused("/trainer/v1/hello", { method: "POST", body: JSON.stringify({ contractVersion: version }) });
export const trainingCases: Case[] = [
  [
    "an unknown parameter",
    "PARAMETER_INVALID",
    /learning_speed/,
    (w) => train(w, { parameters: { learning_speed: 1 } }),
  ],
  [
    "a value out of its range",
    "PARAMETER_INVALID",
    /max_length.*\b1\b/,
    (w) => train(w, { parameters: { max_length: 1 } }),
  ],
  [
    "a value of another type",
    "PARAMETER_INVALID",
    /learning_rate.*fast/,
    (w) => train(w, { parameters: { learning_rate: "fast" } }),
  ],
  ["an unknown method", "UNKNOWN_METHOD", /magic/, (w) => train(w, { method: "magic" })],
  ["an empty split", "NO_TRAINING_ROWS", /train/, (w) => train(w, {}, "tested")],
  [
    "rows that are all too long",
    "ROWS_ALL_TOO_LONG",
    /max_length|8 tokens/,
    (w) => train(w, { parameters: { max_length: 8 } }),
  ],
  [
    "conversations for a base without a chat template",
    "CHAT_TEMPLATE_MISSING",
    /plain.*chats/,
    (w) => train(w, { baseId: "plain" }),
  ],
  ["a table without mapping", "MAPPING_NEEDED", /prompt/, (w) => train(w, {}, "table")],
  [
    "a mapping to a column not there",
    "MAPPED_COLUMN_MISSING",
    /answr/,
    (w) => train(w, { mapping: { prompt: "question", completion: "answr" } }, "table"),
  ],
  [
    "a dataset that is not there",
    "DATASET_NOT_FOUND",
    /dsv_x/,
    (w) => train(w, { datasetVersionId: "dsv_x" }),
  ],
  ["a base that is not there", "MODEL_NOT_FOUND", /nobody/, (w) => train(w, { baseId: "nobody" })],
  ["a name that is taken", "NAME_TAKEN", /pet/, (w) => train(w, { name: "pet" })],
  ["a trainer of another contract", "CONTRACT_VERSION_MISMATCH", /0\.0\.1/, (w) => hello(w, "0.0.1")],
  ["a trainer that says nonsense", "INPUT_INVALID", /\S/, (w) => hello(w, contractVersion)],
  ["an alias that an alias has", "ALIAS_TAKEN", /pet/, (w) => w.register("pet")],
  ["an alias that a model has", "ALIAS_TAKEN", /toy/, (w) => w.register("toy")],
  ["an alias out of a folder", "NAME_INVALID", /\.\.\/x/, (w) => w.register("../x")],
];

export const requestCases: Case[] = [
  [
    "an unknown precision",
    "INPUT_INVALID",
    /INT3/,
    (w) => w.outcome("deployModel", "DeployModelInput", { modelId: "toy", precision: "INT3" }),
  ],
  ["a query that is none", "QUERY_INVALID", /Syntax/, (w) => query(w, "{ baseModels {")],
  ["a field that is none", "QUERY_INVALID", /nothing/, (w) => query(w, "{ nothing }")],
  [
    "a query with brackets without end",
    "QUERY_TOO_DEEP",
    /20001 brackets/,
    (w) => query(w, `{${"[".repeat(20_000)}`),
  ],
  ["a query too deep", "QUERY_TOO_DEEP", /levels/, (w) => query(w, deepQuery(8))],
  ["a query too costly", "QUERY_TOO_COSTLY", /points/, (w) => query(w, costlyQuery(30))],
  ["a batch of eleven", "QUERY_BATCH_TOO_LARGE", /10/, batch],
  [
    "a query of 41 aliases",
    "QUERY_TOO_MANY_ALIASES",
    /40/,
    (w) => query(w, `{ ${Array.from({ length: 41 }, (_, i) => `a${i}: __typename`).join(" ")} }`),
  ],
  [
    "a query of 40000 characters",
    "QUERY_TOO_LONG",
    /32768/,
    (w) => query(w, `{ __typename ${" ".repeat(40_000)} }`),
  ],
  ["text for messages", "invalid_value", /messages/, (w) => chat(w, { messages: "hi" })],
  ["no messages", "invalid_value", /messages/, (w) => chat(w, { messages: [] })],
  [
    "a role of no one",
    "invalid_value",
    /messages\[0\]\.role/,
    (w) => chat(w, { messages: [turn("boss", "hi")] }),
  ],
  [
    "a number as content",
    "invalid_value",
    /messages\[0\]\.content/,
    (w) => chat(w, { messages: [{ role: "user", content: 7 }] }),
  ],
  ["a hot temperature", "invalid_value", /temperature/, (w) => chat(w, { temperature: "hot" })],
  ["minus one token", "invalid_value", /max_tokens/, (w) => chat(w, { max_tokens: -1 })],
  ["a number as model", "invalid_value", /model/, (w) => chat(w, { model: 7 })],
  ["stop as a number", "invalid_value", /stop/, (w) => chat(w, { stop: 7 })],
  ["stream as text", "invalid_value", /stream/, (w) => chat(w, { stream: "yes" })],
  ["a model that is not there", "model_not_found", /nobody/, (w) => chat(w, { model: "nobody" })],
  ["no JSON", "bad_json", /JSON/, (w) => chat(w, "{")],
  ["a body nested deep", "invalid_value", /body/, (w) => chat(w, nest(1_000_000))],
  [
    "a message longer than the context",
    "context_length_exceeded",
    /256/,
    (w) => chat(w, { messages: [turn("user", "x".repeat(9_999))] }),
  ],
];
const deepQuery = (levels: number): string =>
  `{ trainings { edges { node { ${"customized { training { ".repeat(levels)} id ${"} } ".repeat(levels)} } } } }`;
const COLUMNS =
  "datasets { edges { node { versions { edges { node { columns { name type emptyShare } } } } } } }";
const costlyQuery = (times: number): string =>
  `{ ${Array.from({ length: times }, (_, i) => `a${i}: ${COLUMNS}`).join(" ")} }`;
async function batch(w: AbuseWorld): Promise<Refusal> {
  const headers = { "content-type": "application/json" };
  const body = JSON.stringify(Array.from({ length: 11 }, () => ({ query: "{ __typename }" })));
  const answer = await (await w.fetch("/graphql", { method: "POST", headers, body })).json();
  const shape = z.object({
    errors: z.array(z.object({ message: z.string(), extensions: z.looseObject({ code: z.string() }) })),
  });
  const [error] = shape.parse(answer).errors;
  return { code: "", ...error?.extensions, message: error?.message ?? "" };
}
