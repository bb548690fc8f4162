// The verbs about assessments.

import { Option } from "commander";
import { z } from "zod";
import { document, group, number, required, take, text, words } from "./flags.ts";
import { type Declared, listOption, numberOption } from "./program.ts";

const GRADERS =
  "exact, normalised, contains, regex:RE, json, json-field:PATH, numeric:TOL, json-schema:SCHEMA or :@FILE, bleu, rouge-1, rouge-2, rouge-l, chrf, similarity[:EMBEDDER], javascript:CODE or :@FILE, judge:MODEL, or people; may be repeated";
const judging = { judge: words, judgeMode: text, criteria: text, judgePrompt: text };
const judgeOptions = (): Option[] => [
  listOption("--judge <model>", "a model that judges the answers; may be repeated"),
  new Option("--judge-mode <mode>", "direct or pairwise; pairwise for two candidates and more when unsaid"),
  new Option("--criteria <text>", "what makes an answer good, for the judges"),
  new Option("--judge-prompt <template>", "what judges are told, with {{ResponseA}} and {{ResponseB}}"),
];

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
      listOption("--grader <grader>", GRADERS),
      ...judgeOptions(),
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
      numberOption("--temperature <number>", "0, the likeliest token always, when unsaid", { min: 0 }),
      numberOption("--concurrency <number>", "replies of one provider that are waited for at once", {
        min: 1,
        whole: true,
      }),
    ],
    does: async (_, flags, server) => {
      const { assess } = await import("./assessments.ts");
      const named = { name: z.string(), dataset: z.string(), candidate: words, grader: words };
      const rest = { split: text, question: text, reference: text, system: text, by: text, kb: words };
      const numbers = { sample: number, seed: number, maxTokens: number, temperature: number };
      const all = { ...named, ...rest, ...numbers, concurrency: number, ...judging };
      const { candidate = [], grader = [], ...known } = take(all, flags);
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
    name: "overlaps <name>",
    about: "Show which rows the candidates were trained on or may look up, and the scores without those.",
    example: "espalier assessment overlaps router --check --wait",
    options: [new Option("--check", "compare the rows anew first; in the background without --wait")],
    does: async ([name = ""], flags, server) => {
      const { check, overlaps } = await import("./overlaps.ts");
      const { check: isChecked } = take({ check: z.boolean().optional() }, flags);
      return document(await (isChecked ? check(server(), name) : overlaps(server(), name)));
    },
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
    name: "judge <name>",
    about: "Score the answers of an assessment anew, as an assessment of its own; no candidate is asked.",
    example: "espalier assessment judge router --name router-judged --judge gpt --wait",
    options: [
      required("--name <name>", "name of the new assessment"),
      listOption("--grader <grader>", GRADERS),
      ...judgeOptions(),
    ],
    does: async ([name = ""], flags, server) => {
      const { scoreAgain } = await import("./assessments.ts");
      const { grader = [], ...known } = take({ name: z.string(), grader: words, ...judging }, flags);
      return document(await scoreAgain(server(), name, { ...known, grader }));
    },
  });
  verb({
    under: assessment,
    name: "export <name>",
    about: "Write the answers with their scores, or the report, to a file.",
    example: "espalier assessment export router --format csv --to router.csv",
    options: [
      new Option("--format <format>", "csv, jsonl, or html for the report").default("csv"),
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
