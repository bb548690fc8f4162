// What collecting rows asks.
import { graphql } from "../api/graphql.ts";

export const targetsQuery = graphql(`
  query CollectTargets($datasets: String) {
    datasets(first: 200, after: $datasets) {
      nodes { id name latest { id number shape statistics } }
      pageInfo { hasNextPage endCursor }
    }
  }
`);

export const collectPreviewQuery = graphql(`
  query CollectPreview($input: CollectInput!) {
    collectPreview(input: $input) {
      rowCount rows leftOut { code reason rows } warnings { code message rows needsConfirm }
    }
  }
`);

export const collectRows = graphql(`
  mutation CollectRows($input: CollectInput!) {
    collectRows(input: $input) {
      __typename
      ... on CollectRowsSuccess { dataset { id name } run { id } }
      ... on UserError { code message hint field value }
    }
  }
`);
