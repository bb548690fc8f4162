// Makes what follows from schema/trainer.ts: schema/trainer.json and the reference of the training parameters.
// --write stores both, --check fails when a stored file differs, else the contract is printed.
import { z } from "zod";
import { trainerContractJson } from "../schema/trainer.ts";

const parameterSchema = z.looseObject({
  title: z.string(),
  description: z.string(),
  default: z.unknown(),
  unit: z.string().optional(),
  type: z.string().optional(),
  enum: z.array(z.unknown()).optional(),
  anyOf: z.array(z.looseObject({ const: z.string().optional() })).optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
  exclusiveMinimum: z.number().optional(),
  exclusiveMaximum: z.number().optional(),
});
type Parameter = z.infer<typeof parameterSchema>;
const contractSchema = z.looseObject({
  $defs: z.looseObject({
    SftParameters: z.looseObject({
      description: z.string(),
      properties: z.record(z.string(), parameterSchema),
    }),
  }),
});

const code = (value: unknown): string => `\`${value}\``;

/** "1 to 512", "more than 0, at most 4096", "constant, linear or cosine"; empty where any value of the type goes. */
function rangeOf(parameter: Parameter): string {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, enum: words, anyOf } = parameter;
  if (words) return words.map(code).join(", ");
  if (anyOf) return anyOf.map((way) => (way.const ? code(way.const) : "a list of names")).join(" or ");
  if (minimum !== undefined && maximum !== undefined) return `${minimum} to ${maximum}`;
  const ends: [string, number | undefined][] = [
    ["at least", minimum],
    ["more than", exclusiveMinimum],
    ["at most", maximum],
    ["less than", exclusiveMaximum],
  ];
  return ends.flatMap(([words, end]) => (end === undefined ? [] : [`${words} ${end}`])).join(", ");
}

/** The Markdown page of every parameter of supervised fine-tuning. */
function parametersPage(contract: string): string {
  const { description, properties } = contractSchema.parse(JSON.parse(contract)).$defs.SftParameters;
  const rows = Object.entries(properties).map(([name, one]) => {
    const type = one.enum ? "choice" : (one.type ?? "words");
    const cells = [
      `\`${name}\``,
      one.title,
      one.unit ? `${type}, ${one.unit}` : type,
      rangeOf(one),
      `\`${JSON.stringify(one.default)}\``,
      one.description,
    ];
    return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  });
  return `# Parameters of a training
Made from \`schema/trainer.ts\` by \`bun scripts/trainer-schema.ts --write\`; the form of the web UI is made from the same.
On the command line: \`espalier train … --set NAME=VALUE\`; by GraphQL: \`StartTrainingInput.parameters\`.

## sft: supervised fine-tuning with LoRA
${description}

| name | title | type, unit | range | default | what it does |
|---|---|---|---|---|---|
${rows.join("\n")}
`;
}

const contract = trainerContractJson();
const made = {
  "schema/trainer.json": contract,
  "docs/reference/training-parameters.md": parametersPage(contract),
};
const here = (path: string): URL => new URL(`../${path}`, import.meta.url);

if (process.argv.includes("--write")) {
  for (const [path, text] of Object.entries(made)) await Bun.write(here(path), text);
} else if (process.argv.includes("--check")) {
  for (const [path, text] of Object.entries(made)) {
    const stored = await Bun.file(here(path))
      .text()
      .catch(() => "");
    if (stored === text) continue;
    console.error(`${path} differs from schema/trainer.ts; run: bun scripts/trainer-schema.ts --write`);
    process.exitCode = 1;
  }
} else {
  process.stdout.write(contract);
}
