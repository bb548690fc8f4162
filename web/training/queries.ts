// GraphQL documents of the training pages.
import { graphql } from "../api/graphql.ts";

export const choicesQuery = graphql(`
  query TrainingChoices($baseModels: String, $datasets: String, $trainers: String) {
    baseModels(first: 200, after: $baseModels) { nodes { id name architecture parameters contextLength } pageInfo { hasNextPage endCursor } }
    datasets(first: 200, after: $datasets) { nodes { id name latest { id number shape rowCount columns { name } } } pageInfo { hasNextPage endCursor } }
    methods { name title parameters }
    trainers(first: 200, after: $trainers) { nodes { id status host } pageInfo { hasNextPage endCursor } }
    processMap { trainerHint }
  }
`);
export const forecastQuery = graphql(`
  query TrainingForecast($input: StartTrainingInput!) {
    trainingForecast(input: $input) { steps seconds memoryBytes cut { sampled cut } warnings refusals { code message hint field value } }
  }
`);
export const startTraining = graphql(`
  mutation StartTraining($input: StartTrainingInput!) {
    startTraining(input: $input) {
      __typename
      ... on StartTrainingSuccess { training { id name } run { id } }
      ... on UserError { code message hint field value }
    }
  }
`);
export const trainingsQuery = graphql(`
  query Trainings($trainings: String) {
    trainings(first: 200, after: $trainings) { nodes {
      id name method createdAt save
      base { id name } datasetVersion { id number rowCount }
      customized { id name }
      run { id kind name status progress step totalSteps etaSeconds startedAt endedAt cancelRequestedAt attempt hold { isSilent } error { code message hint field value } }
    } pageInfo { hasNextPage endCursor } }
  }
`);
export const trainingQuery = graphql(`
  query TrainingOne($id: ID!) {
    node(id: $id) {
      __typename
      ... on Training {
        id name method parameters save createdAt samples
        base { id name } datasetVersion { id number rowCount }
        customized { id name dependantCount dependants { id kind name relation } lineage { id kind name relation } }
        run { id kind name status attempt progress step totalSteps etaSeconds startedAt endedAt cancelRequestedAt error { code message hint field value }
          checkpointStep hold { isSilent silentMs until trainer { id name } }
          attempts { number worker startedAt endedAt outcome why }
        }
        metrics { step loss evalLoss learningRate gradNorm tokensPerSecond memoryBytes }
      }
    }
  }
`);
export const logQuery = graphql(`
  query TrainingLog($id: ID!, $search: String) {
    node(id: $id) { __typename ... on Run { id logLines(search: $search, last: 400) } }
  }
`);
export const runEvents = graphql(`
  subscription RunEvents($runId: ID!, $after: Int) { runEvents(runId: $runId, after: $after) { seq type data } }
`);
