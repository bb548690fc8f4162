// Every verb of the command line. What a verb does is loaded when it is called, so that all start fast.
import { Option } from "commander";
import { z } from "zod";
import { declareAssessments } from "./declare-assessments.ts";
import { declareCollect } from "./declare-collect.ts";
import { declareGates, overrideOption } from "./declare-gates.ts";
import { declareLocal } from "./declare-local.ts";
import { declareProviders } from "./declare-providers.ts";
import { declareSuites } from "./declare-suites.ts";
import { document, group, number, required, take, text, words, yes } from "./flags.ts";
import { usage } from "./outcome.ts";
import { type Declared, listOption, numberOption } from "./program.ts";

/** Declares all verbs under the program. */
export function declareVerbs(declared: Declared): void {
  declareLocal(declared);
  declareImports(declared);
  declareKnowledge(declared);
  declareStages(declared);
  declareAssessments(declared);
  declareGates(declared);
  declareSuites(declared);
  declareLists(declared);
  declareKeys(declared);
  declareProviders(declared);
}

function declareImports({ parent, verb }: Declared): void {
  verb({
    under: group(parent, "model", "Base models."),
    name: "import <path>",
    about: "Import a base model: a Hugging Face folder, its zip, or a GGUF file.",
    example: "espalier model import ./SmolLM2-135M-Instruct --name smollm --wait",
    options: [required("--name <name>", "name of the base model")],
    does: async ([path = ""], flags, server) => {
      const { importModel } = await import("./import.ts");
      return document(await importModel(server(), path, take({ name: z.string() }, flags)));
    },
  });
  const dataset = group(parent, "dataset", "Datasets.");
  declareCollect(dataset, verb);
  verb({
    under: dataset,
    name: "import <file>",
    about: "Import a JSONL, JSON or CSV file as the next version of a dataset.",
    example:
      "espalier dataset import ./support.csv --name support --map prompt=question --map completion=answer",
    options: [
      required("--name <name>", "name of the dataset"),
      new Option("--keep-good-rows", "leave rows with errors out instead of refusing the file"),
      listOption("--map <role=column>", "column of prompt, completion or system; may be repeated"),
    ],
    does: async ([file = ""], flags, server) => {
      const { importDataset } = await import("./import.ts");
      const known = take({ name: z.string(), keepGoodRows: yes, map: words }, flags);
      return document(await importDataset(server(), file, known));
    },
  });
}

function declareKnowledge({ parent, verb }: Declared): void {
  const kb = group(parent, "kb", "Knowledge bases.");
  verb({
    under: kb,
    name: "create",
    about: "Make an empty knowledge base.",
    example: "espalier kb create --name handbook",
    options: [
      required("--name <name>", "name of the knowledge base"),
      new Option("--embedder <name>", "what turns texts into vectors; the built-in one when unsaid"),
    ],
    does: async (_, flags, server) => {
      const { createBase } = await import("./knowledge.ts");
      return document(await createBase(server(), take({ name: z.string(), embedder: text }, flags)));
    },
  });
  verb({
    under: kb,
    name: "add <kb> <paths...>",
    about: "Add files, and those in folders; each is an item, with its error where it could not be read.",
    example: "espalier kb add handbook ./policies ./faq.pdf --wait",
    does: async ([base = "", ...paths], _flags, server) =>
      (await import("./knowledge.ts")).addFiles(server(), base, paths),
  });
  verb({
    under: kb,
    name: "search <kb> <text>",
    about: "Show the passages that answer a question best.",
    example: 'espalier kb search handbook "How many days of leave?" --k 5',
    options: [
      numberOption("--k <number>", "at most so many passages", { min: 1, whole: true }),
      new Option("--ranker <ranker>", "hybrid, words or meaning; as the knowledge base is set when unsaid"),
    ],
    does: async ([base = "", question = ""], flags, server) => {
      const { search } = await import("./knowledge.ts");
      return document(await search(server(), base, question, take({ k: number, ranker: text }, flags)));
    },
  });
}

function declareStages({ verb }: Declared): void {
  verb({
    name: "train",
    about: "Train a customized model from a base model and a dataset.",
    example:
      "espalier train --base smollm --dataset support@1 --name support-bot --set max_steps=40 --set learning_rate=1e-3 --wait",
    options: [
      required("--base <model>", "the base model"),
      required("--dataset <name[@version]>", "the dataset, its newest version when none is said"),
      new Option("--method <method>", "how to train").default("sft"),
      new Option("--name <name>", "name of the customized model, with --save of the complete one").default(
        "",
        "BASE_train_YYYYMMDD_1, or the first free number",
      ),
      listOption("--set <parameter=value>", "a parameter as TRL and PEFT name it; may be repeated"),
      listOption("--map <role=column>", "column of prompt, completion or system of a table; may be repeated"),
      new Option("--save", "also save a complete model at the end"),
    ],
    does: async (_, flags, server) => {
      const { train } = await import("./stages.ts");
      const { mappingOf } = await import("./import.ts");
      const shape = {
        base: z.string(),
        dataset: z.string(),
        method: z.string(),
        name: z.string(),
        set: words,
        map: words,
        save: yes,
      };
      const known = take(shape, flags);
      return document(await train(server(), known, mappingOf(known.map ?? [])));
    },
  });
  verb({
    name: "save <model>",
    about: "Merge a customized model and its base into a complete model.",
    example: "espalier save support-bot --name support-bot-complete --wait",
    options: [
      new Option(
        "--name <name>",
        "name of the complete model; MODEL_s_1 or the first free number when unsaid",
      ),
    ],
    does: async ([model = ""], flags, server) => {
      const { save } = await import("./stages.ts");
      return document(await save(server(), model, take({ name: text }, flags)));
    },
  });
  verb({
    name: "deploy <model>",
    about: "Serve a base, customized or complete model.",
    example: "espalier deploy support-bot --precision int8 --wait",
    options: [
      new Option(
        "--precision <precision>",
        "fp32, int8 or native (a GGUF's own); what suits the model when unsaid",
      ),
      new Option(
        "--name <name>",
        "name of the live model; MODEL_d_1_PRECISION or the first free number when unsaid",
      ),
      overrideOption(),
    ],
    does: async ([model = ""], flags, server) => {
      const { deploy } = await import("./stages.ts");
      return document(
        await deploy(server(), model, take({ precision: text, name: text, overrideReason: text }, flags)),
      );
    },
  });
  verb({
    name: "register <live>",
    about: "Give a live model a stable name that is usable wherever a model is chosen.",
    example: "espalier register support-bot_d_1_int8 --alias support",
    options: [required("--alias <alias>", "the name"), overrideOption()],
    does: async ([model = ""], flags, server) => {
      const { register } = await import("./stages.ts");
      return document(
        await register(server(), model, take({ alias: z.string(), overrideReason: text }, flags)),
      );
    },
  });
  verb({
    name: "chat <model> <text>",
    about:
      "Send a message to a model and print its reply as it is made; - reads the message from standard input.",
    example: 'espalier chat support "My parcel has not come." --temperature 0 --max-tokens 80',
    options: [
      new Option("--system <text>", "system prompt"),
      numberOption("--temperature <number>", "0 (always the likeliest token) to 2", { min: 0 }),
      numberOption("--top-p <number>", "keep the likeliest tokens that together have this probability", {
        min: 0,
      }),
      numberOption("--top-k <number>", "keep this many of the likeliest tokens", { min: 0, whole: true }),
      numberOption("--max-tokens <number>", "most tokens of the reply", { min: 1, whole: true }),
      numberOption("--seed <number>", "the same seed gives the same reply", { whole: true }),
      listOption("--stop <text>", "a text that ends the reply; may be repeated"),
      new Option("--conversation <id>", "go on with this conversation"),
      listOption("--kb <name>", "knowledge base to answer from; may be repeated"),
      listOption("--picture <file>", "picture to show to a model that sees; may be repeated"),
    ],
    does: async ([model = "", message = ""], flags, server) => {
      const { chat } = await import("./chat.ts");
      const shape = {
        system: text,
        temperature: number,
        topP: number,
        topK: number,
        maxTokens: number,
        seed: number,
        stop: words,
        conversation: text,
        kb: words,
        picture: words,
      };
      return { document: await chat(server(), model, message, take(shape, flags)), text: null };
    },
  });
  verb({
    name: "retire <live>",
    about: "End a live model for good; unregister its aliases first.",
    example: "espalier retire support-bot_d_1_int8",
    options: [new Option("--yes", "do not ask")],
    does: async ([model = ""], flags, server) =>
      document(await (await import("./stages.ts")).retire(server(), model, take({ yes }, flags))),
  });
  verb({
    name: "unregister <alias>",
    about: "Free an alias; the live model stays.",
    example: "espalier unregister support",
    options: [new Option("--yes", "do not ask")],
    does: async ([alias = ""], flags, server) =>
      document(await (await import("./stages.ts")).unregister(server(), alias, take({ yes }, flags))),
  });
  for (const [name, about] of [
    ["stop", "Take a live model out of service and free its memory."],
    ["start", "Put a stopped live model back into service."],
  ] as const)
    verb({
      name: `${name} <live>`,
      about,
      example: `espalier ${name} support-bot_d_1_int8`,
      does: async ([model = ""], _flags, server) =>
        document(await (await import("./stages.ts")).setService(server(), model, name)),
    });
  verb({
    name: "export <model>",
    about: "Write a model's files into a folder: Hugging Face, PEFT, or the GGUF file.",
    example: "espalier export support-bot-complete --to ./support-bot-complete",
    options: [required("--to <dir>", "a folder that does not exist or is empty")],
    does: async ([model = ""], flags, server) => {
      const { exportModel } = await import("./export.ts");
      return document(await exportModel(server(), model, take({ to: z.string() }, flags)));
    },
  });
}

function declareLists({ parent, verb }: Declared): void {
  verb({
    name: "list <kind>",
    about:
      "List bases, datasets, customized, complete, live, registered, third-party, kbs, assessments, suites, trainings, methods, trainers, runs or trash, newest first.",
    example: "espalier list live --json",
    options: [numberOption("--limit <number>", "at most so many", { min: 1, whole: true })],
    does: async ([kind = ""], flags, server) => {
      const { list } = await import("./lists.ts");
      return document(await list(server(), kind, take({ limit: number }, flags)));
    },
  });
  verb({
    name: "show <name>",
    about: "Show a model, alias, dataset, knowledge base, training or anything with an id.",
    example: "espalier show support-bot",
    does: async ([name = ""], _flags, server) =>
      document(await (await import("./lists.ts")).show(server(), name)),
  });
  verb({
    name: "rename <name> <new>",
    about: "Give a base, customized, complete or live model, a dataset or a training another name.",
    example: "espalier rename smollm_train_20260131_1 support-bot",
    does: async ([name = "", wanted = ""], _flags, server) =>
      document(await (await import("./stages.ts")).rename(server(), name, wanted)),
  });
  verb({
    name: "delete <name>",
    about: "Delete a model, dataset, knowledge base, training, live model or alias.",
    example: "espalier delete support-bot --yes",
    options: [new Option("--yes", "do not ask, and also delete what depends on it")],
    does: async ([name = ""], flags, server) => {
      const { remove } = await import("./stages.ts");
      return document(await remove(server(), name, take({ yes }, flags)));
    },
  });
  verb({
    name: "undelete <name>",
    about: "Bring back what was deleted within the last seven days, with what went along.",
    example: "espalier undelete support-bot",
    does: async ([name = ""], _flags, server) =>
      document(await (await import("./stages.ts")).undelete(server(), name)),
  });
  verb({
    name: "purge <name>",
    about: "Delete for good what was deleted: it cannot come back any more.",
    example: "espalier purge support-bot --yes",
    options: [new Option("--yes", "do not ask")],
    does: async ([name = ""], flags, server) =>
      document(await (await import("./stages.ts")).purge(server(), name, take({ yes }, flags))),
  });
  const run = group(parent, "run", "Background work.");
  for (const [name, about] of [
    ["show", "Show a run with the end of its log."],
    ["wait", "Wait for a run's end; the exit code says how it ended."],
    ["cancel", "Ask a run to end."],
    ["retry", "Try a failed or cancelled run again, as a new run."],
  ] as const)
    verb({
      under: run,
      name: `${name} <id>`,
      about,
      example: `espalier run ${name} run_01kaz3…`,
      does: async ([id = ""], _flags, server) => {
        const lists = await import("./lists.ts");
        const does = {
          show: lists.showRun,
          wait: lists.awaitRun,
          cancel: lists.cancelRun,
          retry: lists.retryRun,
        };
        return document(await does[name](server(), id));
      },
    });
}

function declareKeys({ parent, deps, verb }: Declared): void {
  const key = group(parent, "key", "API keys.");
  verb({
    under: key,
    name: "create",
    about: "Make an API key and show its secret once: on the server, or with --data in a data folder.",
    example: "espalier key create --data ./data --name scripts",
    options: [
      new Option("--data <dir>", "make it in this data folder, beside or without a server"),
      new Option("--name <name>", "what it is for").default("command line"),
      new Option("--scopes <list>", "what it opens, with commas between").default("admin"),
      new Option("--project <project>", "with --data: the project's name or id; the first one when unsaid"),
    ],
    does: async (_, flags, server) => {
      const { data, name, scopes, ...rest } = take(
        { data: text, name: z.string(), scopes: z.string(), project: text },
        flags,
      );
      const wanted = scopes.split(",").map((scope) => scope.trim());
      if (wanted.includes(""))
        throw usage(`--scopes ${scopes} is not understood`, "Say e.g. --scopes read,chat.");
      if (data !== undefined)
        return document(await deps.local.keyCreate({ data, name, scopes: wanted, ...rest }));
      if ("project" in rest)
        throw usage("--project goes with --data", "On the server a key is of the project of yours.");
      return document(await (await import("./lists.ts")).createKey(server(), { name, scopes: wanted }));
    },
  });
  verb({
    under: key,
    name: "list",
    about: "List the API keys, without their secrets.",
    example: "espalier key list",
    does: async (_, _flags, server) => document(await (await import("./lists.ts")).listKeys(server())),
  });
  verb({
    under: key,
    name: "revoke <key>",
    about: "Make an API key void at once, by its id or name.",
    example: "espalier key revoke scripts",
    does: async ([id = ""], _flags, server) =>
      document(await (await import("./lists.ts")).revokeKey(server(), id)),
  });
}
