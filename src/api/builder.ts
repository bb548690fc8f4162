// The Pothos schema builder with the scalars, the Node interface, and helpers that every type uses.
import SchemaBuilder from "@pothos/core";
import ComplexityPlugin from "@pothos/plugin-complexity";
import { GraphQLError } from "graphql";
import type { Scope } from "../accounts/accounts.ts";
import { limits } from "../kit/limits.ts";
import type { Context } from "./context.ts";
import { costError } from "./cost.ts";

type Scalars = {
  ID: { Input: string; Output: string };
  DateTime: { Input: number; Output: number };
  File: { Input: Blob; Output: never };
  JSON: { Input: unknown; Output: unknown };
};

export const builder = new SchemaBuilder<{
  Context: Context;
  Scalars: Scalars;
  DefaultFieldNullability: false;
}>({
  plugins: [ComplexityPlugin],
  defaultFieldNullability: false,
  complexity: {
    defaultComplexity: 1,
    defaultListMultiplier: 10,
    limit: { complexity: limits.graphqlComplexity, depth: limits.graphqlDepth },
    complexityError: costError,
  },
});

/** Marks a type or field with the scope that opens it; src/api/authorise.ts refuses a schema where one lacks it. */
export function needs(scope: Scope): { scope: Scope } {
  return { scope };
}

builder.queryType({ description: "Everything that can be read." });
builder.mutationType({
  description: "Everything that can be done. Each answers with a success or a typed error.",
});
builder.subscriptionType({
  description: "What changes, as it changes: over server-sent events or graphql-ws.",
});

builder.scalarType("DateTime", {
  description: "A moment in ISO 8601, UTC, e.g. 2026-01-31T12:00:00.000Z.",
  serialize: (at) => new Date(at).toISOString(),
  parseValue: (value) => {
    const at = typeof value === "string" ? Date.parse(value) : Number.NaN;
    if (Number.isNaN(at)) throw new GraphQLError("a DateTime is a text in ISO 8601");
    return at;
  },
});
builder.scalarType("JSON", {
  description: "Any JSON value.",
  serialize: (value) => value,
  parseValue: (value) => value,
});
builder.scalarType("File", {
  description: "A file of a multipart request (graphql-multipart-request-spec); big files go by /uploads.",
  serialize: () => {
    throw new GraphQLError("a File can only be sent, not read");
  },
  parseValue: (value) => {
    if (value instanceof Blob) return value;
    throw new GraphQLError("a File is sent as a part of a multipart request");
  },
});
