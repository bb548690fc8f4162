// The enums of the schema; their values are the words of the tables, written large.
import { builder } from "../builder.ts";

/** Values in SCREAMING_SNAKE for the schema, backed by the words that the tables hold. */
function wordEnum(name: string, description: string, words: Record<string, string>) {
  const values: Record<string, { value: string; description: string }> = {};
  for (const [word, meaning] of Object.entries(words))
    values[word.toUpperCase().replaceAll("-", "_")] = { value: word, description: meaning };
  return builder.enumType(name, { description, values });
}

export const ModelKind = wordEnum("ModelKind", "The states of a model.", {
  base: "Weights we start from.",
  customized: "An adapter, with the base it needs.",
  complete: "Self-contained, exportable.",
  live: "Served now.",
  registered: "An alias of a live model.",
  "third-party": "A model that somebody else serves.",
});
export const ModelAbility = wordEnum("ModelAbility", "What a model can do.", {
  text: "Answers in text.",
  vision: "Sees pictures in what it is asked.",
  embedding: "Turns text into vectors.",
  rerank: "Orders passages by a question.",
  image: "Makes images from words or from a picture.",
});
export const ImageSeed = wordEnum("ImageSeed", "What a provider makes of the seed of an image.", {
  kept: "It has seeds: each image gets one, drawn where nobody chose it, so that it can be made again.",
  passed: "One that somebody chose is passed on, whatever the server there makes of it.",
  none: "It has none.",
});
export const RunKind = wordEnum("RunKind", "What a run does.", {
  "import-dataset": "Reads a file into a dataset version.",
  "import-model": "Scans and takes in a base model.",
  train: "Trains an adapter.",
  merge: "Saves base and adapter as a complete model.",
  deploy: "Starts a model and asks it a smoke prompt.",
  export: "Writes a model's files.",
  "index-documents": "Reads documents into a knowledge base.",
  "rebuild-index": "Cuts and embeds a knowledge base's documents anew.",
  "evaluate-retrieval": "Measures how well a knowledge base finds what answers its labelled questions.",
  "make-images": "Has a model make images.",
  assess: "Asks candidates about rows of a dataset and scores their answers.",
  "check-overlap": "Compares an assessment's rows with what its candidates were trained on or may look up.",
});
export const RunStatus = wordEnum("RunStatus", "Where a run stands; the last three never change.", {
  queued: "Waits for a worker.",
  running: "A worker holds it.",
  succeeded: "Done.",
  failed: "Over, with an error.",
  cancelled: "Ended on request.",
});
export const Precision = wordEnum("Precision", "How weights are held while a model is served.", {
  fp32: "32-bit floats: exact, large.",
  int8: "8-bit blocks: a quarter of the size.",
  native:
    "The weights as the file holds them: a GGUF's own quantisation, kept as it is. A Hugging Face folder is then served as fp32, and the live model says so.",
});
export const NamedStep = wordEnum("NamedStep", "A step that makes the next state of a model.", {
  train: "Base to customized: `{base}_train_{YYYYMMDD}_{id}`.",
  save: "Customized to complete: `{customized}_s_{id}`.",
  deploy: "Any of them to live: `{source}_d_{id}_{precision}`.",
});
export const DatasetShape = wordEnum("DatasetShape", "How a row says prompt and answer.", {
  alpaca: "instruction, input, output.",
  "prompt-completion": "prompt, completion.",
  preference: "prompt, chosen, rejected: what is better than what; no training method learns from it yet.",
  messages: "OpenAI messages.",
  sharegpt: "conversations with from and value.",
  table: "Any other columns; trainable after mapping them.",
});
export const DocumentState = wordEnum("DocumentState", "Where a document of a knowledge base stands.", {
  queued: "Waits to be read.",
  parsing: "Its text is being read.",
  indexing: "It is being cut and embedded.",
  ready: "It answers.",
  failed: "It could not be read; its error says why.",
});
export const RetrievalRanker = wordEnum("RetrievalRanker", "What finds passages.", {
  hybrid: "Words and meaning, joined by rank.",
  words: "Words alone, by BM25.",
  meaning: "Meaning alone, by the embedder's vectors.",
});
export const DeploymentStatus = wordEnum("DeploymentStatus", "Where a live model stands.", {
  starting: "Being loaded for the first time.",
  live: "Answers; loads itself when it was idle.",
  stopped: "Kept, but does not answer.",
  failed: "Did not pass its smoke prompt.",
});
