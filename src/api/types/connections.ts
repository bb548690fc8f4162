// Connections as Relay says them: one way to page through every list that can grow.
import type { ObjectRef } from "@pothos/core";
import type { Scope } from "../../accounts/accounts.ts";
import { limits } from "../../kit/limits.ts";
import type { Page, PageRequest } from "../../store/store.ts";
import { builder, needs } from "../builder.ts";

const PageInfo = builder.objectRef<Page<unknown>>("PageInfo").implement({
  description: "Where a page lies in its list, as Relay says it.",
  extensions: needs("read"),
  fields: (t) => ({
    hasNextPage: t.exposeBoolean("hasNextPage", { description: "Whether more follow." }),
    hasPreviousPage: t.exposeBoolean("hasPreviousPage", { description: "Whether some come before." }),
    startCursor: t.string({
      nullable: true,
      description: "Cursor of the first; null on an empty page.",
      resolve: ({ cursors }) => cursors[0] ?? null,
    }),
    endCursor: t.string({
      nullable: true,
      description: "Cursor of the last; null on an empty page.",
      resolve: ({ cursors }) => cursors.at(-1) ?? null,
    }),
  }),
});

/** The arguments of every connection. */
export const pageArgs = builder.args((t) => ({
  first: t.int({
    description: `At most so many from the beginning, or after \`after\`: 0 to ${limits.pageItems}; ${limits.pageDefault} when unsaid.`,
  }),
  after: t.string({ description: "Only what follows this cursor." }),
  last: t.int({
    description: `At most so many from the end, or before \`before\`, instead of \`first\`: 0 to ${limits.pageItems}.`,
  }),
  before: t.string({ description: "Only what comes before this cursor." }),
}));

/** What a connection costs: everything in it as often as its page has items. A wrong size is refused by its reader. */
export function pageCost({ first, last }: PageRequest): { field: number; multiplier: number } {
  const size = first ?? last ?? limits.pageDefault;
  return { field: 1, multiplier: Math.max(1, Math.min(size, limits.pageItems)) };
}

/** What every field that answers a connection has beside its resolver. */
export const paged = { args: pageArgs, complexity: pageCost };

type Types = (typeof builder)["$inferSchemaTypes"];
type Edge<T> = { cursor: string; node: T };

/**
 * Declares `<name>Connection` and `<name>Edge` over pages of `node`. `scope` opens them, "read" when unsaid.
 * A field of this type takes `...paged`, or `pageArgs` beside arguments of its own.
 */
export function connectionOf<T>(name: string, node: ObjectRef<Types, T, T>, scope: Scope = "read") {
  // The connection's own cost already counts each item.
  const each = { multiplier: 1 };
  const edge = builder.objectRef<Edge<T>>(`${name}Edge`).implement({
    description: `One ${name} in a list.`,
    extensions: needs(scope),
    fields: (t) => ({
      cursor: t.exposeString("cursor", { description: "Where it is, for `after` and `before`." }),
      node: t.expose("node", { type: node, description: "The thing itself." }),
    }),
  });
  return builder.objectRef<Page<T>>(`${name}Connection`).implement({
    description: `A page of a list of ${name}.`,
    extensions: needs(scope),
    fields: (t) => ({
      edges: t.field({
        type: [edge],
        description: "The page's items with their cursors.",
        complexity: each,
        resolve: ({ items, cursors }) => items.map((one, at) => ({ node: one, cursor: cursors[at] ?? "" })),
      }),
      nodes: t.field({
        type: [node],
        description: "The page's items alone.",
        complexity: each,
        resolve: ({ items }) => items,
      }),
      pageInfo: t.field({
        type: PageInfo,
        description: "Where the page lies.",
        resolve: (page) => page,
      }),
      totalCount: t.int({
        description: "Length of the whole list, over all pages.",
        resolve: ({ totalCount }) => totalCount(),
      }),
    }),
  });
}
