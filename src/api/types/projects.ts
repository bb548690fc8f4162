// Projects: what somebody is in, and making, renaming, archiving, restoring and switching between them.
import { type OwnProject, roleTable } from "../../accounts/accounts.ts";
import { builder, needs } from "../builder.ts";
import { NodeInterface, resultUnion } from "./common.ts";

export const Project = builder.objectRef<OwnProject>("Project").implement({
  description: "What people work on together; everything belongs to one, and nobody sees across.",
  extensions: needs("read"),
  interfaces: [NodeInterface],
  fields: (t) => ({
    name: t.exposeString("name", { description: "Its name." }),
    role: t.exposeString("role", {
      nullable: true,
      description: `What the caller is in it: ${Object.keys(roleTable).join(", ")}.`,
    }),
    isCurrent: t.boolean({
      description: "Whether the caller works in it now.",
      resolve: ({ id }, _, { principal }) => id === principal.projectId,
    }),
    createdAt: t.expose("createdAt", { type: "DateTime", description: "When it was made." }),
    createdBy: t.string({
      nullable: true,
      description: "Who made it; null for the first one.",
      resolve: ({ createdBy }, _, { accounts }) => accounts.nameOf(createdBy),
    }),
    archivedAt: t.expose("archivedAt", {
      type: "DateTime",
      nullable: true,
      description: "Since when it lets nobody in; null while it does.",
    }),
    archivedBy: t.string({
      nullable: true,
      description: "Who archived it.",
      resolve: ({ archivedBy }, _, { accounts }) => accounts.nameOf(archivedBy),
    }),
  }),
});

const ProjectResult = resultUnion<{ project: OwnProject }>("Project", "The project as it now is.", (t) => ({
  project: t.field({ type: Project, description: "The project.", resolve: ({ project }) => project }),
}));

const nameArg = "Its name, of 1 to 80 characters.";

builder.mutationFields((t) => ({
  createProject: t.field({
    type: ProjectResult.union,
    description: "Makes a project, whose owner the caller becomes. Needs a person: a key owns nothing.",
    extensions: needs("owner"),
    args: { name: t.arg.string({ required: true, description: nameArg }) },
    resolve: (_, { name }, { accounts, principal }) =>
      ProjectResult.run(async () => ({ project: await accounts.createProject(principal, name) })),
  }),
  renameProject: t.field({
    type: ProjectResult.union,
    description: "Renames the project that the caller works in.",
    extensions: needs("owner"),
    args: { name: t.arg.string({ required: true, description: nameArg }) },
    resolve: (_, { name }, { accounts, principal }) =>
      ProjectResult.run(async () => ({ project: await accounts.renameProject(principal, name) })),
  }),
  archiveProject: t.field({
    type: ProjectResult.union,
    description:
      "Archives the project that the caller works in: everything stays, and nobody gets in until an owner restores it. Refused while its runs have not ended.",
    extensions: needs("owner"),
    resolve: (_, _args, { accounts, principal }) =>
      ProjectResult.run(async () => ({ project: await accounts.archiveProject(principal) })),
  }),
  restoreProject: t.field({
    type: ProjectResult.union,
    description: "Opens an archived project again, of which the caller is an owner.",
    extensions: needs("read"),
    args: { id: t.arg.id({ required: true, description: "The project." }) },
    resolve: (_, { id }, { accounts, principal }) =>
      ProjectResult.run(async () => ({ project: await accounts.restoreProject(principal, id) })),
  }),
  switchProject: t.field({
    type: ProjectResult.union,
    description: "Makes another project the one that this session works in.",
    extensions: needs("read"),
    args: { id: t.arg.id({ required: true, description: "The project." }) },
    resolve: (_, { id }, { accounts, principal }) =>
      ProjectResult.run(async () => ({ project: await accounts.switchProject(principal, id) })),
  }),
}));
