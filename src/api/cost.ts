// What an operation may cost: its points and levels, refused before it does anything.
import { ComplexityErrorKind, complexityFromQuery } from "@pothos/plugin-complexity";
import { type DocumentNode, GraphQLError, type GraphQLResolveInfo, Kind } from "graphql";
import { limits } from "../kit/limits.ts";
import type { Context } from "./context.ts";

type Cost = { complexity: number; depth: number };

/** The error for an operation that goes beyond the limit of its points or, by `kind`, of its levels. */
export function costError(kind: ComplexityErrorKind, { complexity, depth }: Cost): GraphQLError {
  const isDeep = kind === ComplexityErrorKind.Depth;
  const message = isDeep
    ? `the query is ${depth} levels deep, ${limits.graphqlDepth} are allowed`
    : `the query costs ${complexity} points, ${limits.graphqlComplexity} are allowed`;
  const code = isDeep ? "QUERY_TOO_DEEP" : "QUERY_TOO_COSTLY";
  return new GraphQLError(message, { extensions: { code, hint: "Ask for fewer nested lists at once." } });
}

/**
 * Refuses a subscription before it opens: the plugin itself looks only when the first event is resolved.
 * @throws GraphQLError QUERY_TOO_DEEP, QUERY_TOO_COSTLY
 */
export function refuseCostlyStream(info: GraphQLResolveInfo, context: Context): void {
  const { schema, operation, fragments, variableValues } = info;
  const document: DocumentNode = {
    kind: Kind.DOCUMENT,
    definitions: [operation, ...Object.values(fragments)],
  };
  const variables: Record<string, unknown> = {};
  for (const [name, { value }] of Object.entries(variableValues.sources))
    if (value !== undefined) variables[name] = value;
  const cost = complexityFromQuery(document, { schema, ctx: context, variables });
  if (cost.depth > limits.graphqlDepth) throw costError(ComplexityErrorKind.Depth, cost);
  if (cost.complexity > limits.graphqlComplexity) throw costError(ComplexityErrorKind.Complexity, cost);
}
