// The lifecycle as requests to a server, each of which can be sent, looked for and waited for: import to register.
import { z } from "zod";
import { type Server, until } from "./crash.test-kit.ts";

const WAIT_MS = 120_000;
const ERRORS = "... on UserError { code text: message }";
const withRun = z.looseObject({ run: z.object({ id: z.string() }) });
const runList = z.object({
  runs: z.object({ edges: z.array(z.object({ node: z.object({ id: z.string(), status: z.string() }) })) }),
});
const madeUpload = z.object({ id: z.string() });
const aliasList = z.object({
  registeredModels: z.object({ edges: z.array(z.object({ node: z.object({ id: z.string() }) })) }),
});

/** One request of the lifecycle. `find` looks for its trace on the server, `ask` sends it and returns what it made. */
export type Stage = {
  name: string;
  needsTrainer: boolean;
  find(server: Server): Promise<{ id: string; status: string } | null>;
  ask(server: Server): Promise<string>;
};

function runStage(
  name: string,
  kind: string,
  ask: (server: Server) => Promise<Record<string, unknown>>,
): Stage {
  return {
    name,
    needsTrainer: kind === "TRAIN",
    find: async (server) => {
      const query = `{ runs(kind: ${kind}, first: 5) { edges { node { id status } } } }`;
      return runList.parse(await server.graphql(query)).runs.edges[0]?.node ?? null;
    },
    ask: async (server) => withRun.parse(await ask(server)).run.id,
  };
}

export const mutation = (name: string, input: string, made = "run { id }"): string =>
  `mutation { ${name}(input: ${input}) { __typename ... on ${name[0]?.toUpperCase()}${name.slice(1)}Success { ${made} } ${ERRORS} } }`;

const ROWS = Array.from({ length: 24 }, (_, i) =>
  JSON.stringify({ prompt: `say ${"abc"[i % 3]}`, completion: "abc".charAt(i % 3).repeat(4) }),
);
export const PARAMETERS = `{ max_steps: 12, save_steps: 4, eval_steps: 6, logging_steps: 1, learning_rate: 0.01,
  per_device_train_batch_size: 2, validation_fraction: 0.2, seed: 5, dtype: "fp32" }`;

/** Every stage, from the toy model in a folder to an alias. */
export const stagesOf = (toy: string): Stage[] => [
  runStage("import-model", "IMPORT_MODEL", (server) =>
    server.act(mutation("importModel", `{ name: "toy", path: ${JSON.stringify(toy)} }`)),
  ),
  runStage("import-dataset", "IMPORT_DATASET", async (server) => {
    const bytes = new TextEncoder().encode(`${ROWS.join("\n")}\n`);
    const body = JSON.stringify({ name: "rows.jsonl", sizeBytes: bytes.length });
    const made = await server.fetch("/uploads", { method: "POST", body });
    const { id } = madeUpload.parse(await made.json());
    const headers = { "upload-offset": "0" };
    await server.fetch(`/uploads/${id}`, { method: "PATCH", headers, body: bytes });
    return server.act(mutation("importDataset", `{ name: "rows", uploadId: "${id}" }`));
  }),
  runStage("train", "TRAIN", (server) =>
    server.act(
      mutation(
        "startTraining",
        `{ name: "first", baseId: "toy", datasetVersionId: "rows", method: "sft", parameters: ${PARAMETERS} }`,
      ),
    ),
  ),
  runStage("save", "MERGE", (server) =>
    server.act(mutation("saveModel", `{ customizedId: "first", name: "whole" }`)),
  ),
  runStage("deploy", "DEPLOY", (server) =>
    server.act(mutation("deployModel", `{ modelId: "whole", name: "served", precision: FP32 }`)),
  ),
  {
    name: "register",
    needsTrainer: false,
    find: async (server) => {
      const query = "{ registeredModels { edges { node { id } } } }";
      const found = aliasList.parse(await server.graphql(query)).registeredModels.edges[0]?.node;
      return found ? { id: found.id, status: "SUCCEEDED" } : null;
    },
    ask: async (server) => {
      const made = await server.act(
        mutation("registerModel", `{ liveId: "served", alias: "helper" }`, "registered { id }"),
      );
      return z.looseObject({ registered: z.object({ id: z.string() }) }).parse(made).registered.id;
    },
  },
];

/** Asks for the stage's work unless the server knows of it, and waits for its end. Returns what it is. */
export async function drive(
  server: Server,
  stage: Stage,
  onAcknowledged?: (id: string) => void,
): Promise<string> {
  if (!(await stage.find(server))) {
    const made = await stage.ask(server);
    onAcknowledged?.(made);
  }
  return until(
    async () => {
      const now = await stage.find(server);
      if (!now || now.status === "QUEUED" || now.status === "RUNNING") return null;
      if (now.status !== "SUCCEEDED") throw new Error(`${stage.name} ended as ${now.status}`);
      return now.id;
    },
    WAIT_MS,
    `the end of ${stage.name}`,
  );
}
