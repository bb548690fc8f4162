// What the pages of suites ask.
import { graphql } from "../api/graphql.ts";

export const suitesQuery = graphql(`
  query Suites($suites: String) {
    suites(first: 50, after: $suites) {
      nodes { id name runCount createdBy createdAt entries { entryId name } }
      pageInfo { hasNextPage endCursor }
    }
  }
`);

export const suiteQuery = graphql(`
  query Suite($id: ID!, $number: Int) {
    node(id: $id) {
      __typename
      ... on Suite {
        id name runCount createdBy createdAt
        entries { entryId name dataset datasetVersionId isThere split graders }
        run(number: $number) {
          number createdAt createdBy isClear
          entries {
            entry dataset
            assessment { id name rowCount candidates { candidateId } run { id kind name status progress step totalSteps etaSeconds } }
          }
          lead { best second difference low high p n entries }
          lines {
            name overall { mean low high entries n method }
            cells { answered interval { mean low high n } }
          }
        }
        history { number createdAt name mean low high entries of }
      }
    }
  }
`);

export const suiteChoices = graphql(`
  query SuiteChoices($models: String, $knowledgeBases: String) {
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

export const createSuite = graphql(`
  mutation CreateSuite($name: String!, $assessments: [String!]) {
    createSuite(name: $name, assessments: $assessments) {
      __typename
      ... on SuiteSuccess { suite { id name } }
      ... on UserError { code message hint field value }
    }
  }
`);

export const addToSuite = graphql(`
  mutation AddToSuite($suite: ID!, $assessment: ID!) {
    addToSuite(suite: $suite, assessment: $assessment) {
      __typename
      ... on SuiteSuccess { suite { id name } }
      ... on UserError { code message hint field value }
    }
  }
`);

export const takeOutOfSuite = graphql(`
  mutation TakeOutOfSuite($suite: ID!, $entry: ID!) {
    takeOutOfSuite(suite: $suite, entry: $entry) {
      __typename
      ... on SuiteSuccess { suite { id } }
      ... on UserError { code message hint field value }
    }
  }
`);

export const copySuite = graphql(`
  mutation CopySuite($suite: ID!, $name: String!) {
    copySuite(suite: $suite, name: $name) {
      __typename
      ... on SuiteSuccess { suite { id name } }
      ... on UserError { code message hint field value }
    }
  }
`);

export const startSuite = graphql(`
  mutation StartSuite($suite: ID!, $candidates: [CandidateInput!]!) {
    startSuite(suite: $suite, candidates: $candidates) {
      __typename
      ... on StartSuiteSuccess { number suite { id } }
      ... on UserError { code message hint field value }
    }
  }
`);
