// What the pages of third-party models ask of the server.
import type { ResultOf } from "gql.tada";
import { graphql } from "../api/graphql.ts";

export const providersQuery = graphql(`
  query Providers($providers: String) {
    providers(first: 100, after: $providers) {
      nodes {
        id name kind url hasKey timeoutMs requestsPerMinute createdAt
        models { id name model abilities prices { input cachedInput output image } }
      }
      pageInfo { hasNextPage endCursor }
    }
    providerKinds { name title url urlExample needsKey keyHint abilities }
    viewer { scopes }
  }
`);
export type ProviderNode = ResultOf<typeof providersQuery>["providers"]["nodes"][number];
export type KindNode = ResultOf<typeof providersQuery>["providerKinds"][number];

export const usageQuery = graphql(`
  query ProviderUsage($from: String, $usage: String) {
    usage(first: 200, after: $usage, from: $from) {
      nodes { day model requests inputTokens outputTokens costUsd }
      pageInfo { hasNextPage endCursor }
    }
  }
`);

/** Asked on a provider's own page only: it looks through the knowledge bases. */
export const dependantsQuery = graphql(`
  query ProviderDependants($id: ID!) {
    node(id: $id) { __typename ... on Provider { dependantCount dependants { id kind name relation } } }
  }
`);

export const addProvider = graphql(`
  mutation AddProvider($input: AddProviderInput!) {
    addProvider(input: $input) {
      __typename ... on ProviderSuccess { provider { id name } } ... on UserError { code message hint field value }
    }
  }
`);
export const updateProvider = graphql(`
  mutation UpdateProvider($input: UpdateProviderInput!) {
    updateProvider(input: $input) {
      __typename ... on ProviderSuccess { provider { id name } } ... on UserError { code message hint field value }
    }
  }
`);
export const testProvider = graphql(`
  mutation TestProvider($provider: ID!, $model: String) {
    testProvider(provider: $provider, model: $model) {
      __typename ... on TestProviderSuccess { answer model latencyMs } ... on UserError { code message hint field value }
    }
  }
`);
export const listRemoteModels = graphql(`
  mutation ListRemoteModels($provider: ID!) {
    listRemoteModels(provider: $provider) {
      __typename ... on RemoteModelsSuccess { models } ... on UserError { code message hint field value }
    }
  }
`);
export const removeProvider = graphql(`
  mutation RemoveProvider($provider: ID!) {
    removeProvider(provider: $provider, confirm: true) {
      __typename ... on RemoveProviderSuccess { id name } ... on UserError { code message hint field value }
    }
  }
`);
