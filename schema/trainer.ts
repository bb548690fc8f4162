// The contract between server and trainer: every message of /trainer/v1 as a Zod schema, and the methods' parameters.
// scripts/trainer-schema.ts prints it as schema/trainer.json, by which the Python side checks what it sends and gets.
import { z } from "zod";
import { sftParameters } from "./trainer-sft.ts";

export { type SftParameters, sftParameters } from "./trainer-sft.ts";

/** Both sides must say exactly this; anything else is 409 CONTRACT_VERSION_MISMATCH at hello. */
export const contractVersion = "espalier-trainer/1";

/** Longest time (ms) that the server holds a lease request open. */
export const leaseWaitMs = 20_000;

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const sizeBytes = z.int().min(0);
const atMs = z.int().min(0).describe("Milliseconds since 1970-01-01 UTC.");
const attempt = z.int().min(1).describe("Fencing token of the lease; an older one gets 409 STALE_ATTEMPT.");
const step = z.int().min(0).describe("Optimizer steps done.");
const shortText = z.string().max(4000);
/** One path segment: no slash, no leading dot, so it can never leave its folder. */
export const artifactName = z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/);
/** A relative path of such segments. */
const fileName = z
  .string()
  .regex(/^[A-Za-z0-9_][A-Za-z0-9._+-]*(\/[A-Za-z0-9_][A-Za-z0-9._+-]*)*$/)
  .max(512);
const jsonObject = z.record(z.string(), z.unknown());

/** Any refusal's body. */
export const errorBody = z.strictObject({
  error: z.strictObject({
    code: z.string().regex(/^[A-Z][A-Z0-9_]*$/),
    message: z.string(),
    hint: z.string().nullish(),
    field: z.string().nullish(),
    value: z.string().nullish(),
  }),
});

/** Read this from a hello before anything else: the rest of another version's hello may look different. */
export const helloEnvelope = z.looseObject({ contractVersion: z.string().max(200) });

/** POST /trainer/v1/hello, at start and again after 404 TRAINER_NOT_FOUND. */
export const helloRequest = z.strictObject({
  contractVersion: z.literal(contractVersion),
  name: z.string().min(1).max(200).describe("Name of this trainer, unique among the trainers of a server."),
  host: z.strictObject({
    hostname: z.string(),
    os: z.string(),
    arch: z.string(),
    python: z.string(),
    packages: z.record(z.string(), z.string()).describe("Versions of torch, transformers, peft …"),
    cpuCount: z.int().min(1),
    memoryBytes: sizeBytes,
  }),
  devices: z
    .array(z.strictObject({ kind: z.enum(["cpu", "cuda", "mps"]), name: z.string(), memoryBytes: sizeBytes }))
    .min(1)
    .describe("What it can train on, the best first."),
  methods: z.array(
    z.strictObject({
      name: z.string(),
      title: z.string(),
      description: z.string(),
      parameters: jsonObject.describe(
        "JSON Schema of the method's parameters; forms and docs are made from it.",
      ),
    }),
  ),
});
export const helloResponse = z.strictObject({
  trainerId: z.string().min(1),
  contractVersion: z.literal(contractVersion),
  heartbeatMs: z.int().min(100).describe("How often to send a heartbeat while a run is held."),
});

/** How busy the trainer's machine is; said with each lease and heartbeat, shown to people, kept nowhere. */
const machineLoad = z.strictObject({
  cpuShare: z.number().min(0).max(1).describe("Share of all cores that worked since it was last said."),
  memoryBytes: sizeBytes.describe("Memory in use on the machine."),
  gpus: z
    .array(
      z.strictObject({
        share: z
          .number()
          .min(0)
          .max(1)
          .optional()
          .describe("Share of the time in which it worked, where known."),
        memoryBytes: sizeBytes.describe("Its memory in use, by whomever."),
      }),
    )
    .max(64)
    .describe("In the order of hello's devices of the kind cuda; empty before the first training on one."),
});

/** POST /trainer/v1/lease: waits up to `waitMs` for a run; 204 when there is none. */
export const leaseRequest = z.strictObject({
  trainerId: z.string().min(1),
  waitMs: z.int().min(0).max(leaseWaitMs),
  load: machineLoad.optional(),
});
/** A file that a run needs. `path` is offered as a shortcut on the same machine; `url` always works. */
export const leaseFile = z.strictObject({
  role: z.enum(["base", "dataset"]),
  name: fileName.describe("Path inside the base model's folder, or the dataset's file name."),
  sha256,
  sizeBytes,
  url: z.string().startsWith("/trainer/v1/blobs/").describe("Path on the server, with Range."),
  path: z.string().optional().describe("Absolute path; used when it exists there with this size."),
});
/**
 * What to train, frozen when the run was created. The dataset is JSONL, one object a row, each either
 * `{"messages": [{"role", "content"}, …]}` (loss on the assistant's turns) or `{"prompt", "completion"}`
 * (loss on the completion). Validation split, order and weights follow from `parameters.seed`.
 */
export const trainSpec = z.strictObject({
  method: z.string().describe("One of the methods named in hello; unknown ones fail with UNKNOWN_METHOD."),
  model: z.strictObject({ name: z.string().describe("Name of the Customized Model that is made.") }),
  base: z.strictObject({
    name: z.string(),
    format: z
      .enum(["hf", "gguf"])
      .describe("hf: folder with config.json and safetensors; gguf: one .gguf file."),
  }),
  dataset: z.strictObject({ name: z.string(), version: z.int().min(1) }),
  parameters: jsonObject.describe("As the method's JSON Schema says; missing ones take their defaults."),
  save: z
    .boolean()
    .describe("Whether the server then saves a Complete Model; nothing for the trainer to do."),
});
export const leaseResponse = z.strictObject({
  run: z.strictObject({
    id: z.string().regex(/^[A-Za-z0-9_-]{1,128}$/),
    attempt,
    kind: z.literal("train"),
    spec: trainSpec,
    resumeFrom: z
      .strictObject({ artifactSha256: sha256, sizeBytes, step, path: z.string().optional() })
      .optional()
      .describe("Latest checkpoint of an earlier attempt; fetched from /trainer/v1/blobs/{artifactSha256}."),
  }),
  leaseMs: z.int().min(100).describe("The lease is lost when no heartbeat arrives for this long."),
  files: z.array(leaseFile).min(2),
});

/** POST /trainer/v1/runs/{id}/heartbeat. */
export const heartbeatRequest = z.strictObject({
  attempt,
  lastSeq: z.int().min(0).describe("Number of the last event made so far."),
  load: machineLoad.optional(),
});
export const heartbeatResponse = z.strictObject({ leaseUntil: atMs, cancelRequested: z.boolean() });

const eventBase = { seq: z.int().min(1), at: atMs };
const finite = z.number();
/** One event. `seq` counts from 1 in each attempt without gaps; a number seen before is ignored. */
export const trainerEvent = z.discriminatedUnion("type", [
  z.strictObject({
    ...eventBase,
    type: z.literal("state"),
    phase: z.enum(["fetching", "loading", "data", "training", "saving"]),
    message: shortText,
  }),
  z.strictObject({
    ...eventBase,
    type: z.literal("metrics"),
    step,
    totalSteps: step,
    epoch: finite.min(0),
    loss: finite.optional().describe("Mean loss per trained token since the last metrics event."),
    evalLoss: finite.optional().describe("Mean loss per trained token over the validation rows."),
    learningRate: finite.min(0).optional(),
    gradNorm: finite.min(0).optional().describe("Before clipping."),
    tokensPerSecond: finite.min(0).optional(),
    memoryBytes: sizeBytes.optional().describe("Resident memory on a CPU, peak allocated on a GPU."),
    etaSeconds: finite.min(0).optional(),
  }),
  z.strictObject({
    ...eventBase,
    type: z.literal("log"),
    level: z.enum(["info", "warning", "error"]),
    message: shortText,
  }),
  z.strictObject({
    ...eventBase,
    type: z.literal("sample"),
    step,
    prompt: z.string().max(8000),
    text: z.string().max(8000).describe("What the model answers now (greedy)."),
    reference: z.string().max(8000).describe("What the dataset says."),
  }),
  z.strictObject({
    ...eventBase,
    type: z.literal("checkpoint"),
    step,
    name: artifactName,
    sha256,
    sizeBytes,
  }),
]);
/** POST /trainer/v1/runs/{id}/events: in order; those already known are skipped, a gap is 409 EVENT_GAP. */
export const eventsRequest = z.strictObject({ attempt, events: z.array(trainerEvent).min(1).max(500) });
export const eventsResponse = z.strictObject({
  lastSeq: z.int().min(0).describe("Last number the server holds."),
});

/**
 * PUT /trainer/v1/runs/{id}/artifacts/{name}: body is the bytes, with the headers X-Sha256 and X-Attempt.
 * Sent before the event or finish that names it; sending the same bytes again is fine.
 */
export const artifactResponse = z.strictObject({ name: artifactName, sha256, sizeBytes });

/** The trainer's own failure codes; the server may show others as they come. */
export const trainerErrorCode = z.enum([
  "BAD_BASE_MODEL",
  "BAD_CHECKPOINT",
  "BAD_DATA",
  "BAD_PARAMETERS",
  "DISK_FULL",
  "LOSS_NOT_FINITE",
  "NETWORK_LOST",
  "OUT_OF_MEMORY",
  "ROWS_ALL_TOO_LONG",
  "TRAINER_FAILED",
  "UNKNOWN_METHOD",
]);
const trainResult = z.strictObject({
  steps: step,
  totalSteps: step,
  trainLoss: finite.nullable().describe("Mean of the last up to 10 steps' losses."),
  evalLoss: finite.nullable().describe("After the last step; null without validation rows."),
  trainRows: z.int().min(0),
  validationRows: z.int().min(0),
  skippedRows: z
    .int()
    .min(0)
    .describe("Rows that no longer had a trained token after cutting to max_length."),
  trainedTokens: z.int().min(0),
  trainableParameters: z.int().min(0),
  durationMs: z.int().min(0),
  parameters: jsonObject.describe("All parameters as used, defaults filled in."),
});
/**
 * POST /trainer/v1/runs/{id}/finish: the last message of an attempt; sending it again is fine. On success
 * `artifacts` names the PEFT folder (adapter_config.json, adapter_model.safetensors, README.md, spec.json).
 */
export const finishRequest = z.strictObject({
  attempt,
  status: z.enum(["succeeded", "failed", "cancelled"]),
  error: z.strictObject({ code: trainerErrorCode, message: shortText, hint: shortText }).optional(),
  artifacts: z.array(artifactResponse),
  result: trainResult.optional(),
});
export const finishResponse = z.strictObject({ status: z.string() });

/** POST /trainer/v1/runs/{id}/release: the trainer ends; the run goes back to the queue at once, this attempt not counted. */
export const releaseRequest = z.strictObject({ attempt });
export const releaseResponse = z.strictObject({ status: z.string() });

/** POST /trainer/v1/goodbye: the trainer ends and asks for nothing more until it says hello again; answered 204. */
export const goodbyeRequest = z.strictObject({ trainerId: z.string().min(1) });

/** All messages by the name they have under $defs in schema/trainer.json. */
export const trainerMessages = {
  ErrorBody: errorBody,
  HelloRequest: helloRequest,
  HelloResponse: helloResponse,
  LeaseRequest: leaseRequest,
  LeaseResponse: leaseResponse,
  HeartbeatRequest: heartbeatRequest,
  HeartbeatResponse: heartbeatResponse,
  EventsRequest: eventsRequest,
  EventsResponse: eventsResponse,
  ArtifactResponse: artifactResponse,
  FinishRequest: finishRequest,
  FinishResponse: finishResponse,
  ReleaseRequest: releaseRequest,
  ReleaseResponse: releaseResponse,
  GoodbyeRequest: goodbyeRequest,
  SftParameters: sftParameters,
} as const;

export type MachineLoad = z.infer<typeof machineLoad>;
export type HelloRequest = z.infer<typeof helloRequest>;
export type HelloResponse = z.infer<typeof helloResponse>;
export type LeaseRequest = z.infer<typeof leaseRequest>;
export type LeaseFile = z.infer<typeof leaseFile>;
export type TrainSpec = z.infer<typeof trainSpec>;
export type LeaseResponse = z.infer<typeof leaseResponse>;
export type HeartbeatRequest = z.infer<typeof heartbeatRequest>;
export type HeartbeatResponse = z.infer<typeof heartbeatResponse>;
export type TrainerEvent = z.infer<typeof trainerEvent>;
export type EventsRequest = z.infer<typeof eventsRequest>;
export type EventsResponse = z.infer<typeof eventsResponse>;
export type ArtifactResponse = z.infer<typeof artifactResponse>;
export type FinishRequest = z.infer<typeof finishRequest>;
export type FinishResponse = z.infer<typeof finishResponse>;

/** The whole contract as one JSON Schema document with sorted keys; what schema/trainer.json holds. */
export function trainerContractJson(): string {
  const defs: Record<string, unknown> = {};
  for (const [name, schema] of Object.entries(trainerMessages)) {
    const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: "input", reused: "inline" });
    defs[name] = rest;
  }
  const document = {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "Espalier trainer contract",
    contractVersion,
    $defs: defs,
  };
  return `${JSON.stringify(sortKeys(document), null, 2)}\n`;
}

// A schema's `properties` keep their order: it is the order in which a form shows the parameters.
function sortKeys(value: unknown, keepOrder = false): unknown {
  if (Array.isArray(value)) return value.map((item) => sortKeys(item));
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value);
  if (!keepOrder) entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return Object.fromEntries(entries.map(([key, item]) => [key, sortKeys(item, key === "properties")]));
}
