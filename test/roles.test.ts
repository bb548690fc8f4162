// People of each role get as far as the table of roles says: every field of the schema and every route is tried.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { allRoles, opens, type Role, roleFor, scopesOfRole } from "../src/accounts/accounts.ts";
import { scopeOf } from "../src/api/authorise.ts";
import { schema } from "../src/api/schema.ts";
import { operation, rootsOf } from "./schema-walk.test-kit.ts";
import { startWorld, type World } from "./world.ts";

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world?.close());

const post = (path: string, body: string, headers: Record<string, string> = {}) =>
  fetch(`${world.server.url}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body,
  });

describe("every field of Query, Mutation and Subscription, by people of each role, over HTTP", () => {
  const cookies = new Map<Role, string>();
  beforeAll(async () => {
    const { accounts, close } = await world.beside();
    for (const role of allRoles) {
      const name = `some ${role}`;
      const password = "correct horse";
      await accounts.putUser({ name, password, role, reset: false });
      const body = JSON.stringify({ name, password });
      const session = await post("/auth/sign-in", body);
      cookies.set(role, (session.headers.get("set-cookie") ?? "").split(";", 1)[0] ?? "");
    }
    await close();
  }, 30_000);

  for (const role of allRoles)
    test(role, async () => {
      let refused = 0;
      for (const [kind, type] of rootsOf(schema))
        for (const field of Object.values(type.getFields())) {
          const scope = scopeOf(field);
          if (!scope) throw new Error("an authorised field without scope");
          const may = opens(scopesOfRole(role), scope);
          // What they may do would be done; that the guard lets it pass is shown by the queries.
          if (may && kind !== "query") continue;
          const headers = {
            cookie: cookies.get(role) ?? "",
            ...(kind === "subscription" ? { accept: "text/event-stream" } : {}),
          };
          const text = await (
            await post("/graphql", JSON.stringify({ query: operation(kind, field) }), headers)
          ).text();
          expect([field.name, text.includes("SCOPE_MISSING")]).toEqual([field.name, !may]);
          if (!may) expect(text).toContain(`You are ${role} in this project and it takes ${roleFor(scope)}`);
          refused += may ? 0 : 1;
        }
      expect([role, refused > 0]).toEqual([role, role !== "owner"]);
    }, 30_000);

  test("each role opens all that the one before it does, and its routes too", async () => {
    for (const [at, role] of allRoles.entries())
      for (const scope of scopesOfRole(allRoles[at - 1] ?? role))
        expect(scopesOfRole(role).has(scope)).toBe(true);
    const status = async (role: Role, path: string, init: RequestInit = {}) =>
      (await fetch(`${world.server.url}${path}`, { ...init, headers: { cookie: cookies.get(role) ?? "" } }))
        .status;
    for (const [path, init, least] of [
      ["/files/nothing", {}, "viewer"],
      ["/metrics", {}, "viewer"],
      ["/uploads", { method: "POST", body: "{" }, "member"],
      ["/v1/models", {}, "member"],
      ["/trainer/v1/lease", { method: "POST", body: "{" }, "admin"],
    ] as const)
      for (const role of allRoles) {
        const isRefused = (await status(role, path, init)) === 403;
        expect([path, role, isRefused]).toEqual([
          path,
          role,
          allRoles.indexOf(role) < allRoles.indexOf(least),
        ]);
      }
  });
});
