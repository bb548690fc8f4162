// Every mutation answers a wrong request with a typed error of its union: code, message, mend, field and value.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { isObjectType, isUnionType } from "graphql";
import { z } from "zod";
import { scopeOf } from "../src/api/authorise.ts";
import { schema } from "../src/api/schema.ts";
import { writeToyModel } from "../src/inference/toy.test-kit.ts";
import { refusals } from "./refusals.ts";
import { startWorld, type World } from "./world.ts";

let world: World;
beforeAll(async () => {
  world = await startWorld([["owner"]]);
  await writeToyModel(join(world.folder, "toy"));
  const imported = await world.act(
    'mutation ($path: String!) { importModel(input: { name: "toy", path: $path }) { __typename ... on ImportModelSuccess { run { id } } } }',
    { path: join(world.folder, "toy") },
  );
  await world.succeeded(z.looseObject({ run: z.object({ id: z.string() }) }).parse(imported).run.id);
}, 60_000);
afterAll(() => world?.close());

/** Whoever may ask may choose any of its values. */
const NEVER_REFUSED = ["setLook", "setLanguage", "readNotifications", "setNotificationPreference"];

const failure = z.object({
  __typename: z.string(),
  code: z.string(),
  text: z.string(),
  hint: z.string().nullable(),
  field: z.string().nullable(),
  value: z.string().nullable(),
});

/** The import of the toy, which has succeeded. */
async function endedRun(): Promise<string> {
  const runs = z.object({ runs: z.object({ nodes: z.array(z.object({ id: z.string() })) }) });
  return runs.parse(await world.graphql("{ runs(last: 1) { nodes { id } } }")).runs.nodes[0]?.id ?? "";
}

const mutations = Object.values(schema.getMutationType()?.getFields() ?? {});

test("every mutation has a refusal here, and its union holds one success and the typed errors", () => {
  expect([...Object.keys(refusals), ...NEVER_REFUSED].sort()).toEqual(
    mutations.map(({ name }) => name).sort(),
  );
  for (const { name, type } of mutations) {
    const union = schema.getType(String(type).replace("!", ""));
    if (!isUnionType(union)) throw new Error(`${name} answers no union`);
    const [success, ...others] = union
      .getTypes()
      .toSorted((a, b) => Number(b.name.endsWith("Success")) - Number(a.name.endsWith("Success")));
    expect([name, union.name.replace(/Result$/, "Success")]).toEqual([name, success?.name ?? ""]);
    expect(others.map((one) => one.name).sort()).toEqual(["InputError", "NotFoundError", "RefusedError"]);
    for (const one of others)
      expect(isObjectType(one) && one.getInterfaces().map((face) => face.name)).toEqual(["UserError"]);
  }
});

for (const [name, calls] of Object.entries(refusals))
  describe(name, () => {
    test.each(calls)("%s", async (call, { type, code, field }) => {
      const told = call.replace("$RUN", await endedRun()).replace("$TOY", join(world.folder, "toy"));
      const query = `mutation { ${name}${told} {
        __typename ... on UserError { code text: message hint field value } } }`;
      const mutation = mutations.find((one) => one.name === name);
      const key = world.key(mutation && scopeOf(mutation) === "owner" ? "owner" : "admin");
      const answer = failure.parse(Object.values(await world.graphql(query, {}, key))[0]);
      expect([answer.__typename, answer.code]).toEqual([type, code]);
      if (field) expect(answer.field).toBe(field);
      expect(answer.text.length).toBeGreaterThan(10);
      expect(answer.text).not.toContain("undefined");
    });
  });
