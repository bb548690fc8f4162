// Passages that replies were made from, as they are kept with a message.
import { z } from "zod";
import { builder, needs } from "../builder.ts";

const citationShape = z.object({
  number: z.number(),
  document: z.string(),
  documentId: z.string(),
  knowledgeBaseId: z.string(),
  chunkId: z.string(),
  text: z.string(),
  page: z.number().nullable(),
  start: z.number(),
  end: z.number(),
  score: z.number(),
});
type CitationShape = z.infer<typeof citationShape>;

export const Citation = builder.objectRef<CitationShape>("Citation").implement({
  description: "A passage that a reply was made from.",
  extensions: needs("chat"),
  fields: (t) => ({
    number: t.exposeInt("number", { description: "As the reply may refer to it: [1]." }),
    document: t.exposeString("document", { description: "Name of the document." }),
    documentId: t.exposeID("documentId", { description: "The document." }),
    knowledgeBaseId: t.exposeID("knowledgeBaseId", { description: "Its knowledge base." }),
    chunkId: t.exposeID("chunkId", { description: "The chunk that was found; it goes with its index." }),
    text: t.exposeString("text", { description: "What the model was given of it." }),
    page: t.exposeInt("page", {
      nullable: true,
      description: "Its first page, where the document has pages.",
    }),
    start: t.exposeInt("start", { description: "Where it begins in the document's text, in characters." }),
    end: t.exposeInt("end", { description: "Where it ends." }),
    score: t.exposeFloat("score", { description: "How well it fits the question, as the search orders it." }),
  }),
});

/** Citations as a row keeps them; null where the reply was made without knowledge. */
export function storedCitations(value: unknown): CitationShape[] | null {
  const parsed = z.array(citationShape).safeParse(value);
  return parsed.success ? parsed.data : null;
}
