// What the pages about training and documents ask.
import { graphql } from "../api/graphql.ts";

export const factorialQuery = graphql(`
  query Factorial($id: ID!) {
    node(id: $id) {
      __typename
      ... on Assessment {
        id
        factorial {
          n warnings
          cells {
            isTuned hasDocuments costUsd candidate { candidateId name }
            interval { n mean low high } latencyMs { mean low high }
          }
          score {
            training { estimate low high p adjustedP } documents { estimate low high p adjustedP }
            interaction { estimate low high p adjustedP } lead { estimate low high p adjustedP }
          }
          latencyMs {
            training { estimate low high } documents { estimate low high } interaction { estimate low high }
          }
          costUsd {
            training { estimate low high } documents { estimate low high } interaction { estimate low high }
          }
        }
      }
    }
  }
`);

export const factorialChoices = graphql(`
  query FactorialChoices($datasets: String, $models: String, $knowledgeBases: String) {
    datasets(first: 100, after: $datasets) {
      nodes { id name latest { id number rowCount splits statistics columns { name } } }
      pageInfo { hasNextPage endCursor }
    }
    models(first: 100, after: $models) {
      nodes { id name kind usable abilities }
      pageInfo { hasNextPage endCursor }
    }
    knowledgeBases(first: 100, after: $knowledgeBases) {
      nodes { id name }
      pageInfo { hasNextPage endCursor }
    }
  }
`);

export const startFactorial = graphql(`
  mutation StartFactorial($input: StartFactorialInput!) {
    startFactorial(input: $input) {
      __typename
      ... on AssessmentSuccess { assessment { id } }
      ... on UserError { code message hint field value }
    }
  }
`);
