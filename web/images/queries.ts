// What the page of images asks of the server.
import type { ResultOf } from "gql.tada";
import { graphql } from "../api/graphql.ts";

export const modelsQuery = graphql(`
  query ImageModels($providers: String) {
    providers(first: 100, after: $providers) {
      nodes {
        id name
        models {
          id name model prices { image }
          imageOffer { ratios seed takesSource isUnknown }
        }
      }
      pageInfo { hasNextPage endCursor }
    }
    viewer { scopes }
  }
`);
export type ModelNode = ResultOf<typeof modelsQuery>["providers"]["nodes"][number]["models"][number];
/** A model that makes images. */
export type ImageModel = ModelNode & { imageOffer: NonNullable<ModelNode["imageOffer"]> };

export const imagesQuery = graphql(`
  query Images($images: String, $search: String) {
    images(first: 24, after: $images, search: $search) {
      nodes {
        id url mediaType width height sizeBytes prompt model modelId ratio seed fileName createdBy costUsd latencyMs
        createdAt
        source { id url width height prompt fileName }
      }
      pageInfo { hasNextPage endCursor }
      totalCount
    }
  }
`);
export type ImageNode = ResultOf<typeof imagesQuery>["images"]["nodes"][number];

export const requestsQuery = graphql(`
  query ImageRequests($imageRequests: String) {
    imageRequests(first: 50, after: $imageRequests) {
      nodes {
        id prompt model ratio count madeCount createdAt
        run {
          id kind name status progress step totalSteps etaSeconds subjectId cancelRequestedAt
          error { code message hint field value }
        }
      }
      pageInfo { hasNextPage endCursor }
    }
  }
`);
export type RequestNode = ResultOf<typeof requestsQuery>["imageRequests"]["nodes"][number];

export const startImages = graphql(`
  mutation StartImages($input: StartImagesInput!) {
    startImages(input: $input) {
      __typename ... on StartImagesSuccess { request { id } } ... on UserError { code message hint field value }
    }
  }
`);
export const addImage = graphql(`
  mutation AddImage($uploadId: ID!) {
    addImage(input: { uploadId: $uploadId }) {
      __typename
      ... on AddImageSuccess { image { id url width height prompt fileName } }
      ... on UserError { code message hint field value }
    }
  }
`);
