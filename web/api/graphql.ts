// The typed GraphQL tag: every document in web/ is checked against the committed SDL.
import { initGraphQLTada } from "gql.tada";
import type { introspection } from "../generated/introspection.d.ts";

/** Tags a document; its result and variables are inferred from schema/schema.graphql. */
export const graphql = initGraphQLTada<{
  introspection: introspection;
  disableMasking: true;
  scalars: { DateTime: string; JSON: unknown; File: File; ID: string };
}>();
