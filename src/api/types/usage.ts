// What calls of models took: by day, caller, model and door.
import type { UsageDayRow } from "../../usage/usage.ts";
import { builder, needs } from "../builder.ts";
import { connectionOf, pageArgs, pageCost } from "./connections.ts";

const UsageDay = builder.objectRef<UsageDayRow>("UsageDay").implement({
  description: "Calls of one model by one person or key through one door on one day (UTC).",
  extensions: needs("admin"),
  fields: (t) => ({
    day: t.exposeString("day", { description: "The day, as YYYY-MM-DD." }),
    userId: t.exposeID("userId", { nullable: true, description: "The person who called; null for a key." }),
    keyId: t.exposeID("keyId", {
      nullable: true,
      description: "The API key that called; null for a person.",
    }),
    caller: t.exposeString("caller", {
      nullable: true,
      description: "Name of the key or person; null for the server's own work.",
    }),
    model: t.exposeString("modelName", { description: "The model, as the caller named it." }),
    source: t.exposeString("source", {
      description: "The door: chat, v1, knowledge, assessment, image or test (of a provider).",
    }),
    requests: t.exposeInt("requests", { description: "How many calls." }),
    inputTokens: t.exposeFloat("inputTokens", { description: "Tokens read, over all calls." }),
    outputTokens: t.exposeFloat("outputTokens", { description: "Tokens made, over all calls." }),
    costUsd: t.exposeFloat("costUsd", {
      nullable: true,
      description: "US dollars by the price tables of third-party models; null where nothing had a price.",
    }),
    latencyMs: t.exposeFloat("latencyMs", { description: "Mean milliseconds from call to end." }),
  }),
});

builder.queryField("usage", (t) =>
  t.field({
    type: connectionOf("UsageDay", UsageDay, "admin"),
    description: "What calls of models took, the latest day first.",
    extensions: needs("admin"),
    args: {
      ...pageArgs,
      keyId: t.arg.id({ description: "Only calls with this API key." }),
      model: t.arg.string({ description: "Only calls of the model under this name." }),
      from: t.arg.string({ description: "The first day, YYYY-MM-DD." }),
      to: t.arg.string({ description: "The last day, YYYY-MM-DD." }),
    },
    complexity: pageCost,
    resolve: (_, { keyId, model, from, to, ...page }, { usage, principal }) =>
      usage.pageOfDays(principal.projectId, { keyId, modelName: model, from, to }, page),
  }),
);
