// Providers of third-party models for tests: made at a fresh server of their wire format, asked, tried.
import { z } from "zod";
import { KEY, type Manner, type Say, startWire, WIRES, type WireServer } from "./provider-wire.ts";
import type { World } from "./world.ts";

export const ADD = `mutation ($input: AddProviderInput!) { addProvider(input: $input) { __typename
  ... on ProviderSuccess { provider { id name hasKey } } ... on UserError { code text: message hint field value } } }`;
const refusal = z.object({ code: z.string(), text: z.string(), hint: z.string().nullable() });
type Model = { model: string; prices?: object; abilities?: string[] };
type More = { key?: string; models?: Model[]; timeoutMs?: number; say?: Say };

/** What tests do with providers of one world; `close` ends their servers. */
export function createProviderKit(world: () => World) {
  const servers: WireServer[] = [];
  let count = 0;
  const keep = (server: WireServer): WireServer => {
    servers.push(server);
    return server;
  };
  return {
    /** A server of the wire format that no provider leads to. */
    wire: (kind: keyof typeof WIRES): WireServer => keep(startWire(WIRES[kind])),
    /** A provider of the kind at a fresh server of its wire format. */
    async provide(
      kind: keyof typeof WIRES,
      manner: Manner = "well",
      { key = KEY, models = [{ model: "some-model" }], say, ...rest }: More = {},
    ): Promise<{ name: string; server: WireServer }> {
      const server = keep(startWire(WIRES[kind], manner, say));
      const name = `p${++count}`;
      const input = { name, kind, url: server.url, key, models, allowPrivate: true, ...rest };
      await world().act(ADD, { input });
      return { name, server };
    },
    async complete(model: string, body: object = {}): Promise<{ status: number; json: unknown }> {
      const response = await world().fetch("/v1/chat/completions", {
        method: "POST",
        body: JSON.stringify({ model, messages: [{ role: "user", content: "Hello" }], ...body }),
      });
      return { status: response.status, json: await response.json() };
    },
    /** Code and words of a test of the provider that has to fail. */
    async refusalOf(name: string): Promise<z.infer<typeof refusal>> {
      const answer = await world().graphql(
        `mutation ($p: ID!) { testProvider(provider: $p) { __typename ... on TestProviderSuccess { answer } ... on UserError { code text: message hint } } }`,
        { p: name },
      );
      return refusal.parse(answer["testProvider"]);
    },
    tried: (name: string): Promise<Record<string, unknown>> =>
      world().act(
        `mutation ($p: ID!) { testProvider(provider: $p) { __typename ... on TestProviderSuccess { answer model latencyMs } ... on UserError { code text: message } } }`,
        { p: name },
      ),
    async close(): Promise<void> {
      for (const one of servers) await one.close();
    },
  };
}
