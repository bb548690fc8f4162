// The verbs about providers of third-party models, and about the key under which their keys are kept.
import { Option } from "commander";
import { z } from "zod";
import { dataOption, document, group, number, required, take, text, words, yes } from "./flags.ts";
import { type Declared, listOption, numberOption } from "./program.ts";

export function declareProviders({ parent, deps, verb }: Declared): void {
  const provider = group(parent, "provider", "Providers of third-party models.");
  verb({
    under: provider,
    name: "add",
    about: "Keep a provider with models of it, each then addressed as NAME/MODEL.",
    example: "espalier provider add --name openai --kind openai --model gpt-4o-mini --key-stdin < key.txt",
    options: [
      required("--name <name>", "first part of its models' names"),
      required("--kind <kind>", "openai, anthropic, google, ollama, openai-compatible …"),
      new Option(
        "--url <url>",
        "the provider's address, the kind's own when unsaid (the server is that of ESPALIER_URL)",
      ),
      listOption("--model <model>", "a model to use of it; may be repeated"),
      listOption(
        "--ability <ability>",
        "what these models can do, of text, vision, embedding, rerank; guessed when unsaid",
      ),
      new Option("--key-stdin", "read its key from standard input"),
      numberOption("--input-price <dollars>", "for a million tokens sent", { min: 0 }),
      numberOption("--output-price <dollars>", "for a million tokens received", { min: 0 }),
      numberOption("--requests-per-minute <number>", "ask no more often", { min: 1, whole: true }),
      new Option("--allow-private", "its address may be of this machine or its private network"),
    ],
    does: async (_, flags, server) => {
      const { addProvider, keyFromInput } = await import("./providers.ts");
      const shape = {
        name: z.string(),
        kind: z.string(),
        url: text,
        model: words,
        ability: words,
        keyStdin: yes,
        inputPrice: number,
        outputPrice: number,
        requestsPerMinute: number,
        allowPrivate: yes,
      };
      const { keyStdin, ...known } = take(shape, flags);
      return document(await addProvider(server(), known, keyStdin ? await keyFromInput() : undefined));
    },
  });
  verb({
    under: provider,
    name: "test <provider>",
    about: "Ask a provider's model for something small and show what it says.",
    example: "espalier provider test openai",
    options: [new Option("--model <model>", "which model; the first when unsaid")],
    does: async ([name = ""], flags, server) => {
      const { testProvider } = await import("./providers.ts");
      return document(await testProvider(server(), name, take({ model: text }, flags).model));
    },
  });
  verb({
    under: provider,
    name: "list",
    about: "List the providers with their models, without their keys.",
    example: "espalier provider list",
    options: [numberOption("--limit <number>", "at most so many", { min: 1, whole: true })],
    does: async (_, flags, server) =>
      document(
        await (await import("./providers.ts")).listProviders(server(), take({ limit: number }, flags)),
      ),
  });
  verb({
    under: provider,
    name: "remove <provider>",
    about: "Delete a provider with its key; `undelete` brings it back for seven days.",
    example: "espalier provider remove openai --yes",
    options: [new Option("--yes", "do not ask, and also delete its models")],
    does: async ([name = ""], flags, server) => {
      const { removeProvider } = await import("./providers.ts");
      return document(await removeProvider(server(), name, take({ yes }, flags)));
    },
  });
  verb({
    under: group(parent, "secret", "The key under which stored secrets are sealed."),
    name: "rotate",
    about:
      "Seal stored secrets under a new key: a fresh key file in the data folder, or the key of ESPALIER_SECRET_KEY.",
    example: "espalier secret rotate --data ./data",
    options: [
      dataOption,
      new Option("--previous-stdin", "read the previous key from standard input, where no key file holds it"),
    ],
    isLocal: true,
    does: async (_, flags) => {
      const { data, previousStdin } = take({ data: text, previousStdin: yes }, flags);
      const { keyFromInput } = await import("./providers.ts");
      const previous = previousStdin ? { previous: await keyFromInput() } : {};
      return document(await deps.local.rotateSecrets({ ...(data ? { data } : {}), ...previous }));
    },
  });
}
