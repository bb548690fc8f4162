// A base model's README: the Markdown that came with it or was written since, below a YAML header of what the scan found.
import type { BaseModelRow } from "./catalogue.ts";

const header = /^---\r?\n[\s\S]*?\r?\n---\r?\n?/;

/** The Markdown without the YAML header that it may begin with. */
export const withoutHeader = (text: string): string => text.replace(header, "").trimStart();

/**
 * README.md of a base model as model hubs read it. A header that the text has is kept as it is; else one is made
 * from the card: licence, architecture, parameters, dtype, context in tokens, and SHA-256 of the files.
 */
export function readmeOf({ name, sha256, card }: Pick<BaseModelRow, "name" | "sha256" | "card">): string {
  const text = card.readme ?? "";
  if (header.test(text)) return text;
  const facts: [string, string | number | string[]][] = [
    ...(card.licence === null ? [] : [["license", card.licence] satisfies [string, string]]),
    ["pipeline_tag", "text-generation"],
    ["model_name", name],
    ["architecture", card.architecture],
    ["parameters", card.parameterCount],
    ["dtype", card.dtype],
    ["context_length", card.contextLength],
    ["sha256", sha256],
    ["tags", [card.format, "espalier"]],
  ];
  // JSON is YAML: quoted as JSON, no name can break out of its line.
  const lines = facts.map(([key, value]) => `${key}: ${JSON.stringify(value)}`);
  return `---\n${lines.join("\n")}\n---\n${text.trim() === "" ? `# ${name}` : text.trim()}\n`;
}
