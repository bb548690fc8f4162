// What the pages ask about rows that candidates were trained on, or may look up.
import { graphql } from "../api/graphql.ts";

export const overlapQuery = graphql(`
  query AssessmentOverlaps($id: ID!) {
    node(id: $id) {
      __typename
      ... on Assessment {
        id
        overlapRun {
          id kind name status progress step totalSteps etaSeconds subjectId cancelRequestedAt
          createdAt startedAt endedAt error { code message hint field value }
        }
        overlaps {
          rows checkedAt
          measures { wordsPerGram nearFrom shortFrom meaningFrom embedder meaningRows meaningPerRow }
          candidates {
            candidateId origin exact near meaning questionOnly lookedUpRows
            trained { trainingId training datasetId dataset rows }
            lookedUp { knowledgeBaseId knowledgeBase chunks }
          }
          steps {
            without leftOut
            candidates { candidateId interval { n mean low high } }
            pairs { first second n difference low high p }
          }
        }
      }
    }
  }
`);

export const overlapRowsQuery = graphql(`
  query AssessmentOverlapRows($id: ID!, $found: String) {
    node(id: $id) {
      __typename
      ... on Assessment {
        id
        overlaps {
          found(first: 100, after: $found) {
            nodes {
              candidateId row question reference how level similarity hasQuestion hasAnswer counts
              datasetId source sourceRow foundQuestion foundAnswer
            }
            pageInfo { hasNextPage endCursor }
          }
        }
      }
    }
  }
`);

export const checkOverlap = graphql(`
  mutation CheckOverlap($id: ID!) {
    checkOverlap(id: $id) {
      __typename
      ... on CheckOverlapSuccess { run { id } }
      ... on UserError { code message hint field value }
    }
  }
`);
