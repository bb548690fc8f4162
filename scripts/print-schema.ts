// Writes schema/schema.graphql from the code; with --check only says whether it is current (exit code 1 when not).
import { join } from "node:path";
import { printedSchema } from "../src/api/schema.ts";

const path = join(import.meta.dir, "../schema/schema.graphql");
const text = printedSchema();

if (process.argv.includes("--check")) {
  if ((await Bun.file(path).text()) !== text) {
    console.error("schema/schema.graphql is stale: run `bun scripts/print-schema.ts`");
    process.exit(1);
  }
} else {
  await Bun.write(path, text);
}
