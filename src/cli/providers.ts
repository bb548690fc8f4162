// The `provider` verbs: add, test, list and remove servers of third-party models.
import { z } from "zod";
import { confirmed } from "./ask.ts";
import { ERRORS } from "./client.ts";
import type { VerbContext } from "./context.ts";
import { usage } from "./outcome.ts";
import { nodeShape, readAll } from "./pages.ts";
import { selection, thingOf } from "./things.ts";
import type { Json } from "./verbs.ts";

export type AddProviderFlags = {
  name: string;
  kind: string;
  url?: string;
  model?: string[];
  ability?: string[];
  inputPrice?: number;
  outputPrice?: number;
  requestsPerMinute?: number;
  allowPrivate?: boolean;
};

const added = z.object({ provider: nodeShape });

/** Keeps a provider; the key never stands on the command line, where others of the machine could see it. */
export async function addProvider(
  { client }: VerbContext,
  flags: AddProviderFlags,
  key: string | undefined,
): Promise<Json> {
  const { model = [], ability, inputPrice, outputPrice, ...input } = flags;
  const abilities = ability?.map((one) => one.toUpperCase());
  const prices =
    inputPrice === undefined && outputPrice === undefined
      ? {}
      : { prices: { input: inputPrice, output: outputPrice } };
  const models = model.map((name) => ({ model: name, ...(abilities ? { abilities } : {}), ...prices }));
  const { provider } = await client.mutate(
    `mutation Add($input: AddProviderInput!) { addProvider(input: $input) { __typename
      ... on ProviderSuccess { provider { ${selection("Provider")} } } ${ERRORS} } }`,
    { input: { ...input, models, ...(key === undefined ? {} : { key }) } },
    added,
  );
  return thingOf(provider);
}

const tested = z.object({
  provider: nodeShape,
  model: z.string().nullable(),
  answer: z.string(),
  latencyMs: z.number(),
});

/** Asks the provider for something small. @throws EspalierError with the provider's own words */
export async function testProvider(
  { client }: VerbContext,
  provider: string,
  model: string | undefined,
): Promise<Json> {
  const { provider: node, ...said } = await client.mutate(
    `mutation Test($provider: ID!, $model: String) { testProvider(provider: $provider, model: $model) { __typename
      ... on TestProviderSuccess { provider { __typename id name } model answer latencyMs } ${ERRORS} } }`,
    { provider, model: model ?? null },
    tested,
  );
  return { ...thingOf(node), ...said };
}

export async function listProviders({ client }: VerbContext, flags: { limit?: number }): Promise<Json> {
  return { items: (await readAll(client, "providers", selection("Provider"), flags)).map(thingOf) };
}

const removed = z.object({ id: z.string(), name: z.string() });

/** Deletes a provider into the trash, with its models when told so. */
export async function removeProvider(
  context: VerbContext,
  provider: string,
  flags: { yes?: boolean },
): Promise<Json> {
  await confirmed(context, `Remove the provider ${provider} with its key and models?`, flags);
  const gone = await context.client.mutate(
    `mutation Remove($provider: ID!, $confirm: Boolean) { removeProvider(provider: $provider, confirm: $confirm) {
      __typename ... on RemoveProviderSuccess { id name } ${ERRORS} } }`,
    { provider, confirm: flags.yes ?? false },
    removed,
  );
  return { id: gone.id, kind: "provider", name: gone.name, status: "removed" };
}

/** The first line of standard input. @throws USAGE when there is none */
export async function keyFromInput(): Promise<string> {
  const key = (await Bun.stdin.text()).split("\n", 1)[0]?.trim() ?? "";
  if (key !== "") return key;
  throw usage(
    "standard input holds no key",
    "Give it there: printenv KEY | espalier provider add … --key-stdin",
  );
}
