// Front door of knowledge bases: what reads documents and cuts them into chunks.
export type { Chunk, ChunkSettings, CountTokens } from "./chunking.ts";
export type { Block, ParsedDocument } from "./documents/document.ts";
export { type DocumentReader, type DocumentReaderDeps, runDocumentReader } from "./documents/reader.ts";
