// The verbs about suites.
import { Option } from "commander";
import { z } from "zod";
import { document, group, number, required, take, text, words, yes } from "./flags.ts";
import { type Declared, listOption, numberOption } from "./program.ts";

export function declareSuites({ parent, verb }: Declared): void {
  const suite = group(parent, "suite", "Assessments that are asked again of every new candidate.");
  verb({
    under: suite,
    name: "create",
    about: "Make a suite of assessments, as they are defined now.",
    example: "espalier suite create --name nightly --assessment router --assessment tone",
    options: [
      required("--name <name>", "name of the suite"),
      listOption("--assessment <name>", "an assessment that it holds; may be repeated"),
    ],
    does: async (_, flags, server) => {
      const { createSuite } = await import("./suites.ts");
      return document(await createSuite(server(), take({ name: z.string(), assessment: words }, flags)));
    },
  });
  verb({
    under: suite,
    name: "add <suite> <assessment>",
    about: "Add an assessment to a suite, as it is defined now.",
    example: "espalier suite add nightly refunds",
    does: async ([name = "", assessment = ""], _flags, server) => {
      const { addToSuite } = await import("./suites.ts");
      return document(await addToSuite(server(), { suite: name, assessment }));
    },
  });
  verb({
    under: suite,
    name: "list",
    about: "List the suites.",
    example: "espalier suite list",
    does: async (_, _flags, server) => document(await (await import("./suites.ts")).listSuites(server())),
  });
  verb({
    under: suite,
    name: "run <suite>",
    about: "Ask candidates all that a suite holds; with --wait, show what they found.",
    example: "espalier suite run nightly --candidate support-bot --candidate smollm --wait",
    options: [
      listOption("--candidate <model>", "a model that answers; may be repeated"),
      new Option("--system <prompt>", "said to every candidate instead of each row's own system prompt"),
      listOption("--kb <name>", "a knowledge base that every candidate answers from; may be repeated"),
    ],
    does: async ([name = ""], flags, server) => {
      const { runSuite } = await import("./suites.ts");
      const { candidate = [], ...rest } = take({ candidate: words, system: text, kb: words }, flags);
      return document(await runSuite(server(), name, { candidate, ...rest }));
    },
  });
  verb({
    under: suite,
    name: "report <suite>",
    about: "Show each candidate on each entry and over all, the verdict, and the scores of earlier runs.",
    example: "espalier suite report nightly --json",
    options: [numberOption("--run <number>", "which run; the latest when unsaid", { min: 1, whole: true })],
    does: async ([name = ""], flags, server) => {
      const { suiteReport } = await import("./suites.ts");
      return document(await suiteReport(server(), name, take({ run: number }, flags).run));
    },
  });
  verb({
    under: suite,
    name: "delete <suite>",
    about: "Delete a suite; the assessments that its runs made stay.",
    example: "espalier suite delete nightly --yes",
    options: [new Option("--yes", "do not ask")],
    does: async ([name = ""], flags, server) => {
      const { deleteSuite } = await import("./suites.ts");
      return document(await deleteSuite(server(), name, take({ yes }, flags)));
    },
  });
}
