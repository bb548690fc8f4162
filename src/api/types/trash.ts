// What was deleted and can still come back.
import { and, eq, notLike } from "drizzle-orm";
import { trash } from "../../../schema/tables/trash.ts";
import { opens } from "../../accounts/accounts.ts";
import { inTrashOf } from "../../chat/chat.ts";
import { EspalierError } from "../../kit/errors.ts";
import { ID_PREFIX } from "../../kit/ids.ts";
import { limits } from "../../kit/limits.ts";
import { readPage } from "../../store/store.ts";
import { builder, needs } from "../builder.ts";
import type { Context } from "../context.ts";
import { resultUnion, typenameOfId } from "./common.ts";
import { connectionOf, paged } from "./connections.ts";
import { mustBeAdmin } from "./providers.ts";

type Changed = { id: string; name: string };
type Kind = { kind: string; restore: (context: Context, id: string) => Promise<Changed> };
const restoreModel = ({ models, principal }: Context, id: string) => models.restore(principal.projectId, id);
const restoreKnowledge = ({ knowledge, principal }: Context, id: string) =>
  knowledge.restore(principal.projectId, id);
const restoreImage = ({ images, principal }: Context, id: string) => images.restore(principal.projectId, id);
const restoreProvider = async (context: Context, id: string) => {
  mustBeAdmin(context);
  return context.providers.restore(context.principal.projectId, id);
};
/** What can come back, by its type. */
const kinds: Record<string, Kind> = {
  Dataset: {
    kind: "dataset",
    restore: ({ datasets, principal }, id) => datasets.restore(principal.projectId, id),
  },
  BaseModel: { kind: "base", restore: restoreModel },
  Training: { kind: "training", restore: restoreModel },
  CustomizedModel: { kind: "customized", restore: restoreModel },
  CompleteModel: { kind: "complete", restore: restoreModel },
  LiveModel: { kind: "live", restore: restoreModel },
  RegisteredModel: { kind: "registered", restore: restoreModel },
  KnowledgeBase: { kind: "knowledge", restore: restoreKnowledge },
  Document: { kind: "document", restore: restoreKnowledge },
  Conversation: {
    kind: "conversation",
    restore: ({ chat, principal }, id) => chat.restoreConversation(principal, id),
  },
  Provider: { kind: "provider", restore: restoreProvider },
  ThirdPartyModel: { kind: "third-party", restore: restoreProvider },
  Image: { kind: "image", restore: restoreImage },
  ImageRequest: { kind: "image-request", restore: restoreImage },
};
const kindOf = (id: string): Kind | undefined => kinds[typenameOfId(id) ?? ""];

/** Tables whose rows are parts of a thing, not things. */
const PARTS = new Set([
  "model_names",
  "confirmed_addresses",
  "dataset_versions",
  "messages",
  "feedback",
  "documents",
  "labelled_questions",
  "retrieval_evaluations",
  "knowledge_indexes",
]);

const TrashEntry = builder.objectRef<typeof trash.$inferSelect>("TrashEntry").implement({
  description: "Something that was deleted and can still come back, with what went along.",
  extensions: needs("read"),
  fields: (t) => ({
    id: t.exposeID("id", { description: "The id that it had, and will have again." }),
    kind: t.string({
      description:
        "What it is: base, dataset, training, customized, complete, live, registered, third-party, provider, knowledge, document, conversation, image, image-request.",
      resolve: ({ id }) => kindOf(id)?.kind ?? "thing",
    }),
    name: t.exposeString("name", { description: "The name that it had." }),
    alongside: t.stringList({
      description: "Names of what went and comes back with it. A list: deletion named all at once.",
      resolve: ({ id, rows }) =>
        rows
          .filter(({ table, row }) => !PARTS.has(table) && row["id"] !== id)
          .map(({ row }) => String(row["name"] ?? row["alias"] ?? row["title"])),
    }),
    deletedAt: t.expose("deletedAt", { type: "DateTime", description: "When it was deleted." }),
    purgedAt: t.field({
      type: "DateTime",
      description: "When it will be gone for good.",
      resolve: ({ deletedAt }) => deletedAt + limits.trashMs,
    }),
  }),
});

builder.queryField("trash", (t) =>
  t.field({
    type: connectionOf("TrashEntry", TrashEntry),
    description:
      "What was deleted and can still come back, the latest first; of conversations those of one's own.",
    extensions: needs("read"),
    ...paged,
    resolve: (_, page, { store, principal }) =>
      readPage(
        store.db,
        trash,
        {
          where: and(
            eq(trash.projectId, principal.projectId),
            inTrashOf(principal),
            opens(principal.scopes, "chat") ? undefined : notLike(trash.id, `${ID_PREFIX.conversation}%`),
          ),
          keys: ["deletedAt", "id"],
          order: "descending",
        },
        page,
      ),
  }),
);

const UndeleteResult = resultUnion<Changed>("Undelete", "What is back.", (t) => ({
  id: t.exposeID("id", { description: "Its id, as before." }),
  name: t.exposeString("name", {
    description: "Its name: as before, or with a number where another has that by now.",
  }),
}));

builder.mutationField("undelete", (t) =>
  t.field({
    type: UndeleteResult.union,
    description: "Brings back what was deleted, with what went along, as long as the trash has it.",
    extensions: needs("write"),
    args: { id: t.arg.id({ required: true, description: "The id that it had." }) },
    resolve: (_, { id }, context) =>
      UndeleteResult.run(async () => {
        const kind = kindOf(id);
        if (kind) return kind.restore(context, id);
        throw new EspalierError("NOT_IN_TRASH", `${id.slice(0, 80)} is not among what was deleted.`, {
          field: "id",
          value: id.slice(0, 80),
          hint: "Ask for `trash` to see what can come back.",
          status: 404,
        });
      }),
  }),
);
