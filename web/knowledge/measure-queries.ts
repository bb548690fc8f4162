// GraphQL documents about labelled questions and what measuring with them found.
import type { ResultOf } from "gql.tada";
import { graphql } from "../api/graphql.ts";

export const rerankersQuery = graphql(`
  query Rerankers($providers: String) {
    providers(first: 200, after: $providers) {
      nodes { id models { id name abilities } }
      pageInfo { hasNextPage endCursor }
    }
  }
`);
export const labelledQuestionsQuery = graphql(`
  query LabelledQuestions($id: String!, $questions: String) {
    knowledgeBase(name: $id) {
      id
      questions(first: 200, after: $questions) {
        nodes { id text relevant { documentId start end grade } documents { id name } }
        pageInfo { hasNextPage endCursor }
      }
    }
  }
`);
export type LabelledQuestion = NonNullable<
  ResultOf<typeof labelledQuestionsQuery>["knowledgeBase"]
>["questions"]["nodes"][number];

export const evaluationsQuery = graphql(`
  query RetrievalEvaluations($id: String!) {
    knowledgeBase(name: $id) {
      id
      evaluations(first: 10) {
        nodes {
          id k createdAt
          run { id kind name status progress step totalSteps etaSeconds error { code message hint field value } }
        }
      }
    }
  }
`);
export type EvaluationNode = NonNullable<
  ResultOf<typeof evaluationsQuery>["knowledgeBase"]
>["evaluations"]["nodes"][number];

export const resultsQuery = graphql(`
  query RetrievalResults($base: String!, $id: ID!) {
    knowledgeBase(name: $base) {
      id
      evaluation(id: $id) {
        id k
        results {
          settings { ranker k threshold neighbours reranker }
          recall { mean low high }
          reciprocalRank { mean low high }
          ndcg { mean low high }
          difference {
            recall { mean low high }
            reciprocalRank { mean low high }
            ndcg { mean low high }
          }
          questions {
            questionId text recall reciprocalRank ndcg
            found { documentId document chunkId isRelevant }
          }
        }
      }
    }
  }
`);
export type Result = NonNullable<
  NonNullable<NonNullable<ResultOf<typeof resultsQuery>["knowledgeBase"]>["evaluation"]>["results"]
>[number];

export const labelQuestions = graphql(`
  mutation LabelQuestions($knowledgeBase: ID!, $questions: [LabelledQuestionInput!]!) {
    labelQuestions(knowledgeBase: $knowledgeBase, questions: $questions) {
      __typename
      ... on LabelQuestionsSuccess { questions { id } }
      ... on UserError { code message hint field value }
    }
  }
`);
export const importQuestions = graphql(`
  mutation ImportLabelledQuestions($knowledgeBase: ID!, $text: String!) {
    importLabelledQuestions(knowledgeBase: $knowledgeBase, text: $text) {
      __typename
      ... on ImportLabelledQuestionsSuccess { count refused { line message } }
      ... on UserError { code message hint field value }
    }
  }
`);
export const deleteQuestion = graphql(`
  mutation DeleteLabelledQuestion($id: ID!) {
    deleteLabelledQuestion(id: $id) {
      __typename
      ... on DeleteSuccess { id name }
      ... on UserError { code message hint field value }
    }
  }
`);
export const startEvaluation = graphql(`
  mutation StartRetrievalEvaluation($input: StartRetrievalEvaluationInput!) {
    startRetrievalEvaluation(input: $input) {
      __typename
      ... on StartRetrievalEvaluationSuccess { evaluation { id } run { id } }
      ... on UserError { code message hint field value }
    }
  }
`);
