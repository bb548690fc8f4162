// Every GraphQL document of the UI is valid against the committed SDL, and the generated types are of that SDL.
import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import {
  buildSchema,
  getNamedType,
  parse,
  print,
  TypeInfo,
  validate,
  visit,
  visitWithTypeInfo,
} from "graphql";

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

test.each(
  documents.map(({ path, text }) => [path, /(query|mutation|subscription) (\w+)/.exec(text)?.[2], text]),
)("%s: %s reads its lists on, or says how many it wants", (_path, _name, text) => {
  const cut: string[] = [];
  const types = new TypeInfo(schema);
  visit(
    parse(text ?? ""),
    visitWithTypeInfo(types, {
      Field(field) {
        if (!getNamedType(types.getType())?.name.endsWith("Connection")) return;
        const said = print(field);
        const readsOn =
          said.includes(`after: $${field.name.value}`) && /pageInfo \{[^}]*endCursor/.test(said);
        const wanted = /(?:first|last): (\d+)/.exec(said)?.[1];
        if (!readsOn && (wanted === undefined || Number(wanted) === 200)) cut.push(said);
      },
    }),
  );
  expect(cut).toEqual([]);
});

test("generated types are current", async () => {
  const check = [process.execPath, join(import.meta.dir, "generate.ts"), "--check"];
  const child = Bun.spawn(check, { stderr: "pipe" });
  expect(await new Response(child.stderr).text()).toBe("");
  expect(await child.exited).toBe(0);
}, 60_000);
