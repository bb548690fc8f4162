// The verb that makes rows of a dataset from what went wrong, and from what people thought of replies.
import { type Command, Option } from "commander";
import { document, number, take, text, words, yes } from "./flags.ts";
import { type Declared, listOption, numberOption } from "./program.ts";

export function declareCollect(under: Command, verb: Declared["verb"]): void {
  verb({
    under,
    name: "collect",
    about:
      "Add the rows that a candidate of an assessment lost, or judged replies of the chat, to a dataset.",
    example: "espalier dataset collect --from-assessment router --candidate smollm --into support --wait",
    options: [
      new Option("--from-assessment <name>", "the assessment"),
      new Option("--candidate <name>", "who lost the rows"),
      new Option("--lost <kind>", "wrong: scored below 1 or failed; beaten: scored below another")
        .choices(["wrong", "beaten"])
        .default("wrong"),
      new Option("--against <name>", "the candidate that has to be better; any other when unsaid"),
      listOption("--row <number>", "this row, in place of all that were lost; may be repeated"),
      new Option(
        "--right <what>",
        "reference, or the better answer of another; the reference when unsaid",
      ).choices(["reference", "better"]),
      new Option("--from-feedback", "judged replies of conversations that the key may read"),
      new Option("--since <date>", "only what was said from then on, such as 2026-01-31"),
      new Option("--model <name>", "only on replies of this model"),
      new Option("--name <name>", "name of a new dataset"),
      new Option("--into <name>", "the dataset whose next version holds its rows and these"),
      new Option("--preferences", "a worse reply beside the better one, in place of examples"),
      new Option("--split <split>", "train, validation or test; train when unsaid"),
      new Option("--yes", "go on although the rows measured models"),
      numberOption("--show <rows>", "only show what would be added, and so many rows of it", {
        min: 1,
        whole: true,
      }),
    ],
    does: async (_, flags, server) => {
      const { collect } = await import("./collect.ts");
      const texts = { fromAssessment: text, candidate: text, lost: text, against: text, right: text };
      const rest = { since: text, model: text, name: text, into: text, split: text };
      const others = { row: words, fromFeedback: yes, preferences: yes, yes, show: number };
      return document(await collect(server(), take({ ...texts, ...rest, ...others }, flags)));
    },
  });
}
