// People of a project: their roles and sessions, invitations, and links to new passwords.
import { type LinkRow, type MembershipRow, roleTable, type SessionRow } from "../../accounts/accounts.ts";
import { builder, needs } from "../builder.ts";
import type { Context } from "../context.ts";
import { NodeInterface, resultUnion } from "./common.ts";
import { connectionOf, paged } from "./connections.ts";
import { DeleteResult } from "./live.ts";

export const Session = builder.objectRef<SessionRow>("Session").implement({
  description: "A browser in which somebody is signed in.",
  extensions: needs("read"),
  fields: (t) => ({
    id: t.exposeID("id", { description: "Its id." }),
    userAgent: t.exposeString("userAgent", { description: "What the browser calls itself." }),
    isCurrent: t.boolean({
      description: "Whether this request came by it.",
      resolve: ({ id }, _, { principal }) => id === principal.sessionId,
    }),
    createdAt: t.expose("createdAt", { type: "DateTime", description: "When they signed in." }),
    lastUsedAt: t.expose("lastUsedAt", {
      type: "DateTime",
      nullable: true,
      description: "When it was last used, to the minute.",
    }),
    expiresAt: t.expose("expiresAt", { type: "DateTime", description: "When it ends by itself." }),
  }),
});

/** Who did it, by the column that holds their id. */
const whoField = (column: (row: MembershipRow) => string | null) => ({
  nullable: true as const,
  resolve: (row: MembershipRow, _: object, { accounts }: Context) => accounts.nameOf(column(row)),
});
const accountOf = ({ userId }: MembershipRow, { accounts }: Context) => accounts.getUser(userId);

export const Person = builder.objectRef<MembershipRow>("Person").implement({
  description: "Somebody in the project, with their role there.",
  extensions: needs("read"),
  interfaces: [NodeInterface],
  fields: (t) => ({
    name: t.string({
      description: "The name by which they sign in.",
      resolve: async (row, _, context) => (await accountOf(row, context)).name,
    }),
    role: t.exposeString("role", { description: `${Object.keys(roleTable).join(", ")}.` }),
    isYou: t.boolean({
      description: "Whether it is whoever asks.",
      resolve: ({ userId }, _, { principal }) => userId === principal.userId,
    }),
    joinedAt: t.expose("createdAt", { type: "DateTime", description: "When they came into the project." }),
    joinedBy: t.string({
      description: "Who invited them; null for those who were there from the start.",
      ...whoField(({ createdBy }) => createdBy),
    }),
    roleChangedAt: t.expose("changedAt", {
      type: "DateTime",
      nullable: true,
      description: "When their role was last changed.",
    }),
    roleChangedBy: t.string({
      description: "Who changed it.",
      ...whoField(({ changedBy }) => changedBy),
    }),
    disabledAt: t.field({
      type: "DateTime",
      nullable: true,
      description: "Since when neither they nor their keys get in; null while they do.",
      resolve: async (row, _, context) => (await accountOf(row, context)).disabledAt,
    }),
    disabledBy: t.string({
      nullable: true,
      description: "Who disabled them.",
      resolve: async (row, _, context) => context.accounts.nameOf((await accountOf(row, context)).disabledBy),
    }),
    sessions: t.field({
      type: [Session],
      description: "Where they are signed in, the latest first. A list: a person has a few.",
      extensions: needs("admin"),
      resolve: ({ userId }, _, { accounts }) => accounts.sessionsOf(userId),
    }),
  }),
});

export const Invitation = builder.objectRef<LinkRow>("Invitation").implement({
  description: "A link by which one person gets into the project, once.",
  extensions: needs("admin"),
  interfaces: [NodeInterface],
  fields: (t) => ({
    role: t.string({ description: "What they become.", resolve: ({ role }) => role ?? "" }),
    note: t.exposeString("note", { description: "For whom it is, in the inviter's words." }),
    createdAt: t.expose("createdAt", { type: "DateTime", description: "When it was made." }),
    createdBy: t.string({
      nullable: true,
      description: "Who made it. It ends with their right to invite.",
      resolve: ({ createdBy }, _, { accounts }) => accounts.nameOf(createdBy),
    }),
    expiresAt: t.expose("expiresAt", { type: "DateTime", description: "Until when it can be taken." }),
  }),
});

const path = (page: string, token: string): string => `/${page}?token=${encodeURIComponent(token)}`;

const InvitationResult = resultUnion<{ invitation: LinkRow; path: string | null }>(
  "Invitation",
  "The invitation as it now is.",
  (t) => ({
    invitation: t.field({
      type: Invitation,
      description: "The invitation.",
      resolve: ({ invitation }) => invitation,
    }),
    path: t.exposeString("path", {
      nullable: true,
      description: "The page that takes it, with its secret: only when it was just made, so keep it now.",
    }),
  }),
);
const PersonResult = resultUnion<{ person: MembershipRow }>("Person", "The person as they now are.", (t) => ({
  person: t.field({ type: Person, description: "The person.", resolve: ({ person }) => person }),
}));
const ResetPasswordResult = resultUnion<{ path: string; expiresAt: number }>(
  "ResetPassword",
  "A link to a new password.",
  (t) => ({
    path: t.exposeString("path", { description: "The page, with its secret: shown this once." }),
    expiresAt: t.expose("expiresAt", { type: "DateTime", description: "Until when it works." }),
  }),
);
const SessionsResult = resultUnion<{ ended: number }>("Sessions", "How many sessions were ended.", (t) => ({
  ended: t.exposeInt("ended", { description: "How many." }),
}));

builder.queryFields((t) => ({
  people: t.field({
    type: connectionOf("Person", Person),
    description: "Who is in the project, those who came first before the others.",
    extensions: needs("read"),
    ...paged,
    resolve: (_, page, { accounts, principal }) => accounts.pageOfPeople(principal.projectId, page),
  }),
  invitations: t.field({
    type: connectionOf("Invitation", Invitation, "admin"),
    description: "Invitations that nobody has taken yet and that still can be, newest first.",
    extensions: needs("admin"),
    ...paged,
    resolve: (_, page, { accounts, principal }) => accounts.pageOfInvitations(principal.projectId, page),
  }),
}));

const roleArg = `${Object.keys(roleTable).join(", ")}; at most the caller's own.`;
const personArg = "Id of the person in this project.";

builder.mutationFields((t) => ({
  invitePerson: t.field({
    type: InvitationResult.union,
    description: "Makes a link by which one person gets into the project.",
    extensions: needs("admin"),
    args: {
      role: t.arg.string({ required: true, description: roleArg }),
      note: t.arg.string({ description: "For whom it is, as a reminder." }),
    },
    resolve: (_, { role, note }, { accounts, principal }) =>
      InvitationResult.run(async () => {
        const { link, token } = await accounts.invitePerson(principal, { role, note: note ?? "" });
        return { invitation: link, path: path("join", token) };
      }),
  }),
  revokeInvitation: t.field({
    type: InvitationResult.union,
    description: "Makes an invitation void that nobody has taken.",
    extensions: needs("admin"),
    args: { id: t.arg.id({ required: true, description: "The invitation." }) },
    resolve: (_, { id }, { accounts, principal }) =>
      InvitationResult.run(async () => ({
        invitation: await accounts.revokeInvitation(principal, id),
        path: null,
      })),
  }),
  changeRole: t.field({
    type: PersonResult.union,
    description: "Gives somebody in the project another role. Its last owner stays owner.",
    extensions: needs("admin"),
    args: {
      id: t.arg.id({ required: true, description: personArg }),
      role: t.arg.string({ required: true, description: roleArg }),
    },
    resolve: (_, { id, role }, { accounts, principal }) =>
      PersonResult.run(async () => ({ person: await accounts.changeRole(principal, id, role) })),
  }),
  removePerson: t.field({
    type: DeleteResult.union,
    description: "Takes somebody out of the project; what they made stays, their keys to it end.",
    extensions: needs("admin"),
    args: { id: t.arg.id({ required: true, description: personArg }) },
    resolve: (_, { id }, { accounts, principal }) =>
      DeleteResult.run(() => accounts.removePerson(principal, id)),
  }),
  disablePerson: t.field({
    type: PersonResult.union,
    description: "Lets somebody in no more, in no project; their sessions and keys end at once.",
    extensions: needs("admin"),
    args: { id: t.arg.id({ required: true, description: personArg }) },
    resolve: (_, { id }, { accounts, principal }) =>
      PersonResult.run(async () => ({ person: await accounts.disablePerson(principal, id) })),
  }),
  enablePerson: t.field({
    type: PersonResult.union,
    description: "Lets a disabled person sign in again; their keys work again too.",
    extensions: needs("admin"),
    args: { id: t.arg.id({ required: true, description: personArg }) },
    resolve: (_, { id }, { accounts, principal }) =>
      PersonResult.run(async () => ({ person: await accounts.enablePerson(principal, id) })),
  }),
  resetPassword: t.field({
    type: ResetPasswordResult.union,
    description: "Makes a link by which a person sets a new password; the old one works until then.",
    extensions: needs("admin"),
    args: { id: t.arg.id({ required: true, description: personArg }) },
    resolve: (_, { id }, { accounts, principal }) =>
      ResetPasswordResult.run(async () => {
        const { link, token } = await accounts.resetPassword(principal, id);
        return { path: path("reset", token), expiresAt: link.expiresAt };
      }),
  }),
  changePassword: t.field({
    type: SessionsResult.union,
    description: "Sets the caller's own password and ends their other sessions.",
    extensions: needs("read"),
    args: {
      current: t.arg.string({ required: true, description: "The password until now." }),
      wanted: t.arg.string({ required: true, description: "The new one, of at least 8 characters." }),
    },
    resolve: (_, said, { accounts, principal }) =>
      SessionsResult.run(async () => ({ ended: await accounts.changePassword(principal, said) })),
  }),
  endSession: t.field({
    type: SessionsResult.union,
    description: "Signs one browser out: one's own, or as admin that of somebody in the project.",
    extensions: needs("read"),
    args: { id: t.arg.id({ required: true, description: "The session." }) },
    resolve: (_, { id }, { accounts, principal }) =>
      SessionsResult.run(async () => {
        await accounts.endSession(principal, id);
        return { ended: 1 };
      }),
  }),
  endSessions: t.field({
    type: SessionsResult.union,
    description:
      "Signs all one's other browsers out, or as admin all of somebody in the project; this one stays.",
    extensions: needs("read"),
    args: { personId: t.arg.id({ description: `${personArg} Oneself when unsaid.` }) },
    resolve: (_, { personId }, { accounts, principal }) =>
      SessionsResult.run(async () => ({ ended: await accounts.endSessions(principal, personId ?? null) })),
  }),
}));
