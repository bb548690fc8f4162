// The verbs about gates, and the option by which deploy and register pass one.
import { Option } from "commander";
import { z } from "zod";
import { document, group, number, required, take, text, yes } from "./flags.ts";
import { type Declared, numberOption } from "./program.ts";

/** Of deploy and register. */
export const overrideOption = (): Option =>
  new Option(
    "--override-reason <text>",
    "go live though a gate holds it; takes the scope gates, and is kept",
  );

export function declareGates({ parent, verb }: Declared): void {
  const gate = group(parent, "gate", "What models must pass before they go live.");
  verb({
    under: gate,
    name: "add",
    about: "Make a gate: from now on nothing is deployed or registered that does not pass it.",
    example: "espalier gate add --name quality --assessment router --grader exact --at-least 0.8 --lower 0.7",
    options: [
      required("--name <name>", "name of the gate"),
      required("--assessment <name>", "the assessment whose rows, question and graders are the test"),
      numberOption("--at-least <score>", "the least score, from 0 to 1", { min: 0 }),
      numberOption("--lower <score>", "the least lower end of the score's 95 % interval", { min: 0 }),
      new Option("--not-worse-than <live>", "an alias or live model to compare with, instead of a score"),
      numberOption("--by <difference>", "how much worse it may be: 0.02 is two points; 0 when unsaid", {
        min: 0,
      }),
      new Option("--grader <grader>", "one of the assessment's graders; the mean over all when unsaid"),
    ],
    does: async (_, flags, server) => {
      const { add } = await import("./gates.ts");
      const shape = {
        ...{ name: z.string(), assessment: z.string(), grader: text, notWorseThan: text },
        ...{ atLeast: number, lower: number, by: number },
      };
      return document(await add(server(), take(shape, flags)));
    },
  });
  verb({
    under: gate,
    name: "list",
    about: "List the gates, oldest first, with what each asks.",
    example: "espalier gate list --json",
    does: async (_, _flags, server) => document(await (await import("./gates.ts")).list(server())),
  });
  verb({
    under: gate,
    name: "remove <name>",
    about: "Remove a gate: it holds nothing any more.",
    example: "espalier gate remove quality --yes",
    options: [new Option("--yes", "do not ask")],
    does: async ([name = ""], flags, server) =>
      document(await (await import("./gates.ts")).remove(server(), name, take({ yes }, flags))),
  });
  verb({
    under: gate,
    name: "check <model>",
    about: "Show what each gate says of a model, with its figures; the exit code is 4 where one holds it.",
    example: "espalier gate check support-bot --assess --wait",
    options: [new Option("--assess", "first assess it with the same settings where it is not assessed yet")],
    does: async ([model = ""], flags, server) =>
      (await import("./gates.ts")).check(server(), model, take({ assess: yes }, flags)),
  });
}
