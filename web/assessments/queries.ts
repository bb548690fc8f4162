// What the pages of assessments ask.
import { graphql } from "../api/graphql.ts";

export const assessmentsQuery = graphql(`
  query Assessments($assessments: String) {
    assessments(first: 100, after: $assessments) {
      nodes {
        id name dataset rowCount createdAt candidates { candidateId name }
        run { id kind name status progress step totalSteps etaSeconds subjectId error { code message hint field value } }
      }
      pageInfo { hasNextPage endCursor }
    }
  }
`);

export const assessmentQuery = graphql(`
  query Assessment($id: ID!) {
    node(id: $id) {
      __typename
      ... on Assessment {
        id name dataset datasetId datasetVersionId split rowCount question reference graders maxTokens temperature createdBy createdAt
        sample { kind size seed by }
        forecast { seconds costUsd } actual { seconds costUsd }
        concurrency answersFrom { id name } judges { model mode criteria prompt }
        candidates {
          candidateId name modelId systemPrompt knowledgeBases parameters { temperature topP maxTokens }
        }
        run {
          id kind name status progress step totalSteps etaSeconds subjectId cancelRequestedAt
          createdAt startedAt endedAt error { code message hint field value }
        }
        report {
          isClear unscored best { candidateId name }
          judges {
            label judgements failed unread medianLatencyMs inputTokens outputTokens costUsd
            consistency { n share low high } preferredFirst { n share low high }
          }
          agreements { first second n share low high kappa }
          candidates {
            candidate { candidateId name }
            interval { n mean low high method }
            graders { label unscored interval { n mean low high method } }
            answered failed unscored medianLatencyMs inputTokens outputTokens costUsd
            strength { strength low high }
          }
          pairs {
            first { candidateId name } second { candidateId name }
            n wins ties losses difference low high p adjustedP test detectable rowsNeeded
          }
        }
      }
    }
  }
`);

export const choicesQuery = graphql(`
  query AssessmentChoices($datasets: String, $models: String, $knowledgeBases: String) {
    datasets(first: 100, after: $datasets) {
      nodes { id name latest { id number shape rowCount splits statistics columns { name } } }
      pageInfo { hasNextPage endCursor }
    }
    models(first: 100, after: $models) {
      nodes { id name kind usable abilities }
      pageInfo { hasNextPage endCursor }
    }
    knowledgeBases(first: 200, after: $knowledgeBases) { nodes { id name } pageInfo { hasNextPage endCursor } }
  }
`);

export const previewQuery = graphql(`
  query AssessmentPreview($input: StartAssessmentInput!, $rows: [Int!]) {
    assessmentPreview(input: $input, rows: $rows) {
      __typename
      ... on AssessmentPreviewSuccess {
        rowCount
        rows {
          row reference problem pictures { column url }
          candidates { name sent { role content } } judges { name sent { role content } }
        }
        forecast {
          costUsd seconds
          parts { name calls inputTokens outputTokens isMost costUsd latencyMs }
        }
      }
      ... on UserError { code message hint field value }
    }
  }
`);

export const startAssessment = graphql(`
  mutation StartAssessment($input: StartAssessmentInput!) {
    startAssessment(input: $input) {
      __typename
      ... on AssessmentSuccess { assessment { id } }
      ... on UserError { code message hint field value }
    }
  }
`);

export const resumeAssessment = graphql(`
  mutation ResumeAssessment($id: ID!) {
    resumeAssessment(id: $id) {
      __typename
      ... on AssessmentSuccess { assessment { id } }
      ... on UserError { code message hint field value }
    }
  }
`);

export const ratingQuery = graphql(`
  query Rating($id: ID!) {
    node(id: $id) {
      __typename
      ... on Assessment {
        id name
        ratingQueue(first: 1) {
          done total
          tasks {
            grader row reference pictures { column url } sent { role content }
            first { answerId text } second { answerId text }
          }
        }
      }
    }
  }
`);

export const rateAnswer = graphql(`
  mutation RateAnswer($id: ID!, $grader: Int!, $answerId: ID!, $otherId: ID, $value: Float!) {
    rateAnswer(id: $id, grader: $grader, answerId: $answerId, otherId: $otherId, value: $value) {
      __typename
      ... on UserError { code message hint field value }
    }
  }
`);

export const takeBackRating = graphql(`
  mutation TakeBackRating($id: ID!, $grader: Int!, $answerId: ID!, $otherId: ID) {
    takeBackRating(id: $id, grader: $grader, answerId: $answerId, otherId: $otherId) {
      __typename
      ... on UserError { code message hint field value }
    }
  }
`);

export const scoreAgain = graphql(`
  mutation ScoreAgain($id: ID!, $name: String!, $graders: [String!]!, $judges: [JudgeInput!]) {
    scoreAgain(id: $id, name: $name, graders: $graders, judges: $judges) {
      __typename
      ... on AssessmentSuccess { assessment { id } }
      ... on UserError { code message hint field value }
    }
  }
`);
