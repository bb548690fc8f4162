// The prompt library over GraphQL.
import { type PromptRow, type PromptVersionRow, variablesOf } from "../../chat/chat.ts";
import { limits } from "../../kit/limits.ts";
import { builder, needs } from "../builder.ts";
import { NodeInterface, resultUnion } from "./common.ts";
import { connectionOf, paged } from "./connections.ts";
import { DeleteResult } from "./live.ts";

const PromptVersion = builder.objectRef<PromptVersionRow>("PromptVersion");
PromptVersion.implement({
  description: "What a prompt said at a time; it never changes.",
  extensions: needs("chat"),
  fields: (t) => ({
    id: t.exposeID("id", { description: "Its id." }),
    number: t.exposeInt("number", { description: "1 for the first." }),
    text: t.exposeString("text", { description: "Its text with {{variables}}." }),
    variables: t.stringList({
      description: "Names of what is filled in when it is used, in the order of their first place.",
      resolve: ({ text }) => variablesOf(text),
    }),
    starters: t.exposeStringList("starters", {
      description: `Questions that an empty chat proposes, at most ${limits.starters}.`,
    }),
    createdAt: t.expose("createdAt", { type: "DateTime", description: "When it was saved." }),
  }),
});

const Prompt = builder.objectRef<PromptRow>("Prompt");
Prompt.implement({
  description: "A prompt of the library, with all its versions.",
  extensions: needs("chat"),
  interfaces: [NodeInterface],
  fields: (t) => ({
    name: t.exposeString("name", { description: "Its name, unique in the project." }),
    versions: t.field({
      type: connectionOf("PromptVersion", PromptVersion, "chat"),
      description: "Its versions, the latest first.",
      ...paged,
      resolve: ({ id }, page, { chat }) => chat.pageOfPromptVersions(id, page),
    }),
    createdAt: t.expose("createdAt", { type: "DateTime", description: "When it was first saved." }),
    updatedAt: t.expose("updatedAt", { type: "DateTime", description: "When its latest version was saved." }),
  }),
});

const PromptResult = resultUnion<PromptRow>("SavePrompt", "The prompt as it is now.", (t) => ({
  prompt: t.field({ type: Prompt, description: "The prompt.", resolve: (row) => row }),
}));
const SavePromptInput = builder.inputType("SavePromptInput", {
  description: "A prompt to keep.",
  fields: (t) => ({
    name: t.string({ required: true, description: "Its name; one that is known gets another version." }),
    text: t.string({ required: true, description: "Its text; {{words}} in double braces are variables." }),
    starters: t.stringList({ description: `Questions for an empty chat, at most ${limits.starters}.` }),
  }),
});

builder.queryField("prompts", (t) =>
  t.field({
    type: connectionOf("Prompt", Prompt, "chat"),
    description: "The prompt library, by name.",
    extensions: needs("chat"),
    ...paged,
    resolve: (_, page, { chat, principal }) => chat.pageOfPrompts(principal.projectId, page),
  }),
);

builder.mutationFields((t) => ({
  savePrompt: t.field({
    type: PromptResult.union,
    description: "Keeps a prompt: a new one, or another version of the one of that name.",
    extensions: needs("chat"),
    args: { input: t.arg({ type: SavePromptInput, required: true, description: "What to keep." }) },
    resolve: (_, { input }, { chat, principal }) =>
      PromptResult.run(() =>
        chat.savePrompt({ ...input, projectId: principal.projectId, userId: principal.userId }),
      ),
  }),
  deletePrompt: t.field({
    type: DeleteResult.union,
    description: "Deletes a prompt with its versions.",
    extensions: needs("chat"),
    args: { id: t.arg.id({ required: true, description: "The prompt." }) },
    resolve: (_, { id }, { chat, principal }) =>
      DeleteResult.run(() => chat.deletePrompt(principal.projectId, id)),
  }),
}));
