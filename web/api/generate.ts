// Makes web/generated/introspection.d.ts from schema/schema.graphql; with --check it only says whether that file is current.
import { readFile, writeFile } from "node:fs/promises";
import { minifyIntrospection, outputIntrospectionFile } from "gql.tada/internal";
import { buildSchema, introspectionFromSchema } from "graphql";

const sdlPath = new URL("../../schema/schema.graphql", import.meta.url);
const outPath = new URL("../generated/introspection.d.ts", import.meta.url);

const schema = buildSchema(await readFile(sdlPath, "utf8"));
const introspection = introspectionFromSchema(schema, { descriptions: false });
const minified = minifyIntrospection(JSON.parse(JSON.stringify(introspection)));
const text = outputIntrospectionFile(minified, { fileType: ".d.ts", shouldPreprocess: true });

if (process.argv.includes("--check")) {
  const current = await readFile(outPath, "utf8").catch(() => "");
  if (current !== text) {
    console.error("web/generated/introspection.d.ts is stale: run `bun web/api/generate.ts`");
    process.exit(1);
  }
} else {
  await writeFile(outPath, text);
}
