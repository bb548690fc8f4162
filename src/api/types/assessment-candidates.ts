// Who is assessed: a model with what it is given.
import type { CandidateParameters } from "../../../schema/tables/assessments.ts";
import type { CandidateRow } from "../../assessments/assessments.ts";
import { builder, needs } from "../builder.ts";

const Parameters = builder.objectRef<CandidateParameters>("CandidateParameters").implement({
  description: "What a candidate is sampled with; what is null is as for the whole assessment.",
  extensions: needs("read"),
  fields: (t) => ({
    temperature: t.float({
      nullable: true,
      description: "0 always takes the likeliest token.",
      resolve: ({ temperature }) => temperature ?? null,
    }),
    topP: t.float({
      nullable: true,
      description: "Share of likely tokens that are drawn from.",
      resolve: ({ topP }) => topP ?? null,
    }),
    maxTokens: t.int({
      nullable: true,
      description: "Longest answer.",
      resolve: ({ maxTokens }) => maxTokens ?? null,
    }),
  }),
});

export const Candidate = builder.objectRef<CandidateRow>("Candidate").implement({
  description: "A model that is assessed, with what it is given.",
  extensions: needs("read"),
  fields: (t) => ({
    candidateId: t.exposeID("id", { description: "Its id." }),
    name: t.exposeString("name", { description: "The model's name at the time, with its knowledge bases." }),
    modelId: t.exposeID("modelId", { description: "The model." }),
    systemPrompt: t.exposeString("systemPrompt", {
      nullable: true,
      description: "Said instead of each row's own system prompt.",
    }),
    knowledgeBases: t.exposeStringList("knowledgeBases", {
      description: "Ids of the knowledge bases that it answers from.",
    }),
    parameters: t.field({
      type: Parameters,
      description: "What it is sampled with.",
      resolve: ({ parameters }) => parameters,
    }),
  }),
});
