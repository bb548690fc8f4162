// GraphQL documents of the dataset pages.
import { graphql } from "../api/graphql.ts";

export const datasetsQuery = graphql(`
  query Datasets($datasets: String) {
    datasets(first: 200, after: $datasets) { nodes {
      id name status createdAt
      latest { id number shape rowCount sizeBytes }
      run { id kind name status progress step totalSteps etaSeconds error { code message hint field value } }
    } pageInfo { hasNextPage endCursor } }
  }
`);
export const datasetQuery = graphql(`
  query DatasetOne($id: ID!, $versions: String, $baseModels: String) {
    node(id: $id) {
      __typename
      ... on Dataset {
        id name status createdAt
        run { id kind name status progress step totalSteps etaSeconds error { code message hint field value } }
        lastCollected { added alreadyThere }
        dependantCount dependants { id kind name relation }
        latest { id number hash shape rowCount sizeBytes mapping statistics createdAt columns { name type emptyShare } }
        versions(first: 200, after: $versions) { nodes { id number hash rowCount createdAt } pageInfo { hasNextPage endCursor } }
      }
    }
    baseModels(first: 200, after: $baseModels) { nodes { id name } pageInfo { hasNextPage endCursor } }
  }
`);
export const rowsQuery = graphql(`
  query DatasetRows($id: ID!, $offset: Int!, $limit: Int!, $search: String) {
    node(id: $id) {
      __typename
      ... on DatasetVersion { id rows(offset: $offset, limit: $limit, search: $search) { total nextOffset rows { index value } } }
    }
  }
`);
export const histogramQuery = graphql(`
  query TokenHistogram($id: ID!, $baseId: ID!) {
    node(id: $id) {
      __typename
      ... on DatasetVersion { id tokenHistogram(baseId: $baseId) { edges counts p50 p95 max sampled } }
    }
  }
`);
export const renderedRowQuery = graphql(`
  query RenderedRow($id: ID!, $baseId: ID!, $index: Int!, $mapping: JSON, $maxLength: Int) {
    node(id: $id) {
      __typename
      ... on DatasetVersion {
        id renderedRow(baseId: $baseId, index: $index, mapping: $mapping, maxLength: $maxLength) { tokenCount keptTokenCount lossTokenCount tokens { text counts kept } }
      }
    }
  }
`);
export const importDataset = graphql(`
  mutation ImportDataset($input: ImportDatasetInput!) {
    importDataset(input: $input) {
      __typename
      ... on ImportDatasetSuccess { dataset { id name } run { id } }
      ... on UserError { code message hint field value }
    }
  }
`);
