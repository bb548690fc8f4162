// The verbs of this machine, which need no server.
import { Option } from "commander";
import { z } from "zod";
import { newSecret } from "../kit/ids.ts";
import { dataOption, document, group, number, take, text, yes } from "./flags.ts";
import { EXIT } from "./outcome.ts";
import { type Declared, numberOption } from "./program.ts";

const doctorShape = z.object({
  ok: z.boolean(),
  checks: z.array(
    z.object({ name: z.string(), ok: z.boolean(), isOptional: z.boolean(), detail: z.string() }),
  ),
});

/** Declares serve, trainer, engine, doctor, config, backup, restore, user, version and completion. */
export function declareLocal({ parent, deps, verb }: Declared): void {
  const { local } = deps;
  verb({
    name: "serve",
    about: "Run the server; prints one line of JSON with its address when it is ready.",
    example: "espalier serve --data ./data --port 7420",
    options: [
      dataOption,
      new Option("--host <host>", "address to listen on (ESPALIER_HOST)"),
      numberOption("--port <port>", "port to listen on, 0 for a free one (ESPALIER_PORT)", {
        min: 0,
        whole: true,
      }),
      new Option("--public-url <url>", "address for people beyond this machine (ESPALIER_PUBLIC_URL)"),
      new Option("--sample-model <file>", "import this model and the sample dataset at the first start"),
      new Option("--with-trainer", "start a trainer on this machine too"),
      new Option("--trainer-python <python>", "Python of that trainer (ESPALIER_TRAINER_PYTHON)"),
      new Option("--trainer-venv <dir>", "where its environment is made once (ESPALIER_TRAINER_VENV)"),
      new Option("--cache <dir>", "folder of files that can be made again (ESPALIER_CACHE_DIR)"),
      new Option(
        "--memory-budget <size>",
        "most memory of all loaded models, e.g. 6GiB (ESPALIER_MEMORY_BUDGET)",
      ),
      new Option(
        "--import-dir <dirs>",
        "folders, separated by colons, from which models are imported by path (ESPALIER_IMPORT_DIRS)",
      ),
      new Option("--log-level <level>", "debug, info, warn, error or silent (ESPALIER_LOG)"),
    ],
    isLocal: true,
    does: async (_, flags) =>
      local.serve(
        take(
          {
            data: text,
            host: text,
            port: number,
            publicUrl: text,
            sampleModel: text,
            withTrainer: yes,
            trainerPython: text,
            trainerVenv: text,
            cache: text,
            memoryBudget: text,
            importDir: text,
            logLevel: text,
          },
          flags,
        ),
      ),
  });
  verb({
    name: "trainer",
    about: "Run a trainer that takes trainings from a server.",
    example: "espalier trainer --url http://127.0.0.1:7420 --token esp_…",
    options: [
      new Option("--url <url>", "the server (ESPALIER_URL)"),
      new Option("--token <token>", "an API key with the scope trainer or admin (ESPALIER_KEY)"),
      new Option("--python <python>", "Python that has the trainer's packages (ESPALIER_TRAINER_PYTHON)"),
      new Option("--venv <dir>", "where its environment is made once (ESPALIER_TRAINER_VENV)"),
    ],
    isLocal: true,
    does: async (_, flags) => ({
      document: await local.trainer(take({ url: text, token: text, python: text, venv: text }, flags)),
      text: null,
    }),
  });
  verb({
    name: "engine",
    about: "Run an inference child; the server starts these itself.",
    example: "espalier engine",
    isLocal: true,
    does: async (args) => local.engine(args),
  });
  verb({
    name: "doctor",
    about: "Check this machine, the data folder and the server; what is wrong comes with its mend.",
    example: "espalier doctor --data ./data",
    options: [
      dataOption,
      new Option("--host <host>", "address that the server shall listen on (ESPALIER_HOST)"),
      numberOption("--port <port>", "port that the server shall listen on (ESPALIER_PORT)", {
        min: 0,
        whole: true,
      }),
      new Option("--trainer-venv <dir>", "the trainer's environment (ESPALIER_TRAINER_VENV)"),
    ],
    isLocal: true,
    does: async (_, flags) => {
      const known = take({ data: text, host: text, port: number, trainerVenv: text }, flags);
      const found = await local.doctor(known);
      const { ok, checks } = doctorShape.parse(found);
      const lines = checks.map((one) => {
        const mark = one.ok ? "ok     " : one.isOptional ? "none   " : "FAILED ";
        return `${mark} ${one.name.padEnd(22)} ${one.detail}\n`;
      });
      return { document: found, exitCode: ok ? EXIT.done : EXIT.failed, text: lines.join("") };
    },
  });
  const config = group(parent, "config", "Settings.");
  verb({
    under: config,
    name: "print",
    about: "Show every setting with its value and where that came from.",
    example: "espalier config print",
    options: [dataOption],
    isLocal: true,
    does: async (_, flags) => document(await local.configPrint(take({ data: text }, flags))),
  });
  verb({
    name: "backup <file>",
    about: "Write database and files of a data folder into one file, also while the server runs.",
    example: "espalier backup espalier-backup.tar --data ./data",
    options: [dataOption],
    isLocal: true,
    does: async ([file = ""], flags) =>
      document(await local.backup({ ...take({ data: text }, flags), file })),
  });
  verb({
    name: "restore <file>",
    about: "Make an empty data folder what it was when the backup was written.",
    example: "espalier restore espalier-backup.tar --data ./restored --verify",
    options: [dataOption, new Option("--verify", "check the SHA-256 of every file")],
    isLocal: true,
    does: async ([file = ""], flags) => {
      const { verify, ...rest } = take({ data: text, verify: yes }, flags);
      return document(await local.restore({ ...rest, file, verify: verify ?? false }));
    },
  });
  const user = group(parent, "user", "People who sign in, in a data folder.");
  for (const [name, about] of [
    ["create", "Make a person who may sign in."],
    ["reset", "Give a person a new password and end their sessions."],
  ] as const)
    verb({
      under: user,
      name,
      about: `${about} Without a password one is made and shown.`,
      example: `espalier user ${name} --data ./data --name anna --password-stdin < password.txt`,
      options: [
        dataOption,
        new Option("--name <name>", "the person's name").default("admin"),
        new Option("--password-stdin", "read the password from standard input"),
        new Option(
          "--password <password>",
          "the password; other people of this machine may see it while this runs",
        ),
        ...(name === "create"
          ? [
              new Option(
                "--role <role>",
                "owner, admin, member or viewer; owner for the first person, else member",
              ),
            ]
          : []),
      ],
      isLocal: true,
      does: async (_, flags) => {
        const { passwordStdin, password, ...rest } = take(
          { data: text, name: z.string(), password: text, passwordStdin: yes, role: text },
          flags,
        );
        const given = passwordStdin ? (await Bun.stdin.text()).replace(/\r?\n$/, "") : password;
        const made = { ...rest, password: given ?? newSecret(12) };
        const person = await (name === "create" ? local.userCreate(made) : local.userReset(made));
        if (given !== undefined || typeof person !== "object" || person === null) return document(person);
        return document({ ...person, password: made.password });
      },
    });
  verb({
    name: "version",
    about: "Show the version.",
    example: "espalier version --json",
    isLocal: true,
    does: async () => document(local.version()),
  });
  verb({
    name: "completion <shell>",
    about: "Print the completion script for bash, zsh or fish.",
    example: "espalier completion bash > ~/.local/share/bash-completion/completions/espalier",
    isLocal: true,
    does: async ([shell = ""]) => {
      const { completion } = await import("./completion.ts");
      const script = completion(shell, parent);
      return { document: { shell, script }, text: script };
    },
  });
}
