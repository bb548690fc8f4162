// Models in service: live ones with their health, registered ones with their aliases.
import { z } from "zod";
import { opens } from "../../accounts/accounts.ts";
import { EspalierError } from "../../kit/errors.ts";
import type { AliasRow, DeploymentRow } from "../../models/models.ts";
import type { RunRow } from "../../runs/runs.ts";
import type { Override, Serving } from "../../serving/serving.ts";

import { builder, needs } from "../builder.ts";
import type { Context } from "../context.ts";
import { scopeMissing } from "../http.ts";
import { Model, NodeInterface, resultUnion, UserErrorInfo } from "./common.ts";
import { connectionOf, paged } from "./connections.ts";
import { DeploymentStatus, Precision } from "./enums.ts";
import { LiveModel, ModelEntry, RegisteredModel } from "./refs.ts";
import { Run } from "./runs.ts";

/** An error as a row keeps it; null for what is none. */
export function storedError(value: unknown) {
  const parsed = storedErrorShape.safeParse(value);
  return parsed.success ? parsed.data : null;
}
const storedErrorShape = z.object({
  code: z.string(),
  message: z.string(),
  hint: z.string().nullish(),
  field: z.string().nullish(),
  value: z.string().nullish(),
});

/** One look at the engine for all fields of a row; rows are read anew for each query. */
const states = new WeakMap<DeploymentRow, ReturnType<Serving["state"]>>();
function stateOf(live: DeploymentRow, serving: Serving): ReturnType<Serving["state"]> {
  const known = states.get(live) ?? serving.state(live);
  states.set(live, known);
  return known;
}

LiveModel.implement({
  description: "A model that the embedded engine serves.",
  extensions: needs("read"),
  interfaces: [NodeInterface, Model],
  fields: (t) => ({
    source: t.field({
      type: ModelEntry,
      description: "The base, customized or complete model behind it.",
      resolve: async ({ projectId, modelId }, _, { models }) =>
        (await models.find(projectId, modelId)) ?? {
          id: modelId,
          kind: "base" as const,
          name: modelId,
          usable: false,
          reason: "It was deleted.",
          abilities: [],
        },
    }),
    precision: t.field({
      type: Precision,
      description: "How its weights are held.",
      resolve: (live) => live.precision,
    }),
    status: t.field({
      type: DeploymentStatus,
      description: "Where it stands.",
      resolve: (live) => live.status,
    }),
    health: t.string({
      description: "starting, ready (loaded), asleep (loads at the next request), stopped or failed.",
      resolve: async (live, _, { serving }) => (await stateOf(live, serving)).health,
    }),
    tokensPerSecond: t.float({
      nullable: true,
      description: "Speed of its latest reply.",
      resolve: async (live, _, { serving }) => (await stateOf(live, serving)).tokensPerSecond,
    }),
    memoryBytes: t.float({
      nullable: true,
      description: "Resident bytes of the engine that has it loaded.",
      resolve: async (live, _, { serving }) => (await stateOf(live, serving)).memoryBytes,
    }),
    requests: t.int({
      description: "Replies it has given.",
      resolve: async (live, _, { serving }) => (await stateOf(live, serving)).requests,
    }),
    error: t.field({
      type: UserErrorInfo,
      nullable: true,
      description: "Why it failed.",
      resolve: ({ error }) => storedError(error),
    }),
    aliases: t.stringList({
      description: "Aliases that name it: a list, for a model has few.",
      resolve: async ({ id }, _, { serving }) => (await serving.aliasesOf(id)).map(({ alias }) => alias),
    }),
  }),
});

RegisteredModel.implement({
  description: "A stable name for a live model, usable wherever a model is chosen.",
  extensions: needs("read"),
  interfaces: [NodeInterface],
  fields: (t) => ({
    alias: t.exposeString("alias", { description: "The name." }),
    live: t.field({
      type: LiveModel,
      description: "The live model behind it.",
      resolve: ({ deploymentId }, _, { serving }) => serving.getLive(deploymentId),
    }),
    createdAt: t.expose("createdAt", { type: "DateTime", description: "When it was registered." }),
  }),
});

const DeployResult = resultUnion<{ live: DeploymentRow; run: RunRow }>(
  "DeployModel",
  "The live model, and the run that starts it.",
  (t) => ({
    live: t.field({ type: LiveModel, description: "The live model.", resolve: ({ live }) => live }),
    run: t.field({ type: Run, description: "Its start.", resolve: ({ run }) => run }),
  }),
);
const LiveResult = resultUnion<{ live: DeploymentRow }>("Live", "The live model as it now is.", (t) => ({
  live: t.field({ type: LiveModel, description: "The live model.", resolve: ({ live }) => live }),
}));
const RegisterResult = resultUnion<{ registered: AliasRow }>(
  "RegisterModel",
  "The registered model.",
  (t) => ({
    registered: t.field({
      type: RegisteredModel,
      description: "The registered model.",
      resolve: ({ registered }) => registered,
    }),
  }),
);
export const DeleteResult = resultUnion<{ id: string; name: string }>("Delete", "What is gone.", (t) => ({
  id: t.exposeID("id", { description: "Id of what is gone." }),
  name: t.exposeString("name", { description: "Its name." }),
}));

const overrideWords = "Why it goes live though a gate holds it; takes the scope gates, and is kept.";
const DeployModelInput = builder.inputType("DeployModelInput", {
  description: "A model to serve.",
  fields: (t) => ({
    modelId: t.id({ required: true, description: "Id or name of a base, customized or complete model." }),
    name: t.string({ description: "Name of the live model; generated when unsaid, see `generatedName`." }),
    precision: t.field({ type: Precision, required: true, description: "How its weights are held." }),
    overrideReason: t.string({ description: overrideWords }),
  }),
});
const RegisterModelInput = builder.inputType("RegisterModelInput", {
  description: "A live model and the alias it gets.",
  fields: (t) => ({
    liveId: t.id({ required: true, description: "Id or name of the live model." }),
    alias: t.string({ required: true, description: "The alias, unique among the project's models." }),
    overrideReason: t.string({ description: overrideWords }),
  }),
});

builder.queryFields((t) => ({
  liveModels: t.field({
    type: connectionOf("LiveModel", LiveModel),
    description: "Live models, newest first.",
    extensions: needs("read"),
    ...paged,
    resolve: (_, page, { models, principal }) => models.pageOfDeployments(principal.projectId, page),
  }),
  registeredModels: t.field({
    type: connectionOf("RegisteredModel", RegisteredModel),
    description: "Registered models, newest first.",
    extensions: needs("read"),
    ...paged,
    resolve: (_, page, { models, principal }) => models.pageOfAliases(principal.projectId, page),
  }),
}));

/** Id of a live model by its id, name or alias. @throws EspalierError LIVE_NOT_FOUND. */
async function liveId({ models, principal }: Context, nameOrId: string): Promise<string> {
  const found = await models.find(principal.projectId, nameOrId);
  if (found?.deploymentId) return found.deploymentId;
  throw new EspalierError("LIVE_NOT_FOUND", `There is no live model "${nameOrId.slice(0, 120)}".`, {
    field: "id",
    value: nameOrId.slice(0, 120),
    hint: "List the live models to see their names and ids.",
    status: 404,
  });
}
/** The override of a caller who may give one; null where no reason is said. @throws EspalierError SCOPE_MISSING */
function overrideOf({ principal }: Context, reason: string | null | undefined): Override | null {
  if (typeof reason !== "string") return null;
  if (!opens(principal.scopes, "gates")) throw scopeMissing(principal, "gates");
  const { userId, keyId, name } = principal;
  return { reason, by: { userId, keyId, createdBy: name } };
}
const liveArg = "Id or name of the live model.";

builder.mutationFields((t) => ({
  deployModel: t.field({
    type: DeployResult.union,
    description: "Serves a model on the embedded engine, after a smoke prompt.",
    extensions: needs("serve"),
    args: { input: t.arg({ type: DeployModelInput, required: true, description: "What to deploy." }) },
    resolve: (_, { input }, context) =>
      DeployResult.run(() => {
        // The enum lets nothing else through; the table's words are wider than the engine's type.
        const precision = z.enum(["fp32", "int8", "native"]).parse(input.precision);
        const { modelId, name } = input;
        return context.serving.deployModel({
          projectId: context.principal.projectId,
          modelId,
          name: name ?? undefined,
          precision,
          override: overrideOf(context, input.overrideReason),
        });
      }),
  }),
  stopLive: t.field({
    type: LiveResult.union,
    description: "Takes a live model out of service and frees its memory.",
    extensions: needs("serve"),
    args: { id: t.arg.id({ required: true, description: liveArg }) },
    resolve: (_, { id }, context) =>
      LiveResult.run(async () => ({ live: await context.serving.stop(await liveId(context, id)) })),
  }),
  startLive: t.field({
    type: LiveResult.union,
    description: "Puts a stopped live model back into service.",
    extensions: needs("serve"),
    args: { id: t.arg.id({ required: true, description: liveArg }) },
    resolve: (_, { id }, context) =>
      LiveResult.run(async () => ({ live: await context.serving.start(await liveId(context, id)) })),
  }),
  retireLive: t.field({
    type: DeleteResult.union,
    description: "Ends a live model for good; its aliases have to be unregistered first.",
    extensions: needs("serve"),
    args: { id: t.arg.id({ required: true, description: liveArg }) },
    resolve: (_, { id }, context) =>
      DeleteResult.run(async () => context.serving.retire(await liveId(context, id))),
  }),
  registerModel: t.field({
    type: RegisterResult.union,
    description: "Gives a live model a stable name.",
    extensions: needs("serve"),
    args: { input: t.arg({ type: RegisterModelInput, required: true, description: "What to register." }) },
    resolve: (_, { input }, context) =>
      RegisterResult.run(async () => ({
        registered: await context.serving.registerModel({
          projectId: context.principal.projectId,
          liveId: await liveId(context, input.liveId),
          alias: input.alias,
          override: overrideOf(context, input.overrideReason),
        }),
      })),
  }),
  unregisterModel: t.field({
    type: DeleteResult.union,
    description: "Frees an alias; the live model stays.",
    extensions: needs("serve"),
    args: { alias: t.arg.string({ required: true, description: "The alias, or its id." }) },
    resolve: (_, { alias }, { serving, principal }) =>
      DeleteResult.run(() => serving.unregister(principal.projectId, alias)),
  }),
}));
