// What was deleted: it can still come back, or go for good before its time.
import { and, eq, notLike, type SQL } from "drizzle-orm";
import { trash } from "../../../schema/tables/trash.ts";
import { opens, type Scope } from "../../accounts/accounts.ts";
import { inTrashOf } from "../../chat/chat.ts";
import { EspalierError } from "../../kit/errors.ts";
import { ID_PREFIX } from "../../kit/ids.ts";
import { limits } from "../../kit/limits.ts";
import { readPage, takeFromTrash } from "../../store/store.ts";
import { builder, needs } from "../builder.ts";
import type { Context } from "../context.ts";
import { scopeMissing } from "../http.ts";
import { resultUnion, typenameOfId } from "./common.ts";
import { connectionOf, paged } from "./connections.ts";

type Changed = { id: string; name: string };
type Kind = {
  kind: string;
  /** What bringing it back, or ending it, takes: as much as deleting it did. */
  scope: Scope;
  restore: (context: Context, id: string) => Promise<Changed>;
};
const restoreModel = ({ models, principal }: Context, id: string) => models.restore(principal.projectId, id);
const restoreKnowledge = ({ knowledge, principal }: Context, id: string) =>
  knowledge.restore(principal.projectId, id);
const restoreImage = ({ images, principal }: Context, id: string) => images.restore(principal.projectId, id);
const restoreProvider = ({ providers, principal }: Context, id: string) =>
  providers.restore(principal.projectId, id);
/** What can come back, by its type. */
const kinds: Record<string, Kind> = {
  Dataset: {
    kind: "dataset",
    scope: "write",
    restore: ({ datasets, principal }, id) => datasets.restore(principal.projectId, id),
  },
  BaseModel: { kind: "base", scope: "write", restore: restoreModel },
  Training: { kind: "training", scope: "write", restore: restoreModel },
  CustomizedModel: { kind: "customized", scope: "write", restore: restoreModel },
  CompleteModel: { kind: "complete", scope: "write", restore: restoreModel },
  LiveModel: { kind: "live", scope: "write", restore: restoreModel },
  RegisteredModel: { kind: "registered", scope: "write", restore: restoreModel },
  KnowledgeBase: { kind: "knowledge", scope: "write", restore: restoreKnowledge },
  Document: { kind: "document", scope: "write", restore: restoreKnowledge },
  Conversation: {
    kind: "conversation",
    scope: "write",
    restore: ({ chat, principal }, id) => chat.restoreConversation(principal, id),
  },
  Provider: { kind: "provider", scope: "admin", restore: restoreProvider },
  ThirdPartyModel: { kind: "third-party", scope: "admin", restore: restoreProvider },
  Assessment: {
    kind: "assessment",
    scope: "write",
    restore: ({ assessments, principal }, id) => assessments.restore(principal.projectId, id),
  },
  Suite: {
    kind: "suite",
    scope: "write",
    restore: ({ assessments, principal }, id) => assessments.suites.restore(principal.projectId, id),
  },
  Image: { kind: "image", scope: "write", restore: restoreImage },
  ImageRequest: { kind: "image-request", scope: "write", restore: restoreImage },
};
const kindOf = (id: string): Kind | undefined => kinds[typenameOfId(id) ?? ""];

/** The kind of what is asked for, which the asker may decide about. @throws EspalierError NOT_IN_TRASH, SCOPE_MISSING */
function decidable(id: string, { principal }: Context): Kind {
  const kind = kindOf(id);
  if (!kind)
    throw new EspalierError("NOT_IN_TRASH", `${id.slice(0, 80)} is not among what was deleted.`, {
      field: "id",
      value: id.slice(0, 80),
      hint: "Ask for `trash` to see what can come back.",
      status: 404,
    });
  if (!opens(principal.scopes, kind.scope)) throw scopeMissing(principal, kind.scope);
  return kind;
}

/** Holds for the entries that somebody sees: not those of others' conversations. */
function visible({ principal }: Context): SQL | undefined {
  return and(
    eq(trash.projectId, principal.projectId),
    inTrashOf(principal),
    opens(principal.scopes, "chat") ? undefined : notLike(trash.id, `${ID_PREFIX.conversation}%`),
  );
}

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
  "suite_entries",
  "suite_runs",
]);

const TrashEntry = builder.objectRef<typeof trash.$inferSelect>("TrashEntry").implement({
  description: "Something that was deleted and can still come back, with what went along.",
  extensions: needs("read"),
  fields: (t) => ({
    id: t.exposeID("id", { description: "The id that it had, and will have again." }),
    kind: t.string({
      description:
        "What it is: base, dataset, training, customized, complete, live, registered, third-party, provider, knowledge, document, conversation, image, image-request, assessment, suite.",
      resolve: ({ id }) => kindOf(id)?.kind ?? "thing",
    }),
    name: t.exposeString("name", { description: "The name that it had." }),
    scope: t.string({
      description: "The scope that bringing it back, or purging it, takes.",
      resolve: ({ id }) => kindOf(id)?.scope ?? "write",
    }),
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
    resolve: (_, page, context) =>
      readPage(
        context.store.db,
        trash,
        { where: visible(context), keys: ["deletedAt", "id"], order: "descending" },
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
      UndeleteResult.run(async () => decidable(id, context).restore(context, id)),
  }),
);

const PurgeResult = resultUnion<Changed>("Purge", "What is gone for good.", (t) => ({
  id: t.exposeID("id", { description: "The id that it had." }),
  name: t.exposeString("name", { description: "The name that it had." }),
}));

builder.mutationField("purge", (t) =>
  t.field({
    type: PurgeResult.union,
    description:
      "Ends what was deleted before its time, with what went along: it never comes back, its files go with the next sweep.",
    extensions: needs("write"),
    args: { id: t.arg.id({ required: true, description: "The id that it had." }) },
    resolve: (_, { id }, context) =>
      PurgeResult.run(async () => {
        decidable(id, context);
        const { projectId } = context.principal;
        return context.store.write(
          (tx) => takeFromTrash(tx, projectId, id, visible(context)),
          "trash.purgeOne",
        );
      }),
  }),
);
