// Every query of the web UI is answered by a server: the cost limit that grows with the schema refuses none of them.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { startWorld, type World } from "./world.ts";

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world?.close());

const web = join(import.meta.dir, "../web");
const answer = z.object({ errors: z.array(z.object({ message: z.string() })).default([]) });

test("no query of the web UI costs more than is allowed", async () => {
  const refused: string[] = [];
  let tried = 0;
  for (const path of new Bun.Glob("**/*.{ts,tsx}").scanSync(web))
    for (const [, query = ""] of readFileSync(join(web, path), "utf8").matchAll(/graphql\(\s*`([^`]+)`/g)) {
      const name = /^\s*query (\w+)/.exec(query)?.[1];
      if (!name) continue;
      tried++;
      const response = await world.fetch("/graphql", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ query, variables: { id: "cnv_none" } }),
      });
      for (const { message } of answer.parse(await response.json()).errors)
        if (/costs \d+ points/.test(message)) refused.push(`${name}: ${message}`);
    }
  expect(refused).toEqual([]);
  expect(tried).toBeGreaterThan(30);
});
