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
} as const;
