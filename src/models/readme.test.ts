// README.md of a base model: a header from the scan, one that is there already, and names that try to break out of it.
import { expect, test } from "bun:test";
import { readmeOf, withoutHeader } from "./readme.ts";

const card = {
  architecture: "LlamaForCausalLM",
  format: "gguf",
  parameterCount: 134_515_008,
  dtype: "Q4_1",
  contextLength: 8192,
  vocabSize: 49_152,
  layers: 30,
  hiddenSize: 576,
  heads: 9,
  kvHeads: 3,
  sizeBytes: 1,
  licence: "apache-2.0",
  displayName: null,
  chatTemplate: null,
  renderedExample: null,
  templateError: null,
  readme: null,
  memoryBytes: {},
} as const;

test("a model without a README gets a header from its scan and its name as the title", () => {
  const text = readmeOf({ name: "smol", sha256: "ab12", card });
  expect(Bun.YAML.parse(text.split("---\n")[1] ?? "")).toEqual({
    license: "apache-2.0",
    pipeline_tag: "text-generation",
    model_name: "smol",
    architecture: "LlamaForCausalLM",
    parameters: 134_515_008,
    dtype: "Q4_1",
    context_length: 8192,
    sha256: "ab12",
    tags: ["gguf", "espalier"],
  });
  expect(text.endsWith("---\n# smol\n")).toBe(true);
});

test("a header that is there stays, and is not shown; no value breaks out of a made one", () => {
  const readme = "---\nlicense: mit\n---\n\n# Mine\n";
  expect(readmeOf({ name: "smol", sha256: "ab12", card: { ...card, readme } })).toBe(readme);
  expect(withoutHeader(readme)).toBe("# Mine\n");
  const odd = readmeOf({ name: "a\n---\nlicense: mit", sha256: "ab12", card: { ...card, readme: "Text" } });
  expect(Bun.YAML.parse(odd.split("\n---\n")[0]?.slice(4) ?? "")).toMatchObject({ license: "apache-2.0" });
  expect(withoutHeader(odd)).toBe("Text\n");
});
