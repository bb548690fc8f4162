// Whole lists from the server, page by page, so that nothing is cut off.
import { z } from "zod";
import type { Client } from "./client.ts";
import type { Json } from "./verbs.ts";

const json: z.ZodType<Json> = z.lazy(() =>
  z.union([z.string(), z.number(), z.boolean(), z.null(), z.array(json), z.record(z.string(), json)]),
);
/** Anything with an id, as it was selected. */
export const nodeShape = z.record(z.string(), json).and(z.object({ __typename: z.string(), id: z.string() }));
export type Node = z.infer<typeof nodeShape>;

/** Items asked for at once: what is selected of each may cost, and a query's cost is limited. */
const PAGE = 100;

const pageShape = z.object({
  page: z.object({
    nodes: z.array(nodeShape),
    pageInfo: z.object({ hasNextPage: z.boolean(), endCursor: z.string().nullable() }),
  }),
});

/**
 * The first `limit` nodes of a connection of Query, all when unsaid; `fields` is what is selected of each, with
 * `__typename` and `id`, and `args` are further arguments as GraphQL text.
 */
export async function readAll(
  client: Client,
  connection: string,
  fields: string,
  { limit = Number.POSITIVE_INFINITY, args = "" }: { limit?: number | undefined; args?: string } = {},
): Promise<Node[]> {
  const all: Node[] = [];
  for (let after: string | null = null; all.length < limit; ) {
    const { page }: z.infer<typeof pageShape> = await client.query(
      `query Page($first: Int, $after: String) { page: ${connection}(first: $first, after: $after, ${args}) {
        nodes { ${fields} } pageInfo { hasNextPage endCursor } } }`,
      { first: Math.min(PAGE, limit - all.length), after },
      pageShape,
    );
    all.push(...page.nodes);
    if (!page.pageInfo.hasNextPage) break;
    after = page.pageInfo.endCursor;
  }
  return all;
}
