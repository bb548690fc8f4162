// GraphQL documents of the chat.
import { graphql } from "../api/graphql.ts";

export const chatQuery = graphql(`
  query Chat {
    models { id kind name usable reason }
    conversations { id title models updatedAt }
    datasets { id name latest { id rows(offset: 0, limit: 1) { rows { value } } } }
  }
`);
export const conversationQuery = graphql(`
  query ConversationOne($id: ID!) {
    node(id: $id) {
      __typename
      ... on Conversation {
        id title models systemPrompt
        messages { id role text model finishReason usage error { code message hint field value } }
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
