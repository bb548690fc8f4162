// What the executable carries packed: its native libraries, and its embedder. In development there is none of it:
// scripts/build.ts puts its own text in the place of this file, which names the packed copies that it embeds.

export type EmbeddedFiles = {
  /** SHA-256 over the names and contents of all files: the name of the folder they are unpacked to. */
  hash: string;
  /** `source` is a path inside the executable to a zstd stream of `sizeBytes` once unpacked. */
  files: readonly { name: string; source: string; sizeBytes: number }[];
};

export const embeddedNatives: EmbeddedFiles | null = null;
export const embeddedEmbedder: EmbeddedFiles | null = null;
