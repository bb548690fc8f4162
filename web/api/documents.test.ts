// Every GraphQL document of the UI is valid against the committed SDL, and the generated types are of that SDL.
import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { buildSchema, parse, validate } from "graphql";

const web = join(import.meta.dir, "..");
const schema = buildSchema(readFileSync(join(web, "../schema/schema.graphql"), "utf8"));
const documents = readdirSync(web, { recursive: true, encoding: "utf8" })
  .filter((path) => /\.tsx?$/.test(path) && !path.startsWith("dist") && !path.includes(".test."))
  .flatMap((path) =>
    [...readFileSync(join(web, path), "utf8").matchAll(/graphql\(\s*`([^`]*)`/g)].map((match) => ({
      path,
      text: match[1] ?? "",
    })),
  );

test("the UI has documents at all", () => {
  expect(documents.length).toBeGreaterThan(30);
});

test.each(
  documents.map(({ path, text }) => [path, /(query|mutation|subscription) (\w+)/.exec(text)?.[2], text]),
)("%s: %s is valid", (_path, _name, text) => {
  expect(validate(schema, parse(text ?? "")).map((error) => error.message)).toEqual([]);
});

test("generated types and strings are current", async () => {
  for (const script of ["generate.ts", "../locales/extract.ts"]) {
    const child = Bun.spawn([process.execPath, join(import.meta.dir, script), "--check"], { stderr: "pipe" });
    expect(await new Response(child.stderr).text()).toBe("");
    expect(await child.exited).toBe(0);
  }
});
