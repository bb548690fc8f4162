// Builds the embedder that the executable carries, from the folder of all-MiniLM-L6-v2: bun scripts/embedder.ts FROM [TO]
import { join } from "node:path";
import { buildEncoder } from "../src/inference/engine/encoder-build.ts";
import { EMBEDDER_SOURCE } from "../src/kit/native.ts";

const [from, to = join(import.meta.dir, "..", EMBEDDER_SOURCE)] = process.argv.slice(2);
if (from === undefined) {
  console.error("embedder: name the model's folder; bin/build fetches it and does this");
  process.exit(2);
}
await buildEncoder(from, to, "int8");
console.log(`embedder: ${to}`);
