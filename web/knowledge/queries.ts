// GraphQL documents of the knowledge pages.
import { graphql } from "../api/graphql.ts";

export const knowledgeBasesQuery = graphql(`
  query KnowledgeBases($knowledgeBases: String) {
    knowledgeBases(first: 200, after: $knowledgeBases) { nodes {
      id name status createdAt chunkCount
      counts { total ready failed pending }
      embedder { id name }
      run { id kind name status progress step totalSteps etaSeconds error { code message hint field value } }
    } pageInfo { hasNextPage endCursor } }
  }
`);
export const embeddersQuery = graphql(`
  query Embedders { embedders { id name dimensions maxTokens threshold } }
`);
export const knowledgeBaseQuery = graphql(`
  query KnowledgeBaseOne($id: String!, $documents: String) {
    knowledgeBase(name: $id) {
      id name status createdAt chunkCount
      embedder { id name dimensions maxTokens }
      chunking { maxTokens overlapTokens }
      retrieval { ranker k threshold neighbours reranker }
      counts { total ready failed pending }
      run { id kind name status progress step totalSteps etaSeconds error { code message hint field value } }
      documents(first: 200, after: $documents) { nodes {
        id name state format pages sizeBytes chunkCount createdAt
        error { code message hint field value }
        run { id status }
      } pageInfo { hasNextPage endCursor } }
    }
  }
`);
export const documentQuery = graphql(`
  query DocumentOne($id: ID!, $chunk: ID!, $hasChunk: Boolean!) {
    document(id: $id) {
      id name title state format pages sizeBytes hash warnings chunkCount createdAt
      error { code message hint field value }
      run { id status }
      knowledgeBase { id name }
      chunk(id: $chunk) @include(if: $hasChunk) { id ordinal headings pageFrom pageTo start end tokens }
    }
  }
`);
export const blocksQuery = graphql(`
  query DocumentBlocks($id: ID!, $offset: Int, $at: Int, $limit: Int!) {
    document(id: $id) {
      id
      blocks(offset: $offset, at: $at, limit: $limit) { total blocks { index kind text level page start end } }
    }
  }
`);
export const retrieveQuery = graphql(`
  query Retrieve($input: RetrieveInput!) {
    retrieve(input: $input) {
      nothingFound warnings tookMs
      passages {
        chunkId documentId document title text headings pageFrom pageTo start end tokens score
        rankers { ranker rank score }
      }
    }
  }
`);
export const previewQuery = graphql(`
  query PreviewChunks($input: PreviewChunksInput!) {
    previewChunks(input: $input) {
      title format warnings total
      chunks { text headings pageFrom tokens start end }
    }
  }
`);
export const createKnowledgeBase = graphql(`
  mutation CreateKnowledgeBase($input: CreateKnowledgeBaseInput!) {
    createKnowledgeBase(input: $input) {
      __typename
      ... on KnowledgeBaseSuccess { knowledgeBase { id name } }
      ... on UserError { code message hint field value }
    }
  }
`);
export const updateKnowledgeBase = graphql(`
  mutation UpdateKnowledgeBase($input: UpdateKnowledgeBaseInput!) {
    updateKnowledgeBase(input: $input) {
      __typename
      ... on KnowledgeBaseSuccess { knowledgeBase { id name } run { id } }
      ... on UserError { code message hint field value }
    }
  }
`);
export const addDocuments = graphql(`
  mutation AddDocuments($input: AddDocumentsInput!) {
    addDocuments(input: $input) {
      __typename
      ... on AddDocumentsSuccess { items { name wasThere } run { id } }
      ... on UserError { code message hint field value }
    }
  }
`);
export const retryDocument = graphql(`
  mutation RetryDocument($id: ID!) {
    retryDocument(id: $id) {
      __typename
      ... on DocumentSuccess { document { id } }
      ... on UserError { code message hint field value }
    }
  }
`);
export const deleteDocument = graphql(`
  mutation DeleteDocument($id: ID!) {
    deleteDocument(id: $id) {
      __typename
      ... on DeleteSuccess { id name }
      ... on UserError { code message hint field value }
    }
  }
`);
export const deleteKnowledgeBase = graphql(`
  mutation DeleteKnowledgeBase($id: ID!) {
    deleteKnowledgeBase(id: $id, confirm: true) {
      __typename
      ... on DeleteSuccess { id name }
      ... on UserError { code message hint field value }
    }
  }
`);
