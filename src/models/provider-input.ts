// What people say of a provider and its models, checked: kind, address, key, limits, abilities, prices.
import { z } from "zod";
import type { ModelPrices } from "../../schema/tables/providers.ts";
import {
  ABILITIES,
  type Ability,
  guessAbilities,
  isProviderKind,
  kindInfo,
  type ProviderKind,
  providerKinds,
} from "../inference/remote/remote.ts";
import { EspalierError } from "../kit/errors.ts";
import { limits } from "../kit/limits.ts";

export type ThirdPartyModelInput = {
  model: string;
  /** Guessed by its name when unsaid. */
  abilities?: readonly string[] | null | undefined;
  prices?: ModelPrices | null | undefined;
};

type Said = {
  kind: string;
  url?: string | null | undefined;
  key?: string | null | undefined;
  timeoutMs?: number | null | undefined;
  requestsPerMinute?: number | null | undefined;
};
type Settings = {
  kind: ProviderKind;
  url: string;
  /** Null: none was said. */
  key: string | null;
  timeoutMs: number | undefined;
  requestsPerMinute: number | undefined;
};

const numbers = z.object({
  timeoutMs: z.int().min(1_000).max(limits.outboundTotalMs).nullish(),
  requestsPerMinute: z.int().min(1).max(1_000_000).nullish(),
});
const price = z.number().min(0).max(1_000_000).optional();
const models = z
  .array(
    z.object({
      model: z
        .string()
        .trim()
        .min(1)
        .max(200)
        .regex(/^[^\s\p{C}]+$/u, "holds spaces or control characters"),
      abilities: z.array(z.enum(ABILITIES)).min(1).nullish(),
      prices: z.object({ input: price, cachedInput: price, output: price, image: price }).nullish(),
    }),
  )
  .max(limits.providerModels);

/**
 * The settings of a provider; `before` is what is kept of it.
 * @throws EspalierError PROVIDER_KIND_UNKNOWN, URL_INVALID, KEY_INVALID, KEY_MISSING, PARAMETER_INVALID
 */
export function checkSettings(said: Said, before?: { url: string; sealedKey: string | null }): Settings {
  const { kind } = said;
  if (!isProviderKind(kind))
    throw new EspalierError("PROVIDER_KIND_UNKNOWN", `There is no kind of provider "${kind.slice(0, 80)}".`, {
      field: "kind",
      value: kind.slice(0, 80),
      hint: `Choose one of ${providerKinds.join(", ")}.`,
    });
  const info = kindInfo(kind);
  const text = said.url?.trim() || info.url;
  const url = URL.parse(text);
  if (!url || !/^https?:$/.test(url.protocol))
    throw new EspalierError(
      "URL_INVALID",
      text === "" ? `${info.title} needs an address.` : `"${text.slice(0, 200)}" is no web address.`,
      {
        field: "url",
        value: text.slice(0, 200),
        hint: `Give one such as ${info.urlExample ?? info.url}.`,
      },
    );
  const key = said.key?.trim() || null;
  if (key !== null && (key.length > limits.providerKeyChars || /[\s\p{C}]/u.test(key)))
    throw new EspalierError("KEY_INVALID", "The key holds spaces or is too long.", {
      field: "key",
      hint: "Copy it again from the provider's page.",
    });
  const isMoved = before !== undefined && URL.parse(before.url)?.origin !== url.origin;
  // A stored key must not follow whoever changes the address.
  const keyIsKept = before !== undefined && before.sealedKey !== null && !isMoved;
  const isNeeded = info.needsKey || (isMoved && before.sealedKey !== null);
  if (key === null && !keyIsKept && isNeeded)
    throw new EspalierError("KEY_MISSING", `${info.title} at ${url.host} needs a key.`, {
      field: "key",
      hint: isMoved
        ? "A stored key stays with the host that it was entered for: enter it again."
        : "Enter the key that the provider gave you.",
    });
  const { timeoutMs, requestsPerMinute } = parsed(numbers, {
    timeoutMs: said.timeoutMs,
    requestsPerMinute: said.requestsPerMinute,
  });
  return {
    kind,
    url: text.replace(/\/+$/, ""),
    key,
    timeoutMs: timeoutMs ?? undefined,
    requestsPerMinute: requestsPerMinute ?? undefined,
  };
}

/** Models as they are kept. @throws EspalierError PARAMETER_INVALID, PROVIDER_CANNOT */
export function checkModels(kind: ProviderKind, said: readonly ThirdPartyModelInput[]) {
  const list = parsed(models, said, "models");
  const seen = new Set<string>();
  return list.map(({ model, abilities, prices }) => {
    if (seen.has(model))
      throw new EspalierError("PARAMETER_INVALID", `models: ${model} is there twice`, {
        field: "models",
        value: model,
        hint: "Name each model once.",
      });
    seen.add(model);
    const able: Ability[] = [...new Set(abilities ?? guessAbilities(kind, model))];
    const info = kindInfo(kind);
    const beyond = able.find((one) => !info.abilities.includes(one));
    if (beyond)
      throw new EspalierError("PROVIDER_CANNOT", `${info.title} has no ${beyond} models.`, {
        field: "models",
        value: model,
        hint: `It has ${info.abilities.join(", ")}.`,
      });
    return { model, abilities: able, prices: { ...prices } };
  });
}

function parsed<T>(schema: z.ZodType<T>, value: unknown, whole?: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const path = [...(whole ? [whole] : []), ...(issue?.path ?? [])].map(String).join(".");
  throw new EspalierError("PARAMETER_INVALID", `${path}: ${issue?.message ?? "invalid"}`, {
    field: path,
    hint: "Give a value inside the range.",
  });
}
