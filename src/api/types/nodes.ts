// Anything by its id, and deletion of anything that can be deleted.
import { opens } from "../../accounts/accounts.ts";
import { EspalierError } from "../../kit/errors.ts";
import { limits } from "../../kit/limits.ts";
import { builder, needs } from "../builder.ts";
import type { Context } from "../context.ts";
import { notFound } from "../http.ts";
import { NodeInterface, typenameOfId } from "./common.ts";
import { pageCost } from "./connections.ts";
import { DeleteResult } from "./live.ts";

type Node = { id: string; projectId?: string };
type Reader = (context: Context, id: string) => Promise<Node | null>;

const readers: Record<string, Reader> = {
  Run: ({ runs }, id) => runs.find(id),
  Dataset: ({ datasets, principal }, id) => datasets.find(principal.projectId, id),
  DatasetVersion: async ({ datasets }, id) => {
    const version = await datasets.findVersion(id);
    return version && ofProject(version, await datasets.findById(version.datasetId));
  },
  BaseModel: ({ models }, id) => models.findBase(id),
  Training: ({ training }, id) => training.find(id),
  CustomizedModel: ({ models }, id) => models.findCustomized(id),
  CompleteModel: ({ models }, id) => models.findComplete(id),
  LiveModel: ({ models }, id) => models.findDeployment(id),
  RegisteredModel: ({ models }, id) => models.findAlias(id),
  Provider: ({ providers }, id) => providers.findById(id),
  ThirdPartyModel: ({ providers }, id) => providers.findModel(id),
  Conversation: ({ chat }, id) => chat.findConversation(id),
  Message: async ({ chat }, id) => {
    const message = await chat.findMessage(id);
    return message && ofProject(message, await chat.findConversation(message.conversationId));
  },
  Feedback: ({ chat }, id) => chat.findFeedback(id),
  KnowledgeBase: ({ knowledge, principal }, id) => knowledge.find(principal.projectId, id),
  Document: async ({ knowledge, principal }, id) => {
    const document = await knowledge.findDocument(id);
    return (
      document && ofProject(document, await knowledge.find(principal.projectId, document.knowledgeBaseId))
    );
  },
  Trainer: ({ trainers }, id) => trainers.find(id),
  ApiKey: ({ accounts }, id) => accounts.findKey(id),
};

/** A thing with the project of the one that holds it; null when that is gone. */
function ofProject<T extends Node>(node: T, holder: { projectId: string } | null): (T & Node) | null {
  return holder && { ...node, projectId: holder.projectId };
}

async function findNode(context: Context, id: string): Promise<Node | null> {
  const typename = typenameOfId(id);
  const node = typename === undefined ? null : await readers[typename]?.(context, id);
  if (!node || (node.projectId !== undefined && node.projectId !== context.principal.projectId)) return null;
  return node;
}

builder.queryFields((t) => ({
  node: t.field({
    type: NodeInterface,
    nullable: true,
    description: "Anything by its id; null when there is nothing.",
    extensions: needs("read"),
    args: { id: t.arg.id({ required: true, description: "The id." }) },
    resolve: (_, { id }, context) => findNode(context, id),
  }),
  nodes: t.field({
    type: [NodeInterface],
    nullable: { list: false, items: true },
    description: "Several things by their ids, in the order of the ids; null where there is nothing.",
    extensions: needs("read"),
    args: {
      ids: t.arg.idList({ required: true, description: `The ids, at most ${limits.pageItems}.` }),
    },
    complexity: ({ ids }) => pageCost({ first: ids.length }),
    resolve: (_, { ids }, context) => {
      if (ids.length > limits.pageItems) throw tooManyIds(ids.length);
      return ids.map((id) => findNode(context, id));
    },
  }),
}));

function tooManyIds(count: number): EspalierError {
  return new EspalierError("PAGE_TOO_LARGE", `ids names ${count} things, ${limits.pageItems} are allowed`, {
    field: "ids",
    value: String(count),
    hint: `Ask for at most ${limits.pageItems} at once.`,
  });
}

builder.mutationField("delete", (t) =>
  t.field({
    type: DeleteResult.union,
    description:
      "Deletes a dataset, model, training, live or registered model, provider, knowledge base, document, or conversation. Refuses with HAS_DEPENDANTS when something depends on it, unless `confirm`.",
    extensions: needs("write"),
    args: {
      id: t.arg.id({ required: true, description: "Id, or the name of a model, dataset or knowledge base." }),
      confirm: t.arg.boolean({ description: "Also delete what depends on it." }),
    },
    resolve: (_, { id, confirm }, context) => DeleteResult.run(() => remove(context, id, confirm ?? false)),
  }),
);

async function remove(
  context: Context,
  idOrName: string,
  confirm: boolean,
): Promise<{ id: string; name: string }> {
  const { models, providers, datasets, serving, knowledge, chat, principal } = context;
  const { projectId } = principal;
  const named = typenameOfId(idOrName) === undefined ? await models.find(projectId, idOrName) : null;
  const id = named?.id ?? idOrName;
  switch (typenameOfId(id)) {
    case "Dataset":
      await ownNode(context, id);
      return datasets.remove(id, confirm);
    case "BaseModel":
    case "CustomizedModel":
    case "CompleteModel":
    case "Training":
      await ownNode(context, id);
      return models.remove(id, confirm);
    case "LiveModel": {
      await ownNode(context, id);
      if (confirm)
        for (const { alias } of await serving.aliasesOf(id)) await serving.unregister(projectId, alias);
      return serving.retire(id);
    }
    case "RegisteredModel":
      return serving.unregister(projectId, id);
    case "KnowledgeBase":
      return knowledge.remove(projectId, id, confirm);
    case "Document":
      return knowledge.deleteDocument(projectId, id);
    case "Provider":
      mustBeAdmin(context);
      return providers.remove(projectId, id, confirm);
    case "ThirdPartyModel":
      mustBeAdmin(context);
      return providers.removeModel(projectId, id);
    case "Conversation":
      return chat.deleteConversation(projectId, id);
    case undefined: {
      const dataset = await datasets.find(projectId, idOrName);
      if (dataset) return datasets.remove(dataset.id, confirm);
      const base = await knowledge.find(projectId, idOrName);
      if (base) return knowledge.remove(projectId, base.id, confirm);
      throw notFound("thing named", idOrName);
    }
    default:
      throw new EspalierError("NOT_DELETABLE", `${id.slice(0, 100)} cannot be deleted`, {
        hint: "Runs, keys and trainers stay as a record; keys can be revoked, runs cancelled.",
        field: "id",
        value: id.slice(0, 100),
        status: 409,
      });
  }
}

/** Providers hold keys: whoever may write may still not take them away. */
function mustBeAdmin({ principal }: Context): void {
  if (opens(principal.scopes, "admin")) return;
  throw new EspalierError("SCOPE_MISSING", 'this needs the scope "admin"', {
    hint: "Ask an admin to remove it.",
    value: "admin",
    status: 403,
  });
}

async function ownNode(context: Context, id: string): Promise<void> {
  if (!(await findNode(context, id))) throw notFound("thing", id);
}
