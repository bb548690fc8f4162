// Nobody gets in without credentials, and nobody further than their scopes: every field, route and door is tried.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  buildSchema,
  GraphQLError,
  GraphQLSchema,
  GraphQLString,
  getIntrospectionQuery,
  getNamedType,
  isObjectType,
  GraphQLObjectType as ObjectType,
} from "graphql";
import { allScopes, type Scope } from "../src/accounts/accounts.ts";
import { authorise, scopeOf } from "../src/api/authorise.ts";
import { schema } from "../src/api/schema.ts";
import { limits } from "../src/kit/limits.ts";
import { operation, rootsOf } from "./schema-walk.test-kit.ts";
import { startWorld, type World } from "./world.ts";

let world: World;
/** The scopes that open only what bears their name. */
const plainScopes = allScopes.filter((scope) => scope !== "admin" && scope !== "owner");
/** All scopes but one, and none that would open it. */
const without = (scope: Scope): Scope[] =>
  scope === "owner" ? [...plainScopes, "admin"] : plainScopes.filter((one) => one !== scope);

beforeAll(async () => {
  world = await startWorld([
    ...plainScopes.map((scope) => [scope]),
    ["owner"],
    ...allScopes.map((scope) => without(scope)),
  ]);
});
afterAll(() => world?.close());
const keyOf = (scope: Scope): string => world.key(scope);
const keyWithout = (scope: Scope): string => world.key(...without(scope));

type Ask = { query?: string; body?: string; key?: string; headers?: Record<string, string>; path?: string };
function ask({ query, body, key, headers = {}, path = "/graphql" }: Ask): Promise<Response> {
  return fetch(`${world.server.url}${path}`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      ...(key ? { authorization: `Bearer ${key}` } : {}),
      ...headers,
    },
    body: body ?? JSON.stringify({ query }),
  });
}
async function codesOf(response: Response): Promise<string[]> {
  return [...(await response.text()).matchAll(/"code":"([A-Z_]+)"/g)].map(([, code]) => code ?? "");
}

const roots = rootsOf(schema);

describe("every field of Query, Mutation and Subscription, over HTTP", () => {
  for (const [kind, type] of roots)
    for (const field of Object.values(type.getFields())) {
      test(`${type.name}.${field.name}`, async () => {
        const query = operation(kind, field);
        const headers = kind === "subscription" ? { accept: "text/event-stream" } : {};
        const anonymous = await ask({ query, headers });
        expect(anonymous.status).toBe(401);
        expect(await codesOf(anonymous)).toEqual(["UNAUTHENTICATED"]);
        const scope = scopeOf(field);
        if (!scope) throw new Error("an authorised field without scope");
        const refused = await ask({ query, headers, key: keyWithout(scope) });
        expect(await codesOf(refused)).toContain("SCOPE_MISSING");
        if (kind !== "query") return;
        // The same with the scope gets past the guard: the refusal above is the guard's, not the query's.
        const allowed = await ask({ query, key: keyOf(scope) });
        expect(await codesOf(allowed)).not.toContain("SCOPE_MISSING");
      });
    }
});

test("every field of every object type refuses a caller without its scope, before its resolver runs", async () => {
  let tried = 0;
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type) || type.name.startsWith("__")) continue;
    for (const field of Object.values(type.getFields())) {
      const scope = scopeOf(field);
      if (!scope) throw new Error(`${type.name}.${field.name} has no scope`);
      const others = new Set(plainScopes.filter((one) => one !== scope));
      const asked = (context: unknown): unknown => {
        try {
          // No parent: a resolver that ran would fail with another error.
          return field.resolve?.(undefined, {}, context as never, undefined as never);
        } catch (error) {
          return error instanceof GraphQLError ? error.extensions.code : error;
        }
      };
      expect(asked({})).toBe("UNAUTHENTICATED");
      expect(asked({ principal: { scopes: others } })).toBe("SCOPE_MISSING");
      tried++;
    }
  }
  expect(tried).toBeGreaterThan(200);
});

test("a schema with a field that names no scope, or has no description, is not served", () => {
  const make = (extensions: Record<string, unknown>, description?: string) =>
    new GraphQLSchema({
      query: new ObjectType({
        name: "Query",
        description: "q",
        fields: { bare: { type: GraphQLString, extensions, ...(description ? { description } : {}) } },
      }),
    });
  expect(() => authorise(make({}, "d"))).toThrow("Query.bare has no scope");
  expect(() => authorise(make({ scope: "fly" }, "d"))).toThrow("Query.bare has no scope");
  expect(() => authorise(make({ scope: "read" }))).toThrow("Query.bare has no description");
  expect(() => authorise(make({ scope: "read" }, "d"))).not.toThrow();
  const described = (sdl: string) => () => authorise(buildSchema(sdl));
  expect(described('"q" type Query { "f" bare(x: Int): Int }')).toThrow("Query.bare(x) has no description");
  expect(described('"q" type Query { "f" a: E } "e" enum E { "v" A B }')).toThrow("E.B has no description");
  expect(described('"q" type Query { "f" a("x" i: I): Int } "i" input I { b: Int }')).toThrow(
    "I.b has no description",
  );
});

describe("routes", () => {
  const closed: [method: string, path: string, scope: Scope][] = [
    ["POST", "/v1/chat/completions", "chat"],
    ["GET", "/v1/models", "chat"],
    ["POST", "/trainer/v1/hello", "trainer"],
    ["POST", "/trainer/v1/lease", "trainer"],
    ["GET", `/trainer/v1/blobs/${"0".repeat(64)}`, "trainer"],
    ["POST", "/uploads", "write"],
    ["GET", "/files/anything", "read"],
    ["GET", "/metrics", "read"],
  ];
  for (const [method, path, scope] of closed)
    test(`${method} ${path} needs the scope ${scope}`, async () => {
      const send = (key?: string) =>
        fetch(`${world.server.url}${path}`, {
          method,
          headers: key ? { authorization: `Bearer ${key}` } : {},
          // Not JSON: a 401 here shows that nothing was parsed before.
          ...(method === "POST" ? { body: "{" } : {}),
        });
      expect((await send()).status).toBe(401);
      expect((await send("esp_wrong")).status).toBe(401);
      expect((await send(keyWithout(scope))).status).toBe(403);
      expect([200, 400, 404]).toContain((await send(keyOf(scope))).status);
    });

  test("health is open, and pages need no key but say what they may load", async () => {
    expect((await fetch(`${world.server.url}/healthz`)).status).toBe(200);
    expect((await fetch(`${world.server.url}/readyz`)).status).toBe(200);
    const page = await fetch(`${world.server.url}/`);
    expect([200, 503]).toContain(page.status);
    if (page.status === 200)
      expect(page.headers.get("content-security-policy")).toContain("script-src 'self'");
    for (const path of ["/../package.json", "/%2e%2e/package.json", "/assets/..%2f..%2fpackage.json"])
      expect(await (await fetch(`${world.server.url}${path}`)).text()).not.toContain('"dependencies"');
  });
});

describe("doors", () => {
  test("an unknown Host and a foreign Origin are refused, our own are not", async () => {
    const key = keyOf("read");
    const query = "{ version }";
    const own = new URL(world.server.url).origin;
    expect((await ask({ query, key, headers: { host: "evil.example" } })).status).toBe(421);
    expect((await ask({ query, key, headers: { origin: "https://evil.example" } })).status).toBe(403);
    expect((await ask({ query, key, headers: { origin: "null" } })).status).toBe(403);
    expect((await ask({ query, key, headers: { origin: own } })).status).toBe(200);
  });

  test("a WebSocket needs our Origin and credentials", async () => {
    const upgrade = (headers: Record<string, string>) =>
      fetch(`${world.server.url}/graphql`, {
        headers: {
          connection: "upgrade",
          upgrade: "websocket",
          "sec-websocket-version": "13",
          "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
          "sec-websocket-protocol": "graphql-transport-ws",
          ...headers,
        },
      });
    expect((await upgrade({})).status).toBe(401);
    const authorization = `Bearer ${keyOf("read")}`;
    expect((await upgrade({ authorization, origin: "https://evil.example" })).status).toBe(403);
  });

  test("cookies are HttpOnly and SameSite, sign-in is limited", async () => {
    const fresh = await startWorld();
    try {
      await signInOf(fresh);
    } finally {
      await fresh.close();
    }
  }, 30_000);

  async function signInOf({ server }: World): Promise<void> {
    const ask = ({ path = "/graphql", query, body, headers = {} }: Ask) =>
      fetch(`${server.url}${path}`, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body: body ?? JSON.stringify({ query }),
      });
    const token = new URL(server.setupUrl ?? "").searchParams.get("token");
    const made = await ask({
      path: "/auth/setup",
      body: JSON.stringify({ token, name: "ada", password: "correct horse" }),
    });
    expect(made.status).toBe(200);
    const cookie = made.headers.get("set-cookie") ?? "";
    expect(cookie).toContain("HttpOnly");
    expect(cookie).toContain("SameSite=Strict");
    const session = cookie.split(";", 1)[0] ?? "";
    const viewer = await ask({ query: "{ viewer { name } }", headers: { cookie: session } });
    expect(await viewer.json()).toEqual({ data: { viewer: { name: "ada" } } });
    await ask({ path: "/auth/sign-out", body: "{}", headers: { cookie: session } });
    expect((await ask({ query: "{ version }", headers: { cookie: session } })).status).toBe(401);
    const wrong = JSON.stringify({ name: "ada", password: "wrong horse" });
    const statuses = new Set<number>();
    for (let i = 0; i <= limits.signInFailures; i++)
      statuses.add((await ask({ path: "/auth/sign-in", body: wrong })).status);
    expect([...statuses]).toEqual([401, 429]);
  }

  test("a revoked key opens nothing", async () => {
    const admin = keyOf("admin");
    const create =
      'mutation { createApiKey(name: "gone", scopes: ["read"]) { ... on ApiKeySuccess { secret } } }';
    const made: { data: { createApiKey: { secret: string } } } = JSON.parse(
      await (await ask({ query: create, key: admin })).text(),
    );
    const key = made.data.createApiKey.secret;
    expect((await ask({ query: "{ version }", key })).status).toBe(200);
    await ask({ query: 'mutation { revokeApiKey(id: "gone") { __typename } }', key: admin });
    expect((await ask({ query: "{ version }", key })).status).toBe(401);
  });
});

describe("limits", () => {
  const key = () => keyOf("read");
  test("too deep, too costly, too many aliases, too many in a batch: each by its code", async () => {
    const nest = (levels: number): string =>
      levels === 0
        ? "id"
        : `... on Training { base { id } run { id } customized { training { id ${nest(levels - 1)} } } }`;
    const tooDeep = `{ node(id: "x") { ${nest(limits.graphqlDepth)} } }`;
    expect(await codesOf(await ask({ query: tooDeep, key: key() }))).toContain("QUERY_TOO_DEEP");
    const rows = "nodes { versions(first: 10) { nodes { rows { rows { index value } } } } }";
    const costly = `{ ${Array.from({ length: 12 }, (_, i) => `d${i}: datasets { ${rows} }`).join(" ")} }`;
    expect(await codesOf(await ask({ query: costly, key: key() }))).toContain("QUERY_TOO_COSTLY");
    const aliases = `{ ${Array.from({ length: limits.graphqlAliases + 1 }, (_, i) => `a${i}: version`).join(" ")} }`;
    expect(await codesOf(await ask({ query: aliases, key: key() }))).toEqual(["QUERY_TOO_MANY_ALIASES"]);
    const batch = JSON.stringify(
      Array.from({ length: limits.graphqlBatch + 1 }, () => ({ query: "{ version }" })),
    );
    const batched = await ask({ body: batch, key: key() });
    expect(batched.status).toBe(413);
    expect(await batched.text()).toContain(`limited to ${limits.graphqlBatch} operations`);
  });

  test("a page costs what is in it as often as it has items, nested ones multiplied", async () => {
    const events = (runs: number, each: string) =>
      `{ runs(first: ${runs}) { nodes { id events${each} { nodes { seq at type } } } } }`;
    const codes = async (query: string) => codesOf(await ask({ query, key: key() }));
    expect(await codes(events(200, "(first: 20)"))).toEqual([]);
    expect(await codes(events(200, "(first: 30)"))).toEqual(["QUERY_TOO_COSTLY"]);
    expect(await codes(events(200, "(last: 30)"))).toEqual(["QUERY_TOO_COSTLY"]);
    // What is unsaid costs what the server then takes.
    expect(await codes(events(200, ""))).toEqual(["QUERY_TOO_COSTLY"]);
    expect(await codes("{ runs(first: 200) { edges { node { id name status } } } }")).toEqual([]);
  });

  test("a page too large, and too many ids, are refused by field, value and limit", async () => {
    const more = limits.pageItems + 1;
    const tooLarge = await ask({ query: `{ datasets(first: ${more}) { totalCount } }`, key: key() });
    expect(await tooLarge.json()).toMatchObject({
      errors: [
        {
          message: `first is ${more}, ${limits.pageItems} are allowed`,
          extensions: { code: "PAGE_TOO_LARGE", field: "first", value: String(more) },
        },
      ],
    });
    const ids = JSON.stringify(Array.from({ length: more }, (_, at) => `run_${at}`));
    const many = await ask({ query: `{ nodes(ids: ${ids}) { id } }`, key: key() });
    expect(await many.json()).toMatchObject({
      errors: [{ extensions: { code: "PAGE_TOO_LARGE", field: "ids", value: String(more) } }],
    });
    const cursor = await ask({ query: '{ conversations(after: "x") { totalCount } }', key: keyOf("chat") });
    expect(await codesOf(cursor)).toEqual(["CURSOR_INVALID"]);
  });

  test("every list of Query is a connection, or says why it is none", () => {
    const lists: string[] = [];
    for (const field of Object.values(schema.getQueryType()?.getFields() ?? {})) {
      const named = getNamedType(field.type);
      if (named.name.endsWith("Connection"))
        expect(field.args.map(({ name }) => name)).toEqual(
          expect.arrayContaining(["first", "after", "last", "before"]),
        );
      else if (String(field.type).startsWith("[")) lists.push(field.name);
    }
    // Few, fixed by the program, and as long as what was asked for.
    expect(lists).toEqual(["embedders", "methods", "nodes", "notificationPreferences", "providerKinds"]);
  });

  test("introspection is open to any key and outside the limits", async () => {
    const answer = await ask({ query: getIntrospectionQuery(), key: keyOf("trainer") });
    const text = await answer.text();
    expect(text).toContain('"queryType"');
    expect(text).not.toContain('"errors"');
  });

  test("what is no JSON, no GraphQL or too large is refused with a 4xx", async () => {
    expect((await ask({ body: "{", key: key() })).status).toBe(400);
    for (const path of ["/files/%E0%A4%A", "/v1/models/%E0%A4%A", "/trainer/v1/runs/x/artifacts/%E0%A4%A"])
      expect((await world.fetch(path)).status).toBe(400);
    const nested = `{ ${"a { ".repeat(60_000)} b ${"} ".repeat(60_000)} }`;
    expect(await codesOf(await ask({ query: nested, key: key() }))).toEqual(["QUERY_TOO_LONG"]);
    const within = `{ ${"a{".repeat(limits.graphqlChars / 3 - 10)}b${"}".repeat(limits.graphqlChars / 3 - 10)} }`;
    expect(await codesOf(await ask({ query: within, key: key() }))).toEqual(["QUERY_TOO_DEEP"]);
    expect((await ask({ query: "{ nothing }", key: key() })).status).toBeLessThan(500);
    const large = await ask({ body: " ".repeat(limits.requestBodyBytes + 1), key: key() });
    expect(large.status).toBe(413);
    const auth = await ask({ path: "/auth/sign-in", body: "{" });
    expect(auth.status).toBe(400);
    expect(await codesOf(auth)).toEqual(["BAD_JSON"]);
  });
});
