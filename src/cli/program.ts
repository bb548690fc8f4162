// The tree of verbs: names, options, help with an example each, and the one place where outcomes are printed.
import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { createClient } from "./client.ts";
import type { VerbContext } from "./context.ts";
import { EXIT, errorDocument, errorText, exitCodeOf, usage } from "./outcome.ts";
import { textOf } from "./table.ts";
import type { CliDeps, Json } from "./verbs.ts";

/** The document to print and the exit code; a number alone where the verb has printed for itself. */
export type Done = number | { document: Json; exitCode?: number; text?: string | null };
export type Declared = {
  parent: Command;
  deps: CliDeps;
  /**
   * Declares a verb: `does` gets the arguments as commander gives them, and what talks to the server on demand.
   */
  verb(spec: {
    under?: Command;
    name: string;
    about: string;
    example: string;
    options?: readonly Option[];
    /** True for the verbs of this machine, which need no server. */
    isLocal?: boolean;
    does: (
      args: readonly string[],
      flags: Record<string, unknown>,
      server: () => VerbContext,
    ) => Promise<Done>;
  }): Command;
};

/** Runs one command line; see runCli. */
export async function runProgram(argv: readonly string[], deps: CliDeps): Promise<number> {
  const isJson = wantsJson(argv);
  let exitCode: number = EXIT.done;
  let help = "";
  const { program, verb } = build(deps, isJson, (code) => {
    exitCode = code;
  });
  program.configureOutput({
    writeOut: (text) => {
      help += text;
    },
    // Usage errors are printed below, in the form that was asked for.
    writeErr: () => {},
    outputError: () => {},
  });
  const { declareVerbs } = await import("./declare.ts");
  declareVerbs({ parent: program, deps, verb });
  try {
    if (argv.every((word) => word === "--json"))
      throw usage("there is no verb", "espalier --help lists them.");
    await program.parseAsync([...argv], { from: "user" });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) {
      deps.stdout.write(isJson ? `${JSON.stringify({ help })}\n` : help);
      return EXIT.done;
    }
    const known = error instanceof CommanderError ? usageOf(error, program, argv) : error;
    if (isJson) deps.stdout.write(`${JSON.stringify(errorDocument(known))}\n`);
    else deps.stderr.write(errorText(known));
    return exitCodeOf(known);
  }
}

function wantsJson(argv: readonly string[]): boolean {
  const end = argv.indexOf("--");
  return argv.slice(0, end === -1 ? argv.length : end).includes("--json");
}

function usageOf(error: CommanderError, program: Command, argv: readonly string[]): Error {
  let at = program;
  for (const word of argv) {
    const next = at.commands.find((command) => command.name() === word);
    if (next) at = next;
  }
  // A group without its verb makes commander print the group's help as an error.
  const message = error.code.startsWith("commander.help")
    ? `${at.name()} needs one of ${at.commands.map((command) => command.name()).join(", ")}`
    : error.message.replace(/^error: /, "");
  return usage(message, `See \`${pathOf(at)} --help\`.`);
}

function pathOf(command: Command): string {
  return command.parent ? `${pathOf(command.parent)} ${command.name()}` : command.name();
}

function build(deps: CliDeps, isJson: boolean, ended: (code: number) => void) {
  const program = new Command("espalier")
    .description("The lifecycle of language models in one file.")
    .exitOverride()
    .showHelpAfterError(false)
    .helpCommand(false);

  const verb: Declared["verb"] = ({
    under = program,
    name,
    about,
    example,
    options = [],
    isLocal = false,
    does,
  }) => {
    const command = under
      .command(name)
      .description(about)
      .allowExcessArguments(false)
      .addHelpText("after", `\nExample:\n  ${example}`);
    for (const option of options) command.addOption(option);
    // A verb may have a --url of its own; ESPALIER_URL then says which server is asked.
    const hasOwnUrl = options.some(({ long }) => long === "--url");
    if (!isLocal) {
      if (!hasOwnUrl) command.option("--url <url>", "the server (ESPALIER_URL)");
      command.option(
        "--key <key>",
        "its API key (ESPALIER_KEY); other people of this machine may see it here",
      );
    }
    command.option("--json", "print exactly one JSON document on stdout");
    command.option("--wait", "wait for the run and print the finished thing; nothing to wait for is fine");
    command.action(async (...given: unknown[]) => {
      const flags = command.opts<Record<string, unknown>>();
      const done = await does(wordsOf(given.slice(0, -2)), flags, () => {
        const signal = deps.signal?.();
        return {
          client: createClient(serverOf(hasOwnUrl ? { key: flags["key"] } : flags, deps), signal),
          isJson,
          wait: flags["wait"] === true,
          stdout: deps.stdout,
          stderr: deps.stderr,
          signal,
        };
      });
      ended(print(deps, isJson, done));
    });
    return command;
  };
  return { program, verb };
}

/** The server that was named here, or else by the environment. */
function serverOf(flags: Record<string, unknown>, { connection }: CliDeps) {
  const said = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);
  const url = said(flags["url"]);
  const key = said(flags["key"]);
  if (url !== undefined && key !== undefined) return { url, key };
  const env = connection();
  return { url: url ?? env.url, key: key ?? env.key };
}

/** Arguments that were given, in order; a list at the end is spread. */
function wordsOf(given: readonly unknown[]): string[] {
  return given.flat().filter((word): word is string => typeof word === "string");
}

function print({ stdout }: CliDeps, isJson: boolean, done: Done): number {
  if (typeof done === "number") return done;
  const { document, exitCode = EXIT.done, text = textOf(document) } = done;
  if (isJson) stdout.write(`${JSON.stringify(document)}\n`);
  else if (text !== null) stdout.write(text);
  return exitCode;
}

/** An option that takes a number. */
export function numberOption(
  flags: string,
  about: string,
  range: { min?: number; whole?: boolean } = {},
): Option {
  return new Option(flags, about).argParser((text: string): number => {
    const value = Number(text);
    const isFit = text.trim() !== "" && Number.isFinite(value) && value >= (range.min ?? -Infinity);
    if (isFit && (!range.whole || Number.isInteger(value))) return value;
    throw new InvalidArgumentError(`It must be a ${range.whole ? "whole " : ""}number.`);
  });
}

/** An option that may be given several times. */
export function listOption(flags: string, about: string): Option {
  return new Option(flags, about).argParser((text: string, before: readonly string[] | undefined) => [
    ...(before ?? []),
    text,
  ]);
}
