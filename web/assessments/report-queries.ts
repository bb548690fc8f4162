// What the parts of an assessment's page ask, each when it is looked at.
import { graphql } from "../api/graphql.ts";

export const rowsQuery = graphql(`
  query AssessedRows($id: ID!, $filter: AssessedRowsFilter, $rows: String) {
    node(id: $id) {
      __typename
      ... on Assessment {
        id
        rows(first: 20, after: $rows, filter: $filter) {
          totalCount
          nodes {
            row
            pictures { column url }
            answers {
              answerId candidateId reference text latencyMs finishReason
              sent { role content } error { message } scores { grader value detail }
            }
          }
          pageInfo { hasNextPage endCursor }
        }
      }
    }
  }
`);

export const rowQuery = graphql(`
  query AssessedRow($id: ID!, $row: Int!) {
    node(id: $id) {
      __typename
      ... on Assessment {
        id
        row(number: $row) {
          row columns
          pictures { column url }
          answers {
            answerId candidateId reference text latencyMs inputTokens outputTokens costUsd finishReason
            sent { role content } error { code message hint } scores { grader value detail }
            judgements {
              judgementId grader answerId otherId value reason text latencyMs costUsd
              sent { role content } error { code message hint }
            }
            citations { number document documentId knowledgeBaseId chunkId text page start end }
          }
        }
      }
    }
  }
`);

export const facetsQuery = graphql(`
  query AssessmentFacets($id: ID!) {
    node(id: $id) {
      __typename
      ... on Assessment { id facets { column kind groups { key label rows } } }
    }
  }
`);

export const slicesQuery = graphql(`
  query AssessmentSlices($id: ID!, $column: String!, $candidate: ID, $than: ID) {
    node(id: $id) {
      __typename
      ... on Assessment {
        id
        slices(column: $column, candidate: $candidate, than: $than) {
          column kind compared { candidateId name }
          slices {
            key label rows
            scores { candidateId interval { n mean low high } }
            difference { n difference low high p adjustedP test wins ties losses }
          }
        }
      }
    }
  }
`);

export const comparableQuery = graphql(`
  query ComparableAssessments($id: ID!) {
    node(id: $id) {
      __typename
      ... on Assessment { id comparable { id name dataset createdAt candidates { candidateId name } } }
    }
  }
`);

export const comparisonQuery = graphql(`
  query AssessmentComparison($id: ID!, $with: ID!, $candidate: ID, $against: ID) {
    node(id: $id) {
      __typename
      ... on Assessment {
        id
        comparison(with: $with, candidate: $candidate, against: $against) {
          commonRows matchedBy
          pairs {
            candidate { candidateId name } against { candidateId name }
            interval { n mean low high } againstInterval { n mean low high }
            difference { n wins ties losses difference low high p adjustedP test }
          }
          settings { name candidate here there }
        }
      }
    }
  }
`);
