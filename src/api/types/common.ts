// Types that every part of the schema uses: Node, errors and result unions, page info, lineage.
import type { ObjectFieldsShape } from "@pothos/core";
import { isEspalierError } from "../../kit/errors.ts";
import { ID_PREFIX } from "../../kit/ids.ts";
import { limits } from "../../kit/limits.ts";
import { builder, needs } from "../builder.ts";

/** An expected failure as GraphQL shows it; kept in rows of failed runs in the same shape. */
export type ErrorShape = {
  code: string;
  message: string;
  hint?: string | null | undefined;
  field?: string | null | undefined;
  value?: string | null | undefined;
};
const errorNames = ["InputError", "NotFoundError", "RefusedError"] as const;
type ErrorName = (typeof errorNames)[number];
export type TypedError = ErrorShape & { __typename: ErrorName };

const typenames: Record<string, string> = {
  [ID_PREFIX.run]: "Run",
  [ID_PREFIX.dataset]: "Dataset",
  [ID_PREFIX.datasetVersion]: "DatasetVersion",
  [ID_PREFIX.baseModel]: "BaseModel",
  [ID_PREFIX.training]: "Training",
  [ID_PREFIX.customizedModel]: "CustomizedModel",
  [ID_PREFIX.completeModel]: "CompleteModel",
  [ID_PREFIX.deployment]: "LiveModel",
  [ID_PREFIX.alias]: "RegisteredModel",
  [ID_PREFIX.provider]: "Provider",
  [ID_PREFIX.thirdPartyModel]: "ThirdPartyModel",
  [ID_PREFIX.conversation]: "Conversation",
  [ID_PREFIX.message]: "Message",
  [ID_PREFIX.feedback]: "Feedback",
  [ID_PREFIX.prompt]: "Prompt",
  [ID_PREFIX.trainer]: "Trainer",
  [ID_PREFIX.apiKey]: "ApiKey",
  [ID_PREFIX.knowledgeBase]: "KnowledgeBase",
  [ID_PREFIX.document]: "Document",
  [ID_PREFIX.project]: "Project",
  [ID_PREFIX.membership]: "Person",
  [ID_PREFIX.oneTimeLink]: "Invitation",
  [ID_PREFIX.image]: "Image",
  [ID_PREFIX.imageRequest]: "ImageRequest",
  [ID_PREFIX.assessment]: "Assessment",
  [ID_PREFIX.suite]: "Suite",
};

/** The GraphQL type behind an id, by its prefix; undefined for ids that are no node's. */
export function typenameOfId(id: string): string | undefined {
  return typenames[id.split("_", 1)[0] ?? ""];
}

export const NodeInterface = builder.interfaceRef<{ id: string }>("Node").implement({
  description: "Anything with an id that never changes.",
  resolveType: (node) => typenameOfId(node.id) ?? null,
  fields: (t) => ({
    id: t.exposeID("id", { description: "Prefixed, sorts by time, unique over the whole server." }),
  }),
});

export const UserError = builder.interfaceRef<ErrorShape>("UserError").implement({
  description: "What went wrong, and the mend.",
  fields: (t) => ({
    code: t.exposeString("code", { description: "Stable, for programs." }),
    message: t.exposeString("message", { description: "What happened, with names and values." }),
    hint: t.string({ nullable: true, description: "What to do next.", resolve: (e) => e.hint ?? null }),
    field: t.string({
      nullable: true,
      description: "The input field at fault.",
      resolve: (e) => e.field ?? null,
    }),
    value: t.string({ nullable: true, description: "The offending value.", resolve: (e) => e.value ?? null }),
  }),
});

const errorDescriptions: Record<ErrorName, string> = {
  InputError: "Something in the input is wrong.",
  NotFoundError: "A thing that was named does not exist.",
  RefusedError: "The input is right but cannot be done now.",
};
const errorRefs = errorNames.map((name) =>
  builder.objectRef<TypedError>(name).implement({
    description: errorDescriptions[name],
    extensions: needs("read"),
    interfaces: [UserError],
  }),
);

export const UserErrorInfo = builder.objectRef<ErrorShape>("UserErrorInfo").implement({
  description: "Why a run, a reply or a deployment failed.",
  extensions: needs("read"),
  interfaces: [UserError],
});

export type Lineage = { id: string; kind: string; name: string; relation: string };
export const LineageNode = builder.objectRef<Lineage>("LineageNode").implement({
  description: "Something that a thing was made from, or that was made from it.",
  extensions: needs("read"),
  fields: (t) => ({
    id: t.exposeID("id", { description: "Its id." }),
    kind: t.exposeString("kind", {
      description:
        "What it is: base, dataset, training, customized, complete, live, registered, third-party, knowledge.",
    }),
    name: t.exposeString("name", { description: "Its name." }),
    relation: t.exposeString("relation", { description: "What it has to do with the thing asked about." }),
  }),
});

export const Model = builder
  .interfaceRef<{ id: string; name: string; createdAt: number }>("Model")
  .implement({
    description: "A model under its own name: base, customized, complete or live.",
    interfaces: [NodeInterface],
    fields: (t) => ({
      name: t.exposeString("name", { description: "Its name, unique among the project's models." }),
      createdAt: t.expose("createdAt", { type: "DateTime", description: "When it was made." }),
      lineage: t.field({
        type: [LineageNode],
        description: "What it was made from, nearest first: one thing of each stage before it at most.",
        resolve: ({ id }, _, { models }) => models.lineage(id),
      }),
      dependants: t.field({
        type: [LineageNode],
        description: `What was made from it or names it, and would go with it: the first ${limits.dependantsShown}.`,
        resolve: async ({ id }, _, { models }) =>
          (await models.dependants(id)).slice(0, limits.dependantsShown),
      }),
      dependantCount: t.int({
        description: "How many they are altogether.",
        resolve: async ({ id }, _, { models }) => (await models.dependants(id)).length,
      }),
    }),
  });

/** An EspalierError as a member of a result union; anything else is thrown on and answered as a fault. */
export function asTypedError(error: unknown): TypedError {
  if (!isEspalierError(error)) throw error;
  const { code, message, hint, field, value, status } = error;
  const isInput = status === 400 || status === 413 || status === 415 || status === 422;
  const __typename: ErrorName = status === 404 ? "NotFoundError" : isInput ? "InputError" : "RefusedError";
  return { __typename, code, message, hint, field, value };
}

type Fields<T extends object> = ObjectFieldsShape<SchemaTypesOf, T>;
type SchemaTypesOf = (typeof builder)["$inferSchemaTypes"];

/**
 * Declares `<name>Success` with its fields and the union `<name>Result` of it and the typed errors.
 * The returned `run` answers with the success, or with the typed error that the verb threw.
 */
export function resultUnion<T extends object>(name: string, description: string, fields: Fields<T>) {
  const typename = `${name}Success`;
  const success = builder
    .objectRef<T>(typename)
    .implement({ description, extensions: needs("read"), fields });
  const union = builder.unionType(`${name}Result`, {
    description: `${description} Or why not.`,
    types: [success, ...errorRefs],
    resolveType: (value) =>
      "__typename" in value && typeof value.__typename === "string" ? value.__typename : typename,
  });
  async function run(verb: () => Promise<T>): Promise<T | TypedError> {
    try {
      return await verb();
    } catch (error) {
      return asTypedError(error);
    }
  }
  return { success, union, run };
}
