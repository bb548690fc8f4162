// Providers of third-party models, their models with prices, and what an admin does with them.
import type { ModelPrices } from "../../../schema/tables/providers.ts";
import { askerOf, opens } from "../../accounts/accounts.ts";
import { ABILITIES, kindInfo, type ProviderKind, providerKinds } from "../../inference/remote/remote.ts";
import { limits } from "../../kit/limits.ts";
import type { ProviderRow, ProviderTest, ThirdPartyModelInput } from "../../models/models.ts";
import { builder, needs } from "../builder.ts";
import type { Context } from "../context.ts";
import { notFound, scopeMissing } from "../http.ts";
import { LineageNode, NodeInterface, resultUnion } from "./common.ts";
import { connectionOf, paged } from "./connections.ts";
import { ModelAbility } from "./enums.ts";
import { Provider, ThirdPartyModel } from "./refs.ts";

const Prices = builder.objectRef<ModelPrices>("ModelPrices").implement({
  description: "What a third-party model costs, in US dollars: per million tokens, and for one image.",
  extensions: needs("read"),
  fields: (t) => ({
    input: t.float({ nullable: true, description: "Tokens sent.", resolve: ({ input }) => input ?? null }),
    cachedInput: t.float({
      nullable: true,
      description: "Tokens sent that the provider had cached; as those sent when unsaid.",
      resolve: ({ cachedInput }) => cachedInput ?? null,
    }),
    output: t.float({
      nullable: true,
      description: "Tokens received.",
      resolve: ({ output }) => output ?? null,
    }),
    image: t.float({
      nullable: true,
      description: "One image; where it is unsaid, an image costs its tokens.",
      resolve: ({ image }) => image ?? null,
    }),
  }),
});

ThirdPartyModel.implement({
  description: "A model that somebody else serves, usable wherever a model is chosen.",
  extensions: needs("read"),
  interfaces: [NodeInterface],
  fields: (t) => ({
    name: t.exposeString("name", { description: "`provider/model`: its name here." }),
    model: t.exposeString("model", { description: "Its name with the provider." }),
    abilities: t.field({
      type: [ModelAbility],
      description: "What it can do.",
      resolve: ({ abilities }) => abilities,
    }),
    prices: t.field({ type: Prices, description: "What it costs.", resolve: ({ prices }) => prices }),
    provider: t.field({
      type: Provider,
      description: "Who serves it.",
      resolve: async ({ providerId }, _, { providers }) =>
        (await providers.findById(providerId)) ?? missing(providerId),
    }),
    createdAt: t.expose("createdAt", { type: "DateTime", description: "When it was added." }),
  }),
});

Provider.implement({
  description: "A server of somebody else, or of one's own, that serves models.",
  extensions: needs("read"),
  interfaces: [NodeInterface],
  fields: (t) => ({
    name: t.exposeString("name", { description: "First part of its models' names." }),
    kind: t.exposeString("kind", { description: "Which provider it is: a kind of `providerKinds`." }),
    url: t.exposeString("url", { description: "Its address." }),
    hasKey: t.boolean({
      description: "Whether a key is kept for it; the key itself is never shown.",
      resolve: ({ sealedKey }) => sealedKey !== null,
    }),
    timeoutMs: t.exposeInt("timeoutMs", { description: "Longest silence of an answer." }),
    requestsPerMinute: t.exposeInt("requestsPerMinute", {
      nullable: true,
      description: "Most requests a minute.",
    }),
    models: t.field({
      type: [ThirdPartyModel],
      description: `Its models that were chosen: a list of at most ${limits.providerModels}.`,
      resolve: ({ id }, _, { providers }) => providers.modelsOf(id),
    }),
    dependants: t.field({
      type: [LineageNode],
      description: `Its models and the knowledge bases that ask them: the first ${limits.dependantsShown}.`,
      resolve: async ({ id }, _, { providers }) =>
        (await providers.dependants(id)).slice(0, limits.dependantsShown),
    }),
    dependantCount: t.int({
      description: "How many they are altogether.",
      resolve: async ({ id }, _, { providers }) => (await providers.dependants(id)).length,
    }),
    createdAt: t.expose("createdAt", { type: "DateTime", description: "When it was added." }),
  }),
});

const ProviderKindType = builder.objectRef<ProviderKind>("ProviderKind").implement({
  description: "A kind of provider that Espalier can speak to.",
  extensions: needs("read"),
  fields: (t) => ({
    name: t.string({ description: "As mutations want it.", resolve: (kind) => kind }),
    title: t.string({ description: "As people call it.", resolve: (kind) => kindInfo(kind).title }),
    url: t.string({
      description: "Where it is; empty where each customer has another address.",
      resolve: (kind) => kindInfo(kind).url,
    }),
    urlExample: t.string({
      description: "What its address looks like.",
      resolve: (kind) => kindInfo(kind).urlExample ?? kindInfo(kind).url,
    }),
    needsKey: t.boolean({
      description: "Whether it needs a key.",
      resolve: (kind) => kindInfo(kind).needsKey,
    }),
    keyHint: t.string({
      nullable: true,
      description: "What a key looks like, where that is not plain.",
      resolve: (kind) => kindInfo(kind).keyHint ?? null,
    }),
    abilities: t.field({
      type: [ModelAbility],
      description: "What its models can do.",
      resolve: (kind) => [...kindInfo(kind).abilities],
    }),
  }),
});

builder.queryFields((t) => ({
  providers: t.field({
    type: connectionOf("Provider", Provider),
    description: "Providers of third-party models, newest first.",
    extensions: needs("read"),
    ...paged,
    resolve: (_, page, { providers, principal }) => providers.pageOf(principal.projectId, page),
  }),
  providerKinds: t.field({
    type: [ProviderKindType],
    description: "The kinds of providers there are.",
    extensions: needs("read"),
    resolve: () => [...providerKinds],
  }),
}));

const ModelPricesInput = builder.inputType("ModelPricesInput", {
  description: "US dollars per million tokens, and for one image.",
  fields: (t) => ({
    input: t.float({ description: "Tokens sent." }),
    cachedInput: t.float({ description: "Tokens sent that the provider had cached." }),
    output: t.float({ description: "Tokens received." }),
    image: t.float({ description: "One image." }),
  }),
});
const ThirdPartyModelInputType = builder.inputType("ThirdPartyModelInput", {
  description: "A model of a provider.",
  fields: (t) => ({
    model: t.string({ required: true, description: "Its name with the provider." }),
    abilities: t.field({
      type: [ModelAbility],
      description: `What it can do, of ${ABILITIES.join(", ")}; guessed by its name when unsaid.`,
    }),
    prices: t.field({ type: ModelPricesInput, description: "What it costs, for the record of costs." }),
  }),
});
const settings = {
  url: "Its address; the kind's own when unsaid.",
  key: "Its key. It is sealed and never shown again.",
  timeoutMs: "Longest silence of an answer, in milliseconds.",
  requestsPerMinute: "Most requests a minute; no limit when unsaid.",
  models: "All models to be used of it.",
  allowPrivate:
    "Confirms that this host and port may be called although the address is this machine's or its private network's.",
};
const AddProviderInput = builder.inputType("AddProviderInput", {
  description: "A provider of third-party models.",
  fields: (t) => ({
    name: t.string({ required: true, description: "First part of its models' names." }),
    kind: t.string({ required: true, description: `One of ${providerKinds.join(", ")}.` }),
    url: t.string({ description: settings.url }),
    key: t.string({ description: settings.key }),
    timeoutMs: t.int({ description: settings.timeoutMs }),
    requestsPerMinute: t.int({ description: settings.requestsPerMinute }),
    models: t.field({ type: [ThirdPartyModelInputType], description: settings.models }),
    allowPrivate: t.boolean({ description: settings.allowPrivate }),
  }),
});
const UpdateProviderInput = builder.inputType("UpdateProviderInput", {
  description: "What is to change of a provider; what is left out stays.",
  fields: (t) => ({
    provider: t.id({ required: true, description: "Id or name of the provider." }),
    url: t.string({ description: "Its address. On another host the key must be entered again." }),
    key: t.string({ description: settings.key }),
    timeoutMs: t.int({ description: settings.timeoutMs }),
    requestsPerMinute: t.int({ description: "Most requests a minute; null for no limit." }),
    models: t.field({
      type: [ThirdPartyModelInputType],
      description: `${settings.models} Those that are not among them go into the trash.`,
    }),
    confirm: t.boolean({ description: "Also take away models that knowledge bases ask." }),
    allowPrivate: t.boolean({ description: settings.allowPrivate }),
  }),
});

const ProviderResult = resultUnion<{ provider: ProviderRow }>(
  "Provider",
  "The provider as it now is.",
  (t) => ({
    provider: t.field({ type: Provider, description: "The provider.", resolve: ({ provider }) => provider }),
  }),
);
const TestProviderResult = resultUnion<ProviderTest & { provider: ProviderRow }>(
  "TestProvider",
  "What the provider answered.",
  (t) => ({
    provider: t.field({ type: Provider, description: "The provider.", resolve: ({ provider }) => provider }),
    model: t.exposeString("model", {
      nullable: true,
      description: "The model that was asked; null where the provider was asked for its models.",
    }),
    answer: t.exposeString("answer", { description: "What it said." }),
    latencyMs: t.exposeInt("latencyMs", { description: "How long that took." }),
  }),
);
const RemoteModelsResult = resultUnion<{ models: string[] }>(
  "RemoteModels",
  "The models that the provider says it has.",
  (t) => ({
    models: t.exposeStringList("models", { description: "Their names with the provider, sorted." }),
  }),
);
const RemoveProviderResult = resultUnion<{ id: string; name: string }>(
  "RemoveProvider",
  "What was removed.",
  (t) => ({
    id: t.exposeID("id", { description: "Its id." }),
    name: t.exposeString("name", { description: "Its name." }),
  }),
);

const by = ({ principal }: Context) => ({ projectId: principal.projectId, by: principal.name });
const modelsOf = (models: readonly ModelShape[] | null | undefined): ThirdPartyModelInput[] | undefined =>
  models?.map(({ prices, ...model }) => ({
    ...model,
    prices: prices && {
      input: prices.input ?? undefined,
      cachedInput: prices.cachedInput ?? undefined,
      output: prices.output ?? undefined,
      image: prices.image ?? undefined,
    },
  }));
type ModelShape = typeof ThirdPartyModelInputType.$inferInput;

builder.mutationFields((t) => ({
  addProvider: t.field({
    type: ProviderResult.union,
    description:
      "Keeps a provider with its key and models. Refuses with ADDRESS_PRIVATE an address of this machine or its private network, unless `allowPrivate`.",
    extensions: needs("admin"),
    args: { input: t.arg({ type: AddProviderInput, required: true, description: "The provider." }) },
    resolve: (_, { input }, context) =>
      ProviderResult.run(async () => ({
        provider: await context.providers.add({ ...input, models: modelsOf(input.models), ...by(context) }),
      })),
  }),
  updateProvider: t.field({
    type: ProviderResult.union,
    description:
      "Changes a provider; refuses private addresses as addProvider does, and with HAS_DEPENDANTS to take away a model that a knowledge base asks, unless `confirm`.",
    extensions: needs("admin"),
    args: { input: t.arg({ type: UpdateProviderInput, required: true, description: "What changes." }) },
    resolve: (_, { input }, context) =>
      ProviderResult.run(async () => ({
        provider: await context.providers.update({
          ...input,
          models: modelsOf(input.models),
          ...by(context),
        }),
      })),
  }),
  testProvider: t.field({
    type: TestProviderResult.union,
    description:
      "Asks one of a provider's models for something small, which counts as use; a failure carries the provider's own words.",
    extensions: needs("admin"),
    args: {
      provider: t.arg.id({ required: true, description: "Id or name of the provider." }),
      model: t.arg.string({ description: "Which model to ask; the first when unsaid." }),
    },
    resolve: (_, { provider, model }, { providers, usage, principal }) =>
      TestProviderResult.run(() =>
        providers.test(
          principal.projectId,
          provider,
          model,
          (call) => void usage.record({ ...askerOf(principal), source: "test", ...call }),
        ),
      ),
  }),
  listRemoteModels: t.field({
    type: RemoteModelsResult.union,
    description: "Asks a provider which models it has.",
    extensions: needs("admin"),
    args: { provider: t.arg.id({ required: true, description: "Id or name of the provider." }) },
    resolve: (_, { provider }, { providers, principal }) =>
      RemoteModelsResult.run(async () => ({
        models: await providers.remoteModels(await providers.get(principal.projectId, provider)),
      })),
  }),
  removeProvider: t.field({
    type: RemoveProviderResult.union,
    description:
      "Deletes a provider with its sealed key and models into the trash. Refuses with HAS_DEPENDANTS naming its models and the knowledge bases that ask them, unless `confirm`.",
    extensions: needs("admin"),
    args: {
      provider: t.arg.id({ required: true, description: "Id or name of the provider." }),
      confirm: t.arg.boolean({ description: "Also delete its models." }),
    },
    resolve: (_, { provider, confirm }, { providers, principal }) =>
      RemoveProviderResult.run(() => providers.remove(principal.projectId, provider, confirm ?? false)),
  }),
}));

/** Providers hold keys: whoever may write may still not take them away or bring them back. */
export function mustBeAdmin({ principal }: Context): void {
  if (opens(principal.scopes, "admin")) return;
  throw scopeMissing(principal, "admin");
}

function missing(id: string): never {
  throw notFound("provider", id);
}
