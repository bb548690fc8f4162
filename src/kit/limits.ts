// Every limit of the product in one place; each is named in the error that enforces it.

const KiB = 1024;
const MiB = 1024 * KiB;
const GiB = 1024 * MiB;

export const limits = {
  /** Largest HTTP body outside /uploads. */
  requestBodyBytes: 16 * MiB,
  /** Largest multipart upload; bigger files go by resumable upload. */
  multipartUploadBytes: 64 * MiB,
  /** Largest resumable upload. */
  uploadBytes: 64 * GiB,
  /** Largest single line (or record) of a dataset. */
  datasetRecordBytes: 4 * MiB,
  /** Most rows in one dataset version. */
  datasetRows: 5_000_000,
  /** Most row errors kept and shown by one import. */
  datasetRowErrors: 100,
  /** Largest header of a safetensors file. */
  safetensorsHeaderBytes: 100 * MiB,
  /** Most tensors, or metadata keys, in a GGUF file. */
  ggufEntries: 1_000_000,
  /** Largest single text in GGUF metadata. */
  ggufTextBytes: 16 * MiB,
  /** Largest config, tokenizer or template file of a model folder. */
  modelJsonBytes: 128 * MiB,
  /** Longest that a chat template may run on one conversation. */
  templateMs: 2_000,
  /** Longest text that a chat template may make. */
  templateTextChars: 8 * MiB,
  /** Longest that an engine child may stay silent in a template before it is killed. */
  templateKillMs: 10_000,
  /** Longest conversation that the embedded engine holds, in tokens. */
  engineContextTokens: 32_768,
} as const;
