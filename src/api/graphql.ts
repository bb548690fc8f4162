// /graphql: the schema behind Yoga (POST, server-sent events, multipart) and graphql-ws, with its limits.
import { type DocumentNode, type FieldNode, GraphQLError, type ValidationContext } from "graphql";
import { MessageType, stringifyMessage } from "graphql-ws";
import { handleProtocols, makeHandler } from "graphql-ws/use/bun";
import { createYoga, maskError, type Plugin } from "graphql-yoga";
import { z } from "zod";
import type { Principal } from "../accounts/accounts.ts";
import { limits } from "../kit/limits.ts";
import type { Context } from "./context.ts";
import { json } from "./http.ts";
import { schema } from "./schema.ts";

type Services = Omit<Context, "principal">;
/** What an open WebSocket carries: the request that opened it, to ask again who is behind it. */
export type SocketData = { request: Request };
const socketData = z.object({ request: z.instanceof(Request) });

/** The GraphQL endpoint over the front doors. */
export function createGraphql(services: Services) {
  const yoga = createYoga<{ principal: Principal }>({
    schema,
    graphqlEndpoint: "/graphql",
    landingPage: false,
    // The packaged page loads from a CDN, and this program asks nothing of the outside world: see graphiql.ts.
    graphiql: false,
    logging: false,
    cors: false,
    batching: { limit: limits.graphqlBatch },
    multipart: true,
    plugins: [limitText, limitAliases, nameFaults],
    context: ({ principal }) => ({ ...services, principal }),
    maskedErrors: {
      // Resolvers' errors come here as src/api/authorise.ts made them; the rest are errors of the document.
      maskError: (error, message, isDev) =>
        error instanceof GraphQLError && !error.originalError ? error : maskError(error, message, isDev),
    },
  });

  const websocket = makeHandler({
    async onSubscribe({ extra }, _id, { query, operationName, variables }) {
      // Asked for each operation: a key revoked meanwhile opens nothing more on an open socket.
      const principal = await services.accounts.authenticate(socketData.parse(extra.socket.data).request);
      if (!principal)
        return [new GraphQLError("this needs credentials", { extensions: { code: "UNAUTHENTICATED" } })];
      const refusal = refuseText(query);
      if (refusal) return [refusal];
      const { schema, parse, validate, contextFactory } = yoga.getEnveloped({ principal });
      const document: DocumentNode = parse(query);
      const errors: readonly GraphQLError[] = validate(schema, document);
      if (errors.length > 0) return errors;
      return {
        schema,
        document,
        operationName,
        variableValues: variables,
        contextValue: await contextFactory(),
      };
    },
    // The protocol has no word for it, and who knows it can ask for what happened before, sure to miss nothing after.
    onOperation: ({ extra }, id) => {
      extra.socket.send(stringifyMessage({ type: MessageType.Pong, payload: { subscribed: id } }));
    },
  });

  return {
    /** Answers one HTTP request of an authenticated caller. */
    fetch: (request: Request, principal: Principal) => yoga.fetch(request, { principal }),
    /** Upgrades to graphql-ws; null when the upgrade did not happen for a reason that the response names. */
    upgrade(request: Request, server: Bun.Server<SocketData>): Response | undefined {
      if (!handleProtocols(request.headers.get("sec-websocket-protocol") ?? ""))
        return json({ error: { code: "PROTOCOL_UNKNOWN", message: "speak graphql-transport-ws here" } }, 400);
      const kept = new Request(request.url, { headers: request.headers });
      if (server.upgrade(request, { data: { request: kept } })) return undefined;
      return json({ error: { code: "UPGRADE_FAILED", message: "this is no WebSocket request" } }, 400);
    },
    websocket,
  };
}

/** Refuses documents with too many aliases, by which one query could do the work of hundreds. */
const limitAliases: Plugin = {
  onValidate({ addValidationRule }) {
    addValidationRule((context: ValidationContext) => {
      let count = 0;
      return {
        Field(node: FieldNode) {
          if (!node.alias || ++count !== limits.graphqlAliases + 1) return;
          context.reportError(
            new GraphQLError(`the query has more than ${limits.graphqlAliases} aliases`, {
              nodes: [node],
              extensions: { code: "QUERY_TOO_MANY_ALIASES", hint: "Send several queries." },
            }),
          );
        },
      };
    });
  },
};

/** Gives the faults of a document, which the library leaves without one, a code and the mend. */
const nameFaults: Plugin = {
  onResultProcess({ result, setResult }) {
    if (Array.isArray(result)) setResult(result.map(withCodes));
    else if (!(Symbol.asyncIterator in result)) setResult(withCodes(result));
  },
};

type Fault = readonly [message: RegExp, code: string, hint: string];
const FAULTS: readonly Fault[] = [
  [/^Variable "\$/, "INPUT_INVALID", "Mend this variable and send it again; the schema says what it may be."],
  [/^Batching is limited/, "QUERY_BATCH_TOO_LARGE", "Send the operations in several requests."],
];
const OTHER_FAULT: Fault = [/^/, "QUERY_INVALID", "Mend the query; the schema says what there is."];

type Result = { errors?: readonly GraphQLError[] };

function withCodes<T extends Result>(result: T): T {
  const { errors } = result;
  return errors ? { ...result, errors: errors.map(withCode) } : result;
}

function withCode(error: GraphQLError): GraphQLError {
  const known = error.extensions?.["code"];
  const isLibrarys = typeof known !== "string" || known === "BAD_REQUEST" || known.startsWith("GRAPHQL_");
  if (!isLibrarys) return error;
  const [, code, hint] = FAULTS.find(([pattern]) => pattern.test(error.message)) ?? OTHER_FAULT;
  const extensions = { ...error.extensions, code, hint };
  return new GraphQLError(error.message, {
    nodes: error.nodes,
    source: error.source,
    positions: error.positions,
    path: error.path,
    extensions,
  });
}

/** Refuses documents that would exhaust the stack of the recursive parser. */
const limitText: Plugin = {
  onParams({ params }) {
    const refusal = typeof params.query === "string" ? refuseText(params.query) : null;
    if (refusal) throw refusal;
  },
};

/** Why a document is not even parsed; null when it is. */
function refuseText(query: string): GraphQLError | null {
  if (query.length > limits.graphqlChars)
    return new GraphQLError(`the query has ${query.length} characters, ${limits.graphqlChars} are allowed`, {
      extensions: { code: "QUERY_TOO_LONG", hint: "Send values as variables." },
    });
  const depth = bracketDepth(query);
  if (depth <= limits.graphqlBrackets) return null;
  return new GraphQLError(`the query nests ${depth} brackets, ${limits.graphqlBrackets} are allowed`, {
    extensions: { code: "QUERY_TOO_DEEP", hint: "Ask for fewer levels at once." },
  });
}

/** How deep brackets nest in a document, those inside its strings left out. */
function bracketDepth(query: string): number {
  let depth = 0;
  let deepest = 0;
  for (const [token] of query.matchAll(/"""[\s\S]*?"""|"(?:\\.|[^"\\\n])*"|[[{(]|[\]})]/g)) {
    if (token.startsWith('"')) continue;
    depth += "[{(".includes(token) ? 1 : -1;
    deepest = Math.max(deepest, depth);
  }
  return deepest;
}
