// Third-party models: providers with their sealed keys, the models chosen of each, and private addresses that an admin confirmed.
import { index, integer, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";
import { at, id, json } from "./columns.ts";

/** US dollars per million tokens, and for one image. */
export type ModelPrices = {
  input?: number | undefined;
  cachedInput?: number | undefined;
  output?: number | undefined;
  image?: number | undefined;
};

export const providers = sqliteTable(
  "providers",
  {
    id: id(),
    projectId: text("project_id").notNull(),
    /** First part of its models' names: `name/model`. */
    name: text("name").notNull(),
    /** openai | anthropic | … as src/inference/remote/kinds.ts lists them */
    kind: text("kind").notNull(),
    url: text("url").notNull(),
    /** Sealed by src/store/secrets.ts; null for a provider that needs none. */
    sealedKey: text("sealed_key"),
    /** Longest silence of an answer before it is given up. */
    timeoutMs: integer("timeout_ms").notNull(),
    /** Most requests a minute; null for no limit of ours. */
    requestsPerMinute: integer("requests_per_minute"),
    createdAt: at("created_at").notNull(),
  },
  (t) => [uniqueIndex("providers_name").on(t.projectId, t.name)],
);

export const thirdPartyModels = sqliteTable(
  "third_party_models",
  {
    id: id(),
    projectId: text("project_id").notNull(),
    providerId: text("provider_id")
      .notNull()
      .references(() => providers.id),
    /** `provider/model`. */
    name: text("name").notNull(),
    /** As the provider calls it. */
    model: text("model").notNull(),
    /** text | vision | embedding | rerank | image */
    abilities: json<string[]>("abilities").notNull(),
    prices: json<ModelPrices>("prices").notNull(),
    /** Length of an embedder's vectors, once one was seen. */
    dimensions: integer("dimensions"),
    createdAt: at("created_at").notNull(),
  },
  (t) => [index("third_party_models_provider").on(t.providerId)],
);

/** Hosts of a private network that an admin confirmed, each for one port. */
export const confirmedAddresses = sqliteTable(
  "confirmed_addresses",
  {
    projectId: text("project_id").notNull(),
    host: text("host").notNull(),
    port: integer("port").notNull(),
    /** Who confirmed it, by name. */
    confirmedBy: text("confirmed_by").notNull(),
    confirmedAt: at("confirmed_at").notNull(),
  },
  (t) => [uniqueIndex("confirmed_addresses_host").on(t.projectId, t.host, t.port)],
);
