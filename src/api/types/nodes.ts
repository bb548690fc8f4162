// Anything by its id, and the deletion and renaming of anything that can be deleted or renamed.
import { EspalierError } from "../../kit/errors.ts";
import { limits } from "../../kit/limits.ts";
import { builder, needs } from "../builder.ts";
import type { Context } from "../context.ts";
import { notFound } from "../http.ts";
import { NodeInterface, resultUnion, typenameOfId } from "./common.ts";
import { pageCost } from "./connections.ts";
import { DeleteResult } from "./live.ts";
import { mustBeAdmin } from "./providers.ts";

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
  Conversation: ({ chat, principal }, id) => chat.findConversation(principal, id),
  Message: ({ chat, principal }, id) => chat.findMessage(principal, id),
  Prompt: ({ chat }, id) => chat.findPrompt(id),
  Feedback: ({ chat, principal }, id) => chat.findFeedback(principal, id),
  Image: ({ images }, id) => images.find(id),
  ImageRequest: ({ images }, id) => images.findRequest(id),
  Assessment: ({ assessments }, id) => assessments.find(id),
  Suite: ({ assessments }, id) => assessments.suites.find(id),
  KnowledgeBase: ({ knowledge, principal }, id) => knowledge.find(principal.projectId, id),
  Document: async ({ knowledge, principal }, id) => {
    const document = await knowledge.findDocument(id);
    return (
      document && ofProject(document, await knowledge.find(principal.projectId, document.knowledgeBaseId))
    );
  },
  Trainer: async ({ trainers, principal }, id) => {
    const trainer = await trainers.find(id);
    return trainer && { ...trainer, projectId: trainer.projectId ?? principal.projectId };
  },
  ApiKey: ({ accounts }, id) => accounts.findKey(id),
  Project: ({ accounts, principal }, id) => accounts.findProject(principal, id),
  Person: ({ accounts }, id) => accounts.findPerson(id),
  Invitation: async ({ accounts }, id) => {
    const link = await accounts.findLink(id);
    return link?.kind === "invitation" ? link : null;
  },
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
      "Deletes a dataset, model, training, live, registered or third-party model, provider, knowledge base, document, conversation, image, request for images, assessment, or suite. Refuses with HAS_DEPENDANTS when something depends on it, unless `confirm`.",
    extensions: needs("write"),
    args: {
      id: t.arg.id({ required: true, description: "Id, or the name of a model, dataset or knowledge base." }),
      confirm: t.arg.boolean({ description: "Also delete what depends on it." }),
    },
    resolve: (_, { id, confirm }, context) => DeleteResult.run(() => remove(context, id, confirm ?? false)),
  }),
);

/** Id of what has an id, or is the project's model, or else dataset, or else knowledge base of a name. @throws EspalierError NOT_FOUND */
async function ownId(context: Context, idOrName: string): Promise<string> {
  const { models, datasets, knowledge, principal } = context;
  // A name may begin as ids do: `base_train_20260131_1`.
  const found =
    (await findNode(context, idOrName)) ??
    (await models.find(principal.projectId, idOrName)) ??
    (await datasets.find(principal.projectId, idOrName)) ??
    (await knowledge.find(principal.projectId, idOrName)) ??
    (await context.assessments.findNamed(principal.projectId, idOrName)) ??
    (await context.assessments.suites.findNamed(principal.projectId, idOrName));
  if (found) return found.id;
  throw notFound("thing", idOrName);
}

type Changed = { id: string; name: string };
const removeModel = ({ models }: Context, id: string, confirm: boolean) => models.remove(id, confirm);
/** How what can be deleted is deleted, by its type. */
const removers: Record<string, (context: Context, id: string, confirm: boolean) => Promise<Changed>> = {
  Dataset: ({ datasets }, id, confirm) => datasets.remove(id, confirm),
  BaseModel: removeModel,
  CustomizedModel: removeModel,
  CompleteModel: removeModel,
  Training: removeModel,
  LiveModel: async (context, id, confirm) => {
    const live = await context.serving.getLive(id);
    const gone = await removeModel(context, id, confirm);
    await context.serving.release(live);
    return gone;
  },
  RegisteredModel: removeModel,
  KnowledgeBase: ({ knowledge, principal }, id, confirm) =>
    knowledge.remove(principal.projectId, id, confirm),
  Document: ({ knowledge, principal }, id) => knowledge.deleteDocument(principal.projectId, id),
  Provider: (context, id, confirm) => {
    mustBeAdmin(context);
    return context.providers.remove(context.principal.projectId, id, confirm);
  },
  ThirdPartyModel: (context, id, confirm) => {
    mustBeAdmin(context);
    return context.providers.removeModel(context.principal.projectId, id, confirm);
  },
  Conversation: ({ chat, principal }, id) => chat.deleteConversation(principal, id),
  Image: ({ images, principal }, id) => images.remove(principal.projectId, id),
  ImageRequest: ({ images, principal }, id) => images.removeRequest(principal.projectId, id),
  Assessment: ({ assessments, principal }, id) => assessments.remove(principal.projectId, id),
  Suite: ({ assessments, principal }, id) => assessments.suites.remove(principal.projectId, id),
};

async function remove(context: Context, idOrName: string, confirm: boolean): Promise<Changed> {
  const id = await ownId(context, idOrName);
  const remover = removers[typenameOfId(id) ?? ""];
  if (remover) return remover(context, id, confirm);
  throw new EspalierError("NOT_DELETABLE", `${id.slice(0, 100)} cannot be deleted`, {
    hint: "Runs, keys, people, projects and trainers stay as a record; each has its own way to end.",
    field: "id",
    value: id.slice(0, 100),
    status: 409,
  });
}

const renameModel = ({ models, principal }: Context, id: string, name: string) =>
  models.rename({ projectId: principal.projectId, id, name });
/** How what can be renamed is renamed, by its type. */
const renamers: Record<string, (context: Context, id: string, name: string) => Promise<Changed>> = {
  Dataset: ({ datasets }, id, name) => datasets.rename(id, name),
  BaseModel: renameModel,
  CustomizedModel: renameModel,
  CompleteModel: renameModel,
  LiveModel: renameModel,
  Training: renameModel,
  Suite: ({ assessments, principal }, id, name) => assessments.suites.rename(principal.projectId, id, name),
};

const RenameResult = resultUnion<Changed>("Rename", "What was renamed.", (t) => ({
  id: t.exposeID("id", { description: "Its id, which stays." }),
  name: t.exposeString("name", { description: "Its name now." }),
}));

builder.mutationField("rename", (t) =>
  t.field({
    type: RenameResult.union,
    description:
      "Gives a dataset, a base, customized, complete or live model, a suite, or a training another name, by which it is found from then on; a training that runs passes it on to what it makes. Aliases stay: programs rely on them.",
    extensions: needs("write"),
    args: {
      id: t.arg.id({ required: true, description: "Id, or the name of a model or dataset." }),
      name: t.arg.string({ required: true, description: "The new name." }),
    },
    resolve: (_, { id, name }, context) => RenameResult.run(() => rename(context, id, name)),
  }),
);

async function rename(context: Context, idOrName: string, name: string): Promise<Changed> {
  const id = await ownId(context, idOrName);
  const renamer = renamers[typenameOfId(id) ?? ""];
  if (renamer) return renamer(context, id, name);
  throw new EspalierError("NOT_RENAMABLE", `${idOrName.slice(0, 100)} cannot be renamed`, {
    hint: "Register another alias and unregister this one; runs keep the name that they began with.",
    field: "id",
    value: idOrName.slice(0, 100),
    status: 409,
  });
}
