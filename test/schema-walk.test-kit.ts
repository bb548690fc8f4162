// Calls of every field of the schema with any text in any of its arguments, and all that can be asked about the answer.
import {
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputField,
  type GraphQLInputType,
  type GraphQLNamedType,
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  isRequiredArgument,
  isRequiredInputField,
  isUnionType,
} from "graphql";

/** All that can be asked about a type, `depth` levels down. */
export function selection(type: GraphQLNamedType, depth: number): string {
  if (isLeafType(type)) return "";
  if (isUnionType(type))
    return `{ __typename ${type
      .getTypes()
      .map((one) => (one.name.endsWith("Success") ? `... on ${one.name} ${selection(one, depth)}` : ""))
      .join(" ")} ... on UserError { code told: message hint value } }`;
  if (isInterfaceType(type)) return "{ __typename id }";
  if (!isObjectType(type)) return "";
  const parts = Object.values(type.getFields()).flatMap((field) => {
    if (field.args.some(isRequiredArgument)) return [];
    const inner = getNamedType(field.type);
    if (isLeafType(inner)) return [field.name];
    return depth > 0 ? [`${field.name} ${selection(inner, depth - 1)}`] : [];
  });
  return `{ __typename ${parts.join(" ")} }`;
}

type Input = GraphQLArgument | GraphQLInputField;
export type Field = GraphQLField<unknown, unknown>;

/** Whether a path of a field's arguments ends in an id. */
export function isIdPath({ args }: Field, path: string[]): boolean {
  let inputs: readonly Input[] = args;
  let found = "";
  for (const name of path) {
    const named = inputs.find((one) => one.name === name);
    const type = named && getNamedType(named.type);
    found = type?.name ?? "";
    inputs = isInputObjectType(type) ? Object.values(type.getFields()) : [];
  }
  return found === "ID";
}

const isText = (type: GraphQLInputType): boolean => ["ID", "String"].includes(getNamedType(type).name);

/** Paths of all texts that an input can carry, e.g. ["input", "modelId"]. */
export function textPaths(inputs: readonly Input[], seen: string[] = []): string[][] {
  return inputs.flatMap((input) => {
    const named = getNamedType(input.type);
    if (isInputObjectType(named))
      return seen.includes(named.name)
        ? []
        : textPaths(Object.values(named.getFields()), [...seen, named.name]).map((path) => [
            input.name,
            ...path,
          ]);
    return isText(input.type) ? [[input.name]] : [];
  });
}

function literal(input: Input, path: string[], value: string, own: (name: string) => string): string {
  const at = path[0] === input.name ? path.slice(1) : null;
  const of = (type: GraphQLInputType): string => {
    if (isNonNullType(type)) return of(type.ofType);
    if (isListType(type)) return `[${of(type.ofType)}]`;
    if (isEnumType(type)) return type.getValues()[0]?.name ?? "";
    if (isInputObjectType(type)) {
      const fields = Object.values(type.getFields()).filter(
        (one) => isRequiredInputField(one) || at?.[0] === one.name,
      );
      return `{${fields.map((one) => `${one.name}: ${literal(one, at ?? [], value, own)}`).join(", ")}}`;
    }
    if (type.name === "Boolean") return "true";
    if (!isText(type)) return "1";
    return JSON.stringify(at?.length === 0 ? value : own(input.name));
  };
  return of(input.type);
}

/**
 * A call of a field with a text at a path of its arguments; what else it needs says `own`, by the argument's name.
 */
export function call(field: Field, path: string[], value: string, own: (name: string) => string): string {
  const given = field.args.filter((arg) => isRequiredArgument(arg) || arg.name === path[0]);
  const args = given.map((arg) => `${arg.name}: ${literal(arg, path, value, own)}`);
  return args.length > 0 ? `${field.name}(${args.join(", ")})` : field.name;
}

/** A whole operation of a root field, with texts that name nothing. */
export function operation(kind: string, field: Field): string {
  const inner = isLeafType(getNamedType(field.type)) ? "" : " { __typename }";
  return `${kind} { ${call(field, [], "", () => "x")}${inner} }`;
}

/** Query, Mutation and Subscription of a schema, by their words. */
export function rootsOf(schema: GraphQLSchema): [kind: string, type: GraphQLObjectType][] {
  const types = {
    query: schema.getQueryType(),
    mutation: schema.getMutationType(),
    subscription: schema.getSubscriptionType(),
  };
  return Object.entries(types).flatMap(([kind, type]): [string, GraphQLObjectType][] =>
    type ? [[kind, type]] : [],
  );
}
