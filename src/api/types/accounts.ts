// Who asks, and the API keys.
import {
  type ApiKeyRow,
  type Language as LanguageShape,
  type Look as LookShape,
  languages,
  looks,
  type OwnProject,
  scopeTable,
} from "../../accounts/accounts.ts";
import { version } from "../../kit/version.ts";
import { builder, needs } from "../builder.ts";
import type { Context } from "../context.ts";
import { unauthenticated } from "../http.ts";
import { NodeInterface, resultUnion } from "./common.ts";
import { connectionOf, paged } from "./connections.ts";
import { Session } from "./people.ts";
import { Project } from "./projects.ts";

export const ApiKey = builder.objectRef<ApiKeyRow>("ApiKey").implement({
  description: "A key for programs. Its secret is shown once, when it is made.",
  extensions: needs("admin"),
  interfaces: [NodeInterface],
  fields: (t) => ({
    name: t.exposeString("name", { description: "What it is for." }),
    scopes: t.exposeStringList("scopes", { description: "What it opens." }),
    prefix: t.exposeString("prefix", { description: "The secret's first characters, to tell keys apart." }),
    createdAt: t.expose("createdAt", { type: "DateTime", description: "When it was made." }),
    createdBy: t.string({
      nullable: true,
      description:
        "The person who made it, whose rights bound it; null for one made at the server's command line.",
      resolve: ({ userId }, _, { accounts }) => accounts.nameOf(userId),
    }),
    lastUsedAt: t.expose("lastUsedAt", {
      type: "DateTime",
      nullable: true,
      description: "When it was last used, to the minute.",
    }),
    revokedAt: t.expose("revokedAt", {
      type: "DateTime",
      nullable: true,
      description: "Since when it is void.",
    }),
    revokedBy: t.string({
      nullable: true,
      description: "Who revoked it.",
      resolve: ({ revokedBy }, _, { accounts }) => accounts.nameOf(revokedBy),
    }),
  }),
});

const languageWords: Record<LanguageShape, string> = {
  system: "As the browser says.",
  en: "English.",
  de: "German.",
  zh: "Chinese, simplified.",
};
const Language = builder.enumType("Language", {
  description: "Which language somebody reads the web UI in.",
  values: Object.fromEntries(
    languages.map((value) => [value.toUpperCase(), { value, description: languageWords[value] }]),
  ) as Record<Uppercase<LanguageShape>, { value: LanguageShape; description: string }>,
});

const lookWords: Record<LookShape, string> = {
  system: "As the device's system says.",
  light: "Light colours.",
  dark: "Dark colours.",
};
const Look = builder.enumType("Look", {
  description: "Which colours somebody wants to see.",
  values: Object.fromEntries(
    looks.map((value) => [value.toUpperCase(), { value, description: lookWords[value] }]),
  ) as Record<Uppercase<LookShape>, { value: LookShape; description: string }>,
});

type ViewerShape = { id: string; name: string; role: string | null; project: OwnProject; scopes: string[] };
const Viewer = builder.objectRef<ViewerShape>("Viewer").implement({
  description: "Whoever sent this request.",
  extensions: needs("read"),
  fields: (t) => ({
    id: t.exposeID("id", { description: "Id of the person or key." }),
    name: t.exposeString("name", { description: "Name of the person or key." }),
    role: t.exposeString("role", {
      nullable: true,
      description: "Their role in the project; of a key the highest that its scopes make up, if any.",
    }),
    project: t.field({
      type: Project,
      description: "The project that they work in now: all that they see and do belongs to it.",
      resolve: ({ project }) => project,
    }),
    projects: t.field({
      type: [Project],
      description: "The projects that they are in, archived ones too. A list: somebody is in a few.",
      resolve: (_, _args, { accounts, principal }) => accounts.projectsOf(principal),
    }),
    sessions: t.field({
      type: [Session],
      description: "Where they are signed in, the latest first. A list: a person has a few.",
      resolve: (_, _args, { accounts, principal }) =>
        principal.userId === null ? [] : accounts.sessionsOf(principal.userId),
    }),
    look: t.field({
      type: Look,
      description: "The colours that they chose, on every device.",
      resolve: (_, _args, { accounts, principal }) => accounts.preferenceOf(principal, "look"),
    }),
    language: t.field({
      type: Language,
      nullable: true,
      description: "The language that they chose, on every device; null before they chose one.",
      resolve: (_, _args, { accounts, principal }) => accounts.preferenceOf(principal, "language"),
    }),
    scopes: t.exposeStringList("scopes", {
      description: `What they may do: ${Object.keys(scopeTable).join(", ")}.`,
    }),
  }),
});

const ApiKeyResult = resultUnion<{ apiKey: ApiKeyRow; secret: string | null }>(
  "ApiKey",
  "The key as it now is.",
  (t) => ({
    apiKey: t.field({ type: ApiKey, description: "The key.", resolve: ({ apiKey }) => apiKey }),
    secret: t.exposeString("secret", {
      nullable: true,
      description: "The secret, only when the key was just made: keep it now.",
    }),
  }),
);

async function viewerOf({ principal, accounts }: Context): Promise<ViewerShape> {
  const project = await accounts.findProject(principal, principal.projectId);
  if (!project) throw unauthenticated();
  return {
    id: principal.userId ?? principal.keyId ?? "",
    name: principal.name,
    role: principal.role,
    project,
    scopes: [...principal.scopes],
  };
}

const ViewerResult = resultUnion<{ viewer: ViewerShape }>(
  "Viewer",
  "Whoever asked, as they now are.",
  (t) => ({
    viewer: t.field({ type: Viewer, description: "Whoever asked.", resolve: ({ viewer }) => viewer }),
  }),
);

builder.queryFields((t) => ({
  viewer: t.field({
    type: Viewer,
    description: "Whoever sent this request.",
    extensions: needs("read"),
    resolve: (_, _args, context) => viewerOf(context),
  }),
  version: t.string({
    description: "Version of this server.",
    extensions: needs("read"),
    resolve: () => version,
  }),
  apiKeys: t.field({
    type: connectionOf("ApiKey", ApiKey, "admin"),
    description: "API keys of the project, newest first, revoked ones too.",
    extensions: needs("admin"),
    ...paged,
    resolve: (_, page, { accounts, principal }) => accounts.pageOfKeys(principal.projectId, page),
  }),
}));

builder.mutationFields((t) => ({
  setLook: t.field({
    type: ViewerResult.union,
    description: "Remembers which colours the caller wants to see.",
    extensions: needs("read"),
    args: { look: t.arg({ type: Look, required: true, description: "The colours." }) },
    resolve: (_, { look }, context) =>
      ViewerResult.run(async () => {
        await context.accounts.setPreference(context.principal, "look", look);
        return { viewer: await viewerOf(context) };
      }),
  }),
  setLanguage: t.field({
    type: ViewerResult.union,
    description: "Remembers which language the caller reads the web UI in.",
    extensions: needs("read"),
    args: { language: t.arg({ type: Language, required: true, description: "The language." }) },
    resolve: (_, { language }, context) =>
      ViewerResult.run(async () => {
        await context.accounts.setPreference(context.principal, "language", language);
        return { viewer: await viewerOf(context) };
      }),
  }),
  createApiKey: t.field({
    type: ApiKeyResult.union,
    description: "Makes an API key of this project; it may do no more than whoever makes it.",
    extensions: needs("admin"),
    args: {
      name: t.arg.string({ required: true, description: "What it is for." }),
      scopes: t.arg.stringList({
        required: true,
        description: `What it opens, of ${Object.keys(scopeTable).join(", ")}.`,
      }),
    },
    resolve: (_, { name, scopes }, { accounts, principal }) =>
      ApiKeyResult.run(async () => {
        const made = await accounts.createKey(principal, { name, scopes });
        return { apiKey: made.key, secret: made.secret };
      }),
  }),
  revokeApiKey: t.field({
    type: ApiKeyResult.union,
    description: "Makes a key void at once.",
    extensions: needs("admin"),
    args: { id: t.arg.id({ required: true, description: "The key's id or name." }) },
    resolve: (_, { id }, { accounts, principal }) =>
      ApiKeyResult.run(async () => ({ apiKey: await accounts.revokeKey(principal, id), secret: null })),
  }),
}));
