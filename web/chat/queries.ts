// GraphQL documents of the chat.
import { graphql } from "../api/graphql.ts";

export const chatQuery = graphql(`
  query Chat($models: String, $datasets: String) {
    models(first: 200, after: $models) { nodes { id kind name usable reason } pageInfo { hasNextPage endCursor } }
    datasets(first: 200, after: $datasets) { nodes { id name latest { id rows(offset: 0, limit: 1) { rows { value } } } } pageInfo { hasNextPage endCursor } }
  }
`);
export const historyQuery = graphql(`
  query ChatHistory($conversations: String) {
    conversations(first: 100, after: $conversations) {
      nodes { id title models updatedAt }
      pageInfo { hasNextPage endCursor }
    }
  }
`);
export const conversationQuery = graphql(`
  query ConversationOne($id: ID!, $messages: String) {
    node(id: $id) {
      __typename
      ... on Conversation {
        id title models systemPrompt
        messages(first: 200, after: $messages) { nodes { id role text model finishReason usage error { code message hint field value } } pageInfo { hasNextPage endCursor } }
      }
    }
  }
`);
export const sendMessage = graphql(`
  mutation SendMessage($input: SendMessageInput!) {
    sendMessage(input: $input) {
      __typename
      ... on SendMessageSuccess { conversation { id title } reply { id model } }
      ... on UserError { code message hint field value }
    }
  }
`);
export const stopReply = graphql(`
  mutation StopReply($messageId: ID!) {
    stopReply(messageId: $messageId) {
      __typename ... on SendMessageSuccess { reply { id } } ... on UserError { code message hint field value }
    }
  }
`);
export const replyTokens = graphql(`
  subscription ReplyTokens($messageId: ID!) {
    replyTokens(messageId: $messageId) { text done finishReason usage error { code message hint field value } }
  }
`);
export const deleteConversation = graphql(`
  mutation DeleteConversation($id: ID!) {
    deleteConversation(id: $id) { __typename ... on DeleteSuccess { id } ... on UserError { code message hint field value } }
  }
`);
