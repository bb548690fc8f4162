// Authorisation by default: every field carries a scope, and no resolver runs before it was checked.
import {
  defaultFieldResolver,
  GraphQLError,
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLSchema,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
  isSpecifiedScalarType,
} from "graphql";
import { isScope, opens, type Scope } from "../accounts/accounts.ts";
import { asking } from "../runs/runs.ts";
import type { Context } from "./context.ts";
import { refuseCostlyStream } from "./cost.ts";
import { asEspalierError, mendOf } from "./http.ts";

/**
 * Wraps every field of the schema, in place, with the check of its scope, and returns the schema.
 * A field's scope is its own `extensions.scope`, else its type's; fields of Query, Mutation and Subscription
 * must name their own.
 * @throws Error naming each field that has no scope and whatever has no description: the server does not start with such a schema.
 */
export function authorise(schema: GraphQLSchema): GraphQLSchema {
  const faults: string[] = [];
  const roots = new Set([schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()]);
  for (const type of Object.values(schema.getTypeMap())) {
    if (type.name.startsWith("__")) continue;
    if (!isSpecifiedScalarType(type))
      faults.push(...undescribed(type).map((path) => `${path} has no description`));
    if (!isObjectType(type)) continue;
    const inherited = roots.has(type) ? undefined : type.extensions.scope;
    for (const field of Object.values(type.getFields())) {
      const scope = field.extensions.scope ?? inherited;
      if (typeof scope === "string" && isScope(scope))
        guard(`${type.name}.${field.name}`, field, scope, type === schema.getMutationType());
      else faults.push(`${type.name}.${field.name} has no scope`);
    }
  }
  if (faults.length > 0) throw new Error(`the GraphQL schema is not fit to be served:\n${faults.join("\n")}`);
  return schema;
}

/** The scope that opens a field of an authorised schema, for docs and tests. */
export function scopeOf(field: GraphQLField<unknown, unknown>): Scope | null {
  const scope = field.extensions.needs;
  return typeof scope === "string" && isScope(scope) ? scope : null;
}

/** Paths of everything in a type that says nothing of itself: the type, its fields, their arguments, its values. */
function undescribed(type: GraphQLNamedType): string[] {
  const parts: [path: string, part: { description?: string | null | undefined }][] = [[type.name, type]];
  if (isObjectType(type) || isInterfaceType(type))
    for (const field of Object.values(type.getFields())) {
      parts.push([`${type.name}.${field.name}`, field]);
      for (const arg of field.args) parts.push([`${type.name}.${field.name}(${arg.name})`, arg]);
    }
  if (isInputObjectType(type))
    for (const field of Object.values(type.getFields())) parts.push([`${type.name}.${field.name}`, field]);
  if (isEnumType(type))
    for (const value of type.getValues()) parts.push([`${type.name}.${value.name}`, value]);
  return parts.flatMap(([path, { description }]) => (description ? [] : [path]));
}

const askerId = ({ principal }: Context): string | null => principal.userId ?? principal.keyId;

function guard(path: string, field: GraphQLField<unknown, Context>, scope: Scope, isMutation: boolean): void {
  field.extensions = { ...field.extensions, needs: scope };
  const { resolve = defaultFieldResolver, subscribe } = field;
  field.resolve = (source, args, context, info) => {
    check(path, scope, context);
    const work = () => resolve(source, args, context, info);
    // Only the fields of Mutation start runs.
    return readable(context, () => (isMutation ? asking(askerId(context), work) : work()));
  };
  if (subscribe)
    field.subscribe = async (source, args, context, info) => {
      check(path, scope, context);
      refuseCostlyStream(info, context);
      const stream = await readable(context, () => subscribe(source, args, context, info));
      return isStream(stream) ? readableStream(context, scope, stream) : stream;
    };
}

type Stream = AsyncGenerator<unknown, void, void>;

function isStream(value: unknown): value is Stream {
  return typeof value === "object" && value !== null && Symbol.asyncIterator in value;
}

/** The stream with readable errors, for as long as its reader may read it; leaving it leaves the source at once. */
function readableStream(context: Context, scope: Scope, source: Stream): Stream {
  const stillMay = context.accounts.watch(context.principal, scope);
  return {
    next: async () => {
      const item = await readable(context, () => source.next());
      if (item.done || (await stillMay())) return item;
      await source.return();
      throw new GraphQLError("this stream is open to you no more", {
        extensions: { code: "UNAUTHENTICATED", hint: "Sign in again, or switch back to its project." },
      });
    },
    return: (value) => source.return(value),
    throw: (error) => source.throw(error),
    [Symbol.asyncIterator]() {
      return this;
    },
    async [Symbol.asyncDispose]() {
      await source.return();
    },
  };
}

/** Runs a resolver; what it throws becomes an error that callers may see, also when it comes later. */
function readable<T>(context: Context, run: () => T): T | Promise<Awaited<T>> {
  try {
    const value = run();
    if (!(value instanceof Promise)) return value;
    return value.catch((error: unknown) => fail(context, error));
  } catch (error) {
    return fail(context, error);
  }
}

function fail(context: Context, error: unknown): never {
  if (error instanceof GraphQLError) throw error;
  const { code, message, hint, field, value } = asEspalierError(error, context.log);
  throw new GraphQLError(message, { extensions: { code, hint, field, value } });
}

function check(path: string, scope: Scope, context: Context | undefined): void {
  const principal = context?.principal;
  if (!principal)
    throw new GraphQLError(`${path} needs credentials`, {
      extensions: { code: "UNAUTHENTICATED", hint: "Sign in, or send an API key as bearer token." },
    });
  if (opens(principal.scopes, scope)) return;
  throw new GraphQLError(`${path} needs the scope "${scope}"`, {
    extensions: { code: "SCOPE_MISSING", hint: mendOf(principal, scope), value: scope },
  });
}
