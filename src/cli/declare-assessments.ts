// The verbs about assessments.

import { Option } from "commander";
import { z } from "zod";
import { document, group, number, required, take, text, words } from "./flags.ts";
import { type Declared, listOption, numberOption } from "./program.ts";

export function declareAssessments({ parent, verb }: Declared): void {
  verb({
    name: "assess",
    about: "Ask models about rows of a dataset and score their answers.",
    example:
      "espalier assess --name router --candidate smollm --candidate support-bot --dataset support --grader json --wait",
    options: [
      required("--name <name>", "name of the assessment"),
      listOption("--candidate <model>", "a model that answers; may be repeated"),
      required("--dataset <name[@version]>", "the dataset, its newest version when none is said"),
      listOption(
        "--grader <grader>",
        "exact, normalised, contains, regex:RE, json, json-field:PATH or numeric:TOL; may be repeated",
      ),
      new Option("--split <split>", "train, validation or test; test where there is one when unsaid"),
      new Option("--question <template>", "the question with {{column}}; {{prompt}} when unsaid"),
      new Option("--reference <column>", "the column of the right answer; completion when unsaid"),
      numberOption("--sample <rows>", "ask about so many rows, drawn at random", { min: 1, whole: true }),
      numberOption("--seed <number>", "the same seed draws the same rows", { min: 0, whole: true }),
      new Option("--by <column>", "draw rows in the proportions of this column"),
      new Option("--system <prompt>", "said to every candidate instead of each row's own system prompt"),
      listOption("--kb <name>", "a knowledge base that every candidate answers from; may be repeated"),
      numberOption("--max-tokens <number>", "longest answer", { min: 1, whole: true }),
      new Option(
        "--factorial",
        "compare the base of the one candidate and the candidate, each without and with the knowledge bases",
      ),
    ],
    does: async (_, flags, server) => {
      const { assess } = await import("./assessments.ts");
      const named = { name: z.string(), dataset: z.string(), candidate: words, grader: words };
      const rest = { split: text, question: text, reference: text, system: text, by: text, kb: words };
      const numbers = { sample: number, seed: number, maxTokens: number };
      const { candidate = [], grader = [], ...known } = take({ ...named, ...rest, ...numbers }, flags);
      const { assessFactorial } = await import("./factorial.ts");
      const start = flags["factorial"] === true ? assessFactorial : assess;
      return document(await start(server(), { ...known, candidate, grader }));
    },
  });
  const assessment = group(parent, "assessment", "What assessments found.");
  verb({
    under: assessment,
    name: "report <name>",
    about: "Show scores with their 95 % intervals, pairs with their tests, and the verdict.",
    example: "espalier assessment report router --json",
    does: async ([name = ""], _flags, server) =>
      document(await (await import("./assessments.ts")).report(server(), name)),
  });
  verb({
    under: assessment,
    name: "resume <name>",
    about: "Ask what has no answer yet, and again what failed.",
    example: "espalier assessment resume router --wait",
    does: async ([name = ""], _flags, server) =>
      document(await (await import("./assessments.ts")).resume(server(), name)),
  });
  verb({
    under: assessment,
    name: "export <name>",
    about: "Write the answers with their scores to a file.",
    example: "espalier assessment export router --format csv --to router.csv",
    options: [
      new Option("--format <format>", "csv or jsonl").default("csv"),
      required("--to <file>", "the file"),
    ],
    does: async ([name = ""], flags, server) => {
      const { exportAnswers } = await import("./assessments.ts");
      return document(
        await exportAnswers(server(), name, take({ format: z.string(), to: z.string() }, flags)),
      );
    },
  });
}
