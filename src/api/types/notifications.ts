// Notifications: what the caller is told, whether they read it, and what they want to hear of.
import { limits } from "../../kit/limits.ts";
import {
  isKind,
  type NotificationKind as Kind,
  type NotificationRow,
  nextVerbs,
  notificationKinds,
  type Preference,
  sentenceOf,
} from "../../notifications/notifications.ts";
import { builder, needs } from "../builder.ts";
import type { Context } from "../context.ts";
import { resultUnion } from "./common.ts";
import { connectionOf, pageArgs, pageCost } from "./connections.ts";
import { RunKind } from "./enums.ts";

const enumWord = (word: string): string => word.toUpperCase().replaceAll("-", "_");
export const NotificationKind = builder.enumType("NotificationKind", {
  description: "What a notification tells.",
  values: Object.fromEntries(
    Object.entries(notificationKinds).map(([value, { description }]) => [
      enumWord(value),
      { value, description },
    ]),
  ),
});
const NextVerb = builder.enumType("NextVerb", {
  description: "What a notification proposes to do next.",
  values: Object.fromEntries(
    Object.entries(nextVerbs).map(([value, words]) => [
      enumWord(value),
      { value, description: `${words}, with the name of the thing where there is one.` },
    ]),
  ),
});

type Next = NotificationRow["about"]["next"];
const NotificationNext = builder.objectRef<Next>("NotificationNext").implement({
  description: "The next thing to do about a notification.",
  extensions: needs("read"),
  fields: (t) => ({
    verb: t.field({ type: NextVerb, description: "What.", resolve: ({ verb }) => verb }),
    name: t.exposeString("name", { description: "With which thing; empty where that is plain." }),
    path: t.exposeString("path", { description: "The page for it." }),
  }),
});

export const Notification = builder.objectRef<NotificationRow>("Notification").implement({
  description: "Something that the caller is told.",
  extensions: needs("read"),
  fields: (t) => ({
    id: t.exposeID("id", { description: "Its id." }),
    kind: t.field({ type: NotificationKind, description: "What it tells.", resolve: ({ kind }) => kind }),
    text: t.string({
      description: "The whole as one English sentence.",
      resolve: ({ kind, about }) => sentenceOf(kind, about),
    }),
    name: t.string({
      description: "Of whom or what: a run, a person, a trainer.",
      resolve: ({ about }) => about.name,
    }),
    runId: t.id({
      nullable: true,
      description: "The run that it tells of.",
      resolve: ({ about }) => about.runId ?? null,
    }),
    runKind: t.field({
      type: RunKind,
      nullable: true,
      description: "What that run does.",
      resolve: ({ about }) => about.runKind ?? null,
    }),
    message: t.string({
      nullable: true,
      description: "Why it failed, or what a trainer was at.",
      resolve: ({ about }) => about.message ?? null,
    }),
    by: t.string({
      nullable: true,
      description: "Who did it.",
      resolve: ({ about }) => about.by ?? null,
    }),
    role: t.string({
      nullable: true,
      description: "The role that somebody has now.",
      resolve: ({ about }) => about.role ?? null,
    }),
    bytes: t.float({
      nullable: true,
      description: "Bytes that are left.",
      resolve: ({ about }) => about.bytes ?? null,
    }),
    next: t.field({
      type: NotificationNext,
      description: "What to do next.",
      resolve: ({ about }) => about.next,
    }),
    createdAt: t.expose("createdAt", { type: "DateTime", description: "When it happened." }),
    readAt: t.expose("readAt", {
      type: "DateTime",
      nullable: true,
      description: "When it was marked as read.",
    }),
  }),
});

const NotificationPreference = builder.objectRef<Preference>("NotificationPreference").implement({
  description: "Whether, and where, the caller wants to be told of one kind of thing.",
  extensions: needs("read"),
  fields: (t) => ({
    kind: t.field({ type: NotificationKind, description: "Of what.", resolve: ({ kind }) => kind }),
    inBell: t.exposeBoolean("inBell", { description: "Whether at all: in the list and as a notice." }),
    inBrowser: t.exposeBoolean("inBrowser", {
      description: "Whether also as a notification of the browser, where that is allowed there.",
    }),
  }),
});

/** The caller as notifications know them. */
export function readerOf({ principal }: Context): { recipientId: string; projectId: string } {
  return { recipientId: principal.userId ?? principal.keyId ?? "", projectId: principal.projectId };
}

const ReadResult = resultUnion<{ read: number; unread: number }>(
  "ReadNotifications",
  "What is read and what is left.",
  (t) => ({
    read: t.exposeInt("read", { description: "How many were marked that were not before." }),
    unread: t.exposeInt("unread", { description: "How many are unread now." }),
  }),
);
const PreferenceResult = resultUnion<{ preferences: Preference[] }>(
  "NotificationPreferences",
  "What the caller wants to be told now.",
  (t) => ({
    preferences: t.field({
      type: [NotificationPreference],
      description: "By kind, all of them.",
      resolve: ({ preferences }) => preferences,
    }),
  }),
);

builder.queryFields((t) => ({
  notifications: t.field({
    type: connectionOf("Notification", Notification),
    description: "What the caller was told in this project, newest first.",
    extensions: needs("read"),
    args: { ...pageArgs, unread: t.arg.boolean({ description: "Only those that are unread." }) },
    complexity: pageCost,
    resolve: (_, { unread, ...page }, context) =>
      context.notifications.page(readerOf(context), unread ?? false, page),
  }),
  unreadNotifications: t.int({
    description: "How many notifications of the caller are unread in this project.",
    extensions: needs("read"),
    resolve: (_, _args, context) => context.notifications.unread(readerOf(context)),
  }),
  notificationPreferences: t.field({
    type: [NotificationPreference],
    description: "What the caller wants to be told: a list of all kinds.",
    extensions: needs("read"),
    resolve: (_, _args, context) => context.notifications.preferences(readerOf(context).recipientId),
  }),
}));

builder.mutationFields((t) => ({
  readNotifications: t.field({
    type: ReadResult.union,
    description:
      "Marks notifications of the caller as read; those of others, and unknown ones, are passed over.",
    extensions: needs("read"),
    args: { ids: t.arg.idList({ description: `Which, ${limits.pageItems} at most; all when unsaid.` }) },
    resolve: (_, { ids }, context) =>
      ReadResult.run(async () => {
        const reader = readerOf(context);
        const read = await context.notifications.markRead(reader, ids ?? null);
        return { read, unread: await context.notifications.unread(reader) };
      }),
  }),
  setNotificationPreference: t.field({
    type: PreferenceResult.union,
    description: "Says whether, and where, the caller wants to be told of one kind of thing.",
    extensions: needs("read"),
    args: {
      kind: t.arg({ type: NotificationKind, required: true, description: "Of what." }),
      inBell: t.arg.boolean({ required: true, description: "Whether at all." }),
      inBrowser: t.arg.boolean({ required: true, description: "Whether also by the browser." }),
    },
    resolve: (_, { kind, inBell, inBrowser }, context) =>
      PreferenceResult.run(async () => {
        const { recipientId } = readerOf(context);
        await context.notifications.setPreference(recipientId, { kind: known(kind), inBell, inBrowser });
        return { preferences: await context.notifications.preferences(recipientId) };
      }),
  }),
}));

/** The enum lets nothing else through. */
function known(kind: string): Kind {
  if (isKind(kind)) return kind;
  throw new Error(`unknown kind of notification ${kind}`);
}
