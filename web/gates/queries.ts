// What the pages of gates ask, and the dialogs that models pass them in.
import { graphql } from "../api/graphql.ts";

export const gatesQuery = graphql(`
  query Gates($gates: String, $gateOverrides: String, $models: String) {
    gates(first: 100, after: $gates) {
      nodes { id name rule assessmentName assessment { id name } createdBy createdAt }
      pageInfo { hasNextPage endCursor }
    }
    gateOverrides(first: 100, after: $gateOverrides) {
      nodes { id name liveId action alias reason createdBy createdAt held { gate sentence } }
      pageInfo { hasNextPage endCursor }
    }
    models(first: 200, after: $models, kinds: [BASE, CUSTOMIZED, COMPLETE, LIVE]) {
      nodes { id name kind }
      pageInfo { hasNextPage endCursor }
    }
  }
`);

export const gateCheckQuery = graphql(`
  query GateCheck($model: String!) {
    gateCheck(model: $model) {
      model passes
      results { gate { id name rule } model state passes sentence hint assessment { id name } }
    }
  }
`);

export const gatePreviewQuery = graphql(`
  query GatePreview($rule: GateRuleInput!) {
    gatePreview(rule: $rule) {
      results { gate { id name rule } model state passes sentence hint assessment { id name } }
    }
  }
`);

/** What a gate may name: assessments with their graders, and models that others must not be worse than. */
export const gateChoicesQuery = graphql(`
  query GateChoices($assessments: String, $models: String) {
    assessments(first: 100, after: $assessments) {
      nodes { id name graders }
      pageInfo { hasNextPage endCursor }
    }
    models(first: 200, after: $models, kinds: [LIVE, REGISTERED]) {
      nodes { id name kind }
      pageInfo { hasNextPage endCursor }
    }
  }
`);

export const overridesQuery = graphql(`
  query LiveOverrides($id: ID!) {
    node(id: $id) {
      __typename
      ... on LiveModel {
        id
        gateOverrides(first: 50) {
          nodes { id name liveId action alias reason createdBy createdAt held { gate sentence } }
        }
      }
    }
  }
`);

export const createGate = graphql(`
  mutation CreateGate($name: String!, $rule: GateRuleInput!) {
    createGate(name: $name, rule: $rule) {
      __typename
      ... on CreateGateSuccess { gate { id name } }
      ... on UserError { code message hint field value }
    }
  }
`);

export const deleteGate = graphql(`
  mutation DeleteGate($gate: ID!) {
    deleteGate(gate: $gate) {
      __typename
      ... on DeleteSuccess { id name }
      ... on UserError { code message hint field value }
    }
  }
`);

export const assessForGate = graphql(`
  mutation AssessForGate($gate: ID!, $model: String!) {
    assessForGate(gate: $gate, model: $model) {
      __typename
      ... on AssessmentSuccess { assessment { id } }
      ... on UserError { code message hint field value }
    }
  }
`);
