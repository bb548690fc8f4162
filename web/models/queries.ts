// GraphQL documents of the model pages.
import { graphql } from "../api/graphql.ts";

export const basesQuery = graphql(`
  query Bases($baseModels: String) {
    baseModels(first: 200, after: $baseModels) { nodes { id name architecture format parameters contextLength sizeBytes licence status createdAt fit { fits sentence } } pageInfo { hasNextPage endCursor } }
    processMap { stages { key running { id kind name status progress step totalSteps etaSeconds } } }
  }
`);
export const baseQuery = graphql(`
  query Base($id: ID!) {
    node(id: $id) {
      __typename
      ... on BaseModel {
        id name architecture format parameters dtype contextLength sizeBytes licence hash chatTemplate renderedExample vocabSize
        precisions card readme status createdAt
        fit { fits neededBytes availableBytes sentence }
        lineage { id kind name relation }
        dependantCount dependants { id kind name relation }
      }
    }
  }
`);
export const importModel = graphql(`
  mutation ImportModel($input: ImportModelInput!) {
    importModel(input: $input) {
      __typename ... on ImportModelSuccess { run { id } } ... on UserError { code message hint field value }
    }
  }
`);
export const generatedNameQuery = graphql(`
  query GeneratedName($model: String!, $step: NamedStep!, $precision: Precision) {
    generatedName(model: $model, step: $step, precision: $precision)
  }
`);
export const deployModel = graphql(`
  mutation DeployModel($input: DeployModelInput!) {
    deployModel(input: $input) {
      __typename ... on DeployModelSuccess { live { id name } run { id } } ... on UserError { code message hint field value }
    }
  }
`);
export const saveModel = graphql(`
  mutation SaveModel($input: SaveModelInput!) {
    saveModel(input: $input) {
      __typename ... on SaveModelSuccess { run { id } } ... on UserError { code message hint field value }
    }
  }
`);
export const registerModel = graphql(`
  mutation RegisterModel($input: RegisterModelInput!) {
    registerModel(input: $input) {
      __typename ... on RegisterModelSuccess { registered { id alias } } ... on UserError { code message hint field value }
    }
  }
`);
export const stopLive = graphql(`
  mutation StopLive($id: ID!) {
    stopLive(id: $id) { __typename ... on LiveSuccess { live { id } } ... on UserError { code message hint field value } }
  }
`);
export const startLive = graphql(`
  mutation StartLive($id: ID!) {
    startLive(id: $id) { __typename ... on LiveSuccess { live { id } } ... on UserError { code message hint field value } }
  }
`);
export const customizedQuery = graphql(`
  query Customized($customizedModels: String) {
    customizedModels(first: 200, after: $customizedModels) { nodes { id name sizeBytes rank createdAt base { id name } training { id name } } pageInfo { hasNextPage endCursor } }
  }
`);
export const customizedOneQuery = graphql(`
  query CustomizedOne($id: ID!) {
    node(id: $id) {
      __typename
      ... on CustomizedModel {
        id name sizeBytes hash rank createdAt
        base { id name hash precisions } training { id name method }
        lineage { id kind name relation } dependantCount dependants { id kind name relation }
      }
    }
  }
`);
export const completeQuery = graphql(`
  query Complete($completeModels: String) { completeModels(first: 200, after: $completeModels) { nodes { id name sizeBytes createdAt base { id name } customized { id name } } pageInfo { hasNextPage endCursor } } }
`);
export const completeOneQuery = graphql(`
  query CompleteOne($id: ID!) {
    node(id: $id) {
      __typename
      ... on CompleteModel {
        id name sizeBytes hash verification createdAt
        base { id name } customized { id name }
        lineage { id kind name relation } dependantCount dependants { id kind name relation }
      }
    }
  }
`);
export const liveQuery = graphql(`
  query Live($liveModels: String) {
    liveModels(first: 200, after: $liveModels) { nodes {
      id name precision status health tokensPerSecond memoryBytes requests aliases createdAt
      source { id kind name } error { code message hint field value }
    } pageInfo { hasNextPage endCursor } }
  }
`);
export const liveOneQuery = graphql(`
  query LiveOne($id: ID!) {
    node(id: $id) {
      __typename
      ... on LiveModel {
        id name precision status health tokensPerSecond memoryBytes requests aliases createdAt
        source { id kind name } error { code message hint field value }
        lineage { id kind name relation } dependantCount dependants { id kind name relation }
      }
    }
  }
`);
export const registeredQuery = graphql(`
  query Registered($registeredModels: String) { registeredModels(first: 200, after: $registeredModels) { nodes { id alias createdAt live { id name status precision } } pageInfo { hasNextPage endCursor } } }
`);
